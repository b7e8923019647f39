from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from sspid.broker import waits
from sspid.broker.waits import WaitingRoom
from sspid.vocabulary.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def waiting_elsewhere(room: WaitingRoom, caller: str) -> Iterator[None]:
    """Another thread's call waits in the room."""
    entered, enough = threading.Event(), threading.Event()

    def wait() -> None:
        with room.wait(caller):
            entered.set()
            enough.wait()

    thread = threading.Thread(target=wait)
    thread.start()
    entered.wait()
    yield
    enough.set()
    thread.join()


def test_waiting_is_bounded_for_each_caller_and_for_all() -> None:
    room = WaitingRoom(per_caller=1, total=2)
    with waiting_elsewhere(room, "a"):
        with pytest.raises(RefusedError, match="already wait") as caught, room.wait("a"):
            pass
        assert caught.value.kind == "RESOURCE_EXHAUSTED"
        with waiting_elsewhere(room, "b"), pytest.raises(RefusedError), room.wait("c"):
            pass
    with room.wait("a"):
        pass


def test_a_call_that_waits_within_a_wait_is_one_call() -> None:
    room = WaitingRoom(per_caller=1, total=1)
    with room.wait("a"), room.wait("a"), waits.waiting():
        pass
    with room.wait("a"):
        pass


def test_a_thread_stands_aside_once_for_as_long_as_it_waits() -> None:
    seen: list[str] = []

    @contextmanager
    def aside() -> Iterator[None]:
        seen.append("aside")
        yield
        seen.append("back")

    def work() -> None:
        waits.stand_aside_by(aside)
        with waits.waiting(), waits.waiting():
            seen.append("waiting")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == ["aside", "waiting", "back"]


def test_waiting_time_is_added_up_for_the_call_on_this_thread() -> None:
    room = WaitingRoom(per_caller=4, total=4)
    waits.this_thread.waited = 0.0
    with room.wait("a"):
        time.sleep(0.02)
    once = waits.this_thread.waited
    assert once >= 0.02
    with room.wait("a"):
        time.sleep(0.01)
    assert waits.this_thread.waited > once
