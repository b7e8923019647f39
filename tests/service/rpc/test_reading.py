"""Messages that are there, late, or never come; the thread of a slow one is replaced."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any, cast

import pytest

from sspid.rpc import reading
from sspid.rpc.call_threads import CallThreads
from sspid.rpc.reading import Readers
from sspid.vocabulary.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    import grpc

SECONDS = 20


class Call:
    """One call's messages; a cancelled one has an error in their place, as gRPC does it."""

    def __init__(self) -> None:
        self.sent: queue.SimpleQueue[bytes | Exception | None] = queue.SimpleQueue()
        self.cancelled = threading.Event()
        self.asked = threading.Event()

    def cancel(self) -> None:
        self.cancelled.set()
        self.sent.put(ConnectionError())

    def messages(self) -> Iterator[bytes]:
        self.asked.set()
        while (message := self.sent.get()) is not None:
            if isinstance(message, Exception):
                raise message
            yield message

    def begin(self, threads: CallThreads, readers: Readers, caller: str = "alice") -> Future[Any]:
        return threads.submit(readers.read, self.messages(), caller, cast("grpc.ServicerContext", self))


def crew(*, most: int = 50, per_caller: int = 10, total: int = 20, queued: int = 1000) -> tuple[CallThreads, Readers]:
    threads = CallThreads(1, most, queued)
    return threads, Readers(threads, per_caller=per_caller, total=total)


def test_a_message_that_is_there_is_the_calls() -> None:
    threads, readers = crew()
    call = Call()
    call.sent.put(b"hello")
    assert call.begin(threads, readers).result(SECONDS) == b"hello"
    readers.stop()


def test_calls_without_a_message_are_replaced_and_answered_when_it_comes() -> None:
    threads, readers = crew()
    silent = [Call() for _ in range(8)]
    futures = [call.begin(threads, readers) for call in silent]
    assert threads.submit(lambda: 7).result(SECONDS) == 7
    assert not any(future.done() for future in futures)
    for number, call in enumerate(silent):
        call.sent.put(bytes([number]))
    assert [future.result(SECONDS) for future in futures] == [bytes([number]) for number in range(8)]
    readers.stop()


def test_who_has_enough_of_them_is_refused_and_others_are_not() -> None:
    threads, readers = crew(per_caller=3)
    silent = [Call() for _ in range(3)]
    futures = [call.begin(threads, readers) for call in silent]
    threads.submit(int).result(SECONDS)
    with pytest.raises(RefusedError, match="3 calls of this caller lack their request message") as caught:
        Call().begin(threads, readers).result(SECONDS)
    assert caught.value.kind == "RESOURCE_EXHAUSTED"
    other = Call()
    other.sent.put(b"x")
    assert other.begin(threads, readers, "bob").result(SECONDS) == b"x"
    silent[0].sent.put(b"late")
    assert futures[0].result(SECONDS) == b"late"
    late = Call()
    late.sent.put(b"y")
    assert late.begin(threads, readers).result(SECONDS) == b"y"
    readers.stop()


def test_more_than_all_may_have_are_cancelled() -> None:
    threads, readers = crew(total=4)
    silent = [Call() for _ in range(9)]
    futures = [call.begin(threads, readers, str(number)) for number, call in enumerate(silent)]
    assert threads.submit(lambda: 7).result(SECONDS) == 7
    for call in silent[4:]:
        assert call.cancelled.wait(SECONDS)
    assert [call.cancelled.is_set() for call in silent] == [False] * 4 + [True] * 5
    assert all(isinstance(future.exception(SECONDS), ConnectionError) for future in futures[4:])
    readers.stop()


def test_a_message_that_does_not_come_at_all_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "READ_SECONDS", 0.0)
    threads, readers = crew()
    call = Call()
    assert isinstance(call.begin(threads, readers).exception(SECONDS), ConnectionError)
    readers.stop()


def test_a_service_that_stops_gives_up_those_that_are_slow() -> None:
    threads, readers = crew()
    call = Call()
    future = call.begin(threads, readers)
    assert threads.submit(lambda: 7).result(SECONDS) == 7
    assert not call.cancelled.is_set()
    readers.stop()
    assert isinstance(future.exception(SECONDS), ConnectionError)


def test_a_service_that_stops_gives_up_those_that_turn_out_to_be_slow() -> None:
    threads, readers = crew()
    call = Call()
    future = call.begin(threads, readers)
    assert call.asked.wait(SECONDS)
    readers.stop()
    assert isinstance(future.exception(SECONDS), ConnectionError)


def test_a_call_that_ends_without_a_message_is_refused() -> None:
    threads, readers = crew()
    call = Call()
    call.sent.put(None)
    with pytest.raises(RefusedError, match="exactly one request message") as caught:
        call.begin(threads, readers).result(SECONDS)
    assert caught.value.kind == "INVALID_ARGUMENT"
    readers.stop()


def test_a_call_too_many_for_the_queue_is_refused_without_reading_its_message() -> None:
    threads, readers = crew(most=1, queued=2)
    busy, enough = threading.Event(), threading.Event()

    def work() -> None:
        busy.set()
        enough.wait()

    threads.submit(work)
    assert busy.wait(SECONDS)
    kept = [Call() for _ in range(2)]
    futures = [call.begin(threads, readers) for call in kept]
    with pytest.raises(RefusedError, match="2 unary calls wait for a thread already; call more slowly, or on one") as caught:
        Call().begin(threads, readers).result(SECONDS)
    assert caught.value.kind == "RESOURCE_EXHAUSTED"
    enough.set()
    for call in kept:
        call.sent.put(b"z")
    assert [future.result(SECONDS) for future in futures] == [b"z", b"z"]
    readers.stop()
