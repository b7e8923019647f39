"""Who judges CredSSP logons in winrm.py: our packages, pyspnego, and a third party between the client and pyspnego."""

from __future__ import annotations

import ssl
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.buffers import token_in
from sspid.vocabulary.errors import SspiError
from sspid_testing import credssp, peers, tls
from sspid_testing.winrm import Refused

if TYPE_CHECKING:
    import pytest

_TRAILERS = {"TLSv1.2": 16, "TLSv1.3": 17}
DOMAIN, USER, PASSWORD = credssp.DOMAIN, credssp.USER, credssp.PASSWORD


def prepare(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Any:
    """pyspnego with one account and no realm to look for."""
    module = peers.require_module("spnego")
    (folder / "krb5.conf").write_text("[libdefaults]\n dns_lookup_kdc = false\n", "utf-8")
    (folder / "users").write_text(f"{DOMAIN}:{USER}:{PASSWORD}\n", "utf-8")
    monkeypatch.setenv("KRB5_CONFIG", str(folder / "krb5.conf"))
    monkeypatch.setenv("KRB5CCNAME", str(folder / "none"))
    monkeypatch.setenv("NTLM_USER_FILE", str(folder / "users"))
    return module


class Ours:
    """The CredSSP package's acceptor, in this process."""

    def __init__(self, *protocols: str) -> None:
        self.end = credssp.server(certificate=tls.issued(key="RSA"), settings={"protocols": protocols or ("TLSv1.3",)})
        self.end.world.now = datetime.now(UTC)

    def step(self, token: bytes) -> tuple[bool, bytes]:
        try:
            step = self.end.leg(token)
        except SspiError as failure:
            raise Refused(failure.status.name, token_in(failure.output)) from failure
        return step.status.name == "SEC_E_OK", token_in(step.output)

    def seal(self, data: bytes) -> tuple[int, bytes]:
        return self.trailer(len(data)), self.end.seal(data)

    def open(self, sealed: bytes) -> bytes:
        return bytes(self.end.open(sealed).buffers[0].data)

    def trailer(self, length: int) -> int:
        del length
        return _TRAILERS[self.end.query(ContextAttribute.CONNECTION_INFO).protocol]

    @property
    def delegated(self) -> tuple[str, str, str]:
        """Domain, user and password that came."""
        secret = self.end.query(ContextAttribute.CREDS).secret
        return secret.domain, secret.user, secret.password


class Theirs:
    """pyspnego's acceptor. Its accounts are in the file that NTLM_USER_FILE names."""

    def __init__(self, *, protocol: str = "TLSv1.3", tickets: int = 2, certificate: Any = None) -> None:
        """`certificate` is a trustme one; without it pyspnego makes its own."""
        self._spnego = peers.require_module("spnego")
        made = _context(self._spnego, certificate)
        made.context.maximum_version = ssl.TLSVersion[protocol.replace(".", "_")]
        made.context.num_tickets = tickets
        self.context = self._spnego.server(
            protocol="credssp", options=self._spnego.NegotiateOptions.use_negotiate, credssp_tls_context=made
        )

    def step(self, token: bytes) -> tuple[bool, bytes]:
        try:
            said = self.context.step(token) or b""
        except self._spnego.exceptions.SpnegoError as error:
            raise Refused(str(error)) from error
        return self.context.complete, said

    def seal(self, data: bytes) -> tuple[int, bytes]:
        sealed = self.context.wrap_winrm(data)
        return len(sealed.header), sealed.header + sealed.data

    def open(self, sealed: bytes) -> bytes:
        try:
            return bytes(self.context.unwrap(sealed).data)
        except self._spnego.exceptions.SpnegoError as error:
            raise ValueError(str(error)) from error

    def trailer(self, length: int) -> int:
        cipher, protocol, _ = self.context.get_extra_info("ssl_object").cipher()
        return int(self._spnego._credssp._tls_trailer_length(length, protocol, cipher))  # its own word for it

    @property
    def delegated(self) -> tuple[str, str, str] | None:
        """Domain, user and password that came; None where nothing did."""
        given = self.context.get_extra_info("client_credential")
        return given and (given.domain_name, given.username, given.password)


def _context(spnego: Any, leaf: Any) -> Any:
    if leaf is None:
        return spnego._credssp._create_tls_context("accept")  # what it takes where it is given none
    made = spnego.tls.default_tls_context(usage="accept")
    with tempfile.TemporaryDirectory() as folder:
        leaf.private_key_and_cert_chain_pem.write_to_path(Path(folder) / "own.pem")
        made.context.load_cert_chain(Path(folder) / "own.pem")
    made.public_key = spnego.tls.get_certificate_public_key(ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode()))
    return made


class Third:
    """Somebody between the client and an acceptor, who ends the client's TLS with his certificate and passes the rest on."""

    def __init__(self, behind: Any) -> None:
        self.behind = behind
        spnego = peers.require_module("spnego")
        own = _context(spnego, tls.authority("third").issue_cert("localhost", key_type=tls.trustme.KeyType.RSA)).context
        own.maximum_version = ssl.TLSVersion.TLSv1_2
        self._near = _Bio(own, server=True)
        self._far = _Bio(spnego.tls.default_tls_context(usage="initiate").context, server=False)
        self._begun = False

    def step(self, token: bytes) -> tuple[bool, bytes]:
        self._near.given.write(token)
        if not self._near.shaken():
            return False, self._near.said.read()
        asked = self._near.read()
        if not asked:
            return False, self._near.said.read()
        self._begin()
        done, answer = self.behind.step(self._far.wrapped(asked))
        self._far.given.write(answer)
        return done, self._near.wrapped(self._far.read())

    def _begin(self) -> None:
        answer = b""
        while not self._begun:
            self._far.given.write(answer)
            self._begun = self._far.shaken()
            said = self._far.said.read()
            if not self._begun:
                answer = self.behind.step(said)[1]


class _Bio:
    def __init__(self, context: Any, *, server: bool) -> None:
        self.given, self.said = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self.given, self.said, server_side=server)

    def shaken(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def read(self) -> bytes:
        data = b""
        try:
            while more := self._tls.read():
                data += more
        except ssl.SSLWantReadError:
            pass
        return data

    def wrapped(self, data: bytes) -> bytes:
        if data:
            self._tls.write(data)
        return self.said.read()
