"""Negotiate over the wire: NTLM and Kerberos inside it, who logged on, refusals, messages, exports, workers and policy."""

from __future__ import annotations

import time

import pytest

from sspid_client import Client, Role, SspiError, attributes, keytab, password
from sspid_testing import server
from sspid_testing.example_programs import Audit, accounts
from sspid_testing.logons import Ends, Logon, exchange, refusal

pytest_plugins = ("sspid_testing.realm_fixtures",)
pytestmark = [pytest.mark.wire, pytest.mark.negotiate]
CONFIG = '[machine]\ncomputer = "WEB"\n'
ALICE = Logon("Negotiate", password("alice", "DOM", "Passw0rd"))
SETTLED = 0.75
# [MS-NLMP] 2.2.1.1 with Unicode, signing, NTLM, extended session security and 128 bits; no names.
NTLM_NEGOTIATE = b"NTLMSSP\0" + (1).to_bytes(4, "little") + (0x60088215).to_bytes(4, "little") + bytes(16)


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with server.running(tmp_path_factory.mktemp("negotiate"), CONFIG) as running:
        accounts(running, "add", "alice", "--domain", "DOM", "--group", "staff", given="Passw0rd\n")
        accounts(running, "add", "disabled", "--disabled", given="Passw0rd\n")
        yield running


@pytest.fixture
def sspi(service):
    with Client(service.target) as client:
        yield client


def refused(sspi, logon):
    with pytest.raises(SspiError) as caught:
        logon.shake(sspi)
    return caught.value


@pytest.mark.ntlm
def test_ntlm_inside(sspi, service):
    audit = Audit(service)
    ends = ALICE.shake(sspi)
    for end in ends:
        chosen = end.query(attributes.NEGOTIATION_INFO)
        assert (chosen.package_name, chosen.state) == ("NTLM", 0)
    identity = ends.server.identity()
    assert (identity.name, identity.domain, identity.groups) == ("alice", "DOM", ("staff",))
    exchange(ends)
    assert audit.handshakes("Negotiate") == ["SEC_E_OK"]
    assert [each["result"] for each in audit.events("logon")] == ["granted"]


@pytest.mark.ntlm
def test_a_client_without_spnego_is_taken_as_it_is(sspi):
    ends = ALICE.ends(sspi)
    client = ALICE._replace(package="NTLM").ends(sspi).client
    challenge = ends.server.step(client.step().token)
    assert ends.server.step(client.step(challenge.token).token).done
    assert ends.server.identity().name == "alice"


@pytest.mark.ntlm
def test_every_refusal_looks_alike_and_the_audit_knows_better(sspi, service):
    audit = Audit(service)
    attempts = {
        "wrong password": password("alice", "DOM", "wrong"),
        "unknown account": password("mallory", "DOM", "Passw0rd"),
        "account disabled": password("disabled", "", "Passw0rd"),
    }
    failures = [refused(sspi, ALICE._replace(identity=each)) for each in attempts.values()]
    assert {refusal(each) for each in failures} == {refusal(failures[0])}
    assert len({each.token for each in failures}) == 1, "nor does the reject tell them apart"
    assert failures[0].name == "SEC_E_LOGON_DENIED"
    assert [each["reason"] for each in audit.events("logon")] == list(attempts)


@pytest.mark.ntlm
def test_an_exported_context_goes_on_where_it_was(sspi):
    ends = ALICE.shake(sspi)
    exchange(ends)
    roles = (Role.INITIATOR, Role.ACCEPTOR)
    packed = [end.export(delete_old=True) for end in ends]
    moved = Ends(
        *(sspi.import_security_context("Negotiate", each, role=role) for each, role in zip(packed, roles, strict=True))
    )
    exchange(moved)
    assert moved.server.query(attributes.NEGOTIATION_INFO).package_name == "NTLM"


@pytest.mark.ntlm
def test_bindings_of_another_channel_are_bad(sspi):
    ALICE._replace(bindings=(b"one", b"one")).shake(sspi)
    assert refused(sspi, ALICE._replace(bindings=(b"one", b"two"))).name == "SEC_E_BAD_BINDINGS"


@pytest.mark.ntlm
def test_any_worker_takes_any_leg(tmp_path):
    with server.running(tmp_path, CONFIG, arguments=("--workers", "3")) as running:
        accounts(running, "add", "alice", "--domain", "DOM", given="Passw0rd\n")
        time.sleep(SETTLED)
        for _ in range(6):
            with Client(running.target, session=False) as one, Client(running.target) as other:
                ends = ALICE.shake(one)
                ends.client._client = ends.server._client = other
                exchange(ends)
                assert ends.server.identity().name == "alice"


@pytest.mark.ntlm
@pytest.mark.parametrize(
    ("policy", "accepting"),
    [
        ("[policy.ntlm]\nenabled = false", "STATUS_NOT_SUPPORTED"),
        ('[policy.negotiate]\npackages = ["kerberos"]', "SEC_E_INVALID_TOKEN"),
    ],
    ids=["NTLM off", "only Kerberos"],
)
def test_policy_keeps_ntlm_out(tmp_path, policy, accepting):
    with server.running(tmp_path, f"{CONFIG}{policy}\n") as running, Client(running.target) as sspi:
        accounts(running, "add", "alice", "--domain", "DOM", given="Passw0rd\n")
        # Nothing can begin: the status is that of Kerberos, which is preferred and has no target.
        assert refused(sspi, ALICE).name == "SEC_E_TARGET_UNKNOWN"
        with pytest.raises(SspiError) as caught:
            ALICE._replace(secret=None).ends(sspi).server.step(NTLM_NEGOTIATE)
        assert caught.value.name == accepting


@pytest.fixture
def in_the_realm(realm, tmp_path):
    with server.running(tmp_path, CONFIG, env=realm.environment) as running, Client(running.target) as sspi:
        accounts(running, "add", "alice", "--domain", "EXAMPLE.TEST", given="Passw0rd\n")
        yield sspi, running


@pytest.mark.kerberos
@pytest.mark.interop
def test_kerberos_inside_where_the_kdc_knows_the_target_else_ntlm(realm, in_the_realm):
    sspi, _ = in_the_realm
    keys = keytab(realm.keys("HTTP/web.example.test"))
    logon = Logon("Negotiate", password("alice", "EXAMPLE.TEST", "Passw0rd"), keys, "HTTP/web.example.test")
    for target, chosen in (("HTTP/web.example.test", "Kerberos"), ("HTTP/nowhere.example.test", "NTLM")):
        ends = logon._replace(target=target).shake(sspi)
        assert {end.query(attributes.NEGOTIATION_INFO).package_name for end in ends} == {chosen}
        assert (ends.server.identity().name, ends.server.identity().domain) == ("alice", "EXAMPLE.TEST")
        exchange(ends)
