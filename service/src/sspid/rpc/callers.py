"""Who calls: what the transport proved of a connection, never what a request claims."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from sspid.vocabulary.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

ANONYMOUS = "anonymous"
UNIX = "unix"


class Connection(Protocol):
    """What gRPC knows of whoever made a call."""

    def peer(self) -> str:
        """Where it comes from: "ipv4:...", "ipv6:..." or "unix:..."."""
        ...

    def auth_context(self) -> Mapping[str, Any]:
        """What the transport proved of it."""
        ...

    def invocation_metadata(self) -> Any:
        """The headers, pairs of name and value."""
        ...


class Identifies(Protocol):
    """Whoever can say who a connection's caller is."""

    def identify(self, context: Connection) -> str:
        """The caller's name. UNAUTHENTICATED where there is none."""
        ...


class Callers:
    """Names the caller of a connection. `anonymous` says whether a plaintext TCP listener may be called without identity."""

    def __init__(self, *, anonymous: bool, tls: bool) -> None:
        self._anonymous = anonymous
        self._tls = tls

    def identify(self, context: Connection) -> str:
        """SPIFFE ID or subject of a client certificate; "unix" where the socket file's mode let it in; else "anonymous"."""
        if context.peer().startswith("unix"):
            return UNIX
        if self._tls:
            proved: Mapping[str, Any] = context.auth_context()
            if proved.get("transport_security_type") == [b"ssl"]:
                return _certified(proved)
        if self._anonymous:
            return ANONYMOUS
        message = "No caller is proved on this connection; connect with a client certificate or over the Unix socket."
        raise RefusedError("UNAUTHENTICATED", message)


def _certified(proved: Mapping[str, Any]) -> str:
    spiffe = proved.get("peer_spiffe_id")
    if spiffe:
        return str(spiffe[0], "utf-8")
    subject = proved.get("x509_subject")
    if subject and subject[0]:
        return f"x509:{subject[0].decode()}"
    raise RefusedError("UNAUTHENTICATED", "The client certificate carries neither a SPIFFE ID nor a subject; give it one.")
