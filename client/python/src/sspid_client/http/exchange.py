"""One HTTP request and its answer as a logon sees them, and what every kind of logon does; the bytes are the HTTP library's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from sspid_client.flags import ContextFlag

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sspid_client.buffers import Buffers

BAD_REQUEST = 400
UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. `origin` is scheme, host and port; `uri` is the request target as it is sent.

    `body` returns the body as bytes, None where it can be read only once.
    """

    origin: tuple[str, str, int]
    method: str
    uri: str
    body: Callable[[], bytes | None] = field(repr=False)

    @property
    def host(self) -> str:
        """The host's name."""
        return self.origin[1]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer. `connection` is whatever stays the same as long as the connection does, None where it is not known.

    `challenges` and `info` are the lines of WWW-Authenticate and Authentication-Info. `bindings` holds the channel
    bindings of a TLS connection, `body` reads the answer's body.
    """

    status: int
    challenges: Sequence[str]
    info: Sequence[str]
    connection: object | None
    bindings: Buffers
    body: Callable[[], bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the application asked for. `target_name` is empty for HTTP/host, `credential` returns the credential's handle."""

    package: str
    credential: Callable[[], bytes] = field(repr=False)
    flags: ContextFlag = ContextFlag(0)  # an enum member is immutable
    target_name: str = ""

    @property
    def mutual(self) -> bool:
        """Whether the server has to prove itself."""
        return ContextFlag.MUTUAL_AUTH in self.flags

    def target(self, asked: Asked) -> str:
        """The server's service principal name."""
        return self.target_name or f"HTTP/{asked.host}"


class Logon(Protocol):
    """One request's logon. Both functions return the Authorization to send, empty for none."""

    async def authorization(self, asked: Asked) -> str:
        """What the request begins with."""
        ...

    async def answered(self, asked: Asked, answer: Answer) -> str:
        """What the same request is sent again with; empty where `answer` is the application's.

        SspiError where this side cannot go on: the service said so, or the server did not prove itself.
        """
        ...

    async def abandon(self) -> None:
        """Free what an exchange that broke off has left."""
        ...
