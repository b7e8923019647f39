"""TLS key schedules after the handshake: HKDF labels of TLS 1.3, the PRF of TLS 1.2, exporters; it seals no record."""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple

from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.hmac import HMAC


class Suite(NamedTuple):
    """What the record layer has to know of a cipher suite: key and IV length in bytes, hash name, AEAD name."""

    key: int
    iv: int
    hash: str
    aead: str


TLS13_SUITES = {
    0x1301: Suite(16, 12, "sha256", "aes"),
    0x1302: Suite(32, 12, "sha384", "aes"),
    0x1303: Suite(32, 12, "sha256", "chacha"),
}
_AES128 = Suite(16, 4, "sha256", "aes")
_AES256 = Suite(32, 4, "sha384", "aes")
_CHACHA = Suite(32, 12, "sha256", "chacha")
TLS12_SUITES = (
    dict.fromkeys((0xC02B, 0xC02F, 0x009E, 0x009C), _AES128)
    | dict.fromkeys((0xC02C, 0xC030, 0x009F, 0x009D), _AES256)
    | dict.fromkeys((0xCCA8, 0xCCA9, 0xCCAA), _CHACHA)
)
"""Suites whose records are sealed here, by IANA number; CBC and CCM stay with OpenSSL."""


def expand_label(secret: bytes, label: bytes, context: bytes, length: int, hash_name: str) -> bytes:
    """HKDF-Expand-Label of RFC 8446 7.1."""
    label = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes((len(label),)) + label + bytes((len(context),)) + context
    out, block, counter = b"", b"", 1
    while len(out) < length:
        block = hmac.digest(secret, block + info + bytes((counter,)), hash_name)
        out += block
        counter += 1
    return out[:length]


def tls13_key_and_iv(secret: bytes, suite: Suite) -> bytes:
    """Key and IV of a traffic secret, joined (RFC 8446 7.3)."""
    for_key = HMAC(secret, _HASHES[suite.hash])
    for_iv = for_key.copy()
    for_key.update(_KEY_INFO[suite.key])
    for_iv.update(_IV_INFO)
    return for_key.finalize()[: suite.key] + for_iv.finalize()[: suite.iv]


# What `expand_label` makes of these labels and lengths; one block of either hash has room for the key.
_KEY_INFO = {16: b"\0\x10\x09tls13 key\0\x01", 32: b"\0\x20\x09tls13 key\0\x01"}
_IV_INFO = b"\0\x0c\x08tls13 iv\0\x01"
_HASHES = {"sha256": SHA256(), "sha384": SHA384()}


def next_secret(secret: bytes, suite: Suite) -> bytes:
    """The traffic secret after a KeyUpdate (RFC 8446 7.2)."""
    return expand_label(secret, b"traffic upd", b"", len(secret), suite.hash)


def tls13_exporter(secret: bytes, hash_name: str, label: bytes, context: bytes, length: int) -> bytes:
    """Keying material from the exporter master secret (RFC 8446 7.5)."""
    empty = hashlib.new(hash_name).digest()
    derived = expand_label(secret, label, empty, len(secret), hash_name)
    return expand_label(derived, b"exporter", hashlib.new(hash_name, context).digest(), length, hash_name)


def prf(secret: bytes, label: bytes, seed: bytes, length: int, hash_name: str) -> bytes:
    """The PRF of TLS 1.2 (RFC 5246 5)."""
    seed = label + seed
    out, a = b"", seed
    while len(out) < length:
        a = hmac.digest(secret, a, hash_name)
        out += hmac.digest(secret, a + seed, hash_name)
    return out[:length]


def tls12_keys(master: bytes, client_random: bytes, server_random: bytes, suite: Suite) -> tuple[bytes, bytes]:
    """Key and IV joined, for the client's and the server's records (RFC 5246 6.3)."""
    key, iv = suite.key, suite.iv
    block = prf(master, b"key expansion", server_random + client_random, 2 * (key + iv), suite.hash)
    ivs = 2 * key
    return block[:key] + block[ivs : ivs + iv], block[key:ivs] + block[ivs + iv :]


def tls12_exporter(session: bytes, hash_name: str, label: bytes, context: bytes | None, length: int) -> bytes:
    """Keying material of RFC 5705; `session` is the master secret, the client's random and the server's, joined."""
    seed = session[48:]
    if context is not None:
        seed += len(context).to_bytes(2, "big") + context
    return prf(session[:48], label, seed, length, hash_name)
