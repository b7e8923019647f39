"""Attributes of contexts and credentials: each name with the frozen type of its value; what may be asked when is the package's.

``context.query(attributes.CONNECTION_INFO)`` answers with a `ConnectionInfo`, and a type checker knows it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from datetime import datetime

    from sspid_client.flags import ContextFlag

Value = TypeVar("Value")


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
    """SecPkgContext_KeyInfo; the key size in bits."""

    signature_algorithm_name: str
    encrypt_algorithm_name: str
    key_size: int
    signature_algorithm: int
    encrypt_algorithm: int


@dataclass(frozen=True, slots=True)
class SessionKey:
    """The context's session key."""

    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class NegotiationInfo:
    """Chosen package and NegotiationState: COMPLETE 0, OPTIMISTIC 1, IN_PROGRESS 2, DIRECT 3, TRY_MULTICRED 4."""

    package_name: str
    state: int


@dataclass(frozen=True, slots=True)
class NegotiatedFlags:
    """The flags the context ended with."""

    flags: ContextFlag


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
    """A chain, leaf first, DER."""

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
    """What `set` fixes before KEYING_MATERIAL is asked; `length` in bytes, `context` None for none."""

    label: bytes
    length: int
    context: bytes | None = None


@dataclass(frozen=True, slots=True)
class KeyingMaterial:
    """Exporter output."""

    material: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class TrafficSecrets:
    """TLS traffic secrets: IANA suite, each direction's secret (TLS 1.2: key and IV joined) and next record number."""

    protocol: str
    cipher_suite: int
    write_secret: bytes = field(repr=False)
    read_secret: bytes = field(repr=False)
    write_sequence: int
    read_sequence: int


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """Whether the handshake resumed a session, and its id."""

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
    """An attribute that is one number."""

    value: int


@dataclass(frozen=True, slots=True)
class Blob:
    """An attribute that is opaque bytes."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Text:
    """An attribute that is one string."""

    text: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the peer is and how that was proved; `certificate` is DER, empty where there is none."""

    name: str
    domain: str
    groups: tuple[str, ...]
    sids: tuple[str, ...]
    certificate: bytes = field(repr=False)
    mapped_by: str


@dataclass(frozen=True, slots=True)
class DelegatedCredential:
    """What the peer delegated: a new credential's handle, and the password in clear only where the service's policy says so."""

    user: str
    domain: str
    kind: str
    credential: bytes | None = field(repr=False)
    password: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class PackageInfo:
    """SecPkgInfo. `not_ready` is empty where the package can work, else one sentence on what is missing."""

    name: str
    comment: str
    capabilities: int
    version: int
    rpc_id: int
    max_token: int
    aliases: tuple[str, ...]
    not_ready: str


@dataclass(frozen=True, slots=True)
class Attribute(Generic[Value]):
    """A context's attribute: its name in sspi.v1 and the type of its value."""

    name: str
    value: type[Value]


@dataclass(frozen=True, slots=True)
class CredentialAttribute(Generic[Value]):
    """A credential's attribute: its name in sspi.v1 and the type of its value."""

    name: str
    value: type[Value]


def attribute(name: str) -> Attribute[Any]:
    """Return the attribute that sspi.h calls SECPKG_ATTR_`name`, whatever its value, for those that have no constant here."""
    return Attribute("SECPKG_ATTR_" + name, object)


SIZES = Attribute("SECPKG_ATTR_SIZES", Sizes)
NAMES = Attribute("SECPKG_ATTR_NAMES", Names)
LIFESPAN = Attribute("SECPKG_ATTR_LIFESPAN", Lifespan)
STREAM_SIZES = Attribute("SECPKG_ATTR_STREAM_SIZES", StreamSizes)
KEY_INFO = Attribute("SECPKG_ATTR_KEY_INFO", KeyInfo)
AUTHORITY = Attribute("SECPKG_ATTR_AUTHORITY", Text)
SESSION_KEY = Attribute("SECPKG_ATTR_SESSION_KEY", SessionKey)
PACKAGE_INFO = Attribute("SECPKG_ATTR_PACKAGE_INFO", PackageInfo)
NEGOTIATION_INFO = Attribute("SECPKG_ATTR_NEGOTIATION_INFO", NegotiationInfo)
NATIVE_NAMES = Attribute("SECPKG_ATTR_NATIVE_NAMES", NativeNames)
FLAGS = Attribute("SECPKG_ATTR_FLAGS", NegotiatedFlags)
CREDENTIAL_NAME = Attribute("SECPKG_ATTR_CREDENTIAL_NAME", Text)
TARGET = Attribute("SECPKG_ATTR_TARGET", Target)
AUTHENTICATION_ID = Attribute("SECPKG_ATTR_AUTHENTICATION_ID", Text)
UNIQUE_BINDINGS = Attribute("SECPKG_ATTR_UNIQUE_BINDINGS", ChannelBindings)
ENDPOINT_BINDINGS = Attribute("SECPKG_ATTR_ENDPOINT_BINDINGS", ChannelBindings)
CLIENT_SPECIFIED_TARGET = Attribute("SECPKG_ATTR_CLIENT_SPECIFIED_TARGET", Target)
LAST_CLIENT_TOKEN_STATUS = Attribute("SECPKG_ATTR_LAST_CLIENT_TOKEN_STATUS", LastClientToken)
DTLS_MTU = Attribute("SECPKG_ATTR_DTLS_MTU", Number)
APPLICATION_PROTOCOL = Attribute("SECPKG_ATTR_APPLICATION_PROTOCOL", ApplicationProtocol)
REMOTE_CERT_CONTEXT = Attribute("SECPKG_ATTR_REMOTE_CERT_CONTEXT", CertificateContext)
LOCAL_CERT_CONTEXT = Attribute("SECPKG_ATTR_LOCAL_CERT_CONTEXT", CertificateContext)
REMOTE_CERT_CHAIN = Attribute("SECPKG_ATTR_REMOTE_CERT_CHAIN", CertificateChain)
REMOTE_CERTIFICATES = Attribute("SECPKG_ATTR_REMOTE_CERTIFICATES", CertificateChain)
ISSUER_LIST_EX = Attribute("SECPKG_ATTR_ISSUER_LIST_EX", IssuerList)
CONNECTION_INFO = Attribute("SECPKG_ATTR_CONNECTION_INFO", ConnectionInfo)
CIPHER_INFO = Attribute("SECPKG_ATTR_CIPHER_INFO", CipherInfo)
SESSION_INFO = Attribute("SECPKG_ATTR_SESSION_INFO", SessionInfo)
APP_DATA = Attribute("SECPKG_ATTR_APP_DATA", Blob)
EAP_KEY_BLOCK = Attribute("SECPKG_ATTR_EAP_KEY_BLOCK", Blob)
KEYING_MATERIAL_INFO = Attribute("SECPKG_ATTR_KEYING_MATERIAL_INFO", KeyingMaterialInfo)
KEYING_MATERIAL = Attribute("SECPKG_ATTR_KEYING_MATERIAL", KeyingMaterial)
CREDS = Attribute("SECPKG_ATTR_CREDS", DelegatedCredential)
CREDS_2 = Attribute("SECPKG_ATTR_CREDS_2", DelegatedCredential)
NEGOTIATION_PACKAGE = Attribute("SECPKG_ATTR_NEGOTIATION_PACKAGE", Text)
SERVER_AUTH_FLAGS = Attribute("SECPKG_ATTR_SERVER_AUTH_FLAGS", Number)
CERT_TRUST_STATUS = Attribute("SECPKG_ATTR_CERT_TRUST_STATUS", Number)
TRAFFIC_SECRETS = Attribute("SECPKG_ATTR_TRAFFIC_SECRETS", TrafficSecrets)

CREDENTIAL_NAMES = CredentialAttribute("CREDENTIAL_ATTRIBUTE_NAMES", Names)
CREDENTIAL_SUPPORTED_ALGS = CredentialAttribute("CREDENTIAL_ATTRIBUTE_SUPPORTED_ALGS", SupportedAlgorithms)
CREDENTIAL_CIPHER_STRENGTHS = CredentialAttribute("CREDENTIAL_ATTRIBUTE_CIPHER_STRENGTHS", CipherStrengths)
CREDENTIAL_SUPPORTED_PROTOCOLS = CredentialAttribute("CREDENTIAL_ATTRIBUTE_SUPPORTED_PROTOCOLS", SupportedProtocols)
