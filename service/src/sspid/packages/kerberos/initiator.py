"""The initiator's legs (RFC 4121 4.1, [MS-KILE] 3.2.5): AP-REQ out, AP-REP in, in DCE style one more out; no messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from sspid.packages.contract import Step
from sspid.packages.gss import InitiateGss
from sspid.packages.kerberos import bindings, flags, framing, policy
from sspid.packages.kerberos.established import Established
from sspid.packages.kerberos.framing import Kind
from sspid.packages.kerberos.statuses import Doing, ask
from sspid.packages.questions import ReadClock
from sspid.vocabulary.buffers import token
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.contract import Leg
    from sspid.packages.gss import GssStep
    from sspid.packages.kerberos.policy import KerberosPolicy
    from sspid.vocabulary.flags import Flags


@dataclass(frozen=True, slots=True)
class ReplyExpected:
    """AP-REQ is out; `context` is the library's."""

    context: object = field(repr=False)
    target: str
    asked: Flags


async def first_leg(leg: Leg) -> Step:
    """Fetch a ticket for the target and send AP-REQ; the KDC may be asked."""
    flags.require_service_key(leg.flags)
    if leg.token:
        message = "A Kerberos initiator sends the first token and was handed one."
        raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, message)
    if not leg.target_name:
        message = "Kerberos needs a target name to fetch a ticket for, such as HTTP/server.example.org."
        raise SspiError(SecurityStatus.SEC_E_TARGET_UNKNOWN, message)
    bits = await _allowed(flags.requested(leg.flags), leg, await policy.read())
    question = InitiateGss(leg.credential.held, None, leg.target_name, b"", bits, bindings.parts(leg.input))
    return await _after(await ask(question, Doing.INITIATING), leg.target_name, leg.flags)


async def later_leg(state: ReplyExpected, leg: Leg) -> Step:
    """Check the acceptor's AP-REP; in DCE style answer it."""
    received = framing.read(leg.token, Kind.AP_REP, Kind.KRB_ERROR)
    bits, given = flags.requested(state.asked), bindings.parts(leg.input)
    question = InitiateGss(leg.credential.held, state.context, state.target, received.data, bits, given)
    return await _after(await ask(question, Doing.INITIATING), state.target, state.asked)


async def _allowed(bits: int, leg: Leg, rules: KerberosPolicy) -> int:
    if bits & flags.DELEGATE_WHERE_TRUSTED and not rules.delegate:
        message = "Policy does not let this caller delegate its credential; ask without DELEGATE."
        await rules.breach("delegation", SecurityStatus.SEC_E_DELEGATION_POLICY, message, leg.target_name)
    if not bits & flags.INTEGRITY and rules.require_signing:
        message = "Policy requires a context that can sign; ask for INTEGRITY."
        await rules.breach("signing", SecurityStatus.SEC_E_SECURITY_QOS_FAILED, message, leg.target_name)
    return bits


async def _after(step: GssStep, target: str, asked: Flags) -> Step:
    output = (token(step.token),) if step.token else ()
    granted = flags.granted(step.flags, asked)
    if not step.complete:
        state = ReplyExpected(step.context, target, asked)
        return Step(SecurityStatus.SEC_I_CONTINUE_NEEDED, state, output=output, granted=granted)
    now = (await ReadClock()).replace(microsecond=0)
    expiry = None if step.lifetime is None else now + timedelta(seconds=step.lifetime)
    established = Established(step.context, False, granted, now, expiry, target)
    return Step(SecurityStatus.SEC_E_OK, established, output=output, granted=granted, expiry=expiry, established=True)
