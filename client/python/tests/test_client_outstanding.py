"""Calls under way on a Session stream: each answered once, by its own answer, or broken off."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import grpc
import pytest
from sspid_protos.sspi.v1.context_service_pb2 import Refusal, SessionResponse

from sspid_client.errors import ServiceError
from sspid_client.outstanding import Outstanding, StreamBrokenError


@pytest.fixture
def outstanding():
    return Outstanding()


def enter(outstanding, field="encrypt_message"):
    future: Future[Any] = Future()
    return future, outstanding.enter(field, future)


def test_answers_find_their_calls_in_any_order(outstanding):
    first, one = enter(outstanding)
    second, two = enter(outstanding, "delete_security_context")
    assert one != two
    outstanding.answer(SessionResponse(number=two, delete_security_context={}))
    outstanding.answer(SessionResponse(number=one, encrypt_message={"result": {"code": 7}}))
    assert first.result(0).result.code == 7
    assert second.done()


def test_an_answer_that_nobody_waits_for_is_dropped(outstanding):
    future, number = enter(outstanding)
    outstanding.answer(SessionResponse(number=number + 1, encrypt_message={}))
    outstanding.forget(number)
    outstanding.answer(SessionResponse(number=number, encrypt_message={}))
    assert not future.done()


def test_a_late_answer_to_a_cancelled_call_is_dropped(outstanding):
    future, number = enter(outstanding)
    future.cancel()
    outstanding.answer(SessionResponse(number=number, encrypt_message={}))
    assert future.cancelled()


def test_a_refusal_becomes_its_grpc_status(outstanding):
    future, number = enter(outstanding)
    refusal = Refusal(code=grpc.StatusCode.RESOURCE_EXHAUSTED.value[0], message="Too many contexts.")
    outstanding.answer(SessionResponse(number=number, refusal=refusal))
    error = future.exception(0)
    assert isinstance(error, ServiceError)
    assert (error.grpc_code, error.message) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "Too many contexts.")


def test_a_draining_service_sends_the_call_elsewhere(outstanding):
    future, number = enter(outstanding)
    refusal = Refusal(code=grpc.StatusCode.UNAVAILABLE.value[0], message="Draining.")
    outstanding.answer(SessionResponse(number=number, refusal=refusal))
    assert isinstance(future.exception(0), StreamBrokenError)


@pytest.mark.parametrize("answer", [{}, {"decrypt_message": {}}], ids=["none", "another"])
def test_an_answer_of_another_kind_is_no_success(outstanding, answer):
    future, number = enter(outstanding)
    outstanding.answer(SessionResponse(number=number, **answer))
    assert future.exception(0).grpc_code is grpc.StatusCode.INTERNAL


def test_a_broken_stream_breaks_off_everything_under_way_and_to_come(outstanding):
    futures = [enter(outstanding)[0] for _ in range(3)]
    futures[0].cancel()
    outstanding.break_off()
    assert all(isinstance(future.exception(0), StreamBrokenError) for future in futures[1:])
    with pytest.raises(StreamBrokenError):
        enter(outstanding)
