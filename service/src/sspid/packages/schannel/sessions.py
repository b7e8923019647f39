"""The client's session cache: sessions by caller and target, bounded, one a credential; servers use OpenSSL's tickets."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from sspid.packages.schannel.openssl import Session

_MAX_TARGETS = 1024
_MAX_PER_TARGET = 4


class Sessions:
    """Sessions that may be resumed under SSPI's five conditions (``functions.md`` 3.1).

    The target name is equal and the entry has not expired: checked here. The same process and logon session: the caller is
    part of the key. The same credential handle: the cache belongs to the credential.
    """

    __slots__ = ("_by_target",)

    def __init__(self) -> None:
        self._by_target: OrderedDict[tuple[str, str], tuple[tuple[datetime, Session, bool], ...]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._by_target)

    def __len__(self) -> int:
        return len(self._by_target)

    def keep(self, caller: str, target: str, session: Session, expiry: datetime, *, once: bool) -> None:
        """Remember a session; the newest first, the oldest target makes room. `once`: a TLS 1.3 ticket (RFC 8446 C.4)."""
        key = (caller, target)
        kept = self._by_target.pop(key, ())
        self._by_target[key] = ((expiry, session, once), *kept)[:_MAX_PER_TARGET]
        while len(self._by_target) > _MAX_TARGETS:
            self._by_target.popitem(last=False)

    def take(self, caller: str, target: str, now: datetime, *, again: bool) -> Session | None:
        """The newest session for that target, None where there is none; `again` keeps even what should be offered once."""
        key = (caller, target)
        kept = tuple(one for one in self._by_target.pop(key, ()) if one[0] > now)
        if not kept:
            return None
        left = kept[1:] if kept[0][2] and not again else kept
        if left:
            self._by_target[key] = left
        return kept[0][1]

    def forget(self, caller: str, target: str) -> None:
        """Drop what is kept for that target, as SslEmptyCache does."""
        self._by_target.pop((caller, target), None)

    def clear(self) -> None:
        """Drop everything."""
        self._by_target.clear()
