from __future__ import annotations

import threading

import pytest

from sspid.broker import waits
from sspid.rpc.call_threads import CallThreads

SECONDS = 20


def hold(threads: CallThreads, number: int) -> threading.Event:
    """That many calls which wait until the event."""
    enough = threading.Event()
    entered = threading.Semaphore(0)

    def wait() -> None:
        with waits.waiting():
            entered.release()
            enough.wait()

    for _ in range(number):
        threads.submit(wait)
    for _ in range(number):
        assert entered.acquire(timeout=SECONDS)
    return enough


def test_what_waits_takes_no_thread_from_what_works() -> None:
    threads = CallThreads(2, 20)
    enough = hold(threads, 15)
    assert threads.submit(lambda: 7).result(SECONDS) == 7
    enough.set()
    assert [threads.submit(int, text).result(SECONDS) for text in ("1", "2", "3")] == [1, 2, 3]


def test_threads_are_bounded_and_used_again() -> None:
    threads = CallThreads(1, 4)
    before = threading.active_count()
    for _ in range(5):
        hold(threads, 3).set()
        threads.submit(int).result(SECONDS)
    assert threading.active_count() - before <= 4


def test_no_more_than_the_bound_wait_and_the_rest_is_done_afterwards() -> None:
    threads = CallThreads(1, 2)
    enough = hold(threads, 2)
    late = threads.submit(lambda: "done")
    assert not late.done()
    enough.set()
    assert late.result(SECONDS) == "done"


def test_a_failing_call_fails_its_future_and_leaves_its_thread() -> None:
    threads = CallThreads(1, 1)
    with pytest.raises(ValueError, match="invalid literal"):
        threads.submit(int, "x").result(SECONDS)
    assert threads.submit(int).result(SECONDS) == 0
