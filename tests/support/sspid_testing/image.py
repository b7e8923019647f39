"""The service's container image, built and run with podman as an operator would; what is asked of it is the tests'."""

from __future__ import annotations

import os
import re
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sspid_testing import peers
from sspid_testing.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[3]
IMAGE = "localhost/sspid"
PORT = 50051
CANNOT_BE_HAD_HERE = 77
_USER = 10001
_START_SECONDS = 30.0
GUIDE = ROOT / "docs/containers.md"
_HARDENED = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "all", "--security-opt", "no-new-privileges")  # noqa: S108  # the container's own


def require_podman() -> None:
    """Skip, or fail, where no container can be run here."""
    for each in ("podman", "runc", "netavark"):
        peers.require(each)


def build() -> None:
    """Build the image, from what the last build left where nothing has changed."""
    require_podman()
    built = subprocess.run(["scripts/compose.sh", "build", "service"], cwd=ROOT, capture_output=True, text=True, check=False)
    if built.returncode == CANNOT_BE_HAD_HERE:
        peers.absent(built.stderr.strip().splitlines()[-1])
    assert built.returncode == 0, built.stdout + built.stderr


def guides_configuration() -> tuple[str, str]:
    """What the guide has a sidecar's configuration say, and what more where it holds a service's keys."""
    alone, keys = re.findall(r"```toml\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    return alone, keys


@contextmanager
def application() -> Iterator[str]:
    """A container that has a network of its own and does nothing; gives its name."""
    wait = ("--entrypoint", "python3", IMAGE, "-c", "import signal; signal.pause()")
    container = _podman("run", "--detach", *_HARDENED, *wait)
    try:
        yield container
    finally:
        _podman("rm", "--force", "--time", "1", container)


def inside(container: str, *command: str) -> str:
    """What a command in the container prints."""
    return _podman("exec", container, *command)


@contextmanager
def sidecar(config: str, mounted: Mapping[str, Path] | None = None, network: str = "host") -> Iterator[str]:
    """The service in somebody's network, hardened as in docker-compose.yml; gives the target of its Unix socket out here.

    `mounted` names the file that is to be found at each path inside.
    """
    with TemporaryDirectory(prefix="sspid-image-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        state, file = folder / "state", folder / "sspid.toml"
        state.mkdir()
        # This machine's own loopback may have a service already.
        port = PORT if network != "host" else free_port()
        file.write_text(config.replace(str(PORT), str(port)), "utf-8")
        file.chmod(0o644)
        files = {"/etc/sspid/sspid.toml": file, **(mounted or {})}
        mounts = [option for inside, outside in files.items() for option in ("-v", f"{outside}:{inside}:ro")]
        # As another user than root, podman maps the image's user to whoever runs it.
        mapping = [f"--userns=keep-id:uid={_USER},gid={_USER}"]
        if os.geteuid() == 0:
            os.chown(state, _USER, _USER)
            mapping = []
        container = _podman(
            "run", "--detach", f"--network={network}", *_HARDENED, *mapping, "-v", f"{state}:/var/lib/sspid", *mounts, IMAGE
        )
        try:
            _await(state / "sspid.sock", container)
            yield f"unix://{state}/sspid.sock"
        finally:
            _podman("rm", "--force", "--time", "10", container)


def _podman(*arguments: str) -> str:
    systemd = Path("/run/systemd/system").is_dir()
    environment = {} if systemd else {"CONTAINERS_CONF": str(ROOT / "tests/containers/containers.conf")}
    done = subprocess.run(
        [peers.require("podman"), *arguments], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _await(socket: Path, container: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not socket.exists():
        assert time.monotonic() < deadline, _podman("logs", container)
        time.sleep(0.05)
