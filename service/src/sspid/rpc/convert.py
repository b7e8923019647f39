"""Between messages and SSPI's words: statuses, buffers, flags, handles, request ids; not attributes and not credentials."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any, Final

from sspid_protos.sspi.v1 import vocabulary_pb2 as wire

from sspid.broker.legs import LegAnswer
from sspid.broker.replays import RequestId
from sspid.vocabulary.buffers import BufferAccess, Buffers, BufferType, SecurityBuffer
from sspid.vocabulary.errors import FailureDetail, RefusedError, SspiError
from sspid.vocabulary.flags import ContextFlag, Flags
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from google.protobuf.message import Message

STATUS_TO_WIRE: Final[dict[int, int]] = {status: wire.SecurityStatus.Value(status.name) for status in SecurityStatus}
STATUS_FROM_WIRE: Final[dict[int, SecurityStatus]] = {number: SecurityStatus(code) for code, number in STATUS_TO_WIRE.items()}
TYPE_FROM_WIRE: Final[dict[int, BufferType]] = {
    wire.SecurityBufferType.Value(f"SECBUFFER_{each.name}"): each for each in BufferType
}
TYPE_TO_WIRE: Final[dict[int, int]] = {each: number for number, each in TYPE_FROM_WIRE.items()}
FLAG_FROM_WIRE: Final[dict[int, ContextFlag]] = {
    wire.ContextFlag.Value(f"CONTEXT_FLAG_{flag.name}"): flag for flag in ContextFlag
}
ACCESS_FROM_WIRE: Final[dict[int, BufferAccess]] = {int(access): access for access in BufferAccess}

_REMEMBERED_SETS: Final = 512
_flag_sets: Final[dict[tuple[int, ...], Flags]] = {}
_flag_lists: Final[dict[Flags, tuple[int, ...]]] = {}
_digest_key: Final = os.urandom(32)


def buffers_in(messages: Sequence[Any]) -> Buffers:
    """SecBuffers of a request. INVALID_ARGUMENT for a type or access this contract does not have."""
    found: list[SecurityBuffer] = []
    try:
        for each in messages[:]:  # a field is slow to iterate over, a list of it is not
            buffer = SecurityBuffer(TYPE_FROM_WIRE[each.type], each.data, each.size, ACCESS_FROM_WIRE[each.access])
            found.append(buffer)
    except KeyError as unknown:
        message = f"Buffer type or access {unknown} is not one of sspi.v1; set every buffer's type."
        raise RefusedError("INVALID_ARGUMENT", message) from None
    return tuple(found)


def buffers_out(buffers: Iterable[SecurityBuffer]) -> list[Any]:
    """SecBuffers of a response."""
    return [
        wire.SecurityBuffer(type=TYPE_TO_WIRE[each.type], data=each.data, size=each.size, access=int(each.access))  # type: ignore[arg-type]  # enum numbers are ints to protobuf
        for each in buffers
    ]


def put_buffers(buffers: Iterable[SecurityBuffer], field: Any) -> None:
    """Append SecBuffers to a field of a response; field by field is the quickest way to fill a message."""
    for each in buffers:
        message = field.add()
        message.type = TYPE_TO_WIRE[each.type]
        message.data = each.data
        if each.size:
            message.size = each.size
        if each.access:
            message.access = each.access


def flags_in(numbers: Sequence[int]) -> Flags:
    """The set of flags. INVALID_ARGUMENT for a number this contract does not have."""
    key = tuple(numbers[:])  # a field is slow to iterate over, a list of it is not
    flags = _flag_sets.get(key)
    if flags is None:
        try:
            flags = frozenset(FLAG_FROM_WIRE[number] for number in key)
        except KeyError as unknown:
            raise RefusedError("INVALID_ARGUMENT", f"Context flag {unknown} is not one of sspi.v1.") from None
        if len(_flag_sets) < _REMEMBERED_SETS:
            _flag_sets[key] = flags
    return flags


def flags_out(flags: Flags) -> tuple[Any, ...]:
    """The numbers of a set of flags, in order; Any because protobuf's stubs want their own enum type."""
    numbers = _flag_lists.get(flags)
    if numbers is None:
        numbers = tuple(sorted(int(flag) for flag in flags))
        if len(_flag_lists) < _REMEMBERED_SETS:
            _flag_lists[flags] = numbers
    return numbers


def result(status: SecurityStatus, message: str = "", detail: FailureDetail | None = None) -> wire.SecurityResult:
    """What the function answered."""
    answer = wire.SecurityResult(status=STATUS_TO_WIRE[status], code=int(status), message=message)  # type: ignore[arg-type]  # enum numbers are ints to protobuf
    if detail is not None:
        answer.detail.CopyFrom(detail_out(detail))
    return answer


def status_of(answer: Any) -> int:
    """The wire's number of what a function came to: a leg's answer, a failure, or a response message."""
    if isinstance(answer, LegAnswer):
        return STATUS_TO_WIRE[answer.step.status]
    if isinstance(answer, SspiError):
        return STATUS_TO_WIRE[answer.status]
    return answer.result.status  # type: ignore[no-any-return]  # every response has one


def detail_out(detail: FailureDetail) -> wire.FailureDetail:
    """What a failure is due to."""
    return wire.FailureDetail(
        alert=detail.alert,
        alert_sent=detail.alert_sent,
        verify_error=detail.verify_error,
        verify_depth=detail.verify_depth,
        verify_reason=detail.verify_reason,
        ntstatus=detail.ntstatus,
        kerberos_error=detail.kerberos_error,
        state=detail.state,
    )


OK: Final = result(SecurityStatus.SEC_E_OK)


def failure(response_type: type[Any], error: SspiError) -> Any:
    """A response that says how the function failed, with whatever still goes to the peer."""
    answer = result(error.status, error.message, error.detail)
    fields = response_type.DESCRIPTOR.fields_by_name
    if error.output and "granted" in fields:
        return response_type(result=answer, output=buffers_out(error.output), granted=flags_out(error.granted))
    if error.output and "message" in fields:
        # A message function's failure ends a TLS connection: the alert stands where the message would.
        return response_type(result=answer, message=buffers_out(error.output))
    return response_type(result=answer)


def request_id(function: str, request: Message) -> RequestId | None:
    """The request's id with a digest of all it says; None where it carries no id."""
    value: str = request.request_id  # type: ignore[attr-defined]  # every request that changes state has the field
    if not value:
        return None
    content = function.encode() + b"\0" + request.SerializeToString(deterministic=True)
    return RequestId(value, hashlib.blake2b(content, key=_digest_key, digest_size=32).digest())


_known: Final[dict[Any, tuple[bool, bool]]] = {}
"""Whether messages of a type have a context and a credential; protobuf is slow to tell."""


def handles(call: Any) -> tuple[bytes, bytes]:
    """Context handle of a request, or where it has none its credential's; each empty where it is not given."""
    known = _known.get(type(call))
    if known is None:
        fields = call.DESCRIPTOR.fields_by_name
        known = _known[type(call)] = "context" in fields, "credential" in fields
    context = call.context.value if known[0] else b""
    return context, call.credential.value if known[1] and not context else b""
