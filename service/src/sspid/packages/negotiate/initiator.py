"""The initiator's legs of SPNEGO (RFC 4178 5, [MS-SPNG] 3.3): offers, follows the choice, and insists on the mechListMIC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct, structs

from sspid.packages.contract import Leg, Step
from sspid.packages.negotiate import policy, tokens
from sspid.packages.negotiate.der import malformed
from sspid.packages.negotiate.mechanisms import OFFERED, PACKAGE_OF, same_package
from sspid.packages.negotiate.speaking import Established, Speaking
from sspid.packages.negotiate.tokens import NegState, Response
from sspid.vocabulary.buffers import token
from sspid.vocabulary.errors import FailureDetail, SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sspid.packages.contract import SecurityPackage
    from sspid.packages.negotiate.credential import NegotiateCredential

FALL_BACK: Final = frozenset(
    {
        SecurityStatus.SEC_E_TARGET_UNKNOWN,
        SecurityStatus.SEC_E_NO_AUTHENTICATING_AUTHORITY,
        SecurityStatus.SEC_E_NO_CREDENTIALS,
        SecurityStatus.STATUS_NOT_SUPPORTED,
    }
)
"""A mechanism that cannot begin for one of these is not offered: the KDC knows no such target or is away, policy has it off."""


class Underway(Struct, frozen=True):
    """A NegTokenInit is out. `answered`: the acceptor has chosen. `offer` and `mech_list` as they were sent."""

    offer: tuple[bytes, ...]
    mech_list: bytes
    speaking: Speaking
    answered: bool = False
    mic_required: bool = False
    mic_sent: bool = False
    mic_checked: bool = False


async def first_leg(inner: Mapping[str, SecurityPackage], leg: Leg) -> Step:
    """Send a NegTokenInit with the preferred mechanism's first token; the input, if any, is a NegTokenInit2."""
    credential: NegotiateCredential = leg.credential
    rules = await policy.read()
    hint = leg.token
    accepted = set(tokens.read_init(hint).mechanisms) if hint else None
    offers = {name: offer for name in rules.packages if name in credential.parts and (offer := _offered(name, accepted))}
    names = list(offers)
    if not names:
        raise _nothing_in_common(hinted=accepted is not None)
    failure: SspiError | None = None
    for index, name in enumerate(names):
        speaking = Speaking(offers[name][0], inner[name], credential.parts[name])
        try:
            speaking, sent = await speaking.initialize(leg, b"")
        except SspiError as reason:
            if reason.status not in FALL_BACK:
                raise
            failure = failure or reason
        else:
            offer = tuple(mechanism for later in names[index:] for mechanism in offers[later])
            return _begun(offer, speaking, sent)
    # The preferred mechanism's reason says more than that of its fallback.
    raise failure or _nothing_in_common(hinted=False)


def _offered(name: str, accepted: set[bytes] | None) -> tuple[bytes, ...]:
    if accepted is None:
        return OFFERED[name]
    return tuple(mechanism for mechanism in OFFERED[name] if mechanism in accepted)


def _begun(offer: tuple[bytes, ...], speaking: Speaking, sent: bytes) -> Step:
    mech_list = tokens.mech_list(offer)
    state = Underway(offer, mech_list, speaking)
    output = (token(tokens.write_init(mech_list, sent)),)
    return Step(SecurityStatus.SEC_I_CONTINUE_NEEDED, state, output=output, granted=speaking.granted)


async def later_leg(inner: Mapping[str, SecurityPackage], state: Underway, leg: Leg) -> Step:
    """Take a NegTokenResp and answer it."""
    reply = tokens.read_response(leg.token)
    if reply.state is NegState.REJECT:
        await _rejected(state, reply, leg)
    sent = None
    if not state.answered:
        state, sent = await _follow_choice(inner, state, reply, leg)
    if reply.state is NegState.REQUEST_MIC:
        state = structs.replace(state, mic_required=True)
    if reply.token and sent is None:
        if state.speaking.done:
            raise malformed("a token came for a mechanism that has finished")
        speaking, sent = await state.speaking.initialize(leg, reply.token)
        state = structs.replace(state, speaking=speaking)
    elif sent is None and not state.speaking.done:
        raise malformed("the mechanism's next token is missing")
    if not state.speaking.done:
        return _go_on(state, reply, sent or b"")
    return await _finish(state, reply, sent or b"")


async def _follow_choice(
    inner: Mapping[str, SecurityPackage], state: Underway, reply: Response, leg: Leg
) -> tuple[Underway, bytes | None]:
    """Take up the acceptor's choice; another mechanism than the optimistic one begins anew (RFC 4178 4.2.2)."""
    chosen = reply.mechanism or state.speaking.mechanism
    if chosen not in state.offer:
        raise malformed("the acceptor chose a mechanism that was not offered")
    state = structs.replace(state, answered=True)
    if same_package(chosen, state.speaking.mechanism):
        return state, None
    if reply.token:
        raise malformed("a token came for a mechanism that has not begun")
    state.speaking.package.delete_security_context(state.speaking.state)
    name = PACKAGE_OF[chosen]
    credential: NegotiateCredential = leg.credential
    speaking, sent = await Speaking(chosen, inner[name], credential.parts[name]).initialize(leg, b"")
    # RFC 4178 5: the first mechanism was passed over, so both must prove that the list is what was sent.
    return structs.replace(state, speaking=speaking, mic_required=True), sent


def _go_on(state: Underway, reply: Response, sent: bytes) -> Step:
    if reply.state is NegState.ACCEPT_COMPLETED:
        raise malformed("the acceptor says it is complete before the mechanism is")
    if reply.mech_list_mic is not None:
        raise malformed("a mechListMIC came before the mechanism is complete")
    output = (token(tokens.write_response(None, token=sent)),)
    return Step(SecurityStatus.SEC_I_CONTINUE_NEEDED, state, output=output, granted=state.speaking.granted)


async def _finish(state: Underway, reply: Response, sent: bytes) -> Step:
    """Exchange mechListMICs once the mechanism is complete (RFC 4178 5)."""
    speaking = state.speaking
    if reply.mech_list_mic is not None and not state.mic_checked:
        await speaking.package.verify_mechlist_mic(speaking.state, state.mech_list, reply.mech_list_mic)
        state = structs.replace(state, mic_checked=True)
    required = state.mic_required or state.mic_checked or speaking.package.mechlist_mic_required(speaking.state)
    complete = reply.state is NegState.ACCEPT_COMPLETED or (reply.state is None and not sent)
    if complete and sent:
        raise malformed("the acceptor says it is complete and the mechanism has a token for it")
    if complete:
        if required and not state.mic_checked:
            raise mic_missing("acceptor")
        return Established.step(speaking, b"")
    if not required and not sent:
        # The acceptor waits though nothing is left to say but this.
        required = True
    mic = None
    if required and not state.mic_sent:
        mic = await speaking.package.make_mechlist_mic(speaking.state, state.mech_list)
        state = structs.replace(state, mic_sent=True)
    output = tokens.write_response(None, token=sent or None, mic=mic)
    if state.mic_checked:
        return Established.step(speaking, output)
    return Step(SecurityStatus.SEC_I_CONTINUE_NEEDED, state, output=(token(output),), granted=speaking.granted)


async def _rejected(state: Underway, reply: Response, leg: Leg) -> None:
    """Raise for a reject; its token, where it has one, is the mechanism's to explain."""
    if reply.token and not state.speaking.done:
        await state.speaking.initialize(leg, reply.token)
    finished = state.speaking.done
    status = SecurityStatus.SEC_E_LOGON_DENIED if finished else SecurityStatus.SEC_E_INVALID_TOKEN
    what = "the logon" if finished else "all mechanisms that were offered"
    message = f"The acceptor rejected {what} and gave no reason; its own log may have one."
    raise SspiError(status, message, detail=FailureDetail(state="reject"))


def _nothing_in_common(*, hinted: bool) -> SspiError:
    if hinted:
        return malformed("the acceptor offers no mechanism that this credential can use")
    message = "No mechanism of Negotiate can use this credential under the service's policy."
    return SspiError(SecurityStatus.SEC_E_NO_CREDENTIALS, message)


def mic_missing(who: str) -> SspiError:
    """Refuse a negotiation whose mechListMIC is missing: leaving it out is how its list would be tampered with."""
    message = f"The {who} sent no mechListMIC where one is due: the list of mechanisms may have been altered on the way."
    return SspiError(SecurityStatus.SEC_E_MESSAGE_ALTERED, message, detail=FailureDetail(state="mechListMIC"))
