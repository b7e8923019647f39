from __future__ import annotations

import threading

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from sspid.broker.handles import UNKNOWN_HANDLE, HandleTable, Limits
from sspid.vocabulary.errors import RefusedError, SspiError
from sspid.vocabulary.status import SecurityStatus

ROOMY = Limits(per_caller=100, total=1000, idle_seconds=60, unfinished_seconds=10)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def refused_like_unknown(act: object) -> None:
    with pytest.raises(SspiError) as caught:
        act()  # type: ignore[operator]
    assert caught.value.status is SecurityStatus.SEC_E_INVALID_HANDLE
    assert caught.value.message == UNKNOWN_HANDLE


def test_a_handle_is_at_least_128_random_bits_and_never_twice_the_same() -> None:
    table: HandleTable[int] = HandleTable("context", ROOMY, worker=3)
    handles = [table.open("a", number) for number in range(100)]
    assert len(set(handles)) == 100
    assert all(handle[0] == 3 and len(handle) >= 17 for handle in handles)


def test_unknown_deleted_expired_and_foreign_handles_read_the_same() -> None:
    clock = Clock()
    table: HandleTable[str] = HandleTable("context", ROOMY, clock=clock)
    mine = table.open("alice", "mine")
    deleted = table.open("alice", "deleted")
    table.close("alice", deleted)
    refused_like_unknown(lambda: table.find("alice", b"\0" * 24))
    refused_like_unknown(lambda: table.find("alice", b""))
    refused_like_unknown(lambda: table.find("alice", deleted))
    refused_like_unknown(lambda: table.close("alice", deleted))
    refused_like_unknown(lambda: table.find("bob", mine))
    clock.now += 61
    refused_like_unknown(lambda: table.find("alice", mine))


def test_use_begins_the_idle_time_anew_and_half_done_handles_live_shorter() -> None:
    clock = Clock()
    released: list[str] = []
    table: HandleTable[str] = HandleTable("context", ROOMY, release=lambda _caller, held: released.append(held), clock=clock)
    whole = table.open("a", "whole")
    half = table.open("a", "half", finished=False)
    clock.now += 9
    table.find("a", half)
    clock.now += 9
    table.find("a", half)
    clock.now += 11
    assert table.sweep() == 1
    assert released == ["half"]
    assert table.find("a", whole).held == "whole"
    clock.now += 61
    assert table.sweep() == 1
    assert released == ["half", "whole"]
    assert len(table) == 0


def test_a_handle_in_use_is_not_swept_away() -> None:
    clock = Clock()
    table: HandleTable[str] = HandleTable("context", ROOMY, clock=clock)
    handle = table.open("a", "busy")
    with table.find("a", handle).lock:
        clock.now += 100
        assert table.sweep() == 0
    assert table.sweep() == 1


def test_each_caller_and_all_together_are_bounded_with_a_reason() -> None:
    table: HandleTable[int] = HandleTable("context", Limits(2, 3, 60, 60))
    table.open("a", 1)
    table.open("a", 2)
    with pytest.raises(RefusedError, match="This caller holds 2 contexts") as own:
        table.open("a", 3)
    table.open("b", 1)
    with pytest.raises(RefusedError, match="The service holds 3 contexts") as everyone:
        table.open("c", 1)
    assert own.value.kind == everyone.value.kind == "RESOURCE_EXHAUSTED"


def test_closing_frees_room() -> None:
    table: HandleTable[int] = HandleTable("context", Limits(1, 1, 60, 60))
    handle = table.open("a", 1)
    assert table.close("a", handle) == 1
    assert table.open("a", 2)


def test_many_threads_never_lose_count() -> None:
    table: HandleTable[int] = HandleTable("context", Limits(10_000, 10_000, 60, 60))

    def open_and_close(caller: str) -> None:
        for number in range(300):
            table.close(caller, table.open(caller, number))

    threads = [threading.Thread(target=open_and_close, args=(f"caller-{index % 3}",)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(table) == 0


class HandleMachine(RuleBasedStateMachine):
    """Any order of opening, using, closing and waiting: a caller reaches exactly its own living handles."""

    handles = Bundle("handles")

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.table: HandleTable[int] = HandleTable("context", Limits(5, 8, 50, 50), clock=self.clock)
        self.alive: dict[tuple[str, bytes], float] = {}

    def drop_expired(self) -> None:
        self.alive = {key: since for key, since in self.alive.items() if self.clock.now - since <= 50}

    @rule(target=handles, caller=st.sampled_from("abc"))
    def open(self, caller: str) -> tuple[str, bytes]:
        self.table.sweep()
        self.drop_expired()
        own = sum(1 for known, _ in self.alive if known == caller)
        if own >= 5 or len(self.alive) >= 8:
            with pytest.raises(RefusedError):
                self.table.open(caller, 0)
            return caller, b"none"
        handle = self.table.open(caller, 0)
        self.alive[caller, handle] = self.clock.now
        return caller, handle

    @rule(handle=handles, caller=st.sampled_from("abc"))
    def find(self, handle: tuple[str, bytes], caller: str) -> None:
        self.drop_expired()
        if (caller, handle[1]) in self.alive:
            self.table.find(caller, handle[1])
            self.alive[caller, handle[1]] = self.clock.now
        else:
            refused_like_unknown(lambda: self.table.find(caller, handle[1]))

    @rule(handle=consumes(handles))
    def close(self, handle: tuple[str, bytes]) -> None:
        self.drop_expired()
        if self.alive.pop(handle, None) is None:
            refused_like_unknown(lambda: self.table.close(*handle))
        else:
            self.table.close(*handle)

    @rule(seconds=st.integers(1, 40))
    def wait(self, seconds: int) -> None:
        self.clock.now += seconds

    @invariant()
    def counts_agree(self) -> None:
        self.table.sweep()
        self.drop_expired()
        assert len(self.table) == len(self.alive)


HandleMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestHandleMachine = HandleMachine.TestCase
