"""What operators' policies of several packages have in common: channel bindings, and rules that are held or only audited."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from sspid.packages.questions import RecordPolicyBreach
from sspid.vocabulary.errors import SspiError

if TYPE_CHECKING:
    from sspid.vocabulary.status import SecurityStatus


class Bindings(Enum):
    """How an acceptor treats channel bindings."""

    AS_REQUESTED = "as requested"
    """The application decides: bindings it hands in are required unless it sets ALLOW_MISSING_BINDINGS."""
    NEVER = "never"
    WHEN_SENT = "when sent"
    ALWAYS = "always"


def require_known(audit_rules: frozenset[str], rules: frozenset[str]) -> None:
    """Refuse names of rules that there are not, with ValueError."""
    if unknown := audit_rules - rules:
        message = f"audit_rules names {', '.join(sorted(unknown))}; the rules are {', '.join(sorted(rules))}"
        raise ValueError(message)


async def breach(package: str, rule: str, status: SecurityStatus, message: str, subject: str, *, audited: bool) -> None:
    """Record that a rule of the package's policy was broken, and raise `status` unless it is only audited."""
    await RecordPolicyBreach(package, rule, not audited, subject)
    if not audited:
        raise SspiError(status, message)
