"""Digest's parsers and acceptors fed with anything: only SspiError may leave them. Run with atheris, replayed by pytest.

The first byte of an input chooses what reads the rest.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__":
    _TREE = Path(__file__).parents[2]
    sys.path[:0] = [str(_TREE / "service/src"), str(_TREE / "tests/support")]
    import atheris

    with atheris.instrument_imports(include=["sspid.packages.digest"]):
        import sspid.packages.digest  # noqa: F401 - imported here to be instrumented

from sspid.packages.contract import Leg
from sspid.packages.digest import challenge, directives, http_response, http_session, inputs, sasl_response
from sspid.vocabulary.buffers import BufferType, SecurityBuffer, token
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid_testing.digest import HTTP, digest, parameter

if TYPE_CHECKING:
    from collections.abc import Callable

_SIDE = digest(without_qop=True, ciphers=("3des", "rc4"))
_ACCEPTOR = _SIDE.acceptor()
_INITIATOR = _SIDE.initiator()
_SEALED = frozenset({ContextFlag.CONFIDENTIALITY})
_ALL = HTTP | {ContextFlag.INTEGRITY, ContextFlag.MUTUAL_AUTH}


def _challenges(data: bytes) -> None:
    """What is read is a whole number of lists, none empty of its nonce."""
    assert challenge.read(data).nonce


def _list(data: bytes) -> None:
    """A list that was read can be written and is read as the same list again."""
    found = directives.read(directives.text_of(data, "it"), "it")
    written = directives.write(f"{name}={directives.quoted(value)}" for name, value in found.items() if value.isprintable())
    again = directives.read(written.decode("latin-1"), "it")
    assert all(again[name] == value for name, value in found.items() if value.isprintable())


def _http_accept(data: bytes) -> None:
    step = _SIDE.accept(None, _ACCEPTOR, data or b",", parameter("GET"), flags=_ALL)
    _SIDE.complete(step.state, parameter("GET"))


def _http_initiate(data: bytes) -> None:
    step = _SIDE.initialize(None, _INITIATOR, data, parameter("GET"), target="/", flags=_ALL)
    assert all(b"\r" not in buffer.data and b"\n" not in buffer.data for buffer in step.output)


def _sasl_accept(data: bytes) -> None:
    state = _SIDE.accept(None, _ACCEPTOR, flags=_SEALED).state
    _SIDE.accept(state, _ACCEPTOR, data, flags=_SEALED)


def _sasl_initiate(data: bytes) -> None:
    step = _SIDE.initialize(None, _INITIATOR, data, target="imap/host", flags=_SEALED)
    assert all(b"\r" not in buffer.data and b"\n" not in buffer.data for buffer in step.output)


def _unseal(data: bytes) -> None:
    """Nothing but what the peer sealed is ever opened."""
    challenged = _SIDE.accept(None, _ACCEPTOR, flags=_SEALED)
    answered = _SIDE.initialize(None, _INITIATOR, challenged.output[0].data, target="imap/host", flags=_SEALED)
    accepted = _SIDE.accept(challenged.state, _ACCEPTOR, answered.output[0].data, flags=_SEALED)
    with suppress(SspiError):
        _SIDE.message("decrypt_message", accepted.state, (SecurityBuffer(BufferType.DATA, data),))
        raise AssertionError("somebody else's message was opened")


def _parameters(data: bytes) -> None:
    buffers = tuple(SecurityBuffer(BufferType.PKG_PARAMS, part) for part in data.split(b"|"))
    method, uri, _, realm = inputs.parameters(buffers, 4)
    inputs.realm(realm)
    inputs.method(method)
    inputs.uri(uri)


def _session() -> object:
    """The acceptor's state after a good logon."""
    challenged = _SIDE.accept(None, _ACCEPTOR)
    answered = _SIDE.initialize(None, _INITIATOR, challenged.output[0].data, parameter("GET"), target="/")
    return _SIDE.accept(challenged.state, _ACCEPTOR, answered.output[0].data, parameter("GET")).state


_SESSION = _session()


def _resume(data: bytes) -> None:
    """Nobody goes on with a session without its key; the opaque that is looked for is the one that is read."""
    opaque = _SIDE.package.session_reference(data)
    assert opaque == http_response.read(data).opaque
    leg = Leg(_ACCEPTOR, (token(data), parameter("GET")), HTTP, caller="tests")
    step = _SIDE.world.run(_SIDE.package.resume_security_context(_SESSION, leg))
    with suppress(SspiError):
        _SIDE.complete(step.state, parameter("GET"))
        raise AssertionError("somebody without the key went on with the session")


TARGETS: list[Callable[[bytes], object]] = [
    _challenges,
    _list,
    challenge.read_sasl,
    http_response.read,
    sasl_response.read,
    http_session.read_info,
    _http_accept,
    _http_initiate,
    _sasl_accept,
    _sasl_initiate,
    _unseal,
    _parameters,
    _resume,
]


def one_input(data: bytes) -> None:
    """Feed one input."""
    _SIDE.world.asked.clear()
    if data:
        with suppress(SspiError):
            TARGETS[data[0] % len(TARGETS)](data[1:])


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
