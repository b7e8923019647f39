"""The binding to OpenSSL that `cryptography` ships: constants, errors, certificates in and out; no context or connection."""

from __future__ import annotations

from enum import Enum, auto
from typing import Any, Final

from cryptography.hazmat.bindings.openssl.binding import Binding

_binding: Final = Binding()
ffi: Final[Any] = _binding.ffi
lib: Final[Any] = _binding.lib

allocate: Final = ffi.new_allocator(should_clear_after_alloc=False)

TLS1_2: Final = 0x0303
TLS1_3: Final = 0x0304
DTLS1_2: Final = 0xFEFD

MODES: Final = 0x1 | 0x2 | 0x4 | 0x8
"""Partial writes, moving write buffer, auto retry, no automatic chain from the trust store (ssl.h)."""
SSL_LIBRARY: Final = 20
CERTIFICATE_VERIFY_FAILED: Final = 134
INVALID_STATUS_RESPONSE: Final = 328
NO_CRL: Final = 3
ALERT_RECEIVED: Final = 1000
"""SSL_R_*_ALERT_* numbers are the received alert's number plus this (sslerr.h)."""
WANT_READ: Final = 2
WANT_CERTIFICATE: Final = 4
ZERO_RETURN: Final = 6
SENT_AND_RECEIVED: Final = 1 | 2
"""close_notify, of SSL_set_shutdown(3)."""
OP_NO_TICKET: Final = 1 << 14
OP_ALLOW_CLIENT_RENEGOTIATION: Final = 1 << 8
OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION: Final = 1 << 16
VERSION_OPTIONS: Final = {0x0301: 1 << 26, 0x0302: 1 << 28, TLS1_2: 1 << 27, TLS1_3: 1 << 29, 0xFEFF: 1 << 26, DTLS1_2: 1 << 27}
ABOUT_CERTIFICATES: Final = (CERTIFICATE_VERIFY_FAILED, INVALID_STATUS_RESPONSE)
MOST_PLAIN: Final = 16384
VERIFY_NONE: Final = 0
VERIFY_PEER: Final = 1
VERIFY_REQUIRE: Final = 2


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


def failure(verify: tuple[int, int] | None) -> TlsError:
    """The first error of the TLS library in this thread's queue, which is emptied."""
    reason, text = 0, ""
    while code := lib.ERR_get_error():
        found = lib.ERR_reason_error_string(code)
        words = "" if found == ffi.NULL else ffi.string(found).decode()
        if not reason and (code >> 23) & 0xFF == SSL_LIBRARY:
            reason, text = code & 0x7FFFFF, words
        text = text or words
    text = text or f"reason {reason}"
    alert = reason - ALERT_RECEIVED if ALERT_RECEIVED <= reason < ALERT_RECEIVED + 256 else None
    return TlsError(reason, text, alert=alert, verify=verify if reason in ABOUT_CERTIFICATES else None)


def certificate_from(der: bytes) -> Any:
    """An X509 of a certificate (DER); the caller frees it."""
    bio = ffi.gc(lib.BIO_new_mem_buf(der, len(der)), lib.BIO_free)
    found = lib.d2i_X509_bio(bio, ffi.NULL)
    if found == ffi.NULL:
        raise failure(None)
    return found


def der_of(x509: Any) -> bytes:
    """An X509 as DER."""
    bio = ffi.gc(lib.BIO_new(lib.BIO_s_mem()), lib.BIO_free)
    lib.i2d_X509_bio(bio, x509)
    return waiting(bio)


def name_der(name: Any) -> bytes:
    """An X509_NAME as DER."""
    start = ffi.new("unsigned char **")
    length = lib.i2d_X509_NAME(name, start)
    data = bytes(ffi.buffer(start[0], length))
    lib.OPENSSL_free(start[0])
    return data


def waiting(bio: Any) -> bytes:
    """What a memory BIO holds, left in it."""
    start = ffi.new("char **")
    length = lib.BIO_get_mem_data(bio, start)
    return bytes(ffi.buffer(start[0], length)) if length > 0 else b""


def check(result: int) -> None:
    """TlsError unless OpenSSL's answer is 1."""
    if result != 1:
        raise failure(None)


running: Final[dict[Any, Any]] = {}
"""The connections inside an OpenSSL call, so that callbacks find theirs; each entry lives as long as that call."""
