"""Stapled OCSP answers: a server's is judged by issuer, subject and time, an acceptor's own is read; none is fetched."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from sspid.packages.schannel.certificates import UNREADABLE

if TYPE_CHECKING:
    from datetime import datetime

REVOKED, NO_ANSWER, UNFIT, UNTIMELY = 23, 73, 74, 12
"""X509_V_ERR numbers of what was found wrong."""


class Stapled(NamedTuple):
    """The OCSP answer (DER) that a certificate (DER) of an acceptor carries, and its nextUpdate; None for none."""

    leaf: bytes
    answer: bytes
    until: datetime | None


def carried(answer: bytes, leaf: x509.Certificate) -> Stapled:
    """Read an answer that is to be stapled; ValueError, or one of UNREADABLE, where it is none about `leaf`."""
    read = ocsp.load_der_ocsp_response(answer)
    issuer = hashlib.new(read.hash_algorithm.name, leaf.issuer.public_bytes()).digest()
    if (read.serial_number, read.issuer_name_hash) != (leaf.serial_number, issuer):
        message = "an answer about another certificate"
        raise ValueError(message)
    return Stapled(leaf.public_bytes(Encoding.DER), answer, read.next_update_utc)


def judge(answer: bytes, leaf: bytes, issuer: bytes, now: datetime) -> int:
    """0 where the DER answer says that `leaf` (DER) is good at `now`, else an X509_V_ERR number (RFC 6960 3.2)."""
    try:
        return _judge(
            ocsp.load_der_ocsp_response(answer),
            x509.load_der_x509_certificate(leaf),
            x509.load_der_x509_certificate(issuer),
            now,
        )
    except (*UNREADABLE, InvalidSignature):
        return UNFIT


def _judge(answer: ocsp.OCSPResponse, leaf: x509.Certificate, issuer: x509.Certificate, now: datetime) -> int:
    if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL or answer.serial_number != leaf.serial_number:
        return UNFIT
    request = ocsp.OCSPRequestBuilder().add_certificate(leaf, issuer, answer.hash_algorithm).build()
    if (request.issuer_key_hash, request.issuer_name_hash) != (answer.issuer_key_hash, answer.issuer_name_hash):
        return UNFIT
    _check_signature(answer, _signer(answer, issuer))
    until = answer.next_update_utc
    if answer.this_update_utc > now or (until is not None and until < now):
        return UNTIMELY
    if answer.certificate_status is ocsp.OCSPCertStatus.REVOKED:
        return REVOKED
    return 0 if answer.certificate_status is ocsp.OCSPCertStatus.GOOD else NO_ANSWER


def _signer(answer: ocsp.OCSPResponse, issuer: x509.Certificate) -> x509.Certificate:
    """The issuer, or a certificate in the answer that the issuer delegated to (RFC 6960 4.2.2.2)."""
    for candidate in answer.certificates:
        if candidate == issuer:
            continue
        usage = candidate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        if ExtendedKeyUsageOID.OCSP_SIGNING in usage:
            candidate.verify_directly_issued_by(issuer)
            return candidate
    return issuer


def _check_signature(answer: ocsp.OCSPResponse, signer: x509.Certificate) -> None:
    key, signature, signed = signer.public_key(), answer.signature, answer.tbs_response_bytes
    digest = answer.signature_hash_algorithm
    if isinstance(key, (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)):
        key.verify(signature, signed)
    elif isinstance(key, ec.EllipticCurvePublicKey) and digest is not None:
        key.verify(signature, signed, ec.ECDSA(digest))
    elif isinstance(key, rsa.RSAPublicKey) and digest is not None:
        key.verify(signature, signed, padding.PKCS1v15(), digest)
    else:
        message = "an OCSP signature of another kind"
        raise ValueError(message)
