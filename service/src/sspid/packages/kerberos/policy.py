"""What an operator may decide about Kerberos: data only, judged in the initiator, the acceptor and the credential."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from sspid.packages.questions import ReadPolicy, RecordPolicyBreach
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


@dataclass(frozen=True, slots=True)
class KerberosPolicy:
    """The operator's decisions.

    `files`: callers may name key tables and caches on the service's machine. `delegate`: an initiator may forward its
    user's ticket. `require_signing`: a context without integrity is refused. `audit_only`: record what would have been
    refused and go on.
    """

    bindings: Bindings = Bindings.AS_REQUESTED
    require_signing: bool = False
    delegate: bool = True
    files: bool = False
    audit_only: bool = False

    async def breach(self, rule: str, status: SecurityStatus, message: str, subject: str = "") -> None:
        """Record that `rule` was broken and raise `status`, unless this policy only audits."""
        await RecordPolicyBreach("Kerberos", rule, not self.audit_only, subject)
        if not self.audit_only:
            raise SspiError(status, message)


DEFAULT = KerberosPolicy()


async def read() -> KerberosPolicy:
    """Return the operator's Kerberos policy for the caller of this leg."""
    policy: KerberosPolicy | None = await ReadPolicy("Kerberos")
    return DEFAULT if policy is None else policy
