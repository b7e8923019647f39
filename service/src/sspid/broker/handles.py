"""Handles: who owns each, how long it lives, how many there may be, and the lock of what stands behind it; knows no package."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NoReturn, Self, TypeVar

from sspid.vocabulary.errors import RefusedError, SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Held = TypeVar("Held")

RANDOM_BYTES = 23
"""Behind the first byte, which names the worker process that owns the handle; 184 bits nobody can guess."""

UNKNOWN_HANDLE = (
    "The handle is not one of this caller's: it was never issued, has been deleted, or has expired; "
    "acquire a credential or begin a context anew."
)


def unknown_handle() -> NoReturn:
    """Refuse a handle; unknown, deleted, expired and foreign handles all end here and read the same."""
    raise SspiError(SecurityStatus.SEC_E_INVALID_HANDLE, UNKNOWN_HANDLE)


@dataclass(frozen=True, slots=True)
class Limits:
    """How many handles a caller and all callers together may hold, and how long one lives unused (seconds)."""

    per_caller: int
    total: int
    idle_seconds: float
    unfinished_seconds: float


class Entry(Generic[Held]):
    """What stands behind one handle. `finished` False puts it under the shorter time of half-done handshakes.

    `with` releases the lock at its end; whoever enters has acquired it before.
    """

    __slots__ = ("finished", "held", "lock", "touched")

    def __init__(self, held: Held, *, finished: bool, now: float, lock: threading.Lock | None = None) -> None:
        self.held = held
        self.finished = finished
        self.touched = now
        self.lock = lock or threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.lock.release()


class HandleTable(Generic[Held]):
    """The handles of one kind. Each caller has a table of its own: a foreign handle is missed there like an unknown one.

    `what` names the kind in messages ("context"). `release` is called with what an expired handle held.
    """

    def __init__(
        self,
        what: str,
        limits: Limits,
        *,
        worker: int = 0,
        release: Callable[[str, Held], None] = lambda _caller, _held: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = what
        self._limits = limits
        self._worker = bytes([worker])
        self._release = release
        self._clock = clock
        self._callers: dict[str, dict[bytes, Entry[Held]]] = {}
        self._count = 0
        self._counting = threading.Lock()

    def __len__(self) -> int:
        return self._count

    def require_room(self, caller: str) -> None:
        """Refuse with RESOURCE_EXHAUSTED before work is done for a handle that could not be kept."""
        if self._count >= self._limits.total:
            message = f"The service holds {self._count} {self._what}s, its limit; try again later."
            raise RefusedError("RESOURCE_EXHAUSTED", message)
        own = self._callers.get(caller)
        if own is not None and len(own) >= self._limits.per_caller:
            message = f"This caller holds {len(own)} {self._what}s, its limit; delete some before beginning more."
            raise RefusedError("RESOURCE_EXHAUSTED", message)

    def open(self, caller: str, held: Held, *, finished: bool = True, lock: threading.Lock | None = None) -> bytes:
        """Issue a handle to `caller`. RESOURCE_EXHAUSTED where it has no room. `lock`: another entry's, to share it."""
        handle = self._worker + os.urandom(RANDOM_BYTES)
        entry = Entry(held, finished=finished, now=self._clock(), lock=lock)
        with self._counting:
            self.require_room(caller)
            self._callers.setdefault(caller, {})[handle] = entry
            self._count += 1
        return handle

    def find(self, caller: str, handle: bytes) -> Entry[Held]:
        """The entry behind a handle of this caller, its idle time begun anew. SEC_E_INVALID_HANDLE for anything else."""
        own = self._callers.get(caller)
        entry = own.get(handle) if own is not None else None
        if entry is None:
            unknown_handle()
        now = self._clock()
        limits = self._limits
        if now - entry.touched > (limits.idle_seconds if entry.finished else limits.unfinished_seconds):
            self._expire(caller, handle, entry)
            unknown_handle()
        entry.touched = now
        return entry

    def peek(self, caller: str, handle: bytes) -> Entry[Held] | None:
        """The entry, if there is one, without using it."""
        own = self._callers.get(caller)
        return None if own is None else own.get(handle)

    def close(self, caller: str, handle: bytes) -> Held:
        """Take a handle back and return what it held. SEC_E_INVALID_HANDLE for anything but a handle of this caller."""
        entry = self.find(caller, handle)
        if not self._forget(caller, handle):
            unknown_handle()
        return entry.held

    def sweep(self) -> int:
        """Expire every handle that has been unused for too long and is not in use now; how many there were."""
        now = self._clock()
        stale = [
            (caller, handle, entry)
            for caller, handle, entry in self._entries()
            if now - entry.touched > self._lifetime(entry) and not entry.lock.locked()
        ]
        return sum(self._expire(caller, handle, entry) for caller, handle, entry in stale)

    def idle(self, seconds: float) -> Iterator[Entry[Held]]:
        """The entries that nobody has used for so long."""
        now = self._clock()
        return (entry for _, _, entry in self._entries() if now - entry.touched > seconds)

    def _entries(self) -> Iterator[tuple[str, bytes, Entry[Held]]]:
        for caller, own in list(self._callers.items()):
            for handle, entry in list(own.items()):
                yield caller, handle, entry

    def _lifetime(self, entry: Entry[Held]) -> float:
        return self._limits.idle_seconds if entry.finished else self._limits.unfinished_seconds

    def _expire(self, caller: str, handle: bytes, entry: Entry[Held]) -> bool:
        forgotten = self._forget(caller, handle)
        if forgotten:
            self._release(caller, entry.held)
        return forgotten

    def _forget(self, caller: str, handle: bytes) -> bool:
        with self._counting:
            own = self._callers.get(caller)
            if own is None or own.pop(handle, None) is None:
                return False
            if not own:
                del self._callers[caller]
            self._count -= 1
            return True
