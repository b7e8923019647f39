"""Callers that behave badly on streams, and streams while the service stops: nobody else notices."""

from __future__ import annotations

import queue
import socket
import urllib.request
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from sspid_protos.sspi.v1 import context_service_pb2, message_service_pb2

from sspid_testing import server
from sspid_testing.wire import DELETE, INITIALIZE, Wire, data_message, status, tokens

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.wire, pytest.mark.chaos]
SESSION = context_service_pb2.SessionRequest
CALL_SECONDS = 20
METRICS = {"SSPID_METRICS_ADDRESS": "127.0.0.1:0"}
LARGE = 200_000


def test_a_caller_that_never_reads_its_answers_holds_up_nobody(tmp_path: Path) -> None:
    with (
        server.running(tmp_path) as service,
        grpc.insecure_channel(service.target, options=[("grpc.use_local_subchannel_pool", 1)]) as channel,
        grpc.insecure_channel(service.target, options=[("grpc.use_local_subchannel_pool", 1)]) as other,
    ):
        wire = Wire(channel)
        sender, _peer = wire.pair()
        encrypt = message_service_pb2.EncryptMessageRequest(context=sender.context, message=data_message(bytes(16_000)))
        silent = []
        for _ in range(8):
            requests = (SESSION(number=number, encrypt_message=encrypt) for number in range(2_000))
            silent.append(wire.contexts.Session(requests))
        for _ in range(5):
            pair = Wire(other).pair(
                lambda request: Wire(other).contexts.InitializeSecurityContext(request, timeout=CALL_SECONDS),
                lambda request: Wire(other).contexts.AcceptSecurityContext(request, timeout=CALL_SECONDS),
            )
            Wire(other).delete(*pair)
        answers: Any = Wire(other).contexts.Session(
            iter([SESSION(number=1, initialize_security_context=INITIALIZE())]), timeout=CALL_SECONDS
        )
        assert next(answers).number == 1
        for stream in silent:
            stream.cancel()


def first_answer(stream: Any) -> str:
    """Whether a stream is answered, or refused for there are too many."""
    try:
        next(stream)
    except grpc.RpcError as error:
        too_many = error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED and "share one stream" in str(error.details())
        return "refused" if too_many else str(error)
    return "answered"


def test_streams_beyond_the_limit_of_all_callers_are_refused_and_not_kept_waiting(tmp_path: Path) -> None:
    with (
        server.running(tmp_path, "[limits]\nstreams_total = 4\nstreams_per_caller = 100\n", env=METRICS) as service,
        grpc.insecure_channel(service.target) as channel,
    ):
        wire = Wire(channel)
        requests = [queue.SimpleQueue[Any]() for _ in range(40)]
        streams: list[Any] = [wire.contexts.Session(iter(each.get, None), timeout=CALL_SECONDS) for each in requests]
        for each in requests:
            each.put(SESSION(number=1, delete_security_context=DELETE()))
        answered = [first_answer(stream) for stream in streams]
        assert sorted(answered) == ["answered"] * 4 + ["refused"] * 36
        page = urllib.request.urlopen(f"http://{service.metrics_address()}/metrics", timeout=CALL_SECONDS).read().decode()
        assert 'sspid_calls_total{function="Session",status="RESOURCE_EXHAUSTED"} 36.0' in page
        wire.pair()
        for each in requests:
            each.put(None)


def test_requests_of_the_largest_size_are_read_and_larger_ones_are_not(tmp_path: Path) -> None:
    with (
        server.running(tmp_path, f"[limits]\nmax_message_bytes = {LARGE}\n") as service,
        grpc.insecure_channel(service.target) as channel,
    ):
        wire = Wire(channel)
        request = INITIALIZE(input=tokens(bytes(LARGE - 100)))
        request.target_name = "x" * (LARGE - request.ByteSize() - 3)
        request.target_name += "x" * (LARGE - request.ByteSize())
        assert request.ByteSize() == LARGE
        assert status(wire.contexts.InitializeSecurityContext(request)) == "SEC_E_INVALID_HANDLE"
        request.target_name += "x"
        with pytest.raises(grpc.RpcError) as caught:
            wire.contexts.InitializeSecurityContext(request)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        bytes(range(256)) * 64,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 4096,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9 * 1000),
    ],
    ids=["nothing", "HTTP/1.1", "bytes", "no frames", "empty frames"],
)
def test_garbage_on_the_port_is_not_the_others_concern(running: server.Running, garbage: bytes) -> None:
    host, _, port = running.target.rpartition(":")
    connections = [socket.create_connection((host, int(port))) for _ in range(20)]
    for connection in connections:
        connection.sendall(garbage)
    with grpc.insecure_channel(running.target) as channel:
        wire = Wire(channel)
        wire.delete(*wire.pair())
    for connection in connections:
        connection.close()
    assert running.process.poll() is None


@pytest.mark.parametrize("method", ["Session", "Handshake"])
def test_what_is_no_request_ends_the_stream_and_says_so(running: server.Running, method: str) -> None:
    with grpc.insecure_channel(running.target) as channel:
        stream: Any = channel.stream_stream(f"/sspi.v1.ContextService/{method}", None, None)
        with pytest.raises(grpc.RpcError) as caught:
            list(stream(iter([b"\xff" * 9]), timeout=CALL_SECONDS))
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "no message of the contract" in str(caught.value.details())
        Wire(channel).delete(*Wire(channel).pair())


def test_messages_of_a_stream_beyond_the_largest_size_end_it(tmp_path: Path) -> None:
    with (
        server.running(tmp_path, f"[limits]\nmax_message_bytes = {LARGE}\n") as service,
        grpc.insecure_channel(service.target) as channel,
    ):
        wire = Wire(channel)
        request = SESSION(number=1, initialize_security_context=INITIALIZE(input=tokens(bytes(LARGE))))
        with pytest.raises(grpc.RpcError) as caught:
            list(wire.contexts.Session(iter([request]), timeout=CALL_SECONDS))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        wire.delete(*wire.pair())


def test_streams_that_are_broken_off_or_never_read_to_their_end_leave_room_for_others(tmp_path: Path) -> None:
    limits = "drain_seconds = 300\n[limits]\nstreams_total = 4\nstreams_per_caller = 4\n"
    with server.running(tmp_path, limits) as service, grpc.insecure_channel(service.target) as channel:
        wire = Wire(channel)
        hello = INITIALIZE(credential=wire.client_credential(), target_name="localhost")
        never: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for number in range(60):
            calls = [SESSION(number=each, initialize_security_context=hello) for each in range(20)]
            streams: list[Any] = [wire.contexts.Session(iter(calls)), wire.contexts.Session(iter(never.get, None))]
            if number % 2:
                assert first_answer(streams[0]) in {"answered", "refused"}
            for stream in streams:
                stream.cancel()
        answered = ""
        while answered != "answered":
            # The service has heard of the last of them by and by.
            answered = first_answer(wire.contexts.Session(iter([SESSION(number=1, initialize_security_context=hello)])))
            assert answered in {"answered", "refused"}
        service.process.terminate()
        assert service.process.wait(60) == 0
        assert '"bug"' not in service.log.read_text("utf-8")
