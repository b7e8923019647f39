"""One context leg by leg: requests built, replies read, the loop until it is established; no bytes are moved."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, TypeVar, cast

from sspid_protos.sspi.v1 import context_service_pb2, vocabulary_pb2

from sspid_client import buffers, calls, replies, values
from sspid_client.attributes import Identity
from sspid_client.buffers import Buffers, BufferType, SecurityBuffer
from sspid_client.calls import Call
from sspid_client.errors import PeerClosedError, SspiError
from sspid_client.flags import ContextFlag
from sspid_client.questions import Receive, Send
from sspid_client.status import SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sspid_client.attributes import Attribute
    from sspid_client.errors import FailureDetail

Value = TypeVar("Value")

DEFAULT_FLAGS = ContextFlag.ALLOCATE_MEMORY | ContextFlag.EXTENDED_ERROR
"""What a context is asked for where its caller says nothing: a failing leg leaves its alert or reject token to be sent."""

STREAM_FLAGS = (
    DEFAULT_FLAGS | ContextFlag.CONFIDENTIALITY | ContextFlag.REPLAY_DETECT | ContextFlag.SEQUENCE_DETECT | ContextFlag.STREAM
)
"""What a TLS stream asks for."""

RECEIVE_SIZE = 65536
"""How many bytes are asked of a transport at a time."""

_COMPLETE = {
    SecurityStatus.SEC_I_COMPLETE_NEEDED: SecurityStatus.SEC_E_OK,
    SecurityStatus.SEC_I_COMPLETE_AND_CONTINUE: SecurityStatus.SEC_I_CONTINUE_NEEDED,
}
_SHUTDOWN = (1).to_bytes(4, "little")  # SCHANNEL_SHUTDOWN of schannel.h, a DWORD


class Role(Enum):
    """Which end of the conversation a context is."""

    INITIATOR = "InitializeSecurityContext"
    ACCEPTOR = "AcceptSecurityContext"


@dataclass(frozen=True, slots=True)
class Step:
    """What one leg came to.

    `token` goes to the peer whatever the status says, if it is not empty. `extra` is the end of the given token that was
    not consumed. `missing` is how many bytes at least a SEC_E_INCOMPLETE_MESSAGE still wants: repeat the whole token with
    more behind it. `granted` counts on every leg, its security flags on the last one only. `expiry` None is never or not
    yet known. `output` holds every output buffer, the token among them.
    """

    status: SecurityStatus
    token: bytes = field(repr=False)
    extra: bytes = field(repr=False)
    missing: int
    granted: ContextFlag
    expiry: datetime | None
    output: Buffers
    message: str = ""
    detail: FailureDetail | None = None

    @property
    def done(self) -> bool:
        """Whether the context is established and wants no further token."""
        return self.status is SecurityStatus.SEC_E_OK


@dataclass(frozen=True, slots=True)
class Completed:
    """What CompleteAuthToken came to.

    `status` is SEC_E_OK where the token is finished, SEC_I_COMPLETE_NEEDED where the peer was judged and the answer that
    proves this end is to be completed by another call, SEC_I_CONTINUE_NEEDED where `output` asks the peer once more.
    """

    status: SecurityStatus
    output: Buffers
    message: str = ""

    @property
    def token(self) -> bytes:
        """What goes to the peer; empty where nothing does."""
        return buffers.first(self.output, BufferType.TOKEN).data


class Legs:
    """The caller's side of one context: how it was begun, and its handle once the service gave one."""

    def __init__(
        self,
        role: Role,
        package: str,
        credential: bytes = b"",
        *,
        target_name: str = "",
        flags: ContextFlag = DEFAULT_FLAGS,
        first_input: Sequence[SecurityBuffer] = (),
        connection_id: str = "",
        handle: bytes = b"",
    ) -> None:
        self.role = role
        self.package = package
        self.handle = handle
        self.connection_id = connection_id
        self._credential = credential
        self._target_name = target_name
        self._flags = flags
        self._first_input = tuple(first_input)

    @property
    def context(self) -> vocabulary_pb2.ContextHandle:
        """The handle for a request; SspiError where there is none, before the first leg or after the end."""
        if not self.handle:
            raise SspiError("This context has no handle: it was not begun, its first leg failed, or it was deleted.")
        return vocabulary_pb2.ContextHandle(value=self.handle)

    async def step(
        self,
        token: bytes = b"",
        *,
        extra_input: Sequence[SecurityBuffer] = (),
        flags: ContextFlag | None = None,
        credential: bytes | None = None,
        output_capacity: int = 0,
    ) -> Step:
        """Make one leg with what the peer sent; `flags` (from here on) and `credential` replace the first leg's."""
        self._flags = self._flags if flags is None else flags
        given = self._input(token, extra_input)
        leg = self._initialize if self.role is Role.INITIATOR else self._accept
        # A later leg goes on with the credential that the service remembers, which may be freed by now.
        reply = await leg(given, credential or (b"" if self.handle else self._credential), output_capacity)
        if reply.HasField("context"):
            self.handle = reply.context.value
        step = _step(reply, token)
        # Without a handle the next leg is a first one again.
        if self.handle and step.status is not SecurityStatus.SEC_E_INCOMPLETE_MESSAGE:
            self._first_input = ()
        return step

    def _input(self, token: bytes, extra_input: Sequence[SecurityBuffer]) -> Buffers:
        # The EMPTY buffer is the place for MISSING and EXTRA.
        tokens = (buffers.token(token), buffers.EMPTY) if token or self.handle else ()
        return (*tokens, *self._first_input, *extra_input)

    async def _initialize(
        self, given: Buffers, credential: bytes, output_capacity: int
    ) -> context_service_pb2.InitializeSecurityContextResponse:
        request = context_service_pb2.InitializeSecurityContextRequest(
            credential=vocabulary_pb2.CredentialHandle(value=credential) if credential else None,
            context=vocabulary_pb2.ContextHandle(value=self.handle) if self.handle else None,
            target_name=self._target_name,
            flags=cast("list[vocabulary_pb2.ContextFlag]", self._flags.to_wire()),
            input=buffers.to_wire(given),
            output_capacity=output_capacity,
            request_id=calls.new_request_id(),
            connection_id=self.connection_id,
        )
        reply = await Call(calls.INITIALIZE_SECURITY_CONTEXT, request)
        return reply  # noqa: RET504  # named, because mypy takes a returned await of a generic for Any

    async def _accept(
        self, given: Buffers, credential: bytes, output_capacity: int
    ) -> context_service_pb2.AcceptSecurityContextResponse:
        request = context_service_pb2.AcceptSecurityContextRequest(
            credential=vocabulary_pb2.CredentialHandle(value=credential) if credential else None,
            context=vocabulary_pb2.ContextHandle(value=self.handle) if self.handle else None,
            flags=cast("list[vocabulary_pb2.ContextFlag]", self._flags.to_wire()),
            input=buffers.to_wire(given),
            output_capacity=output_capacity,
            request_id=calls.new_request_id(),
            connection_id=self.connection_id,
        )
        reply = await Call(calls.ACCEPT_SECURITY_CONTEXT, request)
        return reply  # noqa: RET504  # as above

    async def advance(self, token: bytes, *, extra_input: Sequence[SecurityBuffer] = ()) -> Step:
        """Make one leg and what belongs to it: a leg without a client certificate where one is wanted, a completed token."""
        step = await self.step(token, extra_input=extra_input)
        if step.status is SecurityStatus.SEC_I_INCOMPLETE_CREDENTIALS:
            # The same input again, saying that what was supplied is all there is: an empty Certificate message goes out.
            step = await self.step(token, flags=self._flags | ContextFlag.USE_SUPPLIED_CREDS)
        if step.status in _COMPLETE:
            completed = await self.complete(step.output)
            status = _COMPLETE[step.status] if completed.status is SecurityStatus.SEC_E_OK else completed.status
            return replace(step, status=status, token=completed.token)
        return step

    async def handshake(self, received: bytes = b"", *, begins: bool | None = None) -> Step:
        """Make every leg, sending and receiving in between; `received` is what the peer already sent.

        `begins` says whether this end speaks first; where it is None the initiator does (Digest's acceptor begins).

        Returns the last step; its `extra` is what the peer sent beyond the handshake. A failure sends what is left to
        send, deletes the context and is raised.
        """
        try:
            return await self._handshake(received, begins=self.role is Role.INITIATOR if begins is None else begins)
        except BaseException as failure:
            if isinstance(failure, SspiError) and failure.token:
                with contextlib.suppress(OSError):
                    await Send(failure.token)
            with contextlib.suppress(SspiError):
                await self.delete()
            raise

    async def _handshake(self, received: bytes, *, begins: bool) -> Step:
        if not begins and not received:
            received = await _more(b"")
        while True:
            step = await self.advance(received)
            if step.token:
                await Send(step.token)
            if step.done:
                return step
            received = await self._next(step, received)

    async def _next(self, step: Step, received: bytes) -> bytes:
        if step.status is SecurityStatus.SEC_E_INCOMPLETE_MESSAGE:
            return received + await _more(received)
        if step.status is SecurityStatus.SEC_I_MESSAGE_FRAGMENT:
            return step.extra
        if step.status is SecurityStatus.SEC_I_CONTINUE_NEEDED:
            return step.extra or await _more(b"")
        raise SspiError(
            f"The handshake stopped at {step.status.name}, which only the caller can answer: make the legs with step().",
            status=step.status,
            code=step.status,
        )

    async def complete(self, token: Iterable[SecurityBuffer]) -> Completed:
        """CompleteAuthToken: what SEC_I_COMPLETE_NEEDED or SEC_I_COMPLETE_AND_CONTINUE left open, as it is then to be sent."""
        request = context_service_pb2.CompleteAuthTokenRequest(
            context=self.context,
            token=buffers.to_wire(token),
            request_id=calls.new_request_id(),
            connection_id=self.connection_id,
        )
        reply = await Call(calls.COMPLETE_AUTH_TOKEN, request)
        finished = buffers.from_wire(reply.token)
        return Completed(replies.status_of(reply.result, finished), finished, reply.result.message)

    async def apply_control_token(self, token: bytes) -> None:
        """ApplyControlToken: for Schannel a shutdown, an alert or a session setting, as schannel.h lays it out."""
        request = context_service_pb2.ApplyControlTokenRequest(
            context=self.context,
            input=buffers.to_wire([buffers.token(token)]),
            request_id=calls.new_request_id(),
            connection_id=self.connection_id,
        )
        replies.status_of((await Call(calls.APPLY_CONTROL_TOKEN, request)).result)

    async def shutdown(self) -> bytes:
        """Say that nothing more will be sent; returns the token (close_notify) for the peer."""
        await self.apply_control_token(_SHUTDOWN)
        return (await self.step()).token

    async def query(self, attribute: Attribute[Value]) -> Value:
        """QueryContextAttributes."""
        request = context_service_pb2.QueryContextAttributesRequest(
            context=self.context, attribute=values.context_attribute(attribute), connection_id=self.connection_id
        )
        reply = await Call(calls.QUERY_CONTEXT_ATTRIBUTES, request)
        replies.status_of(reply.result)
        return values.value_of(reply.value, attribute.value)

    async def set(self, attribute: Attribute[Value], value: Value) -> None:
        """SetContextAttributes."""
        request = context_service_pb2.SetContextAttributesRequest(
            context=self.context,
            attribute=values.context_attribute(attribute),
            value=values.message_of(value),
            request_id=calls.new_request_id(),
            connection_id=self.connection_id,
        )
        replies.status_of((await Call(calls.SET_CONTEXT_ATTRIBUTES, request)).result)

    async def identity(self) -> Identity:
        """QuerySecurityContextToken: who the peer is, as an acceptor's context proved it."""
        request = context_service_pb2.QuerySecurityContextTokenRequest(context=self.context, connection_id=self.connection_id)
        reply = await Call(calls.QUERY_SECURITY_CONTEXT_TOKEN, request)
        replies.status_of(reply.result)
        return values.read(reply.identity, Identity)

    async def export(self, *, reset_new: bool = False, delete_old: bool = False) -> bytes:
        """ExportSecurityContext: the established context as bytes that only the same caller's import opens."""
        request = context_service_pb2.ExportSecurityContextRequest(
            context=self.context, reset_new=reset_new, delete_old=delete_old, connection_id=self.connection_id
        )
        # Asked twice, the second would find the context gone.
        reply = await Call(calls.EXPORT_SECURITY_CONTEXT, request, repeatable=not delete_old)
        replies.status_of(reply.result)
        if delete_old:
            self.handle = b""
        return reply.packed_context

    async def delete(self) -> None:
        """DeleteSecurityContext, at any stage; a context that is gone already is no error."""
        if not self.handle:
            return
        request = context_service_pb2.DeleteSecurityContextRequest(context=self.context)
        self.handle = b""
        replies.gone((await Call(calls.DELETE_SECURITY_CONTEXT, request)).result)


async def import_security_context(package: str, packed: bytes, *, role: Role, connection_id: str = "") -> Legs:
    """ImportSecurityContext: what `Legs.export` packed, as a context with a handle of its own."""
    request = context_service_pb2.ImportSecurityContextRequest(
        package_name=package, packed_context=packed, request_id=calls.new_request_id(), connection_id=connection_id
    )
    reply = await Call(calls.IMPORT_SECURITY_CONTEXT, request)
    replies.status_of(reply.result)
    return Legs(role, package, connection_id=connection_id, handle=reply.context.value)


def _step(
    reply: context_service_pb2.InitializeSecurityContextResponse | context_service_pb2.AcceptSecurityContextResponse,
    token: bytes,
) -> Step:
    output = buffers.from_wire(reply.output)
    granted = replies.flags_of(reply.granted)
    status = replies.status_of(reply.result, output, granted)
    changed = buffers.from_wire(reply.input)
    return Step(
        status=status,
        token=buffers.first(output, BufferType.TOKEN).data,
        extra=buffers.tail(token, changed),
        missing=buffers.first(changed, BufferType.MISSING).size,
        granted=granted,
        expiry=replies.time_of(reply, "expiry"),
        output=output,
        message=reply.result.message,
        detail=replies.detail_of(reply.result),
    )


async def _more(so_far: bytes) -> bytes:
    data = await Receive(RECEIVE_SIZE)
    if not data:
        where = f"after {len(so_far)} bytes of an unfinished token" if so_far else "where the next token was due"
        raise PeerClosedError(f"The peer closed the connection during the handshake, {where}.")
    return data
