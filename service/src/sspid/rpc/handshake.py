"""Handshake: one context for one stream's life, driven through the functions of the unary calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sspid_protos.sspi.v1 import context_service_pb2 as wire
from sspid_protos.sspi.v1 import vocabulary_pb2

from sspid.rpc.unary import parsed
from sspid.vocabulary.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sspid.rpc.chain import Function
    from sspid.rpc.stream import Stream

GOES_ON = (
    vocabulary_pb2.SEC_I_CONTINUE_NEEDED,
    vocabulary_pb2.SEC_E_INCOMPLETE_MESSAGE,
    vocabulary_pb2.SEC_I_INCOMPLETE_CREDENTIALS,
    vocabulary_pb2.SEC_I_MESSAGE_FRAGMENT,
)


class Handshake:
    """What is said on one Handshake stream."""

    def __init__(self, functions: Mapping[str, Function], caller: str, stream: Stream) -> None:
        self._functions = functions
        self._caller = caller
        self._stream = stream
        self._under_way = False
        self._owed = 0

    def busy(self) -> bool:
        """Whether a leg is under way or its answer not sent yet."""
        return self._under_way or self._stream.sent < self._owed

    def hold(self) -> None:
        """Take the legs until the context is established, fails, or is given up; then it goes, unless it is to be kept."""
        self._drive()
        self._under_way = False
        while self.busy() and not self._stream.gone:
            self._stream.wait()

    def _next(self) -> wire.HandshakeRequest | None:
        message = self._stream.receive()
        return None if message is None else parsed(wire.HandshakeRequest.FromString, message)

    def _send(self, answer: wire.HandshakeResponse) -> None:
        self._owed += 1
        self._stream.send(answer.SerializeToString())

    def _drive(self) -> None:
        first = self._next()
        if first is None or first.WhichOneof("message") not in {"initialize", "accept"}:
            raise RefusedError("INVALID_ARGUMENT", "The first message of a Handshake stream is `initialize` or `accept`.")
        role = "initialize" if first.HasField("initialize") else "accept"
        function = self._functions[f"{role}_security_context"]
        call = getattr(first, role)
        response = None
        kept = False
        try:
            while True:
                self._under_way = True
                response = function(self._caller, call)
                if response.HasField("context"):
                    call.context.CopyFrom(response.context)
                self._send(wire.HandshakeResponse(step=_initiator_shape(response)))
                if response.result.status not in GOES_ON:
                    kept = first.keep and response.result.status == vocabulary_pb2.SEC_E_OK
                    return
                self._under_way = False
                following = self._next()
                if following is None:
                    return
                _next_leg(call, following)
        finally:
            if call.HasField("context") and not kept:
                self._functions["delete_security_context"](
                    self._caller, wire.DeleteSecurityContextRequest(context=call.context)
                )


def _next_leg(call: Any, following: wire.HandshakeRequest) -> None:
    if following.WhichOneof("message") != "input":
        raise RefusedError("INVALID_ARGUMENT", "Every message after the first of a Handshake stream is `input`.")
    del call.input[:]
    call.input.extend(following.input.input)
    if following.input.HasField("credential"):
        call.credential.CopyFrom(following.input.credential)
    if following.input.flags:
        del call.flags[:]
        call.flags.extend(following.input.flags)
    # Each leg of the stream is a new call; a request id stands for one leg only.
    call.request_id = ""


def _initiator_shape(response: Any) -> wire.InitializeSecurityContextResponse:
    if isinstance(response, wire.InitializeSecurityContextResponse):
        return response
    # The two responses have the same fields under the same numbers.
    return wire.InitializeSecurityContextResponse.FromString(response.SerializeToString())
