from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CredentialUse(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CREDENTIAL_USE_UNSPECIFIED: _ClassVar[CredentialUse]
    CREDENTIAL_USE_INBOUND: _ClassVar[CredentialUse]
    CREDENTIAL_USE_OUTBOUND: _ClassVar[CredentialUse]
    CREDENTIAL_USE_BOTH: _ClassVar[CredentialUse]

class SchannelCredentialFlag(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SCHANNEL_CREDENTIAL_FLAG_UNSPECIFIED: _ClassVar[SchannelCredentialFlag]
    SCHANNEL_CREDENTIAL_FLAG_NO_SYSTEM_MAPPER: _ClassVar[SchannelCredentialFlag]
    SCHANNEL_CREDENTIAL_FLAG_NO_SERVERNAME_CHECK: _ClassVar[SchannelCredentialFlag]
    SCHANNEL_CREDENTIAL_FLAG_MANUAL_CRED_VALIDATION: _ClassVar[SchannelCredentialFlag]
    SCHANNEL_CREDENTIAL_FLAG_NO_DEFAULT_CREDS: _ClassVar[SchannelCredentialFlag]
    SCHANNEL_CREDENTIAL_FLAG_AUTO_CRED_VALIDATION: _ClassVar[SchannelCredentialFlag]
    SCHANNEL_CREDENTIAL_FLAG_USE_DEFAULT_CREDS: _ClassVar[SchannelCredentialFlag]
    SCHANNEL_CREDENTIAL_FLAG_DISABLE_RECONNECTS: _ClassVar[SchannelCredentialFlag]
    SCHANNEL_CREDENTIAL_FLAG_REVOCATION_CHECK_END_CERT: _ClassVar[SchannelCredentialFlag]
    SCHANNEL_CREDENTIAL_FLAG_REVOCATION_CHECK_CHAIN: _ClassVar[SchannelCredentialFlag]
    SCHANNEL_CREDENTIAL_FLAG_REVOCATION_CHECK_CHAIN_EXCLUDE_ROOT: _ClassVar[SchannelCredentialFlag]
    SCHANNEL_CREDENTIAL_FLAG_IGNORE_NO_REVOCATION_CHECK: _ClassVar[SchannelCredentialFlag]
    SCHANNEL_CREDENTIAL_FLAG_IGNORE_REVOCATION_OFFLINE: _ClassVar[SchannelCredentialFlag]
    SCHANNEL_CREDENTIAL_FLAG_SEND_ROOT_CERT: _ClassVar[SchannelCredentialFlag]
    SCHANNEL_CREDENTIAL_FLAG_SNI_CREDENTIAL: _ClassVar[SchannelCredentialFlag]
    SCHANNEL_CREDENTIAL_FLAG_SNI_ENABLE_OCSP: _ClassVar[SchannelCredentialFlag]
    SCHANNEL_CREDENTIAL_FLAG_USE_STRONG_CRYPTO: _ClassVar[SchannelCredentialFlag]
    SCHANNEL_CREDENTIAL_FLAG_USE_PRESHAREDKEY_ONLY: _ClassVar[SchannelCredentialFlag]
    SCHANNEL_CREDENTIAL_FLAG_USE_DTLS_ONLY: _ClassVar[SchannelCredentialFlag]
CREDENTIAL_USE_UNSPECIFIED: CredentialUse
CREDENTIAL_USE_INBOUND: CredentialUse
CREDENTIAL_USE_OUTBOUND: CredentialUse
CREDENTIAL_USE_BOTH: CredentialUse
SCHANNEL_CREDENTIAL_FLAG_UNSPECIFIED: SchannelCredentialFlag
SCHANNEL_CREDENTIAL_FLAG_NO_SYSTEM_MAPPER: SchannelCredentialFlag
SCHANNEL_CREDENTIAL_FLAG_NO_SERVERNAME_CHECK: SchannelCredentialFlag
SCHANNEL_CREDENTIAL_FLAG_MANUAL_CRED_VALIDATION: SchannelCredentialFlag
SCHANNEL_CREDENTIAL_FLAG_NO_DEFAULT_CREDS: SchannelCredentialFlag
SCHANNEL_CREDENTIAL_FLAG_AUTO_CRED_VALIDATION: SchannelCredentialFlag
SCHANNEL_CREDENTIAL_FLAG_USE_DEFAULT_CREDS: SchannelCredentialFlag
SCHANNEL_CREDENTIAL_FLAG_DISABLE_RECONNECTS: SchannelCredentialFlag
SCHANNEL_CREDENTIAL_FLAG_REVOCATION_CHECK_END_CERT: SchannelCredentialFlag
SCHANNEL_CREDENTIAL_FLAG_REVOCATION_CHECK_CHAIN: SchannelCredentialFlag
SCHANNEL_CREDENTIAL_FLAG_REVOCATION_CHECK_CHAIN_EXCLUDE_ROOT: SchannelCredentialFlag
SCHANNEL_CREDENTIAL_FLAG_IGNORE_NO_REVOCATION_CHECK: SchannelCredentialFlag
SCHANNEL_CREDENTIAL_FLAG_IGNORE_REVOCATION_OFFLINE: SchannelCredentialFlag
SCHANNEL_CREDENTIAL_FLAG_SEND_ROOT_CERT: SchannelCredentialFlag
SCHANNEL_CREDENTIAL_FLAG_SNI_CREDENTIAL: SchannelCredentialFlag
SCHANNEL_CREDENTIAL_FLAG_SNI_ENABLE_OCSP: SchannelCredentialFlag
SCHANNEL_CREDENTIAL_FLAG_USE_STRONG_CRYPTO: SchannelCredentialFlag
SCHANNEL_CREDENTIAL_FLAG_USE_PRESHAREDKEY_ONLY: SchannelCredentialFlag
SCHANNEL_CREDENTIAL_FLAG_USE_DTLS_ONLY: SchannelCredentialFlag

class AuthData(_message.Message):
    __slots__ = ("password", "nt_hash", "keytab", "credential_cache", "schannel", "named", "anonymous", "credssp")
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    NT_HASH_FIELD_NUMBER: _ClassVar[int]
    KEYTAB_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_CACHE_FIELD_NUMBER: _ClassVar[int]
    SCHANNEL_FIELD_NUMBER: _ClassVar[int]
    NAMED_FIELD_NUMBER: _ClassVar[int]
    ANONYMOUS_FIELD_NUMBER: _ClassVar[int]
    CREDSSP_FIELD_NUMBER: _ClassVar[int]
    password: PasswordIdentity
    nt_hash: NtHashIdentity
    keytab: KeytabIdentity
    credential_cache: CredentialCacheIdentity
    schannel: SchannelCredential
    named: NamedCredential
    anonymous: AnonymousIdentity
    credssp: CredSspCredential
    def __init__(self, password: _Optional[_Union[PasswordIdentity, _Mapping]] = ..., nt_hash: _Optional[_Union[NtHashIdentity, _Mapping]] = ..., keytab: _Optional[_Union[KeytabIdentity, _Mapping]] = ..., credential_cache: _Optional[_Union[CredentialCacheIdentity, _Mapping]] = ..., schannel: _Optional[_Union[SchannelCredential, _Mapping]] = ..., named: _Optional[_Union[NamedCredential, _Mapping]] = ..., anonymous: _Optional[_Union[AnonymousIdentity, _Mapping]] = ..., credssp: _Optional[_Union[CredSspCredential, _Mapping]] = ...) -> None: ...

class PasswordIdentity(_message.Message):
    __slots__ = ("user", "domain", "password")
    USER_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    user: str
    domain: str
    password: str
    def __init__(self, user: _Optional[str] = ..., domain: _Optional[str] = ..., password: _Optional[str] = ...) -> None: ...

class NtHashIdentity(_message.Message):
    __slots__ = ("user", "domain", "nt_hash")
    USER_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    NT_HASH_FIELD_NUMBER: _ClassVar[int]
    user: str
    domain: str
    nt_hash: bytes
    def __init__(self, user: _Optional[str] = ..., domain: _Optional[str] = ..., nt_hash: _Optional[bytes] = ...) -> None: ...

class KeytabIdentity(_message.Message):
    __slots__ = ("principal", "data", "path")
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    principal: str
    data: bytes
    path: str
    def __init__(self, principal: _Optional[str] = ..., data: _Optional[bytes] = ..., path: _Optional[str] = ...) -> None: ...

class CredentialCacheIdentity(_message.Message):
    __slots__ = ("principal", "data", "path")
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    principal: str
    data: bytes
    path: str
    def __init__(self, principal: _Optional[str] = ..., data: _Optional[bytes] = ..., path: _Optional[str] = ...) -> None: ...

class CertificateAndKey(_message.Message):
    __slots__ = ("certificate_pem", "key_pem", "pkcs12", "passphrase", "ocsp_response")
    CERTIFICATE_PEM_FIELD_NUMBER: _ClassVar[int]
    KEY_PEM_FIELD_NUMBER: _ClassVar[int]
    PKCS12_FIELD_NUMBER: _ClassVar[int]
    PASSPHRASE_FIELD_NUMBER: _ClassVar[int]
    OCSP_RESPONSE_FIELD_NUMBER: _ClassVar[int]
    certificate_pem: bytes
    key_pem: bytes
    pkcs12: bytes
    passphrase: str
    ocsp_response: bytes
    def __init__(self, certificate_pem: _Optional[bytes] = ..., key_pem: _Optional[bytes] = ..., pkcs12: _Optional[bytes] = ..., passphrase: _Optional[str] = ..., ocsp_response: _Optional[bytes] = ...) -> None: ...

class SchannelCredential(_message.Message):
    __slots__ = ("certificates", "settings")
    CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    certificates: _containers.RepeatedCompositeFieldContainer[CertificateAndKey]
    settings: SchannelSettings
    def __init__(self, certificates: _Optional[_Iterable[_Union[CertificateAndKey, _Mapping]]] = ..., settings: _Optional[_Union[SchannelSettings, _Mapping]] = ...) -> None: ...

class SchannelSettings(_message.Message):
    __slots__ = ("trust_anchors_pem", "crls_pem", "protocols", "cipher_list", "cipher_suites", "groups", "flags", "session_lifespan_seconds")
    TRUST_ANCHORS_PEM_FIELD_NUMBER: _ClassVar[int]
    CRLS_PEM_FIELD_NUMBER: _ClassVar[int]
    PROTOCOLS_FIELD_NUMBER: _ClassVar[int]
    CIPHER_LIST_FIELD_NUMBER: _ClassVar[int]
    CIPHER_SUITES_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    SESSION_LIFESPAN_SECONDS_FIELD_NUMBER: _ClassVar[int]
    trust_anchors_pem: bytes
    crls_pem: bytes
    protocols: _containers.RepeatedScalarFieldContainer[str]
    cipher_list: str
    cipher_suites: str
    groups: str
    flags: _containers.RepeatedScalarFieldContainer[SchannelCredentialFlag]
    session_lifespan_seconds: int
    def __init__(self, trust_anchors_pem: _Optional[bytes] = ..., crls_pem: _Optional[bytes] = ..., protocols: _Optional[_Iterable[str]] = ..., cipher_list: _Optional[str] = ..., cipher_suites: _Optional[str] = ..., groups: _Optional[str] = ..., flags: _Optional[_Iterable[_Union[SchannelCredentialFlag, str]]] = ..., session_lifespan_seconds: _Optional[int] = ...) -> None: ...

class NamedCredential(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class AnonymousIdentity(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CredSspCredential(_message.Message):
    __slots__ = ("schannel", "negotiate")
    SCHANNEL_FIELD_NUMBER: _ClassVar[int]
    NEGOTIATE_FIELD_NUMBER: _ClassVar[int]
    schannel: AuthData
    negotiate: AuthData
    def __init__(self, schannel: _Optional[_Union[AuthData, _Mapping]] = ..., negotiate: _Optional[_Union[AuthData, _Mapping]] = ...) -> None: ...
