"""The one table between TLS alerts, OpenSSL's reasons, certificate errors and statuses; it decides nothing else.

Sources: Windows' "Schannel error codes for TLS and SSL alerts" (``status-codes.md`` 4), RFC 8446 6, OpenSSL's ``x509_vfy.h``
and ``sslerr.h``.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from sspid.vocabulary.status import SecurityStatus as Status

if TYPE_CHECKING:
    from collections.abc import Mapping

WARNING = 1
FATAL = 2
CLOSE_NOTIFY = 0
BAD_RECORD_MAC = 20
USER_CANCELED = 90
NO_RENEGOTIATION = 100

_ALERTS: Mapping[int, tuple[str, Status]] = MappingProxyType(
    {
        0: ("close_notify", Status.SEC_I_CONTEXT_EXPIRED),
        10: ("unexpected_message", Status.SEC_E_ILLEGAL_MESSAGE),
        20: ("bad_record_mac", Status.SEC_E_MESSAGE_ALTERED),
        21: ("decryption_failed", Status.SEC_E_DECRYPT_FAILURE),
        22: ("record_overflow", Status.SEC_E_ILLEGAL_MESSAGE),
        30: ("decompression_failure", Status.SEC_E_MESSAGE_ALTERED),
        40: ("handshake_failure", Status.SEC_E_ILLEGAL_MESSAGE),
        42: ("bad_certificate", Status.SEC_E_CERT_UNKNOWN),
        43: ("unsupported_certificate", Status.SEC_E_CERT_UNKNOWN),
        44: ("certificate_revoked", Status.CRYPT_E_REVOKED),
        45: ("certificate_expired", Status.SEC_E_CERT_EXPIRED),
        46: ("certificate_unknown", Status.SEC_E_CERT_UNKNOWN),
        47: ("illegal_parameter", Status.SEC_E_ILLEGAL_MESSAGE),
        48: ("unknown_ca", Status.SEC_E_UNTRUSTED_ROOT),
        49: ("access_denied", Status.SEC_E_LOGON_DENIED),
        50: ("decode_error", Status.SEC_E_ILLEGAL_MESSAGE),
        51: ("decrypt_error", Status.SEC_E_DECRYPT_FAILURE),
        60: ("export_restriction", Status.SEC_E_ILLEGAL_MESSAGE),
        70: ("protocol_version", Status.SEC_E_UNSUPPORTED_FUNCTION),
        71: ("insufficient_security", Status.SEC_E_ALGORITHM_MISMATCH),
        80: ("internal_error", Status.SEC_E_INTERNAL_ERROR),
        86: ("inappropriate_fallback", Status.SEC_E_ILLEGAL_MESSAGE),
        90: ("user_canceled", Status.SEC_E_UNFINISHED_CONTEXT_DELETED),
        100: ("no_renegotiation", Status.SEC_E_ILLEGAL_MESSAGE),
        109: ("missing_extension", Status.SEC_E_ILLEGAL_MESSAGE),
        110: ("unsupported_extension", Status.SEC_E_ILLEGAL_MESSAGE),
        112: ("unrecognized_name", Status.SEC_E_ILLEGAL_MESSAGE),
        113: ("bad_certificate_status_response", Status.SEC_E_ILLEGAL_MESSAGE),
        115: ("unknown_psk_identity", Status.SEC_E_ILLEGAL_MESSAGE),
        116: ("certificate_required", Status.SEC_E_ILLEGAL_MESSAGE),
        120: ("no_application_protocol", Status.SEC_E_APPLICATION_PROTOCOL_MISMATCH),
    }
)


def alert_name(alert: int) -> str:
    """RFC 8446's name of an alert number, or the number as text."""
    return _ALERTS[alert][0] if alert in _ALERTS else f"alert {alert}"


def status_of_alert(alert: int) -> Status:
    """The status Windows gives for an alert that the peer sent."""
    return _ALERTS[alert][1] if alert in _ALERTS else Status.SEC_E_ILLEGAL_MESSAGE


_UNTRUSTED = (Status.SEC_E_UNTRUSTED_ROOT, 48)
_EXPIRED = (Status.SEC_E_CERT_EXPIRED, 45)
_CHAINING = (Status.CERT_E_CHAINING, 42)
_SIGNATURE = (Status.TRUST_E_CERT_SIGNATURE, 51)
_REVOCATION_OFFLINE = (Status.CRYPT_E_REVOCATION_OFFLINE, 46)
_WEAK = (Status.SEC_E_ALGORITHM_MISMATCH, 42)
_MISMATCH = (Status.SEC_E_WRONG_PRINCIPAL, 42)

_VERIFY: Mapping[int, tuple[Status, int]] = MappingProxyType(
    {
        2: _UNTRUSTED,  # unable to get issuer certificate
        3: (Status.CRYPT_E_NO_REVOCATION_CHECK, 46),  # unable to get CRL
        4: _SIGNATURE,  # unable to decrypt certificate signature
        5: _REVOCATION_OFFLINE,  # unable to decrypt CRL signature
        7: _SIGNATURE,  # certificate signature failure
        8: _REVOCATION_OFFLINE,  # CRL signature failure
        9: _EXPIRED,  # not yet valid
        10: _EXPIRED,
        11: _REVOCATION_OFFLINE,  # CRL not yet valid
        12: _REVOCATION_OFFLINE,  # CRL expired
        18: _UNTRUSTED,  # self-signed leaf
        19: _UNTRUSTED,  # self-signed certificate in chain
        20: _UNTRUSTED,  # unable to get local issuer certificate
        21: _UNTRUSTED,  # unable to verify the first certificate
        22: _CHAINING,  # chain too long
        23: (Status.CRYPT_E_REVOKED, 44),
        25: _CHAINING,  # path length exceeded
        26: (Status.SEC_E_CERT_WRONG_USAGE, 43),  # unsuitable purpose
        27: _UNTRUSTED,
        28: _UNTRUSTED,
        32: _CHAINING,  # key usage forbids signing certificates
        33: (Status.CRYPT_E_NO_REVOCATION_CHECK, 46),  # unable to get CRL issuer
        37: _CHAINING,  # invalid non-CA
        39: (Status.SEC_E_CERT_WRONG_USAGE, 43),  # key usage forbids digital signatures
        44: (Status.CRYPT_E_NO_REVOCATION_CHECK, 46),  # different CRL scope
        47: _CHAINING,  # permitted subtree violation
        48: _CHAINING,  # excluded subtree violation
        62: _MISMATCH,  # host name
        63: _MISMATCH,  # email
        64: _MISMATCH,  # IP address
        66: _WEAK,  # end entity key too small
        67: _WEAK,  # CA key too small
        68: _WEAK,  # CA signature digest too weak
        73: (Status.CRYPT_E_NO_REVOCATION_CHECK, 113),  # no OCSP answer
        74: (Status.CRYPT_E_NO_REVOCATION_CHECK, 113),  # OCSP answer does not fit
        79: _CHAINING,  # invalid CA
    }
)


def status_of_verify_error(error: int) -> tuple[Status, int]:
    """Status and alert for one of OpenSSL's X509_V_ERR numbers."""
    return _VERIFY.get(error, (Status.SEC_E_CERT_UNKNOWN, 46))


_NO_COMMON = (Status.SEC_E_ALGORITHM_MISMATCH, 40)
_VERSION = (Status.SEC_E_ALGORITHM_MISMATCH, 70)
_UNEXPECTED = (Status.SEC_E_ILLEGAL_MESSAGE, 10)
_ALTERED = (Status.SEC_E_MESSAGE_ALTERED, 20)

_REASONS: Mapping[int, tuple[Status, int]] = MappingProxyType(
    {
        100: _UNEXPECTED,  # application data in handshake
        101: _NO_COMMON,  # no suitable key share
        116: _VERSION,  # bad protocol version number
        118: _NO_COMMON,  # no suitable signature algorithm
        123: (Status.SEC_E_DECRYPT_FAILURE, 51),  # bad signature
        129: _ALTERED,  # block cipher pad is wrong
        133: _UNEXPECTED,  # ChangeCipherSpec received early
        145: _UNEXPECTED,  # data between ChangeCipherSpec and Finished
        147: _ALTERED,  # decryption failed
        149: (Status.SEC_E_DECRYPT_FAILURE, 51),  # Finished does not fit
        150: (Status.SEC_E_ILLEGAL_MESSAGE, 22),  # encrypted length too long
        154: _UNEXPECTED,  # Finished before ChangeCipherSpec
        185: _NO_COMMON,  # no cipher match
        191: _VERSION,  # no protocols available
        193: _NO_COMMON,  # no shared cipher
        198: (Status.SEC_E_ILLEGAL_MESSAGE, 22),  # packet length too long
        199: (Status.SEC_E_NO_CREDENTIALS, 116),  # the peer returned no certificate
        235: (Status.SEC_E_APPLICATION_PROTOCOL_MISMATCH, 120),
        241: (Status.SEC_E_ALGORITHM_MISMATCH, 71),  # insufficient security
        244: _UNEXPECTED,
        245: _UNEXPECTED,
        253: (Status.SEC_E_ILLEGAL_MESSAGE, 47),  # binder does not verify
        254: _VERSION,
        258: _VERSION,
        259: _VERSION,
        262: _UNEXPECTED,  # unexpected ChangeCipherSpec
        266: _VERSION,
        267: _VERSION,
        268: (Status.SEC_E_CERT_UNKNOWN, 42),  # a certificate does not decode
        281: _ALTERED,  # decryption failed or bad record MAC
        293: _UNEXPECTED,  # handshake and other data mixed
        338: (Status.SEC_E_UNSUPPORTED_FUNCTION, 40),  # peer without secure renegotiation
        339: (Status.SEC_E_ILLEGAL_MESSAGE, 40),  # the peer refuses to renegotiate; Windows' status for that alert
        373: (Status.SEC_E_DOWNGRADE_DETECTED, 86),  # inappropriate fallback
        376: _NO_COMMON,  # no shared signature algorithms
        394: (Status.SEC_E_ALGORITHM_MISMATCH, 71),  # DH key too small
        396: _VERSION,  # version too low
        397: (Status.SEC_E_ALGORITHM_MISMATCH, 42),  # CA key too small
        398: (Status.SEC_E_ALGORITHM_MISMATCH, 42),  # CA digest too weak
        399: (Status.SEC_E_ALGORITHM_MISMATCH, 42),  # end entity key too small
        410: _NO_COMMON,  # no shared groups
    }
)


def status_of_reason(reason: int) -> tuple[Status, int | None]:
    """Status and alert for a failure that OpenSSL found itself, by its SSL_R number."""
    return _REASONS.get(reason, (Status.SEC_E_ILLEGAL_MESSAGE, None))
