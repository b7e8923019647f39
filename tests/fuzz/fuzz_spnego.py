"""SPNEGO's parsers and Negotiate's legs fed with anything: only SspiError may leave them. Run with atheris.

The first byte of an input chooses what reads the rest; test_fuzz_spnego.py replays the corpus.
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

    with atheris.instrument_imports(include=["sspid.packages.negotiate"]):
        import sspid.packages.negotiate  # noqa: F401 - imported here to be instrumented

from sspid.packages.contract import CredentialRequest, Leg
from sspid.packages.negotiate import package, tokens
from sspid.packages.ntlm import crypto
from sspid.packages.ntlm import package as ntlm_package
from sspid.packages.questions import Account
from sspid.vocabulary.buffers import token, token_in
from sspid.vocabulary.credentials import CredentialUse, Password
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid_testing.world import FixedWorld

if TYPE_CHECKING:
    from collections.abc import Callable

_NEGOTIATE = package(ntlm=ntlm_package())
_WORLD = FixedWorld(accounts={"user": Account("User", "Domain", crypto.nt_hash("Password"))})
_ALL = frozenset({ContextFlag.INTEGRITY, ContextFlag.CONFIDENTIALITY, ContextFlag.EXTENDED_ERROR})
_SECRET = Password("User", "Domain", "Password")
_OUT = _WORLD.run(_NEGOTIATE.acquire_credentials_handle(CredentialRequest(CredentialUse.OUTBOUND, _SECRET)))
_IN = _WORLD.run(_NEGOTIATE.acquire_credentials_handle(CredentialRequest(CredentialUse.INBOUND)))


def _initialize(state: Any, *received: bytes) -> Any:
    buffers = tuple(token(data) for data in received)
    return _WORLD.run(_NEGOTIATE.initialize_security_context(state, Leg(_OUT, buffers, _ALL, "HTTP/x")))


def _accept(state: Any, *received: bytes) -> Any:
    buffers = tuple(token(data) for data in received)
    return _WORLD.run(_NEGOTIATE.accept_security_context(state, Leg(_IN, buffers, _ALL)))


_BEGUN = _initialize(None)
_CHOSEN = _accept(None, token_in(_BEGUN.output))
_ANSWERED = _initialize(_BEGUN.state, token_in(_CHOSEN.output))
_DONE = _accept(_CHOSEN.state, token_in(_ANSWERED.output))
_HINT = _accept(None)


def _init(data: bytes) -> None:
    """What was read and is written again reads the same."""
    read = tokens.read_init(data)
    if read.mech_list == tokens.mech_list(read.mechanisms):
        again = tokens.read_init(tokens.write_init(read.mech_list, read.mech_token or b""))
        assert again[:2] == read[:2]
        assert (again.mech_token or b"") == (read.mech_token or b"")


def _response(data: bytes) -> None:
    read = tokens.read_response(data)
    assert tokens.read_response(tokens.write_response(*read)) == read


def _establish(data: bytes) -> None:
    """The initiator is complete by the acceptor's own last token alone."""
    # The sealing streams are shared by every input: begin with a context of its own.
    begun = _initialize(None)
    chosen = _accept(None, token_in(begun.output))
    answered = _initialize(begun.state, token_in(chosen.output))
    assert not _initialize(answered.state, data).established


TARGETS: list[Callable[[bytes], object]] = [
    _init,
    _response,
    tokens.framed_mechanism,
    lambda data: _accept(None, data),
    lambda data: _accept(_HINT.state, data),
    lambda data: _accept(_CHOSEN.state, data),
    lambda data: _initialize(None, data),
    lambda data: _initialize(_BEGUN.state, data),
    _establish,
]
SEEDS: list[tuple[int, bytes]] = [
    (0, token_in(_BEGUN.output)),
    (0, token_in(_HINT.output)),
    (1, token_in(_CHOSEN.output)),
    (1, token_in(_DONE.output)),
    (2, token_in(_BEGUN.output)),
    (3, token_in(_BEGUN.output)),
    (3, tokens.read_init(token_in(_BEGUN.output)).mech_token or b""),
    (4, token_in(_BEGUN.output)),
    (5, token_in(_ANSWERED.output)),
    (6, token_in(_HINT.output)),
    (7, token_in(_CHOSEN.output)),
    (8, token_in(_DONE.output)),
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
