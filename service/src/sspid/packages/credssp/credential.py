"""What CredSSP makes of CREDSSP_CRED: a Schannel and a Negotiate credential, and what may be delegated; judges no policy."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sspid.packages.contract import CredentialRequest
from sspid.packages.credssp import policy
from sspid.packages.credssp.credentials import EMPTY, Creds, PasswordCreds
from sspid.packages.credssp.delegation import Kind
from sspid.packages.questions import FindNamedCredential
from sspid.vocabulary.credentials import (
    CredentialCache,
    CredentialUse,
    CredSspPair,
    Keytab,
    Named,
    NtHash,
    Password,
    Schannel,
)
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from datetime import datetime

    from sspid.packages.contract import SecurityPackage
    from sspid.vocabulary.credentials import Secret


@dataclass(frozen=True, slots=True)
class CredSspCredential:
    """`tls` None: of use only to callers that own their TLS. `negotiate` None: the initiator's caller supplies it per context.

    `secret` is the Negotiate part as it was given, for delegation; `creds` what a peer delegated to be handed on.
    """

    use: CredentialUse
    tls: Any = field(default=None, repr=False)
    negotiate: Any = field(default=None, repr=False)
    secret: Secret | None = field(default=None, repr=False)
    kind: Kind = Kind.FRESH
    expiry: datetime | None = None
    creds: Creds | None = field(default=None, repr=False)

    @property
    def delegable(self) -> Creds | None:
        """What TSCredentials can carry of it; None where nothing can."""
        if self.creds is not None:
            return self.creds
        if isinstance(self.secret, Password):
            return PasswordCreds(self.secret.domain, self.secret.user, self.secret.password)
        return None if isinstance(self.secret, NtHash) else EMPTY

    @property
    def forwards(self) -> bool:
        """Whether a forwarded Kerberos ticket is all it can delegate."""
        return isinstance(self.secret, CredentialCache | Keytab)


async def acquire(schannel: SecurityPackage, negotiate: SecurityPackage, request: CredentialRequest) -> CredSspCredential:
    """Build the credential: SEC_E_UNKNOWN_CREDENTIALS for parts that cannot be used, SEC_E_NO_CREDENTIALS for none."""
    pair = await _pair(request.secret)
    secret, kind = await _inner_secret(pair, request.use)
    tls = await _tls(schannel, pair, request.use)
    part = None
    if secret is not None or request.use.inbound:
        part = await negotiate.acquire_credentials_handle(CredentialRequest(request.use, secret, request.principal))
    expiry = min((each.expiry for each in (tls, part) if each is not None and each.expiry), default=None)
    return CredSspCredential(request.use, tls, part, secret, kind, expiry)


async def default_tls(schannel: SecurityPackage) -> Any:
    """The Schannel part of an initiator that was given none."""
    return await _tls(schannel, CredSspPair(None, None), CredentialUse.OUTBOUND)


async def _pair(secret: Secret | None) -> CredSspPair:
    """One part alone is taken for what it is."""
    named = isinstance(secret, Named)
    given = await FindNamedCredential(secret.name) if isinstance(secret, Named) else secret
    if isinstance(given, CredSspPair):
        return given
    if isinstance(given, Schannel):
        return CredSspPair(given, None)
    # A named credential stays one: where it comes from decides how it may be delegated.
    return CredSspPair(None, secret if named else given)  # type: ignore[arg-type]  # the pair's own kinds are all that is left


async def _inner_secret(pair: CredSspPair, use: CredentialUse) -> tuple[Secret | None, Kind]:
    given = pair.negotiate
    if isinstance(given, Named):
        return await FindNamedCredential(given.name), Kind.SAVED
    if given is not None or not use.outbound or use.inbound:
        return given, Kind.FRESH
    default = (await policy.read()).default_credential
    return (await FindNamedCredential(default), Kind.DEFAULT) if default else (None, Kind.DEFAULT)


async def _tls(schannel: SecurityPackage, pair: CredSspPair, use: CredentialUse) -> Any:
    given = pair.schannel
    if isinstance(given, Named):
        found = await FindNamedCredential(given.name)
        if not isinstance(found, Schannel):
            raise _unknown(
                f"The credential {given.name!r} is a {type(found).__name__} and the Schannel part needs certificates."
            )
        given = found
    if given is None and use.inbound:
        return None
    given = given or Schannel()
    if any(name.startswith("DTLS") for name in given.settings.protocols):
        raise _unknown("CredSSP runs over TLS and not over DTLS; leave the DTLS protocols out of its Schannel part.")
    # [MS-CSSP] 3.1.5: no session is ever resumed.
    settings = replace(given.settings, flags=given.settings.flags | {"DISABLE_RECONNECTS"})
    return await schannel.acquire_credentials_handle(CredentialRequest(use, replace(given, settings=settings)))


def _unknown(message: str) -> SspiError:
    return SspiError(SecurityStatus.SEC_E_UNKNOWN_CREDENTIALS, message)
