"""Two ends of one logon at a real service through the Python client, and what tests look at afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sspid_client import DEFAULT_FLAGS, INBOUND, OUTBOUND, BufferType, Client, ContextFlag, SecurityBuffer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sspid_client import AuthData, Context

SEALED = DEFAULT_FLAGS | ContextFlag.CONFIDENTIALITY | ContextFlag.INTEGRITY | ContextFlag.SEQUENCE_DETECT


class Ends(NamedTuple):
    """Both contexts, established."""

    client: Context
    server: Context


class Logon(NamedTuple):
    """What a logon is made of; `secret` is the acceptor's (a key table), `target` the initiator's."""

    package: str
    identity: AuthData | None
    secret: AuthData | None = None
    target: str = ""
    flags: ContextFlag = SEALED
    accepting: ContextFlag = SEALED
    bindings: tuple[bytes, bytes] = (b"", b"")

    def ends(self, sspi: Client) -> Ends:
        """Both contexts before their first leg."""
        mine, theirs = (channel_bindings(each) for each in self.bindings)
        outbound = sspi.acquire_credentials_handle(self.package, OUTBOUND, self.identity)
        inbound = sspi.acquire_credentials_handle(self.package, INBOUND, self.secret)
        return Ends(
            outbound.initialize(self.target, flags=self.flags, first_input=mine),
            inbound.accept(flags=self.accepting, first_input=theirs),
        )

    def shake(self, sspi: Client) -> Ends:
        """All legs. SspiError of the leg that failed."""
        client, server = self.ends(sspi)
        sent = client.step()
        while True:
            answered = server.step(sent.token)
            if not answered.token:
                assert sent.done, "the initiator waits for a token that does not come"
                assert answered.done, "the acceptor waits for a token that does not come"
                return Ends(client, server)
            sent = client.step(answered.token)
            if not sent.token:
                assert sent.done, "the initiator has nothing to send and is not done"
                assert answered.done, "the acceptor waits for a token that does not come"
                return Ends(client, server)


def channel_bindings(data: bytes) -> Sequence[SecurityBuffer]:
    """SEC_CHANNEL_BINDINGS without addresses."""
    if not data:
        return ()
    header = b"".join(each.to_bytes(4, "little") for each in (0, 0, 0, 0, 0, 0, len(data), 32))
    return (SecurityBuffer(BufferType.CHANNEL_BINDINGS, header + data),)


def exchange(ends: Ends) -> None:
    """Sign and seal in both directions, twice, each read by the other end and an altered one refused."""
    for sender, receiver in ((ends.client, ends.server), (ends.server, ends.client)) * 2:
        assert receiver.decrypt(sender.encrypt(b"sealed")).data == b"sealed"
        receiver.verify(b"signed", sender.sign(b"signed"))


def refusal(failure: Any) -> tuple[str, str, Any]:
    """All that a refused peer's application can tell: status, message and detail."""
    return failure.name, failure.message, failure.detail
