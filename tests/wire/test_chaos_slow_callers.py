"""Callers that begin calls and do not send them, or send more than the service can do: they hold up nobody else."""

from __future__ import annotations

import queue
import signal
import urllib.request
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from sspid_protos.sspi.v1 import package_service_pb2

from sspid_testing import server
from sspid_testing.wire import INITIALIZE, Wire, status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.wire, pytest.mark.chaos]
SECONDS = 20
INITIALIZE_METHOD = "/sspi.v1.ContextService/InitializeSecurityContext"
CHECK_METHOD = "/grpc.health.v1.Health/Check"
ENUMERATE = package_service_pb2.EnumerateSecurityPackagesRequest()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[server.Running]:
    with server.running(tmp_path, "threads = 4\n[limits]\nwaiting_per_caller = 10\nwaiting_total = 20\n") as service:
        yield service


@pytest.fixture
def channel(service: server.Running) -> Iterator[grpc.Channel]:
    """A connection of its own, over which a caller behaves badly."""
    with grpc.insecure_channel(service.target, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        yield channel


@pytest.fixture
def other(service: server.Running) -> Iterator[Wire]:
    """Another caller, over the Unix socket."""
    with grpc.insecure_channel(service.unix_target) as channel:
        yield Wire(channel)


def begun(channel: grpc.Channel, method: str, number: int) -> list[Any]:
    """Unary calls whose headers are sent and whose messages are not."""
    never: queue.SimpleQueue[None] = queue.SimpleQueue()
    return [channel.stream_unary(method, None, None).future(iter(never.get, None)) for _ in range(number)]


@pytest.mark.parametrize("method", [INITIALIZE_METHOD, CHECK_METHOD])
@pytest.mark.parametrize("number", [10, 500])
def test_calls_that_are_begun_and_not_sent(channel: grpc.Channel, other: Wire, method: str, number: int) -> None:
    calls = begun(channel, method, number)
    answer = other.packages.EnumerateSecurityPackages(ENUMERATE, timeout=SECONDS)
    assert answer.packages
    other.pair()
    checked = health_pb2_grpc.HealthStub(other.channel).Check(health_pb2.HealthCheckRequest(), timeout=SECONDS)
    assert checked.status == health_pb2.HealthCheckResponse.SERVING
    refused = [call for call in calls if call.done()]
    assert all(call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED for call in refused)
    assert all("lack their request message still" in str(call.details()) for call in refused)
    assert sum(not call.done() for call in calls) >= 10 or number == 10
    for call in calls:
        call.cancel()


def test_calls_that_are_given_up_leave_nothing_behind(tmp_path: Path) -> None:
    with server.running(tmp_path, "drain_seconds = 300\n") as service, grpc.insecure_channel(service.target) as channel:
        wire = Wire(channel)
        for call in begun(channel, INITIALIZE_METHOD, 50):
            call.cancel()
        request = INITIALIZE(credential=wire.client_credential(), target_name="localhost")
        for _ in range(50):
            wire.contexts.InitializeSecurityContext.future(request).cancel()
        wire.pair()
        service.process.terminate()
        # It would wait for calls under way.
        assert service.process.wait(60) == 0
        assert '"bug"' not in service.log.read_text("utf-8")


def test_reflection_and_watch_that_stay_open(channel: grpc.Channel, other: Wire) -> None:
    never: queue.SimpleQueue[reflection_pb2.ServerReflectionRequest] = queue.SimpleQueue()
    streams: list[Any] = [
        reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter(never.get, None)) for _ in range(20)
    ]
    streams += [health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest()) for _ in range(20)]
    streams += [channel.stream_stream("/grpc.health.v1.Health/Watch", None, None)(iter(never.get, None)) for _ in range(20)]
    other.pair()
    assert other.packages.EnumerateSecurityPackages(ENUMERATE, timeout=SECONDS).packages
    assert Wire(channel).packages.EnumerateSecurityPackages(ENUMERATE, timeout=SECONDS).packages
    for stream in streams:
        stream.cancel()


def test_a_watch_is_told_what_health_is(channel: grpc.Channel) -> None:
    watch: Any = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=SECONDS)
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
    watch.cancel()


def test_a_message_that_comes_late_is_answered(channel: grpc.Channel, other: Wire) -> None:
    sent: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    call = channel.stream_unary(INITIALIZE_METHOD, None, None).future(iter(sent.get, None), timeout=SECONDS)
    for _ in range(3):
        other.pair()
    sent.put(INITIALIZE().SerializeToString())
    sent.put(None)
    assert status(Wire(channel).contexts.InitializeSecurityContext(INITIALIZE())) == "SEC_E_INVALID_HANDLE"
    assert b"handle" in call.result(SECONDS)


@pytest.mark.parametrize(
    ("messages", "said"),
    [([], "exactly one request message"), ([b"\xff" * 9], "no message of the contract"), ([b"\x0a\x7f"], "no message of the")],
    ids=["none", "bytes", "cut"],
)
def test_what_is_no_request_is_said(channel: grpc.Channel, messages: list[bytes], said: str) -> None:
    for method in (INITIALIZE_METHOD, CHECK_METHOD):
        with pytest.raises(grpc.RpcError) as caught:
            channel.stream_unary(method, None, None)(iter(messages), timeout=SECONDS)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert said in str(caught.value.details())


def test_calls_that_are_too_many_for_the_queue_are_refused_with_a_reason(tmp_path: Path) -> None:
    config = "threads = 1\n[limits]\nqueued_total = 5\n"
    env = {"SSPID_METRICS_ADDRESS": "127.0.0.1:0"}
    with server.running(tmp_path, config, env=env) as service, grpc.insecure_channel(service.target) as channel:
        wire = Wire(channel)
        request = INITIALIZE(credential=wire.client_credential(), target_name="localhost")
        # All of them lie before the service when it goes on.
        service.process.send_signal(signal.SIGSTOP)
        calls: list[Any] = [wire.contexts.InitializeSecurityContext.future(request, timeout=SECONDS) for _ in range(300)]
        service.process.send_signal(signal.SIGCONT)
        refused = [call for call in calls if call.exception(SECONDS) is not None]
        assert 0 < len(refused) < 300
        for call in refused:
            assert call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert "5 unary calls wait for a thread already" in str(call.details())
        page = urllib.request.urlopen(f"http://{service.metrics_address()}/metrics", timeout=SECONDS).read().decode()
        counted = 'sspid_calls_total{function="InitializeSecurityContext",status="RESOURCE_EXHAUSTED"} '
        assert f"{counted}{len(refused)}.0" in page
        wire.pair()
