"""A world that never answers: calls that wait for it hold up nobody, neither other unary calls nor others on their stream."""

from __future__ import annotations

import queue
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from sspid_protos.sspi.v1 import context_service_pb2, package_service_pb2

from sspid_testing import server
from sspid_testing.wire import DELETE, INITIALIZE, OUTBOUND, Wire, alice, credential, judged_elsewhere, status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.wire, pytest.mark.chaos]
MAY_WAIT = 12
"""More than the service has threads for unary calls."""
REFUSED = 4
CALL_SECONDS = 20
LIMITS = f"drain_seconds = 0.2\n[limits]\nwaiting_per_caller = {MAY_WAIT}\n"
Call = tuple[str, Any]


class SilentWinbind:
    """`ntlm_auth` that starts and then says nothing."""

    def __init__(self, folder: Path) -> None:
        program = folder / "ntlm_auth"
        program.write_text("#!/bin/sh\nexec sleep 300\n")
        program.chmod(0o700)
        self.config = f'{LIMITS}[winbind]\nenabled = true\npath = "{program}"\nwbinfo = ""\ndeadline_seconds = 300.0\n'
        self.env: dict[str, str] = {}

    def call(self, wire: Wire) -> Call:
        """An acceptor's last leg, which asks the domain."""
        return "accept_security_context", judged_elsewhere(wire)

    def close(self) -> None:
        pass


class SilentKdc:
    """A KDC that takes connections and never answers."""

    def __init__(self, folder: Path) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        port = self._listening.getsockname()[1]
        (folder / "krb5.conf").write_text(
            "[libdefaults]\ndefault_realm = SILENT.TEST\ndns_lookup_kdc = false\nudp_preference_limit = 1\n"
            f"[realms]\nSILENT.TEST = {{\nkdc = 127.0.0.1:{port}\n}}\n"
        )
        self.config = f"{LIMITS}[kerberos]\ndeadline_seconds = 60.0\n"
        self.env = {"KRB5_CONFIG": str(folder / "krb5.conf")}

    @staticmethod
    def call(wire: Wire) -> Call:
        """An initiator's first leg, which asks the KDC for tickets."""
        user = credential(wire, "Kerberos", OUTBOUND, password=alice("SILENT.TEST"))
        return "initialize_security_context", INITIALIZE(credential=user, target_name="HTTP/x.silent.test")

    def close(self) -> None:
        self._listening.close()


@contextmanager
def slow_service(folder: Path, kind: Callable[[Path], Any], *arguments: str) -> Iterator[tuple[Wire, list[Call]]]:
    """A service whose world is silent, and the calls that wait for it."""
    world = kind(folder)
    try:
        with (
            server.running(folder, world.config, env=world.env, arguments=arguments) as service,
            grpc.insecure_channel(service.target) as channel,
        ):
            wire = Wire(channel)
            yield wire, [world.call(wire) for _ in range(MAY_WAIT + REFUSED)]
    finally:
        world.close()


def begin_unary(wire: Wire, calls: list[Call]) -> list[Any]:
    """All calls at once. As many as may not wait are refused, and that is how one knows that the others do."""
    ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
    under_way = []
    for name, request in calls:
        function = "AcceptSecurityContext" if name.startswith("accept") else "InitializeSecurityContext"
        future = getattr(wire.contexts, function).future(request)
        future.add_done_callback(ended.put)
        under_way.append(future)
    for _ in range(REFUSED):
        refused = ended.get(timeout=CALL_SECONDS)
        assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED, refused.details()
    return [future for future in under_way if not future.done()]


def whole_handshakes(wire: Wire) -> None:
    """Handshakes and a listing, on the same connection as the calls that wait."""
    for _ in range(3):
        wire.delete(*wire.pair(
            lambda request: wire.contexts.InitializeSecurityContext(request, timeout=CALL_SECONDS),
            lambda request: wire.contexts.AcceptSecurityContext(request, timeout=CALL_SECONDS),
        ))  # fmt: skip


@pytest.mark.parametrize("kind", [SilentWinbind, SilentKdc])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_unary_calls_go_on_while_others_wait(tmp_path: Path, kind: Callable[[Path], Any], workers: str) -> None:
    with slow_service(tmp_path, kind, "--workers", workers) as (wire, calls):
        waiting = begin_unary(wire, calls)
        whole_handshakes(wire)
        assert len(waiting) == MAY_WAIT
        assert not any(future.done() for future in waiting), "they were never answered, and nobody minded"


@pytest.mark.parametrize("kind", [SilentWinbind, SilentKdc])
def test_the_same_session_goes_on_while_its_other_calls_wait(tmp_path: Path, kind: Callable[[Path], Any]) -> None:
    with slow_service(tmp_path, kind) as (wire, calls):
        requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        answers: Any = wire.contexts.Session(iter(requests.get, None))
        for number, (name, request) in enumerate(calls):
            requests.put(context_service_pb2.SessionRequest(number=number, **{name: request}))
        refused = [next(answers) for _ in range(REFUSED)]
        assert {each.refusal.code for each in refused} == {grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]}
        numbers = iter(range(1000, 2000))

        def call(name: str, request: Any) -> Any:
            number = next(numbers)
            requests.put(context_service_pb2.SessionRequest(number=number, **{name: request}))
            answer = next(answers)
            assert answer.number == number, "a call that waits was answered"
            return getattr(answer, name)

        client, peer = wire.pair(
            lambda request: call("initialize_security_context", request),
            lambda request: call("accept_security_context", request),
        )
        assert (status(client), status(peer)) == ("SEC_E_OK", "SEC_E_OK")
        requests.put(None)


ANSWERED_AT_LAST = """#!/bin/sh
read line
while [ ! -e {gate} ]; do sleep 0.05; done
printf 'Authenticated: No\\n.\\n'
exec sleep 300
"""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_calls_under_way_are_answered_before_a_stopping_service_ends(tmp_path: Path, workers: str) -> None:
    world = SilentWinbind(tmp_path)
    (tmp_path / "ntlm_auth").write_text(ANSWERED_AT_LAST.format(gate=tmp_path / "gate"))
    config = world.config.replace("drain_seconds = 0.2", "drain_seconds = 30.0")
    with server.running(tmp_path, config, arguments=("--workers", workers)) as service:
        channels = [grpc.insecure_channel(service.target, options=[("grpc.use_local_subchannel_pool", 1)]) for _ in range(2)]
        wires = [Wire(channel) for channel in channels]
        calls = [world.call(wires[0]) for _ in range(4)]
        waiting = [wire.contexts.AcceptSecurityContext.future(calls[at][1]) for at, wire in enumerate(wires)]
        requests: list[queue.SimpleQueue[Any]] = [queue.SimpleQueue() for _ in wires]
        streams: list[Any] = [wire.contexts.Session(iter(requests[at].get, None)) for at, wire in enumerate(wires)]
        for at, stream in enumerate(streams):
            requests[at].put(context_service_pb2.SessionRequest(number=1, delete_security_context=DELETE()))
            assert next(stream).number == 1
            requests[at].put(context_service_pb2.SessionRequest(number=2, accept_security_context=calls[2 + at][1]))
        wait_until_asked(service)
        service.process.send_signal(signal.SIGTERM)
        refused_new_calls(wires[0])
        (tmp_path / "gate").touch()
        assert [status(each.result(CALL_SECONDS)) for each in waiting] == ["SEC_E_LOGON_DENIED"] * 2
        assert [status(next(stream).accept_security_context) for stream in streams] == ["SEC_E_LOGON_DENIED"] * 2
        assert service.process.wait(CALL_SECONDS) == 0
        for channel in channels:
            channel.close()


def wait_until_asked(service: server.Running) -> None:
    """Until four helpers of the service's processes run: one for each call that waits."""
    until = time.monotonic() + CALL_SECONDS
    while time.monotonic() < until:
        listed = subprocess.check_output(["ps", "-wweo", "args"], text=True).splitlines()
        if sum(str(service.data_dir.parent / "ntlm_auth") in line for line in listed) == 4:
            return
        time.sleep(0.05)
    raise AssertionError(listed)


def refused_new_calls(wire: Wire) -> None:
    """Until a new call is refused: the service has begun to stop."""
    until = time.monotonic() + CALL_SECONDS
    while time.monotonic() < until:
        future = wire.packages.EnumerateSecurityPackages.future(package_service_pb2.EnumerateSecurityPackagesRequest())
        if future.code() is not grpc.StatusCode.OK:
            assert future.code() is grpc.StatusCode.UNAVAILABLE, future
            return
        time.sleep(0.02)
    raise AssertionError("still serving")
