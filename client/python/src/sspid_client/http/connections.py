"""What logons left on the connections that threads share: a logon belongs to one connection; it opens and closes none."""

from __future__ import annotations

import threading
from collections import OrderedDict

_MOST = 256
"""Connections remembered. Of one that is forgotten, a logon that lost it ends as the server says."""


class Connections:
    """Remembers them by identity: what stands for a connection can neither be held, for it would stay open, nor weakly.

    An identity may be a closed connection's again. Then a refused first token is sent once more, and no more than that.
    """

    def __init__(self) -> None:
        self._last: OrderedDict[int, tuple[object, bool]] = OrderedDict()
        self._lock = threading.Lock()

    def lost(self, connection: object | None, logon: object, *, first: bool, challenged: bool) -> bool:
        """Whether the server took a logon's token for another's next one; remembers what this answer left.

        `first`: the answer is to the logon's first token. `challenged`: it brings one, so that the server awaits the next.
        A first token is lost where the server still awaited another logon's; a later one where another's came between.
        """
        if connection is None:
            return False
        with self._lock:
            before, awaited = self._last.pop(id(connection), (logon, False))
            self._last[id(connection)] = logon, challenged
            if len(self._last) > _MOST:
                self._last.popitem(last=False)
        return not challenged and (awaited if first else before is not logon)
