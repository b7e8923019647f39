"""What a reply means: its status returned or raised, its times and details in Python's terms; no call is made here."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

import grpc
from sspid_protos.sspi.v1 import vocabulary_pb2

from sspid_client.errors import FailureDetail, ServiceError, SspiError
from sspid_client.flags import ContextFlag
from sspid_client.status import SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from google.protobuf.message import Message

    from sspid_client.buffers import Buffers

_STATUSES = {
    value.number: SecurityStatus[value.name]
    for value in vocabulary_pb2.SecurityStatus.DESCRIPTOR.values
    if value.name in SecurityStatus.__members__
}
_CODES = {code.value[0]: code for code in grpc.StatusCode}


def status_of(
    result: vocabulary_pb2.SecurityResult,
    output: Buffers = (),
    granted: ContextFlag = ContextFlag(0),  # noqa: B008  # an enum member is immutable
) -> SecurityStatus:
    """Return the status a caller goes on with; every other one is raised with what the failed call left to send."""
    status = _STATUSES.get(result.status)
    if status is not None and status.returned:
        return status
    message = result.message or f"The service answered with status {result.status}, which this client does not know."
    raise SspiError(message, status=status, code=result.code, detail=detail_of(result), output=output, granted=granted)


def gone(result: vocabulary_pb2.SecurityResult) -> None:
    """Read the answer to a deletion: a handle that the service no longer knows is what was wanted."""
    try:
        status_of(result)
    except SspiError as error:
        if error.status is not SecurityStatus.SEC_E_INVALID_HANDLE:
            raise


def detail_of(result: vocabulary_pb2.SecurityResult) -> FailureDetail | None:
    """What lies beneath the status; None where the service said nothing."""
    if not result.HasField("detail"):
        return None
    detail = result.detail
    return FailureDetail(
        alert=detail.alert if detail.HasField("alert") else None,
        alert_sent=detail.alert_sent,
        verify_error=detail.verify_error if detail.HasField("verify_error") else None,
        verify_depth=detail.verify_depth if detail.HasField("verify_depth") else None,
        verify_reason=detail.verify_reason,
        ntstatus=detail.ntstatus if detail.HasField("ntstatus") else None,
        kerberos_error=detail.kerberos_error if detail.HasField("kerberos_error") else None,
        state=detail.state,
    )


def time_of(message: Message, name: str) -> datetime | None:
    """Return the Timestamp `name` of `message` in UTC; None where it is absent, which means never."""
    if not message.HasField(name):
        return None
    time: datetime = getattr(message, name).ToDatetime(tzinfo=UTC)
    return time


def flags_of(numbers: Iterable[int]) -> ContextFlag:
    """Return the flags of a reply."""
    return ContextFlag.from_wire(numbers)


def service_error(code: int, message: str) -> ServiceError:
    """Return the error for a gRPC status that came as a number."""
    return ServiceError(_CODES.get(code, grpc.StatusCode.UNKNOWN), message)


def code_of(error: grpc.RpcError) -> grpc.StatusCode:
    """Return the gRPC status of a failed call; only calls raise these, and a call has one."""
    return error.code() if isinstance(error, grpc.Call) else grpc.StatusCode.UNKNOWN


def failure_of(error: grpc.RpcError) -> ServiceError:
    """Return the error of this library for one of gRPC's."""
    details = error.details() if isinstance(error, grpc.Call) else ""
    return ServiceError(code_of(error), details or "The service gave no reason.")


def late(timeout: float) -> ServiceError:
    """Return the error for an answer that did not come within `timeout` seconds."""
    return ServiceError(grpc.StatusCode.DEADLINE_EXCEEDED, f"The service did not answer within {timeout:g} seconds.")


def closed() -> ServiceError:
    """Return the error for a call through a client that was closed."""
    return ServiceError(grpc.StatusCode.CANCELLED, "This client was closed: make another.")
