"""Certificates and keys as credentials bring them: PEM or PKCS#12, read and checked; no OpenSSL context is made here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from sspid.packages.questions import OpenKeyFile
from sspid.packages.schannel.certificates import UNREADABLE
from sspid.packages.schannel.openssl import Chain
from sspid.packages.schannel.stapling import Stapled, carried
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    from sspid.vocabulary.credentials import CertificateAndKey

_MAX_CERTIFICATES = 100
"""cCreds of SCHANNEL_CRED is at most 100 (schannel.h)."""
_MAX_RSA_BITS = 16384
"""OpenSSL's OPENSSL_RSA_MAX_MODULUS_BITS."""
_SLOW_RSA_BITS = 4096
"""A signature with a longer key takes more than some milliseconds."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate as a credential holds it, with what chooses it and what it proves."""

    chain: Chain
    leaf: x509.Certificate
    names: tuple[str, ...]
    key_type: str
    issuers: frozenset[bytes]
    """The issuer names (DER) along the chain: what a server's list of accepted CAs is compared with."""
    stapled: Stapled | None = None
    slow: bool = False
    """Whether its key takes so long to sign that nobody else should wait for it."""


def unknown(message: str) -> SspiError:
    """SEC_E_UNKNOWN_CREDENTIALS: content or settings that cannot be used."""
    return SspiError(SecurityStatus.SEC_E_UNKNOWN_CREDENTIALS, message)


async def load_all(given: tuple[CertificateAndKey, ...]) -> tuple[Certificate, ...]:
    """Read them; SEC_E_UNKNOWN_CREDENTIALS with the number of the one that cannot be used."""
    if len(given) > _MAX_CERTIFICATES:
        raise unknown(f"A Schannel credential takes at most {_MAX_CERTIFICATES} certificates, not {len(given)}.")
    return tuple([_load(await _opened(one, number), number) for number, one in enumerate(given, 1)])


async def _opened(given: CertificateAndKey, number: int) -> CertificateAndKey:
    """The same in clear PEM. How long that takes is up to whoever locked it, so it is somebody else's work."""
    locked = bool(given.passphrase) and b"ENCRYPTED" in given.key_pem
    if not (given.pkcs12 or locked):
        return given
    try:
        pem = await OpenKeyFile(given.pkcs12 or given.key_pem, given.passphrase, pkcs12=bool(given.pkcs12))
    except SspiError as failure:
        raise unknown(f"Certificate {number} or its key cannot be opened: {failure.message}") from None
    return replace(given, certificate_pem=pem if given.pkcs12 else given.certificate_pem, key_pem=pem, pkcs12=b"")


def _load(given: CertificateAndKey, number: int) -> Certificate:
    try:
        # What cryptography would check beyond `_check_rsa` is that primes are prime, with everybody else waiting for seconds.
        key = load_pem_private_key(given.key_pem, None, unsafe_skip_rsa_key_validation=True)
        chain = x509.load_pem_x509_certificates(given.certificate_pem)
        leaf = chain[0]
        if isinstance(key, rsa.RSAPrivateKey):
            _check_rsa(key, number)
        stapled = _stapled(given.ocsp_response, leaf, number) if given.ocsp_response else None
        if key.public_key() != leaf.public_key():
            raise unknown(f"The key of certificate {number} does not belong to it.")
        names = _dns_names(leaf)
        secret = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        issuers = frozenset(one.issuer.public_bytes() for one in chain)
    except UNREADABLE as error:
        raise unknown(
            f"Certificate {number} or its key cannot be read ({type(error).__name__}); check its form and its passphrase."
        ) from None
    intermediates = tuple(one.public_bytes(Encoding.DER) for one in chain[1:])
    chained = Chain(leaf.public_bytes(Encoding.DER), secret, intermediates)
    return Certificate(chained, leaf, names, type(key).__name__, issuers, stapled, slow=_is_slow(key))


def _check_rsa(key: rsa.RSAPrivateKey, number: int) -> None:
    """RFC 8017 3.2, but for the primes themselves: one that is none harms the key's owner alone."""
    if key.key_size > _MAX_RSA_BITS:
        raise unknown(f"The RSA key of certificate {number} has {key.key_size} bits; at most {_MAX_RSA_BITS} can be used.")
    private = key.private_numbers()
    p, q, e, n = private.p, private.q, private.public_numbers.e, private.public_numbers.n
    primes = p > 2 and q > 2 and p & q & 1 and p * q == n
    exponents = ((private.d, p), (private.d, q), (private.dmp1, p), (private.dmq1, q))
    if not (primes and all(e * d % (prime - 1) == 1 for d, prime in exponents) and private.iqmp * q % p == 1):
        raise unknown(f"The RSA key of certificate {number} is none: its numbers do not fit each other.")


def _is_slow(key: PrivateKeyTypes) -> bool:
    return isinstance(key, rsa.RSAPrivateKey) and key.key_size > _SLOW_RSA_BITS


def _stapled(answer: bytes, leaf: x509.Certificate, number: int) -> Stapled:
    try:
        return carried(answer, leaf)
    except UNREADABLE:
        raise unknown(
            f"The OCSP response of certificate {number} is no DER of a successful one about that certificate; ask its "
            "responder again."
        ) from None


def _dns_names(leaf: x509.Certificate) -> tuple[str, ...]:
    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(name.casefold() for name in found.get_values_for_type(x509.DNSName))
