"""What NTLM makes of a credential request: the user and the NT hash, the password forgotten at once; acquires, never judges."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sspid.packages.ntlm import crypto
from sspid.packages.questions import FindNamedCredential
from sspid.vocabulary.attributes import Identity
from sspid.vocabulary.credentials import Anonymous, Named, NtHash, Password
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from datetime import datetime

    from sspid.packages.contract import CredentialRequest
    from sspid.vocabulary.credentials import CredentialUse


_NOBODY = Identity("")


@dataclass(frozen=True, slots=True)
class NtlmCredential:
    """`nt_hash` None: no identity to prove, an acceptor's credential or (`anonymous`) a null session."""

    use: CredentialUse
    identity: Identity = _NOBODY
    nt_hash: bytes | None = field(default=None, repr=False)
    anonymous: bool = False
    expiry: datetime | None = None

    @property
    def user(self) -> str:
        """The user as it was given."""
        return self.identity.name

    @property
    def domain(self) -> str:
        """The domain as it was given."""
        return self.identity.domain


async def acquire(request: CredentialRequest) -> NtlmCredential:
    """Turn a password, an NT hash, a named credential or nothing into NTLM's credential. SEC_E_UNKNOWN_CREDENTIALS."""
    secret = request.secret
    if isinstance(secret, Named):
        secret = await FindNamedCredential(secret.name)
    match secret:
        case Password():
            # An empty user and password are how SSPI spells an anonymous logon ([MS-NLMP] 3.1.5.1.2).
            if not secret.user and not secret.password:
                return NtlmCredential(request.use, anonymous=True)
            return NtlmCredential(request.use, Identity(secret.user, secret.domain), crypto.nt_hash(secret.password))
        case NtHash():
            if len(secret.nt_hash) != 16:
                message = f"An NT hash has 16 bytes and not {len(secret.nt_hash)}."
                raise SspiError(SecurityStatus.SEC_E_UNKNOWN_CREDENTIALS, message)
            return NtlmCredential(request.use, Identity(secret.user, secret.domain), secret.nt_hash)
        case Anonymous():
            return NtlmCredential(request.use, anonymous=True)
        case None if request.use.inbound:
            return NtlmCredential(request.use)
        case None:
            message = "NTLM has no default credential here: give a user with a password or an NT hash."
            raise SspiError(SecurityStatus.SEC_E_NO_CREDENTIALS, message)
    message = f"NTLM cannot use a {type(secret).__name__}: give a user with a password or an NT hash."
    raise SspiError(SecurityStatus.SEC_E_UNKNOWN_CREDENTIALS, message)
