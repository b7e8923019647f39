"""MessageService: messages under an established context; message in, broker, message out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from sspid_protos.sspi.v1 import message_service_pb2 as wire

from sspid.broker.messages import MessageCall
from sspid.packages.contract import Message, Protected
from sspid.rpc import convert

if TYPE_CHECKING:
    from sspid.broker.messages import Messages

Response = TypeVar(
    "Response",
    wire.EncryptMessageResponse,
    wire.DecryptMessageResponse,
    wire.MakeSignatureResponse,
    wire.VerifySignatureResponse,
)


class MessageService:
    """EncryptMessage, DecryptMessage, MakeSignature, VerifySignature."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages

    def encrypt_message(self, caller: str, request: wire.EncryptMessageRequest) -> wire.EncryptMessageResponse:
        done = self._messages.encrypt_message(caller, _call("EncryptMessage", request, request.qop))
        return _response(wire.EncryptMessageResponse, done)

    def decrypt_message(self, caller: str, request: wire.DecryptMessageRequest) -> wire.DecryptMessageResponse:
        done = self._messages.decrypt_message(caller, _call("DecryptMessage", request, 0))
        response = _response(wire.DecryptMessageResponse, done)
        response.qop = done.qop
        return response

    def make_signature(self, caller: str, request: wire.MakeSignatureRequest) -> wire.MakeSignatureResponse:
        done = self._messages.make_signature(caller, _call("MakeSignature", request, request.qop))
        return _response(wire.MakeSignatureResponse, done)

    def verify_signature(self, caller: str, request: wire.VerifySignatureRequest) -> wire.VerifySignatureResponse:
        done = self._messages.verify_signature(caller, _call("VerifySignature", request, 0))
        response = _response(wire.VerifySignatureResponse, done)
        response.qop = done.qop
        return response


def _call(function: str, request: Any, qop: int) -> MessageCall:
    return MessageCall(
        request.context.value,
        Message(convert.buffers_in(request.message), qop, request.sequence_number),
        request.connection_id,
        convert.request_id(function, request),
    )


def _response(response_type: type[Response], done: Protected) -> Response:
    result = convert.result(done.status, done.message, done.detail)
    return response_type(result=result, message=convert.buffers_out(done.buffers))
