import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sspid.packages import questions
from sspid.packages.schannel.policy import SchannelPolicy
from sspid.vocabulary.attributes import ContextAttribute, KeyingMaterialInfo
from sspid.vocabulary.buffers import BufferType, find, token_in
from sspid.vocabulary.credentials import CredentialUse
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import tls

pytestmark = [pytest.mark.schannel, pytest.mark.legs]

both = pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
suites = pytest.mark.parametrize(
    ("version", "suite"),
    [
        ("TLSv1.3", "TLS_AES_128_GCM_SHA256"),
        ("TLSv1.3", "TLS_AES_256_GCM_SHA384"),
        ("TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256"),
        ("TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256"),
        ("TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384"),
        ("TLSv1.2", "ECDHE-ECDSA-CHACHA20-POLY1305"),
        ("TLSv1.2", "ECDHE-ECDSA-AES256-CCM"),
        ("TLSv1.2", "ECDHE-ECDSA-AES256-SHA384"),
    ],
)
_CIPHERS = {"cipher_list", "cipher_suites"}
REUSE = frozenset({ContextFlag.REUSE_SESSION_TICKETS})


def connected(version, *, client=None, server=None, **changes):
    client = client or tls.client(protocols=(version,), **changes)
    server = server or tls.server(protocols=(version,), **{name: changes[name] for name in _CIPHERS & changes.keys()})
    tls.shake(client, server)
    return client, server


def exchange(client, server):
    """A message each way; tickets that still wait are served first."""
    tls.serve_tickets(client)
    assert server.open(client.seal(b"question")).buffers[0].data == b"question"
    assert client.open(server.seal(b"answer")).buffers[0].data == b"answer"


def serve(end, data):
    """DecryptMessage meets a handshake message and the next leg serves it; the token to send and what was met."""
    answer = end.open(data)
    assert answer.status is SecurityStatus.SEC_I_RENEGOTIATE
    left = find(answer.buffers, BufferType.EXTRA).size
    step = end.leg(data[len(data) - left :])
    return answer.detail.state, step


def pick(version, suite):
    return {"cipher_suites": suite} if version == "TLSv1.3" else {"cipher_list": suite}


@suites
def test_every_suite_carries_messages(version, suite):
    client, server = connected(version, **pick(version, suite))
    for size in (1, 255, 16384, 40000):
        exchange(client, server)
        text = b"x" * size
        assert server.open(client.seal(text)).buffers[0].data == text


@suites
def test_an_exported_context_goes_on_mid_stream(version, suite):
    client, server = connected(version, **pick(version, suite))
    exchange(client, server)
    for end in (client, server):
        if "CCM" in suite or suite.endswith("AES256-SHA384"):
            with pytest.raises(SspiError) as caught:
                end.world.run(end.package.export_security_context(end.state))
            assert caught.value.status is SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION
            continue
        facts = [end.query(kind) for kind in (ContextAttribute.CIPHER_INFO, ContextAttribute.ENDPOINT_BINDINGS)]
        packed = end.world.run(end.package.export_security_context(end.state))
        end.state = end.world.run(end.package.import_security_context(packed))
        assert facts == [end.query(kind) for kind in (ContextAttribute.CIPHER_INFO, ContextAttribute.ENDPOINT_BINDINGS)]
    for _ in range(3):
        exchange(client, server)
    client.control(1)
    assert server.open(token_in(client.leg(b"").output)).status is SecurityStatus.SEC_I_CONTEXT_EXPIRED


@both
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_packed_context_that_was_changed_never_breaks_anything(version, data):
    client, _ = connected(version)
    packed = bytearray(client.world.run(client.package.export_security_context(client.state)))
    at = data.draw(st.integers(0, 400)) % len(packed)
    packed[at] ^= data.draw(st.integers(1, 255))
    cut = bytes(packed[: data.draw(st.integers(0, 4000))])
    refusal = None
    try:
        client.world.run(client.package.import_security_context(cut))
    except SspiError as error:
        refusal = error.status
    assert refusal in (None, SecurityStatus.SEC_E_INVALID_TOKEN)


def test_tickets_are_met_as_new_session_tickets_and_cost_the_caller_nothing():
    client, _server = connected("TLSv1.3")
    kind, step = serve(client, client.waiting)
    assert kind == "NewSessionTicket"
    assert step.status is SecurityStatus.SEC_E_OK
    assert token_in(step.output) == b""


@both
def test_messages_wait_until_the_renegotiation_is_served(version):
    client, server = connected(version)
    met = client.open(client.waiting) if version == "TLSv1.3" else client.open(token_in(server.leg(b"").output))
    assert met.status is SecurityStatus.SEC_I_RENEGOTIATE
    for call in (lambda: client.seal(b"x"), lambda: client.open(server.seal(b"x"))):
        with pytest.raises(SspiError) as caught:
            call()
        assert caught.value.status is SecurityStatus.SEC_E_CONTEXT_EXPIRED


def test_a_ticket_may_be_served_with_empty_input_and_fed_again():
    client, _server = connected("TLSv1.3")
    assert client.open(client.waiting).status is SecurityStatus.SEC_I_RENEGOTIATE
    assert client.leg(b"").status is SecurityStatus.SEC_E_OK
    again = client.open(client.waiting)
    assert again.status is SecurityStatus.SEC_I_RENEGOTIATE
    assert again.buffers[-1].size < len(client.waiting)


@pytest.mark.parametrize("imported", [False, True])
def test_key_updates_both_ways(imported):
    client, server = connected("TLSv1.3")
    exchange(client, server)
    if imported:
        for end in (client, server):
            packed = end.world.run(end.package.export_security_context(end.state))
            end.state = end.world.run(end.package.import_security_context(packed))
    for one, other in ((client, server), (server, client), (client, server)):
        update = token_in(one.leg(b"").output)
        kind, step = serve(other, update)
        assert kind == "KeyUpdate"
        kind, back = serve(one, token_in(step.output))
        assert kind == "KeyUpdate"
        assert token_in(back.output) == b""
        exchange(client, server)


def test_a_live_context_follows_key_updates_too():
    client = tls.client(None, tls.issued("alice@example.test"), protocols=("TLSv1.3",))
    client, server = connected("TLSv1.3", client=client)
    tls.serve_tickets(client)
    assert client.state.live is not None
    _, step = serve(client, token_in(server.leg(b"").output))
    serve(server, token_in(step.output))
    exchange(client, server)
    packed = client.world.run(client.package.export_security_context(client.state))
    client.state = client.world.run(client.package.import_security_context(packed))
    exchange(client, server)


@both
def test_either_side_authenticates_again(version):
    client, server = connected(version)
    tls.serve_tickets(client)
    if version == "TLSv1.2":
        renegotiate_from_server(client, server)
        exchange(client, server)
        renegotiate_from_client(client, server)
    exchange(client, server)


def renegotiate_from_server(client, server, flags=None):
    step = server.leg(b"", flags=flags)
    assert step.status is SecurityStatus.SEC_I_CONTINUE_NEEDED
    kind, step = serve(client, token_in(step.output))
    assert kind == "HelloRequest"
    assert step.status is SecurityStatus.SEC_I_CONTINUE_NEEDED
    kind, step = serve(server, token_in(step.output))
    assert kind == "ClientHello"
    finish(client, server, step, flags)


def renegotiate_from_client(client, server):
    step = client.leg(b"")
    assert step.status is SecurityStatus.SEC_I_CONTINUE_NEEDED
    kind, step = serve(server, token_in(step.output))
    assert kind == "ClientHello"
    _, step = serve(client, token_in(step.output))
    step = server.leg(token_in(step.output))
    assert step.status is SecurityStatus.SEC_E_OK
    assert client.leg(token_in(step.output)).status is SecurityStatus.SEC_E_OK


def finish(client, server, step, flags=None):
    ends = (client, server)
    for turn in range(6):
        if not token_in(step.output):
            break
        step = ends[turn % 2].leg(token_in(step.output), flags=flags if turn % 2 else None)
    assert client.statuses[-1] == server.statuses[-1] == "SEC_E_OK"


def test_a_server_asks_for_the_certificate_in_a_renegotiation():
    client = tls.client(None, tls.issued("alice@example.test"), protocols=("TLSv1.2",))
    client, server = connected("TLSv1.2", client=client)
    renegotiate_from_server(client, server, flags=tls.REQUESTED)
    assert ContextFlag.MUTUAL_AUTH in server.steps[-1].granted
    assert server.query(ContextAttribute.REMOTE_CERT_CONTEXT).der == client.query(ContextAttribute.LOCAL_CERT_CONTEXT).der
    exchange(client, server)


def test_a_server_asks_for_the_certificate_after_a_tls13_handshake():
    client = tls.client(None, tls.issued("alice@example.test"), protocols=("TLSv1.3",))
    client, server = connected("TLSv1.3", client=client)
    tls.serve_tickets(client)
    asked = server.leg(b"", flags=tls.REQUESTED)
    kind, step = serve(client, token_in(asked.output))
    assert kind == "CertificateRequest"
    flight = token_in(step.output)
    answer = server.open(flight)
    assert answer.status is SecurityStatus.SEC_I_RENEGOTIATE
    assert answer.detail.state == "Certificate"
    while flight:
        step = server.leg(flight, flags=tls.REQUESTED)
        left = tls.left_over(step)
        flight = flight[len(flight) - left :] if left else b""
    assert step.status is SecurityStatus.SEC_E_OK
    assert ContextFlag.MUTUAL_AUTH in server.steps[-1].granted
    assert server.query(ContextAttribute.REMOTE_CERT_CONTEXT).der == client.query(ContextAttribute.LOCAL_CERT_CONTEXT).der
    client.waiting = token_in(step.output)
    exchange(client, server)


def test_a_client_that_offers_nothing_after_the_handshake_cannot_be_asked():
    _client, server = connected("TLSv1.3")
    with pytest.raises(SspiError) as caught:
        server.leg(b"", flags=tls.REQUESTED)
    assert caught.value.status is SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION


def again(client, **changes):
    """Another connection with the same credential."""
    return tls.End(client.world, client.package, client.credential, False, target=tls.HOST, **changes)


@both
def test_a_session_is_resumed_under_the_five_conditions_only(version):
    client, server = connected(version, caller="one")
    exchange(client, server)
    assert not client.query(ContextAttribute.SESSION_INFO).reconnected

    def resumed(**changes):
        other = again(client, **({"caller": "one"} | changes))
        peer = tls.End(server.world, server.package, server.credential, True, flags=server.flags)
        try:
            tls.shake(other, peer)
        except SspiError:
            return False
        tls.serve_tickets(other)
        assert other.query(ContextAttribute.SESSION_INFO).reconnected == peer.query(ContextAttribute.SESSION_INFO).reconnected
        return other.query(ContextAttribute.SESSION_INFO).reconnected

    assert resumed()
    assert not resumed(caller="two")
    fresh = tls.credential(client.world, client.package, use=CredentialUse.OUTBOUND, protocols=(version,))
    stranger = tls.End(client.world, client.package, fresh, False, target=tls.HOST, caller="one")
    peer = tls.End(server.world, server.package, server.credential, True, flags=server.flags)
    tls.shake(stranger, peer)
    assert not stranger.query(ContextAttribute.SESSION_INFO).reconnected
    assert resumed()
    client.world.now = client.world.now.replace(year=client.world.now.year + 1)
    assert not resumed()


def test_tls12_resumed_takes_two_legs_each_with_the_clients_token_last():
    client, server = connected("TLSv1.2")
    other = again(client)
    peer = tls.End(server.world, server.package, server.credential, True, flags=server.flags)
    tls.shake(other, peer)
    assert other.statuses == ["SEC_I_CONTINUE_NEEDED", "SEC_E_OK"]
    assert peer.statuses == ["SEC_I_CONTINUE_NEEDED", "SEC_E_OK"]
    assert token_in(other.steps[-1].output)
    assert token_in(peer.steps[-1].output) == b""
    assert other.query(ContextAttribute.UNIQUE_BINDINGS) == peer.query(ContextAttribute.UNIQUE_BINDINGS)
    exchange(other, peer)


def test_a_tls13_ticket_is_offered_once_unless_the_caller_wants_it_again():
    client, _server = connected("TLSv1.3")
    tls.serve_tickets(client)
    kept = len(client.credential.sessions._by_target[("", tls.HOST)])
    again(client).leg()
    assert len(client.credential.sessions._by_target[("", tls.HOST)]) == kept - 1
    again(client, flags=REUSE).leg()
    assert len(client.credential.sessions._by_target[("", tls.HOST)]) == kept - 1


@both
@pytest.mark.parametrize("where", ["credential", "control token", "server credential"])
def test_reconnects_can_be_forbidden(version, where):
    off = {"flags": frozenset({"DISABLE_RECONNECTS"})}
    client = tls.client(protocols=(version,))
    server = tls.server(protocols=(version,))
    if where == "credential":
        client.credential = tls.credential(
            client.world, client.package, use=CredentialUse.OUTBOUND, protocols=(version,), **off
        )
    if where == "server credential":
        use = CredentialUse.INBOUND
        server.credential = tls.credential(server.world, server.package, tls.issued(), use=use, protocols=(version,), **off)
    tls.shake(client, server)
    if where == "control token":
        client.control(3, 2)
    exchange(client, server)
    other = again(client)
    peer = tls.End(server.world, server.package, server.credential, True, flags=server.flags)
    tls.shake(other, peer)
    assert not other.query(ContextAttribute.SESSION_INFO).reconnected


@pytest.mark.parametrize("goes_on", [True, False])
def test_tickets_for_nobody_are_sent_only_to_a_client_that_may_wait_for_them(goes_on):
    client, server = tls.client(protocols=("TLSv1.3",)), tls.server(protocols=("TLSv1.3",))
    off = {"flags": frozenset({"DISABLE_RECONNECTS"}), "protocols": ("TLSv1.3",)}
    server.credential = tls.credential(server.world, server.package, tls.issued(), use=CredentialUse.INBOUND, **off)
    flight = token_in(server.leg(token_in(client.leg().output)).output)
    finished = token_in(client.leg(flight).output)
    question = client.seal(b"question") if goes_on else b""
    last = server.leg(finished + question)
    assert bool(token_in(last.output)) is not goes_on
    if goes_on:
        assert server.open((finished + question)[-last.input[0].size :]).buffers[0].data == b"question"
    else:
        client.waiting = token_in(last.output)
        tls.serve_tickets(client)
    exchange(client, server)


@both
def test_a_session_whose_server_nobody_judged_is_not_kept(version):
    client, server = connected(version, flags=frozenset({ContextFlag.MANUAL_CRED_VALIDATION}), target="other.example.test")
    exchange(client, server)
    assert not client.credential.sessions


@both
@pytest.mark.parametrize("moved", [False, True])
def test_both_ends_export_the_same_keying_material(version, moved):
    client, server = connected(version)
    tls.serve_tickets(client)
    wanted = KeyingMaterialInfo(b"EXPORTER-Channel-Binding", 32, b"")
    made = set()
    for end in (client, server):
        if moved:
            packed = end.world.run(end.package.export_security_context(end.state))
            end.state = end.world.run(end.package.import_security_context(packed))
        end.world.run(end.package.set_context_attributes(end.state, ContextAttribute.KEYING_MATERIAL_INFO, wanted))
        made.add(end.query(ContextAttribute.KEYING_MATERIAL).material)
        moved = moved and version == "TLSv1.3"
    assert len(made) == 1
    assert len(made.pop()) == 32


def test_keying_material_wants_its_label_first():
    client, _ = connected("TLSv1.3")
    with pytest.raises(SspiError) as caught:
        client.query(ContextAttribute.KEYING_MATERIAL)
    assert caught.value.status is SecurityStatus.SEC_E_INVALID_PARAMETER


@both
def test_secrets_are_handed_out_once_and_only_where_policy_allows(version):
    client, server = connected(version)
    exchange(client, server)
    client.world.answers[questions.ReadPolicy] = lambda _: None
    with pytest.raises(SspiError) as caught:
        client.query(ContextAttribute.TRAFFIC_SECRETS)
    assert caught.value.status is SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION
    client.world.answers[questions.ReadPolicy] = lambda _: SchannelPolicy(hand_out_secrets=True)
    given = client.query(ContextAttribute.TRAFFIC_SECRETS)
    assert "secret" not in repr(given)
    sealed = sealed_with(given, b"sealed by the caller")
    assert server.open(sealed).buffers[0].data == b"sealed by the caller"
    answer = server.seal(b"for the caller alone")
    for call in (
        lambda: client.seal(b"x"),
        lambda: client.open(answer),
        lambda: client.query(ContextAttribute.TRAFFIC_SECRETS),
        lambda: client.world.run(client.package.export_security_context(client.state)),
    ):
        with pytest.raises(SspiError) as caught:
            call()
        assert caught.value.status is SecurityStatus.SEC_E_CONTEXT_EXPIRED
    assert client.query(ContextAttribute.CIPHER_INFO)


def sealed_with(given, text):
    from sspid.packages.schannel.keys import TLS12_SUITES, TLS13_SUITES
    from sspid.packages.schannel.records import Direction, Tls12Records, Tls13Records

    write = Direction(given.write_secret, given.write_sequence)
    read = Direction(given.read_secret, given.read_sequence)
    if given.protocol == "TLSv1.3":
        return Tls13Records(given.cipher_suite, TLS13_SUITES[given.cipher_suite], write, read).seal(23, text)
    return Tls12Records(given.cipher_suite, TLS12_SUITES[given.cipher_suite], write, read).seal(23, text)


@both
@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, 200), bit=st.integers(0, 7))
def test_a_flipped_bit_anywhere_never_passes(version, at, bit):
    client, server = connected(version, flags=frozenset({ContextFlag.STREAM}))
    record = bytearray(client.seal(b"sixteen bytes !!" * 4))
    record[at % len(record)] ^= 1 << bit
    try:
        answer = server.open(bytes(record))
    except SspiError:
        return
    assert answer.status is SecurityStatus.SEC_E_INCOMPLETE_MESSAGE


@both
def test_alerts_of_the_callers_choice_reach_the_peer(version):
    client, server = connected(version)
    tls.serve_tickets(client)
    client.control(2, 2, 49)
    with pytest.raises(SspiError) as caught:
        server.open(token_in(client.leg(b"").output))
    assert caught.value.status is SecurityStatus.SEC_E_LOGON_DENIED
    assert caught.value.detail.alert == 49


def test_an_alert_before_the_keys_is_plain():
    client = tls.client()
    client.leg()
    client.control(1)
    assert token_in(client.leg(b"").output) == bytes.fromhex("15030300020100")
