"""Programs of other languages that tests run: built once per content under build/smoke; what they do is their tests'."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sspid_testing import peers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TREE = Path(__file__).parents[3]
PROTOS = TREE / "protos"
_BUILT = TREE / "build" / "smoke"
_BUILD_SECONDS = 800
_RUN_SECONDS = 60


def built(name: str, sources: Path, make: Callable[[Path], None], *, protos: bool = True) -> Path:
    """The folder that `make` filled from `sources` and, unless told otherwise, the protos; made anew where one of them changed.

    A second run needs no network for that reason.
    """
    files = sorted(path for path in [*sources.iterdir(), *(PROTOS.rglob("*.proto") if protos else ())] if path.is_file())
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


def beside(program: str) -> dict[str, str]:
    """The environment of a build whose compiler is `program`; linkers and helpers are looked up in its folder too."""
    return {**os.environ, "PATH": os.pathsep.join((str(Path(program).parent), os.environ.get("PATH", os.defpath)))}


def crate(sources: Path, program: str) -> Path:
    """The program of a Rust package; without cargo or the crates the test is skipped or fails (peers.absent)."""
    cargo = peers.require("cargo")
    return built(sources.name, sources, lambda folder: _make_crate(cargo, sources, folder, program), protos=False) / program


def _make_crate(cargo: str, sources: Path, folder: Path, program: str) -> None:
    manifest, env = sources / "Cargo.toml", beside(cargo)
    # Without a target, cargo fetches what any machine might need: four times as much.
    fetch = [cargo, "fetch", "--locked", "--target", "host-tuple", "--manifest-path", str(manifest)]
    fetched = subprocess.run(fetch, env=env, capture_output=True, text=True, check=False)
    if fetched.returncode:
        peers.absent(f"the crates of {sources.name} cannot be had (cargo fetch, once, with a network):\n{fetched.stderr}")
    making = folder / "target"
    make([cargo, "build", "--frozen", "--manifest-path", manifest, "--target-dir", making], folder, env)
    (making / "debug" / program).rename(folder / program)
    shutil.rmtree(making)


def run(command: Sequence[str | Path], *, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run such a program to its end; `given` is what it reads."""
    return subprocess.run([*map(str, command)], input=given, capture_output=True, text=True, timeout=_RUN_SECONDS, check=False)
