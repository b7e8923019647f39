"""What in a certificate can name an account; whether the certificate is genuine was judged before, by Schannel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sspid.broker.world.accounts.records import Mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography.x509 import Certificate

_UPN: Final = "1.3.6.1.4.1.311.20.2.3"
"""The user principal name among the other names of a subjectAltName ([MS-WCCE] 2.2.2.7.5)."""
_UTF8_STRING: Final = 0x0C


def mappings_of(certificate: bytes) -> tuple[Mapping, ...]:
    """Everything in a certificate (DER) that may name an account, surest first; nothing for what is no certificate."""
    from cryptography import x509  # noqa: PLC0415  # costs start-up time
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415  # as above

    try:
        parsed = x509.load_der_x509_certificate(certificate)
        sure = (
            Mapping("sha256", parsed.fingerprint(SHA256()).hex()),
            Mapping("issuer-serial", f"{parsed.serial_number:x} {parsed.issuer.rfc4514_string()}"),
        )
        return (*sure, *_from_extensions(parsed))
    except (ValueError, TypeError):
        return ()


def read_pem(content: bytes) -> bytes:
    """The first certificate of a PEM file, in DER; empty where there is none."""
    from cryptography import x509  # noqa: PLC0415  # as above
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415  # as above

    try:
        return x509.load_pem_x509_certificate(content).public_bytes(Encoding.DER)
    except ValueError:
        return b""


def _from_extensions(parsed: Certificate) -> Iterator[Mapping]:
    from cryptography import x509  # noqa: PLC0415  # as above

    for extension in parsed.extensions:
        if isinstance(extension.value, x509.SubjectKeyIdentifier):
            yield Mapping("ski", extension.value.digest.hex())
        if isinstance(extension.value, x509.SubjectAlternativeName):
            for name in extension.value.get_values_for_type(x509.OtherName):
                upn = _utf8(name.value) if name.type_id.dotted_string == _UPN else ""
                if upn:
                    yield Mapping("upn", upn)


def _utf8(der: bytes) -> str:
    """The text of a short DER UTF8String, empty for anything else: no principal name has more than 127 bytes."""
    if len(der) < 2 or der[0] != _UTF8_STRING or der[1] != len(der) - 2 or der[1] > 127:
        return ""
    try:
        return der[2:].decode("utf-8")
    except UnicodeDecodeError:
        return ""
