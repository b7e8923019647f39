"""Answers OpenKeyFile in a process of its own, which can be ended; it reads no file from disk."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Final

from sspid.broker.world.key_opener import PEM, PKCS12
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.questions import OpenKeyFile

CPU_SECONDS = 5
DEADLINE_SECONDS = 20.0
_COMMAND: Final = (sys.executable, "-I", "-m", "sspid.broker.world.key_opener")


def open_key_file(question: OpenKeyFile, caller: str) -> bytes:
    """The clear PEM. SEC_E_UNKNOWN_CREDENTIALS where the process gives none."""
    del caller
    passphrase = question.passphrase.encode("utf-8", "replace")
    kind = PKCS12 if question.pkcs12 else PEM
    given = kind + len(passphrase).to_bytes(4, "big") + passphrase + question.content
    try:
        done = subprocess.run(  # noqa: S603  # our own module
            [*_COMMAND, str(CPU_SECONDS)], input=given, capture_output=True, timeout=DEADLINE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        raise _unopened(f"no process for it came to an end within {DEADLINE_SECONDS:g} s") from None
    if done.returncode < 0:
        raise _unopened(f"that took more than {CPU_SECONDS} s of CPU; give a shorter key, or lock it with fewer iterations")
    if not done.stdout:
        raise _unopened("check its form and its passphrase")
    return done.stdout


def _unopened(why: str) -> SspiError:
    return SspiError(SecurityStatus.SEC_E_UNKNOWN_CREDENTIALS, f"{why}.")
