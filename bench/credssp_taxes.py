"""CredSSP through the service: its tax on an acceptor, and both roles through it beside pyspnego's own loop in process."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import credssp as credssp_bench
import service
from accept_taxes import IN_FLIGHT, Bench, rows_of, started
from measure import Row, least, process_cpu
from sspid_protos.sspi.v1 import context_service_pb2 as wire
from sspid_protos.sspi.v1 import credentials_pb2, vocabulary_pb2
from tls_peers import GROUPS
from traffic import run_session

from sspid.broker import asks
from sspid.packages.contract import CredentialRequest, Leg
from sspid.vocabulary.buffers import token, token_in
from sspid.vocabulary.credentials import CertificateAndKey, CredentialUse, CredSspPair, Password, Schannel
from sspid.vocabulary.flags import NO_FLAGS
from sspid_testing import tls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sspid.packages.contract import Step
    from sspid.vocabulary.buffers import Buffers

LOGONS = 120
CONFIG = """
[log]
level = "info"
[policy.negotiate]
packages = ["ntlm"]
"""
DELEGATE = (vocabulary_pb2.CONTEXT_FLAG_DELEGATE,)


def _certificate(key: str) -> CertificateAndKey:
    return tls.issued(key=key)


def _acceptor(key: str) -> credentials_pb2.AuthData:
    """An acceptor's credential: a certificate, and the service's own accounts."""
    own = _certificate(key)
    certificate = credentials_pb2.CertificateAndKey(certificate_pem=own.certificate_pem, key_pem=own.key_pem)
    settings = credentials_pb2.SchannelSettings(groups=GROUPS)
    schannel = credentials_pb2.SchannelCredential(certificates=[certificate], settings=settings)
    pair = credentials_pb2.CredSspCredential(schannel=credentials_pb2.AuthData(schannel=schannel))
    return credentials_pb2.AuthData(credssp=pair)


def _initiator() -> credentials_pb2.AuthData:
    """An initiator's: trust, and a password."""
    settings = credentials_pb2.SchannelSettings(groups=GROUPS, trust_anchors_pem=tls.roots())
    password = credentials_pb2.PasswordIdentity(
        user=credssp_bench.USER, domain=credssp_bench.DOMAIN, password=credssp_bench.PASSWORD
    )
    pair = credentials_pb2.CredSspCredential(
        schannel=credentials_pb2.AuthData(schannel=credentials_pb2.SchannelCredential(settings=settings)),
        negotiate=credentials_pb2.AuthData(password=password),
    )
    return credentials_pb2.AuthData(credssp=pair)


class CredSsp:
    """Four legs: ClientHello; Finished with NEGOTIATE; AUTHENTICATE with pubKeyAuth; the credentials."""

    name, flags, legs = "CredSSP", NO_FLAGS, 4
    auth_data = _acceptor("ECDSA")
    _package = credssp_bench.our_package()
    _settings = tls.settings(groups=GROUPS)
    _mine = CredSspPair(
        Schannel(settings=_settings), Password(credssp_bench.USER, credssp_bench.DOMAIN, credssp_bench.PASSWORD)
    )
    _own = CredSspPair(Schannel((_certificate("ECDSA"),), _settings), None)
    _outbound = asks.run(
        _package.acquire_credentials_handle(CredentialRequest(CredentialUse.OUTBOUND, _mine)), credssp_bench.WORLD
    )
    _inbound = asks.run(
        _package.acquire_credentials_handle(CredentialRequest(CredentialUse.INBOUND, _own)), credssp_bench.WORLD
    )

    def __init__(self, world: asks.World) -> None:
        self._world = world
        self._mine_now: Any = None
        self._theirs_now: Any = None

    def client(self, received: bytes) -> Buffers:
        """A leg of the initiator."""
        given = (token(received),) if received else ()
        leg = Leg(self._outbound, given, credssp_bench.FLAGS, credssp_bench.TARGET)
        step: Step = asks.run(self._package.initialize_security_context(self._mine_now, leg), credssp_bench.WORLD)
        self._mine_now = step.state
        return (token(token_in(step.output)),)

    def server(self, sent: Buffers) -> bytes:
        """A leg of the acceptor."""
        leg = Leg(self._inbound, sent, self.flags, caller="anonymous")
        step: Step = asks.run(self._package.accept_security_context(self._theirs_now, leg), self._world, "anonymous")
        self._theirs_now = step.state
        return token_in(step.output)


@dataclass
class Both:
    """One handshake with both roles at the service, its caller carrying tokens; ends once the acceptor says SEC_E_OK."""

    outbound: Any
    inbound: Any
    ended: list[Any]
    contexts: dict[type, Any] = field(default_factory=dict)
    accepts: bool = False

    def begin(self) -> Any:
        """The initiator's first leg."""
        return wire.InitializeSecurityContextRequest(credential=self.outbound, flags=DELEGATE, target_name=credssp_bench.TARGET)

    def go_on(self, response: Any) -> Any | None:
        """Carry the token to the other role."""
        status = response.result.status
        assert status in (vocabulary_pb2.SEC_E_OK, vocabulary_pb2.SEC_I_CONTINUE_NEEDED), response.result
        self.contexts[type(response)] = response.context
        if self.accepts and status == vocabulary_pb2.SEC_E_OK:
            self.ended += self.contexts.values()
            return None
        self.accepts = not self.accepts
        return self._accept(response) if self.accepts else self._initialize(response)

    def _accept(self, response: Any) -> Any:
        context = self.contexts.get(wire.AcceptSecurityContextResponse)
        handle = {"credential": self.inbound} if context is None else {"context": context}
        return wire.AcceptSecurityContextRequest(input=response.output, **handle)

    def _initialize(self, response: Any) -> Any:
        context = self.contexts[wire.InitializeSecurityContextResponse]
        return wire.InitializeSecurityContextRequest(
            context=context, input=response.output, flags=DELEGATE, target_name=credssp_bench.TARGET
        )


class BothRoles:
    """Handshakes of the service with itself."""

    def __init__(self, server: service.Server, key: str) -> None:
        self._server = server
        self._outbound = server.acquire("CredSSP", _initiator(), service.OUTBOUND)
        self._inbound = server.acquire("CredSSP", _acceptor(key), service.INBOUND)
        self._contexts: list[Any] = []

    def _handshakes(self) -> Iterator[Both]:
        while True:
            yield Both(self._outbound, self._inbound, self._contexts)

    def cost(self) -> float:
        """CPU of the service and of its caller, microseconds a handshake; deleting the contexts is not in it."""
        pids = (self._server.pid, os.getpid())
        before = sum(map(process_cpu, pids))
        run_session(self._server.channel, "", islice(self._handshakes(), LOGONS), IN_FLIGHT)
        used = sum(map(process_cpu, pids)) - before
        self._server.delete(self._contexts)
        self._contexts.clear()
        return used / LOGONS


def rows() -> Iterator[Row]:
    """The taxes, and both roles beside pyspnego."""
    with started(CONFIG) as (server, world), TemporaryDirectory() as folder:
        yield from rows_of(Bench(CredSsp, server, world, LOGONS), "credssp_accept_tax")
        yield from _both(server, Path(folder))


def _both(server: service.Server, folder: Path) -> Iterator[Row]:
    for floor in credssp_bench.pyspnego(folder):
        roles = BothRoles(server, floor.key)
        roles.cost()
        floor.handshake()
        found = least({"ours": roles.cost, "theirs": credssp_bench.cost(floor.handshake, LOGONS // 4)})
        peer = f"{floor.peer}, credentials acquired once here" if floor.anew else floor.peer
        yield Row(f"credssp_service{floor.suffix}_vs_pyspnego", found["ours"], "us", found["theirs"], peer)
