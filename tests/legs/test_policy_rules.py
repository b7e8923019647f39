"""Every rule of NTLM's and Kerberos' policy: the refusal, the audit-only logon, and the line each of them leaves."""

from __future__ import annotations

import dataclasses
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sspid.broker.world.accounts.lockout import Lockout
from sspid.broker.world.logons import Logons
from sspid.broker.world.policy import Policies, PolicyError
from sspid.packages.kerberos.policy import RULES as KERBEROS_RULES
from sspid.packages.kerberos.policy import KerberosPolicy
from sspid.packages.ntlm import crypto, messages, package
from sspid.packages.ntlm import negotiate_flags as nf
from sspid.packages.ntlm.policy import HELD_BY_DEFAULT, RULES, NtlmPolicy
from sspid.packages.questions import Account, RecordPolicyBreach
from sspid.packages.rules import Bindings
from sspid.vocabulary.credentials import CredentialCache, Password
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid_testing.ends import End, shake
from sspid_testing.kerberos import MUTUAL, a_world, acceptor, initiator

pytest_plugins = ("sspid_testing.realm_fixtures",)
pytestmark = [pytest.mark.ntlm, pytest.mark.kerberos, pytest.mark.legs]
PAGE = Path(__file__).parents[2] / "docs/policy.md"
SIGNED = frozenset({ContextFlag.INTEGRITY})


class Log:
    """What the audit writes, in the order it is written."""

    def __init__(self, world):
        self.lines = []
        logons: Any = Logons(self, None, Lockout())  # type: ignore[arg-type]  # a breach asks neither log nor accounts for more
        world.answers[RecordPolicyBreach] = lambda question: logons.breach(question, "web")

    def warning(self, event, **values):
        self.lines.append((event, values["package"], values["rule"], values["enforced"]))


def ntlm(policy, client_policy=None, flags=SIGNED, weaken=False, later=0):
    """One logon under the acceptor's `policy`; whether it succeeded, the status it was refused with, and the log."""
    client = End(package(), Password("alice", "", "Passw0rd"), flags=flags, target="HTTP/web")
    server = End(package(), accepts=True)
    client.world.policies["NTLM"], server.world.policies["NTLM"] = client_policy, policy
    server.world.accounts["alice"] = Account("alice", "", crypto.nt_hash("Passw0rd"))
    log = Log(server.world)
    try:
        first = client.step()
        if weaken:
            asked = int.from_bytes(first[12:16], "little") & ~nf.KEY_128
            first = first[:12] + asked.to_bytes(4, "little") + first[16:]
        challenge = server.step(first)
        server.world.now += timedelta(seconds=later)
        if weaken:
            assert messages.message_type(challenge) == 2
            return "SEC_E_OK", log.lines
        server.step(client.step(challenge))
    except SspiError as refusal:
        return refusal.status.name, log.lines
    return "SEC_E_OK", log.lines


V1 = NtlmPolicy(send_v1=True)
NTLM: dict[str, Any] = {
    "ntlm off": (NtlmPolicy(enabled=False), {}, "STATUS_NOT_SUPPORTED"),
    "ntlmv1": (NtlmPolicy(), {"client_policy": V1}, "SEC_E_LOGON_DENIED"),
    "mic": (NtlmPolicy(require_mic=True, accept_v1=True), {"client_policy": V1}, "SEC_E_LOGON_DENIED"),
    "channel bindings": (NtlmPolicy(bindings=Bindings.ALWAYS), {}, "SEC_E_BAD_BINDINGS"),
    "signing": (NtlmPolicy(require_signing=True), {"flags": frozenset()}, "SEC_E_SECURITY_QOS_FAILED"),
    "128 bit": (NtlmPolicy(), {"weaken": True}, "SEC_E_UNSUPPORTED_FUNCTION"),
    "lifetime": (NtlmPolicy(max_lifetime_seconds=60), {"later": 61}, "SEC_E_LOGON_DENIED"),
}


@pytest.mark.parametrize("rule", sorted(NTLM))
def test_ntlm_rule(rule):
    policy, logon, status = NTLM[rule]
    assert ntlm(policy, **logon) == (status, [("policy breach", "NTLM", rule, True)])
    named = dataclasses.replace(policy, audit_rules=frozenset({rule}))
    assert ntlm(named, **logon) == ("SEC_E_OK", [("policy breach", "NTLM", rule, False)])
    all_of_them = dataclasses.replace(policy, audit_only=True)
    if rule in HELD_BY_DEFAULT:
        assert ntlm(all_of_them, **logon) == (status, [("policy breach", "NTLM", rule, True)])
    else:
        assert ntlm(all_of_them, **logon) == ("SEC_E_OK", [("policy breach", "NTLM", rule, False)])


def test_trying_one_rule_lets_nothing_else_in():
    """Who only wants to see which clients send no MIC must not get NTLMv1 for it."""
    for policy in (
        NtlmPolicy(require_mic=True, audit_only=True),
        NtlmPolicy(require_mic=True, audit_rules=frozenset({"mic"})),
    ):
        assert ntlm(policy, client_policy=V1) == ("SEC_E_LOGON_DENIED", [("policy breach", "NTLM", "ntlmv1", True)])


def test_ntlmv1_that_is_only_audited_leaves_a_line_and_is_still_judged():
    policy = NtlmPolicy(audit_rules=frozenset({"ntlmv1"}))
    assert ntlm(policy, client_policy=V1) == ("SEC_E_OK", [("policy breach", "NTLM", "ntlmv1", False)])
    client = End(package(), Password("alice", "", "wrong"), flags=SIGNED, target="HTTP/web")
    server = End(package(), accepts=True)
    client.world.policies["NTLM"], server.world.policies["NTLM"] = V1, policy
    server.world.accounts["alice"] = Account("alice", "", crypto.nt_hash("Passw0rd"))
    with pytest.raises(SspiError) as caught:
        shake(client, server)
    assert caught.value.status.name == "SEC_E_LOGON_DENIED"


def _bindings(realm, world):
    shake(initiator(), acceptor(realm, world=world))


def _signing(realm, world):
    shake(initiator(flags=MUTUAL), acceptor(realm, world=world))


def _delegation(realm, world):
    shake(initiator(flags=MUTUAL | {ContextFlag.DELEGATE}, world=world), acceptor(realm))


def _files(realm, world):
    path = realm.folder / "a-cache"
    path.write_bytes(realm.cache("alice"))
    shake(initiator(CredentialCache(path=str(path)), world=world), acceptor(realm))


KERBEROS = {
    "bindings": (KerberosPolicy(bindings=Bindings.ALWAYS), _bindings, "SEC_E_BAD_BINDINGS"),
    "signing": (KerberosPolicy(require_signing=True), _signing, "SEC_E_SECURITY_QOS_FAILED"),
    "delegation": (KerberosPolicy(delegate=False), _delegation, "SEC_E_DELEGATION_POLICY"),
    "files": (KerberosPolicy(), _files, "SEC_E_UNKNOWN_CREDENTIALS"),
}


@pytest.mark.parametrize("rule", sorted(KERBEROS))
def test_kerberos_rule(realm, rule):
    policy, log_on, status = KERBEROS[rule]

    def outcome(**changes):
        world = a_world(policy=dataclasses.replace(policy, **changes))
        log = Log(world)
        try:
            log_on(realm, world)
        except SspiError as refusal:
            return refusal.status.name, log.lines
        return "SEC_E_OK", log.lines

    enforced, audited = [("policy breach", "Kerberos", rule, True)], [("policy breach", "Kerberos", rule, False)]
    assert outcome() == (status, enforced)
    assert outcome(audit_rules=frozenset({rule})) == ("SEC_E_OK", audited)
    assert outcome(audit_only=True) == ((status, enforced) if rule == "files" else ("SEC_E_OK", audited))


def test_every_rule_has_a_row_and_a_case():
    assert (set(NTLM), set(KERBEROS)) == (RULES, KERBEROS_RULES)
    rows = re.findall(
        r"^\| `([\w ]+)` \| (NTLM|Kerberos) \|.*`test_policy_rules.py::(\w+)` \|$", PAGE.read_text("utf-8"), re.MULTILINE
    )
    assert {(rule, where) for rule, where, _ in rows} == {(each, "NTLM") for each in NTLM} | {
        (each, "Kerberos") for each in KERBEROS
    }
    assert {test for _, _, test in rows} == {test_ntlm_rule.__name__, test_kerberos_rule.__name__}


@pytest.mark.parametrize("folder", ["ntlm", "kerberos"])
def test_a_rule_that_is_none_is_named(folder):
    with pytest.raises(PolicyError, match="audit_rules names mics"):
        Policies({folder: {"audit_rules": ["mics"]}})
    assert Policies({folder: {"audit_rules": ["SIGNING"]}})
