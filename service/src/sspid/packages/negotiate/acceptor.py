"""The acceptor's legs of SPNEGO (RFC 4178 5, [MS-SPNG] 3.2): chooses, answers, and insists on the mechListMIC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

from sspid.packages.contract import Leg, Step
from sspid.packages.negotiate import policy, tokens
from sspid.packages.negotiate.der import malformed
from sspid.packages.negotiate.initiator import mic_missing
from sspid.packages.negotiate.mechanisms import KERBEROS, MS_KERBEROS, NTLM, OFFERED, PACKAGE_OF
from sspid.packages.negotiate.speaking import Established, Speaking
from sspid.packages.negotiate.tokens import NegState
from sspid.vocabulary.buffers import token, token_in
from sspid.vocabulary.errors import FailureDetail, SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sspid.packages.contract import SecurityPackage
    from sspid.packages.negotiate.credential import NegotiateCredential


@dataclass(frozen=True, slots=True)
class HintSent:
    """The acceptor began with a NegTokenInit2 and awaits the client's NegTokenInit."""


class Underway(Struct, frozen=True):
    """A mechanism was chosen. `mech_list` is the client's own bytes, which the MIC covers."""

    mech_list: bytes
    speaking: Speaking
    mic_required: bool = False
    mic_sent: bool = False


class Bare(Struct, frozen=True):
    """The client speaks its mechanism without SPNEGO, and is answered so."""

    speaking: Speaking


async def first_leg(inner: Mapping[str, SecurityPackage], state: HintSent | None, leg: Leg) -> Step:
    """Take the client's first token, or send a NegTokenInit2 where there is none."""
    credential: NegotiateCredential = leg.credential
    rules = await policy.read()
    parts = {name: credential.parts[name] for name in rules.packages if name in credential.parts}
    received = leg.token
    if not received:
        if state is not None:
            raise malformed("the client's NegTokenInit is due and the token is empty")
        return _hint(parts)
    bare = _bare_mechanism(received)
    if bare is not None:
        name = PACKAGE_OF[bare]
        if name not in parts:
            raise _no_common(leg)
        return await bare_leg(Bare(Speaking(bare, inner[name], parts[name])), leg)
    init = tokens.read_init(received)
    chosen = next((mechanism for mechanism in init.mechanisms if PACKAGE_OF.get(mechanism) in parts), None)
    if chosen is None:
        raise _no_common(leg)
    name = PACKAGE_OF[chosen]
    preferred = chosen == init.mechanisms[0]
    begun = Underway(init.mech_list, Speaking(chosen, inner[name], parts[name]), mic_required=not preferred)
    if not preferred or not init.mech_token:
        # RFC 4178 4.2.2: an optimistic token for another mechanism is discarded.
        word = NegState.ACCEPT_INCOMPLETE if preferred else NegState.REQUEST_MIC
        return _answer(begun, word, chosen, b"", None)
    return await _advance(begun, leg, init.mech_token, init.mech_list_mic, chosen)


async def later_leg(state: Underway, leg: Leg) -> Step:
    """Take a NegTokenResp and answer it."""
    reply = tokens.read_response(leg.token)
    if reply.state is NegState.REJECT:
        message = "The client rejected the negotiation; its own log may say why."
        raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, message, detail=FailureDetail(state="reject"))
    return await _advance(state, leg, reply.token or b"", reply.mech_list_mic, None)


async def bare_leg(state: Bare, leg: Leg) -> Step:
    """Hand a leg through to the mechanism as it is."""
    speaking, sent = await state.speaking.accept(leg, leg.token)
    output = (token(sent),) if sent else ()
    if not speaking.done:
        return Step(SecurityStatus.SEC_I_CONTINUE_NEEDED, Bare(speaking), output=output, granted=speaking.granted)
    return Established.step(speaking, sent)


async def _advance(state: Underway, leg: Leg, received: bytes, mic: bytes | None, chosen: bytes | None) -> Step:
    sent = b""
    if not state.speaking.done:
        if not received and state.speaking.state is not None:
            raise malformed("the mechanism's next token is missing")
        try:
            speaking, sent = await state.speaking.accept(leg, received)
        except SspiError as failure:
            raise _reject(failure, leg, chosen) from None
        state = structs.replace(state, speaking=speaking)
    elif received:
        raise malformed("a token came for a mechanism that has finished")
    if not state.speaking.done:
        if mic is not None:
            raise malformed("a mechListMIC came before the mechanism is complete")
        return _answer(state, NegState.ACCEPT_INCOMPLETE, chosen, sent, None)
    return await _finish(state, sent, mic, chosen)


async def _finish(state: Underway, sent: bytes, received: bytes | None, chosen: bytes | None) -> Step:
    """Exchange mechListMICs once the mechanism is complete (RFC 4178 5)."""
    speaking = state.speaking
    if received is not None:
        await speaking.package.verify_mechlist_mic(speaking.state, state.mech_list, received)
    elif not state.mic_required and not speaking.package.mechlist_mic_required(speaking.state):
        return Established.step(speaking, tokens.write_response(NegState.ACCEPT_COMPLETED, chosen, sent or None))
    if received is None and (state.mic_sent or not sent):
        # The client had the last word and should have signed the list in it.
        raise mic_missing("client")
    if state.mic_sent:
        return Established.step(speaking, b"")
    mic = await speaking.package.make_mechlist_mic(speaking.state, state.mech_list)
    if received is None:
        return _answer(structs.replace(state, mic_sent=True), NegState.ACCEPT_INCOMPLETE, chosen, sent, mic)
    return Established.step(speaking, tokens.write_response(NegState.ACCEPT_COMPLETED, chosen, sent or None, mic))


def _answer(state: Underway, word: NegState, chosen: bytes | None, sent: bytes, mic: bytes | None) -> Step:
    output = (token(tokens.write_response(word, chosen, sent or None, mic)),)
    return Step(SecurityStatus.SEC_I_CONTINUE_NEEDED, state, output=output, granted=state.speaking.granted)


def _hint(parts: dict[str, Any]) -> Step:
    offer = tuple(mechanism for name in parts for mechanism in OFFERED[name])
    output = (token(tokens.write_hint(tokens.mech_list(offer))),)
    return Step(SecurityStatus.SEC_I_CONTINUE_NEEDED, HintSent(), output=output)


def _bare_mechanism(received: bytes) -> bytes | None:
    """Return the mechanism of a token that comes without SPNEGO ([MS-SPNG] <8>), None for SPNEGO's own."""
    if received.startswith(b"NTLMSSP\0"):
        return NTLM
    mechanism = tokens.framed_mechanism(received)
    return mechanism if mechanism in {KERBEROS, MS_KERBEROS} else None


def _no_common(leg: Leg) -> SspiError:
    return _reject(malformed("the client offers no mechanism that is spoken here"), leg, None)


def _reject(failure: SspiError, leg: Leg, chosen: bytes | None) -> SspiError:
    """Give a failure the reject that goes to the client: where it was asked for, or the mechanism has something to say."""
    said = token_in(failure.output)
    if not said and ContextFlag.EXTENDED_ERROR not in leg.flags:
        return failure
    output = (token(tokens.write_response(NegState.REJECT, chosen, said or None)),)
    detail = failure.detail or FailureDetail(state="reject")
    return SspiError(failure.status, failure.message, detail=detail, output=output, granted=failure.granted)
