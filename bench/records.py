"""What sealing and opening a full TLS 1.3 record costs in the service and in its client, beside pyOpenSSL."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from measure import Row, least
from OpenSSL import SSL
from tls_peers import client_context, server_context

from sspid.packages.schannel.keys import TLS13_SUITES
from sspid.packages.schannel.records import Direction, Tls13Records
from sspid_client.attributes import TrafficSecrets
from sspid_client.record_layer import layer_of
from sspid_testing.tls import HOST, issued, roots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SUITE, DATA = 0x1302, bytes(16384)
APPLICATION_DATA = 23
RECORDS = 400
SECRETS = os.urandom(48), os.urandom(48)


def rows() -> Iterator[Row]:
    """Microseconds a record of 16384 bytes, and megabytes a second with keys that were handed out."""
    costs: dict[str, Callable[[], float]] = {}
    for name, layers in (("service", _service), ("client", _client)):
        costs[f"{name} encrypt"], costs[f"{name} decrypt"] = _ours(layers, seals=True), _ours(layers, seals=False)
    costs["encrypt"], costs["decrypt"] = _openssl(seals=True), _openssl(seals=False)
    found = least(costs)
    for way in ("encrypt", "decrypt"):
        yield Row(f"{way}_16k_vs_openssl", found[f"service {way}"], "us", found[way], "pyOpenSSL, the same bytes")
        rate = len(DATA) / found[f"client {way}"]
        yield Row(f"{way}_handed_out_keys", rate, "MB/s", len(DATA) / found[way], "pyOpenSSL, the same bytes")


def _service() -> tuple[Any, Any]:
    ends = (SECRETS, SECRETS[::-1])
    one, other = (Tls13Records(SUITE, TLS13_SUITES[SUITE], *map(Direction, secrets)) for secrets in ends)
    return one, other


def _client() -> tuple[Any, Any]:
    ends = (SECRETS, SECRETS[::-1])
    one, other = (layer_of(TrafficSecrets("TLSv1.3", SUITE, *secrets, 0, 0)) for secrets in ends)
    return one, other


def _ours(layers: Callable[[], tuple[Any, Any]], *, seals: bool) -> Callable[[], float]:
    def cost() -> float:
        one, other = layers()
        seal, unseal = one.seal, other.open
        began = time.thread_time_ns()
        sealed = [seal(APPLICATION_DATA, DATA) for _ in range(RECORDS)]
        turned = time.thread_time_ns()
        for record in sealed:
            unseal(record)
        return _each(began, turned, seals=seals)

    return cost


def _openssl(*, seals: bool) -> Callable[[], float]:
    client, server = _connected()

    def cost() -> float:
        began = time.thread_time_ns()
        sealed = [_sent(client) for _ in range(RECORDS)]
        turned = time.thread_time_ns()
        for record in sealed:
            server.bio_write(record)
            assert len(server.recv(len(DATA))) == len(DATA)
        return _each(began, turned, seals=seals)

    return cost


def _connected() -> tuple[SSL.Connection, SSL.Connection]:
    client = SSL.Connection(client_context("tls13", roots()), None)
    server = SSL.Connection(server_context("tls13", issued(HOST)), None)
    client.set_connect_state()
    server.set_accept_state()
    for end, other in ((client, server), (server, client)) * 2:
        with suppress(SSL.WantReadError):
            end.do_handshake()
        with suppress(SSL.WantReadError):
            other.bio_write(end.bio_read(1 << 16))
    return client, server


def _sent(connection: SSL.Connection) -> bytes:
    connection.send(DATA)
    return connection.bio_read(len(DATA) + 100)


def _each(began: int, turned: int, *, seals: bool) -> float:
    return ((turned - began) if seals else (time.thread_time_ns() - turned)) / RECORDS / 1000
