"""Both ends of a handshake in memory: one package function after the other, tokens carried between them, no server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from sspid.packages.contract import CredentialRequest, Leg, Message, Step
from sspid.vocabulary import channel_bindings
from sspid.vocabulary.buffers import Buffers, BufferType, SecurityBuffer, token, token_in
from sspid.vocabulary.credentials import CredentialUse
from sspid.vocabulary.flags import NO_FLAGS, Flags
from sspid_testing.world import FixedWorld

if TYPE_CHECKING:
    from sspid.packages.contract import Protected, SecurityPackage
    from sspid.vocabulary.credentials import Secret


@dataclass
class End:
    """One end: its package, world and credential. `bindings` is the application data of its channel bindings."""

    package: SecurityPackage
    secret: Secret | None = None
    world: FixedWorld = field(default_factory=FixedWorld)
    flags: Flags = NO_FLAGS
    target: str = ""
    bindings: bytes = b""
    accepts: bool = False
    state: Any = None
    steps: list[Step] = field(default_factory=list)
    _credential: Any = None

    @property
    def credential(self) -> Any:
        if self._credential is None:
            use = CredentialUse.INBOUND if self.accepts else CredentialUse.OUTBOUND
            request = CredentialRequest(use, self.secret)
            self._credential = self.world.run(self.package.acquire_credentials_handle(request))
        return self._credential

    def step(self, received: bytes | None = None) -> bytes:
        """Run one leg and return the token it sends."""
        buffers: Buffers = () if received is None else (token(received),)
        if self.bindings:
            blob = channel_bindings.pack(self.bindings)
            buffers = (*buffers, SecurityBuffer(BufferType.CHANNEL_BINDINGS, blob))
        leg = Leg(self.credential, buffers, self.flags, "" if self.accepts else self.target)
        function = self.package.accept_security_context if self.accepts else self.package.initialize_security_context
        step = self.world.run(function(self.state, leg))
        self.state = step.state
        self.steps.append(step)
        return token_in(step.output)

    @property
    def done(self) -> bool:
        return bool(self.steps) and self.steps[-1].established

    def query(self, attribute: Any) -> Any:
        return self.world.run(self.package.query_context_attributes(self.state, attribute))

    def encrypt(self, data: bytes, qop: int = 0, number: int = 0) -> tuple[bytes, bytes]:
        """Seal one DATA buffer: ciphertext and signature."""
        result = self._protect(self.package.encrypt_message, b"", data, qop, number)
        return result[1].data, result[0].data

    def decrypt(self, data: bytes, signature: bytes, number: int = 0) -> bytes:
        return self._protect(self.package.decrypt_message, signature, data, 0, number)[1].data

    def sign(self, data: bytes, number: int = 0) -> bytes:
        return self._protect(self.package.make_signature, b"", data, 0, number)[0].data

    def verify(self, data: bytes, signature: bytes, number: int = 0) -> None:
        self._protect(self.package.verify_signature, signature, data, 0, number)

    def _protect(self, function: Any, signature: bytes, data: bytes, qop: int, number: int) -> Buffers:
        buffers = (token(signature), SecurityBuffer(BufferType.DATA, data))
        protected: Protected = self.world.run(function(self.state, Message(buffers, qop, number)))
        return protected.buffers


class Side(Protocol):
    """What `shake` needs of an end, ours or a foreign one."""

    @property
    def done(self) -> bool: ...

    def step(self, received: bytes | None = None) -> bytes: ...


def shake(initiator: Side, acceptor: Side, limit: int = 10) -> list[bytes]:
    """Carry tokens between the ends, the initiator first, until both are done; returns the tokens as they were sent."""
    sent = [initiator.step()]
    ends = (acceptor, initiator)
    for turn in range(limit):
        if initiator.done and acceptor.done:
            return sent
        sent.append(ends[turn % 2].step(sent[-1]))
    message = f"no end after {limit} legs"
    raise AssertionError(message)
