"""Judges AUTHENTICATE against its account ([MS-NLMP] 3.2.5.1.2): over the bytes received, and a refusal takes one time."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn

from sspid.packages.ntlm import crypto
from sspid.packages.ntlm import negotiate_flags as nf
from sspid.packages.questions import JudgeNtlmResponse, LookUpAccount, RecordLogon
from sspid.vocabulary.attributes import Identity
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.ntlm.messages import Authenticate
    from sspid.packages.questions import Account

LOGON_FAILURE: Final = 0xC000006D
_NO_SUCH_USER: Final = 0xC0000064
_WRONG_PASSWORD: Final = 0xC000006A
_DISABLED: Final = 0xC0000072
_EXPIRED: Final = 0xC0000193
_LOCKED_OUT: Final = 0xC0000234
BAD_BINDINGS: Final = 0xC000035B
_NOBODY: Final = bytes(16)
V1_LENGTH: Final = 24
ANONYMOUS: Final = Identity("ANONYMOUS LOGON", "NT AUTHORITY", sids=("S-1-5-7",), mapped_by="anonymous")
_GUEST: Final = Identity("Guest", mapped_by="guest")


class Verdict(NamedTuple):
    """Who it is, and the key of key exchange; None for a guest, whose password nobody knows."""

    identity: Identity
    key_exchange_key: bytes | None


async def judge(message: Authenticate, server_challenge: bytes, flags: int, *, accept_v1: bool, allow_guest: bool) -> Verdict:
    """Find the account and judge the response. SEC_E_LOGON_DENIED in one sentence whatever the reason; the audit learns it."""
    account = await LookUpAccount(message.user, message.domain)
    if account is not None and account.nt_hash is None and not _unusable(account):
        return await _judged_elsewhere(message, server_challenge, flags)
    base_key = _judged_here(account, message, server_challenge, flags, accept_v1=accept_v1)
    if account is None and allow_guest:
        return Verdict(_GUEST, None)
    if account is None or base_key is None:
        await deny(message, _NO_SUCH_USER if account is None else _unusable(account) or _WRONG_PASSWORD)
    return Verdict(_identity(account), _key_exchange_key(message, base_key, server_challenge, flags))


async def deny(message: Authenticate, ntstatus: int, reason: str = "") -> NoReturn:
    """Tell the audit why and the peer nothing: SEC_E_LOGON_DENIED."""
    await RecordLogon("NTLM", message.user, message.domain, message.workstation, ntstatus, reason)
    text = "The logon was refused: user name, password or account is not good; the service's audit log says which."
    raise SspiError(SecurityStatus.SEC_E_LOGON_DENIED, text)


async def _judged_elsewhere(message: Authenticate, server_challenge: bytes, flags: int) -> Verdict:
    question = JudgeNtlmResponse(
        message.user, message.domain, message.workstation, server_challenge, message.nt_response, message.lm_response
    )  # fmt: skip
    try:
        verdict = await question
    except SspiError as refusal:
        if refusal.status is not SecurityStatus.SEC_E_LOGON_DENIED:
            raise
        known = refusal.detail is not None and refusal.detail.ntstatus is not None
        await deny(message, refusal.detail.ntstatus if known else LOGON_FAILURE)  # type: ignore[union-attr,arg-type]  # `known`
    key = _key_exchange_key(message, verdict.session_base_key, server_challenge, flags)
    return Verdict(_identity(verdict.account), key)


def _judged_here(
    account: Account | None, message: Authenticate, server_challenge: bytes, flags: int, *, accept_v1: bool
) -> bytes | None:
    """Return the session base key, None where nothing matches.

    An unknown or unusable account costs what a wrong password costs: all trials are made over a hash that is nobody's.
    """
    usable = account is not None and not _unusable(account)
    nt_owf = account.nt_hash if usable and account is not None and account.nt_hash is not None else _NOBODY
    if len(message.nt_response) == V1_LENGTH:
        key = _match_v1(nt_owf, message, server_challenge, flags)
    else:
        key = _match_v2(nt_owf, message, server_challenge, usable=usable, accept_lm=accept_v1)
    return key if usable else None


def _match_v2(nt_owf: bytes, message: Authenticate, server_challenge: bytes, *, usable: bool, accept_lm: bool) -> bytes | None:
    found = None
    response, lm = message.nt_response, message.lm_response
    # Some clients compute without the domain that they send ([MS-NLMP] 3.2.5.1.2).
    for domain in (message.domain, ""):
        key = crypto.ntlmv2_hash(nt_owf, message.user, domain)
        # Over the client's own bytes: a copy packed anew would refuse clients that leave out trailing zeros.
        expected = crypto.proof(key, server_challenge, response[16:])
        if response and hmac.compare_digest(expected, response[:16]):
            found = found or crypto.session_base_key_v2(key, expected)
        # LMv2 covers no AV pairs, so neither MIC nor bindings: only where policy takes old responses.
        elif accept_lm and len(lm) == V1_LENGTH and hmac.compare_digest(crypto.proof(key, server_challenge, lm[16:]), lm[:16]):
            found = found or crypto.session_base_key_v2(key, lm[:16])
        if found and usable:
            break
    return found


def _match_v1(nt_owf: bytes, message: Authenticate, server_challenge: bytes, flags: int) -> bytes | None:
    challenge = server_challenge
    if flags & nf.EXTENDED_SESSION_SECURITY:
        challenge = crypto.ntlmv1_extended_challenge(server_challenge, message.lm_response[:8])
    expected = crypto.ntlmv1_response(nt_owf, challenge)
    return crypto.session_base_key_v1(nt_owf) if hmac.compare_digest(expected, message.nt_response) else None


def _key_exchange_key(message: Authenticate, base_key: bytes, server_challenge: bytes, flags: int) -> bytes:
    if len(message.nt_response) == V1_LENGTH:
        return crypto.key_exchange_key_v1(flags, base_key, message.lm_response, server_challenge)
    return base_key


def _unusable(account: Account) -> int:
    """Return the NTSTATUS that keeps this account out, 0 where nothing does."""
    if account.disabled:
        return _DISABLED
    if account.locked_out:
        return _LOCKED_OUT
    return _EXPIRED if account.expired else 0


def _identity(account: Account) -> Identity:
    return Identity(account.name, account.domain, account.groups, account.sids, mapped_by="account")
