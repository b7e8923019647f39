"""One TLS connection over two memory BIOs; its contexts and what OpenSSL calls back are elsewhere."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from sspid.packages.schannel.openssl import callbacks
from sspid.packages.schannel.openssl.binding import (
    MOST_PLAIN,
    NO_CRL,
    OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION,
    OP_NO_TICKET,
    SENT_AND_RECEIVED,
    VERIFY_NONE,
    VERIFY_PEER,
    VERIFY_REQUIRE,
    VERSION_OPTIONS,
    WANT_CERTIFICATE,
    WANT_READ,
    ZERO_RETURN,
    Progress,
    allocate,
    check,
    der_of,
    failure,
    ffi,
    lib,
    name_der,
    running,
)
from sspid.packages.schannel.openssl.numbering import renumbered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sspid.packages.schannel.openssl.contexts import Context


Session = Any
"""An SSL_SESSION; OpenSSL counts who holds it."""


def _free_client(ssl: Any) -> None:
    # To OpenSSL a connection that ends without close_notify is a reason not to resume its session (SSL_clear(3)).
    lib.SSL_set_shutdown(ssl, SENT_AND_RECEIVED)
    lib.SSL_free(ssl)


class Connection:
    """One TLS connection over two memory BIOs. Used by one thread at a time; every method may raise TlsError."""

    __slots__ = (
        "ahead",
        "alpn",
        "answers_requests",
        "asks",
        "context",
        "cookies",
        "expected",
        "inward",
        "issuers",
        "judge_stapled",
        "key_log",
        "outward",
        "refused",
        "resumed",
        "server_name",
        "ssl",
        "stapled",
        "verify_error",
        "wants_stapled",
    )

    def __init__(self, context: Context) -> None:
        ssl = lib.SSL_new(context.pointer)
        if ssl == ffi.NULL:
            raise failure(None)
        self.ssl = ffi.gc(ssl, lib.SSL_free if context.server else _free_client)
        self.inward = lib.BIO_new(_MEMORY)
        self.outward = lib.BIO_new(_MEMORY)
        lib.SSL_set_bio(ssl, self.inward, self.outward)
        (lib.SSL_set_accept_state if context.server else lib.SSL_set_connect_state)(ssl)
        self.context = context
        self.asks = not context.server
        """Whether the peer may have shown a certificate: it was asked for one, now or when the resumed session began."""
        self.resumed = False
        """Whether the last handshake to be finished resumed a session."""
        self.key_log: list[bytes] = []
        self.verify_error: tuple[int, int] | None = None
        self.refused = b""
        self.expected = ""
        self.alpn: tuple[bytes, ...] = ()
        self.server_name = ""
        self.answers_requests = True
        self.issuers: frozenset[bytes] = frozenset()
        self.judge_stapled: Callable[[bytes, bytes, bytes], int] | None = None
        self.wants_stapled = False
        self.stapled: Mapping[bytes, bytes] = _NOTHING
        self.cookies: tuple[bytes, ...] = ()
        self.ahead = 0

    def expect(self, name: str, *, host: bytes = b"", address: bytes = b"") -> None:
        """Check the peer's certificate against a DNS name or a packed IP address; send `name` as SNI unless empty."""
        if name:
            lib.SSL_set_tlsext_host_name(self.ssl, name.encode())
        parameters = lib.SSL_get0_param(self.ssl)
        if host:
            check(lib.X509_VERIFY_PARAM_set1_host(parameters, host, len(host)))
        if address:
            check(lib.X509_VERIFY_PARAM_set1_ip(parameters, address, len(address)))

    def offer(self, protocols: tuple[bytes, ...]) -> None:
        """Offer these ALPN protocols (initiator) or choose from them (acceptor)."""
        self.alpn = protocols
        if not self.context.server:
            wire = b"".join(bytes((len(name),)) + name for name in protocols)
            lib.SSL_set_alpn_protos(self.ssl, wire, len(wire))

    def ask_for_status(self, judge: Callable[[bytes, bytes, bytes], int]) -> None:
        """Ask the server for an OCSP answer; `judge` takes the answer, leaf and issuer (DER) and gives an X509_V_ERR number."""
        lib.SSL_set_tlsext_status_type(self.ssl, lib.TLSEXT_STATUSTYPE_ocsp)
        self.judge_stapled = judge

    def staple(self, answers: Mapping[bytes, bytes]) -> None:
        """Answer a client that asks for an OCSP answer with that of the certificate chosen, by its DER."""
        self.stapled = answers

    def stapled_error(self) -> int:
        """What is wrong with the server's OCSP answer, or with there being none where no CRL stood in."""
        found = ffi.new("unsigned char **")
        length = lib.SSL_get_tlsext_status_ocsp_resp(self.ssl, found)
        chain = lib.SSL_get0_verified_chain(self.ssl)
        if length <= 0 or chain == ffi.NULL or lib.sk_X509_num(chain) < 2 or self.judge_stapled is None:
            return NO_CRL if self.wants_stapled else 0
        leaf, issuer = (der_of(lib.sk_X509_value(chain, at)) for at in (0, 1))
        return self.judge_stapled(bytes(ffi.buffer(found[0], length)), leaf, issuer)

    def trust_anyone(self) -> None:
        """Go on whatever the peer's chain is; `verify_error` still tells."""
        lib.SSL_set_verify(self.ssl, VERIFY_NONE, callbacks.on_verify)

    def offer_post_handshake_auth(self) -> None:
        """Tell a TLS 1.3 server that it may ask for the certificate after the handshake too."""
        lib.SSL_set_post_handshake_auth(self.ssl, 1)

    def resume(self, session: Session) -> None:
        """Offer a session that `session` gave."""
        lib.SSL_set_session(self.ssl, session)

    def session(self) -> Session | None:
        """The session, for `resume` of other connections; None where there is none to resume."""
        found = lib.SSL_get1_session(self.ssl)
        return None if found == ffi.NULL else ffi.gc(found, lib.SSL_SESSION_free)

    def _packed_session(self) -> bytes:
        found = lib.SSL_get_session(self.ssl)
        length = 0 if found == ffi.NULL else lib.i2d_SSL_SESSION(found, ffi.NULL)
        if length <= 0:
            return b""
        out = ffi.new("unsigned char[]", length)
        lib.i2d_SSL_SESSION(found, ffi.new("unsigned char **", out))
        return bytes(ffi.buffer(out))

    def session_id(self) -> bytes:
        """The session's id; empty where it has none. It is the fourth element of OpenSSL's SSL_SESSION (ssl_asn1.c)."""
        packed = self._packed_session()
        if len(packed) < _SESSION_HEAD:
            return b""
        at = 2 if packed[1] < _LONG_FORM else 2 + packed[1] - _LONG_FORM
        for _ in range(3):  # the format's version, the protocol's, the cipher suite: a length of one byte each
            at += 2 + packed[at + 1]
        return packed[at + 2 : at + 2 + packed[at + 1]]

    def forbid_tickets(self) -> None:
        """Hand out no ticket on this connection."""
        lib.SSL_set_options(self.ssl, OP_NO_TICKET)

    def renegotiate_in_full(self) -> None:
        """Resume nothing in a renegotiation, which would then ask for no certificate."""
        lib.SSL_set_options(self.ssl, OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION)

    def renegotiate(self) -> None:
        """Begin a TLS 1.2 handshake on the established connection."""
        check(lib.SSL_renegotiate(self.ssl))

    def ask_for_certificate(self) -> None:
        """Ask a TLS 1.3 client for its certificate after the handshake."""
        self.asks = True
        check(lib.SSL_verify_client_post_handshake(self.ssl))

    def require_certificate(self, *, judged: bool) -> None:
        """Ask the client for a certificate and fail without one; `judged` False leaves its chain to the caller."""
        self.asks = True
        self.renegotiate_in_full()
        lib.SSL_set_verify(
            self.ssl, VERIFY_PEER | VERIFY_REQUIRE, callbacks.on_verify if judged else callbacks.on_verify_tolerant
        )

    def present(self, context: Context) -> None:
        """Answer the peer's certificate request with what `context` holds."""
        lib.SSL_set_SSL_CTX(self.ssl, context.pointer)
        self.context = context

    def accepted_issuers(self) -> tuple[bytes, ...]:
        """The CA names (DER) that the server's certificate request lists; empty for any."""
        stack = lib.SSL_get_client_CA_list(self.ssl)
        count = 0 if stack == ffi.NULL else lib.sk_X509_NAME_num(stack)
        return tuple(name_der(lib.sk_X509_NAME_value(stack, at)) for at in range(count))

    def advance(self, data: bytes) -> Progress:
        """Feed whole records and take the handshake as far as they carry."""
        ssl = self.ssl
        if data:
            lib.BIO_write(self.inward, data, len(data))
        running[ssl] = self
        lib.ERR_clear_error()
        try:
            result = lib.SSL_do_handshake(ssl)
            if result == 1:
                self.resumed = bool(lib.SSL_session_reused(ssl))
                self.asks = self.asks or self.resumed
                return _DONE
            error = lib.SSL_get_error(ssl, result)
        finally:
            del running[ssl]
        if error == WANT_READ:
            return _WANTS_INPUT
        if error == WANT_CERTIFICATE:
            return _WANTS_CERTIFICATE
        raise failure(self.verify_error)

    def output(self) -> bytes:
        """Everything that waits to be sent to the peer."""
        sent = b""
        length = _FLIGHT
        while length == _FLIGHT:
            data = allocate(_BYTES, _FLIGHT)
            length = lib.BIO_read(self.outward, data, _FLIGHT)
            if length > 0:
                sent += ffi.buffer(data, length)[:]
        return renumbered(sent, self.ahead) if self.ahead else sent

    def unread(self) -> int:
        """Bytes fed that OpenSSL did not want: what follows the handshake."""
        return int(lib.BIO_get_mem_data(self.inward, ffi.new(_POINTER)))

    def discard_unread(self) -> None:
        """Take the unwanted bytes back out; the caller will send them again."""
        if length := self.unread():
            lib.BIO_read(self.inward, allocate("char[]", length), length)

    def set_mtu(self, mtu: int) -> None:
        """Keep DTLS datagrams to this length."""
        lib.SSL_set_options(self.ssl, lib.SSL_OP_NO_QUERY_MTU)
        lib.SSL_set_mtu(self.ssl, mtu)

    def data_mtu(self) -> int:
        """How much application data a DTLS datagram carries."""
        return int(lib.DTLS_get_data_mtu(self.ssl))

    def listen(self, datagram: bytes, cookies: tuple[bytes, ...]) -> bool:
        """Whether a DTLS ClientHello brings one of these cookies; `advance` takes it from there without further input.

        Otherwise `output` has the HelloVerifyRequest with the first of them, or nothing where there was no ClientHello.
        """
        self.cookies = cookies
        lib.BIO_write(self.inward, datagram, len(datagram))
        nobody = ffi.gc(lib.BIO_ADDR_new(), lib.BIO_ADDR_free)
        running[self.ssl] = self
        try:
            begun = int(lib.DTLSv1_listen(self.ssl, nobody)) > 0
        finally:
            del running[self.ssl]
            lib.ERR_clear_error()
        if begun:
            # The answer's first record has this one's number (RFC 6347 4.2.1), or a HelloVerifyRequest before it had the same
            # and it is dropped as a repetition; OpenSSL begins at 1.
            self.ahead = max(int.from_bytes(datagram[5:11], "big") - 1, 0)
        return begun

    def retransmit(self) -> bytes:
        """The DTLS flight again, where OpenSSL's timer says that it is due."""
        running[self.ssl] = self
        try:
            lib.DTLSv1_handle_timeout(self.ssl)
        finally:
            del running[self.ssl]
        return self.output()

    def read(self, record: bytes) -> bytes | None:
        """Feed one record: its application data, or None where it carried something else. EOFError after close_notify."""
        ssl = self.ssl
        if record:
            lib.BIO_write(self.inward, record, len(record))
        room = len(record) or MOST_PLAIN
        buffer = allocate("char[]", room)
        running[ssl] = self
        lib.ERR_clear_error()
        try:
            length = lib.SSL_read(ssl, buffer, room)
            if length > 0:
                return bytes(ffi.buffer(buffer, length))
            error = lib.SSL_get_error(ssl, length)
        finally:
            del running[ssl]
        if error == WANT_READ:
            return None
        if error == ZERO_RETURN:
            raise EOFError
        raise failure(self.verify_error)

    def write(self, data: bytes) -> bytes:
        """Seal at most 16384 bytes into one record. Without data, only an owed KeyUpdate comes."""
        ssl = self.ssl
        running[ssl] = self
        try:
            if lib.SSL_write(ssl, data, len(data)) < len(data):
                raise failure(None)
        finally:
            del running[ssl]
        return self.output()

    def close(self) -> bytes:
        """The close_notify record."""
        lib.ERR_clear_error()
        lib.SSL_shutdown(self.ssl)
        return self.output()

    def version(self) -> int:
        """The negotiated version's wire number."""
        number = int(lib.SSL_version(self.ssl))
        return _VERSIONS.get(number, number)

    def cipher(self) -> tuple[str, int]:
        """OpenSSL's name of the cipher suite and its strength in bits."""
        suite = lib.SSL_get_current_cipher(self.ssl)
        found = _ciphers.get(suite)
        if found is None:
            if suite == ffi.NULL:
                return "", 0
            found = ffi.string(lib.SSL_CIPHER_get_name(suite)).decode(), int(lib.SSL_CIPHER_get_bits(suite, ffi.NULL))
            _ciphers[suite] = found
        return found

    def ciphers(self) -> tuple[str, ...]:
        """OpenSSL's names of the suites this connection would use, best first."""
        found: list[str] = []
        while (name := lib.SSL_get_cipher_list(self.ssl, len(found))) != ffi.NULL:
            found.append(ffi.string(name).decode())
        return tuple(found)

    def group(self) -> str:
        """The key exchange group's name; empty where there was none."""
        if lib.SSL_get_session(self.ssl) == ffi.NULL:
            return ""
        found = lib.SSL_get0_group_name(self.ssl)
        return "" if found == ffi.NULL else ffi.string(found).decode()

    def protocol(self) -> bytes:
        """The ALPN protocol agreed on; empty for none."""
        start, length = ffi.new("unsigned char **"), ffi.new("unsigned int *")
        lib.SSL_get0_alpn_selected(self.ssl, start, length)
        return bytes(ffi.buffer(start[0], length[0])) if length[0] else b""

    def peer_judged_good(self) -> bool:
        """Whether the peer's chain was verified without an error, now or when the resumed session began."""
        return self.verify_error is None and lib.SSL_get_verify_result(self.ssl) == 0

    def peer_certificate(self) -> bytes:
        """The peer's own certificate, DER; empty for none."""
        found = lib.SSL_get_peer_certificate(self.ssl)
        return b"" if found == ffi.NULL else der_of(ffi.gc(found, lib.X509_free))

    def peer_end(self) -> bytes:
        """When the peer's certificate ends, as its ASN.1 time has it; empty for no certificate."""
        found = lib.SSL_get_peer_certificate(self.ssl)
        if found == ffi.NULL:
            return b""
        end = ffi.cast("ASN1_STRING *", lib.X509_getm_notAfter(found))
        text = bytes(ffi.buffer(lib.ASN1_STRING_get0_data(end), lib.ASN1_STRING_length(end)))
        lib.X509_free(found)
        return text

    def peer_chain(self) -> tuple[bytes, ...]:
        """The peer's certificates as sent, leaf first, DER."""
        stack = lib.SSL_get_peer_cert_chain(self.ssl)
        count = 0 if stack == ffi.NULL else lib.sk_X509_num(stack)
        sent = [der_of(lib.sk_X509_value(stack, at)) for at in range(count)]
        # A client's stack begins with the server's own certificate, a server's holds only what comes after the client's.
        first = sent[0] if sent and not self.context.server else self.peer_certificate()
        return (first, *(der for der in sent if der != first)) if first else ()

    def local_certificate(self) -> bytes:
        """Our own certificate, DER; empty for none."""
        found = lib.SSL_get_certificate(self.ssl)
        return b"" if found == ffi.NULL else der_of(found)

    def finished(self, *, peer: bool) -> bytes:
        """A Finished message of the latest handshake: ours or the peer's."""
        read = lib.SSL_get_peer_finished if peer else lib.SSL_get_finished
        length = read(self.ssl, ffi.NULL, 0)
        data = ffi.new("char[]", max(length, 1))
        read(self.ssl, data, length)
        return bytes(ffi.buffer(data, length))

    def session_secrets(self) -> bytes:
        """The master secret, the client's random and the server's, joined: what a TLS 1.2 connection's keys come from."""
        session = lib.SSL_get_session(self.ssl)
        out = ffi.new("unsigned char[]", 112)
        lib.SSL_SESSION_get_master_key(session, out, 48)
        lib.SSL_get_client_random(self.ssl, out + 48, 32)
        lib.SSL_get_server_random(self.ssl, out + 80, 32)
        return bytes(ffi.buffer(out))

    def export(self, label: bytes, length: int, context: bytes | None) -> bytes:
        """Keying material of RFC 5705 and RFC 8446 7.5."""
        out = ffi.new("unsigned char[]", length)
        given = b"" if context is None else context
        check(lib.SSL_export_keying_material(self.ssl, out, length, label, len(label), given, len(given), context is not None))
        return bytes(ffi.buffer(out, length))


_DONE: Final = Progress.DONE
_WANTS_INPUT: Final = Progress.WANTS_INPUT
_WANTS_CERTIFICATE: Final = Progress.WANTS_CERTIFICATE
"""Looked up once: an enumeration is slow to ask."""
_MEMORY: Final = lib.BIO_s_mem()
_POINTER: Final = ffi.typeof("char **")
_BYTES: Final = ffi.typeof("char[]")
_FLIGHT: Final = 16384
"""Most of what goes to the peer at once is shorter."""
_NOTHING: Final[Mapping[bytes, bytes]] = MappingProxyType({})
_SESSION_HEAD: Final = 64
"""The least an SSL_SESSION takes."""
_LONG_FORM: Final = 0x80
"""The bit of a DER length of several bytes (X.690 8.1.3.5)."""
_VERSIONS: Final = {number: number for number in VERSION_OPTIONS}
"""One object a number, however many connections keep it."""
_ciphers: Final[dict[Any, tuple[str, int]]] = {}
"""Name and strength of OpenSSL's suites, which are static objects."""
