"""SIGTERM and SIGINT as something to wait for; not what happens then."""

from __future__ import annotations

import select
import signal
import socket


class StopSignal:
    """Waits for SIGTERM or SIGINT. The signal writes to a socket, so that no handler ever needs a lock the waiter holds."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)

    def wait(self, seconds: float | None = None) -> bool:
        """Whether a signal has come within `seconds`; None waits for as long as it takes."""
        readable, _, _ = select.select([self._reader], [], [], seconds)
        return bool(readable)
