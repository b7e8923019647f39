"""NTLM's and Negotiate's bench: CPU of handshakes, parsing and sealing beside pyspnego and sspi-rs; no service is in it."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import spnego
import sspilib
from spnego._ntlm_raw import messages as spnego_messages
from spnego._ntlm_raw.crypto import ntowfv1

if __name__ == "__main__":
    for folder in ("service/src", "tests/support"):
        sys.path.insert(0, str(Path(__file__).parent.parent / folder))

import measure
from measure import Row

from sspid.broker import asks
from sspid.packages import questions
from sspid.packages.contract import CredentialRequest, Leg, Message
from sspid.packages.negotiate import package as negotiate_package
from sspid.packages.ntlm import av_pairs, crypto, messages
from sspid.packages.ntlm import package as ntlm_package
from sspid.vocabulary.buffers import BufferType, SecurityBuffer, token, token_in
from sspid.vocabulary.credentials import CredentialUse, Password
from sspid.vocabulary.flags import ContextFlag

if TYPE_CHECKING:
    from collections.abc import Callable

    from sspid.packages.contract import SecurityPackage

USER, DOMAIN, PASSWORD, TARGET = "alice", "DOMAIN", "Passw0rd", "HTTP/server.domain.test"
PROTECTED = frozenset({ContextFlag.INTEGRITY, ContextFlag.CONFIDENTIALITY, ContextFlag.SEQUENCE_DETECT})
OUTBOUND = CredentialRequest(CredentialUse.OUTBOUND, Password(USER, DOMAIN, PASSWORD))
INBOUND = CredentialRequest(CredentialUse.INBOUND)
HANDSHAKES, MESSAGES, PARSES = 100, 100, 1000
KILOBYTES = 64


class World:
    """Answers at no cost worth mentioning: the question is what the package costs. The account is known."""

    def __init__(self) -> None:
        account = questions.Account(USER, DOMAIN, crypto.nt_hash(PASSWORD))
        machine = questions.Machine("SERVER", DOMAIN, "server.domain.test", "domain.test")
        self._answers: dict[type, Callable[[Any], Any]] = {
            questions.ReadClock: lambda _: datetime.now(UTC),
            questions.DrawRandom: lambda question: os.urandom(question.count),
            questions.LookUpAccount: lambda _: account,
            questions.DescribeMachine: lambda _: machine,
            questions.ReadPolicy: lambda _: None,
            questions.RecordLogon: lambda _: None,
        }

    def answer(self, question: questions.Question[Any], caller: str) -> Any:
        """Answer a question."""
        del caller
        return self._answers[type(question)](question)


WORLD = World()


def _run(leg: Any) -> Any:
    return asks.run(leg, WORLD)


def _initiate(package: SecurityPackage) -> tuple[Any, Any]:
    credential = _run(package.acquire_credentials_handle(OUTBOUND))
    return credential, _run(package.initialize_security_context(None, Leg(credential, (), PROTECTED, TARGET)))


def shake(package: SecurityPackage) -> tuple[Any, Any]:
    """Make both credentials and run all legs of both halves."""
    credential, ours = _initiate(package)
    acceptors = _run(package.acquire_credentials_handle(INBOUND))
    theirs_state = None
    while True:
        theirs = _run(package.accept_security_context(theirs_state, Leg(acceptors, ours.output)))
        theirs_state = theirs.state
        if ours.established:
            return ours.state, theirs.state
        ours = _run(package.initialize_security_context(ours.state, Leg(credential, theirs.output, PROTECTED, TARGET)))
        if ours.established and theirs.established:
            return ours.state, theirs.state


def _spnego_shake(protocol: str) -> tuple[Any, Any]:
    wanted = spnego.NegotiateOptions.use_ntlm if protocol == "ntlm" else spnego.NegotiateOptions.use_negotiate
    # Made as ours are: the same user, the account known to the acceptor (its file is read once a handshake, as it does).
    # A hash keeps its Negotiate from looking for Kerberos first, which would make its cost no longer NTLM's; it is made here,
    # by its own function, since ours makes one from the password in every handshake too.
    user = f"{DOMAIN}\\{USER}"
    credential = user if protocol == "ntlm" else spnego.NTLMHash(user, nt_hash=ntowfv1(PASSWORD).hex())
    client = spnego.client(credential, PASSWORD, "server.domain.test", "HTTP", protocol=protocol, options=wanted)
    server = spnego.server(protocol=protocol, options=wanted)
    sent = client.step()
    while not (client.complete and server.complete):
        sent = server.step(sent)
        if not (client.complete and server.complete):
            sent = client.step(sent)
    return client, server


def _initiator_half(package: SecurityPackage, challenge: bytes) -> Callable[[], object]:
    buffers = (token(challenge),)

    def half() -> object:
        credential, begun = _initiate(package)
        step = _run(package.initialize_security_context(begun.state, Leg(credential, buffers, PROTECTED, TARGET)))
        assert step.established
        return step

    return half


def _sspi_rs_half(challenge: bytes) -> Callable[[], object]:
    flags = sspilib.IscReq.ISC_REQ_INTEGRITY | sspilib.IscReq.ISC_REQ_CONFIDENTIALITY | sspilib.IscReq.ISC_REQ_SEQUENCE_DETECT

    def half() -> object:
        credential = sspilib.UserCredential(USER, PASSWORD, DOMAIN, "NTLM")
        context = sspilib.ClientSecurityContext(credential, TARGET, flags)
        context.step()
        context.step(challenge)
        assert context.complete
        return context

    return half


def _cost(function: Callable[[], object], count: int) -> Callable[[], float]:
    """Return what measures one call in microseconds of this thread's CPU."""

    def measured() -> float:
        gc.collect()
        start = time.thread_time_ns()
        for _ in range(count):
            function()
        return (time.thread_time_ns() - start) / count / 1000

    return measured


def _compare(name: str, unit: str, ours: Callable[[], object], theirs: Callable[[], object], count: int, peer: str) -> Row:
    ours()
    theirs()
    found = measure.least({"ours": _cost(ours, count), "theirs": _cost(theirs, count)})
    return Row(name, found["ours"], unit, found["theirs"], peer)


def _handshakes() -> list[Row]:
    ntlm = ntlm_package()
    negotiate = negotiate_package(ntlm=ntlm)
    version = f"pyspnego {metadata.version('pyspnego')}"
    _, begun = _initiate(ntlm)
    acceptors = _run(ntlm.acquire_credentials_handle(INBOUND))
    challenge = token_in(_run(ntlm.accept_security_context(None, Leg(acceptors, begun.output))).output)
    both = f"{version}, both halves in this process"
    return [
        _compare("ntlm_handshake_vs_pyspnego", "us", lambda: shake(ntlm), lambda: _spnego_shake("ntlm"), HANDSHAKES, both),
        _compare(
            "negotiate_ntlm_vs_pyspnego", "us", lambda: shake(negotiate), lambda: _spnego_shake("negotiate"), HANDSHAKES, both
        ),
        _compare(
            "ntlm_client_vs_sspi_rs", "us", _initiator_half(ntlm, challenge), _sspi_rs_half(challenge), HANDSHAKES * 5,
            "sspi-rs through sspilib: credential and both legs",
        ),
    ]  # fmt: skip


def _tokens() -> tuple[bytes, bytes, bytes]:
    ntlm = ntlm_package()
    credential, begun = _initiate(ntlm)
    acceptors = _run(ntlm.acquire_credentials_handle(INBOUND))
    challenge = _run(ntlm.accept_security_context(None, Leg(acceptors, begun.output)))
    last = _run(ntlm.initialize_security_context(begun.state, Leg(credential, challenge.output, PROTECTED, TARGET)))
    return token_in(begun.output), token_in(challenge.output), token_in(last.output)


def _parsing() -> list[Row]:
    negotiate, challenge, authenticate = _tokens()

    def read_challenge() -> object:
        return av_pairs.read(messages.read_challenge(challenge).target_info)

    def read_authenticate() -> object:
        return av_pairs.read(messages.read_authenticate(authenticate, 0).nt_response, 44)

    pairs: dict[str, tuple[Callable[[], object], bytes]] = {
        "negotiate": (lambda: messages.read_negotiate(negotiate), negotiate),
        "challenge": (read_challenge, challenge),
        "authenticate": (read_authenticate, authenticate),
    }
    unpack = spnego_messages.NTLMMessage.unpack
    return [
        _compare(f"ntlm_parse_{name}", "us", ours, lambda data=data: unpack(data), PARSES, "pyspnego, the same message")  # type: ignore[misc]  # mypy takes the default for a parameter
        for name, (ours, data) in pairs.items()
    ]


def _sealing() -> list[Row]:
    package = ntlm_package()
    ours, _ = shake(package)
    theirs, _ = _spnego_shake("ntlm")
    rows = []
    for name, size in (("1k", 1024), (f"{KILOBYTES}k", KILOBYTES * 1024)):
        data = os.urandom(size)
        buffers = (SecurityBuffer(BufferType.TOKEN), SecurityBuffer(BufferType.DATA, data))
        message = Message(buffers)
        for verb, our_call, their_call in (
            ("seal", package.encrypt_message, theirs.wrap),
            ("sign", package.make_signature, theirs.sign),
        ):
            row = _compare(
                f"ntlm_{verb}_{name}", "us", lambda call=our_call, message=message: _run(call(ours, message)),  # type: ignore[misc]  # as above
                lambda call=their_call, data=data: call(data), MESSAGES, "pyspnego; ours {rate:.0f} MB/s",  # type: ignore[misc]  # as above
            )  # fmt: skip
            rows.append(Row(row.name, row.value, row.unit, row.floor, row.peer.format(rate=size / row.value)))
    return rows


def rows() -> list[Row]:
    """All rows, CPU microseconds of one core, ours and the peer's alternated, the least of some rounds."""
    before = os.environ.get("NTLM_USER_FILE")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "users"
        file.write_text(f"{DOMAIN}:{USER}:{PASSWORD}\n", "utf-8")
        os.environ["NTLM_USER_FILE"] = str(file)
        try:
            return [*_handshakes(), *_parsing(), *_sealing()]
        finally:
            os.environ.pop("NTLM_USER_FILE")
            if before is not None:
                os.environ["NTLM_USER_FILE"] = before


if __name__ == "__main__":
    measure.pin()
    for row in rows():
        print(row.as_json())
