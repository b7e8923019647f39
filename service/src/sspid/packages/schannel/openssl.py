"""OpenSSL: contexts, connections over memory BIOs and certificate stores. The only file that knows it; no SSPI semantics here.

It uses the binding that `cryptography` ships and pyOpenSSL uses, without pyOpenSSL between: pyOpenSSL's Connection costs 10 us
more a handshake, and its Context cannot share a certificate store. OpenSSL rolls its own dice and reads its own clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.bindings.openssl.binding import Binding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_binding = Binding()
ffi: Any = _binding.ffi
lib: Any = _binding.lib

_allocate = ffi.new_allocator(should_clear_after_alloc=False)

TLS1_2 = 0x0303
TLS1_3 = 0x0304
DTLS1_2 = 0xFEFD

_MODES = 0x1 | 0x2 | 0x4 | 0x8
"""Partial writes, moving write buffer, auto retry, no automatic chain from the trust store (ssl.h)."""
_SSL_LIBRARY = 20
_CERTIFICATE_VERIFY_FAILED = 134
_INVALID_STATUS_RESPONSE = 328
_NO_CRL = 3
_ALERT_RECEIVED = 1000
"""SSL_R_*_ALERT_* numbers are the received alert's number plus this (sslerr.h)."""
_WANT_READ = 2
_WANT_CERTIFICATE = 4
_ZERO_RETURN = 6
_OP_NO_TICKET = 1 << 14
_OP_ALLOW_CLIENT_RENEGOTIATION = 1 << 8
_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION = 1 << 16
_VERSION_OPTIONS = {0x0301: 1 << 26, 0x0302: 1 << 28, TLS1_2: 1 << 27, TLS1_3: 1 << 29, 0xFEFF: 1 << 26, DTLS1_2: 1 << 27}
_ABOUT_CERTIFICATES = (_CERTIFICATE_VERIFY_FAILED, _INVALID_STATUS_RESPONSE)
_MOST_PLAIN = 16384
_VERIFY_NONE = 0
_VERIFY_PEER = 1
_VERIFY_REQUIRE = 2


def is_datagram(version: int) -> bool:
    """Whether a wire number is one of DTLS, which counts downwards."""
    return version > 0xFE00


class TlsError(Exception):
    """OpenSSL gave up: its reason, the alert received, or the certificate error with the depth it was found at."""

    def __init__(self, reason: int, text: str, *, alert: int | None = None, verify: tuple[int, int] | None = None) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text
        self.alert = alert
        self.verify = verify


class Progress(Enum):
    """What a step of the handshake came to."""

    DONE = auto()
    WANTS_INPUT = auto()
    WANTS_CERTIFICATE = auto()


def verify_text(error: int) -> str:
    """OpenSSL's words for an X509_V_ERR number."""
    return str(ffi.string(lib.X509_verify_cert_error_string(error)).decode())


def _failure(verify: tuple[int, int] | None) -> TlsError:
    """The first error of the TLS library in this thread's queue, which is emptied."""
    reason, text = 0, ""
    while code := lib.ERR_get_error():
        found = lib.ERR_reason_error_string(code)
        words = "" if found == ffi.NULL else ffi.string(found).decode()
        if not reason and (code >> 23) & 0xFF == _SSL_LIBRARY:
            reason, text = code & 0x7FFFFF, words
        text = text or words
    text = text or f"reason {reason}"
    alert = reason - _ALERT_RECEIVED if _ALERT_RECEIVED <= reason < _ALERT_RECEIVED + 256 else None
    return TlsError(reason, text, alert=alert, verify=verify if reason in _ABOUT_CERTIFICATES else None)


def _x509(der: bytes) -> Any:
    bio = ffi.gc(lib.BIO_new_mem_buf(der, len(der)), lib.BIO_free)
    found = lib.d2i_X509_bio(bio, ffi.NULL)
    if found == ffi.NULL:
        raise _failure(None)
    return found


def _der(x509: Any) -> bytes:
    bio = ffi.gc(lib.BIO_new(lib.BIO_s_mem()), lib.BIO_free)
    lib.i2d_X509_bio(bio, x509)
    return _waiting(bio)


def _name_der(name: Any) -> bytes:
    start = ffi.new("unsigned char **")
    length = lib.i2d_X509_NAME(name, start)
    data = bytes(ffi.buffer(start[0], length))
    lib.OPENSSL_free(start[0])
    return data


def _waiting(bio: Any) -> bytes:
    start = ffi.new("char **")
    length = lib.BIO_get_mem_data(bio, start)
    return bytes(ffi.buffer(start[0], length)) if length > 0 else b""


class Store:
    """Trust anchors and CRLs, parsed once and shared by any number of contexts."""

    __slots__ = ("pointer",)

    def __init__(self, certificates: Iterable[bytes], crls: Iterable[bytes] = ()) -> None:
        """Take DER certificates and DER CRLs; raises TlsError for one that does not decode."""
        self.pointer = ffi.gc(lib.X509_STORE_new(), lib.X509_STORE_free)
        for der in certificates:
            lib.X509_STORE_add_cert(self.pointer, ffi.gc(_x509(der), lib.X509_free))
        for der in crls:
            bio = ffi.gc(lib.BIO_new_mem_buf(der, len(der)), lib.BIO_free)
            crl = ffi.gc(lib.d2i_X509_CRL_bio(bio, ffi.NULL), lib.X509_CRL_free)
            lib.X509_STORE_add_crl(self.pointer, crl)


@dataclass(frozen=True, slots=True)
class Chain:
    """One certificate with its key and intermediates, DER."""

    leaf: bytes
    key: bytes
    intermediates: tuple[bytes, ...] = ()

    def __repr__(self) -> str:
        return "Chain(...)"


@dataclass(frozen=True, slots=True)
class ContextSettings:
    """What an SSL_CTX is made from. `versions` are wire numbers; empty strings mean OpenSSL's defaults."""

    server: bool
    versions: frozenset[int]
    chains: tuple[Chain, ...] = ()
    store: Store | None = None
    crl_flags: int = 0
    tolerated: frozenset[int] = frozenset()
    client_ca_names: tuple[bytes, ...] = ()
    cipher_list: str = ""
    cipher_suites: str = ""
    groups: str = ""
    lifespan: int = 36000
    reconnects: bool = True
    datagram: bool = False
    stapling: bool = False


class Context:
    """One SSL_CTX; unchanged once made, so any number of threads may start connections from it."""

    __slots__ = ("choose", "pointer", "server", "tolerated")

    def __init__(self, settings: ContextSettings, choose: Callable[[str], Context] | None = None) -> None:
        """Build it. `choose` answers which context serves a server name. Raises TlsError where OpenSSL refuses a setting."""
        method = lib.DTLS_method if settings.datagram else lib.TLS_method
        self.pointer = ffi.gc(lib.SSL_CTX_new(method()), lib.SSL_CTX_free)
        self.server = settings.server
        self.tolerated = settings.tolerated
        self.choose = choose
        self._limit(settings)
        self._identify(settings.chains)
        self._trust(settings)
        lib.SSL_CTX_set_keylog_callback(self.pointer, _on_keylog)
        lib.SSL_CTX_set_cert_cb(self.pointer, *((ffi.NULL, ffi.NULL) if self.server else (_on_certificate_request, ffi.NULL)))
        if self.server:
            self._serve(settings)
        elif settings.stapling:
            lib.SSL_CTX_set_tlsext_status_cb(self.pointer, _on_stapled)

    def _limit(self, settings: ContextSettings) -> None:
        context = self.pointer
        lib.SSL_CTX_set_mode(context, _MODES)
        _check(lib.SSL_CTX_set_min_proto_version(context, _oldest(settings)))
        _check(lib.SSL_CTX_set_max_proto_version(context, _newest(settings)))
        for version in set(_VERSION_OPTIONS) - settings.versions:
            if _oldest(settings) < version < _newest(settings):
                lib.SSL_CTX_set_options(context, _VERSION_OPTIONS[version])
        if settings.cipher_list:
            _check(lib.SSL_CTX_set_cipher_list(context, settings.cipher_list.encode()))
        if settings.cipher_suites:
            _check(lib.SSL_CTX_set_ciphersuites(context, settings.cipher_suites.encode()))
        if settings.groups:
            _check(lib.SSL_CTX_set1_curves_list(context, settings.groups.encode()))

    def _identify(self, chains: tuple[Chain, ...]) -> None:
        context = self.pointer
        for der in dict.fromkeys(der for chain in chains for der in chain.intermediates):
            _check(lib.SSL_CTX_add_extra_chain_cert(context, _x509(der)))
        for chain in chains:
            _check(lib.SSL_CTX_use_certificate(context, ffi.gc(_x509(chain.leaf), lib.X509_free)))
            bio = ffi.gc(lib.BIO_new_mem_buf(chain.key, len(chain.key)), lib.BIO_free)
            key = lib.d2i_PrivateKey_bio(bio, ffi.NULL)
            if key == ffi.NULL:
                raise _failure(None)
            _check(lib.SSL_CTX_use_PrivateKey(context, ffi.gc(key, lib.EVP_PKEY_free)))
            _check(lib.SSL_CTX_check_private_key(context))

    def _trust(self, settings: ContextSettings) -> None:
        if settings.store is not None:
            _check(lib.X509_STORE_up_ref(settings.store.pointer))
            lib.SSL_CTX_set_cert_store(self.pointer, settings.store.pointer)
        if settings.crl_flags:
            lib.X509_VERIFY_PARAM_set_flags(lib.SSL_CTX_get0_param(self.pointer), settings.crl_flags)
        lib.X509_VERIFY_PARAM_set_hostflags(lib.SSL_CTX_get0_param(self.pointer), lib.X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS)
        lib.SSL_CTX_set_verify(self.pointer, _VERIFY_NONE if settings.server else _VERIFY_PEER, _on_verify)

    def _serve(self, settings: ContextSettings) -> None:
        context = self.pointer
        # A renegotiation that resumed the session would ask for no certificate.
        renegotiation = _OP_ALLOW_CLIENT_RENEGOTIATION | _OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION
        lib.SSL_CTX_set_options(context, lib.SSL_OP_CIPHER_SERVER_PREFERENCE | renegotiation)
        lib.SSL_CTX_set_session_id_context(context, b"sspid", 5)
        lib.SSL_CTX_set_timeout(context, settings.lifespan)
        lib.SSL_CTX_set_alpn_select_cb(context, _on_alpn, ffi.NULL)
        if self.choose is not None:
            lib.SSL_CTX_set_tlsext_servername_callback(context, _on_server_name)
        if not settings.reconnects:
            lib.SSL_CTX_set_options(context, _OP_NO_TICKET)
            lib.SSL_CTX_set_session_cache_mode(context, lib.SSL_SESS_CACHE_OFF)
        if settings.client_ca_names:
            names = lib.sk_X509_NAME_new_null()
            for der in settings.client_ca_names:
                lib.sk_X509_NAME_push(
                    names, lib.d2i_X509_NAME(ffi.NULL, ffi.new("unsigned char **", ffi.from_buffer(der)), len(der))
                )
            lib.SSL_CTX_set_client_CA_list(context, names)


def _oldest(settings: ContextSettings) -> int:
    return max(settings.versions) if settings.datagram else min(settings.versions)


def _newest(settings: ContextSettings) -> int:
    return min(settings.versions) if settings.datagram else max(settings.versions)


def _check(result: int) -> None:
    if result != 1:
        raise _failure(None)


class Connection:
    """One TLS connection over two memory BIOs. Used by one thread at a time; every method may raise TlsError."""

    __slots__ = (
        "alpn",
        "answers_requests",
        "context",
        "inward",
        "issuers",
        "judge_stapled",
        "key_log",
        "outward",
        "server_name",
        "ssl",
        "verify_error",
        "wants_stapled",
    )

    def __init__(self, context: Context) -> None:
        ssl = lib.SSL_new(context.pointer)
        if ssl == ffi.NULL:
            raise _failure(None)
        self.ssl = ffi.gc(ssl, lib.SSL_free)
        self.inward = lib.BIO_new(lib.BIO_s_mem())
        self.outward = lib.BIO_new(lib.BIO_s_mem())
        lib.SSL_set_bio(ssl, self.inward, self.outward)
        (lib.SSL_set_accept_state if context.server else lib.SSL_set_connect_state)(ssl)
        self.context = context
        self.key_log: list[bytes] = []
        self.verify_error: tuple[int, int] | None = None
        self.alpn: tuple[bytes, ...] = ()
        self.server_name = ""
        self.answers_requests = True
        self.issuers: frozenset[bytes] = frozenset()
        self.judge_stapled: Callable[[bytes, bytes, bytes], int] | None = None
        self.wants_stapled = False

    def expect(self, name: str, *, host: bytes = b"", address: bytes = b"") -> None:
        """Check the peer's certificate against a DNS name or a packed IP address; send `name` as SNI unless empty."""
        if name:
            lib.SSL_set_tlsext_host_name(self.ssl, name.encode())
        parameters = lib.SSL_get0_param(self.ssl)
        if host:
            _check(lib.X509_VERIFY_PARAM_set1_host(parameters, host, len(host)))
        if address:
            _check(lib.X509_VERIFY_PARAM_set1_ip(parameters, address, len(address)))

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

    def stapled_error(self) -> int:
        """What is wrong with the server's OCSP answer, or with there being none where no CRL stood in."""
        found = ffi.new("unsigned char **")
        length = lib.SSL_get_tlsext_status_ocsp_resp(self.ssl, found)
        chain = lib.SSL_get0_verified_chain(self.ssl)
        if length <= 0 or chain == ffi.NULL or lib.sk_X509_num(chain) < 2 or self.judge_stapled is None:
            return _NO_CRL if self.wants_stapled else 0
        leaf, issuer = (_der(lib.sk_X509_value(chain, at)) for at in (0, 1))
        return self.judge_stapled(bytes(ffi.buffer(found[0], length)), leaf, issuer)

    def trust_anyone(self) -> None:
        """Go on whatever the peer's chain is; `verify_error` still tells."""
        lib.SSL_set_verify(self.ssl, _VERIFY_NONE, _on_verify)

    def offer_post_handshake_auth(self) -> None:
        """Tell a TLS 1.3 server that it may ask for the certificate after the handshake too."""
        lib.SSL_set_post_handshake_auth(self.ssl, 1)

    def resume(self, session: bytes) -> None:
        """Offer a session that `session` packed; one that no longer decodes is left out."""
        start = ffi.new("unsigned char **", ffi.from_buffer("unsigned char[]", session))
        found = lib.d2i_SSL_SESSION(ffi.NULL, start, len(session))
        if found == ffi.NULL:
            lib.ERR_clear_error()
            return
        lib.SSL_set_session(self.ssl, found)
        lib.SSL_SESSION_free(found)

    def session(self) -> bytes:
        """The session as bytes that `resume` takes; empty where there is none to resume."""
        found = lib.SSL_get_session(self.ssl)
        length = 0 if found == ffi.NULL else lib.i2d_SSL_SESSION(found, ffi.NULL)
        if length <= 0:
            return b""
        out = ffi.new("unsigned char[]", length)
        lib.i2d_SSL_SESSION(found, ffi.new("unsigned char **", out))
        return bytes(ffi.buffer(out))

    def forbid_tickets(self) -> None:
        """Hand out no ticket on this connection."""
        lib.SSL_set_options(self.ssl, _OP_NO_TICKET)

    def renegotiate(self) -> None:
        """Begin a TLS 1.2 handshake on the established connection."""
        _check(lib.SSL_renegotiate(self.ssl))

    def ask_for_certificate(self) -> None:
        """Ask a TLS 1.3 client for its certificate after the handshake."""
        _check(lib.SSL_verify_client_post_handshake(self.ssl))

    def require_certificate(self, *, judged: bool) -> None:
        """Ask the client for a certificate and fail without one; `judged` False leaves its chain to the caller."""
        lib.SSL_set_verify(self.ssl, _VERIFY_PEER | _VERIFY_REQUIRE, _on_verify if judged else _on_verify_tolerant)

    def present(self, context: Context) -> None:
        """Answer the peer's certificate request with what `context` holds."""
        lib.SSL_set_SSL_CTX(self.ssl, context.pointer)
        self.context = context

    def accepted_issuers(self) -> tuple[bytes, ...]:
        """The CA names (DER) that the server's certificate request lists; empty for any."""
        stack = lib.SSL_get_client_CA_list(self.ssl)
        count = 0 if stack == ffi.NULL else lib.sk_X509_NAME_num(stack)
        return tuple(_name_der(lib.sk_X509_NAME_value(stack, at)) for at in range(count))

    def advance(self, data: bytes) -> Progress:
        """Feed whole records and take the handshake as far as they carry."""
        ssl = self.ssl
        if data:
            lib.BIO_write(self.inward, data, len(data))
        _running[ssl] = self
        lib.ERR_clear_error()
        try:
            result = lib.SSL_do_handshake(ssl)
            if result == 1:
                return Progress.DONE
            error = lib.SSL_get_error(ssl, result)
        finally:
            del _running[ssl]
        if error == _WANT_READ:
            return Progress.WANTS_INPUT
        if error == _WANT_CERTIFICATE:
            return Progress.WANTS_CERTIFICATE
        raise _failure(self.verify_error)

    def output(self) -> bytes:
        """Everything that waits to be sent to the peer."""
        start = ffi.new("char **")
        length = lib.BIO_get_mem_data(self.outward, start)
        if length <= 0:
            return b""
        data = _allocate("char[]", length)
        lib.BIO_read(self.outward, data, length)
        return bytes(ffi.buffer(data, length))

    def unread(self) -> int:
        """Bytes fed that OpenSSL did not want: what follows the handshake."""
        return int(lib.BIO_get_mem_data(self.inward, ffi.new("char **")))

    def discard_unread(self) -> None:
        """Take the unwanted bytes back out; the caller will send them again."""
        if length := self.unread():
            lib.BIO_read(self.inward, _allocate("char[]", length), length)

    def set_mtu(self, mtu: int) -> None:
        """Keep DTLS datagrams to this length."""
        lib.SSL_set_options(self.ssl, lib.SSL_OP_NO_QUERY_MTU)
        lib.SSL_set_mtu(self.ssl, mtu)

    def data_mtu(self) -> int:
        """How much application data a DTLS datagram carries."""
        return int(lib.DTLS_get_data_mtu(self.ssl))

    def retransmit(self) -> bytes:
        """The DTLS flight again, where OpenSSL's timer says that it is due."""
        _running[self.ssl] = self
        try:
            lib.DTLSv1_handle_timeout(self.ssl)
        finally:
            del _running[self.ssl]
        return self.output()

    def read(self, record: bytes) -> bytes | None:
        """Feed one record: its application data, or None where it carried something else. EOFError after close_notify."""
        ssl = self.ssl
        if record:
            lib.BIO_write(self.inward, record, len(record))
        room = len(record) or _MOST_PLAIN
        buffer = _allocate("char[]", room)
        _running[ssl] = self
        lib.ERR_clear_error()
        try:
            length = lib.SSL_read(ssl, buffer, room)
            if length > 0:
                return bytes(ffi.buffer(buffer, length))
            error = lib.SSL_get_error(ssl, length)
        finally:
            del _running[ssl]
        if error == _WANT_READ:
            return None
        if error == _ZERO_RETURN:
            raise EOFError
        raise _failure(self.verify_error)

    def write(self, data: bytes) -> bytes:
        """Seal at most 16384 bytes into one record. Without data, only an owed KeyUpdate comes."""
        ssl = self.ssl
        _running[ssl] = self
        try:
            if lib.SSL_write(ssl, data, len(data)) < len(data):
                raise _failure(None)
        finally:
            del _running[ssl]
        return self.output()

    def close(self) -> bytes:
        """The close_notify record."""
        lib.ERR_clear_error()
        lib.SSL_shutdown(self.ssl)
        return self.output()

    def version(self) -> int:
        """The negotiated version's wire number."""
        return int(lib.SSL_version(self.ssl))

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

    @property
    def offers_protocols(self) -> bool:
        """Whether ALPN was asked for on this side."""
        return bool(self.alpn)

    def resumed(self) -> bool:
        """Whether the handshake resumed a session."""
        return bool(lib.SSL_session_reused(self.ssl))

    def peer_certificate(self) -> bytes:
        """The peer's own certificate, DER; empty for none."""
        found = lib.SSL_get_peer_certificate(self.ssl)
        return b"" if found == ffi.NULL else _der(ffi.gc(found, lib.X509_free))

    def peer_chain(self) -> tuple[bytes, ...]:
        """The peer's certificates as sent, leaf first, DER."""
        first = self.peer_certificate()
        if not first:
            return ()
        stack = lib.SSL_get_peer_cert_chain(self.ssl)
        count = 0 if stack == ffi.NULL else lib.sk_X509_num(stack)
        rest = [_der(lib.sk_X509_value(stack, at)) for at in range(count)]
        return (first, *(der for der in rest if der != first))

    def local_certificate(self) -> bytes:
        """Our own certificate, DER; empty for none."""
        found = lib.SSL_get_certificate(self.ssl)
        return b"" if found == ffi.NULL else _der(found)

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
        _check(lib.SSL_export_keying_material(self.ssl, out, length, label, len(label), given, len(given), context is not None))
        return bytes(ffi.buffer(out, length))


_ciphers: dict[Any, tuple[str, int]] = {}
"""Name and strength of OpenSSL's suites, which are static objects."""

_running: dict[Any, Connection] = {}
"""The connections inside an OpenSSL call, so that callbacks find theirs; each entry lives as long as that call."""


@ffi.callback("void (*)(const SSL *, const char *)")  # type: ignore[untyped-decorator]  # cffi ships no types
def _on_keylog(ssl: Any, line: Any) -> None:
    _running[ssl].key_log.append(ffi.string(line))


def _judge(store_context: Any) -> tuple[Connection, bool]:
    ssl = lib.X509_STORE_CTX_get_ex_data(store_context, lib.SSL_get_ex_data_X509_STORE_CTX_idx())
    connection = _running[ssl]
    error = lib.X509_STORE_CTX_get_error(store_context)
    if error == _NO_CRL and connection.judge_stapled and not lib.X509_STORE_CTX_get_error_depth(store_context):
        connection.wants_stapled = error not in connection.context.tolerated
        lib.X509_STORE_CTX_set_error(store_context, 0)
        return connection, True
    if error in connection.context.tolerated:
        lib.X509_STORE_CTX_set_error(store_context, 0)
        return connection, True
    if connection.verify_error is None:
        connection.verify_error = error, lib.X509_STORE_CTX_get_error_depth(store_context)
    return connection, False


@ffi.callback("int (*)(int, X509_STORE_CTX *)")  # type: ignore[untyped-decorator]  # cffi ships no types
def _on_verify(ok: int, store_context: Any) -> int:
    return 1 if ok else int(_judge(store_context)[1])


@ffi.callback("int (*)(int, X509_STORE_CTX *)")  # type: ignore[untyped-decorator]  # cffi ships no types
def _on_verify_tolerant(ok: int, store_context: Any) -> int:
    if not ok:
        _judge(store_context)
    return 1


@ffi.callback("int (*)(SSL *, void *)")  # type: ignore[untyped-decorator]  # cffi ships no types
def _on_certificate_request(ssl: Any, _argument: Any) -> int:
    connection = _running[ssl]
    if not connection.answers_requests:
        return -1
    accepted = connection.accepted_issuers() if connection.issuers else ()
    return -1 if accepted and connection.issuers.isdisjoint(accepted) else 1


@ffi.callback("int (*)(SSL *, void *)")  # type: ignore[untyped-decorator]  # cffi ships no types
def _on_stapled(ssl: Any, _argument: Any) -> int:
    connection = _running[ssl]
    if connection.judge_stapled is None:
        return 1
    error = connection.stapled_error()
    if error and connection.verify_error is None:
        connection.verify_error = error, 0
    return 0 if error else 1


@ffi.callback("int (*)(SSL *, const unsigned char **, unsigned char *, const unsigned char *, unsigned int, void *)")  # type: ignore[untyped-decorator]  # cffi ships no types
def _on_alpn(ssl: Any, out: Any, out_length: Any, offered: Any, length: int, _argument: Any) -> int:
    wanted = _running[ssl].alpn
    if not wanted:
        return int(lib.SSL_TLSEXT_ERR_NOACK)
    data = bytes(ffi.buffer(offered, length))
    at = 0
    offers: dict[bytes, int] = {}
    while at < length:
        offers[data[at + 1 : at + 1 + data[at]]] = at
        at += 1 + data[at]
    for name in wanted:
        if name in offers:
            out[0] = offered + offers[name] + 1
            out_length[0] = len(name)
            return int(lib.SSL_TLSEXT_ERR_OK)
    return int(lib.SSL_TLSEXT_ERR_ALERT_FATAL)


@ffi.callback("int (*)(SSL *, int *, void *)")  # type: ignore[untyped-decorator]  # cffi ships no types
def _on_server_name(ssl: Any, _alert: Any, _argument: Any) -> int:
    name = lib.SSL_get_servername(ssl, lib.TLSEXT_NAMETYPE_host_name)
    if name == ffi.NULL:
        return int(lib.SSL_TLSEXT_ERR_NOACK)
    connection = _running[ssl]
    connection.server_name = ffi.string(name).decode("utf-8", "replace")
    if connection.context.choose is not None:
        chosen = connection.context.choose(connection.server_name)
        if chosen is not connection.context:
            lib.SSL_set_SSL_CTX(ssl, chosen.pointer)
            connection.context = chosen
    return int(lib.SSL_TLSEXT_ERR_OK)
