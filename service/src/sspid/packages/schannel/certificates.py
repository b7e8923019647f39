"""Certificates (DER) as cryptography reads them: their names, their end, what of them nobody can read; it judges none."""

from __future__ import annotations

from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

UNREADABLE = (
    ValueError,
    TypeError,
    IndexError,
    OverflowError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.ExtensionNotFound,
    x509.UnsupportedGeneralNameType,
)
"""What cryptography raises, now or at a later look, over certificates, keys and lists that OpenSSL may have let pass."""
_SHOWN = 5
_LONGEST = 100


def names_of(certificate: bytes) -> tuple[str, ...]:
    """The DNS names and addresses it is for; the subject's common names where it has none (RFC 6125 6.4.4)."""
    try:
        leaf = x509.load_der_x509_certificate(certificate)
        common = tuple(str(one.value) for one in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME))
    except UNREADABLE:
        return ()
    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except UNREADABLE:
        return common
    addresses = found.get_values_for_type(x509.IPAddress)
    return (*found.get_values_for_type(x509.DNSName), *map(str, addresses)) or common


def shown_names(certificate: bytes) -> str:
    """Those names for a sentence: the first few, none of them longer than a line."""
    names = names_of(certificate)
    listed = [shown(name) for name in names[:_SHOWN]]
    more = len(names) - _SHOWN
    return ", ".join(listed + [f"{more} more"] * (more > 0)) or "no name at all"


def shown(text: str) -> str:
    """A peer's text, which may be anything, as a message may carry it."""
    short = text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
    return short if short.isprintable() else ascii(short)


def subject_and_issuer(certificate: bytes) -> tuple[str, str]:
    """Both names as RFC 4514 writes them, for a sentence."""
    try:
        read = x509.load_der_x509_certificate(certificate)
        return shown(read.subject.rfc4514_string()) or "(no name)", shown(read.issuer.rfc4514_string()) or "(no name)"
    except UNREADABLE:
        return "(unreadable)", "(unreadable)"


def validity(certificate: bytes) -> tuple[str, str]:
    """Its beginning and its end, for a sentence."""
    try:
        read = x509.load_der_x509_certificate(certificate)
        start, end = read.not_valid_before_utc, read.not_valid_after_utc
    except UNREADABLE:
        return "an unreadable date", "an unreadable date"
    return f"{start:%Y-%m-%d %H:%M:%S} UTC", f"{end:%Y-%m-%d %H:%M:%S} UTC"


@lru_cache(maxsize=256)
def subject_of(certificate: bytes) -> str:
    """The subject as RFC 4514 writes it; empty where nobody can read it."""
    try:
        return x509.load_der_x509_certificate(certificate).subject.rfc4514_string()
    except UNREADABLE:
        return ""


def endpoint_hash(certificate: bytes) -> bytes:
    """Its hash with its signature's hash, MD5, SHA-1 and none replaced by SHA-256 (RFC 5929 4.1)."""
    try:
        algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    except UNREADABLE:
        algorithm = None
    if algorithm is None or algorithm.name in ("md5", "sha1"):
        algorithm = hashes.SHA256()
    digest = hashes.Hash(algorithm)
    digest.update(certificate)
    return digest.finalize()
