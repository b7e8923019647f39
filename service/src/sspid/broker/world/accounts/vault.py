"""Seals the secrets of accounts under the operator's key and makes keyed look-up values; stores nothing itself."""

from __future__ import annotations

import hmac
import os
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sspid.broker.world.accounts.errors import AccountsError

if TYPE_CHECKING:
    from pathlib import Path

KEY_BYTES = 32
NONCE_BYTES = 12


def read_key(path: Path, *, make: bool) -> bytes:
    """Read a key file: 32 raw bytes or 64 hex digits. With `make`, a missing one is made, readable by this user alone."""
    from sspid.embedded import write_new  # noqa: PLC0415  # only the embedded default makes keys

    try:
        if make and not path.exists():
            write_new(path, os.urandom(KEY_BYTES))
        return _key_in(path.read_bytes(), path)
    except OSError as error:
        raise AccountsError(f"The key file of the accounts, {path}, cannot be read: {error.strerror}.") from None


def _key_in(content: bytes, path: Path) -> bytes:
    if len(content) == KEY_BYTES:
        return content
    try:
        key = bytes.fromhex(content.decode("ascii"))
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise AccountsError(f"The key file of the accounts, {path}, must hold 32 raw bytes or 64 hex digits.")
    return key


class Vault:
    """AES-256-GCM under a key derived from the operator's. `place` says where a value belongs: it opens nowhere else."""

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(derive(key, b"sspid accounts: sealing, 1"))
        self._lookups = derive(key, b"sspid accounts: look-ups, 1")

    def seal(self, plain: bytes, *place: str) -> bytes:
        """The sealed form, 28 bytes longer."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, plain, _joined(place))

    def open(self, sealed: bytes, *place: str) -> bytes:
        """What was sealed at this place. `AccountsError` where it was changed, moved, or sealed under another key."""
        try:
            return self._aead.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _joined(place))
        except (InvalidTag, ValueError):
            raise AccountsError("A secret of the accounts does not open: [accounts] key_file is another key's.") from None

    def lookup(self, *parts: str) -> str:
        """A value under which something can be found again by whoever has the key, and which tells nobody else what it is."""
        return hmac.digest(self._lookups, _joined(parts), "sha256").hex()


def derive(key: bytes, purpose: bytes) -> bytes:
    """32 bytes for one purpose (RFC 5869)."""
    return HKDF(SHA256(), 32, None, purpose).derive(key)


def _joined(parts: tuple[str, ...]) -> bytes:
    """Each part with its length, so that no two lists of parts join to the same bytes."""
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
