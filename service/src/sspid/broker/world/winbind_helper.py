"""One running helper process that is asked in lines and answers in lines, within a deadline; it knows no NTLM."""

from __future__ import annotations

import os
import select
import subprocess
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO

_LONGEST_REPLY: Final = 65536
_CHUNK: Final = 65536


class HelperError(Exception):
    """The helper cannot be started, has ended, or did not answer in time."""


class Helper:
    """A process that reads a block of lines ended by "." and writes one. One thread at a time may use it."""

    def __init__(self, command: Sequence[str]) -> None:
        # The messages are told apart by their English words.
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
        try:
            self._process = subprocess.Popen(  # noqa: S603  # the operator's own program, and no shell
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                bufsize=0,
            )
        except OSError as error:
            raise HelperError(f"{command[0]} cannot be started ({error.strerror})") from None
        self._input, self._output = _open(self._process.stdin), _open(self._process.stdout)
        self._unread = b""

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def ready(self) -> bool:
        """Whether it runs and has said nothing since its last answer but the "." that may follow a refusal."""
        if self._process.poll() is not None:
            return False
        try:
            self._unread += os.read(self._output, _CHUNK)
        except BlockingIOError:
            pass
        except OSError:
            return False
        said = self._unread.split()
        return all(word == b"." for word in said) and self._unread[-1:] in {b"", b"\n"}

    def ask(self, request: bytes, deadline: float) -> dict[str, str]:
        """The answer's lines by name. `HelperError` at `deadline` (of the monotonic clock), after which it cannot be used."""
        try:
            self._write(request, deadline)
            while True:
                lines = self._block(deadline)
                # A refusal is followed by a block of nothing, sooner or later.
                if lines:
                    return dict(_named(line) for line in lines)
        except OSError as error:
            raise HelperError(f"its helper ended ({error.strerror})") from None

    def _write(self, request: bytes, deadline: float) -> None:
        rest = memoryview(request)
        while rest:
            self._wait(self._input, select.POLLOUT, deadline)
            rest = rest[os.write(self._input, rest) :]

    def _block(self, deadline: float) -> list[str]:
        lines: list[str] = []
        while True:
            line, ended, rest = self._unread.partition(b"\n")
            if not ended:
                self._read(deadline)
                continue
            self._unread = rest
            if line.strip() == b".":
                return lines
            lines.append(line.decode("utf-8", "replace"))

    def _read(self, deadline: float) -> None:
        self._wait(self._output, select.POLLIN, deadline)
        read = os.read(self._output, _CHUNK)
        self._unread += read
        if not read or len(self._unread) > _LONGEST_REPLY:
            raise HelperError("its helper ended" if not read else "its helper's answer has no end")

    @staticmethod
    def _wait(descriptor: int, event: int, deadline: float) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            raise HelperError("it did not answer in time")

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._process.wait()


def _open(stream: IO[bytes] | None) -> int:
    descriptor = -1 if stream is None else stream.fileno()
    os.set_blocking(descriptor, False)
    return descriptor


def _named(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()
