"""Session: calls that travel in one message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from sspid_protos.sspi.v1 import context_service_pb2, vocabulary_pb2

from sspid_testing.wire import INITIALIZE, Wire, status

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.wire
SESSION = context_service_pb2.SessionRequest
CALLS = 70


def answers(wire: Wire, *requests: Any) -> Iterator[Any]:
    """All messages of one Session stream, and what came with them."""
    for message in wire.contexts.Session(iter(requests)):
        yield message
        yield from message.also


def test_calls_of_one_message_are_all_answered_under_their_numbers(wire: Wire) -> None:
    credential = wire.client_credential()
    calls = [
        SESSION(number=number, initialize_security_context=INITIALIZE(credential=credential, target_name="localhost"))
        for number in range(CALLS)
    ]
    found = {each.number: each for each in answers(wire, SESSION(number=CALLS, also=calls))}
    assert set(found) == {*range(CALLS), CALLS}
    assert found[CALLS].refusal.code == grpc.StatusCode.INVALID_ARGUMENT.value[0], "a message needs a call of its own"
    assert len({found[number].initialize_security_context.context.value for number in range(CALLS)}) == CALLS
    for number in range(CALLS):
        wire.delete(found[number].initialize_security_context)


def test_a_bad_call_spoils_none_that_came_with_it(wire: Wire) -> None:
    hello = INITIALIZE(credential=wire.client_credential(), target_name="localhost")
    bad = INITIALIZE(flags=[4711])  # type: ignore[list-item]  # hostile
    unknown = INITIALIZE(context=vocabulary_pb2.ContextHandle(value=b"?"))
    together = SESSION(
        number=1,
        initialize_security_context=bad,
        also=[SESSION(number=2, initialize_security_context=unknown), SESSION(number=3, initialize_security_context=hello)],
    )
    found = {each.number: each for each in answers(wire, together)}
    assert found[1].refusal.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert status(found[2].initialize_security_context) == "SEC_E_INVALID_HANDLE"
    assert status(found[3].initialize_security_context) == "SEC_I_CONTINUE_NEEDED"
    wire.delete(found[3].initialize_security_context)


def test_only_a_request_that_brings_several_calls_is_answered_with_several(wire: Wire) -> None:
    hello = INITIALIZE(credential=wire.client_credential(), target_name="localhost")
    alone = [SESSION(number=number, initialize_security_context=hello) for number in range(5)]
    messages = list(wire.contexts.Session(iter(alone)))
    assert [len(message.also) for message in messages] == [0] * 5
    for message in messages:
        wire.delete(message.initialize_security_context)
