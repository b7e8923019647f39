"""ExportSecurityContext's form of an established NTLM context: fields with lengths; sealing it is the broker's business."""

from __future__ import annotations

import struct
from typing import Final

from sspid.packages.ntlm.established import SERVER, Established
from sspid.packages.ntlm.session import Direction
from sspid.vocabulary.attributes import Identity
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus

_MAGIC: Final = b"sspid NTLM 1"
_FIXED = struct.Struct("<BBI16sIQIQ")
_COUNT = struct.Struct("<I")


def pack(state: Established) -> bytes:
    """Pack everything: keys, sequence numbers, places in the key streams, identity."""
    fixed = _FIXED.pack(
        state.role, state.mic, state.flags, state.session_key,
        state.sending.sequence, state.sending.position, state.receiving.sequence, state.receiving.position,
    )  # fmt: skip
    who = state.identity
    lists = (
        tuple(str(int(flag)) for flag in sorted(state.granted)),
        (who.name, who.domain, who.mapped_by, state.target),
        who.groups,
        who.sids,
    )
    texts = b"".join(_texts(entries) for entries in lists)
    return b"".join((_MAGIC, fixed, texts, _COUNT.pack(len(state.target_info)), state.target_info))


def unpack(packed: bytes) -> Established:
    """Rebuild what `pack` packed. SEC_E_INVALID_TOKEN for anything else."""
    try:
        return _unpack(packed)
    except (struct.error, ValueError):
        message = "This is no exported NTLM context of this version."
        raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, message) from None


def _unpack(packed: bytes) -> Established:
    if not packed.startswith(_MAGIC):
        raise ValueError
    role, mic, flags, session_key, sent, sent_at, received, received_at = _FIXED.unpack_from(packed, len(_MAGIC))
    offset = len(_MAGIC) + _FIXED.size
    numbers, offset = _read_texts(packed, offset)
    (name, domain, mapped_by, target), offset = _read_texts(packed, offset)
    groups, offset = _read_texts(packed, offset)
    sids, offset = _read_texts(packed, offset)
    info, offset = _read(packed, offset)
    if offset != len(packed) or role > SERVER:
        raise ValueError
    granted = frozenset(ContextFlag(int(number)) for number in numbers)
    identity = Identity(name, domain, groups, sids, mapped_by=mapped_by)
    state = Established(
        role, flags, granted, session_key, identity, target=target, target_info=info, mic=bool(mic)
    )  # fmt: skip
    state.resume(
        Direction(flags, session_key, role, sent, sent_at), Direction(flags, session_key, 1 - role, received, received_at)
    )
    return state


def _texts(entries: tuple[str, ...]) -> bytes:
    encoded = [entry.encode("utf-8", "surrogatepass") for entry in entries]
    return _COUNT.pack(len(encoded)) + b"".join(_COUNT.pack(len(entry)) + entry for entry in encoded)


def _read_texts(packed: bytes, offset: int) -> tuple[tuple[str, ...], int]:
    (count,) = _COUNT.unpack_from(packed, offset)
    offset += _COUNT.size
    if count > len(packed):
        raise ValueError
    texts = []
    for _ in range(count):
        entry, offset = _read(packed, offset)
        texts.append(entry.decode("utf-8", "surrogatepass"))
    return tuple(texts), offset


def _read(packed: bytes, offset: int) -> tuple[bytes, int]:
    (length,) = _COUNT.unpack_from(packed, offset)
    start = offset + _COUNT.size
    if start + length > len(packed):
        raise ValueError
    return packed[start : start + length], start + length
