"""TLS handshakes through the service, each role: over its empty RPCs and the handshake in process."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from itertools import islice, product
from typing import TYPE_CHECKING, Any

import service
from measure import Row, least, process_cpu
from sspid_protos.sspi.v1 import context_service_pb2 as wire
from sspid_protos.sspi.v1 import credentials_pb2, message_service_pb2, vocabulary_pb2
from sspid_protos.sspi.v1.context_service_pb2_grpc import ContextServiceStub
from sspid_protos.sspi.v1.message_service_pb2_grpc import MessageServiceStub
from tls_peers import GROUPS, PROTOCOLS, Peer, Sessions, client_context, server_context
from traffic import FLOORS, WAYS, Recording, Replayed, served

from sspid_testing.tls import HOST, issued, roots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HANDSHAKES = 400
IN_FLIGHT = 16
LIMIT_ROUNDS = 4
FLAGS = (vocabulary_pb2.CONTEXT_FLAG_CONFIDENTIALITY, vocabulary_pb2.CONTEXT_FLAG_STREAM)
AGAIN = (*FLAGS, vocabulary_pb2.CONTEXT_FLAG_REUSE_SESSION_TICKETS)
REQUESTS = {"accept": wire.AcceptSecurityContextRequest, "initiate": wire.InitializeSecurityContextRequest}


@dataclass(frozen=True)
class Scenario:
    """Which handshake, and the service's role in it: "accept" or "initiate"."""

    version: str
    key: str
    kind: str
    role: str

    @property
    def name(self) -> str:
        """The beginning of its rows' names."""
        return f"{self.version}_{self.key}_{self.kind}_{self.role}"

    @property
    def offers_ticket(self) -> bool:
        """Whether the service resumes with a ticket, which came after a handshake and which it offers more than once."""
        return (self.version, self.kind, self.role) == ("tls13", "resumed", "initiate")

    def auth_data(self) -> credentials_pb2.AuthData:
        """The service's credential: a certificate for an acceptor, trust for an initiator."""
        settings = credentials_pb2.SchannelSettings(protocols=[PROTOCOLS[self.version]], groups=GROUPS)
        certificates = []
        if self.role == "accept":
            own = issued(HOST, key=self.key.upper())
            certificates.append(credentials_pb2.CertificateAndKey(certificate_pem=own.certificate_pem, key_pem=own.key_pem))
        else:
            settings.trust_anchors_pem = roots()
        schannel = credentials_pb2.SchannelCredential(certificates=certificates, settings=settings)
        return credentials_pb2.AuthData(schannel=schannel)


class Peers:
    """Makes the ends of a scenario's handshakes that are not the service's."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        # The service's initiator comes back with its sessions, and a full handshake is what is measured.
        resumes = scenario.role == "accept" or scenario.kind == "resumed"
        self._server = server_context(scenario.version, issued(HOST, key=scenario.key.upper()), resumes=resumes)
        self._client = client_context(scenario.version, roots())
        self.sessions = Sessions(scenario.kind == "resumed")
        self.server_lets_go = scenario.version == "tls13" and scenario.role == "accept"
        """Whether the server needs OpenSSL's connection no more after the handshake: so it is with the service's acceptor."""

    def end(self, *, server: bool) -> Peer:
        """A server, or a client that resumes where the scenario says so."""
        if server:
            return Peer(self._server, server=True)
        return Peer(self._client, server=False, host=HOST.encode(), sessions=self.sessions)

    def opposite(self) -> Peer:
        """The peer of the service's role."""
        return self.end(server=self._scenario.role == "initiate")


@dataclass
class Handshake:
    """One handshake of the service with a peer of ours; ends once the service says SEC_E_OK."""

    role: str
    credential: Any
    peer: Peer
    sessions: Sessions
    contexts: list[Any]
    flags: tuple[Any, ...] = FLAGS
    left: bytes = b""
    """What the peer sent after the service's last leg: a server's tickets."""

    def begin(self) -> Any:
        """The first leg: a ClientHello in, or nothing yet."""
        request = REQUESTS[self.role](credential=self.credential, flags=self.flags)
        if self.role == "accept":
            request.input.add(type=vocabulary_pb2.SECBUFFER_TOKEN, data=self.peer.step(b""))
        else:
            request.target_name = HOST
        return request

    def go_on(self, response: Any) -> Any | None:
        """Hand the service's token to the peer, and the peer's to the service."""
        answered = self.peer.step(response.output[0].data if response.output else b"")
        if response.result.status == vocabulary_pb2.SEC_E_OK:
            self.left = answered
            self._end(response)
            return None
        assert response.result.status == vocabulary_pb2.SEC_I_CONTINUE_NEEDED, response.result
        request = REQUESTS[self.role](credential=self.credential, context=response.context, flags=self.flags)
        request.input.add(type=vocabulary_pb2.SECBUFFER_TOKEN, data=answered)
        if self.role == "initiate":
            request.target_name = HOST
        return request

    def _end(self, response: Any) -> None:
        assert self.peer.done
        self.contexts.append(response.context)
        if self.sessions.wanted and self.role == "accept":
            self.peer.keep_session()


class Bench:
    """One scenario against one running service."""

    def __init__(self, scenario: Scenario, server: service.Server) -> None:
        self.scenario = scenario
        self.server = server
        self._peers = Peers(scenario)
        use = service.INBOUND if scenario.role == "accept" else service.OUTBOUND
        self._credential = server.acquire("Schannel", scenario.auth_data(), use)
        self._contexts: list[Any] = []

    def handshakes(self) -> Iterator[Handshake]:
        """Handshakes without end."""
        peers, role = self._peers, self.scenario.role
        while True:
            flags = AGAIN if self.scenario.offers_ticket else FLAGS
            yield Handshake(role, self._credential, peers.opposite(), peers.sessions, self._contexts, flags)

    def run(self, way: str, in_flight: int, count: int) -> None:
        """That many handshakes; their contexts stay."""
        WAYS[way](self.server.channel, self.scenario.role, islice(self.handshakes(), count), in_flight)

    def release(self) -> None:
        """Delete the contexts of `run`."""
        self.server.delete(self._contexts)
        self._contexts.clear()

    def record(self) -> Recording:
        """The messages of one handshake as the scenario has it (the first ones establish the sessions to resume)."""
        self.run("", 1, IN_FLIGHT)
        if self.scenario.offers_ticket:
            self._take_ticket()
        handshake = next(self.handshakes())
        recording = Recording(handshake)
        WAYS[""](self.server.channel, self.scenario.role, iter([recording]), 1)
        self.release()
        assert handshake.peer.resumed is (self.scenario.kind == "resumed"), self.scenario
        return recording

    def _take_ticket(self) -> None:
        """Give the service the tickets that came after a handshake, as its caller does once it reads."""
        handshake = next(self.handshakes())
        WAYS[""](self.server.channel, self.scenario.role, iter([handshake]), 1)
        context = handshake.contexts[-1]
        decrypt = message_service_pb2.DecryptMessageRequest(context=context)
        decrypt.message.add(type=vocabulary_pb2.SECBUFFER_DATA, data=handshake.left)
        met = MessageServiceStub(self.server.channel).DecryptMessage(decrypt)
        assert met.result.status == vocabulary_pb2.SEC_I_RENEGOTIATE, met
        leg = wire.InitializeSecurityContextRequest(context=context)
        leg.input.add(type=vocabulary_pb2.SECBUFFER_TOKEN, data=handshake.left)
        served = ContextServiceStub(self.server.channel).InitializeSecurityContext(leg)
        assert served.result.status == vocabulary_pb2.SEC_E_OK, served

    def cost(self, way: str, in_flight: int, count: int = HANDSHAKES) -> float:
        """Service CPU a handshake, microseconds; deleting the contexts is not in it, nor in the floor."""
        before = process_cpu(self.server.pid)
        self.run(way, in_flight, count)
        used = process_cpu(self.server.pid) - before
        self.release()
        return used / count

    def floor(self, count: int = HANDSHAKES, in_flight: int = IN_FLIGHT) -> float:
        """CPU of the same half of the same handshakes in this process, so many under way as at the service, microseconds."""
        peers = Peers(self.scenario)
        kept: list[Peer] = []
        own = 1 if self.scenario.role == "accept" else 0
        used = 0
        if peers.sessions.wanted:
            peers.sessions.kept += [_new_session(peers) for _ in range(in_flight)]
        for _ in range(count // in_flight):
            flying = [turns(peers, kept) for _ in range(in_flight)]
            while flying:
                turned = [next(each, None) for each in flying]
                used += sum(each[own] for each in turned if each is not None)
                flying = [each for each, turn in zip(flying, turned, strict=True) if turn is not None]
        if self.scenario.kind == "resumed":
            assert kept[-1].resumed
        return used / (count // in_flight * in_flight) / 1000

    def carried(self, empty: service.Server, requests: list[Any], way: str, in_flight: int) -> tuple[float, float]:
        """The same handshakes with nothing of ours: messages through the empty server, both halves in this process.

        CPU of the empty server and of the service's half, microseconds a handshake, under the same rhythm as `cost`: a
        server that sleeps between messages finds its caches cold, and so does a half that waits for its turn.
        """
        peers = Peers(self.scenario)
        own = 1 if self.scenario.role == "accept" else 0
        used: list[int] = []
        kept: list[Peer] = []
        if peers.sessions.wanted:
            peers.sessions.kept += [_new_session(peers) for _ in range(in_flight)]

        def worker() -> Callable[[], None]:
            remaining = turns(peers, kept)
            return lambda: used.extend(turn[own] for turn in islice(remaining, 1))

        before = process_cpu(empty.pid)
        FLOORS[way](empty.channel, self.scenario.role, (Replayed(requests, worker()) for _ in range(HANDSHAKES)), in_flight)
        return (process_cpu(empty.pid) - before) / HANDSHAKES, sum(used) / HANDSHAKES / 1000

    def rpc_cost(self, empty: service.Server, requests: list[Any], way: str, in_flight: int) -> float:
        """CPU of the empty server for one RPC of a caller that does nothing else, microseconds."""
        before = process_cpu(empty.pid)
        FLOORS[way](empty.channel, self.scenario.role, (Replayed(requests) for _ in range(HANDSHAKES)), in_flight)
        return (process_cpu(empty.pid) - before) / HANDSHAKES / len(requests)


def turns(peers: Peers, kept: list[Peer]) -> Iterator[tuple[int, int]]:
    """One handshake between two of our peers, a step at a time: nanoseconds of the client's turn and the server's.

    Each makes its connection in its first turn; the server frees it in its last where the service does, too.
    """
    began = time.thread_time_ns()
    client = peers.end(server=False)
    turned = time.thread_time_ns()
    server = peers.end(server=True)
    making = turned - began, time.thread_time_ns() - turned
    kept += client, server
    token = b""
    while not (client.done and server.done):
        began = time.thread_time_ns()
        token = client.step(token)
        turned = time.thread_time_ns()
        token = server.step(token) if token else b""
        if server.done and peers.server_lets_go:
            server.let_go()
        yield turned - began + making[0], time.thread_time_ns() - turned + making[1]
        making = 0, 0
    if peers.sessions.wanted:
        client.step(token)
        client.keep_session()


def _new_session(peers: Peers) -> Any:
    list(turns(peers, []))
    return peers.sessions.kept.popleft()


FIRST = ("tls13", "ecdsa", "full")
"""The scenario whose rows have the short names and come at several numbers of calls in flight."""
SCENARIOS = tuple(product(("tls13", "tls12"), ("ecdsa", "rsa"), ("full", "resumed"), ("accept", "initiate")))


def rows() -> Iterator[Row]:
    """The first scenario at several numbers of calls in flight, then all at 16."""
    with service.sspid() as server, service.sspid(compiled=False) as interpreted:
        limit = Limit(Bench(Scenario(*FIRST, "accept"), server), Bench(Scenario(*FIRST, "accept"), interpreted))
        for role in ("accept", "initiate"):
            yield from _rows(Bench(Scenario(*FIRST, role), server), f"tls13_ecdsa_{role}", (IN_FLIGHT, 1, 64), first=True)
            limit.measure()
        for each in SCENARIOS:
            scenario = Scenario(*each)
            yield from _rows(Bench(scenario, server), scenario.name, (IN_FLIGHT,))
            limit.measure()
        yield limit.row(limit.scenario.name)
        yield from limit.rows("tls13_ecdsa_accept")


class Limit:
    """The stream over the handshakes alone, a few rounds at a time: the machine is slower in some minutes than in others.

    `interpreted`: the same at a service that is plain Python; with it, other numbers under way are measured, too.
    """

    def __init__(self, bench: Bench, interpreted: Bench | None = None) -> None:
        self.scenario = bench.scenario
        self._in_flights = (IN_FLIGHT,) if interpreted is None else (IN_FLIGHT, 1, 64)
        self._costs: dict[str, Callable[[], float]] = {}
        for number in self._in_flights:
            self._costs[f"in process {number}"] = partial(bench.floor, in_flight=number)
            self._costs[f"service {number}"] = partial(bench.cost, "_session", number)
        if interpreted is not None:
            self._costs[f"interpreted {IN_FLIGHT}"] = partial(interpreted.cost, "_session", IN_FLIGHT)
        self._found: dict[str, float] = {}

    def measure(self) -> None:
        """Some rounds more."""
        now = least(self._costs, LIMIT_ROUNDS)
        self._found = {name: min(cost, self._found.get(name, cost)) for name, cost in now.items()}

    def row(self, name: str) -> Row:
        """The least of all rounds, of each."""
        return self._row(f"{name}_limit_session", "service", IN_FLIGHT)

    def rows(self, name: str) -> Iterator[Row]:
        """The same at each number under way, and for plain Python."""
        yield self.row(name)
        for number in self._in_flights[1:]:
            yield self._row(f"{name}_limit_session_at_{number}", "service", number)
        yield self._row(f"{name}_limit_session_interpreted", "interpreted", IN_FLIGHT)

    def _row(self, name: str, which: str, number: int) -> Row:
        found, peer = self._found, f"pyOpenSSL in process, {number} under way"
        return Row(name, found[f"{which} {number}"], "us", found[f"in process {number}"], peer)


def _rows(bench: Bench, name: str, in_flights: tuple[int, ...], *, first: bool = False) -> Iterator[Row]:
    recording = bench.record()
    with service.empty({bench.scenario.role: recording.responses}) as empty:
        costs: dict[str, Callable[[], float]] = {}
        for way, in_flight in product(WAYS, in_flights):
            costs[f"service{way}_at_{in_flight}"] = partial(bench.cost, way, in_flight)
        for floor, in_flight in product(FLOORS, in_flights):
            at = f"{floor}_at_{in_flight}"
            costs[f"floor{at}"] = lambda floor=floor, in_flight=in_flight: sum(  # type: ignore[misc]
                bench.carried(empty, recording.requests, floor, in_flight)
            )
            if first:
                costs[f"rpc{at}"] = partial(bench.rpc_cost, empty, recording.requests, floor, in_flight)
        found = least(costs)
    for floor, in_flight in product(FLOORS, in_flights):
        at = f"{floor}_at_{in_flight}"
        row = f"{name}_tax{floor if in_flight == IN_FLIGHT else at}"
        value = found[f"service{served(floor)}_at_{in_flight}"]
        yield Row(row, value, "us", found[f"floor{at}"], "empty RPCs + pyOpenSSL, the same rhythm")
        if first:
            yield Row(f"{name}_empty_rpc{at}", found[f"rpc{at}"], "us")
    if bench.scenario != Scenario(*FIRST, "accept"):
        limit = Limit(bench)
        limit.measure()
        yield limit.row(name)
