"""What an operator may decide about NTLM: data only, judged in the initiator and the acceptor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sspid.packages import rules
from sspid.packages.questions import ReadPolicy
from sspid.packages.rules import Bindings
from sspid.vocabulary.status import SecurityStatus

HELD_BY_DEFAULT: Final = frozenset({"ntlmv1", "128 bit"})
RULES: Final = HELD_BY_DEFAULT | {"ntlm off", "mic", "channel bindings", "signing", "lifetime"}
"""What breaches are recorded as."""


@dataclass(frozen=True, slots=True)
class NtlmPolicy:
    """The operator's decisions. The default is what Windows does today, less NTLMv1.

    `enabled` False refuses NTLM except towards `allowed_targets` (SPNs, compared without case).
    `accept_v1`: judge NTLMv1 and LMv2 responses too. `send_v1`: the initiator answers with NTLMv1 (extended session security).
    `max_lifetime_seconds`: how far an NTLMv2 time stamp may be from the service's clock; None does not look.
    `audit_only`: record what would have been refused and go on, but for the rules that hold where nobody asks for them
    (`HELD_BY_DEFAULT`): who tries a rule must not thereby let NTLMv1 in. `audit_rules` names the rules to audit one by one.
    """

    enabled: bool = True
    allowed_targets: frozenset[str] = frozenset()
    accept_v1: bool = False
    send_v1: bool = False
    require_mic: bool = False
    bindings: Bindings = Bindings.AS_REQUESTED
    require_signing: bool = False
    require_128_bit: bool = True
    allow_guest: bool = False
    max_lifetime_seconds: int | None = None
    audit_only: bool = False
    audit_rules: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse names of rules that there are not."""
        rules.require_known(self.audit_rules, RULES)

    def audits(self, rule: str) -> bool:
        """Whether breaking `rule` is recorded only."""
        return rule in self.audit_rules or (self.audit_only and rule not in HELD_BY_DEFAULT)

    async def breach(self, rule: str, status: SecurityStatus, message: str, subject: str = "") -> None:
        """Record that `rule` was broken and raise `status`, unless this policy only audits."""
        await rules.breach("NTLM", rule, status, message, subject, audited=self.audits(rule))

    async def admit(self, target: str = "") -> None:
        """Refuse NTLM where it is off and `target` is not excepted ([MS-NLMP] 3.1.5.1.1, 3.2.5.1.1)."""
        if not self.enabled and target.casefold() not in self.allowed_targets:
            message = "Policy does not allow NTLM here; use Kerberos, or have the operator allow this target."
            await self.breach("ntlm off", SecurityStatus.STATUS_NOT_SUPPORTED, message, target)


DEFAULT = NtlmPolicy()


async def read() -> NtlmPolicy:
    """Return the operator's NTLM policy for the caller of this leg."""
    policy: NtlmPolicy | None = await ReadPolicy("NTLM")
    return DEFAULT if policy is None else policy
