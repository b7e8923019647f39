"""Kerberos contexts accepted: in process, through the service, and through gssproxy's socket, on one realm.

gssproxy is the ancestor: it, too, keeps the keys out of the application. What is compared is the CPU that one accepted context
takes of all processes that have a part in it, which on one core is the time from one context to the next; the initiators'
tokens are made beforehand. Both have as many calls under way, gssproxy's application by as many threads, whose socket is one
for all of them; the row without a number is where both have enough to do. gssproxy's cheapest way is one call at a time, so
`_best_` sets the cheapest way of either against the other's. `_by_the_clock` has every core of the machine, and repeats worse.
Of the service's time MIT's library takes half, as in `kerberos_accept_in_process`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import product
from pathlib import Path
from socket import AF_UNIX, socket
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import service
from measure import Row, every_core, least, process_cpu
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
MANY = 64
IN_FLIGHTS = (MANY, 16, 1)
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
began = time.process_time(), time.perf_counter()
if threads == 1:
    accept(tokens)
else:
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(accept, [tokens[at::threads] for at in range(threads)]))
print(json.dumps((time.process_time() - began[0], time.perf_counter() - began[1])))
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
    """Accept in a process of python gssapi's alone, whose environment says where its keys are: its CPU and the proxy's."""

    def measured() -> float:
        before = process_cpu(proxy) if proxy else 0.0
        used, _ = _accepted(folder, tokens, threads, environment)
        proxied = process_cpu(proxy) - before if proxy else 0.0
        return (used * 1e6 + proxied) / CONTEXTS

    return measured


def _accepted(folder: Path, tokens: _Tokens, threads: int, environment: Mapping[str, str]) -> tuple[float, float]:
    """What such a process took for all contexts: seconds of CPU, and by the clock."""
    (folder / "accept.py").write_text(ACCEPT, "utf-8")
    (folder / "tokens").write_text("\n".join(each.hex() for each in tokens.make()), "utf-8")
    command = [sys.executable, str(folder / "accept.py"), str(folder / "tokens"), str(threads)]
    done = subprocess.run(command, env={**os.environ, **environment}, check=True, capture_output=True)
    used, elapsed = json.loads(done.stdout)
    return used, elapsed


class _Service:
    """The service with a credential for the realm's key table."""

    def __init__(self, server: service.Server, keytab: bytes, tokens: _Tokens) -> None:
        self._server = server
        self._tokens = tokens
        auth_data = credentials_pb2.AuthData(keytab=credentials_pb2.KeytabIdentity(data=keytab))
        self._credential = server.acquire("Kerberos", auth_data, service.INBOUND)

    def _run(self, way: str, in_flight: int, clock: Callable[[], float]) -> float:
        logons = [_Logon(self._credential, each) for each in self._tokens.make()]
        began = clock()
        WAYS[way](self._server.channel, "accept", logons, in_flight)
        return (clock() - began) / CONTEXTS

    def cost(self, way: str, in_flight: int) -> float:
        """CPU of a context, the caller's and the service's."""
        return self._run(way, in_flight, lambda: time.process_time() * 1e6 + process_cpu(self._server.pid))

    def time(self, way: str, in_flight: int) -> float:
        """Microseconds from one context to the next by the clock."""
        return self._run(way, in_flight, lambda: time.perf_counter() * 1e6)


@contextmanager
def _gssproxy(folder: Path, keytab: bytes) -> Iterator[tuple[int, dict[str, Any]]]:
    """Run gssproxy with the service's keys; its process, and what the environment of its applications says."""
    (folder / "keytab").write_bytes(keytab)
    (folder / "gssproxy.conf").write_text(GSSPROXY.format(folder=folder, user=os.getuid()), "utf-8")
    (folder / "empty").mkdir(exist_ok=True)
    command = [peers.require("gssproxy"), "-i", "-c", str(folder / "gssproxy.conf"), "-C", str(folder / "empty")]
    variables = {"GSS_USE_PROXY": "yes", "GSSPROXY_SOCKET": f"{folder}/acceptor.sock", "KRB5_KTNAME": f"FILE:{folder}/none"}
    with subprocess.Popen([*command, "-s", str(folder / "default.sock")], stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(folder / "acceptor.sock")
            yield process.pid, variables
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
    (folder / "accept.py").write_text(ACCEPT, "utf-8")
    with _gssproxy(folder, keytab) as (process, proxied), service.sspid(unix=True) as server:
        serving = _Service(server, keytab, tokens)
        costs: dict[str, Callable[[], float]] = {}
        for in_flight in IN_FLIGHTS:
            costs[f"gssproxy_at_{in_flight}"] = _application(folder, tokens, in_flight, process, **proxied)
            for way in WAYS:
                costs[f"service{way}_at_{in_flight}"] = partial(serving.cost, way, in_flight)
        costs["library"] = _application(folder, tokens, **own_keys)
        costs["package"] = _in_process(tokens, keytab)
        found = least(costs)
    with every_core(), _gssproxy(folder, keytab) as (_, proxied), service.sspid(unix=True) as server:
        serving = _Service(server, keytab, tokens)
        costs = {
            f"gssproxy_{threads}": lambda threads=threads: _accepted(folder, tokens, threads, proxied)[1] * 1e6 / CONTEXTS  # type: ignore[misc]
            for threads in (1, MANY)
        }
        fastest = least({**costs, "service": partial(serving.time, "_session", MANY)})
    return [*_compared(found), _by_the_clock(fastest)]


def _compared(found: Mapping[str, float]) -> Iterator[Row]:
    for in_flight, unary in product(IN_FLIGHTS, ("", "_unary")):
        name = f"kerberos_accept{unary}_vs_gssproxy{'' if in_flight == MANY else f'_at_{in_flight}'}"
        value, floor = found[f"service{'' if unary else '_session'}_at_{in_flight}"], found[f"gssproxy_at_{in_flight}"]
        yield Row(name, value, "us", floor, f"through gssproxy's socket, {in_flight} under way")
    best, its_best = (min(value for name, value in found.items() if name.startswith(who)) for who in ("service", "gssproxy"))
    yield Row("kerberos_accept_best_vs_gssproxys", best, "us", its_best, "the cheapest way of either")
    yield Row("kerberos_accept_in_process", found["package"], "us", found["library"], "python gssapi alone, keys in a file")


def _by_the_clock(found: Mapping[str, float]) -> Row:
    value, floor = found["service"], min(found["gssproxy_1"], found[f"gssproxy_{MANY}"])
    through = f"the faster of one and {MANY} under way; {1e6 / value:.0f} contexts a second against {1e6 / floor:.0f}"
    return Row("kerberos_accept_by_the_clock_vs_gssproxy", value, "us", floor, through)
