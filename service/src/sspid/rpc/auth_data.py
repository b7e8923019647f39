"""From AuthData messages to the credentials of the vocabulary: the kind is read, never guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sspid_protos.sspi.v1 import credentials_pb2 as wire

from sspid.vocabulary import credentials
from sspid.vocabulary.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

USE_FROM_WIRE: dict[int, credentials.CredentialUse] = {
    wire.CREDENTIAL_USE_INBOUND: credentials.CredentialUse.INBOUND,
    wire.CREDENTIAL_USE_OUTBOUND: credentials.CredentialUse.OUTBOUND,
    wire.CREDENTIAL_USE_BOTH: credentials.CredentialUse.BOTH,
}
FLAG_PREFIX = "SCHANNEL_CREDENTIAL_FLAG_"


def credential_use(number: int) -> credentials.CredentialUse:
    """FCredentialUse. INVALID_ARGUMENT where it is not said."""
    try:
        return USE_FROM_WIRE[number]
    except KeyError:
        raise RefusedError("INVALID_ARGUMENT", "Say what the credential is for: INBOUND, OUTBOUND or BOTH.") from None


def secret(message: wire.AuthData) -> credentials.Secret | None:
    """The credential a request hands over; None for the package's default."""
    which = message.WhichOneof("kind")
    return None if which is None else _READ[which](getattr(message, which))


def _schannel(message: wire.SchannelCredential) -> credentials.Schannel:
    settings = message.settings
    return credentials.Schannel(
        tuple(
            credentials.CertificateAndKey(each.certificate_pem, each.key_pem, each.pkcs12, each.passphrase, each.ocsp_response)
            for each in message.certificates
        ),
        credentials.SchannelSettings(
            trust_anchors_pem=settings.trust_anchors_pem,
            crls_pem=settings.crls_pem,
            protocols=tuple(settings.protocols),
            cipher_list=settings.cipher_list,
            cipher_suites=settings.cipher_suites,
            groups=settings.groups,
            flags=frozenset(_flag(number) for number in settings.flags),
            session_lifespan_seconds=settings.session_lifespan_seconds
            if settings.HasField("session_lifespan_seconds")
            else None,
        ),
    )


def _flag(number: int) -> str:
    try:
        name = wire.SchannelCredentialFlag.Name(number)
    except ValueError:
        raise RefusedError("INVALID_ARGUMENT", f"Schannel credential flag {number} is not one of sspi.v1.") from None
    return name.removeprefix(FLAG_PREFIX)


def _pair(message: wire.CredSspCredential) -> credentials.CredSspPair:
    outer = secret(message.schannel) if message.HasField("schannel") else None
    inner = secret(message.negotiate) if message.HasField("negotiate") else None
    if not isinstance(outer, credentials.Schannel | credentials.Named | None):
        raise RefusedError("INVALID_ARGUMENT", "The Schannel part of a CredSSP credential is a Schannel or a named credential.")
    if isinstance(inner, credentials.Schannel | credentials.CredSspPair):
        raise RefusedError("INVALID_ARGUMENT", "The Negotiate part of a CredSSP credential is a user, a key table or a cache.")
    return credentials.CredSspPair(outer, inner)


_READ: dict[str, Callable[[Any], credentials.Secret]] = {
    "password": lambda m: credentials.Password(m.user, m.domain, m.password),
    "nt_hash": lambda m: credentials.NtHash(m.user, m.domain, m.nt_hash),
    "keytab": lambda m: credentials.Keytab(m.principal, m.data, m.path),
    "credential_cache": lambda m: credentials.CredentialCache(m.principal, m.data, m.path),
    "schannel": _schannel,
    "named": lambda m: credentials.Named(m.name),
    "anonymous": lambda _: credentials.Anonymous(),
    "credssp": _pair,
}
