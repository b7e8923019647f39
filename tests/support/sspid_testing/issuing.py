"""Certificates with any wish a test has, revocation lists and OCSP answers: what trustme does not make."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sspid.vocabulary.credentials import CertificateAndKey

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
DAY = dt.timedelta(days=1)
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
_UPN = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key(kind: str) -> Any:
    if kind.startswith("RSA"):
        return rsa.generate_private_key(65537, int(kind[3:] or 2048))
    return ed25519.Ed25519PrivateKey.generate() if kind == "Ed25519" else ec.generate_private_key(ec.SECP256R1())


@dataclass
class Authority:
    """A certificate authority; `parent` makes it an intermediate one, `path_length` bounds what it may sign."""

    name: str = "issuing authority"
    parent: Authority | None = None
    path_length: int | None = None
    is_authority: bool = True
    key_kind: str = "EC"
    key: Any = field(init=False)
    certificate: x509.Certificate = field(init=False)

    def __post_init__(self) -> None:
        self.key = _key(self.key_kind)
        issuer = self.parent or self
        builder = self._builder(_name(self.name), self.key.public_key(), issuer, NOW - 30 * DAY, NOW + 30 * DAY)
        basic = x509.BasicConstraints(self.is_authority, self.path_length if self.is_authority else None)
        self.certificate = builder.add_extension(basic, critical=True).sign(issuer.key, self._digest(issuer.key))

    @staticmethod
    def _digest(key: Any, digest: Any = None) -> Any:
        return None if isinstance(key, ed25519.Ed25519PrivateKey) else digest or hashes.SHA256()

    @staticmethod
    def _builder(subject: x509.Name, key: Any, issuer: Authority, start: dt.datetime, end: dt.datetime) -> Any:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(_name(issuer.name)).public_key(key)
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)
        own = x509.SubjectKeyIdentifier.from_public_key(key)
        above = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
        return builder.add_extension(own, critical=False).add_extension(above, critical=False)

    @property
    def pem(self) -> bytes:
        """The authority's own certificate."""
        return self.certificate.public_bytes(Encoding.PEM)

    def issue(self, *names: str, **wishes: Any) -> Issued:
        """A certificate for DNS names. Wishes: key, public_key (whose it is for), usage, start, end, upn, digest, key_usage."""
        key = _key(wishes.get("key", "EC"))
        start, end = wishes.get("start", NOW - DAY), wishes.get("end", NOW + 7 * DAY)
        public_key = wishes.get("public_key") or key.public_key()
        builder = self._builder(_name(names[0] if names else "somebody"), public_key, self, start, end)
        alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
        if upn := wishes.get("upn", ""):
            alternatives.append(x509.OtherName(_UPN, b"\x0c" + bytes((len(upn.encode()),)) + upn.encode()))
        if alternatives:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        if usage := wishes.get("usage"):
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if key_usage := wishes.get("key_usage"):
            builder = builder.add_extension(key_usage, critical=True)
        made = builder.sign(self.key, self._digest(self.key, wishes.get("digest")))
        return Issued(self, made, key)

    def crl(self, *revoked: Issued, end: dt.datetime = NOW + DAY) -> bytes:
        """A revocation list, PEM."""
        builder = x509.CertificateRevocationListBuilder().issuer_name(_name(self.name))
        builder = builder.last_update(NOW - 5 * DAY).next_update(end)
        for one in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(one.certificate.serial_number).revocation_date(NOW - DAY)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.key, self._digest(self.key)).public_bytes(Encoding.PEM)

    def ocsp(
        self, one: Issued, *, revoked: bool = False, signer: Authority | None = None, end: dt.datetime = NOW + DAY
    ) -> bytes:
        """A DER OCSP answer about a certificate, good until `end`."""
        status = ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD
        by = signer or self
        builder = ocsp.OCSPResponseBuilder().add_response(
            one.certificate,
            self.certificate,
            hashes.SHA256(),
            status,
            NOW - 5 * DAY,
            end,
            NOW - DAY if revoked else None,
            None,
        )
        responder = builder.responder_id(ocsp.OCSPResponderEncoding.NAME, by.certificate)
        return responder.sign(by.key, self._digest(by.key)).public_bytes(Encoding.DER)


@dataclass(frozen=True)
class Issued:
    """A certificate with its key and issuer."""

    authority: Authority
    certificate: x509.Certificate
    key: Any

    def chain(self) -> list[x509.Certificate]:
        """Leaf first, without the root."""
        above, authority = [self.certificate], self.authority
        while authority.parent is not None:
            above.append(authority.certificate)
            authority = authority.parent
        return above

    def pem(self, passphrase: str = "") -> CertificateAndKey:
        """As PEM, the key encrypted where there is a passphrase."""
        how = serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)
        chain = b"".join(one.public_bytes(Encoding.PEM) for one in self.chain())
        return CertificateAndKey(certificate_pem=chain, key_pem=key, passphrase=passphrase)

    def pkcs12(self, passphrase: str = "") -> CertificateAndKey:
        """As PKCS#12."""
        how = serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
        made = pkcs12.serialize_key_and_certificates(b"test", self.key, self.certificate, self.chain()[1:] or None, how)
        return CertificateAndKey(pkcs12=made, passphrase=passphrase)
