"""What a finished handshake established and attributes ask for, taken from OpenSSL once; it answers no attribute itself."""

from __future__ import annotations

from binascii import unhexlify
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from sspid.packages.schannel.keys import TLS12_SUITES, TLS13_SUITES, tls12_keys
from sspid.packages.schannel.openssl import TLS1_2
from sspid.packages.schannel.records import Direction, Records, Tls12Records
from sspid.packages.schannel.suites import number_of

if TYPE_CHECKING:
    from sspid.packages.schannel.openssl import Connection


class Facts(NamedTuple):
    """What connections of one kind have in common: one object however many contexts share it."""

    version: int
    cipher: str
    bits: int
    group: str
    protocol: bytes
    resumed: bool
    peer_chain: tuple[bytes, ...]
    local: bytes

    def __repr__(self) -> str:
        return f"Facts({self.version:#x}, {self.cipher})"

    @property
    def peer(self) -> bytes:
        """The peer's own certificate; empty for none."""
        return self.peer_chain[0] if self.peer_chain else b""


_shared: Final = lru_cache(maxsize=4096)(Facts)
"""The one copy of these facts."""


def gather(connection: Connection, version: int, local: bytes) -> Facts:
    """Ask OpenSSL once, after the handshake."""
    cipher, bits = connection.cipher()
    return _shared(
        version,
        cipher,
        bits,
        connection.group(),
        connection.protocol() if connection.alpn else b"",
        connection.resumed,
        connection.peer_chain() if connection.asks else (),
        local or connection.local_certificate(),
    )


def first_finished(connection: Connection) -> bytes:
    """The first Finished of a TLS 1.2 handshake (RFC 5929 3.1): the client's in a full one, the server's in a resumed one."""
    return connection.finished(peer=connection.context.server != connection.resumed)


def logged_secrets(key_log: list[bytes]) -> dict[bytes, bytes]:
    """The secrets wanted of OpenSSL's key log, by label; each line is label, client random, secret in hex."""
    found = {}
    for line in key_log:
        label, _, values = line.partition(b" ")
        if label in _WANTED:
            found[label] = unhexlify(values[_RANDOM_IN_HEX + 1 :])
    return found


def traffic_secrets(facts: Facts, secrets: dict[bytes, bytes], *, server: bool) -> tuple[int, bytes, bytes] | None:
    """The number of a TLS 1.3 suite and the secrets of both directions, ours first. None for a suite left to OpenSSL."""
    number = number_of(facts.cipher)
    ours, theirs = _SERVER_FIRST if server else _CLIENT_FIRST
    if number not in TLS13_SUITES or ours not in secrets or theirs not in secrets:
        return None
    return number, secrets[ours], secrets[theirs]


_RANDOM_IN_HEX: Final = 64
_CLIENT_FIRST: Final = (b"CLIENT_TRAFFIC_SECRET_0", b"SERVER_TRAFFIC_SECRET_0")
_SERVER_FIRST: Final = _CLIENT_FIRST[::-1]
_WANTED: Final = frozenset((*_CLIENT_FIRST, b"EXPORTER_SECRET"))


def tls12_records(facts: Facts, session: bytes, *, server: bool, written: int, read: int) -> Records | None:
    """The record layer of a TLS 1.2 connection; `session` as in `keys.tls12_exporter`. None for a suite left to OpenSSL."""
    number = number_of(facts.cipher)
    suite = TLS12_SUITES.get(number)
    if suite is None or facts.version != TLS1_2:
        return None
    client, host = tls12_keys(session[:48], session[48:80], session[80:], suite)
    ours, theirs = (host, client) if server else (client, host)
    return Tls12Records(number, suite, Direction(ours, written), Direction(theirs, read))
