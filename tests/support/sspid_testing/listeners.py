"""A socketserver of the tests' own, serving from a thread; what it serves is its handler's business."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import socketserver
    from collections.abc import Iterator

Listener = TypeVar("Listener", bound="socketserver.BaseServer")


@contextmanager
def serving(listener: Listener) -> Iterator[Listener]:
    """Serve for the length of the block, and close."""
    with listener:
        thread = threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield listener
        finally:
            listener.shutdown()
            thread.join()
