"""Negotiate's credential: one of each inner package that can use the secret; knows no mechanism's rules."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from sspid.packages.negotiate import policy
from sspid.vocabulary.credentials import CredentialUse
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sspid.packages.contract import CredentialRequest, SecurityPackage

_UNKNOWN: Final = SecurityStatus.SEC_E_UNKNOWN_CREDENTIALS


@dataclass(frozen=True, slots=True)
class NegotiateCredential:
    """`parts` holds the inner packages' credentials by folder name."""

    use: CredentialUse
    parts: Mapping[str, Any] = field(repr=False)
    expiry: datetime | None = None


async def acquire(inner: Mapping[str, SecurityPackage], request: CredentialRequest) -> NegotiateCredential:
    """Let each inner package make its credential; a package that cannot is left out, as long as one can.

    An acceptor's key table is Kerberos' alone, but NTLM needs none to accept: it is taken in with its own default.
    """
    able = {name: package for name, package in inner.items() if not package.readiness()}
    parts, failures = await _acquired(able, request)
    if not parts:
        raise _most_telling(list(failures.values()))
    if failures and request.use is CredentialUse.INBOUND and request.secret is not None:
        others = {name: able[name] for name, failure in failures.items() if failure.status is _UNKNOWN}
        parts |= (await _acquired(others, replace(request, secret=None)))[0]
    parts = _allowed(parts, inner, (await policy.read()).packages)
    ends = [part.expiry for part in parts.values()]
    return NegotiateCredential(request.use, parts, None if None in ends else max(ends))


def _allowed(parts: dict[str, Any], inner: Mapping[str, SecurityPackage], packages: tuple[str, ...]) -> dict[str, Any]:
    """Leave out what policy does not let be negotiated, where something is left: no leg need then count on its KDC."""
    if parts.keys().isdisjoint(packages):
        return parts
    for name in parts.keys() - set(packages):
        inner[name].free_credentials_handle(parts.pop(name))
    return parts


async def _acquired(
    inner: Mapping[str, SecurityPackage], request: CredentialRequest
) -> tuple[dict[str, Any], dict[str, SspiError]]:
    parts: dict[str, Any] = {}
    failures: dict[str, SspiError] = {}
    for name, package in inner.items():
        try:
            parts[name] = await package.acquire_credentials_handle(request)
        except SspiError as failure:
            failures[name] = failure
    return parts, failures


def _most_telling(failures: list[SspiError]) -> SspiError:
    """Return the failure of a package whose kind of secret it was, where there is one."""
    for failure in failures:
        if failure.status is not _UNKNOWN:
            return failure
    if failures:
        return failures[0]
    message = "Negotiate has no mechanism that can work here: see the packages' readiness."
    return SspiError(SecurityStatus.SEC_E_NO_CREDENTIALS, message)
