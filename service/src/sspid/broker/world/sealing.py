"""Answers SealingKey: one key a purpose, derived from the service's own; it keeps no purpose's list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sspid.broker.world.accounts.vault import derive

if TYPE_CHECKING:
    from collections.abc import Callable

    from sspid.packages.questions import SealingKey


class SealingKeys:
    """Derives with HKDF (RFC 5869): whoever learns one purpose's key knows neither the service's nor another's."""

    def __init__(self, service_key: Callable[[], bytes]) -> None:
        self._service_key = service_key
        self._keys: dict[str, bytes] = {}

    def find(self, question: SealingKey, caller: str) -> bytes:
        """Return the purpose's 32 bytes, the same in every worker of this service key."""
        del caller
        key = self._keys.get(question.purpose)
        if key is None:
            key = derive(self._service_key(), b"sspid sealing: " + question.purpose.encode())
            self._keys[question.purpose] = key
        return key
