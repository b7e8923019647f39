"""Raw stubs and short words for tests that speak sspi.v1 directly, as any language's program would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sspid_protos.sspi.v1 import (
    context_service_pb2,
    context_service_pb2_grpc,
    credential_service_pb2,
    credential_service_pb2_grpc,
    credentials_pb2,
    message_service_pb2,
    message_service_pb2_grpc,
    package_service_pb2_grpc,
    vocabulary_pb2,
)

if TYPE_CHECKING:
    import grpc

INITIALIZE = context_service_pb2.InitializeSecurityContextRequest
ACCEPT = context_service_pb2.AcceptSecurityContextRequest
DELETE = context_service_pb2.DeleteSecurityContextRequest
INBOUND, OUTBOUND = credentials_pb2.CREDENTIAL_USE_INBOUND, credentials_pb2.CREDENTIAL_USE_OUTBOUND


def status(reply: Any) -> str:
    """The status of a reply by name."""
    return vocabulary_pb2.SecurityStatus.Name(reply.result.status)


def tokens(data: bytes) -> list[Any]:
    """Input buffers with one token and the EMPTY buffer Schannel wants behind it."""
    if not data:
        return []
    return [
        vocabulary_pb2.SecurityBuffer(type=vocabulary_pb2.SECBUFFER_TOKEN, data=data),
        vocabulary_pb2.SecurityBuffer(type=vocabulary_pb2.SECBUFFER_EMPTY),
    ]


def token_out(reply: Any) -> bytes:
    """The output token of a leg."""
    return b"".join(each.data for each in reply.output if each.type == vocabulary_pb2.SECBUFFER_TOKEN)


def extra(reply: Any) -> int:
    """How many bytes at the end of the input were not consumed."""
    return next((each.size for each in reply.input if each.type == vocabulary_pb2.SECBUFFER_EXTRA), 0)


class Wire:
    """The four stubs over one channel."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.channel = channel
        self.packages = package_service_pb2_grpc.PackageServiceStub(channel)
        self.credentials = credential_service_pb2_grpc.CredentialServiceStub(channel)
        self.contexts = context_service_pb2_grpc.ContextServiceStub(channel)
        self.messages = message_service_pb2_grpc.MessageServiceStub(channel)

    def acquire(self, name: str, use: Any, package: str = "Schannel", **parameters: Any) -> Any:
        """The reply to AcquireCredentialsHandle for a credential the operator configured."""
        auth_data = credentials_pb2.AuthData(named=credentials_pb2.NamedCredential(name=name))
        request = credential_service_pb2.AcquireCredentialsHandleRequest(
            package_name=package, use=use, auth_data=auth_data, **parameters
        )
        return self.credentials.AcquireCredentialsHandle(request)

    def client_credential(self) -> Any:
        """A handle for the demo client."""
        return self.acquire("demo-client", OUTBOUND).credential

    def server_credential(self) -> Any:
        """A handle for the demo server."""
        return self.acquire("demo-server", INBOUND).credential

    def pair(self, initialize: Any = None, accept: Any = None, **both: Any) -> tuple[Any, Any]:
        """Two established TLS contexts, the client's and the server's reply of the last leg."""
        initialize = initialize or self.contexts.InitializeSecurityContext
        accept = accept or self.contexts.AcceptSecurityContext
        client, server = self.client_credential(), self.server_credential()
        sent = initialize(INITIALIZE(credential=client, target_name="localhost", **both))
        answered = accept(ACCEPT(credential=server, input=tokens(token_out(sent)), **both))
        while status(sent) != "SEC_E_OK" or status(answered) != "SEC_E_OK":
            sent = initialize(INITIALIZE(context=sent.context, input=tokens(token_out(answered)), **both))
            answered = accept(ACCEPT(context=answered.context, input=tokens(token_out(sent)), **both))
        return sent, answered

    def delete(self, *replies: Any) -> None:
        """Delete the contexts of these replies."""
        for reply in replies:
            self.contexts.DeleteSecurityContext(DELETE(context=reply.context))


def data_message(data: bytes) -> list[Any]:
    """One DATA buffer."""
    return [vocabulary_pb2.SecurityBuffer(type=vocabulary_pb2.SECBUFFER_DATA, data=data)]


def encrypt_request(reply: Any, data: bytes) -> Any:
    """EncryptMessage of `data` on the context of a reply."""
    return message_service_pb2.EncryptMessageRequest(context=reply.context, message=data_message(data))


def decrypt_request(reply: Any, data: bytes) -> Any:
    """DecryptMessage of `data` on the context of a reply."""
    return message_service_pb2.DecryptMessageRequest(context=reply.context, message=data_message(data))


def data_of(reply: Any) -> bytes:
    """What the DATA buffers of a message hold."""
    return b"".join(each.data for each in reply.message if each.type == vocabulary_pb2.SECBUFFER_DATA)


def credential(wire: Wire, package: str, use: Any, **kind: Any) -> Any:
    """A handle for a secret of that kind; for the package's default without one."""
    request = credential_service_pb2.AcquireCredentialsHandleRequest(
        package_name=package, use=use, auth_data=credentials_pb2.AuthData(**kind) if kind else None
    )
    reply = wire.credentials.AcquireCredentialsHandle(request)
    assert status(reply) == "SEC_E_OK", reply
    return reply.credential


def alice(domain: str, password: str = "unimportant") -> Any:
    """A user with a password."""
    return credentials_pb2.PasswordIdentity(user="alice", domain=domain, password=password)


def judged_elsewhere(wire: Wire, password: str = "unimportant") -> Any:
    """The AcceptSecurityContext of an NTLM acceptor's last leg, which asks the domain where the service has one."""
    user = credential(wire, "NTLM", OUTBOUND, password=alice("ELSEWHERE", password))
    negotiate = wire.contexts.InitializeSecurityContext(INITIALIZE(credential=user, target_name="host/x"))
    service = credential(wire, "NTLM", INBOUND)
    challenge = wire.contexts.AcceptSecurityContext(ACCEPT(credential=service, input=tokens(token_out(negotiate))))
    answer = wire.contexts.InitializeSecurityContext(INITIALIZE(context=negotiate.context, input=tokens(token_out(challenge))))
    return ACCEPT(context=challenge.context, input=tokens(token_out(answer)))
