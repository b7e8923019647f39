"""Certificates and both ends of a Schannel handshake for tests: throwaway authorities, and a loop that passes tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from sspid.packages import questions
from sspid.packages.contract import CredentialRequest, Leg, Message
from sspid.packages.schannel import package
from sspid.vocabulary.buffers import Buffers, BufferType, SecurityBuffer, find, token, token_in
from sspid.vocabulary.credentials import CertificateAndKey, CredentialUse, Schannel, SchannelSettings
from sspid.vocabulary.flags import NO_FLAGS, ContextFlag, Flags
from sspid.vocabulary.status import SecurityStatus
from sspid_testing.world import FixedWorld

HOST = "server.example.test"
REQUESTED = frozenset(
    {ContextFlag.REPLAY_DETECT, ContextFlag.SEQUENCE_DETECT, ContextFlag.CONFIDENTIALITY, ContextFlag.STREAM}
    | {ContextFlag.EXTENDED_ERROR, ContextFlag.MUTUAL_AUTH}
)


def authority(name: str = "main") -> trustme.CA:
    """One authority per name and test run, with EC keys because they are quick to make."""
    return _authority(name)


@cache
def _authority(name: str) -> trustme.CA:
    return trustme.CA(organization_name=f"sspid test authority {name}", key_type=trustme.KeyType.ECDSA)


def roots(name: str = "main") -> bytes:
    """That authority's certificate, PEM."""
    return bytes(authority(name).cert_pem.bytes())


def certificate(leaf: trustme.LeafCert) -> CertificateAndKey:
    """A trustme certificate as a credential takes it."""
    chain = b"".join(one.bytes() for one in leaf.cert_chain_pems)
    return CertificateAndKey(certificate_pem=chain, key_pem=leaf.private_key_pem.bytes())


@cache
def issued(*names: str, key: str = "ECDSA", by: str = "main") -> CertificateAndKey:
    """A certificate for these names; `key` is one of trustme's key types."""
    return certificate(authority(by).issue_cert(*(names or (HOST,)), key_type=trustme.KeyType[key]))


@cache
def self_signed(key: str = "ECDSA") -> CertificateAndKey:
    """A certificate that nobody above it vouches for, such as a Windows machine makes for RDP and WinRM."""
    made = ec.generate_private_key(ec.SECP256R1()) if key == "ECDSA" else rsa.generate_private_key(65537, 2048)
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)]), datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(made.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
    builder = builder.not_valid_after(now + timedelta(days=30))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
    signed = builder.sign(made, hashes.SHA256())
    key_pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return CertificateAndKey(certificate_pem=signed.public_bytes(Encoding.PEM), key_pem=key_pem)


def settings(**changes: Any) -> SchannelSettings:
    """Settings that trust the main authority."""
    return SchannelSettings(**({"trust_anchors_pem": roots()} | changes))


@dataclass
class End:
    """One end: its package, credential and context; `leg` and the message functions keep the context up to date."""

    world: FixedWorld
    package: Any
    credential: Any
    server: bool
    flags: Flags = REQUESTED
    target: str = ""
    buffers: Buffers = ()
    caller: str = ""
    state: Any = None
    steps: list[Any] = field(default_factory=list)
    waiting: bytes = b""

    def leg(self, data: bytes | None = None, *, flags: Flags | None = None, credential: Any = None) -> Any:
        """One leg with `data` as TOKEN (None: no TOKEN buffer at all)."""
        first: Buffers = () if data is None else (token(data),)
        leg = Leg(
            credential or self.credential,
            (*first, *(self.buffers if self.state is None else ())),
            self.flags if flags is None else flags,
            self.target,
            self.caller,
        )
        call = self.package.accept_security_context if self.server else self.package.initialize_security_context
        step = self.world.run(call(self.state, leg))
        self.state = step.state
        self.steps.append(step)
        return step

    def seal(self, data: bytes) -> bytes:
        """EncryptMessage in the plain shape."""
        done = self.world.run(self.package.encrypt_message(self.state, Message((SecurityBuffer(BufferType.DATA, data),))))
        return bytes(done.buffers[0].data)

    def open(self, data: bytes) -> Any:
        """DecryptMessage in the plain shape."""
        return self.world.run(self.package.decrypt_message(self.state, Message((SecurityBuffer(BufferType.DATA, data),))))

    def seal_in_place(self, data: bytes, *, header: int, trailer: int) -> dict[BufferType, SecurityBuffer]:
        """EncryptMessage in Windows' shape; the buffers by type."""
        buffers = (
            SecurityBuffer(BufferType.STREAM_HEADER, size=header),
            SecurityBuffer(BufferType.DATA, data),
            SecurityBuffer(BufferType.STREAM_TRAILER, size=trailer),
            SecurityBuffer(BufferType.EMPTY),
        )
        done = self.world.run(self.package.encrypt_message(self.state, Message(buffers)))
        return {one.type: one for one in done.buffers}

    def open_in_place(self, data: bytes) -> Any:
        """DecryptMessage in Windows' shape."""
        empty = SecurityBuffer(BufferType.EMPTY)
        buffers = (SecurityBuffer(BufferType.DATA, data), empty, empty, empty)
        return self.world.run(self.package.decrypt_message(self.state, Message(buffers)))

    def control(self, *words: int) -> None:
        """ApplyControlToken with little-endian words."""
        order = b"".join(word.to_bytes(4, "little") for word in words)
        self.state = self.world.run(self.package.apply_control_token(self.state, (token(order),)))

    def query(self, attribute: Any) -> Any:
        """QueryContextAttributes."""
        return self.world.run(self.package.query_context_attributes(self.state, attribute))

    @property
    def statuses(self) -> list[str]:
        """The names of the statuses of all legs so far."""
        return [step.status.name for step in self.steps]


def a_world() -> FixedWorld:
    """A fixed world whose operator trusts the main authority."""
    return FixedWorld(answers={questions.FindTrustAnchors: lambda _: roots()})


def credential(world: FixedWorld, of: Any, *certificates: CertificateAndKey, use: CredentialUse, **changes: Any) -> Any:
    """AcquireCredentialsHandle with certificates and settings."""
    secret = Schannel(certificates, settings(**changes))
    return world.run(of.acquire_credentials_handle(CredentialRequest(use, secret)))


def client(world: FixedWorld | None = None, *certificates: CertificateAndKey, **changes: Any) -> End:
    """An initiator for HOST; keywords that End knows are its own, the rest are settings."""
    return _end(world, False, certificates, {"target": HOST} | changes)


def server(world: FixedWorld | None = None, *certificates: CertificateAndKey, **changes: Any) -> End:
    """An acceptor with a certificate for HOST unless others are given."""
    plain = REQUESTED - {ContextFlag.MUTUAL_AUTH}
    return _end(world, True, certificates or (issued(),), {"flags": plain} | changes)


def _end(
    world: FixedWorld | None, is_server: bool, certificates: tuple[CertificateAndKey, ...], changes: dict[str, Any]
) -> End:
    world = world or a_world()
    own = {name: changes.pop(name) for name in ("flags", "target", "buffers", "caller") if name in changes}
    of = changes.pop("of", None) or package()
    use = CredentialUse.INBOUND if is_server else CredentialUse.OUTBOUND
    return End(world, of, credential(world, of, *certificates, use=use, **changes), is_server, **own)


def shake(initiator: End, acceptor: End) -> None:
    """Pass tokens until both ends return SEC_E_OK; a raised status leaves through here."""
    data = token_in(initiator.leg().output)
    ends = (acceptor, initiator)
    for turn in range(10):
        end = ends[turn % 2]
        if end.steps and end.steps[-1].status is SecurityStatus.SEC_E_OK:
            initiator.waiting = data
            return
        data = token_in(end.leg(data).output)
    message = "the handshake has no end"
    raise AssertionError(message)


def serve_tickets(initiator: End) -> None:
    """Take the session tickets that came with the server's last leg, as a caller would."""
    while initiator.waiting:
        answer = initiator.open(initiator.waiting)
        assert answer.status is SecurityStatus.SEC_I_RENEGOTIATE, answer
        left = answer.buffers[-1].size
        step = initiator.leg(initiator.waiting[len(initiator.waiting) - left :])
        assert step.status is SecurityStatus.SEC_E_OK, step
        left = left_over(step)
        initiator.waiting = initiator.waiting[len(initiator.waiting) - left :] if left else b""


def left_over(step: Any) -> int:
    """The count of a leg's SECBUFFER_EXTRA; 0 without one."""
    found = find(step.input, BufferType.EXTRA)
    return 0 if found is None else found.size


def alpn(*names: bytes) -> Buffers:
    """SEC_APPLICATION_PROTOCOLS with these ids."""
    listed = b"".join(bytes((len(name),)) + name for name in names)
    body = (2).to_bytes(4, "little") + len(listed).to_bytes(2, "little") + listed
    return (SecurityBuffer(BufferType.APPLICATION_PROTOCOLS, len(body).to_bytes(4, "little") + body),)


PLAIN = NO_FLAGS
