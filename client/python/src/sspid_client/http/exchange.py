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

CREDSSP = "CredSSP"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. `origin` is scheme, host and port; `uri` is the request target as it is sent.

    `body` returns the body as bytes, None where it can be read only once; `content_type` is its Content-Type.
    """

    origin: tuple[str, str, int]
    method: str
    uri: str
    body: Callable[[], bytes | None] = field(repr=False)
    content_type: str = ""

    @property
    def host(self) -> str:
        """The host's name."""
        return self.origin[1]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer. `connection` is whatever stays the same as long as the connection does, None where it is not known.

    `challenges` and `info` are the lines of WWW-Authenticate and Authentication-Info. `bindings` holds the channel
    bindings of a TLS connection, `body` reads the answer's body, and `content_type` is its Content-Type.
    """

    status: int
    challenges: Sequence[str]
    info: Sequence[str]
    connection: object | None
    bindings: Buffers
    body: Callable[[], bytes] = field(repr=False)
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Entity:
    """A body and its Content-Type, empty for none."""

    content_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a request is sent with: its Authorization, empty for none, and the body in place of its own, None for its own."""

    authorization: str = field(default="", repr=False)
    entity: Entity | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the application asked for. `credential` returns the credential's handle.

    `target_name` is empty for HTTP/host, with CredSSP WSMAN/host. `encrypt`: bodies travel sealed only.
    """

    package: str
    credential: Callable[[], bytes] = field(repr=False)
    flags: ContextFlag = ContextFlag(0)  # an enum member is immutable
    target_name: str = ""
    encrypt: bool = False

    @property
    def mutual(self) -> bool:
        """Whether the server has to prove itself."""
        return ContextFlag.MUTUAL_AUTH in self.flags

    def target(self, asked: Asked) -> str:
        """The server's service principal name."""
        return self.target_name or f"{'WSMAN' if self.package == CREDSSP else 'HTTP'}/{asked.host}"


class Logon(Protocol):
    """One request's logon."""

    async def start(self, asked: Asked) -> Turn:
        """What the request begins with."""
        ...

    async def answered(self, asked: Asked, answer: Answer) -> Turn | Entity | None:
        """What the same request is sent again with; None where `answer` is the application's, its Entity where it was sealed.

        SspiError where this side cannot go on: the service said so, or the server did not prove itself.
        """
        ...

    async def abandon(self) -> None:
        """Free what an exchange that broke off has left."""
        ...
