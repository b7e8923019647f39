"""SIGTERM, SIGINT and the end of a supervisor as something to wait for; not what happens then."""

from __future__ import annotations

import select
import signal
import socket
from typing import IO, Any


class StopSignal:
    """Waits for SIGTERM or SIGINT. The signal writes to a socket, so that no handler ever needs a lock the waiter holds.

    `supervisor` is a pipe that somebody else keeps open and never writes to: its end stops as a signal does.
    """

    def __init__(self, supervisor: IO[Any] | None = None) -> None:
        self._supervisor: list[Any] = [] if supervisor is None else [supervisor]
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)

    def wait(self, seconds: float | None = None) -> bool:
        """Whether a signal has come within `seconds`; None waits for as long as it takes."""
        readable, _, _ = select.select([self._reader, *self._supervisor], [], [], seconds)
        return bool(readable)

    def wait_for_supervisor(self, seconds: float) -> None:
        """Wait until the supervisor's pipe ends, or at most `seconds`; not at all without one."""
        if self._supervisor:
            select.select(self._supervisor, [], [], seconds)
