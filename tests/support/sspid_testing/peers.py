"""Where the foreign programs are that tests run against; it starts none of them."""

from __future__ import annotations

import importlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from types import ModuleType

_TABLE = Path(__file__).parent.parent / "peers.txt"

# A plain user's PATH lacks the folders where Debian keeps daemons; Go's own archive and rustup unpack to the last two.
_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/go/bin", str(Path.home() / ".cargo" / "bin"))
_SEARCH = os.pathsep.join((os.environ.get("PATH", os.defpath), *_FOLDERS))


@dataclass(frozen=True)
class Peer:
    """One line of peers.txt: `file` is an absolute path, or the name of a program to look up."""

    name: str
    package: str
    suite: str
    file: str

    @property
    def path(self) -> str | None:
        """The absolute path of the peer on this machine, None where it is not installed."""
        if self.file.startswith("/"):
            return self.file if Path(self.file).exists() else None
        return shutil.which(self.file, path=_SEARCH)

    @property
    def install(self) -> str:
        """The command that installs the peer on Debian 12."""
        suite = "" if self.suite == "bookworm" else f"-t {self.suite} "
        return f"apt-get install {suite}{self.package}"


def _read(line: str) -> Peer:
    name, package, suite, *file = line.split()
    return Peer(name, package, suite, file[0] if file else name)


PACKAGES = {
    peer.name: peer
    for peer in map(_read, (line for line in _TABLE.read_text("utf-8").splitlines() if line and not line.startswith("#")))
}


def require(name: str) -> str:
    """Return the absolute path of the peer `name`; without it the test fails where TEST_REQUIRE_PEERS=1, else it is skipped.

    A name that peers.txt does not list is a mistake of the test: KeyError.
    """
    peer = PACKAGES[name]
    return peer.path or absent(f"the peer {name} is not installed: {peer.install}")


def require_module(name: str) -> ModuleType:
    """Return the Python module `name` of a peer library; without it the test fails or is skipped as in `require`."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        absent(
            f"the Python peer {name} does not load ({error}): make venv (gssapi first needs apt-get install gcc libkrb5-dev)"
        )


def absent(message: str) -> NoReturn:
    """Fail the test where TEST_REQUIRE_PEERS=1, else skip it; `message` says what is missing and which command installs it."""
    if os.environ.get("TEST_REQUIRE_PEERS") == "1":
        pytest.fail(message)
    pytest.skip(message)
