"""Kerberos contexts accepted: in process, through the service, and through gssproxy's socket, on one realm and one core.

What is compared is the CPU that one accepted context takes of all processes that have a part in it, which on one core is the
time from one context to the next; the initiators' tokens are made beforehand. gssproxy is the ancestor: it, too, keeps the keys
out of the application. Both have as many calls under way: the application of gssproxy by as many threads, whose socket is one
for all of them. The row without a number is where both have enough to do. gssproxy's cheapest way is one call at a time, so
`_best_` sets the cheapest way of either against the other's. Of the service's time MIT's library takes half, as in
`kerberos_accept_in_process`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from socket import AF_UNIX, socket
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import service
from measure import Row, least, process_cpu
from sspid_protos.sspi.v1 import context_service_pb2 as wire
from sspid_protos.sspi.v1 import credentials_pb2, vocabulary_pb2
from traffic import WAYS

from sspid.broker import asks
from sspid.broker.world.gss import MitKerberos
from sspid.packages import questions
from sspid.packages.contract import CredentialRequest, Leg
from sspid.packages.kerberos import package
from sspid.vocabulary.buffers import token
from sspid.vocabulary.credentials import CredentialUse, Keytab
from sspid_testing import peers
from sspid_testing import realm as mit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

CONTEXTS = 512
IN_FLIGHTS = (64, 16, 1)
GSSPROXY = """\
[gssproxy]
[service/acceptor]
 mechs = krb5
 socket = {folder}/acceptor.sock
 cred_store = keytab:{folder}/keytab
 cred_usage = accept
 euid = {user}
"""
# What an application does: accept the tokens of a file on some threads, and say how much of the processor that took.
ACCEPT = """
import json, sys, time
from concurrent.futures import ThreadPoolExecutor
import gssapi.raw as gss
tokens, threads = [bytes.fromhex(line) for line in open(sys.argv[1])], int(sys.argv[2])
credential = gss.acquire_cred(usage="accept", mechs=[gss.MechType.kerberos]).creds
def accept(some):
    for each in some:
        assert not gss.accept_sec_context(each, acceptor_creds=credential).more_steps
began = time.process_time()
if threads == 1:
    accept(tokens)
else:
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(accept, [tokens[at::threads] for at in range(threads)]))
print(json.dumps(time.process_time() - began))
"""


class _World:
    def __init__(self) -> None:
        self._answers: dict[type, Callable[[Any, str], Any]] = {
            **MitKerberos().answers(),
            questions.ReadClock: lambda _question, _caller: datetime.now(UTC),
            questions.ReadPolicy: lambda _question, _caller: None,
        }

    def answer(self, question: questions.Question[Any], caller: str) -> Any:
        """Answer a question."""
        return self._answers[type(question)](question, caller)


class _Logon:
    """One context at the service: one leg in, one out."""

    def __init__(self, credential: Any, data: bytes) -> None:
        self._request = wire.AcceptSecurityContextRequest(
            credential=credential,
            input=[vocabulary_pb2.SecurityBuffer(type=vocabulary_pb2.SECBUFFER_TOKEN, data=data)],
        )

    def begin(self) -> Any:
        """The first request."""
        return self._request

    def go_on(self, response: Any) -> None:
        """Nothing is left to do."""
        assert response.result.status == vocabulary_pb2.SEC_E_OK, response


class _Tokens:
    """Initiators' tokens for HTTP/localhost, each good once."""

    def __init__(self, folder: Path, cache: bytes) -> None:
        import gssapi.raw as gss  # noqa: PLC0415  # where it is missing, `rows` says so

        (folder / "cache").write_bytes(cache)
        kind = gss.NameType.kerberos_principal
        self._gss: Any = gss
        self._target = gss.import_name(mit.HTTP_LOCALHOST.encode(), kind)
        store: Any = {b"ccache": f"FILE:{folder}/cache".encode()}
        self._credential = gss.acquire_cred_from(store, mechs=[gss.MechType.kerberos], usage="initiate").creds

    def make(self) -> list[bytes]:
        """As many as one measurement takes."""
        kerberos = self._gss.MechType.kerberos
        begin = self._gss.init_sec_context
        flags = int(self._gss.RequirementFlag.mutual_authentication)
        return [begin(self._target, creds=self._credential, mech=kerberos, flags=flags).token for _ in range(CONTEXTS)]


def _in_process(tokens: _Tokens, keytab: bytes) -> Callable[[], float]:
    world, kerberos = _World(), package()
    request = CredentialRequest(CredentialUse.INBOUND, Keytab(data=keytab))
    credential = asks.run(kerberos.acquire_credentials_handle(request), world)

    def measured() -> float:
        made = tokens.make()
        began = time.process_time()
        for each in made:
            step = asks.run(kerberos.accept_security_context(None, Leg(credential, (token(each),))), world)
            assert step.established
        return (time.process_time() - began) * 1e6 / CONTEXTS

    return measured


def _application(folder: Path, tokens: _Tokens, threads: int = 1, proxy: int = 0, **environment: str) -> Callable[[], float]:
    """Accept in a process of python gssapi's alone, whose environment says where its keys are."""
    (folder / "accept.py").write_text(ACCEPT, "utf-8")

    def measured() -> float:
        (folder / "tokens").write_text("\n".join(each.hex() for each in tokens.make()), "utf-8")
        command = [sys.executable, str(folder / "accept.py"), str(folder / "tokens"), str(threads)]
        before = process_cpu(proxy) if proxy else 0.0
        done = subprocess.run(command, env={**os.environ, **environment}, check=True, capture_output=True)
        proxied = process_cpu(proxy) - before if proxy else 0.0
        return (float(json.loads(done.stdout)) * 1e6 + proxied) / CONTEXTS

    return measured


def _through_service(server: service.Server, keytab: bytes, tokens: _Tokens, way: str, in_flight: int) -> Callable[[], float]:
    auth_data = credentials_pb2.AuthData(keytab=credentials_pb2.KeytabIdentity(data=keytab))
    credential = server.acquire("Kerberos", auth_data, service.INBOUND)

    def measured() -> float:
        logons = [_Logon(credential, each) for each in tokens.make()]
        began = time.process_time() * 1e6 + process_cpu(server.pid)
        WAYS[way](server.channel, "accept", logons, in_flight)
        return (time.process_time() * 1e6 + process_cpu(server.pid) - began) / CONTEXTS

    return measured


@contextmanager
def _gssproxy(folder: Path, keytab: bytes) -> Iterator[tuple[int, str]]:
    """Run gssproxy with the service's keys; its process and the path of its socket."""
    (folder / "keytab").write_bytes(keytab)
    (folder / "gssproxy.conf").write_text(GSSPROXY.format(folder=folder, user=os.getuid()), "utf-8")
    (folder / "empty").mkdir()
    command = [peers.require("gssproxy"), "-i", "-c", str(folder / "gssproxy.conf"), "-C", str(folder / "empty")]
    with subprocess.Popen([*command, "-s", str(folder / "default.sock")], stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(folder / "acceptor.sock")
            yield process.pid, str(folder / "acceptor.sock")
        finally:
            process.terminate()


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with closing(socket(AF_UNIX)) as probe:
            if path.exists() and probe.connect_ex(str(path)) == 0:
                return
        time.sleep(0.02)
    message = f"nothing listens at {path.name}"
    raise RuntimeError(message)


def rows() -> list[Row]:
    """Measure everything; nothing where MIT's library is missing."""
    if package().readiness():
        return []
    with TemporaryDirectory() as name:
        folder = Path(name)
        realm = mit.Realm(folder)
        realm.create()
        os.environ.update(realm.environment)
        try:
            return _rows(folder, realm)
        finally:
            realm.stop()
            for variable in realm.environment:
                del os.environ[variable]


def _rows(folder: Path, realm: mit.Realm) -> list[Row]:
    keytab = realm.keytab(mit.HTTP_LOCALHOST)
    tokens = _Tokens(folder, realm.cache("alice", mit.HTTP_LOCALHOST))
    own_keys: dict[str, Any] = {"KRB5_KTNAME": f"FILE:{folder}/keytab"}
    with _gssproxy(folder, keytab) as (process, proxy), service.sspid(unix=True) as server:
        proxied: dict[str, Any] = {"GSS_USE_PROXY": "yes", "GSSPROXY_SOCKET": proxy, "KRB5_KTNAME": f"FILE:{folder}/none"}
        costs: dict[str, Callable[[], float]] = {}
        for in_flight in IN_FLIGHTS:
            costs[f"gssproxy_at_{in_flight}"] = _application(folder, tokens, in_flight, process, **proxied)
            for way in WAYS:
                costs[f"service{way}_at_{in_flight}"] = _through_service(server, keytab, tokens, way, in_flight)
        costs["library"] = _application(folder, tokens, **own_keys)
        costs["package"] = _in_process(tokens, keytab)
        found = least(costs)
    return list(_compared(found))


def _compared(found: Mapping[str, float]) -> Iterator[Row]:
    for in_flight, unary in product(IN_FLIGHTS, ("", "_unary")):
        at = "" if in_flight == IN_FLIGHTS[0] else f"_at_{in_flight}"
        value = found[f"service{'' if unary else '_session'}_at_{in_flight}"]
        through = f"through gssproxy's socket, {in_flight} under way"
        yield Row(f"kerberos_accept{unary}_vs_gssproxy{at}", value, "us", found[f"gssproxy_at_{in_flight}"], through)
    best, its_best = (min(value for name, value in found.items() if name.startswith(who)) for who in ("service", "gssproxy"))
    yield Row("kerberos_accept_best_vs_gssproxys", best, "us", its_best, "the cheapest way of either")
    yield Row("kerberos_accept_in_process", found["package"], "us", found["library"], "python gssapi alone, keys in a file")
