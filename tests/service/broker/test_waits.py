from __future__ import annotations

import time

import pytest

from sspid.broker import waits
from sspid.broker.waits import WaitingRoom
from sspid.vocabulary.errors import RefusedError


def test_waiting_is_bounded_for_each_caller_and_for_all() -> None:
    room = WaitingRoom(per_caller=1, total=2)
    with room.wait("a"):
        with pytest.raises(RefusedError, match="already wait") as caught, room.wait("a"):
            pass
        assert caught.value.kind == "RESOURCE_EXHAUSTED"
        with room.wait("b"), pytest.raises(RefusedError), room.wait("c"):
            pass
    with room.wait("a"):
        pass


def test_waiting_time_is_added_up_for_the_call_on_this_thread() -> None:
    room = WaitingRoom(per_caller=4, total=4)
    waits.begin_call()
    assert waits.waited_seconds() == 0
    with room.wait("a"):
        time.sleep(0.02)
    once = waits.waited_seconds()
    assert once >= 0.02
    with room.wait("a"):
        time.sleep(0.01)
    assert waits.waited_seconds() > once
    waits.begin_call()
    assert waits.waited_seconds() == 0
