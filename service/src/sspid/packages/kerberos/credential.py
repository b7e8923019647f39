"""What Kerberos makes of a credential request: a library credential and whose it is; acquires, asks no KDC, judges nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sspid.packages.gss import OpenGssCredential
from sspid.packages.kerberos import policy
from sspid.packages.kerberos.statuses import Doing, ask
from sspid.packages.questions import FindNamedCredential
from sspid.vocabulary.credentials import CredentialCache, CredentialUse, Keytab, Named, Password
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from datetime import datetime

    from sspid.packages.contract import CredentialRequest
    from sspid.packages.gss import GssCredential

    Usable = Password | Keytab | CredentialCache


@dataclass(frozen=True, slots=True)
class KerberosCredential:
    """`held` is the library's. `principal` is empty for an acceptor that takes any key of its table."""

    use: CredentialUse
    held: GssCredential = field(repr=False)
    principal: str = ""
    expiry: datetime | None = None


def holding(held: GssCredential, use: CredentialUse) -> KerberosCredential:
    """A credential around the library's."""
    return KerberosCredential(use, held, held.principal, held.expiry)


async def acquire(request: CredentialRequest) -> KerberosCredential:
    """Turn a password, a key table or a cache into Kerberos' credential. SEC_E_UNKNOWN_CREDENTIALS, SEC_E_NO_CREDENTIALS.

    `request.principal` other than the secret's own asks for that user's tickets on the secret's authority (S4U2Self).
    """
    secret = await _usable(request)
    own, impersonated = _principals(secret, request)
    question = OpenGssCredential(secret, request.use, own, impersonated)
    return holding(await ask(question, Doing.OPENING), request.use)


async def _usable(request: CredentialRequest) -> Usable:
    secret = request.secret
    if secret is None:
        message = "Kerberos has no default credential here: give a password, a key table or a credential cache."
        raise SspiError(SecurityStatus.SEC_E_NO_CREDENTIALS, message)
    named = isinstance(secret, Named)
    if isinstance(secret, Named):
        secret = await FindNamedCredential(secret.name)
    if not isinstance(secret, Password | Keytab | CredentialCache) or (isinstance(secret, Password) and not secret.user):
        message = f"Kerberos cannot use a {type(secret).__name__} of nobody: give a user's password, a key table or a cache."
        raise SspiError(SecurityStatus.SEC_E_UNKNOWN_CREDENTIALS, message)
    if isinstance(secret, Keytab | CredentialCache) and secret.path and not named:
        await _require_files_allowed(secret.path)
    if request.use.inbound and not isinstance(secret, Keytab) and request.use is CredentialUse.INBOUND:
        message = "A Kerberos acceptor needs the keys of its services: give a key table."
        raise SspiError(SecurityStatus.SEC_E_UNKNOWN_CREDENTIALS, message)
    return secret


async def _require_files_allowed(path: str) -> None:
    rules = await policy.read()
    if not rules.files:
        message = "Policy does not let this caller name files of the service's machine; send the bytes, or name a credential."
        await rules.breach("files", SecurityStatus.SEC_E_UNKNOWN_CREDENTIALS, message, path)


def _principals(secret: Usable, request: CredentialRequest) -> tuple[str, str]:
    """Whose the secret is, and whom it shall impersonate; either may be empty."""
    own = principal_of(secret.user, secret.domain) if isinstance(secret, Password) else secret.principal
    wanted = request.principal
    if not wanted or wanted in {own, own.rpartition("@")[0]}:
        return own, ""
    if request.use is CredentialUse.OUTBOUND and (own or isinstance(secret, CredentialCache)):
        return own, wanted
    return own or wanted, ""


def principal_of(user: str, domain: str) -> str:
    r"""A Windows user as a principal: ``user``, ``user@realm`` or ``DOMAIN\user``; realms are written in upper case."""
    if not domain and "\\" in user:
        domain, _, user = user.partition("\\")
    if not domain and "@" in user:
        user, _, domain = user.rpartition("@")
    escaped = user.replace("\\", "\\\\").replace("@", "\\@")
    return f"{escaped}@{domain.upper()}" if domain else escaped
