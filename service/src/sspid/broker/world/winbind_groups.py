"""What a domain calls an account and which groups it is in, asked of winbind through `wbinfo`; a logon succeeds without it."""

from __future__ import annotations

import subprocess
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from sspid.packages.questions import Account

_KEPT_SECONDS: Final = 300.0
_LARGEST: Final = 4096
_MOST: Final = 1024
"""SIDs in one token; Windows' own limit is 1,015."""


class Groups:
    """Asks once in five minutes for each account: groups change seldom, and three programs are run for an answer."""

    def __init__(self, command: tuple[str, ...], log: FilteringBoundLogger) -> None:
        self._command = command
        self._log = log
        self._kept: dict[tuple[str, str], tuple[float, Account]] = {}

    def complete(self, account: Account, deadline: float) -> Account:
        """The account with its own spelling, its SIDs (its own first) and group names; as it was where winbind cannot tell."""
        key = (account.domain, account.name)
        kept_at, kept = self._kept.get(key, (0.0, account))
        if kept_at and time.monotonic() - kept_at < _KEPT_SECONDS:
            return kept
        try:
            found = self._found(account, deadline)
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            self._log.warning("no groups", reason=type(error).__name__, account=account.name, domain=account.domain)
            return account
        if len(self._kept) >= _LARGEST:
            self._kept = {}
        self._kept[key] = (time.monotonic(), found)
        return found

    def _found(self, account: Account, deadline: float) -> Account:
        named = rf"{account.domain}\{account.name}" if account.domain else account.name
        own = self._run(f"--name-to-sid={named}", deadline)[0].split()[0]
        sids = [own, *(sid for sid in self._run(f"--user-sids={own}", deadline) if sid != own)][:_MOST]
        names = self._names(sids, deadline)
        domain, _, name = names.get(own, rf"{account.domain}\{account.name}").rpartition("\\")
        groups = tuple(names[sid] for sid in sids[1:] if sid in names)
        return replace(account, name=name, domain=domain, groups=groups, sids=tuple(sids))

    def _names(self, sids: list[str], deadline: float) -> dict[str, str]:
        r"""SID to DOMAIN\name; lines read "S-1-5-21-... -> DOMAIN\name 2"."""
        names = {}
        for line in self._run(f"--sids-to-names={','.join(sids)}", deadline):
            sid, arrow, rest = line.partition(" -> ")
            name, _, kind = rest.rpartition(" ")
            if arrow and kind.isdigit() and "\\" in name and not name.startswith("<none>"):
                names[sid] = name
        return names

    def _run(self, argument: str, deadline: float) -> list[str]:
        left = deadline - time.monotonic()
        if left <= 0:
            raise subprocess.TimeoutExpired(self._command, 0)
        done = subprocess.run([*self._command, argument], capture_output=True, timeout=left, check=True)  # noqa: S603  # no shell
        lines = [line for line in done.stdout.decode("utf-8", "replace").splitlines() if line.strip()]
        if not lines:
            raise ValueError(argument)
        return lines
