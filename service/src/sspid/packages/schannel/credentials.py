"""AcquireCredentialsHandle: certificates, trust and settings become OpenSSL contexts, one a role, made once; no handshake."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sspid.packages.questions import FindNamedCredential, FindTrustAnchors
from sspid.packages.schannel.certificates import UNREADABLE, subject_of
from sspid.packages.schannel.loading import Certificate, load_all, unknown
from sspid.packages.schannel.openssl import Connection, Context, ContextSettings, Store, TlsError
from sspid.packages.schannel.sessions import Sessions
from sspid.packages.schannel.settings import VERSION_NAMES, Policy, policy_of
from sspid.packages.schannel.suites import SUITES
from sspid.vocabulary import attributes as values
from sspid.vocabulary.attributes import CredentialAttribute
from sspid.vocabulary.credentials import Anonymous, CredentialUse, Named, Schannel, SchannelSettings
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from sspid.packages.contract import CredentialRequest
    from sspid.vocabulary.attributes import AttributeValue

_MAX_STORES = 64


@dataclass(frozen=True, slots=True)
class SchannelCredential:
    """What acquire_credentials_handle returns: contexts per role and the policy they are used under."""

    use: CredentialUse
    expiry: datetime | None
    policy: Policy
    certificates: tuple[Certificate, ...] = field(repr=False)
    initiating: Context | None = field(repr=False)
    accepting: Context | None = field(repr=False)
    sessions: Sessions = field(default_factory=Sessions, repr=False)
    staples: bool = False
    """Whether a certificate of an acceptor carries an OCSP answer for clients that ask."""
    slow: bool = False
    """Whether a key of it takes so long to sign that nobody else should wait for it."""
    only_certificate: bytes = field(default=b"", repr=False)
    """The certificate of a credential that has one; empty where OpenSSL has to be asked which was used."""

    def stapled_at(self, now: datetime) -> dict[bytes, bytes]:
        """The OCSP answers (DER) that have not run out, by their certificates (DER)."""
        found = (one.stapled for one in self.certificates)
        return {one.leaf: one.answer for one in found if one is not None and (one.until is None or now <= one.until)}


async def acquire(request: CredentialRequest, stores: Stores) -> SchannelCredential:
    """Build the credential.

    SEC_E_UNKNOWN_CREDENTIALS for content that cannot be used, SEC_E_NO_CREDENTIALS for a server without a certificate.
    """
    secret = request.secret
    if isinstance(secret, Named):
        secret = await FindNamedCredential(secret.name)
    if secret is None or isinstance(secret, Anonymous):
        secret = Schannel()
    if not isinstance(secret, Schannel):
        raise unknown(f"A credential of kind {type(secret).__name__} is of no use to Schannel; give certificates or nothing.")
    policy = policy_of(secret.settings)
    certificates = await load_all(secret.certificates)
    if request.use.inbound and not certificates:
        raise SspiError(
            SecurityStatus.SEC_E_NO_CREDENTIALS,
            "An inbound Schannel credential needs at least one certificate with its key.",
        )
    roots = secret.settings.trust_anchors_pem or await FindTrustAnchors()
    try:
        store = stores.of(roots, secret.settings.crls_pem)
        shown = _with_roots(certificates, roots) if "SEND_ROOT_CERT" in policy.flags else certificates
        initiating = Context(_settings(secret.settings, policy, store, certificates[:1])) if request.use.outbound else None
        accepting = _accepting(secret.settings, policy, store, shown) if request.use.inbound else None
    except TlsError as failure:
        raise unknown(f"OpenSSL refuses the credential: {failure.text}.") from None
    expiry = min((one.leaf.not_valid_after_utc for one in certificates), default=None)
    staples = accepting is not None and any(one.stapled for one in certificates)
    slow = any(one.slow for one in certificates)
    only = certificates[0].chain.leaf if len(certificates) == 1 else b""
    return SchannelCredential(
        request.use, expiry, policy, certificates, initiating, accepting, staples=staples, slow=slow, only_certificate=only
    )


def query_credential(credential: SchannelCredential, attribute: CredentialAttribute) -> AttributeValue:
    """What QueryCredentialsAttributes answers of a Schannel credential."""
    match attribute:
        case CredentialAttribute.NAMES | CredentialAttribute.CERT if not credential.certificates:
            raise SspiError(SecurityStatus.SEC_E_NO_CREDENTIALS, "The credential holds no certificate.")
        case CredentialAttribute.NAMES:
            return values.Names(subject_of(credential.certificates[0].chain.leaf))
        case CredentialAttribute.CERT:
            return values.CertificateContext(credential.certificates[0].chain.leaf)
        case CredentialAttribute.SUPPORTED_PROTOCOLS:
            return values.SupportedProtocols(tuple(VERSION_NAMES[one] for one in sorted(credential.policy.versions)))
        case CredentialAttribute.SUPPORTED_ALGS:
            return values.SupportedAlgorithms(tuple(name for name, _ in _ciphers(credential)))
        case CredentialAttribute.CIPHER_STRENGTHS:
            strengths = [bits for _, bits in _ciphers(credential)]
            return values.CipherStrengths(min(strengths), max(strengths))
    raise SspiError(SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, f"Schannel credentials have no attribute {attribute.name}.")


def _ciphers(credential: SchannelCredential) -> tuple[tuple[str, int], ...]:
    context = credential.initiating or credential.accepting
    names = Connection(context).ciphers() if context else ()
    return tuple((SUITES[name].name, SUITES[name].bits) for name in names if name in SUITES)


class Stores:
    """Certificate stores by the content they were parsed from, so that a CA file is parsed once; the oldest makes room."""

    __slots__ = ("_stores",)

    def __init__(self) -> None:
        self._stores: OrderedDict[bytes, Store] = OrderedDict()

    def of(self, roots_pem: bytes, crls_pem: bytes) -> Store:
        """The store of these roots and CRLs (PEM)."""
        key = hashlib.sha256(len(roots_pem).to_bytes(8, "big") + roots_pem + crls_pem).digest()
        found = self._stores.get(key)
        if found is None:
            found = Store(_certificates(roots_pem, "trust anchors"), _crls(crls_pem))
            self._stores[key] = found
            while len(self._stores) > _MAX_STORES:
                self._stores.popitem(last=False)
        return found


def _certificates(pem: bytes, what: str) -> tuple[bytes, ...]:
    if not pem.strip():
        return ()
    try:
        return tuple(one.public_bytes(Encoding.DER) for one in x509.load_pem_x509_certificates(pem))
    except UNREADABLE:
        raise unknown(f"The {what} are not PEM certificates.") from None


def _with_roots(certificates: tuple[Certificate, ...], roots_pem: bytes) -> tuple[Certificate, ...]:
    """Each with the trust anchor that its chain ends at, where there is one."""
    try:
        roots = {root.subject: root for root in x509.load_pem_x509_certificates(roots_pem)} if roots_pem.strip() else {}
        return tuple(_with_root(one, roots) for one in certificates)
    except UNREADABLE:
        raise unknown("The chains and trust anchors hold names that cannot be read; no root can be sent.") from None


def _with_root(one: Certificate, roots: Mapping[x509.Name, x509.Certificate]) -> Certificate:
    above = one.chain.intermediates
    last = x509.load_der_x509_certificate(above[-1]) if above else one.leaf
    root = roots.get(last.issuer)
    if root is None or last.subject == last.issuer:
        return one
    return replace(one, chain=replace(one.chain, intermediates=(*above, root.public_bytes(Encoding.DER))))


def _authority_names(pem: bytes) -> tuple[bytes, ...]:
    """The subjects (DER) of the given roots: what clients are told they may show certificates of."""
    try:
        loaded = x509.load_pem_x509_certificates(pem) if pem.strip() else []
        return tuple(one.subject.public_bytes() for one in loaded)
    except UNREADABLE:
        raise unknown("The trust anchors are not PEM certificates.") from None


def _crls(pem: bytes) -> tuple[bytes, ...]:
    end = b"-----END X509 CRL-----"
    try:
        return tuple(x509.load_pem_x509_crl(part + end).public_bytes(Encoding.DER) for part in pem.split(end)[:-1])
    except UNREADABLE:
        raise unknown("The CRLs are not PEM certificate revocation lists.") from None


def _settings(
    given: SchannelSettings,
    policy: Policy,
    store: Store,
    certificates: tuple[Certificate, ...],
    *,
    server: bool = False,
) -> ContextSettings:
    return ContextSettings(
        server=server,
        versions=policy.versions,
        chains=tuple(one.chain for one in certificates),
        store=store,
        crl_flags=policy.crl_flags,
        tolerated=policy.tolerated,
        client_ca_names=_authority_names(given.trust_anchors_pem) if server else (),
        cipher_list=given.cipher_list,
        cipher_suites=given.cipher_suites,
        groups=given.groups,
        lifespan=policy.lifespan,
        reconnects=policy.reconnects,
        datagram=policy.datagram,
        stapling=any(one.stapled for one in certificates) if server else policy.stapling,
    )


def _accepting(given: SchannelSettings, policy: Policy, store: Store, certificates: tuple[Certificate, ...]) -> Context:
    made: dict[tuple[int, ...], Context] = {}
    default = _one_per_key_type(certificates, range(len(certificates)))

    def context_of(chosen: tuple[int, ...], choose: Callable[[str], Context] | None) -> Context:
        if chosen not in made:
            used = tuple(certificates[at] for at in chosen)
            made[chosen] = Context(_settings(given, policy, store, used, server=True), choose)
        return made[chosen]

    def choose(name: str) -> Context:
        fitting = [at for at, one in enumerate(certificates) if _covers(one.names, name.casefold())]
        return context_of(_one_per_key_type(certificates, fitting) if fitting else default, None)

    return context_of(default, choose if len(certificates) > 1 else None)


def _one_per_key_type(certificates: tuple[Certificate, ...], candidates: range | list[int]) -> tuple[int, ...]:
    first: dict[str, int] = {}
    for at in candidates:
        first.setdefault(certificates[at].key_type, at)
    return tuple(first.values())


def _covers(names: tuple[str, ...], name: str) -> bool:
    """Whether a certificate's DNS names cover `name`; a wildcard stands for one whole label (RFC 6125 6.4.3)."""
    parent = name.partition(".")[2]
    return name in names or (bool(parent) and f"*.{parent}" in names)
