import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sspid_protos.sspi.v1 import vocabulary_pb2 as _vocabulary_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ContextAttribute(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONTEXT_ATTRIBUTE_UNSPECIFIED: _ClassVar[ContextAttribute]
    SECPKG_ATTR_SIZES: _ClassVar[ContextAttribute]
    SECPKG_ATTR_NAMES: _ClassVar[ContextAttribute]
    SECPKG_ATTR_LIFESPAN: _ClassVar[ContextAttribute]
    SECPKG_ATTR_DCE_INFO: _ClassVar[ContextAttribute]
    SECPKG_ATTR_STREAM_SIZES: _ClassVar[ContextAttribute]
    SECPKG_ATTR_KEY_INFO: _ClassVar[ContextAttribute]
    SECPKG_ATTR_AUTHORITY: _ClassVar[ContextAttribute]
    SECPKG_ATTR_PROTO_INFO: _ClassVar[ContextAttribute]
    SECPKG_ATTR_PASSWORD_EXPIRY: _ClassVar[ContextAttribute]
    SECPKG_ATTR_SESSION_KEY: _ClassVar[ContextAttribute]
    SECPKG_ATTR_PACKAGE_INFO: _ClassVar[ContextAttribute]
    SECPKG_ATTR_USER_FLAGS: _ClassVar[ContextAttribute]
    SECPKG_ATTR_NEGOTIATION_INFO: _ClassVar[ContextAttribute]
    SECPKG_ATTR_NATIVE_NAMES: _ClassVar[ContextAttribute]
    SECPKG_ATTR_FLAGS: _ClassVar[ContextAttribute]
    SECPKG_ATTR_USE_VALIDATED: _ClassVar[ContextAttribute]
    SECPKG_ATTR_CREDENTIAL_NAME: _ClassVar[ContextAttribute]
    SECPKG_ATTR_TARGET_INFORMATION: _ClassVar[ContextAttribute]
    SECPKG_ATTR_ACCESS_TOKEN: _ClassVar[ContextAttribute]
    SECPKG_ATTR_TARGET: _ClassVar[ContextAttribute]
    SECPKG_ATTR_AUTHENTICATION_ID: _ClassVar[ContextAttribute]
    SECPKG_ATTR_LOGOFF_TIME: _ClassVar[ContextAttribute]
    SECPKG_ATTR_NEGO_KEYS: _ClassVar[ContextAttribute]
    SECPKG_ATTR_PROMPTING_NEEDED: _ClassVar[ContextAttribute]
    SECPKG_ATTR_UNIQUE_BINDINGS: _ClassVar[ContextAttribute]
    SECPKG_ATTR_ENDPOINT_BINDINGS: _ClassVar[ContextAttribute]
    SECPKG_ATTR_CLIENT_SPECIFIED_TARGET: _ClassVar[ContextAttribute]
    SECPKG_ATTR_LAST_CLIENT_TOKEN_STATUS: _ClassVar[ContextAttribute]
    SECPKG_ATTR_NEGO_PKG_INFO: _ClassVar[ContextAttribute]
    SECPKG_ATTR_NEGO_STATUS: _ClassVar[ContextAttribute]
    SECPKG_ATTR_CONTEXT_DELETED: _ClassVar[ContextAttribute]
    SECPKG_ATTR_DTLS_MTU: _ClassVar[ContextAttribute]
    SECPKG_ATTR_APPLICATION_PROTOCOL: _ClassVar[ContextAttribute]
    SECPKG_ATTR_NEGOTIATED_TLS_EXTENSIONS: _ClassVar[ContextAttribute]
    SECPKG_ATTR_IS_LOOPBACK: _ClassVar[ContextAttribute]
    SECPKG_ATTR_ISSUER_LIST: _ClassVar[ContextAttribute]
    SECPKG_ATTR_REMOTE_CRED: _ClassVar[ContextAttribute]
    SECPKG_ATTR_LOCAL_CRED: _ClassVar[ContextAttribute]
    SECPKG_ATTR_REMOTE_CERT_CONTEXT: _ClassVar[ContextAttribute]
    SECPKG_ATTR_LOCAL_CERT_CONTEXT: _ClassVar[ContextAttribute]
    SECPKG_ATTR_ROOT_STORE: _ClassVar[ContextAttribute]
    SECPKG_ATTR_SUPPORTED_ALGS: _ClassVar[ContextAttribute]
    SECPKG_ATTR_CIPHER_STRENGTHS: _ClassVar[ContextAttribute]
    SECPKG_ATTR_SUPPORTED_PROTOCOLS: _ClassVar[ContextAttribute]
    SECPKG_ATTR_ISSUER_LIST_EX: _ClassVar[ContextAttribute]
    SECPKG_ATTR_CONNECTION_INFO: _ClassVar[ContextAttribute]
    SECPKG_ATTR_EAP_KEY_BLOCK: _ClassVar[ContextAttribute]
    SECPKG_ATTR_MAPPED_CRED_ATTR: _ClassVar[ContextAttribute]
    SECPKG_ATTR_SESSION_INFO: _ClassVar[ContextAttribute]
    SECPKG_ATTR_APP_DATA: _ClassVar[ContextAttribute]
    SECPKG_ATTR_REMOTE_CERTIFICATES: _ClassVar[ContextAttribute]
    SECPKG_ATTR_CLIENT_CERT_POLICY: _ClassVar[ContextAttribute]
    SECPKG_ATTR_CC_POLICY_RESULT: _ClassVar[ContextAttribute]
    SECPKG_ATTR_USE_NCRYPT: _ClassVar[ContextAttribute]
    SECPKG_ATTR_LOCAL_CERT_INFO: _ClassVar[ContextAttribute]
    SECPKG_ATTR_CIPHER_INFO: _ClassVar[ContextAttribute]
    SECPKG_ATTR_EAP_PRF_INFO: _ClassVar[ContextAttribute]
    SECPKG_ATTR_SUPPORTED_SIGNATURES: _ClassVar[ContextAttribute]
    SECPKG_ATTR_REMOTE_CERT_CHAIN: _ClassVar[ContextAttribute]
    SECPKG_ATTR_UI_INFO: _ClassVar[ContextAttribute]
    SECPKG_ATTR_EARLY_START: _ClassVar[ContextAttribute]
    SECPKG_ATTR_KEYING_MATERIAL_INFO: _ClassVar[ContextAttribute]
    SECPKG_ATTR_KEYING_MATERIAL: _ClassVar[ContextAttribute]
    SECPKG_ATTR_SRTP_PARAMETERS: _ClassVar[ContextAttribute]
    SECPKG_ATTR_TOKEN_BINDING: _ClassVar[ContextAttribute]
    SECPKG_ATTR_CONNECTION_INFO_EX: _ClassVar[ContextAttribute]
    SECPKG_ATTR_KEYING_MATERIAL_TOKEN_BINDING: _ClassVar[ContextAttribute]
    SECPKG_ATTR_KEYING_MATERIAL_INPROC: _ClassVar[ContextAttribute]
    SECPKG_ATTR_SUBJECT_SECURITY_ATTRIBUTES: _ClassVar[ContextAttribute]
    SECPKG_ATTR_C_ACCESS_TOKEN: _ClassVar[ContextAttribute]
    SECPKG_ATTR_CREDS: _ClassVar[ContextAttribute]
    SECPKG_ATTR_NEGOTIATION_PACKAGE: _ClassVar[ContextAttribute]
    SECPKG_ATTR_C_FULL_ACCESS_TOKEN: _ClassVar[ContextAttribute]
    SECPKG_ATTR_SERVER_AUTH_FLAGS: _ClassVar[ContextAttribute]
    SECPKG_ATTR_CERT_TRUST_STATUS: _ClassVar[ContextAttribute]
    SECPKG_ATTR_CREDS_2: _ClassVar[ContextAttribute]
    SECPKG_ATTR_TRAFFIC_SECRETS: _ClassVar[ContextAttribute]

class CredentialAttribute(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CREDENTIAL_ATTRIBUTE_UNSPECIFIED: _ClassVar[CredentialAttribute]
    CREDENTIAL_ATTRIBUTE_NAMES: _ClassVar[CredentialAttribute]
    CREDENTIAL_ATTRIBUTE_SSI_PROVIDER: _ClassVar[CredentialAttribute]
    CREDENTIAL_ATTRIBUTE_KDC_PROXY_SETTINGS: _ClassVar[CredentialAttribute]
    CREDENTIAL_ATTRIBUTE_CERT: _ClassVar[CredentialAttribute]
    CREDENTIAL_ATTRIBUTE_PAC_BYPASS: _ClassVar[CredentialAttribute]
    CREDENTIAL_ATTRIBUTE_SUPPORTED_ALGS: _ClassVar[CredentialAttribute]
    CREDENTIAL_ATTRIBUTE_CIPHER_STRENGTHS: _ClassVar[CredentialAttribute]
    CREDENTIAL_ATTRIBUTE_SUPPORTED_PROTOCOLS: _ClassVar[CredentialAttribute]
CONTEXT_ATTRIBUTE_UNSPECIFIED: ContextAttribute
SECPKG_ATTR_SIZES: ContextAttribute
SECPKG_ATTR_NAMES: ContextAttribute
SECPKG_ATTR_LIFESPAN: ContextAttribute
SECPKG_ATTR_DCE_INFO: ContextAttribute
SECPKG_ATTR_STREAM_SIZES: ContextAttribute
SECPKG_ATTR_KEY_INFO: ContextAttribute
SECPKG_ATTR_AUTHORITY: ContextAttribute
SECPKG_ATTR_PROTO_INFO: ContextAttribute
SECPKG_ATTR_PASSWORD_EXPIRY: ContextAttribute
SECPKG_ATTR_SESSION_KEY: ContextAttribute
SECPKG_ATTR_PACKAGE_INFO: ContextAttribute
SECPKG_ATTR_USER_FLAGS: ContextAttribute
SECPKG_ATTR_NEGOTIATION_INFO: ContextAttribute
SECPKG_ATTR_NATIVE_NAMES: ContextAttribute
SECPKG_ATTR_FLAGS: ContextAttribute
SECPKG_ATTR_USE_VALIDATED: ContextAttribute
SECPKG_ATTR_CREDENTIAL_NAME: ContextAttribute
SECPKG_ATTR_TARGET_INFORMATION: ContextAttribute
SECPKG_ATTR_ACCESS_TOKEN: ContextAttribute
SECPKG_ATTR_TARGET: ContextAttribute
SECPKG_ATTR_AUTHENTICATION_ID: ContextAttribute
SECPKG_ATTR_LOGOFF_TIME: ContextAttribute
SECPKG_ATTR_NEGO_KEYS: ContextAttribute
SECPKG_ATTR_PROMPTING_NEEDED: ContextAttribute
SECPKG_ATTR_UNIQUE_BINDINGS: ContextAttribute
SECPKG_ATTR_ENDPOINT_BINDINGS: ContextAttribute
SECPKG_ATTR_CLIENT_SPECIFIED_TARGET: ContextAttribute
SECPKG_ATTR_LAST_CLIENT_TOKEN_STATUS: ContextAttribute
SECPKG_ATTR_NEGO_PKG_INFO: ContextAttribute
SECPKG_ATTR_NEGO_STATUS: ContextAttribute
SECPKG_ATTR_CONTEXT_DELETED: ContextAttribute
SECPKG_ATTR_DTLS_MTU: ContextAttribute
SECPKG_ATTR_APPLICATION_PROTOCOL: ContextAttribute
SECPKG_ATTR_NEGOTIATED_TLS_EXTENSIONS: ContextAttribute
SECPKG_ATTR_IS_LOOPBACK: ContextAttribute
SECPKG_ATTR_ISSUER_LIST: ContextAttribute
SECPKG_ATTR_REMOTE_CRED: ContextAttribute
SECPKG_ATTR_LOCAL_CRED: ContextAttribute
SECPKG_ATTR_REMOTE_CERT_CONTEXT: ContextAttribute
SECPKG_ATTR_LOCAL_CERT_CONTEXT: ContextAttribute
SECPKG_ATTR_ROOT_STORE: ContextAttribute
SECPKG_ATTR_SUPPORTED_ALGS: ContextAttribute
SECPKG_ATTR_CIPHER_STRENGTHS: ContextAttribute
SECPKG_ATTR_SUPPORTED_PROTOCOLS: ContextAttribute
SECPKG_ATTR_ISSUER_LIST_EX: ContextAttribute
SECPKG_ATTR_CONNECTION_INFO: ContextAttribute
SECPKG_ATTR_EAP_KEY_BLOCK: ContextAttribute
SECPKG_ATTR_MAPPED_CRED_ATTR: ContextAttribute
SECPKG_ATTR_SESSION_INFO: ContextAttribute
SECPKG_ATTR_APP_DATA: ContextAttribute
SECPKG_ATTR_REMOTE_CERTIFICATES: ContextAttribute
SECPKG_ATTR_CLIENT_CERT_POLICY: ContextAttribute
SECPKG_ATTR_CC_POLICY_RESULT: ContextAttribute
SECPKG_ATTR_USE_NCRYPT: ContextAttribute
SECPKG_ATTR_LOCAL_CERT_INFO: ContextAttribute
SECPKG_ATTR_CIPHER_INFO: ContextAttribute
SECPKG_ATTR_EAP_PRF_INFO: ContextAttribute
SECPKG_ATTR_SUPPORTED_SIGNATURES: ContextAttribute
SECPKG_ATTR_REMOTE_CERT_CHAIN: ContextAttribute
SECPKG_ATTR_UI_INFO: ContextAttribute
SECPKG_ATTR_EARLY_START: ContextAttribute
SECPKG_ATTR_KEYING_MATERIAL_INFO: ContextAttribute
SECPKG_ATTR_KEYING_MATERIAL: ContextAttribute
SECPKG_ATTR_SRTP_PARAMETERS: ContextAttribute
SECPKG_ATTR_TOKEN_BINDING: ContextAttribute
SECPKG_ATTR_CONNECTION_INFO_EX: ContextAttribute
SECPKG_ATTR_KEYING_MATERIAL_TOKEN_BINDING: ContextAttribute
SECPKG_ATTR_KEYING_MATERIAL_INPROC: ContextAttribute
SECPKG_ATTR_SUBJECT_SECURITY_ATTRIBUTES: ContextAttribute
SECPKG_ATTR_C_ACCESS_TOKEN: ContextAttribute
SECPKG_ATTR_CREDS: ContextAttribute
SECPKG_ATTR_NEGOTIATION_PACKAGE: ContextAttribute
SECPKG_ATTR_C_FULL_ACCESS_TOKEN: ContextAttribute
SECPKG_ATTR_SERVER_AUTH_FLAGS: ContextAttribute
SECPKG_ATTR_CERT_TRUST_STATUS: ContextAttribute
SECPKG_ATTR_CREDS_2: ContextAttribute
SECPKG_ATTR_TRAFFIC_SECRETS: ContextAttribute
CREDENTIAL_ATTRIBUTE_UNSPECIFIED: CredentialAttribute
CREDENTIAL_ATTRIBUTE_NAMES: CredentialAttribute
CREDENTIAL_ATTRIBUTE_SSI_PROVIDER: CredentialAttribute
CREDENTIAL_ATTRIBUTE_KDC_PROXY_SETTINGS: CredentialAttribute
CREDENTIAL_ATTRIBUTE_CERT: CredentialAttribute
CREDENTIAL_ATTRIBUTE_PAC_BYPASS: CredentialAttribute
CREDENTIAL_ATTRIBUTE_SUPPORTED_ALGS: CredentialAttribute
CREDENTIAL_ATTRIBUTE_CIPHER_STRENGTHS: CredentialAttribute
CREDENTIAL_ATTRIBUTE_SUPPORTED_PROTOCOLS: CredentialAttribute

class AttributeValue(_message.Message):
    __slots__ = ("sizes", "stream_sizes", "names", "native_names", "lifespan", "key_info", "session_key", "negotiation_info", "negotiated_flags", "target", "last_client_token", "connection_info", "cipher_info", "certificate_context", "certificate_chain", "issuer_list", "application_protocol", "channel_bindings", "keying_material_info", "keying_material", "traffic_secrets", "session_info", "supported_protocols", "supported_algorithms", "cipher_strengths", "number", "blob", "text", "identity", "delegated_credential", "package_info")
    SIZES_FIELD_NUMBER: _ClassVar[int]
    STREAM_SIZES_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    NATIVE_NAMES_FIELD_NUMBER: _ClassVar[int]
    LIFESPAN_FIELD_NUMBER: _ClassVar[int]
    KEY_INFO_FIELD_NUMBER: _ClassVar[int]
    SESSION_KEY_FIELD_NUMBER: _ClassVar[int]
    NEGOTIATION_INFO_FIELD_NUMBER: _ClassVar[int]
    NEGOTIATED_FLAGS_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    LAST_CLIENT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_INFO_FIELD_NUMBER: _ClassVar[int]
    CIPHER_INFO_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_CHAIN_FIELD_NUMBER: _ClassVar[int]
    ISSUER_LIST_FIELD_NUMBER: _ClassVar[int]
    APPLICATION_PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_BINDINGS_FIELD_NUMBER: _ClassVar[int]
    KEYING_MATERIAL_INFO_FIELD_NUMBER: _ClassVar[int]
    KEYING_MATERIAL_FIELD_NUMBER: _ClassVar[int]
    TRAFFIC_SECRETS_FIELD_NUMBER: _ClassVar[int]
    SESSION_INFO_FIELD_NUMBER: _ClassVar[int]
    SUPPORTED_PROTOCOLS_FIELD_NUMBER: _ClassVar[int]
    SUPPORTED_ALGORITHMS_FIELD_NUMBER: _ClassVar[int]
    CIPHER_STRENGTHS_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    BLOB_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    DELEGATED_CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    PACKAGE_INFO_FIELD_NUMBER: _ClassVar[int]
    sizes: Sizes
    stream_sizes: StreamSizes
    names: Names
    native_names: NativeNames
    lifespan: Lifespan
    key_info: KeyInfo
    session_key: SessionKey
    negotiation_info: NegotiationInfo
    negotiated_flags: NegotiatedFlags
    target: Target
    last_client_token: LastClientToken
    connection_info: ConnectionInfo
    cipher_info: CipherInfo
    certificate_context: CertificateContext
    certificate_chain: CertificateChain
    issuer_list: IssuerList
    application_protocol: ApplicationProtocol
    channel_bindings: ChannelBindings
    keying_material_info: KeyingMaterialInfo
    keying_material: KeyingMaterial
    traffic_secrets: TrafficSecrets
    session_info: SessionInfo
    supported_protocols: SupportedProtocols
    supported_algorithms: SupportedAlgorithms
    cipher_strengths: CipherStrengths
    number: Number
    blob: Blob
    text: Text
    identity: Identity
    delegated_credential: DelegatedCredential
    package_info: _vocabulary_pb2.PackageInfo
    def __init__(self, sizes: _Optional[_Union[Sizes, _Mapping]] = ..., stream_sizes: _Optional[_Union[StreamSizes, _Mapping]] = ..., names: _Optional[_Union[Names, _Mapping]] = ..., native_names: _Optional[_Union[NativeNames, _Mapping]] = ..., lifespan: _Optional[_Union[Lifespan, _Mapping]] = ..., key_info: _Optional[_Union[KeyInfo, _Mapping]] = ..., session_key: _Optional[_Union[SessionKey, _Mapping]] = ..., negotiation_info: _Optional[_Union[NegotiationInfo, _Mapping]] = ..., negotiated_flags: _Optional[_Union[NegotiatedFlags, _Mapping]] = ..., target: _Optional[_Union[Target, _Mapping]] = ..., last_client_token: _Optional[_Union[LastClientToken, _Mapping]] = ..., connection_info: _Optional[_Union[ConnectionInfo, _Mapping]] = ..., cipher_info: _Optional[_Union[CipherInfo, _Mapping]] = ..., certificate_context: _Optional[_Union[CertificateContext, _Mapping]] = ..., certificate_chain: _Optional[_Union[CertificateChain, _Mapping]] = ..., issuer_list: _Optional[_Union[IssuerList, _Mapping]] = ..., application_protocol: _Optional[_Union[ApplicationProtocol, _Mapping]] = ..., channel_bindings: _Optional[_Union[ChannelBindings, _Mapping]] = ..., keying_material_info: _Optional[_Union[KeyingMaterialInfo, _Mapping]] = ..., keying_material: _Optional[_Union[KeyingMaterial, _Mapping]] = ..., traffic_secrets: _Optional[_Union[TrafficSecrets, _Mapping]] = ..., session_info: _Optional[_Union[SessionInfo, _Mapping]] = ..., supported_protocols: _Optional[_Union[SupportedProtocols, _Mapping]] = ..., supported_algorithms: _Optional[_Union[SupportedAlgorithms, _Mapping]] = ..., cipher_strengths: _Optional[_Union[CipherStrengths, _Mapping]] = ..., number: _Optional[_Union[Number, _Mapping]] = ..., blob: _Optional[_Union[Blob, _Mapping]] = ..., text: _Optional[_Union[Text, _Mapping]] = ..., identity: _Optional[_Union[Identity, _Mapping]] = ..., delegated_credential: _Optional[_Union[DelegatedCredential, _Mapping]] = ..., package_info: _Optional[_Union[_vocabulary_pb2.PackageInfo, _Mapping]] = ...) -> None: ...

class Sizes(_message.Message):
    __slots__ = ("max_token", "max_signature", "block_size", "security_trailer")
    MAX_TOKEN_FIELD_NUMBER: _ClassVar[int]
    MAX_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    BLOCK_SIZE_FIELD_NUMBER: _ClassVar[int]
    SECURITY_TRAILER_FIELD_NUMBER: _ClassVar[int]
    max_token: int
    max_signature: int
    block_size: int
    security_trailer: int
    def __init__(self, max_token: _Optional[int] = ..., max_signature: _Optional[int] = ..., block_size: _Optional[int] = ..., security_trailer: _Optional[int] = ...) -> None: ...

class StreamSizes(_message.Message):
    __slots__ = ("header", "trailer", "maximum_message", "buffers", "block_size")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    TRAILER_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    BUFFERS_FIELD_NUMBER: _ClassVar[int]
    BLOCK_SIZE_FIELD_NUMBER: _ClassVar[int]
    header: int
    trailer: int
    maximum_message: int
    buffers: int
    block_size: int
    def __init__(self, header: _Optional[int] = ..., trailer: _Optional[int] = ..., maximum_message: _Optional[int] = ..., buffers: _Optional[int] = ..., block_size: _Optional[int] = ...) -> None: ...

class Names(_message.Message):
    __slots__ = ("user_name",)
    USER_NAME_FIELD_NUMBER: _ClassVar[int]
    user_name: str
    def __init__(self, user_name: _Optional[str] = ...) -> None: ...

class NativeNames(_message.Message):
    __slots__ = ("client_name", "server_name")
    CLIENT_NAME_FIELD_NUMBER: _ClassVar[int]
    SERVER_NAME_FIELD_NUMBER: _ClassVar[int]
    client_name: str
    server_name: str
    def __init__(self, client_name: _Optional[str] = ..., server_name: _Optional[str] = ...) -> None: ...

class Lifespan(_message.Message):
    __slots__ = ("start", "expiry")
    START_FIELD_NUMBER: _ClassVar[int]
    EXPIRY_FIELD_NUMBER: _ClassVar[int]
    start: _timestamp_pb2.Timestamp
    expiry: _timestamp_pb2.Timestamp
    def __init__(self, start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expiry: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class KeyInfo(_message.Message):
    __slots__ = ("signature_algorithm_name", "encrypt_algorithm_name", "key_size", "signature_algorithm", "encrypt_algorithm")
    SIGNATURE_ALGORITHM_NAME_FIELD_NUMBER: _ClassVar[int]
    ENCRYPT_ALGORITHM_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_SIZE_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    ENCRYPT_ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    signature_algorithm_name: str
    encrypt_algorithm_name: str
    key_size: int
    signature_algorithm: int
    encrypt_algorithm: int
    def __init__(self, signature_algorithm_name: _Optional[str] = ..., encrypt_algorithm_name: _Optional[str] = ..., key_size: _Optional[int] = ..., signature_algorithm: _Optional[int] = ..., encrypt_algorithm: _Optional[int] = ...) -> None: ...

class SessionKey(_message.Message):
    __slots__ = ("key",)
    KEY_FIELD_NUMBER: _ClassVar[int]
    key: bytes
    def __init__(self, key: _Optional[bytes] = ...) -> None: ...

class NegotiationInfo(_message.Message):
    __slots__ = ("package_name", "state")
    PACKAGE_NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    package_name: str
    state: int
    def __init__(self, package_name: _Optional[str] = ..., state: _Optional[int] = ...) -> None: ...

class NegotiatedFlags(_message.Message):
    __slots__ = ("flags",)
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    flags: _containers.RepeatedScalarFieldContainer[_vocabulary_pb2.ContextFlag]
    def __init__(self, flags: _Optional[_Iterable[_Union[_vocabulary_pb2.ContextFlag, str]]] = ...) -> None: ...

class Target(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class LastClientToken(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: int
    def __init__(self, status: _Optional[int] = ...) -> None: ...

class ConnectionInfo(_message.Message):
    __slots__ = ("protocol", "cipher", "cipher_strength", "hash", "hash_strength", "exchange", "exchange_strength")
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    CIPHER_FIELD_NUMBER: _ClassVar[int]
    CIPHER_STRENGTH_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    HASH_STRENGTH_FIELD_NUMBER: _ClassVar[int]
    EXCHANGE_FIELD_NUMBER: _ClassVar[int]
    EXCHANGE_STRENGTH_FIELD_NUMBER: _ClassVar[int]
    protocol: str
    cipher: str
    cipher_strength: int
    hash: str
    hash_strength: int
    exchange: str
    exchange_strength: int
    def __init__(self, protocol: _Optional[str] = ..., cipher: _Optional[str] = ..., cipher_strength: _Optional[int] = ..., hash: _Optional[str] = ..., hash_strength: _Optional[int] = ..., exchange: _Optional[str] = ..., exchange_strength: _Optional[int] = ...) -> None: ...

class CipherInfo(_message.Message):
    __slots__ = ("protocol", "cipher_suite", "cipher_suite_name", "cipher", "cipher_length", "hash", "hash_length", "exchange", "certificate")
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    CIPHER_SUITE_FIELD_NUMBER: _ClassVar[int]
    CIPHER_SUITE_NAME_FIELD_NUMBER: _ClassVar[int]
    CIPHER_FIELD_NUMBER: _ClassVar[int]
    CIPHER_LENGTH_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    HASH_LENGTH_FIELD_NUMBER: _ClassVar[int]
    EXCHANGE_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    protocol: str
    cipher_suite: int
    cipher_suite_name: str
    cipher: str
    cipher_length: int
    hash: str
    hash_length: int
    exchange: str
    certificate: str
    def __init__(self, protocol: _Optional[str] = ..., cipher_suite: _Optional[int] = ..., cipher_suite_name: _Optional[str] = ..., cipher: _Optional[str] = ..., cipher_length: _Optional[int] = ..., hash: _Optional[str] = ..., hash_length: _Optional[int] = ..., exchange: _Optional[str] = ..., certificate: _Optional[str] = ...) -> None: ...

class CertificateContext(_message.Message):
    __slots__ = ("der",)
    DER_FIELD_NUMBER: _ClassVar[int]
    der: bytes
    def __init__(self, der: _Optional[bytes] = ...) -> None: ...

class CertificateChain(_message.Message):
    __slots__ = ("certificates",)
    CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    certificates: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, certificates: _Optional[_Iterable[bytes]] = ...) -> None: ...

class IssuerList(_message.Message):
    __slots__ = ("issuers",)
    ISSUERS_FIELD_NUMBER: _ClassVar[int]
    issuers: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, issuers: _Optional[_Iterable[bytes]] = ...) -> None: ...

class ApplicationProtocol(_message.Message):
    __slots__ = ("status", "extension", "protocol_id")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    EXTENSION_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_ID_FIELD_NUMBER: _ClassVar[int]
    status: int
    extension: int
    protocol_id: bytes
    def __init__(self, status: _Optional[int] = ..., extension: _Optional[int] = ..., protocol_id: _Optional[bytes] = ...) -> None: ...

class ChannelBindings(_message.Message):
    __slots__ = ("application_data",)
    APPLICATION_DATA_FIELD_NUMBER: _ClassVar[int]
    application_data: bytes
    def __init__(self, application_data: _Optional[bytes] = ...) -> None: ...

class KeyingMaterialInfo(_message.Message):
    __slots__ = ("label", "length", "context")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    label: bytes
    length: int
    context: bytes
    def __init__(self, label: _Optional[bytes] = ..., length: _Optional[int] = ..., context: _Optional[bytes] = ...) -> None: ...

class KeyingMaterial(_message.Message):
    __slots__ = ("material",)
    MATERIAL_FIELD_NUMBER: _ClassVar[int]
    material: bytes
    def __init__(self, material: _Optional[bytes] = ...) -> None: ...

class TrafficSecrets(_message.Message):
    __slots__ = ("protocol", "cipher_suite", "write_secret", "read_secret", "write_sequence", "read_sequence")
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    CIPHER_SUITE_FIELD_NUMBER: _ClassVar[int]
    WRITE_SECRET_FIELD_NUMBER: _ClassVar[int]
    READ_SECRET_FIELD_NUMBER: _ClassVar[int]
    WRITE_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    READ_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    protocol: str
    cipher_suite: int
    write_secret: bytes
    read_secret: bytes
    write_sequence: int
    read_sequence: int
    def __init__(self, protocol: _Optional[str] = ..., cipher_suite: _Optional[int] = ..., write_secret: _Optional[bytes] = ..., read_secret: _Optional[bytes] = ..., write_sequence: _Optional[int] = ..., read_sequence: _Optional[int] = ...) -> None: ...

class SessionInfo(_message.Message):
    __slots__ = ("reconnected", "session_id")
    RECONNECTED_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    reconnected: bool
    session_id: bytes
    def __init__(self, reconnected: _Optional[bool] = ..., session_id: _Optional[bytes] = ...) -> None: ...

class SupportedProtocols(_message.Message):
    __slots__ = ("protocols",)
    PROTOCOLS_FIELD_NUMBER: _ClassVar[int]
    protocols: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, protocols: _Optional[_Iterable[str]] = ...) -> None: ...

class SupportedAlgorithms(_message.Message):
    __slots__ = ("algorithms",)
    ALGORITHMS_FIELD_NUMBER: _ClassVar[int]
    algorithms: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, algorithms: _Optional[_Iterable[str]] = ...) -> None: ...

class CipherStrengths(_message.Message):
    __slots__ = ("minimum", "maximum")
    MINIMUM_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    minimum: int
    maximum: int
    def __init__(self, minimum: _Optional[int] = ..., maximum: _Optional[int] = ...) -> None: ...

class Number(_message.Message):
    __slots__ = ("value",)
    VALUE_FIELD_NUMBER: _ClassVar[int]
    value: int
    def __init__(self, value: _Optional[int] = ...) -> None: ...

class Blob(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...

class Text(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class Identity(_message.Message):
    __slots__ = ("name", "domain", "groups", "sids", "certificate", "mapped_by")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    SIDS_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    MAPPED_BY_FIELD_NUMBER: _ClassVar[int]
    name: str
    domain: str
    groups: _containers.RepeatedScalarFieldContainer[str]
    sids: _containers.RepeatedScalarFieldContainer[str]
    certificate: bytes
    mapped_by: str
    def __init__(self, name: _Optional[str] = ..., domain: _Optional[str] = ..., groups: _Optional[_Iterable[str]] = ..., sids: _Optional[_Iterable[str]] = ..., certificate: _Optional[bytes] = ..., mapped_by: _Optional[str] = ...) -> None: ...

class DelegatedCredential(_message.Message):
    __slots__ = ("user", "domain", "kind", "credential", "password")
    USER_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    user: str
    domain: str
    kind: str
    credential: _vocabulary_pb2.CredentialHandle
    password: str
    def __init__(self, user: _Optional[str] = ..., domain: _Optional[str] = ..., kind: _Optional[str] = ..., credential: _Optional[_Union[_vocabulary_pb2.CredentialHandle, _Mapping]] = ..., password: _Optional[str] = ...) -> None: ...
