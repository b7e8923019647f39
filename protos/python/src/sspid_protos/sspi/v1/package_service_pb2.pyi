from sspid_protos.sspi.v1 import vocabulary_pb2 as _vocabulary_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EnumerateSecurityPackagesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class EnumerateSecurityPackagesResponse(_message.Message):
    __slots__ = ("result", "packages")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    PACKAGES_FIELD_NUMBER: _ClassVar[int]
    result: _vocabulary_pb2.SecurityResult
    packages: _containers.RepeatedCompositeFieldContainer[_vocabulary_pb2.PackageInfo]
    def __init__(self, result: _Optional[_Union[_vocabulary_pb2.SecurityResult, _Mapping]] = ..., packages: _Optional[_Iterable[_Union[_vocabulary_pb2.PackageInfo, _Mapping]]] = ...) -> None: ...

class QuerySecurityPackageInfoRequest(_message.Message):
    __slots__ = ("package_name",)
    PACKAGE_NAME_FIELD_NUMBER: _ClassVar[int]
    package_name: str
    def __init__(self, package_name: _Optional[str] = ...) -> None: ...

class QuerySecurityPackageInfoResponse(_message.Message):
    __slots__ = ("result", "package")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    PACKAGE_FIELD_NUMBER: _ClassVar[int]
    result: _vocabulary_pb2.SecurityResult
    package: _vocabulary_pb2.PackageInfo
    def __init__(self, result: _Optional[_Union[_vocabulary_pb2.SecurityResult, _Mapping]] = ..., package: _Optional[_Union[_vocabulary_pb2.PackageInfo, _Mapping]] = ...) -> None: ...
