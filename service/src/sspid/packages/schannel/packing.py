"""An established context as bytes and back, for Export- and ImportSecurityContext; the broker seals the bytes."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from sspid.packages.schannel.established_state import Established
from sspid.packages.schannel.facts import Facts
from sspid.packages.schannel.keys import TLS12_SUITES, TLS13_SUITES
from sspid.packages.schannel.openssl import TLS1_2, TLS1_3
from sspid.packages.schannel.protection import release
from sspid.packages.schannel.records import Direction, Records, Tls12Records, Tls13Records
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = struct.Struct(">BHHQQHBHH")
"""Form, version, suite, next record written, next record read, strength, booleans, chain length, flag count."""
_FORM = 2
_SERVER, _MUTUAL, _RESUMED, _WRITE_CLOSED, _READ_CLOSED, _UNMAPPED = 1, 2, 4, 8, 16, 32
_TEXTS = 9
"""Length-prefixed parts before the chain: see `pack`."""


def pack(state: Established) -> bytes:
    """The context's bytes; OpenSSL is let go of first. SEC_E_INVALID_HANDLE while a handshake message waits."""
    if state.pending is not None or state.control is not None:
        raise SspiError(
            SecurityStatus.SEC_E_INVALID_HANDLE,
            "A handshake message or a control token waits for a leg of this context; make that call, then export.",
        )
    if state.write_closed and state.records is not None and not state.records.write.secret:
        raise SspiError(
            SecurityStatus.SEC_E_CONTEXT_EXPIRED, "The traffic secrets were handed out; only their holder can go on with them."
        )
    release(state)
    records, facts = state.records, state.facts
    if records is None:
        raise _malformed("it has no record layer of ours")
    booleans = (
        state.server * _SERVER
        | state.mutual * _MUTUAL
        | facts.resumed * _RESUMED
        | state.write_closed * _WRITE_CLOSED
        | state.read_closed * _READ_CLOSED
        | (not state.maps) * _UNMAPPED
    )
    flags = b"".join(flag.to_bytes(2, "big") for flag in sorted(state.granted))
    head = _HEAD.pack(
        _FORM,
        state.version,
        records.number,
        records.write.sequence,
        records.read.sequence,
        facts.bits,
        booleans,
        len(facts.peer_chain),
        len(state.granted),
    )
    parts = (
        records.write.secret,
        records.read.secret,
        facts.cipher.encode(),
        facts.group.encode(),
        facts.protocol,
        facts.local,
        state.secret,
        state.target.encode(),
        state.partial,
        *facts.peer_chain,
    )
    return head + flags + b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def unpack(packed: bytes) -> Established:
    """The context that `pack` packed. SEC_E_INVALID_TOKEN for anything else."""
    if len(packed) < _HEAD.size:
        raise _malformed("it is cut short")
    form, version, number, written, read, bits, booleans, chain, flag_count = _HEAD.unpack_from(packed)
    at = _HEAD.size + 2 * flag_count
    suite = (TLS13_SUITES if version == TLS1_3 else TLS12_SUITES).get(number)
    if form != _FORM or version not in (TLS1_2, TLS1_3) or suite is None or at > len(packed):
        raise _malformed("its form, version or suite is unknown")
    parts = tuple(_parts(packed, at))
    if len(parts) != _TEXTS + chain:
        raise _malformed("its parts do not fit its head")
    write, read_secret, cipher, group, protocol, local, secret, target, partial = parts[:_TEXTS]
    try:
        flags = frozenset(ContextFlag(int.from_bytes(packed[start : start + 2], "big")) for start in range(_HEAD.size, at, 2))
        texts = cipher.decode(), group.decode(), target.decode()
    except ValueError:
        raise _malformed("it holds unknown flags or names") from None
    wanted = 32 if suite.hash == "sha256" else 48
    if {len(write), len(read_secret)} != {wanted if version == TLS1_3 else suite.key + suite.iv}:
        raise _malformed("its secrets have the wrong length")
    state = Established(None, version, flags, server=bool(booleans & _SERVER), mutual=bool(booleans & _MUTUAL))
    state.facts = Facts(version, texts[0], bits, texts[1], protocol, bool(booleans & _RESUMED), parts[_TEXTS:], local)
    layer: type[Records] = Tls13Records if version == TLS1_3 else Tls12Records
    state.records = layer(number, suite, Direction(write, written), Direction(read_secret, read))
    state.target, state.partial = texts[2], partial
    state.maps = not booleans & _UNMAPPED
    state.secret = secret
    state.write_closed, state.read_closed = bool(booleans & _WRITE_CLOSED), bool(booleans & _READ_CLOSED)
    return state


def _parts(packed: bytes, at: int) -> Iterator[bytes]:
    while at < len(packed):
        length = int.from_bytes(packed[at : at + 4], "big")
        at += 4
        if at > len(packed) or length > len(packed) - at:
            raise _malformed("a part reaches beyond its end")
        yield packed[at : at + length]
        at += length


def _malformed(why: str) -> SspiError:
    return SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, f"The packed Schannel context cannot be used: {why}.")
