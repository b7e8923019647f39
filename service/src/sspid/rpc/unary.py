"""Unary calls: gRPC's handler around a function of the chain; finds the caller and the deadline, nothing more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from sspid.vocabulary.errors import RefusedError

if TYPE_CHECKING:
    import threading

    from sspid.rpc.callers import Identifies
    from sspid.rpc.chain import Function, Method

SHUTTING_DOWN = "The service is shutting down; connect again in a moment."
CODES: dict[str, grpc.StatusCode] = {code.name: code for code in grpc.StatusCode}


def handler(
    method: Method, function: Function, callers: Identifies, stopping: threading.Event
) -> grpc.RpcMethodHandler[Any, Any]:
    """What gRPC calls for this method."""

    def call(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            require_time(context)
            if stopping.is_set():
                raise RefusedError("UNAVAILABLE", SHUTTING_DOWN)
            return function(callers.identify(context), request)
        except RefusedError as refused:
            return context.abort(CODES[refused.kind], refused.message)

    return grpc.unary_unary_rpc_method_handler(
        call, request_deserializer=method.request_type.FromString, response_serializer=method.response_type.SerializeToString
    )


def require_time(context: grpc.ServicerContext) -> None:
    """Do not begin what nobody waits for any more."""
    remaining = context.time_remaining()
    if remaining is not None and remaining <= 0:
        raise RefusedError("DEADLINE_EXCEEDED", "The deadline had passed before the call began; allow more time.")
