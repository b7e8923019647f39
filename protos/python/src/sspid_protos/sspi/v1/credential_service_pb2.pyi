import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sspid_protos.sspi.v1 import attributes_pb2 as _attributes_pb2
from sspid_protos.sspi.v1 import credentials_pb2 as _credentials_pb2
from sspid_protos.sspi.v1 import vocabulary_pb2 as _vocabulary_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AcquireCredentialsHandleRequest(_message.Message):
    __slots__ = ("principal", "package_name", "use", "auth_data", "request_id")
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    PACKAGE_NAME_FIELD_NUMBER: _ClassVar[int]
    USE_FIELD_NUMBER: _ClassVar[int]
    AUTH_DATA_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    principal: str
    package_name: str
    use: _credentials_pb2.CredentialUse
    auth_data: _credentials_pb2.AuthData
    request_id: str
    def __init__(self, principal: _Optional[str] = ..., package_name: _Optional[str] = ..., use: _Optional[_Union[_credentials_pb2.CredentialUse, str]] = ..., auth_data: _Optional[_Union[_credentials_pb2.AuthData, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class AcquireCredentialsHandleResponse(_message.Message):
    __slots__ = ("result", "credential", "expiry")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    EXPIRY_FIELD_NUMBER: _ClassVar[int]
    result: _vocabulary_pb2.SecurityResult
    credential: _vocabulary_pb2.CredentialHandle
    expiry: _timestamp_pb2.Timestamp
    def __init__(self, result: _Optional[_Union[_vocabulary_pb2.SecurityResult, _Mapping]] = ..., credential: _Optional[_Union[_vocabulary_pb2.CredentialHandle, _Mapping]] = ..., expiry: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class QueryCredentialsAttributesRequest(_message.Message):
    __slots__ = ("credential", "attribute")
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    credential: _vocabulary_pb2.CredentialHandle
    attribute: _attributes_pb2.CredentialAttribute
    def __init__(self, credential: _Optional[_Union[_vocabulary_pb2.CredentialHandle, _Mapping]] = ..., attribute: _Optional[_Union[_attributes_pb2.CredentialAttribute, str]] = ...) -> None: ...

class QueryCredentialsAttributesResponse(_message.Message):
    __slots__ = ("result", "value")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    result: _vocabulary_pb2.SecurityResult
    value: _attributes_pb2.AttributeValue
    def __init__(self, result: _Optional[_Union[_vocabulary_pb2.SecurityResult, _Mapping]] = ..., value: _Optional[_Union[_attributes_pb2.AttributeValue, _Mapping]] = ...) -> None: ...

class SetCredentialsAttributesRequest(_message.Message):
    __slots__ = ("credential", "attribute", "value", "request_id")
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    credential: _vocabulary_pb2.CredentialHandle
    attribute: _attributes_pb2.CredentialAttribute
    value: _attributes_pb2.AttributeValue
    request_id: str
    def __init__(self, credential: _Optional[_Union[_vocabulary_pb2.CredentialHandle, _Mapping]] = ..., attribute: _Optional[_Union[_attributes_pb2.CredentialAttribute, str]] = ..., value: _Optional[_Union[_attributes_pb2.AttributeValue, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class SetCredentialsAttributesResponse(_message.Message):
    __slots__ = ("result",)
    RESULT_FIELD_NUMBER: _ClassVar[int]
    result: _vocabulary_pb2.SecurityResult
    def __init__(self, result: _Optional[_Union[_vocabulary_pb2.SecurityResult, _Mapping]] = ...) -> None: ...

class FreeCredentialsHandleRequest(_message.Message):
    __slots__ = ("credential",)
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    credential: _vocabulary_pb2.CredentialHandle
    def __init__(self, credential: _Optional[_Union[_vocabulary_pb2.CredentialHandle, _Mapping]] = ...) -> None: ...

class FreeCredentialsHandleResponse(_message.Message):
    __slots__ = ("result",)
    RESULT_FIELD_NUMBER: _ClassVar[int]
    result: _vocabulary_pb2.SecurityResult
    def __init__(self, result: _Optional[_Union[_vocabulary_pb2.SecurityResult, _Mapping]] = ...) -> None: ...

class ChangeAccountPasswordRequest(_message.Message):
    __slots__ = ("package_name", "domain", "account", "old_password", "new_password", "request_id")
    PACKAGE_NAME_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    OLD_PASSWORD_FIELD_NUMBER: _ClassVar[int]
    NEW_PASSWORD_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    package_name: str
    domain: str
    account: str
    old_password: str
    new_password: str
    request_id: str
    def __init__(self, package_name: _Optional[str] = ..., domain: _Optional[str] = ..., account: _Optional[str] = ..., old_password: _Optional[str] = ..., new_password: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class ChangeAccountPasswordResponse(_message.Message):
    __slots__ = ("result", "output")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    result: _vocabulary_pb2.SecurityResult
    output: _vocabulary_pb2.SecurityBuffer
    def __init__(self, result: _Optional[_Union[_vocabulary_pb2.SecurityResult, _Mapping]] = ..., output: _Optional[_Union[_vocabulary_pb2.SecurityBuffer, _Mapping]] = ...) -> None: ...
