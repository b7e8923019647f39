"""What OpenSSL calls in the middle of a handshake: verdicts on certificates, ALPN, server names, key log; it begins none."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

from sspid.packages.schannel.openssl.binding import NO_CRL, der_of, ffi, lib, running

if TYPE_CHECKING:
    from sspid.packages.schannel.openssl.connections import Connection


@ffi.callback("void (*)(const SSL *, const char *)")  # type: ignore[untyped-decorator]  # cffi ships no types
def on_keylog(ssl: Any, line: Any) -> None:
    """Keep a line of key material."""
    running[ssl].key_log.append(ffi.string(line))


def _judge(store_context: Any) -> tuple[Connection, bool]:
    ssl = lib.X509_STORE_CTX_get_ex_data(store_context, lib.SSL_get_ex_data_X509_STORE_CTX_idx())
    connection = running[ssl]
    error = lib.X509_STORE_CTX_get_error(store_context)
    if error == NO_CRL and connection.judge_stapled and not lib.X509_STORE_CTX_get_error_depth(store_context):
        connection.wants_stapled = error not in connection.context.tolerated
        lib.X509_STORE_CTX_set_error(store_context, 0)
        return connection, True
    if error in connection.context.tolerated:
        lib.X509_STORE_CTX_set_error(store_context, 0)
        return connection, True
    if connection.verify_error is None:
        connection.verify_error = error, lib.X509_STORE_CTX_get_error_depth(store_context)
        found = lib.X509_STORE_CTX_get_current_cert(store_context)
        connection.refused = b"" if found == ffi.NULL else der_of(found)
    return connection, False


@ffi.callback("int (*)(int, X509_STORE_CTX *)")  # type: ignore[untyped-decorator]  # cffi ships no types
def on_verify(ok: int, store_context: Any) -> int:
    """Keep the first fault of a chain and stop at it."""
    return 1 if ok else int(_judge(store_context)[1])


@ffi.callback("int (*)(int, X509_STORE_CTX *)")  # type: ignore[untyped-decorator]  # cffi ships no types
def on_verify_tolerant(ok: int, store_context: Any) -> int:
    """Keep the first fault of a chain and go on."""
    if not ok:
        _judge(store_context)
    return 1


@ffi.callback("int (*)(SSL *, void *)")  # type: ignore[untyped-decorator]  # cffi ships no types
def on_certificate_request(ssl: Any, _argument: Any) -> int:
    """Answer the server's request, or halt the handshake where nothing fits it."""
    connection = running[ssl]
    if not connection.answers_requests:
        return -1
    accepted = connection.accepted_issuers() if connection.issuers else ()
    return -1 if accepted and connection.issuers.isdisjoint(accepted) else 1


@ffi.callback("int (*)(SSL *, void *)")  # type: ignore[untyped-decorator]  # cffi ships no types
def on_stapled(ssl: Any, _argument: Any) -> int:
    """Judge the server's OCSP answer."""
    connection = running[ssl]
    if connection.judge_stapled is None:
        return 1
    error = connection.stapled_error()
    if error and connection.verify_error is None:
        connection.verify_error = error, 0
    return 0 if error else 1


@ffi.callback("int (*)(SSL *, void *)")  # type: ignore[untyped-decorator]  # cffi ships no types
def on_status_request(ssl: Any, _argument: Any) -> int:
    """Staple the OCSP answer that the chosen certificate carries, for a client that asks."""
    answer = running[ssl].stapled.get(der_of(lib.SSL_get_certificate(ssl)))
    if answer is None:
        return int(lib.SSL_TLSEXT_ERR_NOACK)
    # OpenSSL frees it with the connection.
    copy = ffi.cast("unsigned char *", lib.OPENSSL_malloc(len(answer)))
    ffi.memmove(copy, answer, len(answer))
    lib.SSL_set_tlsext_status_ocsp_resp(ssl, copy, len(answer))
    return int(lib.SSL_TLSEXT_ERR_OK)


@ffi.callback("int (*)(SSL *, unsigned char *, unsigned int *)")  # type: ignore[untyped-decorator]  # cffi ships no types
def on_cookie_wanted(ssl: Any, cookie: Any, length: Any) -> int:
    """Give the HelloVerifyRequest its cookie."""
    given = running[ssl].cookies[0]
    ffi.memmove(cookie, given, len(given))
    length[0] = len(given)
    return 1


@ffi.callback("int (*)(SSL *, const unsigned char *, unsigned int)")  # type: ignore[untyped-decorator]  # cffi ships no types
def on_cookie(ssl: Any, cookie: Any, length: int) -> int:
    """Tell whether a ClientHello's cookie is one that was given out."""
    returned = bytes(ffi.buffer(cookie, length))
    return int(any(hmac.compare_digest(returned, given) for given in running[ssl].cookies))


@ffi.callback("int (*)(SSL *, const unsigned char **, unsigned char *, const unsigned char *, unsigned int, void *)")  # type: ignore[untyped-decorator]  # cffi ships no types
def on_alpn(ssl: Any, out: Any, out_length: Any, offered: Any, length: int, _argument: Any) -> int:
    """Choose the first of our protocols that the client offers."""
    wanted = running[ssl].alpn
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
def on_server_name(ssl: Any, _alert: Any, _argument: Any) -> int:
    """Take the context that serves the name the client wants."""
    name = lib.SSL_get_servername(ssl, lib.TLSEXT_NAMETYPE_host_name)
    if name == ffi.NULL:
        return int(lib.SSL_TLSEXT_ERR_NOACK)
    connection = running[ssl]
    connection.server_name = ffi.string(name).decode("utf-8", "replace")
    if connection.context.choose is not None:
        chosen = connection.context.choose(connection.server_name)
        if chosen is not connection.context:
            lib.SSL_set_SSL_CTX(ssl, chosen.pointer)
            connection.context = chosen
    return int(lib.SSL_TLSEXT_ERR_OK)
