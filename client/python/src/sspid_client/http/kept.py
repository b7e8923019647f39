"""What logons leave for later requests to the same origin; it knows neither what is kept nor when it is of use."""

from __future__ import annotations

import contextlib
from typing import Generic, Protocol, TypeVar

from sspid_client.errors import SspiError


class Deletable(Protocol):
    """What the service holds a context for."""

    async def delete(self) -> None:
        """Free it."""
        ...


Thing = TypeVar("Thing", bound=Deletable)


class Kept(Generic[Thing]):
    """What no request uses just now, by origin: one that a request has taken is no other's until it is given back."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, str, int], list[Thing]] = {}

    def take(self, origin: tuple[str, str, int]) -> Thing | None:
        """Return one for a request to `origin`; None where there is none."""
        try:
            return self._idle[origin].pop()
        except LookupError:
            return None

    def give_back(self, origin: tuple[str, str, int], thing: Thing) -> None:
        """Keep it for a later request."""
        self._idle.setdefault(origin, []).append(thing)

    async def delete(self) -> None:
        """Free all."""
        idle, self._idle = self._idle, {}
        for thing in (each for kept in idle.values() for each in kept):
            with contextlib.suppress(SspiError):
                await thing.delete()
