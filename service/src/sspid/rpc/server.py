"""The gRPC server: every method, every listener, health and reflection put together; reads as one list."""

from __future__ import annotations

import os
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
from google.protobuf import message_factory
from grpc_health.v1 import health, health_pb2
from sspid_protos.sspi.v1 import context_service_pb2, credential_service_pb2, message_service_pb2, package_service_pb2

from sspid.rpc import binding, standard
from sspid.rpc.call_threads import CallThreads
from sspid.rpc.chain import Function, Method, Surroundings
from sspid.rpc.context_service import CONVERSIONS
from sspid.rpc.core import Call, Core
from sspid.rpc.handshake import Handshake
from sspid.rpc.reading import Readings
from sspid.rpc.session import Session, Shared
from sspid.rpc.streams import OpenStreams, StreamMethod
from sspid.rpc.unary import UnaryMethod

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sspid.rpc.callers import Identifies
    from sspid.rpc.metrics import Metrics

SERVICES = (
    package_service_pb2.DESCRIPTOR.services_by_name["PackageService"],
    credential_service_pb2.DESCRIPTOR.services_by_name["CredentialService"],
    context_service_pb2.DESCRIPTOR.services_by_name["ContextService"],
    message_service_pb2.DESCRIPTOR.services_by_name["MessageService"],
)
STREAMS = {"Handshake", "Session"}
REFUSING_THREADS = 4
LAST_SECONDS = 0.5
"""For answers that are on their way. Calls that wait for another machine cannot hear that they are cancelled."""
OPTIONS = (
    ("grpc.max_send_message_length", -1),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
)


class Threads(NamedTuple):
    """How many threads for what: unary calls, streams (one each), and calls that wait; how many calls for no thread yet."""

    unary: int = 8
    streams: int = 128
    streams_per_caller: int = 32
    waiting: int = 32
    waiting_per_caller: int = 32
    queued: int = 1024


class Listener(NamedTuple):
    """Where to listen: "host:port" or "unix:///path"; with the server's credentials where it is TLS."""

    address: str
    credentials: grpc.ServerCredentials | None = None


class Server:
    """One process's gRPC server. `services` maps each service's name to the object with its functions."""

    def __init__(
        self,
        services: Mapping[str, Any],
        callers: Identifies,
        around: Surroundings,
        *,
        threads: Threads,
        max_message_bytes: int,
        may_wait: Callable[[str, bytes, bytes], bool],
        share_ports: bool = False,
    ) -> None:
        self.streams = OpenStreams(per_caller=threads.streams_per_caller, total=threads.streams)
        self.methods = list(_methods(services))
        self.functions = {_snake(method.name): Function(method, around) for method in self.methods}
        self.health = health.HealthServicer()
        self._stopping = threading.Event()
        # Each thread that waits has another in its place: for other machines and contexts, for other workers.
        self._threads = CallThreads(threads.unary, threads.unary + 2 * threads.waiting, threads.queued)
        self._readings = Readings(per_caller=threads.waiting_per_caller, total=threads.waiting)
        self._server = grpc.server(
            ThreadPoolExecutor(REFUSING_THREADS, "unknown"),
            options=[*OPTIONS, ("grpc.so_reuseport", int(share_ports)), ("grpc.max_receive_message_length", max_message_bytes)],
        )
        self._core = Core(self._server, around.log)
        self._add_unary_methods(callers, around.metrics)
        self._add_streams(callers, threads, may_wait, around)
        self._add_standard_streams()

    def _add_unary_methods(self, callers: Identifies, metrics: Metrics | None) -> None:
        serve = partial(UnaryMethod, readings=self._readings, threads=self._threads, stopping=self._stopping)
        for method in self.methods:
            count = partial(metrics.refused, method.name) if metrics else _nobody
            function, parse = self.functions[_snake(method.name)], method.request_type.FromString
            served = serve(function, parse, identify=callers.identify, count=count)
            self._core.serve(f"/{method.service}/{method.name}", served.begin)
        # Asked without identity, each connection is a caller of its own.
        check = serve(standard.check(self.health), health_pb2.HealthCheckRequest.FromString, identify=Call.peer, count=_nobody)
        self._core.serve(standard.CHECK, check.begin)

    def _add_streams(
        self,
        callers: Identifies,
        threads: Threads,
        may_wait: Callable[[str, bytes, bytes], bool],
        around: Surroundings,
    ) -> None:
        waiting = ThreadPoolExecutor(threads.waiting, thread_name_prefix="waiting")
        session = partial(Session, Shared(self.functions, self.streams, waiting, may_wait))
        handshake = partial(Handshake, self.functions)
        serve = partial(
            StreamMethod,
            identify=callers.identify,
            streams=self.streams,
            pool=ThreadPoolExecutor(threads.streams, thread_name_prefix="stream"),
            see_out=self._core.see_out,
            log=around.log,
        )
        for name, converse in (("Session", session), ("Handshake", handshake)):
            count = partial(around.metrics.refused, name) if around.metrics else _nobody
            self._core.serve_stream(f"/sspi.v1.ContextService/{name}", serve(converse, count=count).begin)

    def _add_standard_streams(self) -> None:
        services = [service.full_name for service in SERVICES]
        self._server.add_generic_rpc_handlers((standard.watch_service(self.health), standard.reflection_service(services)))

    def report(self, packages: Sequence[tuple[str, str]]) -> None:
        """Tell health which packages can work: (name, what is missing)."""
        for name, lacking in packages:
            status = health_pb2.HealthCheckResponse.NOT_SERVING if lacking else health_pb2.HealthCheckResponse.SERVING
            self.health.set(f"sspi.package.{name}", status)
        for service in SERVICES:
            self.health.set(service.full_name, health_pb2.HealthCheckResponse.SERVING)

    def listen(self, listener: Listener) -> str:
        """Bind one address and return it as it is bound. `TakenError` where it cannot be had."""
        if listener.address.startswith("unix:"):
            return self._listen_unix(listener)
        try:
            if listener.credentials is None:
                port = self._server.add_insecure_port(listener.address)
            else:
                port = self._server.add_secure_port(listener.address, listener.credentials)
        except RuntimeError:
            raise binding.refused(listener.address, tls=listener.credentials is not None) from None
        return f"{listener.address.rpartition(':')[0]}:{port}"

    def _listen_unix(self, listener: Listener) -> str:
        """The socket's file mode is who may call, so it is closed before anyone can connect."""
        path = binding.socket_path(listener.address)
        binding.clear_path(path)
        before = os.umask(0o177)
        try:
            self._server.add_insecure_port(f"unix:{path}")
        except RuntimeError as error:
            message = f"cannot listen on unix://{path}: {error}; name a path this user may make a socket at."
            raise binding.TakenError(message) from None
        finally:
            os.umask(before)
        return f"unix://{path}"

    def start(self) -> None:
        """Serve."""
        self._server.start()
        self._core.start()

    def stop(self, grace_seconds: float) -> None:
        """Say NOT_SERVING, refuse new calls, finish what is under way for at most `grace_seconds`, end the streams, stop."""
        until = time.monotonic() + grace_seconds
        self.health.enter_graceful_shutdown()
        self._stopping.set()
        self._readings.stop()
        self.streams.drain(grace_seconds)
        self._core.finish(until - time.monotonic())
        # gRPC itself would cancel calls that come while it stops, and the contract says UNAVAILABLE: so it stops last.
        self._server.stop(LAST_SECONDS if grace_seconds else 0).wait(2 * LAST_SECONDS)
        self._core.stop()


def _nobody(*_what: str) -> None:
    """Who counts the calls of other workers: the worker they came to has."""


def _methods(services: Mapping[str, Any]) -> Iterator[Method]:
    for service in SERVICES:
        implementation = services[service.name]
        for method in service.methods:
            if method.name not in STREAMS:
                yield Method(
                    service.full_name,
                    method.name,
                    getattr(implementation, _snake(method.name)),
                    message_factory.GetMessageClass(method.input_type),
                    message_factory.GetMessageClass(method.output_type),
                    *CONVERSIONS.get(method.name, ()),
                )


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
