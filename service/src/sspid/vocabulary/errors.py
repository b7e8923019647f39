"""Failures of an SSPI function: a status, one sentence for the operator, what may still be sent; and refused calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sspid.vocabulary.flags import NO_FLAGS, Flags

if TYPE_CHECKING:
    from sspid.vocabulary.buffers import Buffers
    from sspid.vocabulary.status import SecurityStatus


@dataclass(frozen=True, slots=True)
class FailureDetail:
    """What lies beneath a status; every field is optional and none is secret.

    `alert`: TLS alert number and whether we sent it. `verify_error`, `verify_depth`: OpenSSL's X509_V_ERR number and the
    chain depth. `ntstatus`: sub-status of a logon. `kerberos_error`: KRB-ERROR code. `state`: the protocol's own word for
    where it stopped (an SPNEGO negState, a TLS message name).
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
    """An SSPI function's failing status.

    `message` is one sentence for the operator of the calling program: what was wrong, where, what to do; never a secret.
    `output` still goes to the caller: an alert or a reject token that its peer should get.
    """

    def __init__(
        self,
        status: SecurityStatus,
        message: str,
        *,
        detail: FailureDetail | None = None,
        output: Buffers = (),
        granted: Flags = NO_FLAGS,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.detail = detail
        self.output = output
        self.granted = granted

    def __str__(self) -> str:
        return f"{self.status.name}: {self.message}"


class RefusedError(Exception):
    """A call that never reached an SSPI function; `kind` is the name of the gRPC status it becomes."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
