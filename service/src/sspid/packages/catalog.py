"""The list of security packages, one line each; the only place that knows which package is built from which others."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sspid.packages.contract import SecurityPackage

PACKAGES: dict[str, tuple[str, ...]] = {
    "schannel": (),
}
"""Folder -> the folders of its inner packages, which come before it and are handed to its constructor by name."""


class Catalog:
    """The packages of this service by name and alias, compared without case. Loading imports each package's folder."""

    def __init__(self, folders: dict[str, tuple[str, ...]] | None = None) -> None:
        loaded: dict[str, SecurityPackage] = {}
        for folder, inner in (PACKAGES if folders is None else folders).items():
            module = import_module(f"sspid.packages.{folder}")
            loaded[folder] = module.package(**{name: loaded[name] for name in inner})
        self._packages = tuple(loaded.values())
        self._by_name = {
            name.casefold(): package for package in self._packages for name in (package.info.name, *package.info.aliases)
        }

    def __iter__(self) -> Iterator[SecurityPackage]:
        return iter(self._packages)

    def find(self, name: str) -> SecurityPackage | None:
        """The package of that name or alias, or None."""
        return self._by_name.get(name.casefold())
