"""Kerberos' parsers, and MIT's acceptor behind them, fed with anything: only SspiError may leave. Run with atheris.

The first byte of an input chooses what reads the rest; test_fuzz_kerberos.py replays the corpus.
"""

from __future__ import annotations

import struct
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __name__ == "__main__":
    _TREE = Path(__file__).parents[2]
    sys.path[:0] = [str(_TREE / "service/src"), str(_TREE / "tests/support")]
    import atheris

    with atheris.instrument_imports(include=["sspid.packages.kerberos"]):
        import sspid.packages.kerberos  # noqa: F401 - imported here to be instrumented

from sspid.packages.contract import CredentialRequest, Leg
from sspid.packages.kerberos import bindings, framing, identity, pac, package
from sspid.packages.kerberos.framing import KRB5, Kind
from sspid.vocabulary.buffers import BufferType, SecurityBuffer, token
from sspid.vocabulary.credentials import CredentialCache, CredentialUse, Keytab
from sspid.vocabulary.errors import SspiError
from sspid_testing.kerberos import a_world

if TYPE_CHECKING:
    from collections.abc import Callable

_WORLD = a_world()
_KERBEROS = package()


def _counted(data: bytes) -> bytes:
    return struct.pack(">H", len(data)) + data


def _keytab() -> bytes:
    """One AES-256 key of HTTP/web.example.test@EXAMPLE.TEST, version 1."""
    names = b"".join(map(_counted, (b"EXAMPLE.TEST", b"HTTP", b"web.example.test")))
    entry = struct.pack(">H", 2) + names + struct.pack(">IIBH", 1, 0, 1, 18) + _counted(bytes(range(32)))
    return b"\5\2" + struct.pack(">i", len(entry)) + entry


@cache
def _credential() -> Any:
    return _acquire(Keytab(data=_keytab()), CredentialUse.INBOUND)


def _acquire(secret: Keytab | CredentialCache, use: CredentialUse) -> Any:
    return _WORLD.run(_KERBEROS.acquire_credentials_handle(CredentialRequest(use, secret)))


def _frame(data: bytes) -> None:
    """What passes is one whole message of those that may come, under the identifier MIT's library knows."""
    read = framing.read(data, *Kind)
    assert len(read.data) == len(data)
    assert read.bare or KRB5 in read.data[:16]
    assert framing.read(read.data, read.kind) == read


def _accept(data: bytes) -> None:
    """Nobody is let in who has not the key."""
    _WORLD.run(_KERBEROS.accept_security_context(None, Leg(_credential(), (token(data),))))
    raise AssertionError("a token that no key made was accepted")


def _accept_framed(data: bytes) -> None:
    """The same behind a frame that is right, so that the library's own parser is reached."""
    _accept(b"\x6e\x82" + struct.pack(">H", len(data)) + data)


def _logon_info(data: bytes) -> None:
    """What is read has SIDs alone, and the same name as it shows."""
    found = pac.read(data)
    assert all(sid.startswith("S-") for sid in found.sids)


def _bindings(data: bytes) -> None:
    bindings.parts((SecurityBuffer(BufferType.CHANNEL_BINDINGS, data),))


def _principal(data: bytes) -> None:
    name, realm = identity.parts(data.decode("utf-8", "replace"))
    assert len(name) + len(realm) <= len(data)


def _key_table(data: bytes) -> None:
    _acquire(Keytab(data=b"\5\2" + data), CredentialUse.INBOUND)


def _cache(data: bytes) -> None:
    _acquire(CredentialCache(data=b"\5\4" + data), CredentialUse.OUTBOUND)


def _packed(data: bytes) -> None:
    _WORLD.run(_KERBEROS.import_security_context(data))


TARGETS: list[Callable[[bytes], object]] = [
    _frame,
    _accept,
    _accept_framed,
    _logon_info,
    _bindings,
    _principal,
    _key_table,
    _cache,
    _packed,
]


def one_input(data: bytes) -> None:
    """Feed one input."""
    _WORLD.asked.clear()
    if data:
        with suppress(SspiError):
            TARGETS[data[0] % len(TARGETS)](data[1:])


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
