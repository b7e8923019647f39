"""ContextService's unary calls: message to handle or start, buffers and flags; broker; step to message."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from sspid_protos.sspi.v1 import context_service_pb2 as wire
from sspid_protos.sspi.v1.vocabulary_pb2 import SECURITY_NATIVE_DREP, ContextHandle

from sspid.broker.legs import LegCall
from sspid.rpc import attributes, convert

if TYPE_CHECKING:
    from sspid.broker.contexts import Contexts
    from sspid.broker.legs import LegAnswer


class ContextService:
    """InitializeSecurityContext ... DeleteSecurityContext."""

    def __init__(self, contexts: Contexts) -> None:
        self._contexts = contexts

        self.initialize_security_context = contexts.initialize_security_context
        self.accept_security_context = contexts.accept_security_context

    def complete_auth_token(self, caller: str, request: wire.CompleteAuthTokenRequest) -> wire.CompleteAuthTokenResponse:
        step = self._contexts.complete_auth_token(
            caller,
            request.context.value,
            convert.buffers_in(request.token),
            request.connection_id,
            convert.request_id("CompleteAuthToken", request),
        )
        result = convert.result(step.status, step.message, step.detail)
        return wire.CompleteAuthTokenResponse(result=result, token=convert.buffers_out(step.output))

    def apply_control_token(self, caller: str, request: wire.ApplyControlTokenRequest) -> wire.ApplyControlTokenResponse:
        self._contexts.apply_control_token(
            caller,
            request.context.value,
            convert.buffers_in(request.input),
            request.connection_id,
            convert.request_id("ApplyControlToken", request),
        )
        return wire.ApplyControlTokenResponse(result=convert.OK)

    def query_context_attributes(
        self, caller: str, request: wire.QueryContextAttributesRequest
    ) -> wire.QueryContextAttributesResponse:
        attribute = attributes.context_attribute(request.attribute)
        value = self._contexts.query_context_attributes(caller, request.context.value, attribute, request.connection_id)
        return wire.QueryContextAttributesResponse(result=convert.OK, value=attributes.value_out(value))

    def set_context_attributes(
        self, caller: str, request: wire.SetContextAttributesRequest
    ) -> wire.SetContextAttributesResponse:
        self._contexts.set_context_attributes(
            caller,
            request.context.value,
            attributes.context_attribute(request.attribute),
            attributes.value_in(request.value),
            request.connection_id,
            convert.request_id("SetContextAttributes", request),
        )
        return wire.SetContextAttributesResponse(result=convert.OK)

    def query_security_context_token(
        self, caller: str, request: wire.QuerySecurityContextTokenRequest
    ) -> wire.QuerySecurityContextTokenResponse:
        identity = self._contexts.query_security_context_token(caller, request.context.value, request.connection_id)
        return wire.QuerySecurityContextTokenResponse(result=convert.OK, identity=attributes.identity_out(identity))

    def export_security_context(
        self, caller: str, request: wire.ExportSecurityContextRequest
    ) -> wire.ExportSecurityContextResponse:
        package_name, packed = self._contexts.export_security_context(
            caller,
            request.context.value,
            reset_new=request.reset_new,
            delete_old=request.delete_old,
            connection_id=request.connection_id,
            request_id=convert.request_id("ExportSecurityContext", request),
        )
        return wire.ExportSecurityContextResponse(result=convert.OK, packed_context=packed, package_name=package_name)

    def import_security_context(
        self, caller: str, request: wire.ImportSecurityContextRequest
    ) -> wire.ImportSecurityContextResponse:
        handle = self._contexts.import_security_context(
            caller,
            request.package_name,
            request.packed_context,
            request.connection_id,
            convert.request_id("ImportSecurityContext", request),
        )
        return wire.ImportSecurityContextResponse(result=convert.OK, context=ContextHandle(value=handle))

    def delete_security_context(
        self, caller: str, request: wire.DeleteSecurityContextRequest
    ) -> wire.DeleteSecurityContextResponse:
        self._contexts.delete_security_context(caller, request.context.value)
        return wire.DeleteSecurityContextResponse(result=convert.OK)


def read_leg(function: str, request: Any) -> LegCall:
    """The leg a caller asks for; only an initiator's has a target."""
    return LegCall(
        request.credential.value,
        request.context.value,
        convert.buffers_in(request.input),
        convert.flags_in(request.flags),
        request.target_name if function == "InitializeSecurityContext" else "",
        request.target_data_rep != SECURITY_NATIVE_DREP,
        request.output_capacity,
        request.connection_id,
        convert.request_id(function, request) if request.request_id else None,
    )


def write_leg(answer: LegAnswer, response: Any) -> None:
    """What a leg came to; both response types have the same fields."""
    step = answer.step
    result = response.result
    result.status = convert.STATUS_TO_WIRE[step.status]
    result.code = step.status
    if step.message:
        result.message = step.message
    if step.detail is not None:
        result.detail.CopyFrom(convert.detail_out(step.detail))
    convert.put_buffers(step.output, response.output)
    if step.granted:
        response.granted.extend(convert.flags_out(step.granted))
    if answer.context:
        response.context.value = answer.context
    if step.input:
        convert.put_buffers(step.input, response.input)
    if step.expiry is not None:
        attributes.put_timestamp(step.expiry, response.expiry)


CONVERSIONS = {
    function: (partial(read_leg, function), write_leg) for function in ("InitializeSecurityContext", "AcceptSecurityContext")
}
"""The functions that take no message and return none; the way between is theirs."""
