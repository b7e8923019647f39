"""Nonces of HTTP acceptors: sealed, so that any worker judges one without having kept it; not what counts their use."""

from __future__ import annotations

import hashlib
import hmac
import struct
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sspid.packages.questions import SealingKey

UPGRADED = "+Upgraded+v1"
"""What begins the nonce of a server that understands channel bindings, and the cnonce of a client that uses them."""
RANDOM_BYTES = 16
"""128 bits, as Windows' ([MS-DPSP])."""
KEY = SealingKey("digest-nonce")
"""What nonces are sealed with; one object, for it is asked for with every response."""
_BODY = struct.Struct(f">Q{RANDOM_BYTES}s")
_TAG = 18
_TEXT = (_BODY.size + _TAG) * 4 // 3
_AHEAD = timedelta(minutes=-1)
"""How far another worker's clock may be ahead of ours."""


class Audience(NamedTuple):
    """Whom a nonce is for: it is worth nothing to another caller, in another realm or beside another opaque."""

    caller: str
    realm: str
    opaque: str

    def seal(self, key: bytes, body: bytes, *, upgraded: bool) -> bytes:
        """The keyed hash over a nonce's body and everything it is bound to, lengths first so that no two cases are alike."""
        caller, realm, opaque = self.caller, self.realm, self.opaque
        bound = f"{len(caller)}.{len(realm)}.{len(opaque)}.{upgraded:d}.{caller}{realm}{opaque}"
        return hashlib.blake2s(body + bound.encode("utf-8", "surrogatepass"), digest_size=_TAG, key=key).digest()


class SealedNonce(NamedTuple):
    """A nonce that this service issued. `reference` is what its uses are counted under."""

    reference: bytes
    issued: datetime

    def usable(self, now: datetime, lifetime: timedelta) -> bool:
        """Whether it may still be answered with anything but stale=true."""
        return _AHEAD <= now - self.issued <= lifetime


def issue(key: bytes, audience: Audience, now: datetime, random: bytes, *, upgraded: bool) -> str:
    """Make the nonce of a challenge, 56 characters of base64 after the prefix."""
    body = _BODY.pack(int(now.timestamp()), random)
    sealed = body + audience.seal(key, body, upgraded=upgraded)
    return (UPGRADED if upgraded else "") + b2a_base64(sealed, newline=False).decode("ascii")


def unseal(key: bytes, audience: Audience, nonce: str) -> SealedNonce | None:
    """Return what `nonce` is, None where this service did not issue it for `audience` under the key of today."""
    upgraded = nonce.startswith(UPGRADED)
    text = nonce[len(UPGRADED) :] if upgraded else nonce
    if len(text) != _TEXT or not text.isascii():
        return None
    try:
        sealed = a2b_base64(text, strict_mode=True)
    except Base64Error:
        return None
    body, tag = sealed[: _BODY.size], sealed[_BODY.size :]
    if not hmac.compare_digest(tag, audience.seal(key, body, upgraded=upgraded)):
        return None
    seconds, reference = _BODY.unpack(body)
    return SealedNonce(reference, datetime.fromtimestamp(seconds, UTC))
