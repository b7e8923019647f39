"""CredSSP's bench: CPU of a whole handshake, both roles in this process, beside pyspnego's own loop; no service is in it.

NTLM inside SPNEGO, TLS 1.3 with X25519 and version 6 on both sides; pyspnego reads RSA keys alone. The server signed its own
certificate, as pyspnego's does and Windows' for RDP and WinRM. Three ways: each as its users run it, which is
credentials acquired once and an EC key on ours, and on pyspnego's its own loop, which makes everything anew; then, with RSA on
both sides, certificates and contexts of TLS made once on both (`_made_once`), and all made anew on both (`_made_anew`).
"""

from __future__ import annotations

import gc
import os
import ssl
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import spnego
from spnego.tls import CredSSPTLSContext

if __name__ == "__main__":
    for folder in ("service/src", "tests/support"):
        sys.path.insert(0, str(Path(__file__).parent.parent / folder))

import measure
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from measure import Row
from tls_peers import GROUPS

from sspid.broker import asks
from sspid.packages import questions
from sspid.packages.contract import CredentialRequest, Leg
from sspid.packages.credssp import binding
from sspid.packages.credssp import package as credssp_package
from sspid.packages.credssp.policy import CredSspPolicy
from sspid.packages.negotiate import package as negotiate_package
from sspid.packages.ntlm import crypto
from sspid.packages.ntlm import package as ntlm_package
from sspid.packages.schannel import package as schannel_package
from sspid.vocabulary.buffers import token, token_in
from sspid.vocabulary.credentials import CredentialUse, CredSspPair, Password, Schannel
from sspid.vocabulary.flags import ContextFlag
from sspid_testing import tls

if TYPE_CHECKING:
    from collections.abc import Callable

USER, DOMAIN, PASSWORD = "alice", "DOMAIN", "Passw0rd"
TARGET = f"TERMSRV/{tls.HOST}"
FLAGS = frozenset({ContextFlag.DELEGATE})
HANDSHAKES, ROUNDS = 50, 8


class Floor(NamedTuple):
    """What a row is compared to: pyspnego's `handshake`. Ours has a `key` of this type, and credentials made `anew` or once."""

    suffix: str
    key: str
    anew: bool
    handshake: Callable[[], object]
    peer: str


class World:
    """Answers at no cost worth mentioning: the question is what the package costs. The account is known."""

    def __init__(self) -> None:
        account = questions.Account(USER, DOMAIN, crypto.nt_hash(PASSWORD))
        machine = questions.Machine("SERVER", DOMAIN, "server.domain.test", "domain.test")
        policy = CredSspPolicy()
        self._answers: dict[type, Callable[[Any], Any]] = {
            questions.ReadClock: lambda _: datetime.now(UTC),
            questions.DrawRandom: lambda question: os.urandom(question.count),
            questions.LookUpAccount: lambda _: account,
            questions.DescribeMachine: lambda _: machine,
            questions.ReadPolicy: lambda question: policy if question.package == "CredSSP" else None,
            questions.RecordLogon: lambda _: None,
            questions.FindTrustAnchors: lambda _: tls.roots(),
        }

    def answer(self, question: questions.Question[Any], caller: str) -> Any:
        """Answer a question."""
        del caller
        return self._answers[type(question)](question)


WORLD = World()


def _run(leg: Any) -> Any:
    return asks.run(leg, WORLD)


def our_package() -> Any:
    """CredSSP over the packages it needs here."""
    ntlm = ntlm_package()
    return credssp_package(schannel=schannel_package(), negotiate=negotiate_package(ntlm=ntlm), ntlm=ntlm)


def _ours(key: str, *, anew: bool = False) -> Callable[[], object]:
    package = our_package()
    settings = tls.settings(groups=GROUPS)
    client = CredSspPair(Schannel(settings=settings), Password(USER, DOMAIN, PASSWORD))
    server = CredSspPair(Schannel((tls.self_signed(key),), settings), None)
    requests = (CredentialRequest(CredentialUse.OUTBOUND, client), CredentialRequest(CredentialUse.INBOUND, server))
    kept = [_run(package.acquire_credentials_handle(request)) for request in requests]

    def handshake() -> object:
        outbound, inbound = [_run(package.acquire_credentials_handle(request)) for request in requests] if anew else kept
        ours = _run(package.initialize_security_context(None, Leg(outbound, (), FLAGS, TARGET)))
        state = None
        while True:
            theirs = _run(package.accept_security_context(state, Leg(inbound, (token(token_in(ours.output)),))))
            state = theirs.state
            if theirs.established:
                return state
            ours = _run(
                package.initialize_security_context(ours.state, Leg(outbound, (token(token_in(theirs.output)),), FLAGS, TARGET))
            )

    return handshake


def _prepared(folder: Path) -> dict[str, dict[str, Any]]:
    """The TLS contexts of both roles, as options of pyspnego."""
    made = tls.self_signed("RSA")
    (folder / "chain.pem").write_bytes(made.certificate_pem)
    (folder / "key.pem").write_bytes(made.key_pem)
    inward, outward = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    inward.load_cert_chain(folder / "chain.pem", folder / "key.pem")
    outward.check_hostname, outward.verify_mode = False, ssl.CERT_NONE
    der = x509.load_pem_x509_certificate(made.certificate_pem).public_bytes(Encoding.DER)
    return {
        "client": {"credssp_tls_context": CredSSPTLSContext(outward)},
        "server": {"credssp_tls_context": CredSSPTLSContext(inward, binding.public_key(der))},
    }


def _theirs(given: dict[str, dict[str, Any]]) -> Callable[[], object]:
    options = spnego.NegotiateOptions.use_negotiate
    # A hash keeps its Negotiate from looking for Kerberos first, which would make its cost no longer NTLM's.
    ntlm_hash = spnego.NTLMHash(f"{DOMAIN}\\{USER}", nt_hash=crypto.nt_hash(PASSWORD).hex())

    def handshake() -> object:
        inner = spnego.client(ntlm_hash, hostname=tls.HOST, service="TERMSRV", protocol="negotiate", options=options)
        client = spnego.client(
            f"{DOMAIN}\\{USER}", PASSWORD, tls.HOST, "TERMSRV", protocol="credssp", options=options,
            credssp_negotiate_context=inner, **given.get("client", {}),
        )  # fmt: skip
        server = spnego.server(protocol="credssp", options=options, **given.get("server", {}))
        sent = client.step()
        while not server.complete:
            sent = server.step(sent)
            if not server.complete:
                sent = client.step(sent)
        return server

    return handshake


def cost(function: Callable[[], object], count: int) -> Callable[[], float]:
    """Return what measures one call in microseconds of this thread's CPU."""

    def measured() -> float:
        gc.collect()
        start = time.thread_time_ns()
        for _ in range(count):
            function()
        return (time.thread_time_ns() - start) / count / 1000

    return measured


def rows() -> list[Row]:
    """The rows of this bench."""
    with tempfile.TemporaryDirectory() as folder:
        return [_row(each) for each in pyspnego(Path(folder))]


def pyspnego(folder: Path) -> tuple[Floor, ...]:
    """Its handshakes."""
    (folder / "users").write_text(f"{DOMAIN}:{USER}:{PASSWORD}\n", "utf-8")
    os.environ["NTLM_USER_FILE"] = str(folder / "users")
    peer = f"pyspnego {metadata.version('pyspnego')} in this process, TLS 1.3 with X25519, "
    own = _theirs({})
    return (
        Floor("", "ECDSA", False, own, peer + "its own loop: RSA and all made anew; EC and credentials acquired once here"),
        Floor(
            "_made_once", "RSA", False, _theirs(_prepared(folder)), peer + "RSA on both sides, TLS contexts made once on both"
        ),
        Floor("_made_anew", "RSA", True, own, peer + "RSA on both sides, all made anew there"),
    )


def _row(floor: Floor) -> Row:
    ours = _ours(floor.key, anew=floor.anew)
    ours()
    floor.handshake()
    found = measure.least({"ours": cost(ours, HANDSHAKES), "theirs": cost(floor.handshake, HANDSHAKES)}, ROUNDS)
    peer = f"{floor.peer} and here" if floor.anew else floor.peer
    return Row(f"credssp_handshake{floor.suffix}_vs_pyspnego", found["ours"], "us", found["theirs"], peer)


if __name__ == "__main__":
    for row in rows():
        print(f"{row.name}: {row.value:.0f} us against {row.floor or 0:.0f} us, ratio {row.ratio or 0:.3f}")
