"""Handshake and Session: the same calls on streams."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from sspid_protos.sspi.v1 import context_service_pb2, message_service_pb2, vocabulary_pb2

from sspid_testing.wire import (
    ACCEPT,
    INITIALIZE,
    Wire,
    data_message,
    data_of,
    decrypt_request,
    status,
    token_out,
    tokens,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.wire
SESSION = context_service_pb2.SessionRequest
HANDSHAKE = context_service_pb2.HandshakeRequest


class Session:
    """One Session stream, driven from a test."""

    def __init__(self, wire: Wire) -> None:
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.answers: Any = wire.contexts.Session(iter(self._requests.get, None))
        self._number = 0

    def send(self, **call: Any) -> int:
        self._number += 1
        self._requests.put(SESSION(number=self._number, **call))
        return self._number

    def receive(self) -> Any:
        return next(self.answers)

    def call(self, **call: Any) -> Any:
        number = self.send(**call)
        answer = self.receive()
        assert answer.number == number
        return getattr(answer, answer.WhichOneof("answer"))

    def close(self) -> None:
        self._requests.put(None)


@pytest.fixture
def session(wire: Wire) -> Iterator[Session]:
    session = Session(wire)
    yield session
    session.close()


def test_a_whole_handshake_and_messages_travel_on_one_session(wire: Wire, session: Session) -> None:
    client, server = wire.pair(
        initialize=lambda request: session.call(initialize_security_context=request),
        accept=lambda request: session.call(accept_security_context=request),
    )
    sealed = session.call(
        encrypt_message=message_service_pb2.EncryptMessageRequest(
            context=client.context, message=data_message(b"over a stream")
        )
    )
    record = b"".join(each.data for each in sealed.message)
    opened = session.call(decrypt_message=decrypt_request(server, record))
    assert data_of(opened) == b"over a stream"
    for reply in (client, server):
        request = context_service_pb2.DeleteSecurityContextRequest(context=reply.context)
        assert status(session.call(delete_security_context=request)) == "SEC_E_OK"


def test_many_calls_may_be_under_way_and_each_answer_has_its_number(wire: Wire, session: Session) -> None:
    credential = wire.client_credential()
    numbers = {
        session.send(initialize_security_context=INITIALIZE(credential=credential, target_name="localhost")) for _ in range(20)
    }
    answers = [session.receive() for _ in range(20)]
    assert {answer.number for answer in answers} == numbers
    contexts = {answer.initialize_security_context.context.value for answer in answers}
    assert len(contexts) == 20


def test_a_refused_call_does_not_end_the_session(wire: Wire, session: Session) -> None:
    empty = session.call()
    assert empty.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    bad = session.call(initialize_security_context=INITIALIZE(flags=[4711]))  # type: ignore[list-item]  # hostile
    assert bad.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    unknown = session.call(initialize_security_context=INITIALIZE(context=vocabulary_pb2.ContextHandle(value=b"?")))
    assert status(unknown) == "SEC_E_INVALID_HANDLE"


def test_contexts_outlive_the_session_they_were_begun_on(wire: Wire, session: Session) -> None:
    begun = session.call(initialize_security_context=INITIALIZE(credential=wire.client_credential(), target_name="localhost"))
    session.close()
    assert list(session.answers) == []
    answered = wire.contexts.AcceptSecurityContext(ACCEPT(credential=wire.server_credential(), input=tokens(token_out(begun))))
    done = wire.contexts.InitializeSecurityContext(INITIALIZE(context=begun.context, input=tokens(token_out(answered))))
    assert status(done) == "SEC_E_OK"
    wire.delete(done, answered)


class Handshake:
    """One Handshake stream, driven from a test."""

    def __init__(self, wire: Wire) -> None:
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.answers: Any = wire.contexts.Handshake(iter(self._requests.get, None))

    def send(self, **message: Any) -> Any:
        self._requests.put(HANDSHAKE(**message))
        return next(self.answers).step

    def next_leg(self, token: bytes) -> Any:
        return self.send(input=context_service_pb2.HandshakeInput(input=tokens(token)))

    def close(self) -> None:
        self._requests.put(None)


def test_a_handshake_stream_drives_one_context_and_keeps_it_where_asked(wire: Wire) -> None:
    client, server = Handshake(wire), Handshake(wire)
    hello = client.send(initialize=INITIALIZE(credential=wire.client_credential(), target_name="localhost"), keep=True)
    answer = server.send(accept=ACCEPT(credential=wire.server_credential(), input=tokens(token_out(hello))))
    done = client.next_leg(token_out(answer))
    last = server.next_leg(token_out(done))
    assert (status(done), status(last)) == ("SEC_E_OK", "SEC_E_OK")
    assert list(client.answers) == [], "the service ends the stream after the last leg"
    assert list(server.answers) == []
    kept = wire.messages.EncryptMessage(
        message_service_pb2.EncryptMessageRequest(context=done.context, message=data_message(b"x"))
    )
    assert status(kept) == "SEC_E_OK"
    dropped = wire.messages.EncryptMessage(
        message_service_pb2.EncryptMessageRequest(context=last.context, message=data_message(b"x"))
    )
    assert status(dropped) == "SEC_E_INVALID_HANDLE"
    wire.delete(done)


def test_a_broken_off_handshake_stream_takes_its_context_along(wire: Wire) -> None:
    client = Handshake(wire)
    hello = client.send(initialize=INITIALIZE(credential=wire.client_credential(), target_name="localhost"))
    client.close()
    assert list(client.answers) == []
    gone = wire.contexts.InitializeSecurityContext(INITIALIZE(context=hello.context))
    assert status(gone) == "SEC_E_INVALID_HANDLE"


def test_a_failing_handshake_stream_hands_out_its_last_answer_and_ends(wire: Wire) -> None:
    server = Handshake(wire)
    failed = server.send(accept=ACCEPT(credential=wire.server_credential(), input=tokens(b"GET / HTTP/1.0\r\n\r\n")))
    assert failed.result.code >= 0x80000000
    assert list(server.answers) == []


def test_a_handshake_stream_begins_with_its_first_leg(wire: Wire) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        Handshake(wire).send(input=context_service_pb2.HandshakeInput())
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
