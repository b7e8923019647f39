"""Finds an established context again by what its peer's later tokens refer to; not the context itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sspid.vocabulary.errors import SspiError

if TYPE_CHECKING:
    from sspid.broker.held import HeldContext
    from sspid.packages.contract import SecurityPackage


class Sessions:
    """Reference to context handles, for the packages that `keeps_sessions` is true of. Each caller finds its own only.

    A session lives as long as any of its contexts: the one that began it, and those that went on with it.
    """

    def __init__(self) -> None:
        self._handles: dict[tuple[str, str, str], dict[bytes, None]] = {}

    def remember(self, caller: str, held: HeldContext, handle: bytes) -> None:
        """Keep the way to a context that has just been established."""
        held.reference = held.package.context_reference(held.state)
        if held.reference:
            held.remembered = handle
            self._handles.setdefault((caller, held.package.info.name, held.reference), {})[handle] = None

    def find(self, caller: str, package: SecurityPackage, token: bytes) -> bytes:
        """The handle of the latest context that `token` belongs to; empty where there is none."""
        try:
            reference = package.session_reference(token) if token else ""
        except SspiError:
            # Whatever is wrong with the token, the leg itself says it better.
            return b""
        known = self._handles.get((caller, package.info.name, reference)) if reference else None
        return next(reversed(known), b"") if known else b""

    def forget(self, caller: str, held: HeldContext) -> None:
        """Drop the way to a context that is being deleted."""
        key = caller, held.package.info.name, held.reference
        known = self._handles.get(key) if held.reference else None
        if known is not None:
            known.pop(held.remembered, None)
            if not known:
                self._handles.pop(key, None)
