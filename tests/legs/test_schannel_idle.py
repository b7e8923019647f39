"""Idle contexts give OpenSSL's connection back: what still works then, what does not, what one costs."""

import gc
import tracemalloc

import pytest

from sspid.broker.contexts import COMPACT_SECONDS, Contexts
from sspid.broker.credentials import Credentials
from sspid.broker.exports import Exports
from sspid.broker.handles import Limits
from sspid.broker.legs import LegCall
from sspid.broker.waits import WaitingRoom
from sspid.packages.contract import CredentialRequest
from sspid.packages.schannel import package
from sspid.vocabulary.attributes import ContextAttribute, KeyingMaterialInfo
from sspid.vocabulary.buffers import token, token_in
from sspid.vocabulary.credentials import CredentialUse, Schannel, SchannelSettings
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import tls

pytestmark = [pytest.mark.schannel, pytest.mark.legs]

both = pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
AT_MOST = 1024
CONTEXTS = 300


def connected(version, *certificates, **changes):
    client = tls.client(None, *certificates, protocols=(version,))
    server = tls.server(client.world, protocols=(version,), **({"trust_anchors_pem": b""} | changes))
    tls.shake(client, server)
    return client, server


def idle(*ends):
    """What the broker's sweep does."""
    for end in ends:
        end.state = end.package.compact(end.state)


def exchange(client, server):
    assert server.open(client.seal(b"question")).buffers[0].data == b"question"
    assert client.open(server.seal(b"answer")).buffers[0].data == b"answer"


def facts(end):
    """What must be the same before and after."""
    wanted = [ContextAttribute.CIPHER_INFO, ContextAttribute.ENDPOINT_BINDINGS, ContextAttribute.SESSION_INFO]
    wanted += [ContextAttribute.UNIQUE_BINDINGS] if end.query(ContextAttribute.CONNECTION_INFO).protocol == "TLSv1.2" else []
    label = KeyingMaterialInfo(b"EXPORTER-test", 32, b"")
    end.world.run(end.package.set_context_attributes(end.state, ContextAttribute.KEYING_MATERIAL_INFO, label))
    return [end.query(one) for one in (*wanted, ContextAttribute.KEYING_MATERIAL)]


@both
@pytest.mark.parametrize("used", [False, True])
def test_an_idle_context_goes_on_without_openssl(version, used):
    client, server = connected(version)
    tls.serve_tickets(client)
    if used:
        exchange(client, server)
    before = [facts(end) for end in (client, server)]
    for _ in range(2):
        idle(client, server)
        assert client.state.live is server.state.live is None
        assert [facts(end) for end in (client, server)] == before
        idle(client, server)
        exchange(client, server)
    idle(client, server)
    packed = client.world.run(client.package.export_security_context(client.state))
    client.state = client.world.run(client.package.import_security_context(packed))
    exchange(client, server)
    idle(client, server)
    client.control(1)
    assert server.open(token_in(client.leg(b"").output)).status is SecurityStatus.SEC_I_CONTEXT_EXPIRED


def test_idle_tls12_no_longer_renegotiates():
    client, server = connected("TLSv1.2")
    idle(server)
    with pytest.raises(SspiError) as caught:
        server.leg(b"")
    assert caught.value.status is SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION
    hello = token_in(client.leg(b"").output)
    assert server.open(hello).status is SecurityStatus.SEC_I_RENEGOTIATE
    assert token_in(server.leg(hello).output)  # no_renegotiation


def test_a_server_that_may_ask_for_a_certificate_later_keeps_openssl():
    client, server = connected("TLSv1.2", tls.issued("alice@example.test"), trust_anchors_pem=tls.roots())
    idle(client, server)
    assert client.state.live is not None
    assert server.state.live is not None
    asked = token_in(server.leg(b"", flags=tls.REQUESTED).output)
    assert client.open(asked).detail.state == "HelloRequest"


def test_a_renegotiation_under_way_is_not_broken_off():
    client, server = connected("TLSv1.2")
    asked = token_in(server.leg(b"").output)
    idle(server)
    client.open(asked)
    idle(client)
    hello = token_in(client.leg(asked).output)
    server.open(hello)
    answer = server.leg(hello)
    answer = client.leg(token_in(answer.output))
    answer = server.leg(token_in(answer.output))
    assert answer.status is SecurityStatus.SEC_E_OK
    assert client.leg(token_in(answer.output)).status is SecurityStatus.SEC_E_OK
    idle(client, server)
    assert client.state.live is server.state.live is None
    exchange(client, server)


def test_suites_of_openssl_alone_stay_with_it():
    client, server = connected("TLSv1.2", cipher_list="ECDHE-ECDSA-AES256-SHA384")
    idle(client, server)
    assert server.state.live is not None
    exchange(client, server)


def test_the_session_id_is_told_and_kept():
    client, server = connected("TLSv1.2")
    first = client.query(ContextAttribute.SESSION_INFO)
    assert len(first.session_id) == 32
    again = tls.End(client.world, client.package, client.credential, False, target=tls.HOST)
    peer = tls.End(server.world, server.package, server.credential, True, flags=server.flags)
    tls.shake(again, peer)
    resumed = again.query(ContextAttribute.SESSION_INFO)
    assert resumed.reconnected
    idle(again)
    assert again.query(ContextAttribute.SESSION_INFO) == resumed
    assert connected("TLSv1.3")[0].query(ContextAttribute.SESSION_INFO).session_id == b""


class Broker:
    """A broker with Schannel alone; contexts of one role in its table, their peers thrown away."""

    def __init__(self, version, role):
        self.accepts, self.world = role == "accept", tls.a_world()
        self.package = package()
        self.flags, self.target = (tls.PLAIN, "") if self.accepts else (tls.REQUESTED, tls.HOST)
        room, limits = WaitingRoom(per_caller=8, total=8), Limits(10_000, 10_000, 600, 600)
        self.credentials = Credentials(self, self.world, room, limits)  # type: ignore[arg-type]  # all it needs of a catalog
        self.contexts = Contexts(self.credentials, self.world, room, limits, exports=Exports(bytes), observer=self)
        use = CredentialUse.INBOUND if self.accepts else CredentialUse.OUTBOUND
        secret = Schannel((tls.issued(),) if self.accepts else (), SchannelSettings(protocols=(version,)))
        self.credential, _ = self.credentials.acquire_credentials_handle("caller", "Schannel", CredentialRequest(use, secret))
        make = tls.client if self.accepts else tls.server
        self.peer = make(self.world, protocols=(version,))

    def find(self, _name):
        return self.package

    def handshake_ended(self, *_):
        """No audit."""

    def begin(self):
        """One whole handshake."""
        peer = tls.End(self.world, self.peer.package, self.peer.credential, self.peer.server, self.peer.flags, tls.HOST)
        data, context = token_in(peer.leg().output) if self.accepts else b"", b""
        while True:
            given = (token(data),) if data else ()
            call = LegCall(self.credential, context, given, self.flags, self.target)
            act = self.contexts.accept_security_context if self.accepts else self.contexts.initialize_security_context
            answer = act("caller", call)
            context = answer.context
            if answer.step.status is SecurityStatus.SEC_E_OK:
                return
            data = token_in(peer.leg(token_in(answer.step.output)).output)

    def sweep_idle(self):
        """Sweep as if nothing had been used for a while."""
        for entry in self.contexts._table.idle(-1):
            entry.touched -= COMPACT_SECONDS + 1
        self.contexts.sweep()


@both
@pytest.mark.parametrize("role", ["accept", "initiate"])
def test_an_idle_context_costs_at_most_a_kilobyte(version, role):
    broker = Broker(version, role)
    for _ in range(20):
        broker.begin()
    broker.sweep_idle()
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(CONTEXTS):
            broker.begin()
        broker.sweep_idle()
        gc.collect()
        each = tracemalloc.get_traced_memory()[0] / CONTEXTS
    finally:
        tracemalloc.stop()
    assert len(broker.contexts) == 20 + CONTEXTS
    assert all(entry.held.state.live is None for entry in broker.contexts._table.idle(-1))
    assert each <= AT_MOST


def test_a_context_in_use_is_left_as_it_is():
    broker = Broker("TLSv1.2", "accept")
    broker.begin()
    broker.contexts.sweep()
    (entry,) = broker.contexts._table.idle(-1)
    assert entry.held.state.live is not None
    with entry.lock:
        broker.sweep_idle()
    assert entry.held.state.live is not None
    broker.sweep_idle()
    assert entry.held.state.live is None
