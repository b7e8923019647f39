"""Starts the servers that are measured, on the core this process is pinned to, and talks to them; measures nothing."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import grpc
from sspid_protos.sspi.v1 import context_service_pb2 as wire
from sspid_protos.sspi.v1 import credential_service_pb2, credentials_pb2
from sspid_protos.sspi.v1.context_service_pb2_grpc import ContextServiceStub
from sspid_protos.sspi.v1.credential_service_pb2_grpc import CredentialServiceStub

from sspid.rpc.server import Threads
from sspid_testing.server import running

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

INBOUND = credentials_pb2.CREDENTIAL_USE_INBOUND
OUTBOUND = credentials_pb2.CREDENTIAL_USE_OUTBOUND
UNARY_THREADS = Threads().unary


@dataclass(frozen=True, slots=True)
class Server:
    """A server process and a channel to it."""

    pid: int
    channel: grpc.Channel

    def acquire(self, package: str, auth_data: credentials_pb2.AuthData, use: Any) -> Any:
        """AcquireCredentialsHandle: the credential's handle."""
        request = credential_service_pb2.AcquireCredentialsHandleRequest(package_name=package, use=use, auth_data=auth_data)
        response = CredentialServiceStub(self.channel).AcquireCredentialsHandle(request)
        assert response.HasField("credential"), response
        return response.credential

    def delete(self, contexts: Iterable[Any]) -> None:
        """DeleteSecurityContext for all of them."""
        delete = ContextServiceStub(self.channel).DeleteSecurityContext
        for each in contexts:
            delete(wire.DeleteSecurityContextRequest(context=each))


@contextmanager
def sspid(config: str = "", *, unix: bool = False, compiled: bool = True) -> Iterator[Server]:
    """`sspid serve` with its defaults and `config`; as `make bench` and containers have it, or not `compiled`."""
    with (
        TemporaryDirectory() as folder,
        running(Path(folder), config, env=None if compiled else {"PYTHONPATH": ""}) as service,
        grpc.insecure_channel(service.unix_target if unix else service.target) as channel,
    ):
        yield Server(service.process.pid, channel)


@contextmanager
def empty(
    answers: Mapping[str, list[Any]], *, threads: int = UNARY_THREADS, style: str = "generator", unix: bool = False
) -> Iterator[Server]:
    """`empty_server.py` answering each role's legs with these messages."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        for role, messages in answers.items():
            for leg, message in enumerate(messages):
                (folder / f"{role}-{leg}").write_bytes(message.SerializeToString())
        command = [sys.executable, str(Path(__file__).with_name("empty_server.py")), name, str(threads), style]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            port = int(process.stdout.readline())
            target = f"unix://{folder}/empty.sock" if unix else f"127.0.0.1:{port}"
            with grpc.insecure_channel(target) as channel:
                yield Server(process.pid, channel)
            process.stdin.close()
