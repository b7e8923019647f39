"""The acceptor's two legs ([MS-NLMP] 3.2): challenges, then checks what the answer promises; accounts are `judgement`'s."""

from __future__ import annotations

import hmac
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from sspid.crypto.decrepit.rc4 import rc4
from sspid.packages.contract import Leg, Step
from sspid.packages.ntlm import av_pairs, crypto, filetime, judgement, messages, policy
from sspid.packages.ntlm import negotiate_flags as nf
from sspid.packages.ntlm.established import SERVER, Established
from sspid.packages.questions import DescribeMachine, DrawRandom, ReadClock, RecordLogon
from sspid.packages.rules import Bindings
from sspid.vocabulary import channel_bindings
from sspid.vocabulary.buffers import token
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.ntlm.messages import Authenticate
    from sspid.packages.ntlm.policy import NtlmPolicy
    from sspid.packages.questions import Machine
    from sspid.vocabulary.flags import Flags

_STRENGTHS: Final = nf.KEY_128 | nf.KEY_56
_V2_HEADER: Final = 44
"""16 bytes of proof, then 28 of the client's part before its AV pairs."""


class AuthenticateExpected(NamedTuple):
    """The CHALLENGE message is out; `negotiate` is what the client sent, byte for byte, for the MIC."""

    negotiate: bytes
    challenge: bytes
    server_challenge: bytes
    flags: int
    policy: NtlmPolicy
    requested: Flags
    bindings: bytes

    def __repr__(self) -> str:
        return f"AuthenticateExpected(flags={self.flags:#010x})"


class _Checked(NamedTuple):
    """A response that was judged: what its AV pairs promised and held."""

    verdict: judgement.Verdict
    session_key: bytes
    target: str
    mic: bool


async def first_leg(leg: Leg) -> Step:
    """Answer NEGOTIATE (for datagrams: nothing) with CHALLENGE."""
    rules = await policy.read()
    if not rules.enabled:
        await rules.admit()
    asked = _asked(leg)
    flags = await _offered(asked, rules)
    machine = await DescribeMachine()
    flags |= nf.TARGET_TYPE_DOMAIN if machine.domain else nf.TARGET_TYPE_SERVER
    server_challenge: bytes = await DrawRandom(8)
    stamp = filetime.pack(await ReadClock())
    name = messages.encode(machine.domain or machine.computer, flags)
    challenge = messages.write_challenge(flags, server_challenge, name, _target_info(machine) % stamp)
    bindings = channel_bindings.binding_hash(leg.input)
    state = AuthenticateExpected(leg.token, challenge, server_challenge, flags, rules, leg.flags, bindings)
    granted = nf.granted_by(flags, leg.flags)
    return Step(SecurityStatus.SEC_I_CONTINUE_NEEDED, state, output=(token(challenge),), granted=granted)


async def second_leg(state: AuthenticateExpected, leg: Leg) -> Step:
    """Judge AUTHENTICATE; there is nothing left to send."""
    message = messages.read_authenticate(leg.token, state.flags)
    flags = _agreed(state.flags, message)
    if not message.user and not message.nt_response and message.lm_response in {b"", b"\0"}:
        return await _anonymous(state, leg, message, flags)
    checked = await _check(state, leg, message, flags)
    await RecordLogon("NTLM", message.user, message.domain, message.workstation, 0)
    if checked.verdict.key_exchange_key is None:
        flags &= ~nf.PROTECTION
    established = Established(
        SERVER, flags, nf.granted_by(flags, state.requested), checked.session_key, checked.verdict.identity,
        target=checked.target, mic=checked.mic,
    )  # fmt: skip
    return Step(SecurityStatus.SEC_E_OK, established, granted=established.granted, established=True)


def _asked(leg: Leg) -> int:
    """Return the flags the client asks for."""
    if not leg.token and ContextFlag.DATAGRAM in leg.flags:
        return nf.ACCEPTOR & ~nf.PROTECTION | nf.UNICODE | nf.DATAGRAM | nf.wanted_by(leg.flags)
    if not leg.token:
        message = "The acceptor's first leg needs the client's NEGOTIATE message and got an empty token."
        raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, message)
    return messages.read_negotiate(leg.token).flags


async def _offered(asked: int, rules: NtlmPolicy) -> int:
    """Return the challenge's flags ([MS-NLMP] 3.2.5.1.1)."""
    flags = asked & nf.ACCEPTOR | nf.REQUEST_TARGET | nf.NTLM | nf.ALWAYS_SIGN | nf.TARGET_INFO
    if asked & nf.UNICODE:
        flags |= nf.UNICODE
    elif asked & nf.OEM:
        flags |= nf.OEM
    else:
        raise av_pairs.malformed("the client offers neither Unicode nor OEM names")
    if not flags & nf.PROTECTION:
        flags &= ~_STRENGTHS
        if rules.require_signing:
            message = "Policy requires signing and the client does not ask for it."
            await rules.breach("signing", SecurityStatus.SEC_E_SECURITY_QOS_FAILED, message)
    elif not flags & nf.KEY_128 and rules.require_128_bit:
        message = "Policy requires 128-bit keys and the client does not offer them."
        await rules.breach("128 bit", SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, message)
    return flags


class _TargetInfo:
    """The AV pairs of one machine with a gap for the time stamp, the same for every challenge."""

    __slots__ = ("_after", "_before")

    def __init__(self, before: bytes, after: bytes) -> None:
        self._before = before
        self._after = after

    def __mod__(self, stamp: bytes) -> bytes:
        return self._before + stamp + self._after


@lru_cache(maxsize=16)
def _target_info(machine: Machine) -> _TargetInfo:
    names = (
        # Both NetBIOS names are mandatory ([MS-NLMP] 2.2.2.1): a machine of no domain is its own.
        (av_pairs.NB_DOMAIN_NAME, machine.domain or machine.computer),
        (av_pairs.NB_COMPUTER_NAME, machine.computer),
        (av_pairs.DNS_DOMAIN_NAME, machine.dns_domain),
        (av_pairs.DNS_COMPUTER_NAME, machine.dns_computer),
        (av_pairs.DNS_TREE_NAME, machine.dns_tree),
    )
    pairs = b"".join(av_pairs.pair(kind, name.encode("utf-16-le")) for kind, name in names if name)
    return _TargetInfo(pairs + b"\x07\0\x08\0", av_pairs.END)


def _agreed(offered: int, message: Authenticate) -> int:
    flags = offered & (message.flags | nf.TARGET_INFO)
    if not flags & nf.KEY_EXCH:
        return flags
    if len(message.encrypted_session_key) == 16:
        return flags
    if flags & nf.PROTECTION or message.encrypted_session_key:
        raise av_pairs.malformed(f"a session key of {len(message.encrypted_session_key)} bytes came where 16 were agreed")
    return flags & ~nf.KEY_EXCH


async def _check(state: AuthenticateExpected, leg: Leg, message: Authenticate, flags: int) -> _Checked:
    rules = state.policy
    pairs = await _pairs(message, rules)
    verdict = await judgement.judge(
        message,
        state.server_challenge,
        flags,
        accept_v1=rules.accept_v1 or rules.audits("ntlmv1"),
        allow_guest=rules.allow_guest,
    )
    if verdict.key_exchange_key is None:
        return _Checked(verdict, bytes(16), "", mic=False)
    key = verdict.key_exchange_key
    session_key = rc4(key, message.encrypted_session_key) if flags & nf.KEY_EXCH else key
    await _check_lifetime(message, rules)
    marks = av_pairs.flags_of(pairs)
    mic = bool(marks & av_pairs.FLAG_MIC)
    if mic:
        await _check_mic(state, leg.token, message, session_key)
    elif rules.require_mic:
        await _refuse(rules, message, "mic", "The client sends no message integrity code, which policy requires.")
    await _check_bindings(state, leg, message, pairs.get(av_pairs.CHANNEL_BINDINGS))
    target = "" if marks & av_pairs.FLAG_UNTRUSTED_TARGET else av_pairs.text(pairs.get(av_pairs.TARGET_NAME))
    return _Checked(verdict, session_key, target, mic)


async def _pairs(message: Authenticate, rules: NtlmPolicy) -> dict[int, bytes]:
    """Return the AV pairs of an NTLMv2 response; older ones have none and need policy's leave."""
    length = len(message.nt_response)
    if length > judgement.V1_LENGTH:
        if length < _V2_HEADER:
            raise av_pairs.malformed(f"an NTLMv2 response has at least {_V2_HEADER} bytes and not {length}")
        return av_pairs.read(message.nt_response, _V2_HEADER)[0]
    if length not in {0, judgement.V1_LENGTH}:
        raise av_pairs.malformed(f"no NT response has {length} bytes")
    if not rules.accept_v1:
        await _refuse(rules, message, "ntlmv1", "The client answers with NTLMv1 or LM, which policy does not accept.")
    return {}


async def _check_lifetime(message: Authenticate, rules: NtlmPolicy) -> None:
    if rules.max_lifetime_seconds is None or len(message.nt_response) <= judgement.V1_LENGTH:
        return
    apart = filetime.seconds_apart(message.nt_response[24:32], await ReadClock())
    if apart > rules.max_lifetime_seconds:
        await _refuse(rules, message, "lifetime", f"The response is {apart:.0f} s from this clock, more than policy allows.")


async def _check_mic(state: AuthenticateExpected, received: bytes, message: Authenticate, session_key: bytes) -> None:
    mic = messages.mic_of(received, message)
    blank = messages.with_mic(received, bytes(16))
    expected = crypto.hmac_md5(session_key, state.negotiate + state.challenge + blank)
    if mic is None or not hmac.compare_digest(mic, expected):
        await judgement.deny(message, judgement.LOGON_FAILURE, "the message integrity code does not match")


async def _check_bindings(state: AuthenticateExpected, leg: Leg, message: Authenticate, sent: bytes | None) -> None:
    own = channel_bindings.binding_hash(leg.input)
    own = state.bindings if own == channel_bindings.NO_BINDINGS else own
    if _bindings_hold(state.policy.bindings, leg.flags | state.requested, own, sent):
        return
    await RecordLogon(
        "NTLM", message.user, message.domain, message.workstation, judgement.BAD_BINDINGS, "channel bindings do not match"
    )
    text = "The client's channel bindings are not this channel's: it speaks to another TLS end, or says nothing about its own."
    if state.policy.bindings is Bindings.AS_REQUESTED:
        raise SspiError(SecurityStatus.SEC_E_BAD_BINDINGS, text)
    await state.policy.breach("channel bindings", SecurityStatus.SEC_E_BAD_BINDINGS, text, message.user)


def _bindings_hold(rule: Bindings, requested: Flags, own: bytes, sent: bytes | None) -> bool:
    some = sent is not None and sent != channel_bindings.NO_BINDINGS
    bound = own != channel_bindings.NO_BINDINGS
    equal = sent is not None and hmac.compare_digest(sent, own)
    match rule:
        case Bindings.NEVER:
            return True
        case Bindings.WHEN_SENT:
            return equal or not (bound and some)
        case Bindings.ALWAYS:
            return equal if bound else some
        case Bindings.AS_REQUESTED if ContextFlag.PROXY_BINDINGS in requested:
            # TLS ends at a proxy: some binding must be there, its value is not ours to compare.
            return some
    # Zeros say that the client knows bindings and has none; only a missing pair is excused.
    return equal or not bound or (sent is None and ContextFlag.ALLOW_MISSING_BINDINGS in requested)


async def _refuse(rules: NtlmPolicy, message: Authenticate, rule: str, text: str) -> None:
    if not rules.audits(rule):
        await RecordLogon(
            "NTLM", message.user, message.domain, message.workstation, judgement.LOGON_FAILURE, f"policy: {rule}"
        )  # fmt: skip
    await rules.breach(rule, SecurityStatus.SEC_E_LOGON_DENIED, text, message.user)


async def _anonymous(state: AuthenticateExpected, leg: Leg, message: Authenticate, flags: int) -> Step:
    if ContextFlag.NULL_SESSION not in leg.flags | state.requested:
        await judgement.deny(message, judgement.LOGON_FAILURE, "anonymous logon without ALLOW_NULL_SESSION")
    await RecordLogon("NTLM", "", "", message.workstation, 0, "anonymous")
    flags &= ~nf.PROTECTION
    granted = nf.granted_by(flags, state.requested) | {ContextFlag.NULL_SESSION}
    established = Established(SERVER, flags, granted, bytes(16), judgement.ANONYMOUS)
    return Step(SecurityStatus.SEC_E_OK, established, granted=granted, established=True)
