"""Which kind of logon a credential is for, and what its logons share; requests and answers are the adapters' business."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sspid_client.http.connections import Connections
from sspid_client.http.digest import DigestLogon
from sspid_client.http.exchange import CREDSSP
from sspid_client.http.kept import Kept
from sspid_client.http.sealed import Channel, SealedLogon
from sspid_client.http.tokens import TokenLogon

if TYPE_CHECKING:
    from sspid_client.http.exchange import Logon, Wanted
    from sspid_client.legs import Legs

_PACKAGES = {
    "negotiate": "Negotiate",
    "ntlm": "NTLM",
    "digest": "Digest",
    "wdigest": "Digest",
    "credssp": CREDSSP,
    "tsssp": CREDSSP,
}


def package_of(name: str, *, encrypt: bool = False) -> str:
    """Return the package under the name that is its scheme in HTTP.

    ValueError for one that HTTP has no scheme for, or that does not `encrypt` messages there.
    """
    package = _PACKAGES.get(name.lower())
    if package is None:
        raise ValueError(f"HTTP has logons by Negotiate, NTLM, Digest and CredSSP, and this credential is for {name}.")
    if encrypt and package != CREDSSP:
        raise ValueError(f"Messages are encrypted under logons by CredSSP, and this credential is for {name}.")
    return package


class Authenticator:
    """Begins a logon for each request."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._sessions: Kept[Legs] = Kept()
        self._channels: Kept[Channel] = Kept()
        self._connections = Connections()

    def begin(self) -> Logon:
        """Return the logon of one request."""
        if self._wanted.package == "Digest":
            return DigestLogon(self._wanted, self._sessions)
        if self._wanted.encrypt:
            return SealedLogon(self._wanted, self._channels, self._connections)
        return TokenLogon(self._wanted, self._connections)

    async def close(self) -> None:
        """Free what is kept for later requests."""
        await self._sessions.delete()
        await self._channels.delete()
