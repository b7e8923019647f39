"""The record numbers of a DTLS server's first flights, which OpenSSL begins at 1 whatever its client's are; seals nothing."""

from __future__ import annotations

_RECORD_HEAD, _NUMBERS = 13, 1 << 48


def renumbered(records: bytes, ahead: int) -> bytes:
    """DTLS records with those before the keys, which nothing protects, so many numbers further."""
    out = bytearray(records)
    at = 0
    while at + _RECORD_HEAD <= len(out):
        if out[at + 3 : at + 5] == b"\0\0":  # the epoch
            number = int.from_bytes(out[at + 5 : at + 11], "big") + ahead
            out[at + 5 : at + 11] = (number % _NUMBERS).to_bytes(6, "big")
        at += _RECORD_HEAD + int.from_bytes(out[at + 11 : at + 13], "big")
    return bytes(out)
