"""Negotiate's credential: one of each inner package that can use the secret; knows no mechanism's rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sspid.packages.contract import CredentialRequest, SecurityPackage
    from sspid.vocabulary.credentials import CredentialUse


@dataclass(frozen=True, slots=True)
class NegotiateCredential:
    """`parts` holds the inner packages' credentials by folder name."""

    use: CredentialUse
    parts: Mapping[str, Any] = field(repr=False)
    expiry: datetime | None = None


async def acquire(inner: Mapping[str, SecurityPackage], request: CredentialRequest) -> NegotiateCredential:
    """Let each inner package make its credential; a package that cannot is left out, as long as one can."""
    parts: dict[str, Any] = {}
    failures: list[SspiError] = []
    for name, package in inner.items():
        if package.readiness():
            continue
        try:
            parts[name] = await package.acquire_credentials_handle(request)
        except SspiError as failure:
            failures.append(failure)
    if not parts:
        raise _most_telling(failures)
    ends = [part.expiry for part in parts.values()]
    return NegotiateCredential(request.use, parts, None if None in ends else max(ends))


def _most_telling(failures: list[SspiError]) -> SspiError:
    """Return the failure of a package whose kind of secret it was, where there is one."""
    for failure in failures:
        if failure.status is not SecurityStatus.SEC_E_UNKNOWN_CREDENTIALS:
            return failure
    if failures:
        return failures[0]
    message = "Negotiate has no mechanism that can work here: see the packages' readiness."
    return SspiError(SecurityStatus.SEC_E_NO_CREDENTIALS, message)
