"""Unary calls: gRPC's handler around a function of the chain; finds the caller and the deadline, nothing more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.message import DecodeError

from sspid.vocabulary.errors import RefusedError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from sspid.rpc.callers import Identifies
    from sspid.rpc.chain import Function, Method
    from sspid.rpc.reading import Readers

SHUTTING_DOWN = "The service is shutting down; connect again in a moment."
CODES: dict[str, grpc.StatusCode] = {code.name: code for code in grpc.StatusCode}


def handler(
    method: Method,
    function: Function,
    callers: Identifies,
    readers: Readers,
    stopping: threading.Event,
    count: Callable[[str], None],
) -> grpc.RpcMethodHandler[Any, Any]:
    """What gRPC calls for this method. `count` is told why a call was refused before it came to its function.

    To gRPC it is one that takes a stream of messages: so it is here that the one message is waited for, and not in gRPC.
    """
    parse = method.request_type.FromString

    def call(messages: Iterator[bytes], context: grpc.ServicerContext) -> Any:
        try:
            require_time(context)
            if stopping.is_set():
                raise RefusedError("UNAVAILABLE", SHUTTING_DOWN)
            caller = callers.identify(context)
            request = parsed(parse, readers.read(messages, caller, context))
        except RefusedError as refused:
            count(refused.kind)
            return context.abort(CODES[refused.kind], refused.message)
        try:
            return function(caller, request)
        except RefusedError as refused:
            return context.abort(CODES[refused.kind], refused.message)

    return grpc.stream_unary_rpc_method_handler(call, response_serializer=method.response_type.SerializeToString)


def parsed(parse: Callable[[bytes], Any], message: bytes) -> Any:
    """The message. INVALID_ARGUMENT where its bytes are none."""
    try:
        return parse(message)
    except DecodeError:
        raise RefusedError(
            "INVALID_ARGUMENT", "The request is no message of the contract sspi.v1; make it from its protos."
        ) from None


def require_time(context: grpc.ServicerContext) -> None:
    """Do not begin what nobody waits for any more."""
    remaining = context.time_remaining()
    if remaining is not None and remaining <= 0:
        raise RefusedError("DEADLINE_EXCEEDED", "The deadline had passed before the call began; allow more time.")
