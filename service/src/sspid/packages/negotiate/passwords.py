"""ChangeAccountPassword through Negotiate: the mechanisms in policy's order, until one's authority knows the account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sspid.packages.negotiate import policy
from sspid.packages.negotiate.initiator import FALL_BACK
from sspid.packages.questions import DescribeMachine
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sspid.packages.contract import SecurityPackage

_CLIENT_UNKNOWN: Final = 6
"""KDC_ERR_C_PRINCIPAL_UNKNOWN."""


async def change(inner: Mapping[str, SecurityPackage], account: str, domain: str, old: str, new: str) -> bool:
    """False where no mechanism changes passwords; the first one's reason where none knows the account's authority."""
    failure: SspiError | None = None
    for name in await _order(inner, domain):
        try:
            await inner[name].change_account_password(account, domain, old, new)
        except SspiError as reason:
            if not _passed_over(reason):
                raise
            if reason.status is not SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION:
                failure = failure or reason
        else:
            return True
    if failure is not None:
        raise failure
    return False


async def _order(inner: Mapping[str, SecurityPackage], domain: str) -> list[str]:
    """No KDC knows the accounts of this very machine."""
    machine = await DescribeMachine()
    own = {".", machine.computer.casefold(), machine.dns_computer.casefold()}
    names = [name for name in (await policy.read()).packages if name in inner]
    return [name for name in names if name == "ntlm"] if domain and domain.casefold() in own else names


def _passed_over(reason: SspiError) -> bool:
    unknown = reason.detail is not None and reason.detail.kerberos_error == _CLIENT_UNKNOWN
    return unknown or reason.status in FALL_BACK or reason.status is SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION
