"""What MIT's library refused as SSPI says it: one table a situation, with the KRB-ERROR code in the detail; decides nothing."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final, TypeVar

from sspid.packages.gss import REFUSED_PASSWORD, UNREACHABLE, GssError
from sspid.vocabulary.buffers import token
from sspid.vocabulary.errors import FailureDetail, SspiError
from sspid.vocabulary.status import SecurityStatus as Status

if TYPE_CHECKING:
    from sspid.packages.questions import Question

Answer = TypeVar("Answer")

_LAST_KRB_ERROR: Final = 127
"""What the library counts from 128 on are its own troubles and no protocol's (krb5.h)."""


class Doing(Enum):
    """What was asked when it failed: the same code means another thing to another side."""

    OPENING = auto()
    INITIATING = auto()
    ACCEPTING = auto()
    PROTECTING = auto()


_ANY_SIDE: Final[dict[int, Status]] = {
    6: Status.SEC_E_LOGON_DENIED,  # KDC_ERR_C_PRINCIPAL_UNKNOWN
    7: Status.SEC_E_TARGET_UNKNOWN,  # KDC_ERR_S_PRINCIPAL_UNKNOWN
    9: Status.SEC_E_LOGON_DENIED,  # KDC_ERR_NULL_KEY
    12: Status.SEC_E_LOGON_DENIED,  # KDC_ERR_POLICY
    13: Status.SEC_E_DELEGATION_REQUIRED,  # KDC_ERR_BADOPTION: what S4U2Proxy asks and the KDC does not allow
    14: Status.SEC_E_KDC_UNKNOWN_ETYPE,  # KDC_ERR_ETYPE_NOSUPP
    16: Status.SEC_E_UNSUPPORTED_PREAUTH,  # KDC_ERR_PADATA_TYPE_NOSUPP
    18: Status.SEC_E_LOGON_DENIED,  # KDC_ERR_CLIENT_REVOKED
    20: Status.SEC_E_LOGON_DENIED,  # KDC_ERR_TGT_REVOKED
    21: Status.SEC_E_LOGON_DENIED,  # KDC_ERR_CLIENT_NOTYET
    23: Status.SEC_E_LOGON_DENIED,  # KDC_ERR_KEY_EXPIRED
    24: Status.SEC_E_LOGON_DENIED,  # KDC_ERR_PREAUTH_FAILED
    25: Status.SEC_E_LOGON_DENIED,  # KDC_ERR_PREAUTH_REQUIRED, by a way the library has not
    27: Status.SEC_E_NO_TGT_REPLY,  # KDC_ERR_MUST_USE_USER2USER
    29: Status.SEC_E_NO_AUTHENTICATING_AUTHORITY,  # KDC_ERR_SVC_UNAVAILABLE
    31: Status.SEC_E_LOGON_DENIED,  # KRB_AP_ERR_BAD_INTEGRITY: a wrong password, or a key that does not open the ticket
    32: Status.SEC_E_CONTEXT_EXPIRED,  # KRB_AP_ERR_TKT_EXPIRED
    33: Status.SEC_E_TIME_SKEW,  # KRB_AP_ERR_TKT_NYV
    34: Status.SEC_E_LOGON_DENIED,  # KRB_AP_ERR_REPEAT
    35: Status.SEC_E_WRONG_PRINCIPAL,  # KRB_AP_ERR_NOT_US
    37: Status.SEC_E_TIME_SKEW,  # KRB_AP_ERR_SKEW
    39: Status.SEC_E_INVALID_TOKEN,  # KRB_AP_ERR_BADVERSION
    40: Status.SEC_E_INVALID_TOKEN,  # KRB_AP_ERR_MSG_TYPE
    41: Status.SEC_E_WRONG_PRINCIPAL,  # KRB_AP_ERR_MODIFIED
    44: Status.SEC_E_WRONG_PRINCIPAL,  # KRB_AP_ERR_BADKEYVER
    45: Status.SEC_E_WRONG_PRINCIPAL,  # KRB_AP_ERR_NOKEY
    46: Status.SEC_E_WRONG_PRINCIPAL,  # KRB_AP_ERR_MUT_FAIL
    49: Status.SEC_E_OUT_OF_SEQUENCE,  # KRB_AP_ERR_BADSEQ
    60: Status.SEC_E_LOGON_DENIED,  # KRB_ERR_GENERIC: MIT's acceptor says no more, of wrong bindings for one
    61: Status.SEC_E_INVALID_TOKEN,  # KRB_ERR_FIELD_TOOLONG
    68: Status.SEC_E_TARGET_UNKNOWN,  # KDC_ERR_WRONG_REALM
    133: Status.SEC_E_TARGET_UNKNOWN,  # KRB5_PARSE_ILLCHAR
    134: Status.SEC_E_TARGET_UNKNOWN,  # KRB5_PARSE_MALFORMED: a target that is no principal
    138: Status.SEC_E_INVALID_TOKEN,  # KRB5_BADMSGTYPE
    141: Status.SEC_E_NO_CREDENTIALS,  # KRB5_CC_NOTFOUND
    148: Status.SEC_E_TIME_SKEW,  # KRB5_KDCREP_SKEW
    150: Status.SEC_E_KDC_UNKNOWN_ETYPE,  # KRB5_PROG_ETYPE_NOSUPP
    154: Status.SEC_E_NO_AUTHENTICATING_AUTHORITY,  # KRB5_REALM_UNKNOWN: krb5.conf and DNS name no KDC
    156: Status.SEC_E_NO_AUTHENTICATING_AUTHORITY,  # KRB5_KDC_UNREACH
    158: Status.SEC_E_WRONG_PRINCIPAL,  # KRB5_MUTUAL_FAILED
    195: Status.SEC_E_NO_CREDENTIALS,  # KRB5_FCC_NOFILE
    210: Status.SEC_E_LOGON_DENIED,  # KRB5_PREAUTH_FAILED
    216: Status.SEC_E_TARGET_UNKNOWN,  # KRB5_ERR_BAD_HOSTNAME
    217: Status.SEC_E_TARGET_UNKNOWN,  # KRB5_ERR_HOST_REALM_UNKNOWN
    243: Status.SEC_E_TARGET_UNKNOWN,  # KRB5_ERR_NUMERIC_REALM
    224: Status.SEC_E_NO_AUTHENTICATING_AUTHORITY,  # KRB5_CONFIG_NODEFREALM
    UNREACHABLE: Status.SEC_E_NO_AUTHENTICATING_AUTHORITY,
    REFUSED_PASSWORD: Status.SEC_E_INVALID_PARAMETER,
}

_ACCEPTING: Final[dict[int, Status]] = _ANY_SIDE | {
    # The acceptor lacks the key; to the initiator, which is told by a KRB-ERROR, the acceptor is somebody else.
    35: Status.SEC_E_NO_KERB_KEY,
    41: Status.SEC_E_LOGON_DENIED,
    44: Status.SEC_E_NO_KERB_KEY,
    45: Status.SEC_E_NO_KERB_KEY,
    181: Status.SEC_E_NO_KERB_KEY,  # KRB5_KT_NOTFOUND
    230: Status.SEC_E_NO_KERB_KEY,  # KRB5_KT_KVNONOTFOUND
}

_ROUTINE: Final[dict[int, Status]] = {
    1: Status.SEC_E_INVALID_TOKEN,  # GSS_S_BAD_MECH
    2: Status.SEC_E_TARGET_UNKNOWN,  # GSS_S_BAD_NAME
    3: Status.SEC_E_TARGET_UNKNOWN,  # GSS_S_BAD_NAMETYPE
    4: Status.SEC_E_BAD_BINDINGS,  # GSS_S_BAD_BINDINGS
    6: Status.SEC_E_MESSAGE_ALTERED,  # GSS_S_BAD_SIG
    7: Status.SEC_E_NO_CREDENTIALS,  # GSS_S_NO_CRED
    8: Status.SEC_E_INVALID_HANDLE,  # GSS_S_NO_CONTEXT
    9: Status.SEC_E_INVALID_TOKEN,  # GSS_S_DEFECTIVE_TOKEN
    10: Status.SEC_E_NO_CREDENTIALS,  # GSS_S_DEFECTIVE_CREDENTIAL
    11: Status.SEC_E_CONTEXT_EXPIRED,  # GSS_S_CREDENTIALS_EXPIRED
    12: Status.SEC_E_CONTEXT_EXPIRED,  # GSS_S_CONTEXT_EXPIRED
    14: Status.SEC_E_QOP_NOT_SUPPORTED,  # GSS_S_BAD_QOP
    15: Status.SEC_E_LOGON_DENIED,  # GSS_S_UNAUTHORIZED
    16: Status.SEC_E_UNSUPPORTED_FUNCTION,  # GSS_S_UNAVAILABLE
}

_ADVICE: Final[dict[Status, str]] = {
    Status.SEC_E_BAD_BINDINGS: "both ends must bind to the same channel",
    Status.SEC_E_CONTEXT_EXPIRED: "fetch new tickets",
    Status.SEC_E_DELEGATION_REQUIRED: "have the KDC allow this service to delegate to that target",
    Status.SEC_E_INVALID_PARAMETER: "choose another password",
    Status.SEC_E_KDC_UNKNOWN_ETYPE: "give both accounts AES keys",
    Status.SEC_E_MESSAGE_ALTERED: "the message is not what the peer protected",
    Status.SEC_E_NO_AUTHENTICATING_AUTHORITY: "see that krb5.conf or DNS names a KDC that answers",
    Status.SEC_E_NO_CREDENTIALS: "acquire a credential with tickets, keys or a password",
    Status.SEC_E_NO_KERB_KEY: "export the service's present key into the key table",
    Status.SEC_E_NO_TGT_REPLY: "user-to-user is not offered, so name an account that has an SPN and may be a service",
    Status.SEC_E_OUT_OF_SEQUENCE: "a message is missing, repeated or late",
    Status.SEC_E_TARGET_UNKNOWN: "check the target name and that its SPN is registered",
    Status.SEC_E_TIME_SKEW: "set the clocks of both machines and of the KDC",
    Status.SEC_E_WRONG_PRINCIPAL: "the peer does not have the key of the account that owns this SPN",
}


def translated(failure: GssError, doing: Doing, *, error_token: bool = False) -> SspiError:
    """Return the status, sentence and detail of what the library refused; its KRB-ERROR as output where the caller wants it."""
    status = _status(failure, doing)
    advice = _ADVICE.get(status, "")
    message = f"Kerberos: {failure.text}{f'; {advice}' if advice else ''}."
    known = failure.code is not None and 0 < failure.code <= _LAST_KRB_ERROR
    detail = FailureDetail(kerberos_error=failure.code) if known else None
    output = (token(failure.token),) if error_token and failure.token else ()
    return SspiError(status, message, detail=detail, output=output)


async def ask(question: Question[Answer], doing: Doing) -> Answer:
    """Await `question`; what the library refuses leaves as its status."""
    try:
        return await question
    except GssError as failure:
        raise translated(failure, doing) from None


def _status(failure: GssError, doing: Doing) -> Status:
    if doing is Doing.OPENING:
        return Status.SEC_E_UNKNOWN_CREDENTIALS
    by_code = _ACCEPTING if doing is Doing.ACCEPTING else _ANY_SIDE
    if failure.code is not None and failure.code in by_code and doing is not Doing.PROTECTING:
        return by_code[failure.code]
    if failure.major in _ROUTINE:
        return _ROUTINE[failure.major]
    if failure.supplementary:
        return Status.SEC_E_OUT_OF_SEQUENCE
    if doing is Doing.PROTECTING:
        return Status.SEC_E_MESSAGE_ALTERED
    # What is left without a code is ASN.1 that cannot be read: the frame was whole, the message in it is not.
    return Status.SEC_E_LOGON_DENIED if failure.code is not None else Status.SEC_E_INVALID_TOKEN
