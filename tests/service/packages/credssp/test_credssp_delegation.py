"""Where credentials may go: SPN patterns, the each kind's lists and the two codes that refuse; errorCode in both directions."""

from __future__ import annotations

import pytest

from sspid.broker.world.policy import PolicyError, build
from sspid.packages.credssp import delegation, failures
from sspid.packages.credssp.delegation import Kind
from sspid.packages.credssp.policy import CredSspPolicy
from sspid.packages.questions import Machine
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus
from sspid_testing.world import FixedWorld

pytestmark = pytest.mark.credssp
HOST = "TERMSRV/host.example.test"
JOINED, ALONE = Machine("SERVER", "DOMAIN"), Machine("SERVER")


@pytest.mark.parametrize(
    ("pattern", "target", "fits"),
    [
        ("*", "anything", True),
        ("TERMSRV/*", HOST, True),
        ("termsrv/*", HOST, True),
        ("TERMSRV/host.example.test", HOST.upper(), True),
        ("TERMSRV/*.example.test", HOST, True),
        ("TERMSRV/*.example.test", "TERMSRV/example.test", False),
        ("TERMSRV/*.example.test", "TERMSRV/host.example.test.evil", False),
        ("TERMSRV/*", "WSMAN/host", False),
        ("TERMSRV/host", HOST, False),
        ("ab*ba", "aba", False),
        ("", "", True),
        ("", HOST, False),
    ],
)
def test_patterns(pattern, target, fits):
    assert delegation.matches(pattern, target) is fits


def judged(policy, kind=Kind.FRESH, target=HOST, *, authenticated=True, machine=ALONE):
    """The status, or "allowed"."""
    try:
        FixedWorld(machine=machine).run(delegation.judge(policy, kind, target, authenticated=authenticated))
    except SspiError as failure:
        return failure.status.name
    return "allowed"


@pytest.mark.parametrize(
    ("changes", "kind", "authenticated", "machine", "answer"),
    [
        ({}, Kind.FRESH, True, ALONE, "allowed"),
        ({}, Kind.FRESH, False, ALONE, "allowed"),
        ({}, Kind.SAVED, True, ALONE, "allowed"),
        ({}, Kind.SAVED, False, ALONE, "allowed"),
        ({}, Kind.SAVED, False, JOINED, "SEC_E_POLICY_NLTM_ONLY"),
        ({}, Kind.DEFAULT, True, ALONE, "SEC_E_DELEGATION_POLICY"),
        ({}, Kind.DEFAULT, False, ALONE, "SEC_E_DELEGATION_POLICY"),
        ({"allow_default": frozenset({"*"})}, Kind.DEFAULT, True, ALONE, "allowed"),
        ({"allow_default": frozenset({"*"})}, Kind.DEFAULT, False, ALONE, "SEC_E_POLICY_NLTM_ONLY"),
        ({"allow_default_ntlm_only": frozenset({"*"})}, Kind.DEFAULT, False, ALONE, "allowed"),
        ({"allow_default_ntlm_only": frozenset({"*"})}, Kind.DEFAULT, True, ALONE, "SEC_E_DELEGATION_POLICY"),
        ({"allow_fresh_ntlm_only": frozenset()}, Kind.FRESH, False, ALONE, "SEC_E_POLICY_NLTM_ONLY"),
        ({"allow_fresh": frozenset({"WSMAN/*"})}, Kind.FRESH, True, ALONE, "SEC_E_DELEGATION_POLICY"),
        ({"deny_fresh": frozenset({"*"})}, Kind.FRESH, True, ALONE, "SEC_E_DELEGATION_POLICY"),
        ({"deny_fresh": frozenset({HOST})}, Kind.FRESH, False, ALONE, "SEC_E_DELEGATION_POLICY"),
        ({"deny_saved": frozenset({"*"})}, Kind.SAVED, True, ALONE, "SEC_E_DELEGATION_POLICY"),
        (
            {"deny_default": frozenset({"*"}), "allow_default": frozenset({"*"})},
            Kind.DEFAULT,
            True,
            ALONE,
            "SEC_E_DELEGATION_POLICY",
        ),
        ({"deny_saved": frozenset({"*"})}, Kind.FRESH, True, ALONE, "allowed"),
    ],
)
def test_lists_of_each_kind(changes, kind, authenticated, machine, answer):
    assert judged(CredSspPolicy(**changes), kind, authenticated=authenticated, machine=machine) == answer


@pytest.mark.parametrize(
    "table",
    [
        {"allow_fresh": ["TERMSRV/*.*"]},
        {"minimum_version": 1},
        {"maximum_version": 7},
        {"minimum_version": 6, "maximum_version": 5},
        {"allow_fresh": "TERMSRV/*"},
    ],
)
def test_policy_tables_that_make_no_sense_are_named(table):
    with pytest.raises(PolicyError):
        build("credssp", table)


def test_policy_table():
    made = build("credssp", {"allow_fresh": ["WSMAN/Host"], "minimum_version": 2, "allow_saved_ntlm_only": []})
    assert made == CredSspPolicy(minimum_version=2, allow_fresh=frozenset({"wsman/host"}), allow_saved_ntlm_only=frozenset())


@pytest.mark.parametrize(("version", "carries"), [(2, False), (3, True), (4, True), (5, False), (6, True)])
def test_versions_that_carry_an_error_code(version, carries):
    assert failures.carries_error_code(version) is carries


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (SecurityStatus.SEC_E_LOGON_DENIED, 0xC000006D),
        (SecurityStatus.SEC_E_MESSAGE_ALTERED, 0xC000006D),
        (SecurityStatus.SEC_E_INVALID_TOKEN, 0xC000000D),
        (SecurityStatus.SEC_E_NO_AUTHENTICATING_AUTHORITY, 0xC000005E),
        (SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, 0xC00000BB),
        (SecurityStatus.SEC_E_INTERNAL_ERROR, 0xC00000E5),
        (SecurityStatus.SEC_E_BAD_BINDINGS, 0xC000006D),
    ],
)
def test_status_to_error_code(status, code):
    assert failures.error_code(SspiError(status, "")) == code


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (0xC000006D, "SEC_E_LOGON_DENIED"),
        (0xC000006A, "SEC_E_LOGON_DENIED"),
        (0xC0000071, "SEC_E_LOGON_DENIED"),
        (0xC00000BB, "SEC_E_UNSUPPORTED_FUNCTION"),
        (0xC000005E, "SEC_E_NO_AUTHENTICATING_AUTHORITY"),
        (0xC0000133, "SEC_E_TIME_SKEW"),
        (0x8009030C, "SEC_E_LOGON_DENIED"),
        (0x80090311, "SEC_E_NO_AUTHENTICATING_AUTHORITY"),
        (0x80090318, "SEC_E_LOGON_DENIED"),
        (0x00090312, "SEC_E_LOGON_DENIED"),
        (1, "SEC_E_LOGON_DENIED"),
    ],
)
def test_error_code_to_status(code, status):
    failure = failures.received(code)
    assert failure.status.name == status
    assert failure.detail is not None
    assert failure.detail.ntstatus == code
