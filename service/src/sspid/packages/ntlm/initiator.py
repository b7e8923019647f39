"""The initiator's two legs ([MS-NLMP] 3.1): asks, then answers the challenge; the acceptor alone judges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sspid.crypto.decrepit.rc4 import rc4
from sspid.packages.contract import Leg, Step
from sspid.packages.ntlm import av_pairs, crypto, filetime, messages, policy
from sspid.packages.ntlm import negotiate_flags as nf
from sspid.packages.ntlm.established import CLIENT, Established
from sspid.packages.questions import DescribeMachine, DrawRandom, ReadClock
from sspid.vocabulary import channel_bindings
from sspid.vocabulary.attributes import Identity
from sspid.vocabulary.buffers import token
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.ntlm.credential import NtlmCredential
    from sspid.packages.ntlm.messages import Challenge
    from sspid.packages.ntlm.policy import NtlmPolicy
    from sspid.vocabulary.flags import Flags


class ChallengeExpected(NamedTuple):
    """The NEGOTIATE message is out (`negotiate`; empty for datagrams, which begin with the challenge)."""

    credential: NtlmCredential
    requested: Flags
    flags: int
    negotiate: bytes
    policy: NtlmPolicy
    target: str
    bindings: bytes

    def __repr__(self) -> str:
        return f"ChallengeExpected(flags={self.flags:#010x})"


_STRONG: Final = nf.SIGN | nf.SEAL | nf.KEY_128
"""Where these are agreed, no policy on strength has anything to say."""


class _Response(NamedTuple):
    nt: bytes
    lm: bytes
    key_exchange_key: bytes
    mic: bool


async def first_leg(leg: Leg) -> Step:
    """Send NEGOTIATE, or nothing where the context is for datagrams."""
    credential = _usable(leg)
    rules = await policy.read()
    if not rules.enabled:
        await rules.admit(leg.target_name)
    flags = nf.INITIATOR | nf.wanted_by(leg.flags) | (nf.SIGN if rules.require_signing else 0)
    negotiate = b"" if flags & nf.DATAGRAM else messages.write_negotiate(flags)
    bindings = channel_bindings.binding_hash(leg.input)
    state = ChallengeExpected(credential, leg.flags, flags, negotiate, rules, leg.target_name, bindings)
    return Step(
        SecurityStatus.SEC_I_CONTINUE_NEEDED,
        state,
        output=(token(negotiate),) if negotiate else (),
        granted=nf.granted_by(flags, leg.flags),
    )


async def second_leg(state: ChallengeExpected, leg: Leg) -> Step:
    """Answer CHALLENGE with AUTHENTICATE."""
    challenge_message = leg.token
    challenge = messages.read_challenge(challenge_message)
    flags = _negotiated(state.flags, challenge.flags)
    if flags & _STRONG != _STRONG:
        await _check_strength(state, flags)
    if state.credential.anonymous:
        return await _anonymous(state, challenge, flags)
    drawn: bytes = await DrawRandom(24)
    response = await _respond(state, leg, challenge, flags, drawn[:8])
    exported, encrypted = _exchange_key(flags, response.key_exchange_key, drawn[8:])
    machine = await DescribeMachine()
    names = (
        messages.encode(state.credential.domain, flags),
        messages.encode(state.credential.user, flags),
        messages.encode(machine.computer, flags),
    )
    message = messages.write_authenticate(flags, names, response.lm, response.nt, encrypted, mic=response.mic)
    if response.mic:
        whole = state.negotiate + challenge_message + message
        message = messages.with_mic(message, crypto.hmac_md5(exported, whole))
    established = Established(
        CLIENT,
        flags,
        nf.granted_by(flags, state.requested),
        exported,
        state.credential.identity,
        target=leg.target_name or state.target,
        target_info=challenge.target_info,
        mic=response.mic,
    )
    return Step(SecurityStatus.SEC_E_OK, established, output=(token(message),), granted=established.granted, established=True)


def _usable(leg: Leg) -> NtlmCredential:
    if ContextFlag.PROMPT_FOR_CREDS in leg.flags:
        message = "NTLM cannot prompt for credentials here: hand them in with AcquireCredentialsHandle."
        raise SspiError(SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, message)
    credential: NtlmCredential = leg.credential
    if credential.nt_hash is None and not credential.anonymous:
        message = "This credential names no user: acquire one with a password, an NT hash or as anonymous."
        raise SspiError(SecurityStatus.SEC_E_NO_CREDENTIALS, message)
    return credential


def _negotiated(wanted: int, offered: int) -> int:
    """Return the flags of AUTHENTICATE: what both want ([MS-NLMP] 3.1.5.1.2)."""
    flags = wanted & (offered | nf.REQUEST_TARGET) | offered & nf.TARGET_INFO
    if not flags & nf.UNICODE:
        raise av_pairs.malformed("the challenge does not take up Unicode, which was offered")
    if not flags & nf.PROTECTION:
        # Without signing or sealing there is no key to exchange, and acceptors differ on a key sent all the same.
        flags &= ~(nf.KEY_EXCH | nf.KEY_128 | nf.KEY_56)
    return flags


async def _check_strength(state: ChallengeExpected, flags: int) -> None:
    rules = state.policy
    if not flags & nf.PROTECTION:
        if rules.require_signing:
            message = "Policy requires signing and the server does not offer it."
            await rules.breach("signing", SecurityStatus.SEC_E_SECURITY_QOS_FAILED, message, state.target)
    elif not flags & nf.KEY_128 and rules.require_128_bit:
        message = "Policy requires 128-bit keys and the server does not offer them."
        await rules.breach("128 bit", SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, message, state.target)


async def _respond(state: ChallengeExpected, leg: Leg, challenge: Challenge, flags: int, client_challenge: bytes) -> _Response:
    nt_owf = state.credential.nt_hash or b""
    if state.policy.send_v1:
        return _respond_v1(nt_owf, challenge.server_challenge, client_challenge, flags)
    pairs, end = av_pairs.read(challenge.target_info) if challenge.target_info else ({}, 0)
    if flags & nf.PROTECTION and not (av_pairs.NB_COMPUTER_NAME in pairs and av_pairs.NB_DOMAIN_NAME in pairs):
        message = "The challenge does not name the server and its domain, which NTLMv2 with signing needs."
        raise SspiError(SecurityStatus.SEC_E_LOGON_DENIED, message)
    stamp = pairs.get(av_pairs.TIMESTAMP)
    time = filetime.pack(await ReadClock()) if stamp is None else stamp
    marks = 0 if stamp is None else av_pairs.FLAG_MIC
    if ContextFlag.UNVERIFIED_TARGET_NAME in leg.flags or ContextFlag.UNVERIFIED_TARGET_NAME in state.requested:
        marks |= av_pairs.FLAG_UNTRUSTED_TARGET
    bindings = channel_bindings.binding_hash(leg.input)
    own_pairs = av_pairs.extended(
        challenge.target_info, pairs, end, marks, (leg.target_name or state.target).encode("utf-16-le", "surrogatepass"),
        state.bindings if bindings == channel_bindings.NO_BINDINGS else bindings,
    )  # fmt: skip
    key = crypto.ntlmv2_hash(nt_owf, state.credential.user, state.credential.domain)
    temp = crypto.ntlmv2_temp(time, client_challenge, own_pairs)
    proof = crypto.proof(key, challenge.server_challenge, temp)
    return _Response(
        proof + temp,
        _lm_v2(flags, stamp, key, challenge.server_challenge, client_challenge),
        crypto.session_base_key_v2(key, proof),
        stamp is not None,
    )


def _lm_v2(flags: int, stamp: bytes | None, key: bytes, server_challenge: bytes, client_challenge: bytes) -> bytes:
    if flags & nf.DATAGRAM:
        return b""
    if stamp is not None:
        return bytes(24)
    return crypto.proof(key, server_challenge, client_challenge) + client_challenge


def _respond_v1(nt_owf: bytes, server_challenge: bytes, client_challenge: bytes, flags: int) -> _Response:
    if flags & nf.EXTENDED_SESSION_SECURITY:
        nt = crypto.ntlmv1_response(nt_owf, crypto.ntlmv1_extended_challenge(server_challenge, client_challenge))
        lm = client_challenge + bytes(16)
    else:
        # The LM hash is never sent: NoLMResponse is Windows' default ([MS-NLMP] 3.3.1).
        nt = lm = crypto.ntlmv1_response(nt_owf, server_challenge)
    base = crypto.session_base_key_v1(nt_owf)
    return _Response(nt, lm, crypto.key_exchange_key_v1(flags, base, lm, server_challenge), mic=False)


def _exchange_key(flags: int, key_exchange_key: bytes, random_key: bytes) -> tuple[bytes, bytes]:
    if flags & nf.KEY_EXCH:
        return random_key, rc4(key_exchange_key, random_key)
    return key_exchange_key, b""


async def _anonymous(state: ChallengeExpected, challenge: Challenge, flags: int) -> Step:
    """Prove nothing: no user, no response and no session security worth the name ([MS-NLMP] 3.1.5.1.2)."""
    flags = flags & ~(nf.PROTECTION | nf.KEY_EXCH | nf.KEY_128 | nf.KEY_56) | nf.ANONYMOUS
    machine = await DescribeMachine()
    names = (b"", b"", messages.encode(machine.computer, flags))
    message = messages.write_authenticate(flags, names, b"\0", b"", b"", mic=False)
    granted = nf.granted_by(flags, state.requested) | {ContextFlag.NULL_SESSION}
    established = Established(
        CLIENT, flags, granted, bytes(16), Identity("ANONYMOUS LOGON", "NT AUTHORITY"),
        target=state.target, target_info=challenge.target_info,
    )  # fmt: skip
    return Step(SecurityStatus.SEC_E_OK, established, output=(token(message),), granted=granted, established=True)
