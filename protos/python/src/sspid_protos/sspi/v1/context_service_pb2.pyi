import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sspid_protos.sspi.v1 import attributes_pb2 as _attributes_pb2
from sspid_protos.sspi.v1 import message_service_pb2 as _message_service_pb2
from sspid_protos.sspi.v1 import vocabulary_pb2 as _vocabulary_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class InitializeSecurityContextRequest(_message.Message):
    __slots__ = ("credential", "context", "target_name", "flags", "target_data_rep", "input", "output_capacity", "request_id", "connection_id")
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    TARGET_NAME_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    TARGET_DATA_REP_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    credential: _vocabulary_pb2.CredentialHandle
    context: _vocabulary_pb2.ContextHandle
    target_name: str
    flags: _containers.RepeatedScalarFieldContainer[_vocabulary_pb2.ContextFlag]
    target_data_rep: _vocabulary_pb2.DataRepresentation
    input: _containers.RepeatedCompositeFieldContainer[_vocabulary_pb2.SecurityBuffer]
    output_capacity: int
    request_id: str
    connection_id: str
    def __init__(self, credential: _Optional[_Union[_vocabulary_pb2.CredentialHandle, _Mapping]] = ..., context: _Optional[_Union[_vocabulary_pb2.ContextHandle, _Mapping]] = ..., target_name: _Optional[str] = ..., flags: _Optional[_Iterable[_Union[_vocabulary_pb2.ContextFlag, str]]] = ..., target_data_rep: _Optional[_Union[_vocabulary_pb2.DataRepresentation, str]] = ..., input: _Optional[_Iterable[_Union[_vocabulary_pb2.SecurityBuffer, _Mapping]]] = ..., output_capacity: _Optional[int] = ..., request_id: _Optional[str] = ..., connection_id: _Optional[str] = ...) -> None: ...

class InitializeSecurityContextResponse(_message.Message):
    __slots__ = ("result", "context", "output", "input", "granted", "expiry")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    GRANTED_FIELD_NUMBER: _ClassVar[int]
    EXPIRY_FIELD_NUMBER: _ClassVar[int]
    result: _vocabulary_pb2.SecurityResult
    context: _vocabulary_pb2.ContextHandle
    output: _containers.RepeatedCompositeFieldContainer[_vocabulary_pb2.SecurityBuffer]
    input: _containers.RepeatedCompositeFieldContainer[_vocabulary_pb2.SecurityBuffer]
    granted: _containers.RepeatedScalarFieldContainer[_vocabulary_pb2.ContextFlag]
    expiry: _timestamp_pb2.Timestamp
    def __init__(self, result: _Optional[_Union[_vocabulary_pb2.SecurityResult, _Mapping]] = ..., context: _Optional[_Union[_vocabulary_pb2.ContextHandle, _Mapping]] = ..., output: _Optional[_Iterable[_Union[_vocabulary_pb2.SecurityBuffer, _Mapping]]] = ..., input: _Optional[_Iterable[_Union[_vocabulary_pb2.SecurityBuffer, _Mapping]]] = ..., granted: _Optional[_Iterable[_Union[_vocabulary_pb2.ContextFlag, str]]] = ..., expiry: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class AcceptSecurityContextRequest(_message.Message):
    __slots__ = ("credential", "context", "flags", "target_data_rep", "input", "output_capacity", "request_id", "connection_id")
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    TARGET_DATA_REP_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    credential: _vocabulary_pb2.CredentialHandle
    context: _vocabulary_pb2.ContextHandle
    flags: _containers.RepeatedScalarFieldContainer[_vocabulary_pb2.ContextFlag]
    target_data_rep: _vocabulary_pb2.DataRepresentation
    input: _containers.RepeatedCompositeFieldContainer[_vocabulary_pb2.SecurityBuffer]
    output_capacity: int
    request_id: str
    connection_id: str
    def __init__(self, credential: _Optional[_Union[_vocabulary_pb2.CredentialHandle, _Mapping]] = ..., context: _Optional[_Union[_vocabulary_pb2.ContextHandle, _Mapping]] = ..., flags: _Optional[_Iterable[_Union[_vocabulary_pb2.ContextFlag, str]]] = ..., target_data_rep: _Optional[_Union[_vocabulary_pb2.DataRepresentation, str]] = ..., input: _Optional[_Iterable[_Union[_vocabulary_pb2.SecurityBuffer, _Mapping]]] = ..., output_capacity: _Optional[int] = ..., request_id: _Optional[str] = ..., connection_id: _Optional[str] = ...) -> None: ...

class AcceptSecurityContextResponse(_message.Message):
    __slots__ = ("result", "context", "output", "input", "granted", "expiry")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    GRANTED_FIELD_NUMBER: _ClassVar[int]
    EXPIRY_FIELD_NUMBER: _ClassVar[int]
    result: _vocabulary_pb2.SecurityResult
    context: _vocabulary_pb2.ContextHandle
    output: _containers.RepeatedCompositeFieldContainer[_vocabulary_pb2.SecurityBuffer]
    input: _containers.RepeatedCompositeFieldContainer[_vocabulary_pb2.SecurityBuffer]
    granted: _containers.RepeatedScalarFieldContainer[_vocabulary_pb2.ContextFlag]
    expiry: _timestamp_pb2.Timestamp
    def __init__(self, result: _Optional[_Union[_vocabulary_pb2.SecurityResult, _Mapping]] = ..., context: _Optional[_Union[_vocabulary_pb2.ContextHandle, _Mapping]] = ..., output: _Optional[_Iterable[_Union[_vocabulary_pb2.SecurityBuffer, _Mapping]]] = ..., input: _Optional[_Iterable[_Union[_vocabulary_pb2.SecurityBuffer, _Mapping]]] = ..., granted: _Optional[_Iterable[_Union[_vocabulary_pb2.ContextFlag, str]]] = ..., expiry: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CompleteAuthTokenRequest(_message.Message):
    __slots__ = ("context", "token", "request_id", "connection_id")
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    context: _vocabulary_pb2.ContextHandle
    token: _containers.RepeatedCompositeFieldContainer[_vocabulary_pb2.SecurityBuffer]
    request_id: str
    connection_id: str
    def __init__(self, context: _Optional[_Union[_vocabulary_pb2.ContextHandle, _Mapping]] = ..., token: _Optional[_Iterable[_Union[_vocabulary_pb2.SecurityBuffer, _Mapping]]] = ..., request_id: _Optional[str] = ..., connection_id: _Optional[str] = ...) -> None: ...

class CompleteAuthTokenResponse(_message.Message):
    __slots__ = ("result", "token")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    result: _vocabulary_pb2.SecurityResult
    token: _containers.RepeatedCompositeFieldContainer[_vocabulary_pb2.SecurityBuffer]
    def __init__(self, result: _Optional[_Union[_vocabulary_pb2.SecurityResult, _Mapping]] = ..., token: _Optional[_Iterable[_Union[_vocabulary_pb2.SecurityBuffer, _Mapping]]] = ...) -> None: ...

class ApplyControlTokenRequest(_message.Message):
    __slots__ = ("context", "input", "request_id", "connection_id")
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    context: _vocabulary_pb2.ContextHandle
    input: _containers.RepeatedCompositeFieldContainer[_vocabulary_pb2.SecurityBuffer]
    request_id: str
    connection_id: str
    def __init__(self, context: _Optional[_Union[_vocabulary_pb2.ContextHandle, _Mapping]] = ..., input: _Optional[_Iterable[_Union[_vocabulary_pb2.SecurityBuffer, _Mapping]]] = ..., request_id: _Optional[str] = ..., connection_id: _Optional[str] = ...) -> None: ...

class ApplyControlTokenResponse(_message.Message):
    __slots__ = ("result",)
    RESULT_FIELD_NUMBER: _ClassVar[int]
    result: _vocabulary_pb2.SecurityResult
    def __init__(self, result: _Optional[_Union[_vocabulary_pb2.SecurityResult, _Mapping]] = ...) -> None: ...

class QueryContextAttributesRequest(_message.Message):
    __slots__ = ("context", "attribute", "connection_id")
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    context: _vocabulary_pb2.ContextHandle
    attribute: _attributes_pb2.ContextAttribute
    connection_id: str
    def __init__(self, context: _Optional[_Union[_vocabulary_pb2.ContextHandle, _Mapping]] = ..., attribute: _Optional[_Union[_attributes_pb2.ContextAttribute, str]] = ..., connection_id: _Optional[str] = ...) -> None: ...

class QueryContextAttributesResponse(_message.Message):
    __slots__ = ("result", "value")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    result: _vocabulary_pb2.SecurityResult
    value: _attributes_pb2.AttributeValue
    def __init__(self, result: _Optional[_Union[_vocabulary_pb2.SecurityResult, _Mapping]] = ..., value: _Optional[_Union[_attributes_pb2.AttributeValue, _Mapping]] = ...) -> None: ...

class SetContextAttributesRequest(_message.Message):
    __slots__ = ("context", "attribute", "value", "request_id", "connection_id")
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    context: _vocabulary_pb2.ContextHandle
    attribute: _attributes_pb2.ContextAttribute
    value: _attributes_pb2.AttributeValue
    request_id: str
    connection_id: str
    def __init__(self, context: _Optional[_Union[_vocabulary_pb2.ContextHandle, _Mapping]] = ..., attribute: _Optional[_Union[_attributes_pb2.ContextAttribute, str]] = ..., value: _Optional[_Union[_attributes_pb2.AttributeValue, _Mapping]] = ..., request_id: _Optional[str] = ..., connection_id: _Optional[str] = ...) -> None: ...

class SetContextAttributesResponse(_message.Message):
    __slots__ = ("result",)
    RESULT_FIELD_NUMBER: _ClassVar[int]
    result: _vocabulary_pb2.SecurityResult
    def __init__(self, result: _Optional[_Union[_vocabulary_pb2.SecurityResult, _Mapping]] = ...) -> None: ...

class QuerySecurityContextTokenRequest(_message.Message):
    __slots__ = ("context", "connection_id")
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    context: _vocabulary_pb2.ContextHandle
    connection_id: str
    def __init__(self, context: _Optional[_Union[_vocabulary_pb2.ContextHandle, _Mapping]] = ..., connection_id: _Optional[str] = ...) -> None: ...

class QuerySecurityContextTokenResponse(_message.Message):
    __slots__ = ("result", "identity")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    result: _vocabulary_pb2.SecurityResult
    identity: _attributes_pb2.Identity
    def __init__(self, result: _Optional[_Union[_vocabulary_pb2.SecurityResult, _Mapping]] = ..., identity: _Optional[_Union[_attributes_pb2.Identity, _Mapping]] = ...) -> None: ...

class ExportSecurityContextRequest(_message.Message):
    __slots__ = ("context", "reset_new", "delete_old", "connection_id", "request_id")
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    RESET_NEW_FIELD_NUMBER: _ClassVar[int]
    DELETE_OLD_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    context: _vocabulary_pb2.ContextHandle
    reset_new: bool
    delete_old: bool
    connection_id: str
    request_id: str
    def __init__(self, context: _Optional[_Union[_vocabulary_pb2.ContextHandle, _Mapping]] = ..., reset_new: _Optional[bool] = ..., delete_old: _Optional[bool] = ..., connection_id: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class ExportSecurityContextResponse(_message.Message):
    __slots__ = ("result", "packed_context", "package_name")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    PACKED_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    PACKAGE_NAME_FIELD_NUMBER: _ClassVar[int]
    result: _vocabulary_pb2.SecurityResult
    packed_context: bytes
    package_name: str
    def __init__(self, result: _Optional[_Union[_vocabulary_pb2.SecurityResult, _Mapping]] = ..., packed_context: _Optional[bytes] = ..., package_name: _Optional[str] = ...) -> None: ...

class ImportSecurityContextRequest(_message.Message):
    __slots__ = ("package_name", "packed_context", "request_id", "connection_id")
    PACKAGE_NAME_FIELD_NUMBER: _ClassVar[int]
    PACKED_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    package_name: str
    packed_context: bytes
    request_id: str
    connection_id: str
    def __init__(self, package_name: _Optional[str] = ..., packed_context: _Optional[bytes] = ..., request_id: _Optional[str] = ..., connection_id: _Optional[str] = ...) -> None: ...

class ImportSecurityContextResponse(_message.Message):
    __slots__ = ("result", "context")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    result: _vocabulary_pb2.SecurityResult
    context: _vocabulary_pb2.ContextHandle
    def __init__(self, result: _Optional[_Union[_vocabulary_pb2.SecurityResult, _Mapping]] = ..., context: _Optional[_Union[_vocabulary_pb2.ContextHandle, _Mapping]] = ...) -> None: ...

class DeleteSecurityContextRequest(_message.Message):
    __slots__ = ("context",)
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    context: _vocabulary_pb2.ContextHandle
    def __init__(self, context: _Optional[_Union[_vocabulary_pb2.ContextHandle, _Mapping]] = ...) -> None: ...

class DeleteSecurityContextResponse(_message.Message):
    __slots__ = ("result",)
    RESULT_FIELD_NUMBER: _ClassVar[int]
    result: _vocabulary_pb2.SecurityResult
    def __init__(self, result: _Optional[_Union[_vocabulary_pb2.SecurityResult, _Mapping]] = ...) -> None: ...

class HandshakeRequest(_message.Message):
    __slots__ = ("initialize", "accept", "input", "keep")
    INITIALIZE_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIELD_NUMBER: _ClassVar[int]
    initialize: InitializeSecurityContextRequest
    accept: AcceptSecurityContextRequest
    input: HandshakeInput
    keep: bool
    def __init__(self, initialize: _Optional[_Union[InitializeSecurityContextRequest, _Mapping]] = ..., accept: _Optional[_Union[AcceptSecurityContextRequest, _Mapping]] = ..., input: _Optional[_Union[HandshakeInput, _Mapping]] = ..., keep: _Optional[bool] = ...) -> None: ...

class HandshakeInput(_message.Message):
    __slots__ = ("input", "credential", "flags")
    INPUT_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    input: _containers.RepeatedCompositeFieldContainer[_vocabulary_pb2.SecurityBuffer]
    credential: _vocabulary_pb2.CredentialHandle
    flags: _containers.RepeatedScalarFieldContainer[_vocabulary_pb2.ContextFlag]
    def __init__(self, input: _Optional[_Iterable[_Union[_vocabulary_pb2.SecurityBuffer, _Mapping]]] = ..., credential: _Optional[_Union[_vocabulary_pb2.CredentialHandle, _Mapping]] = ..., flags: _Optional[_Iterable[_Union[_vocabulary_pb2.ContextFlag, str]]] = ...) -> None: ...

class HandshakeResponse(_message.Message):
    __slots__ = ("step",)
    STEP_FIELD_NUMBER: _ClassVar[int]
    step: InitializeSecurityContextResponse
    def __init__(self, step: _Optional[_Union[InitializeSecurityContextResponse, _Mapping]] = ...) -> None: ...

class SessionRequest(_message.Message):
    __slots__ = ("number", "initialize_security_context", "accept_security_context", "complete_auth_token", "apply_control_token", "query_context_attributes", "set_context_attributes", "query_security_context_token", "export_security_context", "import_security_context", "delete_security_context", "encrypt_message", "decrypt_message", "make_signature", "verify_signature", "also")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    INITIALIZE_SECURITY_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_SECURITY_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_AUTH_TOKEN_FIELD_NUMBER: _ClassVar[int]
    APPLY_CONTROL_TOKEN_FIELD_NUMBER: _ClassVar[int]
    QUERY_CONTEXT_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    SET_CONTEXT_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    QUERY_SECURITY_CONTEXT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EXPORT_SECURITY_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    IMPORT_SECURITY_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    DELETE_SECURITY_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    ENCRYPT_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DECRYPT_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    MAKE_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    VERIFY_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    ALSO_FIELD_NUMBER: _ClassVar[int]
    number: int
    initialize_security_context: InitializeSecurityContextRequest
    accept_security_context: AcceptSecurityContextRequest
    complete_auth_token: CompleteAuthTokenRequest
    apply_control_token: ApplyControlTokenRequest
    query_context_attributes: QueryContextAttributesRequest
    set_context_attributes: SetContextAttributesRequest
    query_security_context_token: QuerySecurityContextTokenRequest
    export_security_context: ExportSecurityContextRequest
    import_security_context: ImportSecurityContextRequest
    delete_security_context: DeleteSecurityContextRequest
    encrypt_message: _message_service_pb2.EncryptMessageRequest
    decrypt_message: _message_service_pb2.DecryptMessageRequest
    make_signature: _message_service_pb2.MakeSignatureRequest
    verify_signature: _message_service_pb2.VerifySignatureRequest
    also: _containers.RepeatedCompositeFieldContainer[SessionRequest]
    def __init__(self, number: _Optional[int] = ..., initialize_security_context: _Optional[_Union[InitializeSecurityContextRequest, _Mapping]] = ..., accept_security_context: _Optional[_Union[AcceptSecurityContextRequest, _Mapping]] = ..., complete_auth_token: _Optional[_Union[CompleteAuthTokenRequest, _Mapping]] = ..., apply_control_token: _Optional[_Union[ApplyControlTokenRequest, _Mapping]] = ..., query_context_attributes: _Optional[_Union[QueryContextAttributesRequest, _Mapping]] = ..., set_context_attributes: _Optional[_Union[SetContextAttributesRequest, _Mapping]] = ..., query_security_context_token: _Optional[_Union[QuerySecurityContextTokenRequest, _Mapping]] = ..., export_security_context: _Optional[_Union[ExportSecurityContextRequest, _Mapping]] = ..., import_security_context: _Optional[_Union[ImportSecurityContextRequest, _Mapping]] = ..., delete_security_context: _Optional[_Union[DeleteSecurityContextRequest, _Mapping]] = ..., encrypt_message: _Optional[_Union[_message_service_pb2.EncryptMessageRequest, _Mapping]] = ..., decrypt_message: _Optional[_Union[_message_service_pb2.DecryptMessageRequest, _Mapping]] = ..., make_signature: _Optional[_Union[_message_service_pb2.MakeSignatureRequest, _Mapping]] = ..., verify_signature: _Optional[_Union[_message_service_pb2.VerifySignatureRequest, _Mapping]] = ..., also: _Optional[_Iterable[_Union[SessionRequest, _Mapping]]] = ...) -> None: ...

class SessionResponse(_message.Message):
    __slots__ = ("number", "initialize_security_context", "accept_security_context", "complete_auth_token", "apply_control_token", "query_context_attributes", "set_context_attributes", "query_security_context_token", "export_security_context", "import_security_context", "delete_security_context", "encrypt_message", "decrypt_message", "make_signature", "verify_signature", "refusal", "also")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    INITIALIZE_SECURITY_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_SECURITY_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_AUTH_TOKEN_FIELD_NUMBER: _ClassVar[int]
    APPLY_CONTROL_TOKEN_FIELD_NUMBER: _ClassVar[int]
    QUERY_CONTEXT_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    SET_CONTEXT_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    QUERY_SECURITY_CONTEXT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EXPORT_SECURITY_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    IMPORT_SECURITY_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    DELETE_SECURITY_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    ENCRYPT_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DECRYPT_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    MAKE_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    VERIFY_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    ALSO_FIELD_NUMBER: _ClassVar[int]
    number: int
    initialize_security_context: InitializeSecurityContextResponse
    accept_security_context: AcceptSecurityContextResponse
    complete_auth_token: CompleteAuthTokenResponse
    apply_control_token: ApplyControlTokenResponse
    query_context_attributes: QueryContextAttributesResponse
    set_context_attributes: SetContextAttributesResponse
    query_security_context_token: QuerySecurityContextTokenResponse
    export_security_context: ExportSecurityContextResponse
    import_security_context: ImportSecurityContextResponse
    delete_security_context: DeleteSecurityContextResponse
    encrypt_message: _message_service_pb2.EncryptMessageResponse
    decrypt_message: _message_service_pb2.DecryptMessageResponse
    make_signature: _message_service_pb2.MakeSignatureResponse
    verify_signature: _message_service_pb2.VerifySignatureResponse
    refusal: Refusal
    also: _containers.RepeatedCompositeFieldContainer[SessionResponse]
    def __init__(self, number: _Optional[int] = ..., initialize_security_context: _Optional[_Union[InitializeSecurityContextResponse, _Mapping]] = ..., accept_security_context: _Optional[_Union[AcceptSecurityContextResponse, _Mapping]] = ..., complete_auth_token: _Optional[_Union[CompleteAuthTokenResponse, _Mapping]] = ..., apply_control_token: _Optional[_Union[ApplyControlTokenResponse, _Mapping]] = ..., query_context_attributes: _Optional[_Union[QueryContextAttributesResponse, _Mapping]] = ..., set_context_attributes: _Optional[_Union[SetContextAttributesResponse, _Mapping]] = ..., query_security_context_token: _Optional[_Union[QuerySecurityContextTokenResponse, _Mapping]] = ..., export_security_context: _Optional[_Union[ExportSecurityContextResponse, _Mapping]] = ..., import_security_context: _Optional[_Union[ImportSecurityContextResponse, _Mapping]] = ..., delete_security_context: _Optional[_Union[DeleteSecurityContextResponse, _Mapping]] = ..., encrypt_message: _Optional[_Union[_message_service_pb2.EncryptMessageResponse, _Mapping]] = ..., decrypt_message: _Optional[_Union[_message_service_pb2.DecryptMessageResponse, _Mapping]] = ..., make_signature: _Optional[_Union[_message_service_pb2.MakeSignatureResponse, _Mapping]] = ..., verify_signature: _Optional[_Union[_message_service_pb2.VerifySignatureResponse, _Mapping]] = ..., refusal: _Optional[_Union[Refusal, _Mapping]] = ..., also: _Optional[_Iterable[_Union[SessionResponse, _Mapping]]] = ...) -> None: ...

class Refusal(_message.Message):
    __slots__ = ("code", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: int
    message: str
    def __init__(self, code: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...
