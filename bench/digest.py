"""Digest's bench: CPU of judging one client's response against httpx computing one; no service and no network are in it."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from measure import Row

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent / "service/src"))

from sspid.broker import asks
from sspid.packages import questions
from sspid.packages.contract import CredentialRequest, Leg
from sspid.packages.digest import algorithms, package
from sspid.packages.digest.policy import DigestPolicy
from sspid.vocabulary.buffers import BufferType, SecurityBuffer, token
from sspid.vocabulary.credentials import CredentialUse, Password
from sspid.vocabulary.flags import ContextFlag

if TYPE_CHECKING:
    from collections.abc import Callable

USER, PASSWORD, REALM = "alice", "Passw0rd", "example.test"
HTTP = frozenset({ContextFlag.USE_HTTP_STYLE})
ROUNDS, CALLS = 15, 1000


class World:
    """Answers at no cost worth mentioning: the question is what the package costs. Every nonce count is new here."""

    def __init__(self, algorithm: str) -> None:
        ha1 = algorithms.account_hash(algorithms.find(algorithm) or algorithms.MD5, *map(str.encode, (USER, REALM, PASSWORD)))
        secrets = {
            questions.LookUpDigestSecret(USER, REALM, algorithm): questions.DigestSecret(questions.Account(USER, ""), ha1)
        }
        now, key, policy = datetime.now(UTC), os.urandom(32), DigestPolicy(algorithms=(algorithm,))
        self._answers: dict[type, Callable[[Any], Any]] = {
            questions.ReadClock: lambda _: now,
            questions.SealingKey: lambda _: key,
            questions.ReadPolicy: lambda _: policy,
            questions.DrawRandom: lambda question: os.urandom(question.count),
            questions.LookUpDigestSecret: secrets.get,
            questions.RecordLogon: lambda _: None,
            questions.CountNonceUse: lambda _: True,
        }

    def answer(self, question: questions.Question[Any], caller: str) -> Any:
        """The answer."""
        del caller
        return self._answers[type(question)](question)


def _pair(algorithm: str) -> tuple[Callable[[], object], Callable[[], object]]:
    """Two things to time: our acceptor judging a response of httpx, and httpx going from that challenge to its response."""
    world, digest = World(algorithm), package()
    request = CredentialRequest(CredentialUse.INBOUND, Password("", REALM))
    credential = asks.run(digest.acquire_credentials_handle(request), world)
    challenged = asks.run(digest.accept_security_context(None, Leg(credential, (token(b""),), HTTP)), world)
    asked = httpx.Request("GET", "http://localhost/dir/index.html")
    header = {"www-authenticate": "Digest " + challenged.output[0].data.decode()}
    unauthorized = httpx.Response(401, headers=header, request=asked)

    def respond() -> object:
        flow = httpx.DigestAuth(USER, PASSWORD).auth_flow(asked)
        next(flow)
        return flow.send(unauthorized)

    respond()
    buffers = (token(asked.headers["authorization"].encode()), SecurityBuffer(BufferType.PKG_PARAMS, b"GET"))
    leg = Leg(credential, buffers, HTTP)

    def judge() -> object:
        return asks.run(digest.accept_security_context(challenged.state, leg), world)

    assert asks.run(digest.accept_security_context(challenged.state, leg), world).established
    return judge, respond


def _microseconds(function: Callable[[], object]) -> float:
    start = time.thread_time_ns()
    for _ in range(CALLS):
        function()
    return (time.thread_time_ns() - start) / CALLS / 1000


def rows() -> list[Row]:
    """One row an algorithm, CPU microseconds; the ratio is ours over httpx's. Pinned to one core, alternated, least of 15."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        return [_row(name, algorithm) for name, algorithm in NAMES.items()]
    finally:
        os.sched_setaffinity(0, cores)


NAMES = {"digest_judge_vs_httpx": "MD5", "digest_judge_vs_httpx_sha256": "SHA-256"}


def _row(name: str, algorithm: str) -> Row:
    judge, respond = _pair(algorithm)
    rounds = [(_microseconds(judge), _microseconds(respond)) for _ in range(ROUNDS)]
    ours, theirs = (min(column) for column in zip(*rounds, strict=True))
    return Row(name, ours, "us", theirs, f"httpx {httpx.__version__} DigestAuth, from a 401 to its response")


if __name__ == "__main__":
    for row in rows():
        print(row.as_json())
