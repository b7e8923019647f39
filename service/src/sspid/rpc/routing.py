"""Between worker processes: a call on another worker's handle goes to its owner over a socket only this service can open."""

from __future__ import annotations

import hmac
import zlib
from typing import TYPE_CHECKING, Any

import grpc

from sspid.broker import waits
from sspid.rpc.convert import handles
from sspid.vocabulary.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sspid.rpc.callers import Connection
    from sspid.rpc.chain import Method

CALLER = "sspid-caller-bin"
SECRET = "sspid-secret-bin"  # noqa: S105  # the name of a header
FORWARD_SECONDS = 60.0
RECONNECT = (("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 1000))
"""A worker that died is back within a second."""


def socket_path(folder: Path, worker: int) -> Path:
    """Where a worker listens for the others."""
    return folder / f"worker-{worker}.sock"


class Router:
    """Sends calls to the workers that own their handles. A handle's first byte names its worker."""

    def __init__(self, worker: int, workers: int, folder: Path, secret: bytes) -> None:
        self._worker = worker
        self._workers = workers
        self._secret = secret
        self._channels = {
            other: grpc.insecure_channel(f"unix:{socket_path(folder, other)}", RECONNECT)
            for other in range(workers)
            if other != worker
        }

    def elsewhere(self, *wanted: bytes) -> bool:
        """Whether the first of these handles that is given belongs to another worker."""
        return self._owner(wanted) is not None

    def forward(self, method: Method, caller: str, request: Any) -> Any:
        """The owner's answer; None where the call belongs to this worker, or to none."""
        wanted = handles(request)
        owner = self._owner(wanted) if any(wanted) else self._remembering(caller, request)
        if owner is None:
            return None
        call = self._channels[owner].unary_unary(
            f"/{method.service}/{method.name}",
            request_serializer=method.request_type.SerializeToString,
            response_deserializer=method.response_type.FromString,
        )
        try:
            with waits.waiting():
                return call(request, timeout=FORWARD_SECONDS, metadata=((CALLER, caller.encode()), (SECRET, self._secret)))
        except grpc.RpcError as error:
            raise _refused(error) from None

    def _owner(self, wanted: tuple[bytes, ...]) -> int | None:
        handle = next((each for each in wanted if each), b"")
        return handle[0] if handle and handle[0] in self._channels else None

    def _remembering(self, caller: str, request: Any) -> int | None:
        """The worker that remembers a call that has no handle yet and may be repeated, whichever worker it lands on."""
        request_id = getattr(request, "request_id", "")
        if not request_id:
            return None
        owner = zlib.crc32(f"{caller}\0{request_id}".encode()) % self._workers
        return owner if owner in self._channels else None


def _refused(error: Any) -> RefusedError:
    if error.code() is grpc.StatusCode.UNAVAILABLE:
        # What gRPC says would name the other worker's socket.
        return RefusedError("UNAVAILABLE", "The worker process that owns the handle is gone or stopping; try again soon.")
    return RefusedError(error.code().name, error.details() or "The worker process that owns the handle did not answer.")


class ForwardedCallers:
    """Names the caller that another worker has identified; the secret proves that it was a worker."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def identify(self, context: Connection) -> str:
        """The caller as the first worker named it."""
        sent: Mapping[str, Any] = dict(context.invocation_metadata())
        if not hmac.compare_digest(sent.get(SECRET, b""), self._secret):
            raise RefusedError("UNAUTHENTICATED", "This socket is for the service's own workers.")
        return str(sent[CALLER], "utf-8")
