"""The smoke programs of other languages: built once per content under build/smoke, run against the service and a TLS server."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TREE = Path(__file__).parents[3]
PROTOS = TREE / "protos"
_BUILT = TREE / "build" / "smoke"
_BUILD_SECONDS = 300
_RUN_SECONDS = 60


def built(name: str, sources: Path, make: Callable[[Path], None]) -> Path:
    """The folder that `make` filled from `sources` and the protos; made anew only where one of them changed.

    A second run needs no network for that reason.
    """
    files = sorted(path for path in [*sources.iterdir(), *PROTOS.rglob("*.proto")] if path.is_file())
    digest = hashlib.sha256(b"".join(path.name.encode() + b"\0" + path.read_bytes() for path in files)).hexdigest()[:16]
    folder = _BUILT / f"{name}-{digest}"
    if not folder.exists():
        _BUILT.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=_BUILT))
        try:
            make(making)
            _settle(making, folder)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    return folder


def _settle(made: Path, folder: Path) -> None:
    for old in folder.parent.glob(f"{folder.name.rpartition('-')[0]}-*"):
        shutil.rmtree(old, ignore_errors=True)
    with contextlib.suppress(OSError):  # another run of the tests was faster
        made.rename(folder)


def make(command: Sequence[str | Path], folder: Path, env: dict[str, str] | None = None) -> None:
    """Run one build command in `folder`; fails with what it printed."""
    done = subprocess.run(
        [*map(str, command)], cwd=folder, env=env, capture_output=True, text=True, timeout=_BUILD_SECONDS, check=False
    )
    assert done.returncode == 0, f"{command[0]} failed in the build:\n{done.stdout}{done.stderr}"


def run(command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    """Run a smoke program to its end."""
    return subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=_RUN_SECONDS, check=False)
