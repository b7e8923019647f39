"""Answers JudgeNtlmResponse: a domain judges, asked through Samba's `ntlm_auth`; nothing is judged here."""

from __future__ import annotations

import hashlib
import threading
import time
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sspid.broker.world.winbind_groups import Groups
from sspid.broker.world.winbind_helper import Helper, HelperError
from sspid.packages.questions import Account, NtlmVerdict
from sspid.vocabulary.errors import FailureDetail, SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from sspid.packages.questions import JudgeNtlmResponse

LOGON_FAILURE: Final = 0xC000006D
NTSTATUS: Final = {
    "The specified account does not exist.": 0xC0000064,
    "The specified domain did not exist.": 0xC0000064,
    "When trying to update a password, this return status indicates that the value provided as the current password is not "
    "correct.": 0xC000006A,
    "Indicates a referenced user name and authentication information are valid, but some user account restriction has "
    "prevented successful authentication (such as time-of-day restrictions).": 0xC000006E,
    "The user account has time restrictions and cannot be logged onto at this time.": 0xC000006F,
    "The user account is restricted so that it cannot be used to log on from the source workstation.": 0xC0000070,
    "The user account password has expired.": 0xC0000071,
    "The referenced account is currently disabled and cannot be logged on to.": 0xC0000072,
    "The user account has expired.": 0xC0000193,
    "The user password must be changed before logging on the first time.": 0xC0000224,
    "The user account has been automatically locked because too many invalid logon attempts or password change attempts have "
    "been requested.": 0xC0000234,
}
"""What `ntlm_auth` says for which NTSTATUS ([MS-ERREF] 2.3.1): it writes the description and not the number."""
AWAY: Final = frozenset(
    {
        "Reading winbind reply failed!",
        "No logon servers are currently available to service the logon request.",
        "A domain controller for this domain was not found.",
        "{Device Timeout} The specified I/O operation on %hs was not completed before the time-out period expired.",
        "{Access Denied} A process has requested access to an object but has not been granted those access rights.",
        "The workstation does not have a trust secret for the primary domain in the local LSA database.",
        "The SAM database on the Windows Server does not have a computer account for this workstation trust relationship.",
        "The logon request failed because the trust relationship between the primary domain and the trusted domain failed.",
        "The logon request failed because the trust relationship between this workstation and the primary domain failed.",
        "The transport connection is now disconnected.",
        "The network path cannot be located.",
        "The transport-connection attempt was refused by the remote system.",
        "The remote network is not reachable by the transport.",
        "{Operation Failed} The requested operation was unsuccessful.",
        "An internal error occurred.",
        "Indicates the Sam Server was in the wrong state to perform the desired operation.",
    }
)
"""What it says where nobody judged: no winbind, no domain controller, no trust."""
_V1_LENGTH: Final = 24
_LONGEST_RESPONSE: Final = 0xFFFF
_LONGEST_NAME: Final = 256
_AWAY_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class WinbindSettings:
    """`command` starts a helper, `groups` begins the one that tells groups (empty for none).

    `deadline`: seconds one judgement may take. `helpers`: how many judge at once.
    """

    command: tuple[str, ...]
    groups: tuple[str, ...] = ()
    deadline: float = 5.0
    helpers: int = 4
    enabled: bool = True


class Winbind:
    """Keeps helpers running. While the authority is away one call at a time finds that out; the others are refused at once."""

    def __init__(self, settings: WinbindSettings, log: FilteringBoundLogger) -> None:
        self._settings = settings
        self._log = log
        self._groups = Groups(settings.groups, log) if settings.groups else None
        self._free = threading.BoundedSemaphore(settings.helpers)
        self._idle: list[Helper] = []
        self._away_until = 0.0
        self._probing = threading.Lock()

    def judge(self, question: JudgeNtlmResponse, caller: str) -> NtlmVerdict:
        """The verdict. SEC_E_LOGON_DENIED with detail.ntstatus, or SEC_E_NO_AUTHENTICATING_AUTHORITY within the deadline."""
        del caller
        if not self._settings.enabled:
            raise _unreachable("[winbind] is not enabled")
        request = _request(question)
        deadline = time.monotonic() + self._settings.deadline
        reply = self._answered(request, deadline)
        if reply["Authenticated"] == "No":
            raise self._refusal(reply)
        account = Account(question.name, question.domain)
        if self._groups is not None:
            account = self._groups.complete(account, deadline)
        return NtlmVerdict(_session_key(reply), account)

    def _answered(self, request: bytes, deadline: float) -> dict[str, str]:
        if time.monotonic() >= self._away_until:
            return self._asked(request, deadline)
        if not self._probing.acquire(blocking=False):
            raise _unreachable("it did not answer a moment ago")
        try:
            return self._asked(request, deadline)
        finally:
            self._probing.release()

    def _asked(self, request: bytes, deadline: float) -> dict[str, str]:
        if not self._free.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise _unreachable("all its helpers are busy")
        try:
            reply = self._ask_helper(request, deadline)
        except HelperError as error:
            self._away(str(error))
            raise _unreachable(str(error)) from None
        finally:
            self._free.release()
        if reply.get("Authentication-Error", "") in AWAY:
            self._away(reply["Authentication-Error"])
            raise _unreachable(reply["Authentication-Error"].rstrip(".!"))
        self._away_until = 0.0
        return reply

    def _ask_helper(self, request: bytes, deadline: float) -> dict[str, str]:
        """Ask an idle helper, or a new one. Only one that gave a whole, well-formed answer is asked again."""
        try:
            helper = self._idle.pop()
        except IndexError:
            helper = Helper(self._settings.command)
        if not helper.ready():
            helper.kill()
            helper = Helper(self._settings.command)
        try:
            reply = helper.ask(request, deadline)
        except HelperError:
            helper.kill()
            raise
        if reply.get("Authenticated") not in {"Yes", "No"} or "Error" in reply:
            # What it says next may answer this request or another one.
            helper.kill()
            raise HelperError("its helper does not understand what it is asked")
        self._idle.append(helper)
        return reply

    def _away(self, reason: str) -> None:
        self._away_until = time.monotonic() + _AWAY_SECONDS
        self._log.error("winbind", reason=reason)

    def _refusal(self, reply: dict[str, str]) -> SspiError:
        said = reply.get("Authentication-Error", "")
        ntstatus = NTSTATUS.get(said, LOGON_FAILURE)
        self._log.debug("winbind", refused=said[:_LONGEST_NAME])
        detail = FailureDetail(ntstatus=ntstatus)
        return SspiError(SecurityStatus.SEC_E_LOGON_DENIED, "The domain refused the logon.", detail=detail)

    def close(self) -> None:
        """End the helpers."""
        while self._idle:
            self._idle.pop().kill()


def _request(question: JudgeNtlmResponse) -> bytes:
    """The question in `ntlm-server-1`: texts in base64, so that no name can add a line of its own. It takes no workstation."""
    nt, lm = question.nt_response, question.lm_response
    challenge = question.server_challenge
    malformed = not question.name or max(len(question.name), len(question.domain)) > _LONGEST_NAME
    if malformed or len(challenge) != 8 or not _V1_LENGTH <= len(nt) <= _LONGEST_RESPONSE:
        detail = FailureDetail(ntstatus=LOGON_FAILURE)
        raise SspiError(SecurityStatus.SEC_E_LOGON_DENIED, "No domain knows such a name or response.", detail=detail)
    if len(nt) == _V1_LENGTH and len(lm) == _V1_LENGTH and lm[8:] == bytes(16):
        # NTLMv1 with extended session security: what was answered is a hash of both challenges ([MS-NLMP] 3.3.1).
        challenge = hashlib.md5(challenge + lm[:8], usedforsecurity=False).digest()[:8]
        lm = b""
    lines = [
        b"Username:: " + _text(question.name),
        b"NT-Domain:: " + _text(question.domain),
        b"LANMAN-Challenge: " + challenge.hex().encode(),
        b"NT-Response: " + nt.hex().encode(),
        b"Request-User-Session-Key: Yes",
    ]
    if len(lm) == _V1_LENGTH and any(lm):
        lines.append(b"LANMAN-Response: " + lm.hex().encode())
    return b"\n".join([line for line in lines if not line.endswith(b":: ")] + [b".", b""])


def _text(text: str) -> bytes:
    return b64encode(text.encode("utf-8", "replace").replace(b"\0", b"?"))


def _session_key(reply: dict[str, str]) -> bytes:
    try:
        key = bytes.fromhex(reply.get("User-Session-Key", ""))
    except ValueError:
        key = b""
    if len(key) != 16:
        raise _unreachable("it gives no session key; [winbind] path must be a helper that may ask for one")
    return key


def _unreachable(reason: str) -> SspiError:
    message = f"The domain's authority cannot judge this logon: {reason}. Try again when winbind reaches a domain controller."
    return SspiError(SecurityStatus.SEC_E_NO_AUTHENTICATING_AUTHORITY, message)
