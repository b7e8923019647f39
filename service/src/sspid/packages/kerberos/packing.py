"""An established context as bytes and back: ours beside the library's; sealing them is the broker's, keys are inside.

MIT's library trusts what it imports: bytes it did not export can end the process. So what is packed carries a MAC, and nothing
else reaches it.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from datetime import UTC, datetime
from typing import Final

from sspid.packages.gss import ExportGss, ImportGss
from sspid.packages.kerberos.established import Established
from sspid.packages.kerberos.statuses import Doing, ask
from sspid.packages.questions import SealingKey
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus

_FORMAT: Final = 1
_MAC_BYTES: Final = 32
_FIXED: Final = struct.Struct("<BBQddQI")
"""Format, acceptor, granted flags as bits, start and expiry (epoch, negative for never), next number, length of the target."""
_NOT_WANTED_YET: Final = (1 << 64) - 1


async def pack(state: Established) -> bytes:
    """The context as bytes; it goes on. What was delegated stays behind."""
    target = state.target.encode("utf-8", "surrogatepass")
    flags = sum(1 << flag for flag in state.granted)
    expiry = -1.0 if state.expiry is None else state.expiry.timestamp()
    number = _NOT_WANTED_YET if state.next_number is None else state.next_number
    fixed = _FIXED.pack(_FORMAT, state.accepts, flags, state.start.timestamp(), expiry, number, len(target))
    exported: bytes = await ask(ExportGss(state.context), Doing.PROTECTING)
    body = fixed + target + exported
    return await _mac(body) + body


async def unpack(packed: bytes) -> Established:
    """The context again. SEC_E_INVALID_TOKEN for bytes `pack` did not make."""
    mac, packed = packed[:_MAC_BYTES], packed[_MAC_BYTES:]
    if not hmac.compare_digest(mac, await _mac(packed)):
        raise _malformed()
    try:
        version, accepts, bits, start, expiry, number, length = _FIXED.unpack_from(packed)
        target = packed[_FIXED.size : _FIXED.size + length].decode("utf-8", "surrogatepass")
        granted = frozenset(flag for flag in ContextFlag if bits >> flag & 1)
        began, ends = datetime.fromtimestamp(start, UTC), None if expiry < 0 else datetime.fromtimestamp(expiry, UTC)
    except (struct.error, ValueError, OverflowError, OSError):
        raise _malformed() from None
    if version != _FORMAT or len(packed) <= _FIXED.size + length:
        raise _malformed()
    try:
        context = await ask(ImportGss(packed[_FIXED.size + length :]), Doing.PROTECTING)
    except SspiError:
        raise _malformed() from None
    next_number = None if number == _NOT_WANTED_YET else number
    return Established(context, bool(accepts), granted, began, ends, target, next_number=next_number)


async def _mac(body: bytes) -> bytes:
    key: bytes = await SealingKey("kerberos contexts")
    return hmac.digest(key, body, hashlib.sha256)


def _malformed() -> SspiError:
    return SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, "The packed context is none that Kerberos exported.")
