"""What every client of sspi.v1 may rely on, against a real service over a real socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest
from google.protobuf import message_factory
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from sspid_protos.sspi.v1 import (
    attributes_pb2,
    context_service_pb2,
    credential_service_pb2,
    credentials_pb2,
    message_service_pb2,
    package_service_pb2,
    vocabulary_pb2,
)

from sspid_testing.wire import (
    ACCEPT,
    INITIALIZE,
    OUTBOUND,
    Wire,
    data_message,
    data_of,
    decrypt_request,
    encrypt_request,
    status,
    token_out,
    tokens,
)

if TYPE_CHECKING:
    from google.protobuf.descriptor import ServiceDescriptor

pytestmark = pytest.mark.wire
SERVICES = [
    service
    for file in (package_service_pb2, credential_service_pb2, context_service_pb2, message_service_pb2)
    for service in file.DESCRIPTOR.services_by_name.values()
]


def test_packages_are_listed_and_found_by_name_alias_and_any_case(wire: Wire) -> None:
    listed = wire.packages.EnumerateSecurityPackages(package_service_pb2.EnumerateSecurityPackagesRequest())
    assert status(listed) == "SEC_E_OK"
    assert "Schannel" in {package.name for package in listed.packages}
    for name in ("Schannel", "schannel", "Microsoft Unified Security Protocol Provider"):
        found = wire.packages.QuerySecurityPackageInfo(package_service_pb2.QuerySecurityPackageInfoRequest(package_name=name))
        assert (found.package.name, found.package.max_token) == ("Schannel", 24576)


def test_an_unknown_package_is_a_status_not_an_rpc_failure(wire: Wire) -> None:
    found = wire.packages.QuerySecurityPackageInfo(package_service_pb2.QuerySecurityPackageInfoRequest(package_name="No"))
    assert status(found) == "SEC_E_SECPKG_NOT_FOUND"
    assert found.result.code == 0x80090305
    assert not found.HasField("package")


def test_two_contexts_shake_hands_and_exchange_data(wire: Wire) -> None:
    client, server = wire.pair()
    sealed = wire.messages.EncryptMessage(encrypt_request(client, b"hello"))
    assert status(sealed) == "SEC_E_OK"
    record = b"".join(each.data for each in sealed.message)
    assert b"hello" not in record
    opened = wire.messages.DecryptMessage(decrypt_request(server, record))
    assert (status(opened), data_of(opened)) == ("SEC_E_OK", b"hello")
    wire.delete(client, server)


def test_what_the_package_does_not_do_is_said_in_the_reply(wire: Wire) -> None:
    client, server = wire.pair()
    signed = wire.messages.MakeSignature(
        message_service_pb2.MakeSignatureRequest(context=client.context, message=data_message(b"x"))
    )
    assert status(signed) == "SEC_E_UNSUPPORTED_FUNCTION"
    completed = wire.contexts.CompleteAuthToken(context_service_pb2.CompleteAuthTokenRequest(context=client.context))
    assert status(completed) == "SEC_E_UNSUPPORTED_FUNCTION"
    wire.delete(client, server)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_every_rpc_of_the_contract_is_served(wire: Wire, service: ServiceDescriptor) -> None:
    for method in service.methods:
        if method.name in {"Handshake", "Session"}:
            continue
        response_type = message_factory.GetMessageClass(method.output_type)
        call = wire.channel.unary_unary(f"/{service.full_name}/{method.name}", bytes, response_type.FromString)
        try:
            reply = call(b"")
        except grpc.RpcError as error:
            assert error.code() is grpc.StatusCode.INVALID_ARGUMENT, (method.name, error)  # noqa: PT017
        else:
            assert reply.result.status != vocabulary_pb2.SECURITY_STATUS_UNSPECIFIED, method.name


def test_a_deleted_an_unknown_and_a_garbled_handle_answer_alike(wire: Wire) -> None:
    client, server = wire.pair()
    wire.delete(client, server)
    replies = [
        wire.contexts.InitializeSecurityContext(INITIALIZE(context=vocabulary_pb2.ContextHandle(value=value)))
        for value in (client.context.value, bytes(24), b"x", client.context.value[:-1])
    ]
    assert {status(reply) for reply in replies} == {"SEC_E_INVALID_HANDLE"}
    assert len({reply.result.message for reply in replies}) == 1
    deleted = wire.contexts.DeleteSecurityContext(context_service_pb2.DeleteSecurityContextRequest(context=client.context))
    assert status(deleted) == "SEC_E_INVALID_HANDLE"


def test_contexts_and_credentials_do_not_stand_in_for_each_other(wire: Wire) -> None:
    credential = wire.client_credential()
    swapped = wire.contexts.InitializeSecurityContext(
        INITIALIZE(credential=credential, context=vocabulary_pb2.ContextHandle(value=credential.value))
    )
    assert status(swapped) == "SEC_E_INVALID_HANDLE"


def test_a_context_is_freed_at_any_stage(wire: Wire) -> None:
    begun = wire.contexts.InitializeSecurityContext(INITIALIZE(credential=wire.client_credential(), target_name="localhost"))
    assert status(begun) == "SEC_I_CONTINUE_NEEDED"
    wire.delete(begun)
    again = wire.contexts.InitializeSecurityContext(INITIALIZE(context=begun.context))
    assert status(again) == "SEC_E_INVALID_HANDLE"


def test_request_ids_make_retries_harmless(wire: Wire) -> None:
    first = wire.acquire("demo-client", OUTBOUND, request_id="acquire-1")
    assert wire.acquire("demo-client", OUTBOUND, request_id="acquire-1").credential == first.credential
    assert wire.acquire("demo-client", OUTBOUND, request_id="acquire-2").credential != first.credential
    with pytest.raises(grpc.RpcError) as caught:
        wire.acquire("demo-server", OUTBOUND, request_id="acquire-1")
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    hello = INITIALIZE(credential=first.credential, target_name="localhost", request_id="hello")
    begun = wire.contexts.InitializeSecurityContext(hello)
    assert wire.contexts.InitializeSecurityContext(hello) == begun
    server = ACCEPT(credential=wire.server_credential(), input=tokens(token_out(begun)), request_id="answer")
    answered = wire.contexts.AcceptSecurityContext(server)
    finish = INITIALIZE(context=begun.context, input=tokens(token_out(answered)), request_id="finish")
    done = wire.contexts.InitializeSecurityContext(finish)
    assert status(done) == "SEC_E_OK"
    assert wire.contexts.InitializeSecurityContext(finish) == done, "the first answer again, not a second step"
    wire.delete(begun, answered)


def test_a_leg_on_another_connection_is_refused_as_unknown(wire: Wire) -> None:
    begun = wire.contexts.InitializeSecurityContext(
        INITIALIZE(credential=wire.client_credential(), target_name="localhost", connection_id="one")
    )
    other = wire.contexts.InitializeSecurityContext(INITIALIZE(context=begun.context, connection_id="two"))
    assert status(other) == "SEC_E_INVALID_HANDLE"
    wire.delete(begun)


def test_too_little_room_loses_nothing(wire: Wire) -> None:
    request = INITIALIZE(credential=wire.client_credential(), target_name="localhost", output_capacity=10)
    small = wire.contexts.InitializeSecurityContext(request)
    assert status(small) == "SEC_E_INSUFFICIENT_MEMORY"
    assert not small.HasField("context")
    request.output_capacity = 0
    begun = wire.contexts.InitializeSecurityContext(request)
    answered = wire.contexts.AcceptSecurityContext(ACCEPT(credential=wire.server_credential(), input=tokens(token_out(begun))))
    finish = INITIALIZE(context=begun.context, input=tokens(token_out(answered)), output_capacity=5)
    assert status(wire.contexts.InitializeSecurityContext(finish)) == "SEC_E_INSUFFICIENT_MEMORY"
    finish.output_capacity = 4096
    done = wire.contexts.InitializeSecurityContext(finish)
    assert status(done) == "SEC_E_OK"
    last = wire.contexts.AcceptSecurityContext(ACCEPT(context=answered.context, input=tokens(token_out(done))))
    assert status(last) == "SEC_E_OK"
    wire.delete(done, last)


@pytest.mark.parametrize(
    "request_",
    [
        INITIALIZE(input=[vocabulary_pb2.SecurityBuffer(data=b"no type")]),
        INITIALIZE(input=[vocabulary_pb2.SecurityBuffer(type=9999)]),  # type: ignore[arg-type]  # what a hostile client sends
        INITIALIZE(flags=[4711]),  # type: ignore[list-item]  # what a hostile client sends
        context_service_pb2.QueryContextAttributesRequest(),
        credential_service_pb2.AcquireCredentialsHandleRequest(package_name="Schannel"),
    ],
    ids=["no buffer type", "unknown buffer type", "unknown flag", "no attribute", "no use"],
)
def test_malformed_requests_never_reach_a_function(wire: Wire, request_: object) -> None:
    name = type(request_).__name__.removesuffix("Request")
    stub = wire.credentials if hasattr(wire.credentials, name) else wire.contexts
    with pytest.raises(grpc.RpcError) as caught:
        getattr(stub, name)(request_)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details()


def test_a_request_that_is_too_large_is_refused_and_the_next_one_served(wire: Wire) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        wire.contexts.InitializeSecurityContext(INITIALIZE(input=tokens(bytes(2 << 20))))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert wire.client_credential().value


def test_health_tells_of_the_service_and_of_each_package(wire: Wire) -> None:
    stub = health_pb2_grpc.HealthStub(wire.channel)
    for service in ("", "sspi.package.Schannel", "sspi.v1.ContextService"):
        answer = stub.Check(health_pb2.HealthCheckRequest(service=service))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING, service


def test_reflection_shows_the_contract(wire: Wire) -> None:
    services = ProtoReflectionDescriptorDatabase(wire.channel).get_services()
    assert {f"sspi.v1.{name}Service" for name in ("Package", "Credential", "Context", "Message")} <= set(services)


def test_attributes_come_back_typed(wire: Wire) -> None:
    client, server = wire.pair()
    reply = wire.contexts.QueryContextAttributes(
        context_service_pb2.QueryContextAttributesRequest(
            context=client.context, attribute=attributes_pb2.SECPKG_ATTR_CONNECTION_INFO
        )
    )
    assert reply.value.connection_info.protocol == "TLSv1.3"
    unknown = wire.contexts.QueryContextAttributes(
        context_service_pb2.QueryContextAttributesRequest(
            context=client.context, attribute=attributes_pb2.SECPKG_ATTR_SESSION_KEY
        )
    )
    assert status(unknown) == "SEC_E_UNSUPPORTED_FUNCTION"
    wire.delete(client, server)


def test_a_wrong_name_ends_in_its_own_status_with_an_alert_for_the_peer(wire: Wire) -> None:
    begun = wire.contexts.InitializeSecurityContext(
        INITIALIZE(
            credential=wire.client_credential(),
            target_name="somebody.else.test",
            flags=[vocabulary_pb2.CONTEXT_FLAG_EXTENDED_ERROR],
        )
    )
    answered = wire.contexts.AcceptSecurityContext(ACCEPT(credential=wire.server_credential(), input=tokens(token_out(begun))))
    failed = wire.contexts.InitializeSecurityContext(
        INITIALIZE(
            context=begun.context,
            input=tokens(token_out(answered)),
            flags=[vocabulary_pb2.CONTEXT_FLAG_EXTENDED_ERROR],
        )
    )
    assert status(failed) == "SEC_E_WRONG_PRINCIPAL"
    assert failed.result.code == 0x80090322
    assert "is for localhost" in failed.result.message
    assert "not for somebody.else.test" in failed.result.message
    assert token_out(failed), "the alert still goes to the peer"
    wire.delete(begun, answered)


def test_a_secret_handed_over_never_comes_back(wire: Wire) -> None:
    request = credential_service_pb2.AcquireCredentialsHandleRequest(
        package_name="Schannel",
        use=OUTBOUND,
        auth_data=credentials_pb2.AuthData(
            schannel=credentials_pb2.SchannelCredential(
                certificates=[credentials_pb2.CertificateAndKey(certificate_pem=b"hunter2", key_pem=b"hunter2")]
            )
        ),
    )
    reply = wire.credentials.AcquireCredentialsHandle(request)
    assert status(reply) == "SEC_E_UNKNOWN_CREDENTIALS"
    assert b"hunter2" not in reply.SerializeToString()
