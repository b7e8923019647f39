"""The acceptor's legs ([MS-KILE] 3.4.5): AP-REQ in, AP-REP out, in DCE style one more in; identities are `identity`'s."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from sspid.packages.contract import Step
from sspid.packages.gss import AcceptGss, GssError
from sspid.packages.kerberos import bindings, credential, flags, framing, policy
from sspid.packages.kerberos.established import Established
from sspid.packages.kerberos.framing import Kind
from sspid.packages.kerberos.statuses import Doing, translated
from sspid.packages.questions import ReadClock
from sspid.vocabulary.buffers import token
from sspid.vocabulary.credentials import CredentialUse
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.contract import Leg
    from sspid.packages.gss import Bindings, GssStep
    from sspid.packages.kerberos.policy import KerberosPolicy
    from sspid.vocabulary.flags import Flags


@dataclass(frozen=True, slots=True)
class ThirdLegExpected:
    """DCE style: AP-REP is out and the initiator's own is awaited. `context` is the library's."""

    context: object = field(repr=False)
    asked: Flags
    bindings: Bindings | None


async def first_leg(leg: Leg) -> Step:
    """Judge AP-REQ and answer it where mutual authentication is asked."""
    flags.require_service_key(leg.flags)
    received = framing.read(leg.token, Kind.AP_REQ)
    rules = await policy.read()
    given = bindings.expected(leg, rules)
    step = await _asked(AcceptGss(leg.credential.held, None, received.data, given), leg)
    if step.complete:
        return await _established(step, leg.flags, given, rules)
    state = ThirdLegExpected(step.context, leg.flags, given)
    granted = flags.granted(step.flags, leg.flags)
    return Step(SecurityStatus.SEC_I_CONTINUE_NEEDED, state, output=(token(step.token),), granted=granted)


async def third_leg(state: ThirdLegExpected, leg: Leg) -> Step:
    """Check the initiator's AP-REP, which proves that it is there now (DCE style)."""
    received = framing.read(leg.token, Kind.AP_REP)
    step = await _asked(AcceptGss(leg.credential.held, state.context, received.data, state.bindings), leg)
    return await _established(step, state.asked, state.bindings, await policy.read())


async def _asked(question: AcceptGss, leg: Leg) -> GssStep:
    try:
        return await question
    except GssError as failure:
        error_token = ContextFlag.EXTENDED_ERROR in leg.flags
        raise translated(failure, Doing.ACCEPTING, error_token=error_token) from None


async def _established(step: GssStep, asked: Flags, given: Bindings | None, rules: KerberosPolicy) -> Step:
    await bindings.require(given, step.flags, asked, rules)
    if not step.flags & flags.INTEGRITY and rules.require_signing:
        message = "Policy requires a context that can sign, and the client does not ask for integrity."
        await rules.breach("signing", SecurityStatus.SEC_E_SECURITY_QOS_FAILED, message)
    now = (await ReadClock()).replace(microsecond=0)
    expiry = None if step.lifetime is None else now + timedelta(seconds=step.lifetime)
    granted = flags.granted(step.flags, asked)
    delegated = None if step.delegated is None else credential.holding(step.delegated, CredentialUse.OUTBOUND)
    established = Established(step.context, True, granted, now, expiry, delegated=delegated)
    output = (token(step.token),) if step.token else ()
    return Step(SecurityStatus.SEC_E_OK, established, output=output, granted=granted, expiry=expiry, established=True)
