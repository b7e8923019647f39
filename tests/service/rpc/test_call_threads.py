from __future__ import annotations

import queue
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from sspid.broker import waits
from sspid.rpc.call_threads import CallThreads
from sspid.vocabulary.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 20


def asked(threads: CallThreads, function: Callable[[], Any]) -> queue.SimpleQueue[Any]:
    """Where the call's outcome comes."""
    outcome: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threads.put(lambda: outcome.put(function()))
    return outcome


def hold(threads: CallThreads, number: int) -> threading.Event:
    """That many calls which wait until the event."""
    enough = threading.Event()
    entered = threading.Semaphore(0)

    def wait() -> None:
        with waits.waiting():
            entered.release()
            enough.wait()

    for _ in range(number):
        threads.put(wait)
    for _ in range(number):
        assert entered.acquire(timeout=SECONDS)
    return enough


def test_what_waits_takes_no_thread_from_what_works() -> None:
    threads = CallThreads(2, 20)
    enough = hold(threads, 15)
    assert asked(threads, lambda: 7).get(timeout=SECONDS) == 7
    enough.set()
    assert [asked(threads, partial(int, text)).get(timeout=SECONDS) for text in ("1", "2", "3")] == [1, 2, 3]


def test_threads_are_bounded_and_used_again() -> None:
    threads = CallThreads(1, 4)
    before = threading.active_count()
    for _ in range(5):
        hold(threads, 3).set()
        asked(threads, int).get(timeout=SECONDS)
    assert threading.active_count() - before <= 4


def test_no_more_than_the_bound_wait_and_the_rest_is_done_afterwards() -> None:
    threads = CallThreads(1, 2)
    enough = hold(threads, 2)
    late = asked(threads, lambda: "done")
    assert late.empty()
    enough.set()
    assert late.get(timeout=SECONDS) == "done"


def test_a_call_too_many_for_the_queue_is_refused() -> None:
    threads = CallThreads(1, 1, 2)
    busy, enough = threading.Event(), threading.Event()

    def work() -> None:
        busy.set()
        enough.wait()

    threads.put(work)
    assert busy.wait(SECONDS)
    kept = [asked(threads, int) for _ in range(2)]
    with pytest.raises(RefusedError, match="2 unary calls wait for a thread already; call more slowly, or on one") as caught:
        threads.put(int)
    assert caught.value.kind == "RESOURCE_EXHAUSTED"
    enough.set()
    assert [each.get(timeout=SECONDS) for each in kept] == [0, 0]


def test_a_bug_in_a_call_is_shown_and_costs_no_later_one_its_thread(capsys: pytest.CaptureFixture[str]) -> None:
    threads = CallThreads(1, 1)
    for _ in range(3):
        threads.put(partial(int, "x"))
    assert asked(threads, int).get(timeout=SECONDS) == 0
    assert capsys.readouterr().err.count("ValueError: invalid literal") == 3
