"""The messages of unary calls that have begun: who may owe one, and for how long; no thread waits for any of them."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from sspid.vocabulary.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sspid.rpc.core import Call

    Refuse = Callable[[Call, RefusedError], None]

LOOK_SECONDS = 0.05
"""A message that two looks find missing is slow."""
LAST_LOOKS = 2
"""So many find what was sent when the service began to stop."""
READ_SECONDS = 30.0
"""A slow message has to be there by then."""
SHUTTING_DOWN = "The service is shutting down; connect again in a moment."


class Unread(NamedTuple):
    """Whose call it is, and how to end it."""

    caller: str
    refuse: Refuse


class Readings:
    """gRPC begins a unary call when its headers have come. Who sends no more than those shall not pile up calls.

    A message that is there at once, as nearly all are, costs a place in a dictionary and no lock.
    """

    def __init__(self, *, per_caller: int, total: int) -> None:
        self._per_caller = per_caller
        self._total = total
        self._unread: dict[Call, Unread] = {}
        self._slow: dict[Call, float] = {}
        self._stopping = threading.Event()
        threading.Thread(target=self._look, name="slow messages", daemon=True).start()

    def begin(self, call: Call, caller: str, refuse: Refuse) -> None:
        """Count a call in whose message is to be read. RESOURCE_EXHAUSTED where its caller owes enough already."""
        if self._slow and (own := self._slow_of(caller)) >= self._per_caller:
            message = f"{own} calls of this caller lack their request message still; send it with the call."
            raise RefusedError("RESOURCE_EXHAUSTED", message)
        self._unread[call] = Unread(caller, refuse)

    def end(self, call: Call) -> str | None:
        """The caller of a call whose message came or never will; None where the call was refused meanwhile."""
        unread = self._unread.pop(call, None)
        self._slow.pop(call, None)
        return None if unread is None else unread.caller

    def stop(self) -> None:
        """Refuse the calls whose messages are slow, now or soon; no more may begin."""
        self._stopping.set()

    def _slow_of(self, caller: str) -> int:
        slow = [self._unread.get(call) for call in self._slow.copy()]
        return sum(1 for each in slow if each is not None and each.caller == caller)

    def _look(self) -> None:
        seen: dict[Call, Unread] = {}
        while not self._stopping.wait(LOOK_SECONDS):
            seen = self._look_once(seen)
            self._refuse_late()
        for _ in range(LAST_LOOKS):
            time.sleep(LOOK_SECONDS)
        for call in self._unread.copy():
            self._refuse(call, "UNAVAILABLE", SHUTTING_DOWN)

    def _look_once(self, before: dict[Call, Unread]) -> dict[Call, Unread]:
        now = self._unread.copy()
        for call, unread in now.items():
            if call in before and call not in self._slow:
                self._set_aside(call, unread.caller)
        return now

    def _set_aside(self, call: Call, caller: str) -> None:
        if len(self._slow) >= self._total or self._slow_of(caller) >= self._per_caller:
            message = "Too many calls lack their request message still; send it with the call."
            self._refuse(call, "RESOURCE_EXHAUSTED", message)
            return
        self._slow[call] = time.monotonic() + READ_SECONDS
        if call not in self._unread:
            # It came between the look and now.
            self._slow.pop(call, None)

    def _refuse_late(self) -> None:
        now = time.monotonic()
        for call, until in self._slow.copy().items():
            if until < now:
                message = f"The request message had not come {READ_SECONDS:g} seconds after the call; send it with the call."
                self._refuse(call, "DEADLINE_EXCEEDED", message)

    def _refuse(self, call: Call, kind: str, message: str) -> None:
        unread = self._unread.pop(call, None)
        self._slow.pop(call, None)
        if unread is not None:
            unread.refuse(call, RefusedError(kind, message))
