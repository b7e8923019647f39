"""A TCP relay between a client and the service that can lose answers and cut connections; it reads nothing of what passes."""

from __future__ import annotations

import contextlib
import socket
import threading

# Frames of HTTP/2 without payload (settings, window updates, pings) are shorter, and are no answer.
_ANSWER = 60


class Relay:
    """Listens on `target` and passes bytes to and from the service at `behind` ("host:port")."""

    def __init__(self, behind: str) -> None:
        host, _, port = behind.rpartition(":")
        self._behind = host, int(port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._losing = threading.Event()
        self.lost = threading.Event()
        """Set once an answer was lost: the service has done what it was asked."""
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def target(self) -> str:
        """What the client is to be given."""
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._behind)
                self._pairs.append((near, far))
                threading.Thread(target=self._pass, args=(near, far, False), daemon=True).start()
                threading.Thread(target=self._pass, args=(far, near, True), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if answers and self._losing.is_set():
                    if len(data) > _ANSWER:
                        self.lost.set()
                    continue
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def lose_answers(self) -> None:
        """From now on nothing of what the service says gets through, until `cut`."""
        self.lost.clear()
        self._losing.set()

    def cut(self) -> None:
        """Cut every connection; new ones pass everything again."""
        self._losing.clear()
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for each in pair:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()

    def close(self) -> None:
        """Cut everything and stop listening."""
        # close() alone leaves a thread blocked in accept().
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
