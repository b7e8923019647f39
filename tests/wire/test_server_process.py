"""The service as a process: listeners, callers, workers, draining, logs. These start services of their own."""

from __future__ import annotations

import json
import os
import queue
import signal
import stat
import subprocess
import sys
import time
import urllib.request
from collections import deque
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
import trustme
from sspid_protos.sspi.v1 import context_service_pb2, package_service_pb2

from sspid_testing import server
from sspid_testing.wire import ACCEPT, INITIALIZE, Wire, encrypt_request, status, token_out, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.wire


@contextmanager
def connected(folder: Path, config: str) -> Iterator[tuple[server.Running, grpc.Channel]]:
    with server.running(folder, config) as service, grpc.insecure_channel(service.target) as channel:
        yield service, channel


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sspid", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **variables},
    )


def test_the_unix_socket_serves_and_only_its_user_may_open_it(running: server.Running) -> None:
    path = Path(running.unix_target.removeprefix("unix://"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(running.data_dir.stat().st_mode) == 0o700
    for each in (running.data_dir / "certificates").iterdir():
        assert stat.S_IMODE(each.stat().st_mode) == 0o600
    with grpc.insecure_channel(running.unix_target) as channel:
        Wire(channel).pair()


def test_a_handle_of_the_unix_caller_is_unknown_to_the_tcp_caller(running: server.Running) -> None:
    with grpc.insecure_channel(running.unix_target) as unix, grpc.insecure_channel(running.target) as tcp:
        client, _server = Wire(unix).pair()
        foreign = Wire(tcp).messages.EncryptMessage(encrypt_request(client, b"x"))
        own = Wire(unix).messages.EncryptMessage(encrypt_request(client, b"x"))
    assert (status(foreign), status(own)) == ("SEC_E_INVALID_HANDLE", "SEC_E_OK")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mutual")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    for name, identity in (("server", "localhost"), ("alice", "alice@example.test"), ("bob", "bob@example.test")):
        issued = ca.issue_cert(identity, common_name=name)
        issued.private_key_pem.write_to_path(folder / f"{name}.key")
        for index, pem in enumerate(issued.cert_chain_pems):
            pem.write_to_path(folder / f"{name}.pem", append=index > 0)
    return folder


def tls_channel(authority: Path, target: str, name: str) -> grpc.Channel:
    key, certificate = ((authority / f"{name}.{kind}").read_bytes() for kind in ("key", "pem")) if name else (None, None)
    credentials = grpc.ssl_channel_credentials((authority / "ca.pem").read_bytes(), key, certificate)
    return grpc.secure_channel(target.replace("127.0.0.1", "localhost"), credentials)


def test_mutual_tls_tells_callers_apart(authority: Path, tmp_path: Path) -> None:
    listeners = f"""
[[listeners]]
address = "127.0.0.1:0"
[listeners.tls]
certificate = "{authority}/server.pem"
key = "{authority}/server.key"
client_ca = "{authority}/ca.pem"
"""
    with (
        server.running(tmp_path, listeners=listeners) as service,
        tls_channel(authority, service.target, "alice") as alice,
        tls_channel(authority, service.target, "bob") as bob,
        tls_channel(authority, service.target, "") as nobody,
    ):
        client, _server = Wire(alice).pair()
        foreign = Wire(bob).messages.EncryptMessage(encrypt_request(client, b"x"))
        assert status(foreign) == "SEC_E_INVALID_HANDLE"
        assert status(Wire(alice).messages.EncryptMessage(encrypt_request(client, b"x"))) == "SEC_E_OK"
        with pytest.raises(grpc.RpcError):
            Wire(nobody).packages.EnumerateSecurityPackages(package_service_pb2.EnumerateSecurityPackagesRequest(), timeout=5)
        callers = {json.loads(line).get("caller") for line in service.log_text().splitlines()}
    assert any("alice" in str(caller) for caller in callers)


@pytest.mark.parametrize(
    ("listener", "reason"),
    [
        ('address = "0.0.0.0:0"\nanonymous = true', "has no TLS"),
        ('address = "127.0.0.1:0"', "nobody could call"),
        ('address = "here"', "is no address"),
    ],
)
def test_a_listener_that_would_let_strangers_in_does_not_start(tmp_path: Path, listener: str, reason: str) -> None:
    config = tmp_path / "sspid.toml"
    config.write_text(f"[[listeners]]\n{listener}\n")
    tried = run("serve", "--config", str(config), SSPID_DATA_DIR=str(tmp_path / "data"))
    assert tried.returncode != 0
    assert reason in tried.stderr
    assert f"{config}:2" in tried.stderr, "the line is named"


def test_an_address_that_cannot_be_bound_is_said_plainly(tmp_path: Path) -> None:
    config = tmp_path / "sspid.toml"
    config.write_text(f'[[listeners]]\naddress = "unix://{tmp_path}/missing-\0"\n'.replace("\0", "x" * 200))
    tried = run("serve", "--config", str(config), SSPID_DATA_DIR=str(tmp_path / "data"))
    assert tried.returncode != 0
    assert "cannot listen" in tried.stderr


@pytest.fixture(scope="module")
def crew(tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.Running]:
    with server.running(tmp_path_factory.mktemp("crew"), arguments=("--workers", "3")) as service:
        yield service


def channels(target: str, number: int) -> list[grpc.Channel]:
    """Connections of their own, which the kernel spreads over the workers."""
    return [grpc.insecure_channel(target, options=[("grpc.use_local_subchannel_pool", 1)]) for _ in range(number)]


def test_a_handle_reaches_its_owner_whichever_worker_the_call_lands_on(crew: server.Running) -> None:
    connections = [Wire(channel) for channel in channels(crew.target, 12)]
    owners = {wire.client_credential().value[0] for wire in connections}
    assert len(owners) > 1, "the kernel spreads twelve connections over three workers"
    for index, wire in enumerate(connections):
        other, third = connections[(index + 5) % 12], connections[(index + 7) % 12]
        begun = other.contexts.InitializeSecurityContext(
            INITIALIZE(credential=wire.client_credential(), target_name="localhost")
        )
        answered = third.contexts.AcceptSecurityContext(
            ACCEPT(credential=other.server_credential(), input=tokens(token_out(begun)))
        )
        done = wire.contexts.InitializeSecurityContext(INITIALIZE(context=begun.context, input=tokens(token_out(answered))))
        last = wire.contexts.AcceptSecurityContext(ACCEPT(context=answered.context, input=tokens(token_out(done))))
        assert (status(done), status(last)) == ("SEC_E_OK", "SEC_E_OK")
        third.delete(done, last)
        assert status(other.contexts.InitializeSecurityContext(INITIALIZE(context=begun.context))) == "SEC_E_INVALID_HANDLE"
    for wire in connections:
        wire.channel.close()


def test_the_workers_own_sockets_take_no_calls_from_outside(crew: server.Running) -> None:
    line = next(
        each
        for each in subprocess.check_output(["ps", "-eo", "args"], text=True).splitlines()
        if "worker 0 3" in each and "sspid-" in each
    )
    folder = next(word for word in line.split() if "/sspid-" in word and "config" not in word and Path(word).is_dir())
    assert stat.S_IMODE(Path(folder).stat().st_mode) == 0o700
    with grpc.insecure_channel(f"unix:{folder}/worker-0.sock") as channel, pytest.raises(grpc.RpcError) as caught:
        Wire(channel).client_credential()
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_sigterm_finishes_what_is_under_way_and_exits_0(tmp_path: Path) -> None:
    with server.running(tmp_path) as service:
        with grpc.insecure_channel(service.target) as channel:
            wire = Wire(channel)
            wire.pair()
            answers = wire.contexts.Session(iter(queue.SimpleQueue[context_service_pb2.SessionRequest]().get, None))
            wire.client_credential()
            service.process.send_signal(signal.SIGTERM)
            with pytest.raises(grpc.RpcError):
                list(answers)
        assert service.process.wait(15) == 0


def test_several_workers_drain_and_exit_0_too(tmp_path: Path) -> None:
    with server.running(tmp_path, arguments=("--workers", "2")) as service:
        with grpc.insecure_channel(service.target) as channel:
            Wire(channel).pair()
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(20) == 0


def test_one_audit_line_a_handshake_and_metrics_by_status(tmp_path: Path) -> None:
    with server.running(tmp_path, env={"SSPID_METRICS_ADDRESS": "127.0.0.1:0"}) as service:
        with grpc.insecure_channel(service.target) as channel:
            wire = Wire(channel)
            wire.delete(*wire.pair())
            wire.contexts.InitializeSecurityContext(INITIALIZE())
        lines = [json.loads(line) for line in service.log_text().splitlines()]
        handshakes = [line for line in lines if line["event"] == "handshake"]
        assert {(line["role"], line["status"], line["package"]) for line in handshakes} == {
            ("initiator", "SEC_E_OK", "Schannel"),
            ("acceptor", "SEC_E_OK", "Schannel"),
        }
        assert len(handshakes) == 2
        address = service.metrics_address()
        page = urllib.request.urlopen(f"http://{address}/metrics", timeout=5).read().decode()  # our own
    assert 'sspid_calls_total{function="InitializeSecurityContext",status="SEC_E_OK"} 1.0' in page
    assert 'sspid_calls_total{function="InitializeSecurityContext",status="SEC_E_INVALID_HANDLE"} 1.0' in page
    assert 'sspid_handshakes_total{package="Schannel",role="acceptor",status="SEC_E_OK"} 1.0' in page
    assert "sspid_working_seconds_bucket" in page


def test_abandoned_handshakes_are_cleaned_up_after_their_own_shorter_time(tmp_path: Path) -> None:
    with connected(tmp_path, "[limits]\nunfinished_seconds = 1.0\n") as (service, channel):
        wire = Wire(channel)
        client, peer = wire.pair()
        begun = wire.contexts.InitializeSecurityContext(
            INITIALIZE(credential=wire.client_credential(), target_name="localhost")
        )
        until = time.monotonic() + 15
        while "SEC_E_UNFINISHED_CONTEXT_DELETED" not in service.log_text() and time.monotonic() < until:
            time.sleep(0.2)
        assert "SEC_E_UNFINISHED_CONTEXT_DELETED" in service.log_text()
        assert status(wire.contexts.InitializeSecurityContext(INITIALIZE(context=begun.context))) == "SEC_E_INVALID_HANDLE"
        assert status(wire.messages.EncryptMessage(encrypt_request(client, b"x"))) == "SEC_E_OK"
        wire.delete(client, peer)


def test_quotas_are_refused_with_a_reason(tmp_path: Path) -> None:
    with connected(tmp_path, "[limits]\ncontexts_per_caller = 2\n") as (_service, channel):
        wire = Wire(channel)
        wire.pair()
        with pytest.raises(grpc.RpcError) as caught:
            wire.contexts.InitializeSecurityContext(INITIALIZE(credential=wire.client_credential(), target_name="localhost"))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "This caller holds 2 contexts" in str(caught.value.details())


def test_a_caller_over_its_rate_is_slowed_down(tmp_path: Path) -> None:
    request = package_service_pb2.EnumerateSecurityPackagesRequest()
    with connected(tmp_path, "[limits]\ncalls_per_second = 5.0\n") as (_service, channel):
        wire = Wire(channel)
        with pytest.raises(grpc.RpcError) as caught:
            deque(map(wire.packages.EnumerateSecurityPackages, [request] * 50), maxlen=0)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_an_exported_context_survives_a_restart_of_the_service(tmp_path: Path) -> None:
    with server.running(tmp_path) as service, grpc.insecure_channel(service.target) as channel:
        wire = Wire(channel)
        client, _server = wire.pair()
        exported = wire.contexts.ExportSecurityContext(context_service_pb2.ExportSecurityContextRequest(context=client.context))
    assert status(exported) == "SEC_E_OK"
    with server.running(tmp_path) as service, grpc.insecure_channel(service.target) as channel:
        imported = Wire(channel).contexts.ImportSecurityContext(
            context_service_pb2.ImportSecurityContextRequest(
                package_name=exported.package_name, packed_context=exported.packed_context
            )
        )
        assert status(imported) == "SEC_E_OK"


def test_the_command_says_its_version_and_checks_a_configuration(tmp_path: Path) -> None:
    assert run("version").stdout.strip()
    assert "is good" in run("check-config").stdout
    config = tmp_path / "sspid.toml"
    config.write_text('data_dir = "/x"\n[limits]\nidle_seconds = "soon"\n')
    checked = run("check-config", "--config", str(config))
    assert checked.returncode != 0
    assert f"{config}:3" in checked.stderr


def test_the_health_command_asks_a_running_service(running: server.Running) -> None:
    assert run("health", "--target", running.target).returncode == 0
    assert run("health", "--target", running.target, "--package", "Schannel").stdout.strip() == "SERVING"
    assert run("health", "--target", "127.0.0.1:1").returncode == 1
