"""Daemons in process and mount namespaces of their own: fixed folders are theirs alone, and none outlives its test."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sspid_testing import peers

_STOP_SECONDS = 10.0


@dataclass
class Namespace:
    """What was started in one. `process` holds it: when that ends, the kernel ends all that runs in it."""

    process: subprocess.Popen[bytes]

    def inside(self, *command: str) -> tuple[str, ...]:
        """`command` with the namespace's folders."""
        return (peers.require("nsenter"), f"--mount=/proc/{self.process.pid}/ns/mnt", "--", *command)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to every process in it: SIGSTOP makes daemons that do not answer, SIGCONT ones that do."""
        own = Path(f"/proc/{self.process.pid}/ns/pid_for_children").readlink()
        for each in Path("/proc").iterdir():
            with suppress(OSError):
                if each.name.isdigit() and (each / "ns/pid").readlink() == own:
                    os.kill(int(each.name), number)

    def stop(self) -> None:
        """End everything in it."""
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(_STOP_SECONDS)
        self.process.kill()
        self.process.wait()


def start(folder: Path, mounts: dict[Path, str], command: list[str]) -> Namespace:
    """Start `command` with each folder of `mounts` mounted where its value says; what it prints goes to `folder`/log."""
    if os.geteuid() != 0:
        peers.absent("daemons with fixed folders need root for a namespace of their own: run the tests as root")
    for target in mounts.values():
        Path(target).mkdir(mode=0o755, parents=True, exist_ok=True)
    script = " && ".join(f'mount --bind "{source}" "{target}"' for source, target in mounts.items())
    isolated = [peers.require("unshare"), "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    with (folder / "log").open("wb") as log:
        return Namespace(
            subprocess.Popen(
                [*isolated, "sh", "-c", f'{script} && exec "$@"', "sh", *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        )
