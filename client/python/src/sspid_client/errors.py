"""The one error type of this library, with what its caller may still send to the peer; errors of sockets pass as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sspid_client import buffers
from sspid_client.buffers import Buffers, BufferType
from sspid_client.flags import ContextFlag

if TYPE_CHECKING:
    import grpc

    from sspid_client.status import SecurityStatus


@dataclass(frozen=True, slots=True)
class FailureDetail:
    """What lies beneath a status; a field is None or empty where there is nothing to say.

    `alert`: TLS alert number and whether our side sent it. `verify_error`, `verify_depth`, `verify_reason`: OpenSSL's
    X509_V_ERR number, the chain depth (0 is the peer's own certificate) and its words. `ntstatus`: sub-status of a logon.
    `kerberos_error`: KRB-ERROR code. `state`: the protocol's own word for where it stands.
    """

    alert: int | None = None
    alert_sent: bool = False
    verify_error: int | None = None
    verify_depth: int | None = None
    verify_reason: str = ""
    ntstatus: int | None = None
    kerberos_error: int | None = None
    state: str = ""


class SspiError(Exception):
    """What went wrong; every failure this library raises is one.

    `status` and `code` (the Windows number) are what the SSPI function answered, None where the call never reached it
    (`ServiceError`, `PeerClosedError`). `message` is one sentence for an operator. `output` still goes to the peer: an
    alert or a reject token. `granted` holds the flags of the failed leg.
    """

    def __init__(
        self,
        message: str,
        *,
        status: SecurityStatus | None = None,
        code: int | None = None,
        detail: FailureDetail | None = None,
        output: Buffers = (),
        granted: ContextFlag = ContextFlag(0),  # noqa: B008  # an enum member is immutable
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.detail = detail
        self.output = output
        self.granted = granted

    @property
    def name(self) -> str:
        """What to log: the status under its Windows name, else the number, else the kind of failure."""
        if self.status is not None:
            return self.status.name
        return type(self).__name__ if self.code is None else f"0x{self.code:08X}"

    @property
    def token(self) -> bytes:
        """The token to send to the peer before giving up; empty where there is none."""
        return buffers.first(self.output, BufferType.TOKEN).data

    def __str__(self) -> str:
        return f"{self.name}: {self.message}"


class ServiceError(SspiError):
    """The call never reached its SSPI function; `grpc_code` says why: UNAVAILABLE, PERMISSION_DENIED, RESOURCE_EXHAUSTED ..."""

    def __init__(self, grpc_code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.grpc_code = grpc_code

    @property
    def name(self) -> str:
        return self.grpc_code.name


class PeerClosedError(SspiError):
    """The peer's bytes ended where more were due: inside a handshake, or on a TLS stream before its close_notify."""
