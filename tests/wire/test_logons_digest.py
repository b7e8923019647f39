"""Digest over the wire: HTTP and SASL logons, later requests, stale nonces, replays, workers and policy."""

from __future__ import annotations

import asyncio
import re
import time

import pytest

from sspid_client import (
    DEFAULT_FLAGS,
    INBOUND,
    OUTBOUND,
    BufferType,
    Client,
    ContextFlag,
    SecurityBuffer,
    SecurityStatus,
    SspiError,
    aio,
    password,
)
from sspid_testing import server
from sspid_testing.example_programs import Audit, accounts
from sspid_testing.logons import refusal

pytestmark = [pytest.mark.wire, pytest.mark.digest]
HTTP = DEFAULT_FLAGS | ContextFlag.USE_HTTP_STYLE
SEALED = DEFAULT_FLAGS | ContextFlag.CONFIDENTIALITY
CONFIG = "[accounts.lockout]\nfailures = 3\n"
SETTLED = 0.75
OK, COMPLETE = SecurityStatus.SEC_E_OK, SecurityStatus.SEC_I_COMPLETE_NEEDED


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with server.running(tmp_path_factory.mktemp("digest"), CONFIG) as running:
        accounts(running, "add", "alice", "--group", "staff", given="Passw0rd\n")
        accounts(running, "add", "disabled", "--disabled", given="Passw0rd\n")
        accounts(running, "add", "carol", given="Passw0rd\n")
        yield running


@pytest.fixture
def sspi(service):
    with Client(service.target) as client:
        yield client


def parameters(*texts):
    return [SecurityBuffer(BufferType.PKG_PARAMS, text.encode()) for text in texts]


def initiator(sspi, user="alice", secret="Passw0rd", uri="/page", flags=HTTP):
    credential = sspi.acquire_credentials_handle("Digest", OUTBOUND, password(user, "", secret))
    return credential.initialize(uri, flags=flags)


def acceptor(sspi, flags=HTTP):
    return sspi.acquire_credentials_handle("Digest", INBOUND).accept(flags=flags)


def log_on(sspi, *identity):
    """Both contexts after a GET of /page."""
    client, judge = initiator(sspi, *identity), acceptor(sspi)
    answered = client.step(judge.step().token, extra_input=parameters("GET", ""))
    assert answered.status is OK
    assert judge.step(answered.token, extra_input=parameters("GET", "/page", "")).status is OK
    return client, judge


def refused(sspi, *identity):
    with pytest.raises(SspiError) as caught:
        log_on(sspi, *identity)
    return caught.value


def signed(client, method="GET", uri="/next"):
    """The Authorization of a later request."""
    made = client.make_signature(
        [SecurityBuffer(BufferType.TOKEN), *parameters(method, uri, ""), SecurityBuffer(BufferType.PADDING)]
    )
    return next(each.data for each in made.buffers if each.type is BufferType.PADDING)


def check(judge, header, method="GET", uri="/next"):
    judge.verify_signature(
        [SecurityBuffer(BufferType.TOKEN, header), *parameters(method, uri, ""), SecurityBuffer(BufferType.PADDING)]
    )


def test_the_acceptor_knows_who_logged_on(sspi, service):
    audit = Audit(service)
    _, judge = log_on(sspi)
    identity = judge.identity()
    assert (identity.name, identity.groups) == ("alice", ("staff",))
    assert audit.handshakes("Digest") == ["SEC_E_OK"]


def test_every_refusal_looks_alike_and_the_audit_knows_better(sspi, service):
    audit = Audit(service)
    attempts = {
        "wrong password": ("alice", "wrong"),
        "unknown account": ("mallory", "Passw0rd"),
    }
    failures = [refused(sspi, *each) for each in attempts.values()]
    assert {refusal(each) for each in failures} == {refusal(failures[0])}
    assert failures[0].name == "SEC_E_LOGON_DENIED"
    assert [each["reason"] for each in audit.events("logon")] == list(attempts)
    assert refused(sspi, "disabled", "wrong").message == failures[0].message
    assert refused(sspi, "disabled", "Passw0rd").name == "SEC_E_LOGON_DENIED"
    assert audit.events("logon")[-1]["reason"] == "account disabled"


def test_wrong_passwords_lock_out(sspi, service):
    log_on(sspi, "carol")
    for _ in range(3):
        refused(sspi, "carol", "wrong")
    until = time.monotonic() + 10
    while "locked out" not in accounts(service, "list"):
        assert time.monotonic() < until
    audit = Audit(service)
    assert refused(sspi, "carol").name == "SEC_E_LOGON_DENIED"
    assert [each["reason"] for each in audit.events("logon")] == ["account locked out"]


def test_later_requests_are_signed_and_replays_found(sspi):
    client, judge = log_on(sspi)
    for uri in ("/one", "/two"):
        check(judge, signed(client, uri=uri), uri=uri)
    header = signed(client)
    with pytest.raises(SspiError) as altered:
        check(judge, header, method="POST")
    assert altered.value.name == "SEC_E_MESSAGE_ALTERED"
    check(judge, header)
    with pytest.raises(SspiError) as replayed:
        check(judge, header)
    assert replayed.value.name == "SEC_E_OUT_OF_SEQUENCE"


def test_a_response_without_its_context_is_judged_and_counted(sspi):
    client, challenger = initiator(sspi), acceptor(sspi)
    header = client.step(challenger.step().token, extra_input=parameters("GET", "")).token
    challenger.delete()
    request = parameters("GET", "/page", "")
    judge = acceptor(sspi)
    assert judge.step(header, extra_input=request).status is COMPLETE
    judged = judge.complete(request)
    assert (judged.status, judged.output, judged.token) == (OK, (), b"")
    assert judge.identity().name == "alice"
    judge.delete()
    again = acceptor(sspi)
    assert again.step(header, extra_input=request).status is COMPLETE
    with pytest.raises(SspiError) as replayed:
        again.complete(request)
    assert replayed.value.name == "SEC_E_OUT_OF_SEQUENCE"


def test_asyncio_is_told_what_completing_came_to(service):
    async def proved():
        async with aio.Client(service.target) as sspi:
            flags = HTTP | ContextFlag.MUTUAL_AUTH
            outbound = await sspi.acquire_credentials_handle("Digest", OUTBOUND, password("alice", "", "Passw0rd"))
            inbound = await sspi.acquire_credentials_handle("Digest", INBOUND)
            challenge = (await inbound.accept(flags=flags).step()).token
            header = await outbound.initialize("/page", flags=flags).step(challenge, extra_input=parameters("GET", ""))
            judge, request = inbound.accept(flags=flags), parameters("GET", "/page", "")
            await judge.step(header.token, extra_input=request)
            return [await judge.complete(request) for _ in range(2)]

    judged, finished = asyncio.run(proved())
    assert (judged.status, judged.token) == (COMPLETE, b"")
    assert finished.status is OK
    assert b"rspauth=" in finished.token


def test_two_later_requests_at_once_are_each_judged_and_each_proved(sspi, service):
    """Both are accepted before either is completed, and completed before either is proved."""
    audit, flags = Audit(service), HTTP | ContextFlag.MUTUAL_AUTH
    client, first = initiator(sspi, flags=flags), acceptor(sspi, flags)
    header = client.step(first.step().token, extra_input=parameters("GET", "")).token
    assert first.step(header, extra_input=parameters("GET", "/page", "")).status is COMPLETE
    client.step(first.complete(parameters("GET", "/page", "")).token, extra_input=parameters("GET", ""))
    asked = [("GET", "/one", ""), ("POST", "/two", "")]
    headers = [signed(client, *each[:2]) for each in asked]
    judges = [acceptor(sspi, flags) for _ in asked]
    for judge, each, header in zip(judges, asked, headers, strict=True):
        assert judge.step(header, extra_input=parameters(*each)).status is COMPLETE
    judged = [judge.complete(parameters(*each)) for judge, each in zip(judges, asked, strict=True)]
    assert [(each.status, each.output) for each in judged] == [(COMPLETE, ())] * 2
    proofs = [judge.complete(parameters(*each)) for judge, each in zip(judges, asked, strict=True)]
    assert [each.status for each in proofs] == [OK] * 2
    infos = [each.token for each in proofs]
    assert [re.findall(rb"nc=(\d+)", each) for each in infos] == [[b"00000002"], [b"00000003"]]
    check(client, infos[1], "POST", "/two")
    assert [judge.identity().name for judge in judges] == ["alice"] * 2
    for judge in (first, *judges):
        judge.delete()
    assert audit.handshakes("Digest") == ["SEC_E_OK"], "one logon, whatever followed it"
    assert len(audit.events("logon")) == 1


def test_a_challenge_answered_elsewhere_leaves_one_line_for_the_logon(sspi, service):
    audit = Audit(service)
    client, challenger, judge = initiator(sspi), acceptor(sspi), acceptor(sspi)
    header = client.step(challenger.step().token, extra_input=parameters("GET", "")).token
    challenger.delete()
    request = parameters("GET", "/page", "")
    judge.step(header, extra_input=request)
    judge.complete(request)
    judge.delete()
    assert audit.handshakes("Digest") == ["SEC_E_OK"]
    assert [each["result"] for each in audit.events("logon")] == ["granted"]
    given_up = acceptor(sspi)
    given_up.step(signed(client, uri="/page"), extra_input=request)
    given_up.delete()
    assert audit.handshakes("Digest", count=2) == ["SEC_E_OK", "SEC_E_UNFINISHED_CONTEXT_DELETED"]


def test_the_server_proves_itself(sspi):
    flags = HTTP | ContextFlag.MUTUAL_AUTH
    client, judge = initiator(sspi, flags=flags), acceptor(sspi, flags)
    header = client.step(judge.step().token, extra_input=parameters("GET", ""))
    assert header.status is SecurityStatus.SEC_I_CONTINUE_NEEDED
    assert judge.step(header.token, extra_input=parameters("GET", "/page", "")).status is COMPLETE
    info = judge.complete(parameters("GET", "/page", "")).token
    with pytest.raises(SspiError) as forged:
        client.step(re.sub(rb'rspauth="[0-9a-f]+"', b'rspauth="%s"' % (b"0" * 64), info), extra_input=parameters("GET", ""))
    assert forged.value.name == "SEC_E_MESSAGE_ALTERED"


def test_an_old_nonce_is_stale(tmp_path):
    config = "[policy.digest]\nnonce_lifetime = 1\n"
    with server.running(tmp_path, config) as running, Client(running.target) as sspi:
        accounts(running, "add", "alice", given="Passw0rd\n")
        client, judge = initiator(sspi), acceptor(sspi)
        challenge = judge.step().token
        time.sleep(1.5)
        late = client.step(challenge, extra_input=parameters("GET", ""))
        elsewhere = acceptor(sspi)
        assert elsewhere.step(late.token, extra_input=parameters("GET", "/page", "")).status is COMPLETE
        asked_again = elsewhere.complete(parameters("GET", "/page", ""))
        assert asked_again.status is SecurityStatus.SEC_I_CONTINUE_NEEDED
        assert b"stale=true" in asked_again.token
        again = judge.step(late.token, extra_input=parameters("GET", "/page", ""))
        assert again.status is SecurityStatus.SEC_I_CONTINUE_NEEDED
        assert b"stale=true" in again.token
        answered = client.step(again.token, extra_input=parameters("GET", ""))
        assert judge.step(answered.token, extra_input=parameters("GET", "/page", "")).status is OK


def test_sasl_messages_go_both_ways_and_digest_exports_nothing(sspi):
    client, judge = initiator(sspi, uri="imap/localhost", flags=SEALED), acceptor(sspi, SEALED)
    response = client.step(judge.step().token)
    proof = judge.step(response.token)
    assert client.step(proof.token).done
    for sender, receiver in ((client, judge), (judge, client)):
        assert receiver.decrypt(sender.encrypt(b"sealed")).data == b"sealed"
    with pytest.raises(SspiError) as kept:
        judge.export()
    assert kept.value.name == "SEC_E_UNSUPPORTED_FUNCTION"
    assert "Digest package does not export contexts" in kept.value.message
    assert judge.decrypt(client.encrypt(b"more")).data == b"more"
    assert judge.identity().name == "alice"


def test_any_worker_judges_and_all_know_the_count(tmp_path):
    with server.running(tmp_path, arguments=("--workers", "3")) as running:
        accounts(running, "add", "alice", given="Passw0rd\n")
        time.sleep(SETTLED)
        with Client(running.target) as sspi:
            client, challenger = initiator(sspi), acceptor(sspi)
            headers = [client.step(challenger.step().token, extra_input=parameters("GET", "")).token]
            challenger.delete()
            headers += [signed(client, uri="/page") for _ in range(5)]
        results = []
        for header in (*headers, *headers):
            with Client(running.target, session=False) as another:
                judge, request = acceptor(another), parameters("GET", "/page", "")
                judge.step(header, extra_input=request)
                try:
                    judge.complete(request)
                    results.append("SEC_E_OK")
                except SspiError as failure:
                    results.append(failure.name)
                judge.delete()
        assert results == ["SEC_E_OK"] * 6 + ["SEC_E_OUT_OF_SEQUENCE"] * 6


def test_policy_says_what_is_offered(tmp_path):
    with server.running(tmp_path, '[policy.digest]\nalgorithms = ["SHA-256"]\nrealm = "sspid"\n') as running:
        accounts(running, "add", "alice", given="Passw0rd\n")
        with Client(running.target) as sspi:
            client, judge = initiator(sspi), acceptor(sspi)
            challenge = judge.step()
            assert [b"algorithm=SHA-256" in each.data for each in challenge.output if each.data] == [True]
            header = client.step(challenge.token, extra_input=parameters("GET", "")).token
            with pytest.raises(SspiError) as other:
                acceptor(sspi).step(header.replace(b"SHA-256", b"MD5"), extra_input=parameters("GET", "/page", ""))
            assert other.value.name == "SEC_E_INVALID_TOKEN"
            assert judge.step(header, extra_input=parameters("GET", "/page", "")).status is OK
