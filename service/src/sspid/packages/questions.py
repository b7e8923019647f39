"""Questions a package may ask of the world: one frozen dataclass each, typed by its answer; `sspid.broker.world` answers them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator
    from datetime import datetime

    from sspid.vocabulary.credentials import Secret

Answer = TypeVar("Answer")


class Question(Generic[Answer]):
    """Awaiting a question suspends the leg until the broker has its answer; a failing answer is raised here as an `SspiError`."""

    __slots__ = ()

    def __await__(self) -> Generator[Question[Answer], Answer, Answer]:
        """Yield the question to whoever runs the leg and return the answer it sends back."""
        return (yield self)


@dataclass(frozen=True, slots=True)
class ReadClock(Question["datetime"]):
    """Now, in UTC."""


@dataclass(frozen=True, slots=True)
class DrawRandom(Question[bytes]):
    """`count` bytes nobody can guess."""

    count: int


@dataclass(frozen=True, slots=True)
class FindNamedCredential(Question["Secret"]):
    """The credential the operator configured under `name`, or SEC_E_UNKNOWN_CREDENTIALS."""

    name: str


@dataclass(frozen=True, slots=True)
class FindTrustAnchors(Question[bytes]):
    """The roots (PEM) the operator trusts by default."""


@dataclass(frozen=True, slots=True)
class Account:
    """What an authority knows of one account. `nt_hash` is None where the authority judges responses itself."""

    name: str
    domain: str
    nt_hash: bytes | None = field(default=None, repr=False)
    disabled: bool = False
    expired: bool = False
    locked_out: bool = False
    groups: tuple[str, ...] = ()
    sids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LookUpAccount(Question["Account | None"]):
    """The account of that name, compared without case; None where no authority knows it."""

    name: str
    domain: str
