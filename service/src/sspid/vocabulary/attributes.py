"""Attributes of contexts and credentials: SECPKG_ATTR ids and one frozen type a value; an attribute is one entry here."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, unique
from typing import TYPE_CHECKING

from sspid.vocabulary.names import PackageInfo

if TYPE_CHECKING:
    from datetime import datetime

    from sspid.vocabulary.flags import Flags


@unique
class ContextAttribute(IntEnum):
    """SECPKG_ATTR_* ids of sspi.h, schannel.h and credssp.h."""

    SIZES = 0
    NAMES = 1
    LIFESPAN = 2
    DCE_INFO = 3
    STREAM_SIZES = 4
    KEY_INFO = 5
    AUTHORITY = 6
    PROTO_INFO = 7
    PASSWORD_EXPIRY = 8
    SESSION_KEY = 9
    PACKAGE_INFO = 10
    USER_FLAGS = 11
    NEGOTIATION_INFO = 12
    NATIVE_NAMES = 13
    FLAGS = 14
    USE_VALIDATED = 15
    CREDENTIAL_NAME = 16
    TARGET_INFORMATION = 17
    ACCESS_TOKEN = 18
    TARGET = 19
    AUTHENTICATION_ID = 20
    LOGOFF_TIME = 21
    NEGO_KEYS = 22
    PROMPTING_NEEDED = 24
    UNIQUE_BINDINGS = 25
    ENDPOINT_BINDINGS = 26
    CLIENT_SPECIFIED_TARGET = 27
    LAST_CLIENT_TOKEN_STATUS = 30
    NEGO_PKG_INFO = 31
    NEGO_STATUS = 32
    CONTEXT_DELETED = 33
    DTLS_MTU = 34
    APPLICATION_PROTOCOL = 35
    NEGOTIATED_TLS_EXTENSIONS = 36
    IS_LOOPBACK = 37
    ISSUER_LIST = 0x50
    REMOTE_CRED = 0x51
    LOCAL_CRED = 0x52
    REMOTE_CERT_CONTEXT = 0x53
    LOCAL_CERT_CONTEXT = 0x54
    ROOT_STORE = 0x55
    SUPPORTED_ALGS = 0x56
    CIPHER_STRENGTHS = 0x57
    SUPPORTED_PROTOCOLS = 0x58
    ISSUER_LIST_EX = 0x59
    CONNECTION_INFO = 0x5A
    EAP_KEY_BLOCK = 0x5B
    MAPPED_CRED_ATTR = 0x5C
    SESSION_INFO = 0x5D
    APP_DATA = 0x5E
    REMOTE_CERTIFICATES = 0x5F
    CLIENT_CERT_POLICY = 0x60
    CC_POLICY_RESULT = 0x61
    USE_NCRYPT = 0x62
    LOCAL_CERT_INFO = 0x63
    CIPHER_INFO = 0x64
    EAP_PRF_INFO = 0x65
    SUPPORTED_SIGNATURES = 0x66
    REMOTE_CERT_CHAIN = 0x67
    UI_INFO = 0x68
    EARLY_START = 0x69
    KEYING_MATERIAL_INFO = 0x6A
    KEYING_MATERIAL = 0x6B
    SRTP_PARAMETERS = 0x6C
    TOKEN_BINDING = 0x6D
    CONNECTION_INFO_EX = 0x6E
    KEYING_MATERIAL_TOKEN_BINDING = 0x6F
    KEYING_MATERIAL_INPROC = 0x70
    SUBJECT_SECURITY_ATTRIBUTES = 128
    C_ACCESS_TOKEN = 0x80000012
    CREDS = 0x80000080
    NEGOTIATION_PACKAGE = 0x80000081
    C_FULL_ACCESS_TOKEN = 0x80000082
    SERVER_AUTH_FLAGS = 0x80000083
    CERT_TRUST_STATUS = 0x80000084
    CREDS_2 = 0x80000086
    TRAFFIC_SECRETS = 0x40000000  # ours; Windows numbers from 0 and from 0x80000000


@unique
class CredentialAttribute(IntEnum):
    """SECPKG_CRED_ATTR_* ids, and the SECPKG_ATTR_* ids that Schannel credentials answer too."""

    NAMES = 1
    SSI_PROVIDER = 2
    KDC_PROXY_SETTINGS = 3
    CERT = 4
    PAC_BYPASS = 5
    SUPPORTED_ALGS = 0x56
    CIPHER_STRENGTHS = 0x57
    SUPPORTED_PROTOCOLS = 0x58


@dataclass(frozen=True, slots=True)
class Sizes:
    """SecPkgContext_Sizes, bytes."""

    max_token: int
    max_signature: int
    block_size: int
    security_trailer: int


@dataclass(frozen=True, slots=True)
class StreamSizes:
    """SecPkgContext_StreamSizes, bytes (`buffers` is a count)."""

    header: int
    trailer: int
    maximum_message: int
    buffers: int
    block_size: int


@dataclass(frozen=True, slots=True)
class Names:
    r"""sUserName: on the server the client as DOMAIN\user, on the client its own name."""

    user_name: str


@dataclass(frozen=True, slots=True)
class NativeNames:
    """Client and server principal as the mechanism writes them."""

    client_name: str
    server_name: str


@dataclass(frozen=True, slots=True)
class Lifespan:
    """When the context begins and ends; None means never."""

    start: datetime | None
    expiry: datetime | None


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """SecPkgContext_KeyInfo; key size in bits."""

    signature_algorithm_name: str
    encrypt_algorithm_name: str
    key_size: int
    signature_algorithm: int = 0
    encrypt_algorithm: int = 0


@dataclass(frozen=True, slots=True)
class SessionKey:
    """The context's session key; secret."""

    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class NegotiationInfo:
    """Chosen package and NegotiationState: COMPLETE 0, OPTIMISTIC 1, IN_PROGRESS 2, DIRECT 3, TRY_MULTICRED 4."""

    package_name: str
    state: int


@dataclass(frozen=True, slots=True)
class NegotiatedFlags:
    """The flags the context ended with."""

    flags: Flags


@dataclass(frozen=True, slots=True)
class Target:
    """A target name: the SPN the client named, or the one this context was begun for."""

    name: str


@dataclass(frozen=True, slots=True)
class LastClientToken:
    """SecPkgAttrLastClientToken: Yes 0, No 1, Maybe 2."""

    status: int


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """SecPkgContext_ConnectionInfo by name; strengths in bits."""

    protocol: str
    cipher: str
    cipher_strength: int
    hash: str
    hash_strength: int
    exchange: str
    exchange_strength: int


@dataclass(frozen=True, slots=True)
class CipherInfo:
    """SecPkgContext_CipherInfo; `cipher_suite` is the IANA number, lengths in bits."""

    protocol: str
    cipher_suite: int
    cipher_suite_name: str
    cipher: str
    cipher_length: int
    hash: str
    hash_length: int
    exchange: str
    certificate: str


@dataclass(frozen=True, slots=True)
class CertificateContext:
    """One certificate, DER."""

    der: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class CertificateChain:
    """A chain as the peer sent or OpenSSL built it, leaf first, DER."""

    certificates: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class IssuerList:
    """Distinguished names (DER) of the CAs the server accepts; empty means any."""

    issuers: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ApplicationProtocol:
    """ALPN result: `status` None 0, Success 1, SelectedClientOnly 2; `extension` None 0, NPN 1, ALPN 2."""

    status: int
    extension: int
    protocol_id: bytes


@dataclass(frozen=True, slots=True)
class ChannelBindings:
    """Application data of a SEC_CHANNEL_BINDINGS: "tls-unique:", "tls-server-end-point:" or "tls-exporter:" and the bytes."""

    application_data: bytes


@dataclass(frozen=True, slots=True)
class KeyingMaterialInfo:
    """What SetContextAttributes fixes before KEYING_MATERIAL is asked; `length` in bytes, `context` None for none."""

    label: bytes
    length: int
    context: bytes | None = None


@dataclass(frozen=True, slots=True)
class KeyingMaterial:
    """Exporter output; secret."""

    material: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class TrafficSecrets:
    """TLS traffic secrets handed out once: IANA suite, each direction's secret and next record number. Secret.

    A TLS 1.2 secret is the key and the IV, joined.
    """

    protocol: str
    cipher_suite: int
    write_secret: bytes = field(repr=False)
    read_secret: bytes = field(repr=False)
    write_sequence: int
    read_sequence: int


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """Whether the handshake resumed a session (SSL_SESSION_RECONNECT), and its id."""

    reconnected: bool
    session_id: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SupportedProtocols:
    """Protocol names a Schannel credential allows."""

    protocols: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SupportedAlgorithms:
    """Cipher suite names a Schannel credential allows."""

    algorithms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CipherStrengths:
    """Least and greatest cipher strength in bits."""

    minimum: int
    maximum: int


@dataclass(frozen=True, slots=True)
class Number:
    """An attribute that is one number: DTLS_MTU, SERVER_AUTH_FLAGS, USER_FLAGS, CERT_TRUST_STATUS."""

    value: int


@dataclass(frozen=True, slots=True)
class Blob:
    """An attribute that is opaque bytes: APP_DATA, EAP_KEY_BLOCK. Treated as secret."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Text:
    """An attribute that is one string: AUTHORITY, NEGOTIATION_PACKAGE, CREDENTIAL_NAME, AUTHENTICATION_ID."""

    text: str


@dataclass(frozen=True, slots=True)
class Identity:
    """What QuerySecurityContextToken answers: the identity the context proved, and how.

    `mapped_by`: "account", "guest", "anonymous", "kerberos", "certificate-upn", "certificate-table" ...
    """

    name: str
    domain: str = ""
    groups: tuple[str, ...] = ()
    sids: tuple[str, ...] = ()
    certificate: bytes = field(default=b"", repr=False)
    mapped_by: str = ""


@dataclass(frozen=True, slots=True)
class DelegatedCredential:
    """Credentials the peer delegated; the broker turns them into a handle.

    `secret` is a credential of the package itself, or one of `vocabulary.credentials.Secret`, which the broker acquires with
    Negotiate. `password` is set only where policy lets the caller have it in clear. `handle` is the broker's to fill in.
    `package` names the package whose credential `secret` is, where that is not the context's own.
    """

    user: str
    domain: str
    kind: str
    secret: object = field(repr=False)
    password: str | None = field(default=None, repr=False)
    handle: bytes = b""
    package: str = ""


AttributeValue = (
    Sizes | StreamSizes | Names | NativeNames | Lifespan | KeyInfo | SessionKey | NegotiationInfo | NegotiatedFlags
    | Target | LastClientToken | ConnectionInfo | CipherInfo | CertificateContext | CertificateChain | IssuerList
    | ApplicationProtocol | ChannelBindings | KeyingMaterialInfo | KeyingMaterial | TrafficSecrets | SessionInfo
    | SupportedProtocols | SupportedAlgorithms | CipherStrengths | Number | Blob | Text | Identity | DelegatedCredential
    | PackageInfo
)  # fmt: skip
