"""What tests of Digest share: a world that knows a user under every hash, and the legs of both roles in short."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sspid.packages.contract import CredentialRequest, Leg, Message
from sspid.packages.digest import package
from sspid.packages.digest.policy import DigestPolicy
from sspid.packages.questions import Account, DigestSecret, LookUpDigestSecret
from sspid.vocabulary.buffers import BufferType, SecurityBuffer, token
from sspid.vocabulary.credentials import CredentialUse, Password
from sspid.vocabulary.flags import ContextFlag, Flags
from sspid_testing.world import FixedWorld

if TYPE_CHECKING:
    from sspid.vocabulary.buffers import Buffers

HTTP: Flags = frozenset({ContextFlag.USE_HTTP_STYLE})
HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}
REALM = "example.test"
USER, PASSWORD = "alice", "Passw0rd"


def _latin(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8")


def enrol(world: FixedWorld, user: str = USER, realm: str = REALM, password: str = PASSWORD, **account: Any) -> None:
    """Let `world` know `user` under each algorithm, plainly, by its hash, and as SASL encodes it."""
    known = Account(user, "EXAMPLE", **account)
    for algorithm, name in HASHES.items():
        plain = hashlib.new(name, f"{user}:{realm}:{password}".encode()).digest()
        hashed = hashlib.new(name, f"{user}:{realm}".encode()).hexdigest()
        world.digest_secrets[LookUpDigestSecret(user, realm, algorithm)] = DigestSecret(known, plain)
        world.digest_secrets[LookUpDigestSecret(hashed, realm, algorithm, userhash=True)] = DigestSecret(known, plain)
    sasl = hashlib.md5(b":".join(_latin(part) for part in (user, realm, password)), usedforsecurity=False).digest()
    world.digest_secrets[LookUpDigestSecret(user, realm, "MD5", charset="iso-8859-1")] = DigestSecret(known, sasl)


def parameter(text: str = "") -> SecurityBuffer:
    """One PKG_PARAMS buffer."""
    return SecurityBuffer(BufferType.PKG_PARAMS, text.encode("ascii"))


def entity_hash(body: bytes, algorithm: str) -> str:
    """H(entity-body) for the algorithm of that name, with or without -sess."""
    return hashlib.new(HASHES[algorithm.removesuffix("-sess")], body).hexdigest()


def unquoted(header: bytes, name: str) -> str:
    """The value of one directive, for tests that look at a token from outside; no parser of the package is used."""
    for part in header.decode("latin-1").split(","):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value.strip('"')
    raise AssertionError(f"{name} is not in {header!r}")


@dataclass
class Digest:
    """Both roles of the package in one world."""

    world: FixedWorld = field(default_factory=FixedWorld)
    package: Any = field(default_factory=package)

    def policy(self, **settings: Any) -> None:
        """Set the operator's policy."""
        self.world.policies["Digest"] = DigestPolicy(**settings)

    def acceptor(self, realm: str = REALM) -> Any:
        """An INBOUND credential."""
        request = CredentialRequest(CredentialUse.INBOUND, Password("", realm))
        return self.world.run(self.package.acquire_credentials_handle(request))

    def initiator(self, user: str = USER, password: str = PASSWORD, realm: str = "") -> Any:
        """An OUTBOUND credential."""
        request = CredentialRequest(CredentialUse.OUTBOUND, Password(user, realm, password))
        return self.world.run(self.package.acquire_credentials_handle(request))

    def initialize(
        self, state: Any, credential: Any, received: bytes, *more: SecurityBuffer, target: str = "", flags: Flags = HTTP
    ) -> Any:
        """One leg of the initiator."""
        leg = Leg(credential, (token(received), *more), flags, target_name=target, caller="tests")
        return self.world.run(self.package.initialize_security_context(state, leg))

    def accept(
        self,
        state: Any,
        credential: Any,
        received: bytes = b"",
        *more: SecurityBuffer,
        flags: Flags = HTTP,
        caller: str = "tests",
    ) -> Any:
        """One leg of the acceptor."""
        leg = Leg(credential, (token(received), *more), flags, caller=caller)
        return self.world.run(self.package.accept_security_context(state, leg))

    def complete(self, state: Any, *buffers: SecurityBuffer) -> Any:
        """CompleteAuthToken."""
        return self.world.run(self.package.complete_auth_token(state, buffers))

    def message(self, function: str, state: Any, buffers: Buffers, **settings: int) -> Any:
        """One message function by its name."""
        return self.world.run(getattr(self.package, function)(state, Message(buffers, **settings)))

    def sign(self, state: Any, method: str, uri: str, entity: str = "") -> bytes:
        """HTTP's MakeSignature: the next header value."""
        padding = SecurityBuffer(BufferType.PADDING)
        buffers = (token(b""), parameter(method), parameter(uri), parameter(entity), padding)
        return bytes(self.message("make_signature", state, buffers).buffers[-1].data)

    def verify(self, state: Any, received: bytes, method: str, uri: str, entity: str = "") -> Any:
        """HTTP's VerifySignature."""
        buffers = (token(received), parameter(method), parameter(uri), parameter(entity), SecurityBuffer(BufferType.PADDING))
        return self.message("verify_signature", state, buffers)


def digest(**policy: Any) -> Digest:
    """Both roles, a world that knows alice, and a policy."""
    made = Digest()
    enrol(made.world)
    made.policy(**policy)
    return made
