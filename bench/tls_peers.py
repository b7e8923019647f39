"""The other end of a TLS handshake, by pyOpenSSL over memory BIOs; also the floor: what a handshake costs in process."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL, crypto
from OpenSSL._util import lib

if TYPE_CHECKING:
    from sspid.vocabulary.credentials import CertificateAndKey

VERSIONS = {"tls12": SSL.TLS1_2_VERSION, "tls13": SSL.TLS1_3_VERSION}
PROTOCOLS = {"tls12": "TLSv1.2", "tls13": "TLSv1.3"}
GROUPS = "X25519:P-256"
"""OpenSSL's first choice, X25519MLKEM768, would cost both sides of every ratio the same and hide the rest."""
RECORD = 16384
_PIECE = 32768


def _context(version: str) -> SSL.Context:
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(VERSIONS[version])
    context.set_max_proto_version(VERSIONS[version])
    assert lib.SSL_CTX_set1_curves_list(context._context, GROUPS.encode()) == 1  # noqa: SLF001  # pyOpenSSL binds no setter
    return context


def server_context(version: str, identity: CertificateAndKey, *, resumes: bool = True) -> SSL.Context:
    """A server's context with this certificate; `resumes` False refuses every session a client comes back with."""
    context = _context(version)
    if not resumes:
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_options(SSL.OP_NO_TICKET)
    leaf, *chain = x509.load_pem_x509_certificates(identity.certificate_pem)
    context.use_certificate(leaf)
    for each in chain:
        context.add_extra_chain_cert(each)
    context.use_privatekey(load_pem_private_key(identity.key_pem, None))  # type: ignore[arg-type]  # trustme makes EC and RSA
    context.set_session_id(b"bench")
    return context


def client_context(version: str, roots: bytes) -> SSL.Context:
    """A client's context that trusts these roots (PEM) and judges the server's chain."""
    context = _context(version)
    for root in x509.load_pem_x509_certificates(roots):
        store = context.get_cert_store()
        assert store is not None
        store.add_cert(crypto.X509.from_cryptography(root))
    context.set_verify(SSL.VERIFY_PEER, None)
    context.set_session_cache_mode(SSL.SESS_CACHE_CLIENT)
    return context


@dataclass
class Sessions:
    """Sessions a client may resume, each offered once; empty and not `wanted` means full handshakes."""

    wanted: bool = False
    kept: deque[Any] = field(default_factory=deque)


class Peer:
    """One end: bytes in, bytes out, until `done`."""

    def __init__(self, context: SSL.Context, *, server: bool, host: bytes = b"", sessions: Sessions | None = None) -> None:
        self._connection: Any = SSL.Connection(context, None)
        self._sessions = sessions or Sessions()
        self.done = False
        self._resumed = False
        if server:
            self._connection.set_accept_state()
            return
        self._connection.set_connect_state()
        self._connection.set_tlsext_host_name(host)
        if self._sessions.wanted and self._sessions.kept:
            self._connection.set_session(self._sessions.kept.popleft())

    def step(self, received: bytes) -> bytes:
        """Take what the other end sent; what goes back, empty for nothing."""
        connection = self._connection
        if received:
            connection.bio_write(received)
        if not self.done:
            try:
                connection.do_handshake()
                self.done = True
            except SSL.WantReadError:
                pass
        try:
            sent: bytes = connection.bio_read(_PIECE)
        except SSL.WantReadError:
            return b""
        return sent

    def seal(self, data: bytes) -> bytes:
        """Application data as records."""
        sealed = []
        for at in range(0, len(data), RECORD):
            self._connection.send(data[at : at + RECORD])
            sealed.append(self._connection.bio_read(_PIECE))
        return b"".join(sealed)

    def unseal(self, records: bytes, size: int) -> bytes:
        """`size` bytes of application data out of records."""
        self._connection.bio_write(records)
        opened = [self._connection.recv(RECORD)]
        while (have := sum(map(len, opened))) < size:
            opened.append(self._connection.recv(min(RECORD, size - have)))
        return b"".join(opened)

    def keep_session(self) -> None:
        """Read the tickets that came last and keep the session for a later handshake."""
        with suppress(SSL.WantReadError):
            self._connection.read(1)
        self._connection.set_shutdown(SSL.SENT_SHUTDOWN | SSL.RECEIVED_SHUTDOWN)
        session = self._connection.get_session()
        assert session is not None
        self._sessions.kept.append(session)

    def let_go(self) -> None:
        """Free the connection; whether it was resumed is kept."""
        self._resumed = self.resumed
        self._connection = None

    @property
    def resumed(self) -> bool:
        """Whether the handshake was a short one."""
        if self._connection is None:
            return self._resumed
        return bool(lib.SSL_session_reused(self._connection._ssl))  # noqa: SLF001  # pyOpenSSL binds no getter
