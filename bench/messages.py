"""How much TLS data goes through EncryptMessage and DecryptMessage over a Session stream, beside pyOpenSSL in process."""

from __future__ import annotations

import queue
import time
from collections import deque
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

import service
from measure import Row, least, process_cpu
from schannel import Bench, Peers, Scenario
from sspid_protos.sspi.v1 import message_service_pb2, vocabulary_pb2
from sspid_protos.sspi.v1.context_service_pb2 import SessionRequest
from sspid_protos.sspi.v1.context_service_pb2_grpc import ContextServiceStub
from traffic import WAYS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tls_peers import Peer

SCENARIO = Scenario("tls13", "ecdsa", "full", "accept")
SIZES = {"16k": 16384, "256k": 262144}
"""One record a call, and what the client library hands over in one call."""
BYTES = 8 << 20
IN_FLIGHT = 4
REQUESTS = {"encrypt": message_service_pb2.EncryptMessageRequest, "decrypt": message_service_pb2.DecryptMessageRequest}


def rows() -> Iterator[Row]:
    """Megabytes for each second of the service's CPU."""
    with service.sspid() as server:
        costs: dict[str, Callable[[], float]] = {}
        for way, (name, size) in product(REQUESTS, SIZES.items()):
            costs[f"{way}_{name}"] = partial(Messages(server).cost, way, size)
            costs[f"{way}_{name} floor"] = partial(_floor, way, size)
        found = least(costs)
    for way, name in product(REQUESTS, SIZES):
        value, floor = (BYTES / found[f"{way}_{name}{which}"] for which in ("", " floor"))
        yield Row(f"{way}_{name}_through_service", value, "MB/s", floor, "pyOpenSSL in process, the same bytes")


class Messages:
    """An established acceptor of the service, and the client at its other end."""

    def __init__(self, server: service.Server) -> None:
        self._server = server
        handshake = next(Bench(SCENARIO, server).handshakes())
        WAYS[""](server.channel, SCENARIO.role, iter([handshake]), 1)
        self._context, self._peer = handshake.contexts[-1], handshake.peer

    def cost(self, way: str, size: int) -> float:
        """Service CPU for BYTES bytes in messages of `size`, microseconds."""
        plain = bytes(size)
        messages = [plain if way == "encrypt" else self._peer.seal(plain) for _ in range(BYTES // size)]
        before = process_cpu(self._server.pid)
        answers = self._exchange(way, messages)
        used = process_cpu(self._server.pid) - before
        if way == "encrypt":
            assert all(self._peer.unseal(each, size) == plain for each in answers)
        else:
            assert all(each == plain for each in answers)
        return used

    def _exchange(self, way: str, messages: list[bytes]) -> list[bytes]:
        """What becomes of each message, some of them in flight at any time."""
        requests: queue.SimpleQueue[SessionRequest | None] = queue.SimpleQueue()
        answers: Any = ContextServiceStub(self._server.channel).Session(iter(requests.get, None))
        waiting = deque(enumerate(messages))
        found: list[bytes] = []
        for _ in range(IN_FLIGHT):
            requests.put(self._request(way, *waiting.popleft()))
        while len(found) < len(messages):
            answer = next(answers)
            for each in (answer, *answer.also):
                reply = getattr(each, f"{way}_message")
                assert reply.result.status == vocabulary_pb2.SEC_E_OK, reply.result
                found.append(reply.message[0].data)
                if waiting:
                    requests.put(self._request(way, *waiting.popleft()))
        requests.put(None)
        assert not list(answers)
        return found

    def _request(self, way: str, number: int, data: bytes) -> SessionRequest:
        request: Any = REQUESTS[way](context=self._context)
        request.message.add(type=vocabulary_pb2.SECBUFFER_DATA, data=data)
        return SessionRequest(number=number, **{f"{way}_message": request})


def _floor(way: str, size: int) -> float:
    """CPU of one pyOpenSSL connection for the same bytes, microseconds."""
    client, server = _connected()
    plain = bytes(size)
    used = 0
    for _ in range(BYTES // size):
        began = time.thread_time_ns()
        sealed = server.seal(plain)
        turned = time.thread_time_ns()
        opened = client.unseal(sealed, size)
        used += turned - began if way == "encrypt" else time.thread_time_ns() - turned
        assert len(opened) == size
    return used / 1000


def _connected() -> tuple[Peer, Peer]:
    peers = Peers(SCENARIO)
    client, server = peers.end(server=False), peers.end(server=True)
    token = b""
    while not (client.done and server.done):
        token = server.step(client.step(token))
    client.step(token)
    return client, server
