from sspid_protos.sspi.v1 import vocabulary_pb2 as _vocabulary_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EncryptMessageRequest(_message.Message):
    __slots__ = ("context", "message", "qop", "sequence_number", "request_id", "connection_id")
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    QOP_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    context: _vocabulary_pb2.ContextHandle
    message: _containers.RepeatedCompositeFieldContainer[_vocabulary_pb2.SecurityBuffer]
    qop: int
    sequence_number: int
    request_id: str
    connection_id: str
    def __init__(self, context: _Optional[_Union[_vocabulary_pb2.ContextHandle, _Mapping]] = ..., message: _Optional[_Iterable[_Union[_vocabulary_pb2.SecurityBuffer, _Mapping]]] = ..., qop: _Optional[int] = ..., sequence_number: _Optional[int] = ..., request_id: _Optional[str] = ..., connection_id: _Optional[str] = ...) -> None: ...

class EncryptMessageResponse(_message.Message):
    __slots__ = ("result", "message")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    result: _vocabulary_pb2.SecurityResult
    message: _containers.RepeatedCompositeFieldContainer[_vocabulary_pb2.SecurityBuffer]
    def __init__(self, result: _Optional[_Union[_vocabulary_pb2.SecurityResult, _Mapping]] = ..., message: _Optional[_Iterable[_Union[_vocabulary_pb2.SecurityBuffer, _Mapping]]] = ...) -> None: ...

class DecryptMessageRequest(_message.Message):
    __slots__ = ("context", "message", "sequence_number", "request_id", "connection_id")
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    context: _vocabulary_pb2.ContextHandle
    message: _containers.RepeatedCompositeFieldContainer[_vocabulary_pb2.SecurityBuffer]
    sequence_number: int
    request_id: str
    connection_id: str
    def __init__(self, context: _Optional[_Union[_vocabulary_pb2.ContextHandle, _Mapping]] = ..., message: _Optional[_Iterable[_Union[_vocabulary_pb2.SecurityBuffer, _Mapping]]] = ..., sequence_number: _Optional[int] = ..., request_id: _Optional[str] = ..., connection_id: _Optional[str] = ...) -> None: ...

class DecryptMessageResponse(_message.Message):
    __slots__ = ("result", "message", "qop")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    QOP_FIELD_NUMBER: _ClassVar[int]
    result: _vocabulary_pb2.SecurityResult
    message: _containers.RepeatedCompositeFieldContainer[_vocabulary_pb2.SecurityBuffer]
    qop: int
    def __init__(self, result: _Optional[_Union[_vocabulary_pb2.SecurityResult, _Mapping]] = ..., message: _Optional[_Iterable[_Union[_vocabulary_pb2.SecurityBuffer, _Mapping]]] = ..., qop: _Optional[int] = ...) -> None: ...

class MakeSignatureRequest(_message.Message):
    __slots__ = ("context", "message", "qop", "sequence_number", "request_id", "connection_id")
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    QOP_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    context: _vocabulary_pb2.ContextHandle
    message: _containers.RepeatedCompositeFieldContainer[_vocabulary_pb2.SecurityBuffer]
    qop: int
    sequence_number: int
    request_id: str
    connection_id: str
    def __init__(self, context: _Optional[_Union[_vocabulary_pb2.ContextHandle, _Mapping]] = ..., message: _Optional[_Iterable[_Union[_vocabulary_pb2.SecurityBuffer, _Mapping]]] = ..., qop: _Optional[int] = ..., sequence_number: _Optional[int] = ..., request_id: _Optional[str] = ..., connection_id: _Optional[str] = ...) -> None: ...

class MakeSignatureResponse(_message.Message):
    __slots__ = ("result", "message")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    result: _vocabulary_pb2.SecurityResult
    message: _containers.RepeatedCompositeFieldContainer[_vocabulary_pb2.SecurityBuffer]
    def __init__(self, result: _Optional[_Union[_vocabulary_pb2.SecurityResult, _Mapping]] = ..., message: _Optional[_Iterable[_Union[_vocabulary_pb2.SecurityBuffer, _Mapping]]] = ...) -> None: ...

class VerifySignatureRequest(_message.Message):
    __slots__ = ("context", "message", "sequence_number", "request_id", "connection_id")
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    context: _vocabulary_pb2.ContextHandle
    message: _containers.RepeatedCompositeFieldContainer[_vocabulary_pb2.SecurityBuffer]
    sequence_number: int
    request_id: str
    connection_id: str
    def __init__(self, context: _Optional[_Union[_vocabulary_pb2.ContextHandle, _Mapping]] = ..., message: _Optional[_Iterable[_Union[_vocabulary_pb2.SecurityBuffer, _Mapping]]] = ..., sequence_number: _Optional[int] = ..., request_id: _Optional[str] = ..., connection_id: _Optional[str] = ...) -> None: ...

class VerifySignatureResponse(_message.Message):
    __slots__ = ("result", "message", "qop")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    QOP_FIELD_NUMBER: _ClassVar[int]
    result: _vocabulary_pb2.SecurityResult
    message: _containers.RepeatedCompositeFieldContainer[_vocabulary_pb2.SecurityBuffer]
    qop: int
    def __init__(self, result: _Optional[_Union[_vocabulary_pb2.SecurityResult, _Mapping]] = ..., message: _Optional[_Iterable[_Union[_vocabulary_pb2.SecurityBuffer, _Mapping]]] = ..., qop: _Optional[int] = ...) -> None: ...
