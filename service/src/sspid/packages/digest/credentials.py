"""What Digest makes of AcquireCredentialsHandle's parameters: a user and a password, or an acceptor's realm; judges none."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sspid.packages.digest import inputs
from sspid.packages.digest.policy import DigestPolicy
from sspid.packages.questions import FindNamedCredential, ReadPolicy
from sspid.vocabulary.credentials import Anonymous, CredentialUse, Named, Password, Secret
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from datetime import datetime

    from sspid.packages.contract import CredentialRequest

_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class DigestCredential:
    """`user`, `password`: an initiator's. `realm`: the initiator's choice of realm, or the acceptor's own; may be empty."""

    use: CredentialUse
    policy: DigestPolicy
    user: str = ""
    realm: str = ""
    password: str = field(default="", repr=False)

    @property
    def expiry(self) -> datetime | None:
        """Digest credentials never end ([W32:acceptsecuritycontext--digest])."""
        return None


async def acquire(request: CredentialRequest) -> DigestCredential:
    """Make a credential. SEC_E_UNKNOWN_CREDENTIALS for another kind, SEC_E_NO_CREDENTIALS for an initiator without a user."""
    if request.use is CredentialUse.BOTH:
        raise _unknown("Digest credentials are INBOUND or OUTBOUND, never BOTH; acquire one for each role.")
    secret = request.secret
    if isinstance(secret, Named):
        secret = await FindNamedCredential(secret.name)
    policy = await ReadPolicy("Digest") or DigestPolicy()
    if request.use is CredentialUse.INBOUND:
        return _inbound(secret, policy)
    return _outbound(secret, policy)


def _inbound(secret: Secret | None, policy: DigestPolicy) -> DigestCredential:
    if secret is None or isinstance(secret, Anonymous):
        return DigestCredential(CredentialUse.INBOUND, policy)
    if not isinstance(secret, Password):
        raise _unknown("An acceptor of Digest takes no credential, or a password credential whose domain is its realm.")
    return DigestCredential(CredentialUse.INBOUND, policy, realm=inputs.realm(secret.domain))


def _outbound(secret: Secret | None, policy: DigestPolicy) -> DigestCredential:
    if secret is None or isinstance(secret, Anonymous):
        message = "Digest has no default or anonymous user; acquire the credential with a user name and a password."
        raise SspiError(SecurityStatus.SEC_E_NO_CREDENTIALS, message)
    if not isinstance(secret, Password):
        raise _unknown("Digest needs a clear password; hashes, key tables and certificates cannot stand in for one.")
    if not secret.user:
        raise SspiError(SecurityStatus.SEC_E_NO_CREDENTIALS, "The credential names no user; Digest needs a user name.")
    if any(_CONTROL.search(part) for part in (secret.user, secret.domain, secret.password)):
        raise _unknown("The user name, domain or password holds a control character; Digest cannot send it.")
    return DigestCredential(CredentialUse.OUTBOUND, policy, secret.user, secret.domain, secret.password)


def _unknown(message: str) -> SspiError:
    return SspiError(SecurityStatus.SEC_E_UNKNOWN_CREDENTIALS, message)
