"""What an operator may decide about Kerberos: data only, judged in the initiator, the acceptor and the credential."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from sspid.packages.questions import ReadPolicy, RecordPolicyBreach
from sspid.vocabulary.errors import SspiError

if TYPE_CHECKING:
    from sspid.vocabulary.status import SecurityStatus


HELD_BY_DEFAULT: Final = frozenset({"files"})
RULES: Final = HELD_BY_DEFAULT | {"bindings", "delegation", "signing"}
"""What breaches are recorded as."""


class Bindings(Enum):
    """How an acceptor treats channel bindings."""

    AS_REQUESTED = "as requested"
    """The application decides: bindings it hands in are required unless it sets ALLOW_MISSING_BINDINGS."""
    NEVER = "never"
    WHEN_SENT = "when sent"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class KerberosPolicy:
    """The operator's decisions.

    `files`: callers may name key tables and caches on the service's machine. `delegate`: an initiator may forward its
    user's ticket. `require_signing`: a context without integrity is refused. `audit_only`: record what would have been
    refused and go on, but for "files", which nobody asked to be tried. `audit_rules` names the rules to audit one by one.
    """

    bindings: Bindings = Bindings.AS_REQUESTED
    require_signing: bool = False
    delegate: bool = True
    files: bool = False
    audit_only: bool = False
    audit_rules: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse names of rules that there are not."""
        if unknown := self.audit_rules - RULES:
            message = f"audit_rules names {', '.join(sorted(unknown))}; the rules are {', '.join(sorted(RULES))}"
            raise ValueError(message)

    async def breach(self, rule: str, status: SecurityStatus, message: str, subject: str = "") -> None:
        """Record that `rule` was broken and raise `status`, unless this policy only audits."""
        audited = rule in self.audit_rules or (self.audit_only and rule not in HELD_BY_DEFAULT)
        await RecordPolicyBreach("Kerberos", rule, not audited, subject)
        if not audited:
            raise SspiError(status, message)


DEFAULT = KerberosPolicy()


async def read() -> KerberosPolicy:
    """Return the operator's Kerberos policy for the caller of this leg."""
    policy: KerberosPolicy | None = await ReadPolicy("Kerberos")
    return DEFAULT if policy is None else policy
