"""gRPC's own services, health and reflection, which anyone may ask: set up so that nobody who asks holds up anyone's calls."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import grpc
from grpc_health.v1 import health, health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

from sspid.rpc.unary import CODES, parsed
from sspid.vocabulary.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sspid.rpc.reading import Readers

THREADS = 4
"""For each of Watch and reflection, whose streams hold a thread: Watch until its request has come, reflection to the end."""


def health_service(servicer: health.HealthServicer, readers: Readers) -> grpc.GenericRpcHandler[Any, Any]:
    """`grpc.health.v1.Health`: Check on the threads of unary calls, as a check shall find them stuck, Watch on its own."""

    def check(messages: Iterator[bytes], context: grpc.ServicerContext) -> Any:
        try:
            # Asked without identity, each connection is a caller of its own.
            return servicer.Check(parsed(request, readers.read(messages, context.peer(), context)), context)
        except RefusedError as refused:
            return context.abort(CODES[refused.kind], refused.message)

    request, response = health_pb2.HealthCheckRequest.FromString, health_pb2.HealthCheckResponse.SerializeToString
    watch: Any = partial(servicer.Watch)
    watch.experimental_non_blocking = True
    watch.experimental_thread_pool = ThreadPoolExecutor(THREADS, "watch")
    handlers = {
        "Check": grpc.stream_unary_rpc_method_handler(check, response_serializer=response),
        "Watch": grpc.unary_stream_rpc_method_handler(watch, request, response),
    }
    return grpc.method_handlers_generic_handler(health.SERVICE_NAME, handlers)


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
