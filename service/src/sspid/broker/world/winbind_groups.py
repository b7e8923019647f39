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
    """Asks once in five minutes for each account: groups change seldom, and an answer takes five programs."""

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
        domain, _, name = _unnumbered(self._run(f"--sid-to-name={own}", deadline)[0]).rpartition("\\")
        domain = self._netbios(domain, deadline)
        sids = [own, *(sid for sid in self._run(f"--user-sids={own}", deadline) if sid != own)][:_MOST]
        names = self._names(sids, deadline)
        groups = tuple(_qualified(sid, names[sid], own, domain) for sid in sids[1:] if sid in names)
        return replace(account, name=name, domain=domain, groups=groups, sids=tuple(sids))

    def _netbios(self, domain: str, deadline: float) -> str:
        """The domain's NetBIOS name: winbind may call it what the last logon called it, its DNS name for one."""
        for line in self._run(f"--domain-info={domain}", deadline):
            name, colon, value = line.partition(":")
            if colon and name.strip() == "Name":
                return value.strip()
        return domain

    def _names(self, sids: list[str], deadline: float) -> dict[str, str]:
        """The names that winbind knows; none where one of the SIDs is unknown, as it answers for all of them or not at all."""
        try:
            lines = self._run(f"--lookup-sids={','.join(sids)}", deadline)
        except subprocess.CalledProcessError:
            return {}
        parted = (line.partition(" -> ") for line in lines)
        return {sid: _unnumbered(rest) for sid, arrow, rest in parted if arrow}

    def _run(self, argument: str, deadline: float) -> list[str]:
        left = deadline - time.monotonic()
        if left <= 0:
            raise subprocess.TimeoutExpired(self._command, 0)
        done = subprocess.run([*self._command, argument], capture_output=True, timeout=left, check=True)  # noqa: S603  # no shell
        lines = [line for line in done.stdout.decode("utf-8", "replace").splitlines() if line.strip()]
        if not lines:
            raise ValueError(argument)
        return lines


def _unnumbered(text: str) -> str:
    """A name as wbinfo writes it, without the number of its kind at the end."""
    name, _, kind = text.rpartition(" ")
    return name if kind.isdigit() else text


def _qualified(sid: str, name: str, own: str, domain: str) -> str:
    r"""DOMAIN\group, where winbind leaves the domain out: that of the account, or of the groups every Windows machine has."""
    before, _, name = name.rpartition("\\")
    if before and before != "<none>":
        return rf"{before}\{name}"
    if sid.rpartition("-")[0] == own.rpartition("-")[0]:
        return rf"{domain}\{name}"
    return rf"BUILTIN\{name}" if sid.startswith("S-1-5-32-") else name
