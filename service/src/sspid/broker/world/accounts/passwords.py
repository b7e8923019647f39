"""Answers ChangePassword: judges the old password and makes anew what came from it; not for accounts of a domain."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from sspid.broker.world.accounts.records import nt_hash
from sspid.packages.questions import RecordLogon
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.broker.world.accounts.directory import Directory
    from sspid.broker.world.accounts.store import Stored
    from sspid.broker.world.logons import Logons
    from sspid.packages.questions import ChangePassword

_NO_SUCH_USER: Final = 0xC0000064
_WRONG_PASSWORD: Final = 0xC000006A
_DISABLED: Final = 0xC0000072
_EXPIRED: Final = 0xC0000193
_LOCKED_OUT: Final = 0xC0000234
_NOBODY: Final = bytes(16)
_LONGEST: Final = 256


class Passwords:
    """Changes passwords in the service's own database. A refusal is a refused logon: audited, counted, and the same for all."""

    def __init__(self, directory: Directory, logons: Logons) -> None:
        self._directory = directory
        self._logons = logons

    def change(self, question: ChangePassword, caller: str) -> None:
        """SEC_E_LOGON_DENIED, SEC_E_INVALID_PARAMETER for a new password that cannot be, SEC_E_NO_AUTHENTICATING_AUTHORITY."""
        if not 0 < len(question.new) <= _LONGEST:
            message = f"The new password must have 1 to {_LONGEST} characters."
            raise SspiError(SecurityStatus.SEC_E_INVALID_PARAMETER, message)
        stored = self._directory.read(question.account, question.domain)
        if stored is None and self._directory.is_elsewhere(question.domain):
            message = "This account is a domain's and not the service's own: change its password with Kerberos."
            raise SspiError(SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, message)
        ntstatus = _judged(stored, question.old)
        if stored is None or ntstatus or not self._renewed(stored, question.new):
            self._deny(question, caller, ntstatus or _WRONG_PASSWORD)
        self._directory.expire()
        self._logons.changed(question, caller)

    def _renewed(self, stored: Stored, new: str) -> bool:
        store = self._directory.store()
        return self._directory.ask(lambda: store.renew(stored, store.complete(stored).with_another_password(new)))

    def _deny(self, question: ChangePassword, caller: str, ntstatus: int) -> None:
        logon = RecordLogon(question.package, question.account, question.domain, "", ntstatus)
        self._logons.record(logon, caller)
        message = "The password was not changed: account or old password is not good; the service's audit log says which."
        raise SspiError(SecurityStatus.SEC_E_LOGON_DENIED, message)


def _judged(stored: Stored | None, old: str) -> int:
    """The NTSTATUS that stands against the change, 0 where nothing does; the old password is hashed whoever it is."""
    given = nt_hash(old)
    kept = _NOBODY if stored is None or stored.record.nt_hash is None else stored.record.nt_hash
    matches = hmac.compare_digest(given, kept)
    if stored is None:
        return _NO_SUCH_USER
    if stored.record.disabled:
        return _DISABLED
    if stored.locked_out:
        return _LOCKED_OUT
    if stored.expired:
        return _EXPIRED
    return 0 if matches and stored.record.nt_hash is not None else _WRONG_PASSWORD
