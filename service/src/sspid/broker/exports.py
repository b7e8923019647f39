"""Exported contexts at rest: sealed with the service's key and bound to caller and package; not what is inside."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Callable

FORMAT = b"sspid-context-1"
NONCE_BYTES = 12


class Exports:
    """Seals with AES-256-GCM; the key is read at the first use. Whoever has the key and the blob has the context's keys."""

    def __init__(self, key: Callable[[], bytes]) -> None:
        self._key = key

    def seal(self, caller: str, package_name: str, role: str, packed: bytes) -> bytes:
        """The sealed form of what a package packed."""
        nonce = os.urandom(NONCE_BYTES)
        plain = bytes([len(role)]) + role.encode() + packed
        return nonce + AESGCM(self._key()).encrypt(nonce, plain, self._bound_to(caller, package_name))

    def open(self, caller: str, package_name: str, sealed: bytes) -> tuple[str, bytes]:
        """Role and packed form. SEC_E_INVALID_TOKEN for what was changed, or sealed for another caller, package or service."""
        nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            plain = AESGCM(self._key()).decrypt(nonce, body, self._bound_to(caller, package_name))
        except (InvalidTag, ValueError):
            message = "The packed context was changed, or was exported by another caller, package or service."
            raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, message) from None
        return plain[1 : 1 + plain[0]].decode(), plain[1 + plain[0] :]

    @staticmethod
    def _bound_to(caller: str, package_name: str) -> bytes:
        return b"\0".join((FORMAT, package_name.encode(), caller.encode()))
