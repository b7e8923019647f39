"""DTLS through the service: a ClientHello without a cookie begins no context, neither in a unary call nor on a stream."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any

import pytest
from sspid_protos.sspi.v1 import context_service_pb2, credentials_pb2, vocabulary_pb2

from sspid_testing import tls
from sspid_testing.wire import ACCEPT, INBOUND, INITIALIZE, OUTBOUND, Wire, credential, status, token_out

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.wire, pytest.mark.schannel]

FLAGS = [vocabulary_pb2.CONTEXT_FLAG_DATAGRAM]


def client_credential(wire: Wire) -> Any:
    settings = credentials_pb2.SchannelSettings(protocols=["DTLSv1.2"], trust_anchors_pem=tls.roots())
    return credential(wire, "Schannel", OUTBOUND, schannel=credentials_pb2.SchannelCredential(settings=settings))


def server_credential(wire: Wire) -> Any:
    own = tls.issued()
    pair = credentials_pb2.CertificateAndKey(certificate_pem=own.certificate_pem, key_pem=own.key_pem)
    settings = credentials_pb2.SchannelSettings(protocols=["DTLSv1.2"])
    return credential(
        wire, "Schannel", INBOUND, schannel=credentials_pb2.SchannelCredential(certificates=[pair], settings=settings)
    )


def datagram(data: bytes, *, mtu: int = 0, address: bytes = b"") -> list[Any]:
    """Input buffers with one datagram, and the DTLS_MTU and the peer's address where they are said."""
    buffers = [vocabulary_pb2.SecurityBuffer(type=vocabulary_pb2.SECBUFFER_TOKEN, data=data)] if data else []
    if address:
        buffers.append(vocabulary_pb2.SecurityBuffer(type=vocabulary_pb2.SECBUFFER_EXTRA, data=address))
    if mtu:
        buffers.append(vocabulary_pb2.SecurityBuffer(type=vocabulary_pb2.SECBUFFER_DTLS_MTU, data=mtu.to_bytes(2, "little")))
    return buffers


class Client:
    """The initiator, by unary calls."""

    def __init__(self, wire: Wire) -> None:
        self._initialize = wire.contexts.InitializeSecurityContext
        self.reply = self._initialize(
            INITIALIZE(credential=client_credential(wire), target_name=tls.HOST, flags=FLAGS, input=datagram(b""))
        )

    def takes(self, data: bytes) -> list[bytes]:
        """What it sends once it has taken a datagram."""
        sent = []
        while True:
            self.reply = self._initialize(INITIALIZE(context=self.reply.context, flags=FLAGS, input=datagram(data)))
            sent.append(token_out(self.reply))
            if status(self.reply) != "SEC_I_MESSAGE_FRAGMENT":
                return [each for each in sent if each]
            data = b""


def test_a_hello_without_a_cookie_leaves_no_handle(wire: Wire) -> None:
    client, own = Client(wire), server_credential(wire)
    accept = wire.contexts.AcceptSecurityContext
    hello = token_out(client.reply)
    asked = accept(ACCEPT(credential=own, flags=FLAGS, input=datagram(hello, address=b"here")))
    assert (status(asked), asked.HasField("context")) == ("SEC_I_CONTINUE_NEEDED", False)
    (hello,) = client.takes(token_out(asked))
    elsewhere = accept(ACCEPT(credential=own, flags=FLAGS, input=datagram(hello, address=b"there")))
    assert not elsewhere.HasField("context")
    begun = accept(ACCEPT(credential=own, flags=FLAGS, input=datagram(hello, address=b"here")))
    assert begun.HasField("context")
    wire.delete(begun, client.reply)


@pytest.fixture
def requests() -> Iterator[queue.SimpleQueue[Any]]:
    given: queue.SimpleQueue[Any] = queue.SimpleQueue()
    yield given
    given.put(None)


def test_a_handshake_stream_hands_out_every_fragment(wire: Wire, requests: queue.SimpleQueue[Any]) -> None:
    client = Client(wire)
    request = context_service_pb2.HandshakeRequest

    def inputs(data: bytes) -> Any:
        return request(input=context_service_pb2.HandshakeInput(input=datagram(data, mtu=300)))

    first = ACCEPT(credential=server_credential(wire), flags=FLAGS, input=datagram(token_out(client.reply), mtu=300))
    requests.put(request(accept=first))
    stream: Any = wire.contexts.Handshake(iter(requests.get, None))
    step = next(stream).step
    seen = [status(step)]
    waiting = [token_out(step)]
    while seen[-1] != "SEC_E_OK":
        if seen[-1] == "SEC_I_MESSAGE_FRAGMENT":
            requests.put(inputs(b""))
        else:
            requests.put(inputs(b"".join(each for sent in waiting for each in client.takes(sent))))
            waiting = []
        step = next(stream).step
        seen.append(status(step))
        waiting.append(token_out(step))
    assert seen.count("SEC_I_MESSAGE_FRAGMENT") > 1
    for data in waiting:
        client.takes(data)
    assert status(client.reply) == "SEC_E_OK"
    assert list(stream) == []
    wire.delete(client.reply)
