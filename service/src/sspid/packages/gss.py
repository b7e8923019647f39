"""Questions about GSS-API credentials and contexts, put to MIT's Kerberos library; not their answers, and no SSPI.

MIT's library keeps its own contexts and talks to its KDC itself. A package holds what `GssCredential` and `object` stand for
without looking inside; what lies behind them is released when the last reference goes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from sspid.packages.questions import Question
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from datetime import datetime

    from sspid.vocabulary.credentials import CredentialCache, CredentialUse, Keytab, Password

UNREACHABLE = -1
"""`GssError.code` where no KDC answered before the deadline."""
REFUSED_PASSWORD = -2
"""`GssError.code` where the password service does not take the new password."""


class GssError(SspiError):
    """What MIT's library refused.

    `major` is the routine error (RFC 2744 3.9.1, shifted down) or 0 where only supplementary bits are set; `supplementary`
    are those bits. `code` is the krb5 library's error less ERROR_TABLE_BASE_krb5, so 0 to 127 are KRB-ERROR codes; None for
    an error of another table. `text` is the library's sentence. `token` is what it would send to the peer.
    """

    def __init__(self, major: int, code: int | None, text: str, *, supplementary: int = 0, token: bytes = b"") -> None:
        super().__init__(SecurityStatus.SEC_E_INTERNAL_ERROR, text)
        self.major = major
        self.supplementary = supplementary
        self.code = code
        self.text = text
        self.token = token


class GssCredential(Protocol):
    """Keys, tickets or a password that MIT's library can use. `principal` is empty where it may be any of a key table."""

    @property
    def principal(self) -> str:
        """Whose it is, as Kerberos writes it."""
        ...

    @property
    def expiry(self) -> datetime | None:
        """When its tickets end; None where it can fetch new ones."""
        ...

    def close(self) -> None:
        """Begin no more contexts with it; those begun go on."""
        ...


class OpenGssCredential(Question[GssCredential], frozen=True):
    """Make a credential of `secret` without asking a KDC; SEC_E_UNKNOWN_CREDENTIALS where it cannot be one.

    `principal` names whose it is to be, empty for the secret's own. `impersonate` names a user for whom that principal
    fetches a ticket to itself (S4U2Self, [MS-SFU] 3.1.5.1).
    """

    secret: Password | Keytab | CredentialCache
    use: CredentialUse
    principal: str = ""
    impersonate: str = ""


class GssStep(NamedTuple):
    """Where a context is after one token. `flags` are GSS_C_*; `lifetime` in seconds, None for no end."""

    context: object
    token: bytes
    flags: int
    lifetime: int | None
    complete: bool
    delegated: GssCredential | None = None


class InitiateGss(Question[GssStep], frozen=True):
    """One leg of the initiator; may ask a KDC. `bindings` is application data as `channel_bindings.Parts`; None for none."""

    credential: GssCredential
    context: object | None
    target: str
    token: bytes
    flags: int
    bindings: Bindings | None = None


class AcceptGss(Question[GssStep], frozen=True):
    """One leg of the acceptor; asks nobody."""

    credential: GssCredential
    context: object | None
    token: bytes
    bindings: Bindings | None = None


class ChangeGssPassword(Question[None], frozen=True):
    """Change a principal's password with its old one (RFC 3244); asks the KDC and its password service."""

    principal: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Bindings:
    """Channel bindings in GSS-API's five parts (RFC 2744 3.11)."""

    initiator_type: int
    initiator: bytes
    acceptor_type: int
    acceptor: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class GssFacts:
    """What an established context knows. Principals as Kerberos writes them; `etype` is RFC 3961's number.

    `pac` is [MS-PAC]'s KERB_VALIDATION_INFO as the ticket has it, empty without one whose server signature holds.
    """

    initiator: str
    target: str
    session_key: bytes = field(repr=False)
    etype: int
    pac: bytes = field(default=b"", repr=False)


class InspectGss(Question[GssFacts], frozen=True):
    """Ask an established context what it knows."""

    context: object


class FirstGssNumber(Question[int], frozen=True):
    """The sequence number of the peer's first message."""

    context: object


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a message: its bytes, and whether it is only signed."""

    data: bytes = field(repr=False)
    sign_only: bool = False


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A message as it lies on the wire, or as it was before: `header`, the pieces in their order, `padding`."""

    header: bytes = field(repr=False)
    pieces: tuple[bytes, ...] = field(repr=False)
    padding: bytes = field(default=b"", repr=False)
    confidential: bool = True


class WrapGss(Question[Wrapped], frozen=True):
    """Wrap the pieces in place (RFC 4121 4.2.4; the trailer is rotated into the header)."""

    context: object
    pieces: tuple[Piece, ...]
    confidential: bool


class UnwrapGss(Question[Wrapped], frozen=True):
    """Unwrap what came in place."""

    context: object
    header: bytes
    pieces: tuple[Piece, ...]
    padding: bytes = b""


class UnwrapGssToken(Question[Wrapped], frozen=True):
    """Unwrap a whole token, however its parts are rotated; the answer has one piece."""

    context: object
    token: bytes


class SignGss(Question[bytes], frozen=True):
    """The MIC token over `data`."""

    context: object
    data: bytes


class VerifyGss(Question[None], frozen=True):
    """Check a MIC token over `data`."""

    context: object
    data: bytes
    mic: bytes


class MeasureGss(Question[tuple[int, int]], frozen=True):
    """The header's and the padding's greatest length around a wrapped message."""

    context: object
    confidential: bool


class ExportGss(Question[bytes], frozen=True):
    """The context as bytes; it goes on being usable."""

    context: object


class ImportGss(Question[object], frozen=True):
    """The context that ExportGss packed."""

    packed: bytes
