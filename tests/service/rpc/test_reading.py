"""Messages that are there, late, or never come; the calls of the slow ones are bounded and ended, and hold no thread."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, cast

import pytest

from sspid.rpc import reading
from sspid.rpc.reading import Readings
from sspid.vocabulary.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sspid.rpc.core import Call

SECONDS = 20


class Begun:
    """A call whose headers have come."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.refused: RefusedError | None = None

    def begin(self, readings: Readings, caller: str = "alice") -> Begun:
        readings.begin(self.call, caller, Begun.refuse)
        return self

    @property
    def call(self) -> Call:
        return cast("Call", self)

    @staticmethod
    def refuse(call: Call, refused: RefusedError) -> None:
        begun = cast("Begun", call)
        begun.refused = refused
        begun.ended.set()

    def reason(self) -> tuple[str, str]:
        assert self.ended.wait(SECONDS)
        assert self.refused is not None
        return self.refused.kind, self.refused.message


@pytest.fixture
def readings() -> Iterator[Readings]:
    yield from kept(Readings(per_caller=3, total=4))


def kept(readings: Readings) -> Iterator[Readings]:
    yield readings
    readings.stop()


def wait_until_slow(readings: Readings, caller: str = "alice") -> None:
    """Until so many of the caller's messages are late that another call is refused."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        probe = Begun()
        try:
            probe.begin(readings, caller)
        except RefusedError:
            return
        readings.end(probe.call)
        time.sleep(0.01)
    pytest.fail("no call was found to be slow")


def test_a_message_that_is_there_is_its_callers(readings: Readings) -> None:
    begun = Begun().begin(readings)
    assert readings.end(begun.call) == "alice"
    assert not begun.ended.is_set()


def test_who_owes_enough_is_refused_and_others_are_not(readings: Readings) -> None:
    silent = [Begun().begin(readings) for _ in range(3)]
    wait_until_slow(readings)
    with pytest.raises(RefusedError, match="3 calls of this caller lack their request message") as caught:
        Begun().begin(readings)
    assert caught.value.kind == "RESOURCE_EXHAUSTED"
    other = Begun().begin(readings, "bob")
    assert readings.end(other.call) == "bob"
    assert readings.end(silent[0].call) == "alice"
    assert not silent[0].ended.is_set()
    late = Begun().begin(readings)
    assert readings.end(late.call) == "alice"


def test_more_than_a_caller_may_owe_are_ended(readings: Readings) -> None:
    silent = [Begun().begin(readings) for _ in range(5)]
    for each in silent[3:]:
        assert each.reason() == (
            "RESOURCE_EXHAUSTED",
            "Too many calls lack their request message still; send it with the call.",
        )
    assert [each.ended.is_set() for each in silent] == [False] * 3 + [True] * 2


def test_more_than_all_may_owe_are_ended(readings: Readings) -> None:
    silent = [Begun().begin(readings, str(number)) for number in range(9)]
    for each in silent[4:]:
        assert each.reason()[0] == "RESOURCE_EXHAUSTED"
    assert [each.ended.is_set() for each in silent] == [False] * 4 + [True] * 5


def test_a_message_that_comes_after_its_call_was_ended_is_nobodys(readings: Readings) -> None:
    silent = [Begun().begin(readings) for _ in range(4)]
    silent[3].reason()
    assert readings.end(silent[3].call) is None


def test_a_message_that_does_not_come_at_all_is_given_up(readings: Readings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "READ_SECONDS", 0.0)
    kind, message = Begun().begin(readings).reason()
    assert kind == "DEADLINE_EXCEEDED"
    assert "had not come" in message


def test_a_service_that_stops_ends_those_that_are_missing_and_takes_those_that_come_soon() -> None:
    readings = Readings(per_caller=3, total=4)
    missing, soon = Begun().begin(readings), Begun().begin(readings)
    readings.stop()
    assert readings.end(soon.call) == "alice"
    assert missing.reason() == ("UNAVAILABLE", reading.SHUTTING_DOWN)
    assert not soon.ended.is_set()
