"""Calls that may wait for a KDC, on threads of their own, so that a deadline holds; MIT's library has none itself."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from sspid.packages.gss import UNREACHABLE, GssError

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")

IDLE_SECONDS = 10.0
"""How long a thread without work stays."""


class Deadline:
    """Runs a call for at most `seconds`; one that takes longer is left to end unheard, and there are at most `most` of them.

    MIT's library cannot be interrupted: it gives a silent KDC up by its own count of tries.
    """

    def __init__(self, seconds: float, most: int = 64) -> None:
        self.seconds = seconds
        self._most = most
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], queue.SimpleQueue[Any]]] = queue.SimpleQueue()
        self._threads = 0
        self._idle = 0
        self._lock = threading.Lock()

    def run(self, call: Callable[[], Result]) -> Result:
        """What `call` returns or raises; `GssError` UNREACHABLE where it takes too long."""
        self._claim_thread()
        answer: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()
        self._jobs.put((call, answer))
        try:
            succeeded, outcome = answer.get(timeout=self.seconds)
        except queue.Empty:
            raise GssError(0, UNREACHABLE, f"no KDC answered within {self.seconds:g} seconds") from None
        if not succeeded:
            raise outcome
        return outcome  # type: ignore[no-any-return]  # it is what `call` returned

    def _claim_thread(self) -> None:
        with self._lock:
            if self._idle:
                self._idle -= 1
                return
            if self._threads >= self._most:
                raise GssError(0, UNREACHABLE, f"{self._threads} earlier calls still wait for KDCs that do not answer")
            self._threads += 1
        threading.Thread(target=self._serve, name="kerberos", daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                call, answer = self._jobs.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                if self._retired():
                    return
                continue
            try:
                answer.put((True, call()))
            except BaseException as failure:  # noqa: BLE001 - whatever it is, it is raised where it was waited for
                answer.put((False, failure))
            del call, answer
            with self._lock:
                self._idle += 1

    def _retired(self) -> bool:
        """Whether a thread that found no job may end: not while a job is on its way to one."""
        with self._lock:
            if not self._idle:
                return False
            self._idle -= 1
            self._threads -= 1
            return True
