"""The blocking client: what the service holds, as objects that free themselves; the logic is elsewhere, shared with `aio`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from sspid_client import acquisition, channels, legs, messages, questions
from sspid_client.calls import Call
from sspid_client.errors import SspiError
from sspid_client.legs import Completed, Legs, Role, Step
from sspid_client.questions import Question, Receive, Send
from sspid_client.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence
    from datetime import datetime
    from types import TracebackType

    from sspid_client.acquisition import Acquired
    from sspid_client.attributes import Attribute, CredentialAttribute, Identity, PackageInfo
    from sspid_client.buffers import SecurityBuffer
    from sspid_client.credentials import AuthData, CredentialUse
    from sspid_client.flags import ContextFlag
    from sspid_client.messages import Decrypted, Protected

Value = TypeVar("Value")
Result = TypeVar("Result")


class Peer(Protocol):
    """What a handshake needs of the way to the peer: a socket has it.

    `send` returns how many bytes it took, or None for all. `recv` returns at most `size` bytes, none at the end. Tokens of
    NTLM, Kerberos, Negotiate and Digest do not say where they end: for these `recv` must return one whole token.
    """

    def send(self, data: bytes, /) -> int | None: ...
    def recv(self, size: int, /) -> bytes: ...


class Client:
    """A connection to the service. Safe to use from several threads; close it, or use it in a ``with``."""

    def __init__(
        self,
        target: str = channels.DEFAULT_TARGET,
        *,
        ca: bytes | None = None,
        certificate: bytes | None = None,
        key: bytes | None = None,
        tls: bool = False,
        server_name: str = "",
        timeout: float = 30.0,
        session: bool = True,
    ) -> None:
        """Name the service: "host:port" or "unix:///path"; nothing is sent yet.

        `ca`, `certificate` and `key` are PEM and turn TLS on, as `tls` does with the system's roots; `server_name` replaces
        the host in what the service's certificate must say. `timeout` (seconds) holds for each call. Without `session`
        each call travels alone instead of on one Session stream.
        """
        endpoint = channels.Endpoint(target, ca, certificate, key, tls, server_name)
        self._transport = Transport(endpoint, timeout=timeout, session=session)

    def run(self, work: Coroutine[Question[Any], Any, Result], peer: Peer | None = None) -> Result:
        """Drive a piece of this library's logic, its calls going to the service and its bytes to `peer`."""

        def answer(question: Question[Any]) -> object:
            if isinstance(question, Call):
                return self._transport.call(question)
            return _exchange(question, peer)

        return questions.run(work, answer)

    def enumerate_security_packages(self) -> tuple[PackageInfo, ...]:
        """Every package of the service."""
        return self.run(acquisition.enumerate_security_packages())

    def query_security_package_info(self, package: str) -> PackageInfo:
        """One package by name or alias."""
        return self.run(acquisition.query_security_package_info(package))

    def acquire_credentials_handle(
        self, package: str, use: CredentialUse, auth_data: AuthData | None = None, *, principal: str = ""
    ) -> Credential:
        """Hand a secret over for a credential; without `auth_data` the package's default one."""
        return Credential(self, self.run(acquisition.acquire_credentials_handle(package, use, auth_data, principal)))

    def adopt(self, package: str, credential: bytes) -> Credential:
        """A credential whose handle came otherwise: `DelegatedCredential.credential`."""
        return Credential(self, acquisition.Acquired(package, credential))

    def import_security_context(self, package: str, packed: bytes, *, role: Role, connection_id: str = "") -> Context:
        """What `Context.export` packed, as a context of its own."""
        work = legs.import_security_context(package, packed, role=role, connection_id=connection_id)
        return Context(self, self.run(work))

    def change_account_password(self, package: str, domain: str, account: str, old: str, new: str) -> bytes:
        """Change a password with the account's authority; returns what the authority answered."""
        return self.run(acquisition.change_account_password(package, domain, account, old, new))

    def close(self) -> None:
        """Close the connection. Handles live on until they expire: free them before."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class Credential:
    """A credential held by the service, for many contexts; `free` it, or use it in a ``with``."""

    def __init__(self, client: Client, acquired: Acquired) -> None:
        self._client = client
        self._acquired = acquired

    @property
    def client(self) -> Client:
        """The client it was acquired by."""
        return self._client

    @property
    def package(self) -> str:
        """The package it is for."""
        return self._acquired.package

    @property
    def expiry(self) -> datetime | None:
        """When it ends; None for never."""
        return self._acquired.expiry

    @property
    def handle(self) -> bytes:
        """The service's handle; empty once it was freed."""
        return self._acquired.handle

    def initialize(
        self,
        target_name: str = "",
        *,
        flags: ContextFlag = legs.DEFAULT_FLAGS,
        first_input: Sequence[SecurityBuffer] = (),
        connection_id: str = "",
    ) -> Context:
        """Return a context that begins the conversation; its first `step` makes the first InitializeSecurityContext."""
        return self._begin(Role.INITIATOR, target_name, flags, first_input, connection_id)

    def accept(
        self,
        *,
        flags: ContextFlag = legs.DEFAULT_FLAGS,
        first_input: Sequence[SecurityBuffer] = (),
        connection_id: str = "",
    ) -> Context:
        """Return a context that answers a peer; its first `step` makes the first AcceptSecurityContext."""
        return self._begin(Role.ACCEPTOR, "", flags, first_input, connection_id)

    def _begin(
        self, role: Role, target_name: str, flags: ContextFlag, first_input: Sequence[SecurityBuffer], connection_id: str
    ) -> Context:
        begun = Legs(
            role,
            self.package,
            self._acquired.credential.value,
            target_name=target_name,
            flags=flags,
            first_input=first_input,
            connection_id=connection_id,
        )
        return Context(self._client, begun)

    def query(self, attribute: CredentialAttribute[Value]) -> Value:
        """QueryCredentialsAttributes."""
        return self._client.run(self._acquired.query(attribute))

    def set(self, attribute: CredentialAttribute[Value], value: Value) -> None:
        """SetCredentialsAttributes."""
        self._client.run(self._acquired.set(attribute, value))

    def free(self) -> None:
        """FreeCredentialsHandle; contexts begun with it go on."""
        self._client.run(self._acquired.free())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        _end(self.free, value)


class Context:
    """One security context held by the service; `delete` it, or use it in a ``with``. One call at a time."""

    def __init__(self, client: Client, begun: Legs) -> None:
        self._client = client
        self._legs = begun

    @property
    def legs(self) -> Legs:
        """The logic beneath, for what is built on it."""
        return self._legs

    @property
    def handle(self) -> bytes:
        """The service's handle; empty before the first leg and after the end."""
        return self._legs.handle

    def step(
        self,
        token: bytes = b"",
        *,
        extra_input: Sequence[SecurityBuffer] = (),
        flags: ContextFlag | None = None,
        credential: Credential | None = None,
        output_capacity: int = 0,
    ) -> Step:
        """Make one leg with what the peer sent.

        Send `Step.token` whatever its status. `flags` (from here on) and `credential` replace the first leg's.
        `output_capacity` limits the token where flags lack ALLOCATE_MEMORY; 0 is no limit. A failing leg raises
        `SspiError`, whose `token` is still to be sent.
        """
        handle = None if credential is None else credential.handle
        work = self._legs.step(token, extra_input=extra_input, flags=flags, credential=handle, output_capacity=output_capacity)
        return self._client.run(work)

    def handshake(self, peer: Peer, received: bytes = b"", *, begins: bool | None = None) -> Step:
        """Make every leg with `peer` at the other end; `received` is what it already sent.

        `begins` says whether this end speaks first; where it is None the initiator does (Digest's acceptor begins).

        Returns the last step; its `extra` is what came beyond the handshake. A failure sends what is left to send, deletes
        the context and is raised.
        """
        return self._client.run(self._legs.handshake(received, begins=begins), peer)

    def complete(self, token: Iterable[SecurityBuffer]) -> Completed:
        """CompleteAuthToken, after SEC_I_COMPLETE_NEEDED or SEC_I_COMPLETE_AND_CONTINUE."""
        return self._client.run(self._legs.complete(token))

    def apply_control_token(self, token: bytes) -> None:
        """ApplyControlToken, laid out as schannel.h says."""
        self._client.run(self._legs.apply_control_token(token))

    def shutdown(self) -> bytes:
        """Say that nothing more will be sent; returns the token (close_notify) for the peer."""
        return self._client.run(self._legs.shutdown())

    def query(self, attribute: Attribute[Value]) -> Value:
        """QueryContextAttributes: ``context.query(attributes.CONNECTION_INFO)`` answers with a `ConnectionInfo`."""
        return self._client.run(self._legs.query(attribute))

    def set(self, attribute: Attribute[Value], value: Value) -> None:
        """SetContextAttributes."""
        self._client.run(self._legs.set(attribute, value))

    def identity(self) -> Identity:
        """QuerySecurityContextToken: who the peer is, as an acceptor's context proved it."""
        return self._client.run(self._legs.identity())

    def encrypt(self, data: bytes, *, qop: int = 0, sequence_number: int = 0) -> bytes:
        """Seal `data` for the peer: as many TLS records as it takes, or one wrapped token."""
        return self._client.run(messages.encrypt(self._legs, data, qop=qop, sequence_number=sequence_number))

    def decrypt(self, data: bytes, *, sequence_number: int = 0) -> Decrypted:
        """Open what `data` holds: every whole TLS record of it, or one wrapped token."""
        return self._client.run(messages.decrypt(self._legs, data, sequence_number=sequence_number))

    def sign(self, data: bytes, *, qop: int = 0, sequence_number: int = 0) -> bytes:
        """Sign `data`; returns the signature."""
        return self._client.run(messages.sign(self._legs, data, qop=qop, sequence_number=sequence_number))

    def verify(self, data: bytes, signature: bytes, *, sequence_number: int = 0) -> int:
        """Check `signature` over `data`; returns the quality of protection, raises `SspiError` where it does not hold."""
        return self._client.run(messages.verify(self._legs, data, signature, sequence_number=sequence_number))

    def encrypt_message(self, message: Iterable[SecurityBuffer], *, qop: int = 0, sequence_number: int = 0) -> Protected:
        """EncryptMessage with buffers of your own laying out."""
        return self._client.run(messages.encrypt_message(self._legs, message, qop=qop, sequence_number=sequence_number))

    def decrypt_message(self, message: Iterable[SecurityBuffer], *, sequence_number: int = 0) -> Protected:
        """DecryptMessage with buffers of your own laying out."""
        return self._client.run(messages.decrypt_message(self._legs, message, sequence_number=sequence_number))

    def make_signature(self, message: Iterable[SecurityBuffer], *, qop: int = 0, sequence_number: int = 0) -> Protected:
        """MakeSignature with buffers of your own laying out."""
        return self._client.run(messages.make_signature(self._legs, message, qop=qop, sequence_number=sequence_number))

    def verify_signature(self, message: Iterable[SecurityBuffer], *, sequence_number: int = 0) -> Protected:
        """VerifySignature with buffers of your own laying out."""
        return self._client.run(messages.verify_signature(self._legs, message, sequence_number=sequence_number))

    def export(self, *, reset_new: bool = False, delete_old: bool = False) -> bytes:
        """ExportSecurityContext: the established context as bytes that only the same caller's import opens."""
        return self._client.run(self._legs.export(reset_new=reset_new, delete_old=delete_old))

    def delete(self) -> None:
        """DeleteSecurityContext, at any stage. Nothing is sent to the peer."""
        self._client.run(self._legs.delete())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        _end(self.delete, value)


def _exchange(question: Question[Any], peer: Peer | None) -> bytes | None:
    if peer is None:
        raise TypeError(f"{type(question).__name__} has no peer to go to.")
    if isinstance(question, Receive):
        return peer.recv(question.size)
    if not isinstance(question, Send):
        raise TypeError(f"{type(question).__name__} is no question of this library.")
    rest = question.data
    while rest:
        taken = peer.send(rest)
        rest = b"" if taken is None else rest[taken:]
    return None


def _end(release: Callable[[], None], failure: BaseException | None) -> None:
    """Release a handle at the end of a ``with``; an error of the block is worth more than one of its end."""
    try:
        release()
    except SspiError:
        if failure is None:
            raise
