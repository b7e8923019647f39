"""Remembers for a moment who was waited for in vain, so that not every logon waits for the same silent KDC; asks nobody."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from sspid.packages.gss import UNREACHABLE, GssError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from sspid.broker.world.gss_deadline import Deadline, Result

_KDC_UNREACH: Final = 156
"""KRB5_KDC_UNREACH: the library's own tries are over."""
_SOON: Final = 1.0
"""Whoever refuses sooner than this, in seconds, keeps nobody waiting and is asked every time."""
_MOST: Final = 1024


class Silence:
    """Asks within `deadline`, and for `seconds` not again for what was silent; then one asks, and the others once it knows."""

    def __init__(self, deadline: Deadline, seconds: float) -> None:
        self._deadline = deadline
        self._seconds = seconds
        self._until: dict[Hashable, float] = {}
        self._lock = threading.Lock()

    def ask(self, call: Callable[[], Result], what: Callable[[], Hashable]) -> Result:
        """What `call` returns or raises. `what` names what a KDC is asked for just now; `GssError` UNREACHABLE in vain."""
        asked = what()
        self._require_hope(asked)
        began = time.monotonic()
        try:
            answer = self._deadline.run(call)
        except GssError as failure:
            self._forget(asked)
            waited = time.monotonic() - began >= min(_SOON, self._deadline.seconds)
            if waited and failure.code in {UNREACHABLE, _KDC_UNREACH}:
                # Part of it may have come: what it hung at is what is silent.
                self._remember(what())
            raise
        self._forget(asked)
        return answer

    def _require_hope(self, asked: Hashable) -> None:
        now = time.monotonic()
        with self._lock:
            until = self._until.get(asked)
            if until is None:
                return
            if until <= now:
                # This one tries; meanwhile it is as silent as before to the others.
                self._until[asked] = now + self._deadline.seconds
                return
        text = f"no KDC answered a moment ago, and it is asked again in {until - now:.0f} seconds"
        raise GssError(0, UNREACHABLE, text)

    def _remember(self, silent: Hashable) -> None:
        now = time.monotonic()
        with self._lock:
            if len(self._until) >= _MOST:
                self._until = {each: until for each, until in self._until.items() if until > now}
            if self._seconds > 0 and len(self._until) < _MOST:
                self._until[silent] = now + self._seconds

    def _forget(self, asked: Hashable) -> None:
        if self._until:
            with self._lock:
                self._until.pop(asked, None)
