"""MIT's codes as SSPI's statuses: each code in each situation, and what the caller is told with it."""

from __future__ import annotations

import pytest

from sspid.packages.gss import UNREACHABLE, GssError
from sspid.packages.kerberos.statuses import Doing, translated
from sspid.vocabulary.buffers import token_in

pytestmark = pytest.mark.kerberos
FAILURE = 13
INITIATING, ACCEPTING, PROTECTING, OPENING = Doing.INITIATING, Doing.ACCEPTING, Doing.PROTECTING, Doing.OPENING


def status(doing, code=None, major=FAILURE, supplementary=0):
    return translated(GssError(major, code, "words", supplementary=supplementary), doing).status.name


@pytest.mark.parametrize(
    ("code", "initiating", "accepting"),
    [
        (6, "SEC_E_LOGON_DENIED", "SEC_E_LOGON_DENIED"),
        (7, "SEC_E_TARGET_UNKNOWN", "SEC_E_TARGET_UNKNOWN"),
        (12, "SEC_E_LOGON_DENIED", "SEC_E_LOGON_DENIED"),
        (13, "SEC_E_DELEGATION_REQUIRED", "SEC_E_DELEGATION_REQUIRED"),
        (14, "SEC_E_KDC_UNKNOWN_ETYPE", "SEC_E_KDC_UNKNOWN_ETYPE"),
        (16, "SEC_E_UNSUPPORTED_PREAUTH", "SEC_E_UNSUPPORTED_PREAUTH"),
        (18, "SEC_E_LOGON_DENIED", "SEC_E_LOGON_DENIED"),
        (23, "SEC_E_LOGON_DENIED", "SEC_E_LOGON_DENIED"),
        (24, "SEC_E_LOGON_DENIED", "SEC_E_LOGON_DENIED"),
        (27, "SEC_E_NO_TGT_REPLY", "SEC_E_NO_TGT_REPLY"),
        (29, "SEC_E_NO_AUTHENTICATING_AUTHORITY", "SEC_E_NO_AUTHENTICATING_AUTHORITY"),
        (31, "SEC_E_LOGON_DENIED", "SEC_E_LOGON_DENIED"),
        (32, "SEC_E_CONTEXT_EXPIRED", "SEC_E_CONTEXT_EXPIRED"),
        (33, "SEC_E_TIME_SKEW", "SEC_E_TIME_SKEW"),
        (34, "SEC_E_LOGON_DENIED", "SEC_E_LOGON_DENIED"),
        (35, "SEC_E_WRONG_PRINCIPAL", "SEC_E_NO_KERB_KEY"),
        (37, "SEC_E_TIME_SKEW", "SEC_E_TIME_SKEW"),
        (39, "SEC_E_INVALID_TOKEN", "SEC_E_INVALID_TOKEN"),
        (41, "SEC_E_WRONG_PRINCIPAL", "SEC_E_LOGON_DENIED"),
        (44, "SEC_E_WRONG_PRINCIPAL", "SEC_E_NO_KERB_KEY"),
        (46, "SEC_E_WRONG_PRINCIPAL", "SEC_E_WRONG_PRINCIPAL"),
        (49, "SEC_E_OUT_OF_SEQUENCE", "SEC_E_OUT_OF_SEQUENCE"),
        (60, "SEC_E_LOGON_DENIED", "SEC_E_LOGON_DENIED"),
        (61, "SEC_E_INVALID_TOKEN", "SEC_E_INVALID_TOKEN"),
        (68, "SEC_E_TARGET_UNKNOWN", "SEC_E_TARGET_UNKNOWN"),
        (99, "SEC_E_LOGON_DENIED", "SEC_E_LOGON_DENIED"),
        (141, "SEC_E_NO_CREDENTIALS", "SEC_E_NO_CREDENTIALS"),
        (154, "SEC_E_NO_AUTHENTICATING_AUTHORITY", "SEC_E_NO_AUTHENTICATING_AUTHORITY"),
        (156, "SEC_E_NO_AUTHENTICATING_AUTHORITY", "SEC_E_NO_AUTHENTICATING_AUTHORITY"),
        (181, "SEC_E_LOGON_DENIED", "SEC_E_NO_KERB_KEY"),
        (UNREACHABLE, "SEC_E_NO_AUTHENTICATING_AUTHORITY", "SEC_E_NO_AUTHENTICATING_AUTHORITY"),
    ],
)
def test_code(code, initiating, accepting):
    assert status(INITIATING, code) == initiating
    assert status(ACCEPTING, code) == accepting
    told = translated(GssError(FAILURE, code, "words"), ACCEPTING)
    assert (None if told.detail is None else told.detail.kerberos_error) == (code if 0 < code < 128 else None)


@pytest.mark.parametrize(
    ("major", "expected"),
    [
        (2, "SEC_E_TARGET_UNKNOWN"), (4, "SEC_E_BAD_BINDINGS"), (6, "SEC_E_MESSAGE_ALTERED"), (7, "SEC_E_NO_CREDENTIALS"),
        (8, "SEC_E_INVALID_HANDLE"), (9, "SEC_E_INVALID_TOKEN"), (11, "SEC_E_CONTEXT_EXPIRED"), (12, "SEC_E_CONTEXT_EXPIRED"),
        (14, "SEC_E_QOP_NOT_SUPPORTED"), (15, "SEC_E_LOGON_DENIED"), (16, "SEC_E_UNSUPPORTED_FUNCTION"),
    ],
)  # fmt: skip
def test_routine_error(major, expected):
    assert status(PROTECTING, None, major) == expected
    assert status(INITIATING, None, major) == expected


@pytest.mark.parametrize("bit", [2, 4, 8, 16])
def test_supplementary_bits_are_about_the_order(bit):
    assert status(PROTECTING, None, 0, bit) == "SEC_E_OUT_OF_SEQUENCE"


def test_what_cannot_be_opened_is_no_credential():
    assert status(OPENING, 7) == "SEC_E_UNKNOWN_CREDENTIALS"
    assert status(OPENING, None, 9) == "SEC_E_UNKNOWN_CREDENTIALS"


def test_what_cannot_be_unwrapped_was_altered():
    assert status(PROTECTING, 31) == "SEC_E_MESSAGE_ALTERED"


def test_a_message_without_a_code_could_not_be_read():
    assert status(ACCEPTING) == "SEC_E_INVALID_TOKEN"


def test_the_sentence_says_what_to_do_and_the_token_goes_where_it_was_asked():
    failure = GssError(FAILURE, 37, "Clock skew too great", token=b"KRB-ERROR")
    told = translated(failure, ACCEPTING, error_token=True)
    assert told.message == "Kerberos: Clock skew too great; set the clocks of both machines and of the KDC."
    assert token_in(told.output) == b"KRB-ERROR"
    assert translated(failure, ACCEPTING).output == ()
    assert "KRB-ERROR" not in repr(told)
