"""NTLM's parsers, both roles and the message functions fed with anything: only SspiError may leave them. Run with atheris.

The first byte of an input chooses what reads the rest; test_fuzz_ntlm.py replays the corpus.
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

    with atheris.instrument_imports(include=["sspid.packages.ntlm"]):
        import sspid.packages.ntlm  # noqa: F401 - imported here to be instrumented

from sspid.packages.contract import CredentialRequest, Leg, Message
from sspid.packages.ntlm import av_pairs, crypto, messages, package
from sspid.packages.ntlm.policy import NtlmPolicy
from sspid.packages.questions import Account
from sspid.vocabulary import channel_bindings
from sspid.vocabulary.buffers import BufferAccess, BufferType, SecurityBuffer, token, token_in
from sspid.vocabulary.credentials import CredentialUse, Password
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid_testing.world import FixedWorld

if TYPE_CHECKING:
    from collections.abc import Callable

_NTLM = package()
_WORLD = FixedWorld(accounts={"user": Account("User", "Domain", crypto.nt_hash("Password"))})
_WORLD.policies["NTLM"] = NtlmPolicy(accept_v1=True, max_lifetime_seconds=3600)
_ALL = frozenset({ContextFlag.INTEGRITY, ContextFlag.CONFIDENTIALITY, ContextFlag.NULL_SESSION})
_OUT = _WORLD.run(
    _NTLM.acquire_credentials_handle(CredentialRequest(CredentialUse.OUTBOUND, Password("User", "Domain", "Password")))
)
_IN = _WORLD.run(_NTLM.acquire_credentials_handle(CredentialRequest(CredentialUse.INBOUND)))


def _initialize(state: Any, *buffers: SecurityBuffer) -> Any:
    return _WORLD.run(_NTLM.initialize_security_context(state, Leg(_OUT, buffers, _ALL, "HTTP/x")))


def _accept(state: Any, *buffers: SecurityBuffer) -> Any:
    return _WORLD.run(_NTLM.accept_security_context(state, Leg(_IN, buffers, _ALL)))


_BEGUN = _initialize(None)
_CHALLENGED = _accept(None, *_BEGUN.output)
_ANSWERED = _initialize(_BEGUN.state, *_CHALLENGED.output)
_ACCEPTED = _accept(_CHALLENGED.state, *_ANSWERED.output)
_PACKED = _WORLD.run(_NTLM.export_security_context(_ACCEPTED.state))


def _pairs(data: bytes) -> None:
    """Pairs that were read can be extended and are then read with our own in them."""
    found, end = av_pairs.read(data)
    mine = av_pairs.extended(data, found, end, av_pairs.FLAG_MIC, b"SPN", bytes(16))
    again, stop = av_pairs.read(mine)
    assert stop == len(mine) - 4
    assert again[av_pairs.TARGET_NAME] == b"SPN"
    assert av_pairs.flags_of(again) & av_pairs.FLAG_MIC
    for kind, value in found.items():
        assert kind in {av_pairs.FLAGS, av_pairs.TARGET_NAME, av_pairs.CHANNEL_BINDINGS} or again[kind] == value
    for value in found.values():
        av_pairs.text(value)


def _authenticate(data: bytes) -> None:
    for flags in (0, 1):
        message = messages.read_authenticate(data, flags)
        messages.mic_of(data, message)


def _answer(data: bytes) -> None:
    """A challenge that is taken gives an answer that can be read."""
    step = _initialize(_BEGUN.state, token(data))
    assert messages.read_authenticate(token_in(step.output), 0).user == "User"


def _judge(data: bytes) -> None:
    """Nobody gets in but the null session and who answered this very challenge."""
    step = _accept(_CHALLENGED.state, token(data))
    assert step.state.identity.mapped_by == "anonymous" or data == token_in(_ANSWERED.output)


def _unseal(data: bytes) -> None:
    """Nothing but what the peer sealed is ever opened, and a failure changes nothing."""
    before = _WORLD.run(_NTLM.export_security_context(_ACCEPTED.state))
    buffers = (SecurityBuffer(BufferType.STREAM, data), SecurityBuffer(BufferType.DATA))
    with suppress(SspiError):
        _WORLD.run(_NTLM.decrypt_message(_ACCEPTED.state, Message(buffers)))
        raise AssertionError("somebody else's message was opened")
    assert _WORLD.run(_NTLM.export_security_context(_ACCEPTED.state)) == before


def _buffers(data: bytes) -> None:
    """Any set of buffers: what one end seals the other opens."""
    sender = _WORLD.run(_NTLM.import_security_context(_PACKED))
    kinds, accesses = list(BufferType), list(BufferAccess)
    buffers = tuple(
        SecurityBuffer(kinds[part[0] % 11], part[1:], access=accesses[part[-1] % 3]) for part in data.split(b"|") if part
    )
    sealed = _WORLD.run(_NTLM.encrypt_message(sender, Message(buffers)))
    assert len(sealed.buffers) == len(buffers)
    with suppress(SspiError):
        _WORLD.run(_NTLM.verify_signature(sender, Message(buffers)))


def _import(data: bytes) -> None:
    state = _WORLD.run(_NTLM.import_security_context(data))
    assert _WORLD.run(_NTLM.export_security_context(state)) == data or data != _PACKED


def _bindings(data: bytes) -> None:
    channel_bindings.binding_hash((SecurityBuffer(BufferType.CHANNEL_BINDINGS, data),))


TARGETS: list[Callable[[bytes], object]] = [
    messages.read_negotiate,
    messages.read_challenge,
    _authenticate,
    _pairs,
    lambda data: _accept(None, token(data)),
    _answer,
    _judge,
    _unseal,
    _buffers,
    _import,
    _bindings,
]
SEEDS: list[tuple[int, bytes]] = [
    (0, token_in(_BEGUN.output)),
    (1, token_in(_CHALLENGED.output)),
    (2, token_in(_ANSWERED.output)),
    (3, messages.read_challenge(token_in(_CHALLENGED.output)).target_info),
    (4, token_in(_BEGUN.output)),
    (5, token_in(_CHALLENGED.output)),
    (6, token_in(_ANSWERED.output)),
    (7, b"\x01" + bytes(15) + b"data"),
    (8, b"\x02|\x01data\x00|\x01more\x02"),
    (9, _PACKED),
    (10, channel_bindings.pack(b"tls-unique:data")),
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
