"""NTLM and Digest logons accepted by the service: its CPU over its empty RPCs and the acceptor's half in process.

In process is the package with the service's own account database, lock-out, policy and nonces, without its audit lines.
What the tax buys is all around that: handles and their owners, locks, limits, conversions, metrics and the audit log.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Protocol

import digest as digest_bench
import grpc
import ntlm as ntlm_bench
import service
from measure import Row, least, process_cpu
from sspid_protos.sspi.v1 import context_service_pb2 as wire
from sspid_protos.sspi.v1 import credentials_pb2, vocabulary_pb2
from traffic import FLOORS, WAYS, Recording, Replayed, served

from sspid import logs
from sspid.app import Service
from sspid.broker import asks
from sspid.config import Log, load
from sspid.packages.contract import CredentialRequest, Leg
from sspid.packages.digest import package as digest_package
from sspid.packages.ntlm import package as ntlm_package
from sspid.vocabulary.buffers import BufferType, SecurityBuffer, token
from sspid.vocabulary.credentials import CredentialUse, Password
from sspid_testing.server import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sspid.vocabulary.buffers import Buffers
    from sspid.vocabulary.flags import Flags

LOGONS, IN_FLIGHT = 400, 16
ALGORITHM = "SHA-256"
CONFIG = f"""
[log]
level = "info"
[policy.digest]
algorithms = ["{ALGORITHM}"]
"""


class Pair(Protocol):
    """Both halves of one logon in this process; `legs` of the acceptor."""

    legs: int

    def client(self, received: bytes) -> Buffers:
        """What the client sends for what it received; nothing was received yet at first."""
        ...

    def server(self, sent: Buffers) -> bytes:
        """The acceptor's next leg: its token."""
        ...


class Ntlm:
    """Two legs: NEGOTIATE and AUTHENTICATE in."""

    name, flags, legs = "NTLM", ntlm_bench.PROTECTED, 2
    auth_data: credentials_pb2.AuthData | None = None
    _package = ntlm_package()
    _outbound = asks.run(_package.acquire_credentials_handle(ntlm_bench.OUTBOUND), ntlm_bench.WORLD)

    def __init__(self, world: asks.World) -> None:
        self._world = world
        self._inbound = asks.run(self._package.acquire_credentials_handle(ntlm_bench.INBOUND), world)
        self._mine: Any = None
        self._theirs: Any = None

    def client(self, received: bytes) -> Buffers:
        """A leg of the initiator."""
        given = (token(received),) if received else ()
        leg = Leg(self._outbound, given, self.flags, ntlm_bench.TARGET)
        step = asks.run(self._package.initialize_security_context(self._mine, leg), ntlm_bench.WORLD)
        self._mine = step.state
        return step.output

    def server(self, sent: Buffers) -> bytes:
        """A leg of the acceptor."""
        leg = Leg(self._inbound, sent, self.flags, caller="anonymous")
        step = asks.run(self._package.accept_security_context(self._theirs, leg), self._world, "anonymous")
        self._theirs = step.state
        return step.output[0].data if step.output else b""


class Digest:
    """Two legs: nothing in for the challenge, and the response."""

    name, flags, legs = "Digest", digest_bench.HTTP, 2
    auth_data = credentials_pb2.AuthData(password=credentials_pb2.PasswordIdentity(domain=digest_bench.REALM))
    _package = digest_package()
    _client_world = digest_bench.World(ALGORITHM)
    _outbound = asks.run(
        _package.acquire_credentials_handle(
            CredentialRequest(CredentialUse.OUTBOUND, Password(digest_bench.USER, "", digest_bench.PASSWORD))
        ),
        _client_world,
    )
    _method = SecurityBuffer(BufferType.PKG_PARAMS, b"GET")

    def __init__(self, world: asks.World) -> None:
        self._world = world
        request = CredentialRequest(CredentialUse.INBOUND, Password("", digest_bench.REALM))
        self._inbound = asks.run(self._package.acquire_credentials_handle(request), world)
        self._theirs: Any = None

    def client(self, received: bytes) -> Buffers:
        """The response to a challenge."""
        if not received:
            return ()
        leg = Leg(self._outbound, (token(received), self._method), self.flags, "/dir/index.html")
        step = asks.run(self._package.initialize_security_context(None, leg), self._client_world)
        return (token(step.output[0].data), self._method)

    def server(self, sent: Buffers) -> bytes:
        """A leg of the acceptor."""
        leg = Leg(self._inbound, sent, self.flags, caller="anonymous")
        step = asks.run(self._package.accept_security_context(self._theirs, leg), self._world, "anonymous")
        self._theirs = step.state
        return step.output[0].data if step.output else b""


def turns(pair: Pair) -> Iterator[int]:
    """One logon in this process, a leg at a time: nanoseconds of the acceptor's half."""
    received = b""
    for _ in range(pair.legs):
        sent = pair.client(received)
        began = time.thread_time_ns()
        received = pair.server(sent)
        yield time.thread_time_ns() - began


def _wire_flags(flags: Flags) -> list[Any]:
    return [vocabulary_pb2.ContextFlag.Value(f"CONTEXT_FLAG_{flag.name}") for flag in flags]


def _wire_buffers(sent: Buffers) -> list[vocabulary_pb2.SecurityBuffer]:
    return [vocabulary_pb2.SecurityBuffer(type=f"SECBUFFER_{each.type.name}", data=each.data) for each in sent]


@dataclass
class Logon:
    """One logon at the service; its client is `pair`'s."""

    credential: Any
    pair: Any
    contexts: list[Any]

    def begin(self) -> Any:
        """The first leg."""
        return self._request(b"", credential=self.credential)

    def go_on(self, response: Any) -> Any | None:
        """The next leg, and the end."""
        if response.result.status == vocabulary_pb2.SEC_E_OK:
            self.contexts.append(response.context)
            return None
        assert response.result.status == vocabulary_pb2.SEC_I_CONTINUE_NEEDED, response.result
        return self._request(response.output[0].data, context=response.context)

    def _request(self, received: bytes, **handle: Any) -> Any:
        sent = _wire_buffers(self.pair.client(received))
        return wire.AcceptSecurityContextRequest(input=sent, flags=_wire_flags(self.pair.flags), **handle)


class Bench:
    """One package at one running service; `world` answers in this process as that service's does."""

    def __init__(self, kind: type[Any], server: service.Server, world: asks.World, logons: int = LOGONS) -> None:
        self._kind = kind
        self._logon_count = logons
        self._server = server
        self._world = world
        self._credential = server.acquire(kind.name, kind.auth_data, service.INBOUND)
        self._contexts: list[Any] = []

    def _logons(self) -> Iterator[Logon]:
        while True:
            yield Logon(self._credential, self._kind(self._world), self._contexts)

    def record(self) -> Recording:
        """The messages of one logon."""
        recording = Recording(next(self._logons()))
        WAYS[""](self._server.channel, "accept", iter([recording]), 1)
        return recording

    def cost(self, way: str) -> float:
        """Service CPU a logon, microseconds; deleting the contexts is not in it."""
        before = process_cpu(self._server.pid)
        WAYS[way](self._server.channel, "accept", islice(self._logons(), self._logon_count), IN_FLIGHT)
        used = process_cpu(self._server.pid) - before
        self._server.delete(self._contexts)
        self._contexts.clear()
        return used / self._logon_count

    def carried(self, empty: service.Server, requests: list[Any], floor: str) -> tuple[float, float]:
        """The same logons with nothing of the service's: messages through the empty server, both halves in this process.

        CPU of the empty server and of the acceptor's half, microseconds a logon, under the same rhythm as `cost`.
        """
        used: list[int] = []
        count = self._logon_count

        def worker() -> Callable[[], None]:
            remaining = turns(self._kind(self._world))
            return lambda: used.extend(islice(remaining, 1))

        before = process_cpu(empty.pid)
        FLOORS[floor](empty.channel, "accept", (Replayed(requests, worker()) for _ in range(count)), IN_FLIGHT)
        return (process_cpu(empty.pid) - before) / count, sum(used) / count / 1000


@contextmanager
def started(config: str = CONFIG) -> Iterator[tuple[service.Server, asks.World]]:
    """A service that knows the benches' user, and its world in this process."""
    with TemporaryDirectory() as folder, running(Path(folder), config) as process:
        command = [sys.executable, "-m", "sspid", "accounts", "add"]
        environment = {**os.environ, "SSPID_DATA_DIR": str(process.data_dir)}
        for name in (
            ("--domain", ntlm_bench.DOMAIN, ntlm_bench.USER),
            ("--digest-realm", digest_bench.REALM, digest_bench.USER),
        ):
            given = (ntlm_bench.PASSWORD + "\n").encode()
            subprocess.run([*command, *name], input=given, env=environment, check=True, capture_output=True)
        # A service has its data to itself, so what answers here has a copy.
        own = shutil.copytree(process.data_dir, Path(folder) / "own", ignore=shutil.ignore_patterns("*.sock", "lock"))
        settings = replace(load(Path(folder) / "sspid.toml"), data_dir=own, log=Log("error"))
        with grpc.insecure_channel(process.target) as channel:
            yield service.Server(process.process.pid, channel), Service(settings, logs.configure(settings.log)).world


def rows() -> Iterator[Row]:
    """Both packages, unary and over a Session stream."""
    with started() as (server, world):
        for kind in (Ntlm, Digest):
            yield from rows_of(Bench(kind, server, world), f"{kind.name.lower()}_accept_tax")


def rows_of(bench: Bench, name: str) -> Iterator[Row]:
    """One package, unary and over a Session stream."""
    recording = bench.record()
    with service.empty({"accept": recording.responses}) as empty:
        costs: dict[str, Callable[[], float]] = {way: partial(bench.cost, way) for way in WAYS}
        for floor in FLOORS:
            costs[f"floor{floor}"] = lambda floor=floor: sum(bench.carried(empty, recording.requests, floor))  # type: ignore[misc]
        found = least(costs)
    for floor in FLOORS:
        yield Row(
            name + floor,
            found[served(floor)],
            "us",
            found[f"floor{floor}"],
            "empty RPCs + the acceptor's half, the same rhythm",
        )
