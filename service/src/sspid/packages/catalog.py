"""The list of security packages, one line each; the only place that knows which package is built from which others."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sspid.packages.contract import SecurityPackage

PACKAGES: dict[str, tuple[str, ...]] = {
    "schannel": (),
    "digest": (),
    "ntlm": (),
    "kerberos": (),
    "negotiate": ("kerberos", "ntlm"),
    "credssp": ("schannel", "negotiate", "ntlm"),
}
"""Folder -> the folders of its inner packages, which come before it and are handed to its constructor by name."""


class Catalog:
    """The packages of this service by name and alias, compared without case.

    A package's folder is imported when it is first wanted, so that the service is ready before all of them are; a name is
    looked for in the order of the list. Two threads may load one folder at once: the first object to be kept is everyone's.
    """

    def __init__(self, folders: dict[str, tuple[str, ...]] | None = None, *, authority_is_remote: bool = False) -> None:
        self._authority_is_remote = authority_is_remote
        self._folders = PACKAGES if folders is None else folders
        self._loaded: dict[str, SecurityPackage] = {}
        self._by_name: dict[str, SecurityPackage] = {}

    def __iter__(self) -> Iterator[SecurityPackage]:
        return map(self._load, self._folders)

    def find(self, name: str) -> SecurityPackage | None:
        """The package of that name or alias, or None."""
        wanted = name.casefold()
        known = self._by_name.get(wanted)
        if known is not None:
            return known
        for package in self:
            names = {each.casefold() for each in (package.info.name, *package.info.aliases)}
            if wanted in names:
                self._by_name[wanted] = package
                return package
        return None

    def _load(self, folder: str) -> SecurityPackage:
        loaded = self._loaded.get(folder)
        if loaded is not None:
            return loaded
        inner = {name: self._load(name) for name in self._folders[folder]}
        module = import_module(f"sspid.packages.{folder}")
        package = module.package(**inner)
        package.authority_is_remote = self._authority_is_remote
        return self._loaded.setdefault(folder, package)
