from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from sspid.broker.replays import CreatingCalls, RequestId
from sspid.broker.waits import WaitingRoom
from sspid.vocabulary.errors import RefusedError, SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Callable

ROOM = WaitingRoom(per_caller=8, total=8)


def counted() -> tuple[list[int], Callable[[], int]]:
    done: list[int] = []

    def act() -> int:
        done.append(1)
        return len(done)

    return done, act


def test_the_same_request_gets_the_first_answer_again() -> None:
    calls = CreatingCalls(ROOM)
    done, act = counted()
    first = calls.once("a", RequestId("1", b"x"), act)
    assert calls.once("a", RequestId("1", b"x"), act) == first
    assert len(done) == 1


def test_another_caller_or_no_id_is_another_call() -> None:
    calls = CreatingCalls(ROOM)
    done, act = counted()
    calls.once("a", RequestId("1", b"x"), act)
    calls.once("b", RequestId("1", b"x"), act)
    calls.once("a", None, act)
    calls.once("a", None, act)
    assert len(done) == 4


def test_the_same_id_with_another_content_is_refused() -> None:
    calls = CreatingCalls(ROOM)
    calls.once("a", RequestId("1", b"x"), lambda: 1)
    with pytest.raises(RefusedError, match="used before with another content") as caught:
        calls.once("a", RequestId("1", b"y"), lambda: 2)
    assert caught.value.kind == "INVALID_ARGUMENT"


def test_a_failing_status_is_an_answer_and_a_refusal_is_not() -> None:
    calls = CreatingCalls(ROOM)
    attempts: list[int] = []

    def fails() -> None:
        attempts.append(1)
        raise SspiError(SecurityStatus.SEC_E_LOGON_DENIED, "no")

    def refuses() -> None:
        attempts.append(1)
        raise RefusedError("RESOURCE_EXHAUSTED", "full")

    for _ in range(2):
        with pytest.raises(SspiError):
            calls.once("a", RequestId("1", b"x"), fails)
    assert len(attempts) == 1
    for _ in range(2):
        with pytest.raises(RefusedError):
            calls.once("a", RequestId("2", b"x"), refuses)
    assert len(attempts) == 3


def test_a_repeat_that_overtakes_waits_for_the_first() -> None:
    calls = CreatingCalls(ROOM)
    entered, go_on = threading.Event(), threading.Event()
    answers: list[str] = []

    def slow() -> str:
        entered.set()
        go_on.wait(10)
        return "first"

    first = threading.Thread(target=lambda: answers.append(calls.once("a", RequestId("1", b"x"), slow)))
    first.start()
    entered.wait(10)
    again = threading.Thread(target=lambda: answers.append(calls.once("a", RequestId("1", b"x"), lambda: "second")))
    again.start()
    go_on.set()
    first.join(10)
    again.join(10)
    assert answers == ["first", "first"]


def test_answers_are_forgotten_by_age_and_by_number() -> None:
    now = [0.0]
    calls = CreatingCalls(ROOM, seconds=10, per_caller=2, clock=lambda: now[0])
    done, act = counted()
    for name in ("1", "2", "3"):
        calls.once("a", RequestId(name, b"x"), act)
    calls.once("a", RequestId("3", b"x"), act)
    assert len(done) == 3
    calls.once("a", RequestId("1", b"x"), act)
    assert len(done) == 4
    now[0] = 11
    calls.sweep()
    calls.once("a", RequestId("1", b"x"), act)
    assert len(done) == 5
