"""The outer shape of Kerberos' context tokens, checked before MIT's library sees a byte; nothing inside is read.

RFC 2743 3.1 and RFC 4121 4.1 frame every token of the plain exchange; DCE style sends the bare messages ([MS-KILE] 3.4.5.1).
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

MAX_TOKEN: Final = 65535
KRB5: Final = bytes.fromhex("06092a864886f712010202")
_MS_KRB5: Final = bytes.fromhex("06092a864882f712010202")
_USER_TO_USER: Final = bytes.fromhex("060a2a864886f71201020203")
_FRAME: Final = 0x60
_LONGEST_LENGTH: Final = 4


class Kind(Enum):
    """Which message a token carries: its tag (RFC 4120 5), its TOK_ID (RFC 4121 4.1) and what it is called."""

    AP_REQ = (0x6E, b"\x01\x00", "AP-REQ")
    AP_REP = (0x6F, b"\x02\x00", "AP-REP")
    KRB_ERROR = (0x7E, b"\x03\x00", "KRB-ERROR")

    def __init__(self, tag: int, token_id: bytes, title: str) -> None:
        self.tag = tag
        self.token_id = token_id
        self.title = title


class Token(NamedTuple):
    """A token in the form MIT's library reads, what it carries, and whether it came bare."""

    data: bytes
    kind: Kind
    bare: bool


def read(token: bytes, *expected: Kind) -> Token:
    """Check a token's frame and its message's length. SEC_E_INVALID_TOKEN for anything but one whole message of those kinds."""
    if not token:
        raise _malformed("it is empty where the peer's next message is needed")
    if len(token) > MAX_TOKEN:
        raise _malformed(f"it has {len(token)} bytes and a Kerberos token has at most {MAX_TOKEN}")
    if token[0] != _FRAME:
        return Token(token, _message(token, 0, expected), bare=True)
    start = _content(token, 0, "frame")
    mechanism = _mechanism(token, start)
    start += len(mechanism)
    kind = _message(token, start + 2, expected, token[start : start + 2])
    # Windows' own identifier of Kerberos differs from RFC 4121's by a slip of old; MIT's key is filed under the latter.
    data = token if mechanism == KRB5 else token[: start - len(mechanism)] + KRB5 + token[start:]
    return Token(data, kind, bare=False)


def _mechanism(token: bytes, start: int) -> bytes:
    for mechanism in (KRB5, _MS_KRB5):
        if token.startswith(mechanism, start):
            return mechanism
    if token.startswith(_USER_TO_USER, start):
        message = "The peer asks for user-to-user Kerberos, which is not offered: have it use a service principal."
        raise SspiError(SecurityStatus.SEC_E_NO_TGT_REPLY, message)
    raise _malformed("its frame does not name Kerberos as its mechanism")


def _message(token: bytes, start: int, expected: tuple[Kind, ...], token_id: bytes | None = None) -> Kind:
    tag = token[start] if start < len(token) else None
    for kind in expected:
        if tag == kind.tag and (token_id is None or token_id == kind.token_id):
            _content(token, start, kind.title)
            return kind
    wanted = " or ".join(kind.title for kind in expected)
    found = token[start : start + 1].hex() or "nothing"
    raise _malformed(f"it should carry {wanted} and carries {found} at byte {start}")


def _content(token: bytes, start: int, what: str) -> int:
    """Return where the content of the element at `start` begins; it must end where the token ends."""
    first = token[start + 1] if start + 1 < len(token) else 0x80
    if first < 0x80:
        begin, length = start + 2, first
    else:
        count = first & 0x7F
        begin = start + 2 + count
        if not 1 <= count <= _LONGEST_LENGTH or begin > len(token):
            raise _malformed(f"its {what} has no length that could be read at byte {start + 1}")
        length = int.from_bytes(token[start + 2 : begin], "big")
    if begin + length != len(token):
        raise _malformed(f"its {what} says it ends at byte {begin + length} and the token ends at {len(token)}")
    return begin


def _malformed(what: str) -> SspiError:
    return SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, f"The token is no Kerberos token: {what}.")
