"""What questions and states are made of: quick to create and to change, and silent about what they hold; neither is here."""

from __future__ import annotations

from msgspec import Struct


class Silent(Struct, frozen=True):
    """A frozen record whose repr shows no field: keys, passwords and tokens are among them."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"
