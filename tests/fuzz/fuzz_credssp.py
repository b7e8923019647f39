"""CredSSP's parsers and both roles fed with anything: only SspiError may leave them. Run with atheris.

The first byte of an input chooses what reads the rest; test_fuzz_credssp.py replays the corpus.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __name__ == "__main__":
    _TREE = Path(__file__).parents[2]
    sys.path[:0] = [str(_TREE / "service/src"), str(_TREE / "tests/support")]
    import atheris

    with atheris.instrument_imports(include=["sspid.packages.credssp"]):
        import sspid.packages.credssp  # noqa: F401 - imported here to be instrumented

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sspid.packages.credssp import binding, credentials, established, inputs, messages
from sspid.packages.credssp.credentials import CspData, PackageCreds, PasswordCreds, RemoteGuardCreds, SmartCardCreds
from sspid.packages.credssp.messages import TsRequest
from sspid.vocabulary import channel_bindings
from sspid.vocabulary.buffers import BufferType, SecurityBuffer, token_in
from sspid.vocabulary.errors import SspiError
from sspid_testing import credssp, tls

if TYPE_CHECKING:
    from collections.abc import Callable

_KEY = b"\x30\x0d" + bytes(range(16))
_BUFFERS = (SecurityBuffer(BufferType.CHANNEL_BINDINGS, channel_bindings.pack(inputs.PUBLIC_KEY + _KEY)),)
_CERTIFICATE = x509.load_pem_x509_certificate(tls.issued(key="RSA").certificate_pem).public_bytes(Encoding.DER)
_GIVEN = PasswordCreds(credssp.DOMAIN, credssp.USER, credssp.PASSWORD)


def _ends() -> tuple[Any, Any]:
    return credssp.client(buffers=_BUFFERS), credssp.server(buffers=_BUFFERS)


def _handshake() -> tuple[list[Any], list[bytes], Any]:
    """The states before each token is read, the tokens, and the client at its end."""
    client, server = _ends()
    states, tokens = [], [token_in(client.leg().output)]
    for turn in range(5):
        end = (server, client)[turn % 2]
        states.append((end, end.state))
        tokens.append(token_in(end.leg(tokens[-1]).output))
    return states, tokens, client


_STATES, _TOKENS, _ESTABLISHED = _handshake()
_PACKED = established.pack(_ESTABLISHED.state.proven, b"records")


def _leg(turn: int) -> Callable[[bytes], None]:
    """A leg that reads anything in place of what its peer sent."""

    def run(data: bytes) -> None:
        end, state = _STATES[turn]
        end.state = state
        # A mechanism's context counts messages, so the later legs judge only whether anything but SspiError leaves them.
        with suppress(SspiError):
            step = end.leg(data)
            if step.established and end.server:
                assert step.state.creds == _GIVEN

    return run


def _request(data: bytes) -> None:
    """What is read is written as it was meant."""
    request = messages.read(data)
    assert messages.read(messages.write(request)) == request


def _credentials(data: bytes) -> None:
    creds = credentials.read(data)
    assert credentials.read(credentials.write(creds)) == creds


def _bindings(data: bytes) -> None:
    inputs.owned_key((SecurityBuffer(BufferType.CHANNEL_BINDINGS, data),))


def _import(data: bytes) -> None:
    proven, rest = established.unpack(data)
    with suppress(SspiError):
        assert established.unpack(established.pack(proven, rest))[0] == proven


def _first_of_tls(data: bytes) -> None:
    server = credssp.server()
    server.leg(data)


TARGETS: list[Callable[[bytes], object]] = [
    _request,
    _credentials,
    binding.public_key,
    _bindings,
    _import,
    _first_of_tls,
    *(_leg(turn) for turn in range(5)),
]
SEEDS: list[tuple[int, bytes]] = [
    (0, messages.write(TsRequest(6, b"token", b"auth", b"proof", 0xC000006D, bytes(32)))),
    (1, credentials.write(_GIVEN)),
    (1, credentials.write(SmartCardCreds("1234", CspData(1, "card", "reader", "key", "csp"), "user", "domain"))),
    (1, credentials.write(RemoteGuardCreds(PackageCreds("Kerberos", b"1"), (PackageCreds("NTLM", b"2"),)))),
    (2, _CERTIFICATE),
    (3, _BUFFERS[0].data),
    (3, channel_bindings.pack(inputs.CERTIFICATE + _CERTIFICATE)),
    (4, _PACKED),
    (5, token_in(credssp.client().leg().output)),
    *((6 + turn, _TOKENS[turn]) for turn in range(5)),
]


def one_input(data: bytes) -> None:
    """Feed one input."""
    if data:
        with suppress(SspiError):
            TARGETS[data[0] % len(TARGETS)](data[1:])


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
