"""AV_PAIR lists ([MS-NLMP] 2.2.2.1): reads, writes and extends them; what the values mean is the roles' business."""

from __future__ import annotations

import struct
from typing import Final

from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

EOL: Final = 0
NB_COMPUTER_NAME: Final = 1
NB_DOMAIN_NAME: Final = 2
DNS_COMPUTER_NAME: Final = 3
DNS_DOMAIN_NAME: Final = 4
DNS_TREE_NAME: Final = 5
FLAGS: Final = 6
TIMESTAMP: Final = 7
SINGLE_HOST: Final = 8
TARGET_NAME: Final = 9
CHANNEL_BINDINGS: Final = 10

FLAG_CONSTRAINED: Final = 1
FLAG_MIC: Final = 2
FLAG_UNTRUSTED_TARGET: Final = 4

_HEADER = struct.Struct("<HH")
_FLAG_VALUE = struct.Struct("<I")
END: Final = bytes(4)
_SIZES: Final = {FLAGS: 4, TIMESTAMP: 8, CHANNEL_BINDINGS: 16}
_OWN: Final = frozenset({TARGET_NAME, CHANNEL_BINDINGS})


def read(data: bytes, start: int = 0) -> tuple[dict[int, bytes], int]:
    """Read pairs from `start` to EOL: the values by id (the first of each) and the offset of EOL. SEC_E_INVALID_TOKEN."""
    pairs: dict[int, bytes] = {}
    offset, end = start, len(data)
    while offset + 4 <= end:
        kind, length = _HEADER.unpack_from(data, offset)
        if kind == EOL:
            if length:
                raise malformed(f"the end of the AV pairs claims {length} bytes")
            return pairs, offset
        stop = offset + 4 + length
        if stop > end:
            raise malformed(f"AV pair {kind} ends at byte {stop} of {end}")
        if kind in _SIZES and length != _SIZES[kind]:
            raise malformed(f"AV pair {kind} has {length} bytes and not {_SIZES[kind]}")
        pairs.setdefault(kind, data[offset + 4 : stop])
        offset = stop
    raise malformed("the AV pairs do not end")


def pair(kind: int, value: bytes) -> bytes:
    """Write one pair. SEC_E_INVALID_TOKEN for a value that its 16-bit length cannot state."""
    if len(value) > 0xFFFF:
        raise malformed(f"AV pair {kind} cannot carry {len(value)} bytes")
    return _HEADER.pack(kind, len(value)) + value


def text(value: bytes | None) -> str:
    """Return a pair's text, empty where it is absent. SEC_E_INVALID_TOKEN where it is no UTF-16."""
    if not value:
        return ""
    try:
        return value.decode("utf-16-le")
    except UnicodeDecodeError:
        raise malformed("an AV pair's text is no UTF-16") from None


def flags_of(pairs: dict[int, bytes]) -> int:
    """Return MsvAvFlags, 0 where they are absent."""
    value = pairs.get(FLAGS)
    return 0 if value is None else int.from_bytes(value, "little")


def extended(data: bytes, pairs: dict[int, bytes], end: int, flags: int, target: bytes, bindings: bytes) -> bytes:
    """Return the server's list with the initiator's own pairs before EOL ([MS-NLMP] 3.1.5.1.2), the server's bytes kept.

    A server that sends pairs which are the initiator's to send is not believed: those are left out.
    """
    if FLAGS in pairs or not _OWN.isdisjoint(pairs):
        flags |= flags_of(pairs) & FLAG_CONSTRAINED
        kept = b"".join(pair(kind, value) for kind, value in pairs.items() if kind != FLAGS and kind not in _OWN)
    else:
        kept = data[:end]
    own_flags = b"\x06\x00\x04\x00" + _FLAG_VALUE.pack(flags) if flags else b""
    return kept + own_flags + pair(TARGET_NAME, target) + b"\x0a\x00\x10\x00" + bindings + END


def malformed(what: str) -> SspiError:
    """Say what is wrong with an NTLM message."""
    return SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, f"The NTLM message is malformed: {what}.")
