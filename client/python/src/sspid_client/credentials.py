"""What AcquireCredentialsHandle is given: the role, and who by which kind of secret; no handle is held here."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, unique
from typing import TYPE_CHECKING, cast

from sspid_protos.sspi.v1 import credentials_pb2

if TYPE_CHECKING:
    from collections.abc import Sequence


@unique
class CredentialUse(IntEnum):
    """SECPKG_CRED_*: the roles of a credential."""

    INBOUND = 1
    OUTBOUND = 2
    BOTH = 3


INBOUND = CredentialUse.INBOUND
OUTBOUND = CredentialUse.OUTBOUND
BOTH = CredentialUse.BOTH


@unique
class SchannelCredentialFlag(IntEnum):
    """SCH_CRED_* and SCH_USE_* of schannel.h by name; the numbers are sspi.v1's."""

    NO_SYSTEM_MAPPER = 1
    NO_SERVERNAME_CHECK = 2
    MANUAL_CRED_VALIDATION = 3
    NO_DEFAULT_CREDS = 4
    AUTO_CRED_VALIDATION = 5
    USE_DEFAULT_CREDS = 6
    DISABLE_RECONNECTS = 7
    REVOCATION_CHECK_END_CERT = 8
    REVOCATION_CHECK_CHAIN = 9
    REVOCATION_CHECK_CHAIN_EXCLUDE_ROOT = 10
    IGNORE_NO_REVOCATION_CHECK = 11
    IGNORE_REVOCATION_OFFLINE = 12
    SEND_ROOT_CERT = 13
    SNI_CREDENTIAL = 14
    SNI_ENABLE_OCSP = 15
    USE_STRONG_CRYPTO = 16
    USE_PRESHAREDKEY_ONLY = 17
    USE_DTLS_ONLY = 18


@dataclass(frozen=True, slots=True)
class AuthData:
    """PAuthData: one identity of one kind, made by the functions below. Its secret shows nowhere."""

    kind: str
    message: credentials_pb2.AuthData = field(repr=False)


@dataclass(frozen=True, slots=True)
class CertificateAndKey:
    """One chain with its key: `certificate` (PEM, leaf first) and `key` (PEM), or both as `pkcs12`; `passphrase` opens them.

    `ocsp_response` (DER) is stapled by an acceptor for clients that ask, until its nextUpdate has passed.
    """

    certificate: bytes = b""
    key: bytes = field(default=b"", repr=False)
    pkcs12: bytes = field(default=b"", repr=False)
    passphrase: str = field(default="", repr=False)
    ocsp_response: bytes = b""


def named(name: str) -> AuthData:
    """Return a credential that the service's operator configured; its secret never crosses the wire."""
    return AuthData("named", credentials_pb2.AuthData(named=credentials_pb2.NamedCredential(name=name)))


def anonymous() -> AuthData:
    """No identity: an anonymous logon, or a TLS client without a certificate."""
    return AuthData("anonymous", credentials_pb2.AuthData(anonymous=credentials_pb2.AnonymousIdentity()))


def password(user: str, domain: str, password: str) -> AuthData:
    """Return SEC_WINNT_AUTH_IDENTITY: a user, or a UPN with an empty domain, and the password in clear."""
    identity = credentials_pb2.PasswordIdentity(user=user, domain=domain, password=password)
    return AuthData("password", credentials_pb2.AuthData(password=identity))


def nt_hash(user: str, domain: str, nt_hash: bytes) -> AuthData:
    """Return a user with the MD4 of the UTF-16LE password, 16 bytes."""
    identity = credentials_pb2.NtHashIdentity(user=user, domain=domain, nt_hash=nt_hash)
    return AuthData("nt_hash", credentials_pb2.AuthData(nt_hash=identity))


def keytab(source: bytes | str, principal: str = "") -> AuthData:
    """Return Kerberos keys: a keytab's bytes, or the path of one on the service's machine where policy lets you name it."""
    identity = credentials_pb2.KeytabIdentity(principal=principal)
    if isinstance(source, bytes):
        identity.data = source
    else:
        identity.path = source
    return AuthData("keytab", credentials_pb2.AuthData(keytab=identity))


def credential_cache(source: bytes | str, principal: str = "") -> AuthData:
    """Return Kerberos tickets: the bytes of a FILE cache, or a path on the service's machine where policy lets you name it."""
    identity = credentials_pb2.CredentialCacheIdentity(principal=principal)
    if isinstance(source, bytes):
        identity.data = source
    else:
        identity.path = source
    return AuthData("credential_cache", credentials_pb2.AuthData(credential_cache=identity))


def certificate(certificate: bytes, key: bytes, *, passphrase: str = "", trust_anchors: bytes = b"") -> AuthData:
    """Return one certificate chain (PEM, leaf first) with its key (PEM); `schannel` has all the settings."""
    return schannel([CertificateAndKey(certificate, key, passphrase=passphrase)], trust_anchors=trust_anchors)


def schannel(
    certificates: Sequence[CertificateAndKey] = (),
    *,
    trust_anchors: bytes = b"",
    crls: bytes = b"",
    protocols: Sequence[str] = (),
    cipher_list: str = "",
    cipher_suites: str = "",
    groups: str = "",
    flags: Sequence[SchannelCredentialFlag] = (),
    session_lifespan_seconds: int | None = None,
) -> AuthData:
    """Return SCHANNEL_CRED; what is empty is the package's default.

    `trust_anchors` and `crls` are PEM, the former in place of the operator's roots. `protocols` by name: "TLSv1.2",
    "TLSv1.3", "DTLSv1.2". `cipher_list` is TLS 1.2's in OpenSSL's notation; `cipher_suites` (TLS 1.3) and `groups` are
    joined by ":".
    """
    settings = credentials_pb2.SchannelSettings(
        trust_anchors_pem=trust_anchors,
        crls_pem=crls,
        protocols=protocols,
        cipher_list=cipher_list,
        cipher_suites=cipher_suites,
        groups=groups,
        flags=cast("Sequence[credentials_pb2.SchannelCredentialFlag]", flags),
        session_lifespan_seconds=session_lifespan_seconds,
    )
    chains = [_chain(each) for each in certificates]
    credential = credentials_pb2.SchannelCredential(certificates=chains, settings=settings)
    return AuthData("schannel", credentials_pb2.AuthData(schannel=credential))


def _chain(each: CertificateAndKey) -> credentials_pb2.CertificateAndKey:
    return credentials_pb2.CertificateAndKey(
        certificate_pem=each.certificate,
        key_pem=each.key,
        pkcs12=each.pkcs12,
        passphrase=each.passphrase,
        ocsp_response=each.ocsp_response,
    )


def credssp(*, schannel: AuthData | None = None, negotiate: AuthData | None = None) -> AuthData:
    """Return CREDSSP_CRED: the TLS part (None: an anonymous client) and the part that is delegated (None: the default one)."""
    credential = credentials_pb2.CredSspCredential(
        schannel=schannel.message if schannel else None, negotiate=negotiate.message if negotiate else None
    )
    return AuthData("credssp", credentials_pb2.AuthData(credssp=credential))
