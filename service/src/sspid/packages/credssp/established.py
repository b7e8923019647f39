"""An established CredSSP context: what the exchange proved, its attributes, and its packing without what was delegated."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sspid.packages.credssp.credential import CredSspCredential
from sspid.packages.credssp.credentials import Creds, PasswordCreds, RemoteGuardCreds, SmartCardCreds
from sspid.packages.credssp.delegation import Kind
from sspid.packages.silent import Silent
from sspid.vocabulary.attributes import (
    ContextAttribute,
    DelegatedCredential,
    Identity,
    Lifespan,
    Names,
    NegotiatedFlags,
    NegotiationInfo,
    Number,
    Sizes,
    Target,
    Text,
)
from sspid.vocabulary.credentials import CredentialUse, Password
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag, Flags
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from sspid.vocabulary.attributes import AttributeValue

BY_KERBEROS: Final = 1
BY_CERTIFICATE: Final = 2
TRUSTED: Final = 0
UNTRUSTED: Final = 0x20
"""CERT_TRUST_IS_UNTRUSTED_ROOT (wincrypt.h): stands for whatever kept the chain or the name from being trusted."""
_MAX_TOKEN: Final = 90567
_MAGIC: Final = b"sspid CredSSP 1\n"
_LENGTH: Final = 4


class Proven(Silent, frozen=True):
    """What the exchange proved. `server_auth`: BY_KERBEROS and BY_CERTIFICATE; `trusted` None where nobody saw a chain."""

    server: bool
    version: int
    mechanism: str
    granted: Flags
    identity: Identity | None = None
    names: str = ""
    target: str = ""
    server_auth: int = 0
    trusted: bool | None = None
    expiry: datetime | None = None


class Established(Silent, frozen=True):
    """`tls` is Schannel's context (None: the caller owns its TLS). `creds` and `forwarded` are what the client delegated.

    `receives` and `in_clear`: what policy lets this context's caller have of them.
    """

    proven: Proven
    tls: Any = None
    tls_credential: Any = None
    creds: Creds | None = None
    forwarded: DelegatedCredential | None = None
    receives: bool = False
    in_clear: bool = False


def attribute(state: Established, wanted: ContextAttribute) -> AttributeValue | None:
    """One attribute's value; None where it is not CredSSP's own."""
    reader = _READERS.get(wanted)
    return None if reader is None else reader(state)


def delegated(state: Established) -> DelegatedCredential:
    """What the client delegated. SEC_E_NO_CREDENTIALS for nothing, SEC_E_UNSUPPORTED_FUNCTION for an initiator or by policy."""
    if not state.proven.server:
        _only("acceptor", "CREDS")
    if not state.receives:
        message = "Policy lets this caller have no delegated credentials; it is receive_credentials of [policy.credssp]."
        raise SspiError(SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, message)
    match state.creds:
        case PasswordCreds(empty=False) as creds:
            secret = Password(creds.user, creds.domain, creds.password)
            clear = creds.password if state.in_clear else None
            return DelegatedCredential(creds.user, creds.domain, "password", secret, clear)
        case SmartCardCreds() as card:
            return DelegatedCredential(
                card.user_hint or "", card.domain_hint or "", "smart card", _held(card), card.pin if state.in_clear else None
            )
        case RemoteGuardCreds() as guard:
            return DelegatedCredential(state.proven.names, "", "remote guard", _held(guard))
    if state.forwarded is not None:
        return state.forwarded
    message = "The client delegated an empty credential: it did not ask for DELEGATE, or is in restricted admin mode."
    raise SspiError(SecurityStatus.SEC_E_NO_CREDENTIALS, message)


def _held(creds: Creds) -> CredSspCredential:
    """A credential that can only be delegated onwards, which is all that a card's PIN or a guarded logon is good for here."""
    return CredSspCredential(CredentialUse.OUTBOUND, kind=Kind.FRESH, creds=creds)


def _only(role: str, name: str) -> None:
    message = f"The attribute {name} is only an {role}'s."
    raise SspiError(SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, message)


def _server_auth(state: Established) -> Number:
    if state.proven.server:
        _only("initiator", "SERVER_AUTH_FLAGS")
    return Number(state.proven.server_auth)


def _trust(state: Established) -> Number:
    if state.proven.server or state.proven.trusted is None:
        _only("initiator with TLS", "CERT_TRUST_STATUS")
    return Number(TRUSTED if state.proven.trusted else UNTRUSTED)


def _access_token(state: Established) -> Identity:
    if state.proven.identity is None:
        _only("acceptor", "C_ACCESS_TOKEN")
    return state.proven.identity or Identity("")


_READERS: Final[dict[ContextAttribute, Callable[[Established], AttributeValue]]] = {
    ContextAttribute.SIZES: lambda _: Sizes(_MAX_TOKEN, 0, 0, 0),
    ContextAttribute.NAMES: lambda state: Names(state.proven.names),
    ContextAttribute.LIFESPAN: lambda state: Lifespan(None, state.proven.expiry),
    ContextAttribute.NEGOTIATION_INFO: lambda state: NegotiationInfo(state.proven.mechanism, 0),
    ContextAttribute.NEGOTIATION_PACKAGE: lambda state: Text(state.proven.mechanism),
    ContextAttribute.FLAGS: lambda state: NegotiatedFlags(state.proven.granted),
    ContextAttribute.TARGET: lambda state: Target(state.proven.target),
    ContextAttribute.SERVER_AUTH_FLAGS: _server_auth,
    ContextAttribute.CERT_TRUST_STATUS: _trust,
    ContextAttribute.C_ACCESS_TOKEN: _access_token,
    ContextAttribute.C_FULL_ACCESS_TOKEN: _access_token,
    ContextAttribute.CREDS: delegated,
    ContextAttribute.CREDS_2: delegated,
}

OF_TLS: Final = frozenset(
    {
        ContextAttribute.STREAM_SIZES, ContextAttribute.KEY_INFO, ContextAttribute.CONNECTION_INFO,
        ContextAttribute.CIPHER_INFO, ContextAttribute.REMOTE_CERT_CONTEXT, ContextAttribute.REMOTE_CERT_CHAIN,
        ContextAttribute.LOCAL_CERT_CONTEXT, ContextAttribute.UNIQUE_BINDINGS, ContextAttribute.ENDPOINT_BINDINGS,
        ContextAttribute.SESSION_INFO, ContextAttribute.APPLICATION_PROTOCOL,
    }
)  # fmt: skip
"""What Schannel answers of its context; the rest of its attributes, its secrets first of all, stay inside."""


def pack(proven: Proven, tls: bytes) -> bytes:
    """An established context without what was delegated: the credential stays with the one who has it."""
    identity = proven.identity
    facts = {
        "server": proven.server, "version": proven.version, "mechanism": proven.mechanism,
        "granted": sorted(int(flag) for flag in proven.granted), "names": proven.names, "target": proven.target,
        "server_auth": proven.server_auth, "trusted": proven.trusted,
        "expiry": proven.expiry.isoformat() if proven.expiry else None,
        "identity": identity and [
            identity.name, identity.domain, list(identity.groups), list(identity.sids), identity.mapped_by,
        ],
    }  # fmt: skip
    written = json.dumps(facts).encode()
    return _MAGIC + len(written).to_bytes(_LENGTH, "big") + written + tls


def unpack(packed: bytes) -> tuple[Proven, bytes]:
    """What `pack` packed, and Schannel's part. SEC_E_INVALID_TOKEN for anything else."""
    start = len(_MAGIC) + _LENGTH
    end = start + int.from_bytes(packed[len(_MAGIC) : start], "big")
    try:
        if not packed.startswith(_MAGIC) or end > len(packed):
            raise ValueError
        return _facts(json.loads(packed[start:end])), packed[end:]
    except (ValueError, LookupError, TypeError, ArithmeticError, RecursionError):
        message = "This is no exported CredSSP context of this version."
        raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, message) from None


def _facts(found: Any) -> Proven:
    identity = found["identity"]
    return Proven(
        bool(found["server"]),
        int(found["version"]),
        str(found["mechanism"]),
        frozenset(ContextFlag(number) for number in found["granted"]),
        identity and Identity(identity[0], identity[1], tuple(identity[2]), tuple(identity[3]), mapped_by=identity[4]),
        str(found["names"]),
        str(found["target"]),
        int(found["server_auth"]),
        found["trusted"],
        datetime.fromisoformat(found["expiry"]) if found["expiry"] else None,
    )
