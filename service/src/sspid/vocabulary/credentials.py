"""Credentials as a caller hands them over: one frozen type a kind of secret; not what a package makes of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, unique


@unique
class CredentialUse(IntEnum):
    """SECPKG_CRED_*: which role the credential is for."""

    INBOUND = 1
    OUTBOUND = 2
    BOTH = 3

    @property
    def inbound(self) -> bool:
        """Whether AcceptSecurityContext may use it."""
        return bool(self & CredentialUse.INBOUND)

    @property
    def outbound(self) -> bool:
        """Whether InitializeSecurityContext may use it."""
        return bool(self & CredentialUse.OUTBOUND)


@dataclass(frozen=True, slots=True)
class Anonymous:
    """No identity: an anonymous logon, or a TLS client without certificate."""


@dataclass(frozen=True, slots=True)
class Password:
    """SEC_WINNT_AUTH_IDENTITY with a clear password. `domain` may be empty, `user` may be a UPN."""

    user: str
    domain: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class NtHash:
    """A user with the 16-byte NT hash in place of a password; never guessed from a password that looks like one."""

    user: str
    domain: str = ""
    nt_hash: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Keytab:
    """A Kerberos key table, its bytes or the path of a file on the service's machine; `principal` empty means any in it."""

    principal: str = ""
    data: bytes = field(default=b"", repr=False)
    path: str = ""


@dataclass(frozen=True, slots=True)
class CredentialCache:
    """A Kerberos credential cache in MIT's FILE format, its bytes or a path on the service's machine."""

    principal: str = ""
    data: bytes = field(default=b"", repr=False)
    path: str = ""


@dataclass(frozen=True, slots=True)
class CertificateAndKey:
    """One certificate chain with its key: PEM (leaf first), or one PKCS#12 file; `passphrase` opens an encrypted key.

    `ocsp_response` (DER) is what an acceptor staples for clients that ask (RFC 6066 8), until its nextUpdate.
    """

    certificate_pem: bytes = b""
    key_pem: bytes = field(default=b"", repr=False)
    pkcs12: bytes = field(default=b"", repr=False)
    passphrase: str = field(default="", repr=False)
    ocsp_response: bytes = b""


@dataclass(frozen=True, slots=True)
class SchannelSettings:
    """SCHANNEL_CRED and SCH_CREDENTIALS by their meaning; empty and None mean the package's default.

    `trust_anchors_pem`: roots to trust instead of the operator's. `crls_pem`: CRLs to check against.
    `protocols`: names such as "TLSv1.2", "TLSv1.3", "DTLSv1.2". `ciphers`: OpenSSL cipher strings, TLS 1.2 and TLS 1.3.
    `groups`: key exchange groups, OpenSSL's names joined by ":". `flags`: SCH_CRED_* names without the prefix.
    `session_lifespan_seconds`: dwSessionLifespan; default 36000.
    """

    trust_anchors_pem: bytes = b""
    crls_pem: bytes = b""
    protocols: tuple[str, ...] = ()
    cipher_list: str = ""
    cipher_suites: str = ""
    groups: str = ""
    flags: frozenset[str] = frozenset()
    session_lifespan_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Schannel:
    """Any number of certificates (SNI and key type choose) with the settings they are used under."""

    certificates: tuple[CertificateAndKey, ...] = ()
    settings: SchannelSettings = SchannelSettings()


@dataclass(frozen=True, slots=True)
class Named:
    """A credential the operator configured under this name; its secrets never cross the wire."""

    name: str


@dataclass(frozen=True, slots=True)
class CredSspPair:
    """CREDSSP_CRED: the TLS part and the Negotiate part."""

    schannel: Schannel | Named | None
    negotiate: Password | NtHash | Keytab | CredentialCache | Named | Anonymous | None


Secret = Anonymous | Password | NtHash | Keytab | CredentialCache | Schannel | Named | CredSspPair
"""pAuthData; None in a request means the package's default credential."""
