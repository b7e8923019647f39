"""What an operator may decide about Negotiate: data only; each mechanism's own policy is its package's."""

from __future__ import annotations

from dataclasses import dataclass

from sspid.packages.negotiate.mechanisms import PREFERENCE
from sspid.packages.questions import ReadPolicy


@dataclass(frozen=True, slots=True)
class NegotiatePolicy:
    """`packages`: what may be negotiated ("kerberos", "ntlm"); an initiator tries them in this order."""

    packages: tuple[str, ...] = PREFERENCE


DEFAULT = NegotiatePolicy()


async def read() -> NegotiatePolicy:
    """Return the operator's Negotiate policy for the caller of this leg."""
    policy: NegotiatePolicy | None = await ReadPolicy("Negotiate")
    return DEFAULT if policy is None else policy
