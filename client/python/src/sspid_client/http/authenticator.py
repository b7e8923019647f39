"""Which kind of logon a credential is for, and what its logons share; requests and answers are the adapters' business."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sspid_client.http.digest import DigestLogon, Sessions
from sspid_client.http.tokens import TokenLogon

if TYPE_CHECKING:
    from sspid_client.http.exchange import Logon, Wanted

_PACKAGES = {"negotiate": "Negotiate", "ntlm": "NTLM", "digest": "Digest", "wdigest": "Digest"}


def package_of(name: str) -> str:
    """Return the package under the name that is its scheme in HTTP. ValueError for one that HTTP has no scheme for."""
    try:
        return _PACKAGES[name.lower()]
    except KeyError:
        raise ValueError(f"HTTP has logons by Negotiate, NTLM and Digest, and this credential is for {name}.") from None


class Authenticator:
    """Begins a logon for each request."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._sessions = Sessions()

    def begin(self) -> Logon:
        """Return the logon of one request."""
        if self._wanted.package == "Digest":
            return DigestLogon(self._wanted, self._sessions)
        return TokenLogon(self._wanted)

    async def close(self) -> None:
        """Free what is kept for later requests."""
        await self._sessions.delete()
