"""gRPC's own services, health and reflection, which anyone may ask: set up so that nobody who asks holds up anyone's calls."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import grpc
from grpc_health.v1 import health, health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

from sspid.vocabulary.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

THREADS = 4
"""For each of Watch and reflection, whose streams hold a thread: Watch until its request has come, reflection to the end."""
CHECK = "/grpc.health.v1.Health/Check"


def check(servicer: health.HealthServicer) -> Callable[[str, Any], Any]:
    """`grpc.health.v1.Health/Check` as one of the unary calls: it shall find their threads stuck, if they are."""

    def call(_caller: str, request: health_pb2.HealthCheckRequest) -> health_pb2.HealthCheckResponse:
        answer = _Answer()
        response = servicer.Check(request, answer)  # type: ignore[arg-type]  # it sets a code and no more
        if answer.code is not None:
            raise RefusedError(answer.code.name, f"No service named {request.service!r} is watched here.")
        return response

    return call


class _Answer:
    """What Check asks of gRPC's context."""

    code: grpc.StatusCode | None = None

    def set_code(self, code: grpc.StatusCode) -> None:
        """How the call ends."""
        self.code = code


def watch_service(servicer: health.HealthServicer) -> grpc.GenericRpcHandler[Any, Any]:
    """`grpc.health.v1.Health/Watch`."""
    watch: Any = partial(servicer.Watch)
    watch.experimental_non_blocking = True
    watch.experimental_thread_pool = ThreadPoolExecutor(THREADS, "watch")
    handler = grpc.unary_stream_rpc_method_handler(
        watch, health_pb2.HealthCheckRequest.FromString, health_pb2.HealthCheckResponse.SerializeToString
    )
    return grpc.method_handlers_generic_handler(health.SERVICE_NAME, {"Watch": handler})


def reflection_service(services: Iterable[str]) -> grpc.GenericRpcHandler[Any, Any]:
    """`grpc.reflection.v1alpha.ServerReflection` about these services and the two standard ones."""
    servicer = reflection.ReflectionServicer([*services, health.SERVICE_NAME, reflection.SERVICE_NAME])
    info: Any = partial(servicer.ServerReflectionInfo)
    info.experimental_thread_pool = ThreadPoolExecutor(THREADS, "reflection")
    handler = grpc.stream_stream_rpc_method_handler(
        info,
        reflection_pb2.ServerReflectionRequest.FromString,
        reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    return grpc.method_handlers_generic_handler(reflection.SERVICE_NAME, {"ServerReflectionInfo": handler})
