"""Calls that are ready together travel in one message of the Session stream, and its answers find them."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

from sspid_protos.sspi.v1.context_service_pb2 import SessionRequest, SessionResponse

from sspid_client import calls
from sspid_client.outstanding import Outstanding


def test_what_is_ready_goes_along_and_no_more_than_the_service_answers_at_once():
    ready = iter([SessionRequest(number=number) for number in range(2, 100)])
    message = calls.together(SessionRequest(number=1), ready)
    assert message.number == 1
    assert [each.number for each in message.also] == list(range(2, 2 + calls.TOGETHER))
    assert next(ready).number == 2 + calls.TOGETHER, "the others wait for the next message"


def test_answers_that_come_together_find_their_calls():
    outstanding: Outstanding[Future[Any]] = Outstanding()
    futures: list[Future[Any]] = [Future() for _ in range(3)]
    numbers = [outstanding.enter("delete_security_context", future) for future in futures]
    first, *others = [SessionResponse(number=number, delete_security_context={}) for number in numbers]
    first.also.extend(others)
    outstanding.answer(first)
    assert [future.done() for future in futures] == [True, True, True]
