"""Callers with little room for tokens, in every package: each leg says how much it needs, and nothing is lost on the way."""

from __future__ import annotations

import re

import pytest

from sspid_client import (
    INBOUND,
    OUTBOUND,
    BufferType,
    Client,
    ContextFlag,
    SecurityBuffer,
    SspiError,
    certificate,
    credssp,
    keytab,
    named,
    password,
)
from sspid_testing import realm as mit
from sspid_testing import server
from sspid_testing.example_programs import Audit, accounts
from sspid_testing.logons import SEALED, Ends, Logon, exchange

pytest_plugins = ("sspid_testing.realm_fixtures",)
pytestmark = [pytest.mark.wire, pytest.mark.interop]
BOUNDED = SEALED & ~ContextFlag.ALLOCATE_MEMORY
MUTUAL = BOUNDED | ContextFlag.MUTUAL_AUTH
CONFIG = '[machine]\ncomputer = "WEB"\n[policy.credssp]\nallow_fresh_ntlm_only = ["*"]\n'
NEEDED = re.compile(r"The token is (\d+) bytes")


@pytest.fixture(scope="module")
def service(shared_realm, tmp_path_factory):
    with server.running(tmp_path_factory.mktemp("room"), CONFIG, env=shared_realm.environment) as running:
        accounts(running, "add", "alice", "--domain", mit.NAME, given=f"{mit.PASSWORD}\n")
        accounts(running, "add", "carol", given=f"{mit.PASSWORD}\n")
        yield running


@pytest.fixture
def sspi(service):
    with Client(service.target) as client:
        yield client


@pytest.fixture
def rooms():
    """How much room each leg was found to need."""
    return []


def cramped(end, received, rooms, extra_input=()):
    """One leg: with room for a byte, with a byte too few, and with just enough."""

    def step(room):
        try:
            return end.step(received, output_capacity=room, extra_input=extra_input)
        except SspiError as refused:
            return refused

    made = step(1)
    if not isinstance(made, SspiError):
        assert len(made.token) <= 1
        return made
    told = NEEDED.match(made.message)
    assert told, made.message
    needed = int(told[1])
    again = step(needed - 1)
    assert {made.name, again.name} == {"SEC_E_INSUFFICIENT_MEMORY"}
    assert (made.token, again.token) == (b"", b"")
    rooms.append(needed)
    taken = step(needed)
    assert len(taken.token) == needed
    return taken


def leg(end, received, rooms):
    """All legs that one end can make with what it received."""
    sent = b""
    while True:
        made = cramped(end, received, rooms)
        sent += made.token
        received = made.extra
        if not received or made.done:
            return made, sent


def shake(ends, rooms):
    made, sent = leg(ends.client, b"", rooms)
    done, turn = {ends.client: made.done}, 0
    while sum(done.values()) < 2:
        end = (ends.server, ends.client)[turn % 2]
        assert sent or done.get(end) is not None, "nothing is sent and somebody waits"
        made, sent = leg(end, sent, rooms)
        done[end] = made.done
        turn += 1
    return ends


@pytest.mark.parametrize(
    ("package", "target", "flags", "legs"),
    [
        ("NTLM", "", BOUNDED, 3),
        ("Negotiate", "", BOUNDED, 4),
        ("Negotiate", mit.HTTP, MUTUAL, 2),
        ("Kerberos", mit.HTTP, MUTUAL, 2),
        ("Kerberos", mit.HTTP, BOUNDED, 1),
        ("Kerberos", mit.HTTP, MUTUAL | ContextFlag.USE_DCE_STYLE, 3),
    ],
    ids=["NTLM", "NTLM in Negotiate", "Kerberos in Negotiate", "Kerberos", "Kerberos one way", "Kerberos in DCE style"],
)
def test_logons(sspi, service, realm, rooms, package, target, flags, legs):
    audit = Audit(service)
    secret = keytab(realm.keys(mit.HTTP)) if target else None
    identity = password("alice", mit.NAME, mit.PASSWORD)
    ends = Logon(package, identity, secret, target, flags=flags, accepting=BOUNDED).ends(sspi)
    shake(ends, rooms)
    if ContextFlag.USE_DCE_STYLE not in flags:
        exchange(ends)
    assert len(rooms) == legs
    assert ends.server.identity().name == "alice"
    assert audit.handshakes(package) == ["SEC_E_OK"], "no leg was taken twice and none given up"


def test_a_bare_kerberos_token_is_no_replay_of_itself_in_negotiate(sspi, realm, rooms):
    identity = password("alice", mit.NAME, mit.PASSWORD)
    with (
        sspi.acquire_credentials_handle("Kerberos", OUTBOUND, identity) as outbound,
        sspi.acquire_credentials_handle("Negotiate", INBOUND, keytab(realm.keys(mit.HTTP))) as inbound,
    ):
        ends = Ends(outbound.initialize(mit.HTTP, flags=MUTUAL), inbound.accept(flags=BOUNDED))
        exchange(shake(ends, rooms))
    assert len(rooms) == 2


def test_negotiate_keeps_whole_what_it_might_send_in_fragments(sspi, rooms):
    asked = BOUNDED | ContextFlag.FRAGMENT_TO_FIT
    identity = password("alice", mit.NAME, mit.PASSWORD)
    ends = Logon("Negotiate", identity, flags=asked, accepting=asked).ends(sspi)
    first = cramped(ends.client, b"", rooms)
    answered = cramped(ends.server, first.token, rooms)
    assert ContextFlag.FRAGMENT_TO_FIT not in first.granted | answered.granted


def test_tls(sspi, rooms):
    with (
        sspi.acquire_credentials_handle("Schannel", OUTBOUND, named("demo-client")) as outbound,
        sspi.acquire_credentials_handle("Schannel", INBOUND, named("demo-server")) as inbound,
    ):
        stream = ContextFlag.STREAM | ContextFlag.CONFIDENTIALITY
        ends = shake(Ends(outbound.initialize("localhost", flags=stream), inbound.accept(flags=stream)), rooms)
        assert ends.server.decrypt(ends.client.encrypt(b"sealed")).data == b"sealed"
    assert len(rooms) >= 3


def test_credssp(sspi, service, rooms):
    shown = certificate(service.server_certificate.read_bytes(), service.server_key.read_bytes())
    own = credssp(negotiate=password("alice", mit.NAME, mit.PASSWORD))
    stream = ContextFlag.STREAM | ContextFlag.CONFIDENTIALITY | ContextFlag.MANUAL_CRED_VALIDATION
    with (
        sspi.acquire_credentials_handle("CredSSP", OUTBOUND, own) as outbound,
        sspi.acquire_credentials_handle("CredSSP", INBOUND, credssp(schannel=shown)) as inbound,
    ):
        client = outbound.initialize("TERMSRV/localhost", flags=stream | ContextFlag.DELEGATE)
        ends = shake(Ends(client, inbound.accept(flags=stream)), rooms)
        assert ends.server.identity().name == "alice"
    assert len(rooms) >= 6


def test_digest(sspi, rooms):
    http = ContextFlag.USE_HTTP_STYLE | ContextFlag.EXTENDED_ERROR
    with (
        sspi.acquire_credentials_handle("Digest", OUTBOUND, password("carol", "", mit.PASSWORD)) as outbound,
        sspi.acquire_credentials_handle("Digest", INBOUND) as inbound,
    ):
        client, judge = outbound.initialize("/page", flags=http), inbound.accept(flags=http)
        challenge = cramped(judge, b"", rooms)
        answered = cramped(client, challenge.token, rooms, parameters("GET", ""))
        assert cramped(judge, answered.token, rooms, parameters("GET", "/page", "")).done
        judge.verify_signature(
            [
                SecurityBuffer(BufferType.TOKEN, signed(client)),
                *parameters("GET", "/next", ""),
                SecurityBuffer(BufferType.PADDING),
            ]
        )
        assert len(rooms) == 2
        # A later request is an acceptor's first leg, and its nonce count is good once.
        later = inbound.accept(flags=http)
        assert cramped(later, signed(client), rooms, parameters("GET", "/next", "")).token == b""
        later.complete(parameters("GET", "/next", ""))
        assert later.identity().name == "carol"


def parameters(*texts):
    return [SecurityBuffer(BufferType.PKG_PARAMS, text.encode()) for text in texts]


def signed(client):
    """The Authorization of a later request."""
    given = [SecurityBuffer(BufferType.TOKEN), *parameters("GET", "/next", ""), SecurityBuffer(BufferType.PADDING)]
    return next(each.data for each in client.make_signature(given).buffers if each.type is BufferType.PADDING)
