from datetime import UTC, datetime

import pytest

from sspid.packages.schannel.handshake import moment_of
from sspid.vocabulary.attributes import ContextAttribute
from sspid_testing import issuing, tls
from sspid_testing.tls_verdicts import accepted, root

pytestmark = [pytest.mark.schannel, pytest.mark.legs]

both = pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])


@both
@pytest.mark.parametrize("end", [issuing.NOW + 7 * issuing.DAY, datetime(2051, 2, 3, 4, 5, 6, tzinfo=UTC)])
def test_the_last_leg_of_an_initiator_ends_with_the_servers_certificate(version, end):
    client, server = accepted(root().issue(tls.HOST, end=end).pem(), version)
    assert [step.expiry for step in client.steps] == [None] * (len(client.steps) - 1) + [end]
    assert client.query(ContextAttribute.LIFESPAN).expiry == end
    assert server.steps[-1].expiry is None
    assert server.query(ContextAttribute.LIFESPAN).expiry is None


@both
def test_the_last_leg_of_an_acceptor_ends_with_the_clients_certificate(version):
    mine = tls.issued("alice@example.test")
    client, server = tls.client(None, mine, protocols=(version,)), tls.server(protocols=(version,), flags=tls.REQUESTED)
    tls.shake(client, server)
    assert [step.expiry for step in server.steps] == [None, client.credential.expiry]
    assert server.query(ContextAttribute.LIFESPAN).expiry == client.credential.expiry


@both
def test_a_resumed_initiator_ends_with_the_certificate_of_the_session(version):
    first = accepted(root().issue(tls.HOST, end=issuing.NOW + 5 * issuing.DAY).pem(), version)
    tls.serve_tickets(first[0])
    client, server = (tls.End(one.world, one.package, one.credential, one.server, target=one.target) for one in first)
    tls.shake(client, server)
    assert client.query(ContextAttribute.SESSION_INFO).reconnected
    assert client.steps[-1].expiry == issuing.NOW + 5 * issuing.DAY


def test_a_leg_that_serves_a_ticket_says_the_same():
    client, _ = accepted(root().issue(tls.HOST).pem())
    end = client.steps[-1].expiry
    served = len(client.steps)
    tls.serve_tickets(client)
    assert len(client.steps) > served
    assert {step.expiry for step in client.steps[served:]} == {end}


@pytest.mark.parametrize(
    ("time", "moment"),
    [
        (b"491231235959Z", datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (b"500101000000Z", datetime(1950, 1, 1, tzinfo=UTC)),
        (b"20500101000000Z", datetime(2050, 1, 1, tzinfo=UTC)),
        (b"99991231235959Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (b"4912312359Z", datetime.max.replace(tzinfo=UTC)),
        (b"\xff" * 13, datetime.max.replace(tzinfo=UTC)),
        (b"", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_a_certificates_time_is_a_moment(time, moment):
    assert moment_of(time) == moment
