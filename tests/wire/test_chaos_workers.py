"""Worker processes that are killed, and a supervisor that is: others go on, nothing hangs, nobody is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from sspid_testing import server
from sspid_testing.wire import Wire, encrypt_request, judged_elsewhere, status

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.wire, pytest.mark.chaos]
WORKERS = 3
CALL_SECONDS = 20
CREW = ("--workers", str(WORKERS))


def workers_of(service: server.Running) -> dict[int, int]:
    """Worker number to process."""
    found = {}
    for line in subprocess.check_output(["ps", "-wweo", "pid,args"], text=True).splitlines():
        words = line.split()
        if "worker" in words and str(service.data_dir.parent / "sspid.toml") in words and "defunct" not in line:
            found[int(words[words.index("worker") + 1])] = int(words[0])
    return found


def connections(stack: ExitStack, target: str, number: int) -> list[Wire]:
    """Connections of their own, which the kernel spreads over the workers."""
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_reconnect_backoff_ms", 500)]
    return [Wire(stack.enter_context(grpc.insecure_channel(target, options=options))) for _ in range(number)]


def seal(wire: Wire, context: Any) -> str:
    """The status of an EncryptMessage, or the gRPC status that came instead."""
    try:
        return status(wire.messages.EncryptMessage(encrypt_request(context, b"x"), timeout=CALL_SECONDS))
    except grpc.RpcError as error:
        return str(error.code().name)


def one_of_each_worker(wires: list[Wire]) -> dict[int, tuple[Wire, Any]]:
    """By worker, an established context and a connection it was made over."""
    found: dict[int, tuple[Wire, Any]] = {}
    for wire in wires:
        if len(found) < WORKERS:
            client, _peer = wire.pair()
            found.setdefault(client.context.value[0], (wire, client))
    return found


def test_a_killed_worker_takes_its_own_contexts_along_and_is_started_again(tmp_path: Path) -> None:
    with server.running(tmp_path, arguments=CREW) as service, ExitStack() as stack:
        wires = connections(stack, service.target, 24)
        held = one_of_each_worker(wires)
        assert len(held) == WORKERS, "the kernel spreads the connections over the workers"
        before = workers_of(service)
        victim, (_, lost) = next(iter(held.items()))
        os.kill(before[victim], signal.SIGKILL)
        until = time.monotonic() + CALL_SECONDS
        seen = set()
        while time.monotonic() < until and "SEC_E_INVALID_HANDLE" not in seen:
            seen |= {seal(wire, lost) for wire in wires}
        assert "SEC_E_INVALID_HANDLE" in seen, "the worker is back and does not know the context"
        assert seen <= {"SEC_E_INVALID_HANDLE", "UNAVAILABLE"}, seen
        for worker, (_, context) in held.items():
            if worker != victim:
                assert seal(wires[0], context) in {"SEC_E_OK", "UNAVAILABLE"}
                assert "SEC_E_OK" in {seal(wire, context) for wire in wires}
        after = workers_of(service)
        assert after[victim] != before[victim]
        assert {each: after[each] for each in after if each != victim} == {
            each: before[each] for each in before if each != victim
        }
        for wire in connections(stack, service.target, 6):
            wire.delete(*wire.pair())
        assert "worker died" in service.log_text()
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(CALL_SECONDS) == 0


def test_a_call_under_way_on_a_killed_worker_does_not_hang(tmp_path: Path) -> None:
    program = tmp_path / "ntlm_auth"
    program.write_text("#!/bin/sh\nexec sleep 30\n")
    program.chmod(0o700)
    config = f'[winbind]\nenabled = true\npath = "{program}"\nwbinfo = ""\ndeadline_seconds = 300.0\n'
    with server.running(tmp_path, config, arguments=CREW) as service, ExitStack() as stack:
        from_all = connections(stack, service.target, 12)
        call = judged_elsewhere(from_all[0])
        futures = [wire.contexts.AcceptSecurityContext.future(call, timeout=CALL_SECONDS * 3) for wire in from_all]
        time.sleep(0.5)
        os.kill(workers_of(service)[call.context.value[0]], signal.SIGKILL)
        for future in futures:
            assert future.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.OK}, future
            if future.code() is grpc.StatusCode.OK:
                assert status(future.result()) == "SEC_E_INVALID_HANDLE"


def test_workers_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    with server.running(tmp_path, arguments=CREW) as service:
        assert len(workers_of(service)) == WORKERS
        service.process.kill()
        service.process.wait()
        until = time.monotonic() + CALL_SECONDS
        while workers_of(service) and time.monotonic() < until:
            time.sleep(0.1)
        assert not workers_of(service)
    with server.running(tmp_path) as again, grpc.insecure_channel(again.target) as channel:
        Wire(channel).pair()


def test_a_worker_that_keeps_dying_ends_the_service_and_leaves_nobody(tmp_path: Path) -> None:
    with server.running(tmp_path, arguments=CREW) as service:
        until = time.monotonic() + 3 * CALL_SECONDS
        while service.process.poll() is None and time.monotonic() < until:
            if 1 in workers_of(service):
                os.kill(workers_of(service)[1], signal.SIGKILL)
            time.sleep(0.2)
        assert service.process.poll() == 1
        assert not workers_of(service)
