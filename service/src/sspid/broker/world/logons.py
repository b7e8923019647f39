"""Answers RecordLogon and RecordPolicyBreach: one audit line each, wrong passwords counted; it refuses nobody."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Final

from sspid.broker.world.accounts.errors import AccountsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import FilteringBoundLogger

    from sspid.broker.world.accounts.directory import Directory
    from sspid.broker.world.accounts.lockout import Lockout
    from sspid.packages.questions import ChangePassword, RecordLogon, RecordPolicyBreach

WRONG_PASSWORD: Final = 0xC000006A
REASONS: Final = {
    0: "",
    0xC000005E: "no logon servers",
    0xC0000064: "unknown account",
    WRONG_PASSWORD: "wrong password",
    0xC000006D: "logon failure",
    0xC000006E: "account restriction",
    0xC000006F: "outside logon hours",
    0xC0000070: "not from this workstation",
    0xC0000071: "password expired",
    0xC0000072: "account disabled",
    0xC0000193: "account expired",
    0xC0000224: "password must change",
    0xC0000234: "account locked out",
    0xC000035B: "bad channel bindings",
}
"""What the audit says of an NTSTATUS where the package gives no words of its own ([MS-ERREF] 2.3.1)."""
_LONGEST: Final = 256
_WAITING: Final = 4096
_WAIT_SECONDS: Final = 1.0


class Logons:
    """Writes the lines. A thread of its own counts: a wrong password must cost the peer what an unknown name costs."""

    def __init__(self, log: FilteringBoundLogger, directory: Directory, lockout: Lockout) -> None:
        self._log = log
        self._directory = directory
        self._lockout = lockout
        self._counts: queue.Queue[Callable[[], None]] = queue.Queue(_WAITING)
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def record(self, question: RecordLogon, caller: str) -> None:
        """Log how a logon ended; count a wrong password against its account, and forget what was counted after a good one."""
        good = question.ntstatus == 0
        write = self._log.info if good else self._log.warning
        write(
            "logon",
            caller=caller,
            package=question.package,
            account=_shown(question.name),
            domain=_shown(question.domain),
            workstation=_shown(question.workstation),
            result="granted" if good else "denied",
            ntstatus=f"0x{question.ntstatus:08X}",
            reason=question.reason or REASONS.get(question.ntstatus, ""),
        )
        entry = self._directory.recall(question)
        if entry is None or not entry.id:
            return
        if good and entry.failures:
            self._later(lambda: self._forget(entry.id))
        elif question.ntstatus == WRONG_PASSWORD and self._lockout.failures:
            self._later(lambda: self._count(entry.id, question))

    def changed(self, question: ChangePassword, caller: str) -> None:
        """Log that a password was changed with the old one."""
        self._log.info(
            "password changed",
            caller=caller,
            package=question.package,
            account=_shown(question.account),
            domain=_shown(question.domain),
        )

    def breach(self, question: RecordPolicyBreach, caller: str) -> None:
        """Log that a policy was broken, and whether that ended the handshake."""
        self._log.warning(
            "policy breach",
            caller=caller,
            package=question.package,
            rule=question.rule,
            enforced=question.enforced,
            subject=_shown(question.subject),
        )

    def _count(self, identifier: str, question: RecordLogon) -> None:
        if self._directory.store().record_failure(identifier, self._lockout):
            self._log.warning(
                "account locked out",
                account=_shown(question.name),
                domain=_shown(question.domain),
                failures=self._lockout.failures,
                seconds=self._lockout.duration,
            )
        self._directory.expire()

    def _forget(self, identifier: str) -> None:
        self._directory.store().clear_failures(identifier)
        self._directory.expire()

    def _later(self, write: Callable[[], None]) -> None:
        try:
            # Whoever guesses faster than the database counts waits for it, within bounds.
            self._counts.put(write, timeout=_WAIT_SECONDS)
        except queue.Full:
            self._log.error("logons are not counted", reason="The accounts database does not keep up.")
        if self._thread is None:
            self._start()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="logons", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            write = self._counts.get()
            self._write(write)
            self._counts.task_done()

    def _write(self, write: Callable[[], None]) -> None:
        try:
            write()
        except AccountsError as error:
            self._log.error("logons are not counted", reason=str(error))

    def flush(self) -> None:
        """Wait until everything recorded so far is counted."""
        self._counts.join()


def _shown(name: str) -> str:
    """A peer's name as the log can bear it: bounded, and without what would move a terminal's cursor or turn its text."""
    name = name[:_LONGEST]
    return name if name.isprintable() else "".join(char if char.isprintable() else "\ufffd" for char in name)
