"""What an operator may decide about Kerberos: data only, judged in the initiator, the acceptor and the credential."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sspid.packages import rules
from sspid.packages.questions import ReadPolicy
from sspid.packages.rules import Bindings

if TYPE_CHECKING:
    from sspid.vocabulary.status import SecurityStatus


HELD_BY_DEFAULT: Final = frozenset({"files"})
RULES: Final = HELD_BY_DEFAULT | {"bindings", "delegation", "signing"}
"""What breaches are recorded as."""


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
        rules.require_known(self.audit_rules, RULES)

    async def breach(self, rule: str, status: SecurityStatus, message: str, subject: str = "") -> None:
        """Record that `rule` was broken and raise `status`, unless this policy only audits."""
        audited = rule in self.audit_rules or (self.audit_only and rule not in HELD_BY_DEFAULT)
        await rules.breach("Kerberos", rule, status, message, subject, audited=audited)


DEFAULT = KerberosPolicy()
_READ: Final = ReadPolicy("Kerberos")


async def read() -> KerberosPolicy:
    """Return the operator's Kerberos policy for the caller of this leg."""
    policy: KerberosPolicy | None = await _READ
    return DEFAULT if policy is None else policy
