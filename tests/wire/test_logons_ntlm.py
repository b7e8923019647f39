"""NTLM over the wire: accounts of the command line, their refusals, messages, exports, repeats, workers and policy."""

from __future__ import annotations

import time

import grpc
import pytest
from sspid_protos.sspi.v1 import credential_service_pb2, credentials_pb2

from sspid_client import INBOUND, OUTBOUND, Client, Role, SspiError, anonymous, nt_hash, password
from sspid_testing import server
from sspid_testing.example_programs import Audit, accounts
from sspid_testing.logons import Ends, Logon, exchange, refusal
from sspid_testing.wire import ACCEPT, INITIALIZE, Wire, status, token_out, tokens

pytestmark = [pytest.mark.wire, pytest.mark.ntlm]
CONFIG = '[machine]\ncomputer = "WEB"\n[accounts.lockout]\nfailures = 3\n'
SETTLED = 0.75
"""Seconds after which a service has seen what the command line did to an account (accounts.cache_seconds)."""


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with server.running(tmp_path_factory.mktemp("ntlm"), CONFIG) as running:
        accounts(running, "add", "alice", "--domain", "DOM", "--group", "staff", "--group", "web", given="Passw0rd\n")
        accounts(running, "add", "disabled", "--disabled", given="Passw0rd\n")
        accounts(running, "add", "carol", given="Passw0rd\n")
        yield running


@pytest.fixture
def sspi(service):
    with Client(service.target) as client:
        yield client


ALICE = Logon("NTLM", password("alice", "DOM", "Passw0rd"))


def refused(sspi, logon):
    with pytest.raises(SspiError) as caught:
        logon.shake(sspi)
    return caught.value


def test_the_acceptor_knows_who_logged_on(sspi, service):
    audit = Audit(service)
    ends = ALICE.shake(sspi)
    identity = ends.server.identity()
    assert (identity.name, identity.domain, set(identity.groups)) == ("alice", "DOM", {"staff", "web"})
    assert audit.handshakes("NTLM") == ["SEC_E_OK"]
    assert [each["result"] for each in audit.events("logon")] == ["granted"]
    with pytest.raises(SspiError) as initiator:
        ends.client.identity()
    assert initiator.value.name == "SEC_E_NO_IMPERSONATION"


def test_the_nt_hash_does_as_well(sspi):
    known = bytes.fromhex("a87f3a337d73085c45f9416be5787d86")  # of Passw0rd, as Samba's tools print it
    exchange(ALICE._replace(identity=nt_hash("alice", "DOM", known)).shake(sspi))


def test_messages_go_both_ways(sspi):
    ends = ALICE.shake(sspi)
    exchange(ends)
    sealed = ends.client.encrypt(b"sealed")
    with pytest.raises(SspiError) as altered:
        ends.server.decrypt(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    assert altered.value.name == "SEC_E_MESSAGE_ALTERED"
    assert ends.server.decrypt(sealed).data == b"sealed"
    with pytest.raises(SspiError) as replayed:
        ends.server.decrypt(sealed)
    assert replayed.value.name == "SEC_E_OUT_OF_SEQUENCE"


def test_every_refusal_looks_alike_and_the_audit_knows_better(sspi, service):
    audit = Audit(service)
    attempts = {
        "wrong password": password("alice", "DOM", "wrong"),
        "unknown account": password("mallory", "DOM", "Passw0rd"),
        "account disabled": password("disabled", "", "Passw0rd"),
    }
    seen = {refusal(refused(sspi, ALICE._replace(identity=each))) for each in attempts.values()}
    assert len(seen) == 1
    assert seen.pop()[0] == "SEC_E_LOGON_DENIED"
    assert audit.handshakes("NTLM", count=3) == ["SEC_E_LOGON_DENIED"] * 3
    assert [each["reason"] for each in audit.events("logon")] == list(attempts)
    assert refused(sspi, ALICE._replace(identity=anonymous())).name == "SEC_E_LOGON_DENIED"


def test_wrong_passwords_lock_out(sspi, service):
    good = ALICE._replace(identity=password("carol", "", "Passw0rd"))
    good.shake(sspi)
    for _ in range(3):
        refused(sspi, good._replace(identity=password("carol", "", "wrong")))
    until = time.monotonic() + 10
    while "locked out" not in accounts(service, "list"):
        assert time.monotonic() < until
    audit = Audit(service)
    assert refused(sspi, good).name == "SEC_E_LOGON_DENIED"
    assert [each["reason"] for each in audit.events("logon")] == ["account locked out"]
    accounts(service, "unlock", "carol")
    time.sleep(SETTLED)
    good.shake(sspi)


def test_an_exported_context_goes_on_where_it_was(sspi):
    ends = ALICE.shake(sspi)
    exchange(ends)
    packed = [end.export(delete_old=True) for end in ends]
    roles = (Role.INITIATOR, Role.ACCEPTOR)
    moved = Ends(*(sspi.import_security_context("NTLM", each, role=role) for each, role in zip(packed, roles, strict=True)))
    exchange(moved)
    assert moved.server.identity().name == "alice"


def test_bindings_of_another_channel_are_bad(sspi, service):
    audit = Audit(service)
    ALICE._replace(bindings=(b"one", b"one")).shake(sspi)
    assert refused(sspi, ALICE._replace(bindings=(b"one", b"two"))).name == "SEC_E_BAD_BINDINGS"
    assert refused(sspi, ALICE._replace(bindings=(b"", b"two"))).name == "SEC_E_BAD_BINDINGS"
    assert audit.handshakes("NTLM", count=3) == ["SEC_E_OK", "SEC_E_BAD_BINDINGS", "SEC_E_BAD_BINDINGS"]


@pytest.fixture
def wire(service):
    made = Wire(grpc.insecure_channel(service.target))
    yield made
    made.channel.close()


def acquire(wire, use, auth_data=None):
    request = credential_service_pb2.AcquireCredentialsHandleRequest(package_name="NTLM", use=use, auth_data=auth_data)
    return wire.credentials.AcquireCredentialsHandle(request).credential


def test_a_repeated_leg_gets_its_first_answer_again(wire):
    identity = credentials_pb2.PasswordIdentity(user="alice", domain="DOM", password="Passw0rd")
    outbound = acquire(wire, OUTBOUND, credentials_pb2.AuthData(password=identity))
    initialize, accept = wire.contexts.InitializeSecurityContext, wire.contexts.AcceptSecurityContext
    first = INITIALIZE(credential=outbound, request_id="negotiate")
    begun = initialize(first)
    assert initialize(first) == begun
    second = ACCEPT(credential=acquire(wire, INBOUND), input=tokens(token_out(begun)), request_id="challenge")
    challenged = accept(second)
    assert accept(second) == challenged, "the same challenge, not another one"
    third = INITIALIZE(context=begun.context, input=tokens(token_out(challenged)), request_id="authenticate")
    answered = initialize(third)
    assert initialize(third) == answered
    last = ACCEPT(context=challenged.context, input=tokens(token_out(answered)), request_id="judge")
    judged = accept(last)
    assert (status(judged), accept(last)) == ("SEC_E_OK", judged)
    last.request_id = "another"
    assert status(accept(last)) == "SEC_E_INVALID_TOKEN", "a step of its own, and the context has had its last"


def test_a_repeated_refusal_counts_once(wire, service):
    identity = credentials_pb2.PasswordIdentity(user="alice", domain="DOM", password="wrong")
    audit = Audit(service)
    begun = wire.contexts.InitializeSecurityContext(
        INITIALIZE(credential=acquire(wire, OUTBOUND, credentials_pb2.AuthData(password=identity)))
    )
    challenged = wire.contexts.AcceptSecurityContext(ACCEPT(credential=acquire(wire, INBOUND), input=tokens(token_out(begun))))
    answered = wire.contexts.InitializeSecurityContext(INITIALIZE(context=begun.context, input=tokens(token_out(challenged))))
    judge = ACCEPT(context=challenged.context, input=tokens(token_out(answered)), request_id="once")
    replies = [wire.contexts.AcceptSecurityContext(judge) for _ in range(3)]
    assert {status(each) for each in replies} == {"SEC_E_LOGON_DENIED"}
    assert len(audit.events("logon")) == 1


def test_a_leg_on_another_connection_is_unknown(sspi):
    inbound = sspi.acquire_credentials_handle("NTLM", INBOUND)
    client, _ = ALICE.ends(sspi)
    server_end = inbound.accept(connection_id="one")
    token = client.step(server_end.step(client.step().token).token).token
    legs = server_end.legs
    legs.connection_id = "two"
    with pytest.raises(SspiError) as stolen:
        server_end.step(token)
    assert stolen.value.name == "SEC_E_INVALID_HANDLE"
    legs.connection_id = "one"
    assert server_end.step(token).done


def test_any_worker_takes_any_leg(tmp_path):
    with server.running(tmp_path, CONFIG, arguments=("--workers", "3")) as running:
        accounts(running, "add", "alice", "--domain", "DOM", given="Passw0rd\n")
        time.sleep(SETTLED)
        clients = [Client(running.target, session=False) for _ in range(6)]
        workers = set()
        for each in clients:
            ends = ALICE.shake(each)
            workers.add(ends.server.handle[:2])
            # The handles' worker is another than that of some of these connections.
            for other in clients:
                ends.client._client = ends.server._client = other
                exchange(ends)
        wrong = ALICE._replace(identity=password("alice", "DOM", "wrong"))
        for each in clients[:3]:
            refused(each, wrong)
        until = time.monotonic() + 10
        while "locked out" not in accounts(running, "list"):
            assert time.monotonic() < until
        time.sleep(SETTLED)
        assert {refused(each, ALICE).name for each in clients} == {"SEC_E_LOGON_DENIED"}, "what one counted, all know"
        for each in clients:
            each.close()


POLICIES = [
    ("enabled = false", ALICE, "STATUS_NOT_SUPPORTED", "ntlm off"),
    ('bindings = "always"', ALICE, "SEC_E_BAD_BINDINGS", None),
]


@pytest.mark.parametrize(("policy", "logon", "expected", "rule"), POLICIES, ids=[each[0] for each in POLICIES])
@pytest.mark.parametrize("audit_only", [False, True], ids=["enforced", "audit only"])
def test_policy(tmp_path, policy, logon, expected, rule, audit_only):
    more = "audit_only = true\n" if audit_only else ""
    with server.running(tmp_path, f"{CONFIG}[policy.ntlm]\n{policy}\n{more}") as running, Client(running.target) as sspi:
        accounts(running, "add", "alice", "--domain", "DOM", given="Passw0rd\n")
        audit = Audit(running)
        if audit_only:
            logon.shake(sspi)
        else:
            assert refused(sspi, logon).name == expected
        breaches = audit.events("policy breach")
        assert breaches
        assert {each["enforced"] for each in breaches} == {not audit_only}
        assert rule is None or {each["rule"] for each in breaches} == {rule}


def test_a_client_that_does_not_sign_is_refused_by_policy(tmp_path):
    config = f"{CONFIG}[policy.ntlm]\nrequire_signing = true\n"
    with server.running(tmp_path, config) as running, Client(running.target) as sspi:
        audit = Audit(running)
        client, acceptor = ALICE.ends(sspi)
        negotiate = bytearray(client.step().token)
        negotiate[12] &= ~0x30  # SIGN and SEAL of [MS-NLMP] 2.2.2.5
        with pytest.raises(SspiError) as caught:
            acceptor.step(bytes(negotiate))
        assert caught.value.name == "SEC_E_SECURITY_QOS_FAILED"
        assert audit.handshakes("NTLM") == ["SEC_E_SECURITY_QOS_FAILED"]
        assert [each["rule"] for each in audit.events("policy breach")] == ["signing"]


@pytest.mark.parametrize(("accepted", "expected"), [("false", "SEC_E_LOGON_DENIED"), ("true", "SEC_E_OK")])
def test_version_1_only_by_policy(tmp_path, accepted, expected):
    config = f"{CONFIG}[policy.ntlm]\nsend_v1 = true\naccept_v1 = {accepted}\n"
    with server.running(tmp_path, config) as running, Client(running.target) as sspi:
        accounts(running, "add", "alice", "--domain", "DOM", given="Passw0rd\n")
        audit = Audit(running)
        if accepted == "true":
            exchange(ALICE.shake(sspi))
        else:
            assert refused(sspi, ALICE).name == expected
        assert audit.handshakes("NTLM") == [expected]
