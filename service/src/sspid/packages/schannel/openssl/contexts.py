"""Certificate stores and SSL_CTX: what connections are started from and share; neither changes once made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sspid.packages.schannel.openssl import callbacks
from sspid.packages.schannel.openssl.binding import (
    MODES,
    OP_ALLOW_CLIENT_RENEGOTIATION,
    OP_NO_TICKET,
    VERIFY_NONE,
    VERIFY_PEER,
    VERSION_OPTIONS,
    certificate_from,
    check,
    failure,
    ffi,
    lib,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Store:
    """Trust anchors and CRLs, parsed once and shared by any number of contexts."""

    __slots__ = ("pointer",)

    def __init__(self, certificates: Iterable[bytes], crls: Iterable[bytes] = ()) -> None:
        """Take DER certificates and DER CRLs; raises TlsError for one that does not decode."""
        self.pointer = ffi.gc(lib.X509_STORE_new(), lib.X509_STORE_free)
        for der in certificates:
            check(lib.X509_STORE_add_cert(self.pointer, ffi.gc(certificate_from(der), lib.X509_free)))
        for der in crls:
            bio = ffi.gc(lib.BIO_new_mem_buf(der, len(der)), lib.BIO_free)
            crl = lib.d2i_X509_CRL_bio(bio, ffi.NULL)
            if crl == ffi.NULL:
                raise failure(None)
            check(lib.X509_STORE_add_crl(self.pointer, ffi.gc(crl, lib.X509_CRL_free)))


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
    """An initiator asks for an OCSP answer and judges it; an acceptor has one for clients that ask."""


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
        lib.SSL_CTX_set_keylog_callback(self.pointer, callbacks.on_keylog)
        lib.SSL_CTX_set_cert_cb(
            self.pointer, *((ffi.NULL, ffi.NULL) if self.server else (callbacks.on_certificate_request, ffi.NULL))
        )
        if self.server:
            self._serve(settings)
        elif settings.stapling:
            lib.SSL_CTX_set_tlsext_status_cb(self.pointer, callbacks.on_stapled)

    def _limit(self, settings: ContextSettings) -> None:
        context = self.pointer
        lib.SSL_CTX_set_mode(context, MODES)
        check(lib.SSL_CTX_set_min_proto_version(context, _oldest(settings)))
        check(lib.SSL_CTX_set_max_proto_version(context, _newest(settings)))
        for version in set(VERSION_OPTIONS) - settings.versions:
            if _oldest(settings) < version < _newest(settings):
                lib.SSL_CTX_set_options(context, VERSION_OPTIONS[version])
        if settings.cipher_list:
            check(lib.SSL_CTX_set_cipher_list(context, settings.cipher_list.encode()))
        if settings.cipher_suites:
            check(lib.SSL_CTX_set_ciphersuites(context, settings.cipher_suites.encode()))
        if settings.groups:
            check(lib.SSL_CTX_set1_curves_list(context, settings.groups.encode()))

    def _identify(self, chains: tuple[Chain, ...]) -> None:
        context = self.pointer
        for der in dict.fromkeys(der for chain in chains for der in chain.intermediates):
            check(lib.SSL_CTX_add_extra_chain_cert(context, certificate_from(der)))
        for chain in chains:
            check(lib.SSL_CTX_use_certificate(context, ffi.gc(certificate_from(chain.leaf), lib.X509_free)))
            bio = ffi.gc(lib.BIO_new_mem_buf(chain.key, len(chain.key)), lib.BIO_free)
            key = lib.d2i_PrivateKey_bio(bio, ffi.NULL)
            if key == ffi.NULL:
                raise failure(None)
            check(lib.SSL_CTX_use_PrivateKey(context, ffi.gc(key, lib.EVP_PKEY_free)))
            check(lib.SSL_CTX_check_private_key(context))

    def _trust(self, settings: ContextSettings) -> None:
        if settings.store is not None:
            check(lib.X509_STORE_up_ref(settings.store.pointer))
            lib.SSL_CTX_set_cert_store(self.pointer, settings.store.pointer)
        if settings.crl_flags:
            lib.X509_VERIFY_PARAM_set_flags(lib.SSL_CTX_get0_param(self.pointer), settings.crl_flags)
        lib.X509_VERIFY_PARAM_set_hostflags(lib.SSL_CTX_get0_param(self.pointer), lib.X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS)
        lib.SSL_CTX_set_verify(self.pointer, VERIFY_NONE if settings.server else VERIFY_PEER, callbacks.on_verify)

    def _serve(self, settings: ContextSettings) -> None:
        context = self.pointer
        lib.SSL_CTX_set_options(context, lib.SSL_OP_CIPHER_SERVER_PREFERENCE | OP_ALLOW_CLIENT_RENEGOTIATION)
        lib.SSL_CTX_set_session_id_context(context, b"sspid", 5)
        lib.SSL_CTX_set_timeout(context, settings.lifespan)
        if settings.stapling:
            lib.SSL_CTX_set_tlsext_status_cb(context, callbacks.on_status_request)
        if settings.datagram:
            lib.SSL_CTX_set_cookie_generate_cb(context, callbacks.on_cookie_wanted)
            lib.SSL_CTX_set_cookie_verify_cb(context, callbacks.on_cookie)
        lib.SSL_CTX_set_alpn_select_cb(context, callbacks.on_alpn, ffi.NULL)
        if self.choose is not None:
            lib.SSL_CTX_set_tlsext_servername_callback(context, callbacks.on_server_name)
        if not settings.reconnects:
            lib.SSL_CTX_set_options(context, OP_NO_TICKET)
            lib.SSL_CTX_set_session_cache_mode(context, lib.SSL_SESS_CACHE_OFF)
        if settings.client_ca_names:
            names = lib.sk_X509_NAME_new_null()
            for der in settings.client_ca_names:
                name = lib.d2i_X509_NAME(ffi.NULL, ffi.new("unsigned char **", ffi.from_buffer(der)), len(der))
                if name == ffi.NULL:
                    raise failure(None)
                lib.sk_X509_NAME_push(names, name)
            lib.SSL_CTX_set_client_CA_list(context, names)


def _oldest(settings: ContextSettings) -> int:
    return max(settings.versions) if settings.datagram else min(settings.versions)


def _newest(settings: ContextSettings) -> int:
    return min(settings.versions) if settings.datagram else max(settings.versions)
