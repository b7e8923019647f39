"""Whether credentials may be delegated to a target ([MS-CSSP] <2>, Windows' CredentialsDelegation); it delegates nothing."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from sspid.packages.credssp.policy import TERMINAL_SERVERS, CredSspPolicy
from sspid.packages.questions import DescribeMachine
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet


class Kind(Enum):
    """Where a credential comes from, which decides the lists it is judged by."""

    DEFAULT = "default"
    """The operator's `default_credential`, because the caller gave none."""
    FRESH = "fresh"
    """The caller sent it."""
    SAVED = "saved"
    """The caller named one that the operator configured."""


def matches(pattern: str, target: str) -> bool:
    """Whether an SPN fits a pattern with at most one `*`; compared without case."""
    pattern, target = pattern.casefold(), target.casefold()
    before, star, after = pattern.partition("*")
    if not star:
        return pattern == target
    return len(target) >= len(before) + len(after) and target.startswith(before) and target.endswith(after)


def _any(patterns: AbstractSet[str], target: str) -> bool:
    return any(matches(pattern, target) for pattern in patterns)


async def _lists(policy: CredSspPolicy, kind: Kind) -> tuple[AbstractSet[str], AbstractSet[str], AbstractSet[str]]:
    """The kind's lists: allowed, allowed with NTLM only, denied."""
    match kind:
        case Kind.DEFAULT:
            return policy.allow_default, policy.allow_default_ntlm_only, policy.deny_default
        case Kind.FRESH:
            return policy.allow_fresh, policy.allow_fresh_ntlm_only, policy.deny_fresh
    ntlm_only = policy.allow_saved_ntlm_only
    if ntlm_only is None:
        ntlm_only = frozenset() if (await DescribeMachine()).domain else TERMINAL_SERVERS
    return policy.allow_saved, ntlm_only, policy.deny_saved


_POLICY: Final = "[policy.credssp]"


async def judge(policy: CredSspPolicy, kind: Kind, target: str, *, authenticated: bool) -> None:
    """Raise unless policy lets a credential of this kind go to `target`.

    `authenticated`: the server proved itself by Kerberos or a trusted certificate; otherwise by NTLM only.
    SEC_E_DELEGATION_POLICY; SEC_E_POLICY_NLTM_ONLY where only the missing proof stands in the way.
    """
    allowed, ntlm_only, denied = await _lists(policy, kind)
    name = kind.value
    if _any(denied, target):
        raise _refused(f"deny_{name} of {_POLICY} names the target {target!r}")
    if _any(allowed if authenticated else ntlm_only, target):
        return
    if not authenticated and _any(allowed, target):
        message = (
            f"Policy lets {name} credentials go to {target!r} only where Kerberos or a trusted certificate proves the server, "
            f"and NTLM alone did; have the operator trust its certificate or add it to allow_{name}_ntlm_only of {_POLICY}."
        )
        raise SspiError(SecurityStatus.SEC_E_POLICY_NLTM_ONLY, message)
    raise _refused(f"allow_{name} of {_POLICY} does not name the target {target!r}")


def refuse_restricted(policy: CredSspPolicy, target: str) -> None:
    """SEC_E_DELEGATION_POLICY where the operator has initiators delegate no password at all."""
    if policy.restricted_admin:
        raise _refused(f"restricted_admin of {_POLICY} is on, so none may go to {target!r}; leave DELEGATE out")


def _refused(why: str) -> SspiError:
    message = f"Policy does not let these credentials be delegated: {why}."
    return SspiError(SecurityStatus.SEC_E_DELEGATION_POLICY, message)
