"""The client's words against the contract's and the service's: every name, every number."""

from __future__ import annotations

import dataclasses

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st
from sspid_protos.sspi.v1 import (
    attributes_pb2,
    context_service_pb2,
    credential_service_pb2,
    credentials_pb2,
    message_service_pb2,
    package_service_pb2,
    vocabulary_pb2,
)

from sspid.vocabulary import attributes as service_attributes
from sspid.vocabulary import flags as service_flags
from sspid.vocabulary.status import RETURNED
from sspid.vocabulary.status import SecurityStatus as ServiceStatus
from sspid_client import attributes, buffers, calls, credentials
from sspid_client.errors import FailureDetail
from sspid_client.flags import ContextFlag, FlagWord
from sspid_client.status import SecurityStatus

FILES = (context_service_pb2, credential_service_pb2, message_service_pb2, package_service_pb2)
FUNCTIONS = [value for value in vars(calls).values() if isinstance(value, calls.Function)]
STREAMS = {"Handshake", "Session"}


def names(enum, prefix=""):
    return {value.name.removeprefix(prefix): value.number for value in enum.DESCRIPTOR.values if value.number}


def full_name(message):
    return message.full_name


def fields_of(message):
    return [field.name for field in message.fields]


def test_statuses_are_the_contracts_with_windows_numbers():
    assert {status.name for status in SecurityStatus} == set(names(vocabulary_pb2.SecurityStatus))
    assert {status.name: status.value for status in SecurityStatus} == {s.name: s.value for s in ServiceStatus}


def test_every_status_that_the_service_returns_is_returned_here():
    returned = {status.name for status in SecurityStatus if status.returned}
    assert {status.name for status in RETURNED} <= returned
    assert all(name.startswith("SEC_I_") or name in {"SEC_E_OK", "SEC_E_INCOMPLETE_MESSAGE"} for name in returned)


def test_flags_are_the_contracts():
    wire = names(vocabulary_pb2.ContextFlag, "CONTEXT_FLAG_")
    assert {flag.name: flag.to_wire() for flag in ContextFlag} == {name: [number] for name, number in wire.items()}


@pytest.mark.parametrize("word", list(FlagWord))
def test_flags_have_the_windows_bits_of_each_word(word):
    table = getattr(service_flags, word.name)
    for bit, flag in table.items():
        assert ContextFlag.from_bits(bit, word) is ContextFlag[flag.name]
        assert ContextFlag[flag.name].to_bits(word) == bit
    known = {flag.name for flag in table.values()}
    assert {flag.name for flag in ContextFlag if flag.to_bits(word)} == known


def test_the_same_bit_means_different_things_in_the_two_roles():
    assert ContextFlag.from_bits(0x8000, FlagWord.ISC_REQ) is ContextFlag.STREAM
    assert ContextFlag.from_bits(0x8000, FlagWord.ASC_REQ) is ContextFlag.EXTENDED_ERROR


@given(st.sets(st.sampled_from(list(ContextFlag))))
def test_flags_survive_the_wire(flags):
    whole = ContextFlag(sum(flag.value for flag in flags))
    assert ContextFlag.from_wire(whole.to_wire()) == whole


def test_flags_of_a_newer_service_are_left_out():
    assert ContextFlag.from_wire([0, 5, 999]) is ContextFlag.CONFIDENTIALITY


def test_buffer_types_and_accesses_are_the_contracts():
    types = {name: number - 1 for name, number in names(vocabulary_pb2.SecurityBufferType, "SECBUFFER_").items()}
    assert {kind.name: kind.value for kind in buffers.BufferType} == types
    accesses = names(vocabulary_pb2.SecurityBufferAccess, "SECBUFFER_")
    assert {access.name: access.value for access in buffers.BufferAccess if access} == accesses


@given(
    st.lists(
        st.builds(
            buffers.SecurityBuffer,
            st.sampled_from(list(buffers.BufferType)),
            st.binary(max_size=9),
            st.integers(0, 2**32 - 1),
            st.sampled_from(list(buffers.BufferAccess)),
        )
    )
)
def test_buffers_survive_the_wire(some):
    assert buffers.from_wire(buffers.to_wire(some)) == tuple(some)


def test_buffers_of_a_newer_service_are_left_out():
    message = vocabulary_pb2.SecurityBuffer()
    message.MergeFromString(b"\x08\xe7\x07")  # type = 999
    assert buffers.from_wire([message]) == ()


def test_an_extra_larger_than_the_input_leaves_nothing_over():
    left = [buffers.SecurityBuffer(buffers.BufferType.EXTRA, size=4)]
    assert buffers.tail(b"abcdef", left) == b"cdef"
    assert buffers.tail(b"abc", left) == b""


def test_application_protocols_are_laid_out_as_sspi_h_says():
    # SEC_APPLICATION_PROTOCOLS: ProtocolListsSize, then ProtoNegoExt, ProtocolListSize and the list.
    buffer = buffers.application_protocols([b"h2", b"http/1.1"])
    assert buffer.data.hex() == "12000000020000000c0002683208687474702f312e31"


def test_credential_words_are_the_contracts():
    assert {use.name: use.value for use in credentials.CredentialUse} == names(credentials_pb2.CredentialUse, "CREDENTIAL_USE_")
    assert {flag.name: flag.value for flag in credentials.SchannelCredentialFlag} == names(
        credentials_pb2.SchannelCredentialFlag, "SCHANNEL_CREDENTIAL_FLAG_"
    )


def test_every_function_of_the_contract_is_there_under_its_path():
    offered = {
        f"/{service.full_name}/{method.name}": full_name(method.output_type)
        for file in FILES
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
        if method.name not in STREAMS
    }
    assert {function.path: function.reply.DESCRIPTOR.full_name for function in FUNCTIONS} == offered
    assert calls.SESSION_PATH == "/sspi.v1.ContextService/Session"


def test_every_call_of_a_session_stream_is_there_under_its_field():
    requests = context_service_pb2.SessionRequest.DESCRIPTOR.oneofs_by_name["call"].fields
    answers = context_service_pb2.SessionResponse.DESCRIPTOR.oneofs_by_name["answer"].fields
    carried = {function.field: function.reply.DESCRIPTOR.full_name for function in FUNCTIONS if function.field}
    assert {field.name for field in requests} == set(carried)
    assert {field.name: full_name(field.message_type) for field in answers if field.name != "refusal"} == carried


def test_every_attribute_value_has_the_contracts_fields():
    for field in attributes_pb2.AttributeValue.DESCRIPTOR.fields:
        kind = getattr(attributes, full_name(field.message_type).rpartition(".")[2])
        assert [f.name for f in dataclasses.fields(kind)] == fields_of(field.message_type), field.name


def test_details_have_the_contracts_fields():
    assert [f.name for f in dataclasses.fields(FailureDetail)] == [
        f.name for f in vocabulary_pb2.FailureDetail.DESCRIPTOR.fields
    ]


def test_attributes_are_named_in_the_contract():
    for value in vars(attributes).values():
        if isinstance(value, attributes.Attribute):
            assert value.name in names(attributes_pb2.ContextAttribute)
            assert value.name.removeprefix("SECPKG_ATTR_") in service_attributes.ContextAttribute.__members__
        if isinstance(value, attributes.CredentialAttribute):
            assert value.name in names(attributes_pb2.CredentialAttribute)


SECRET = "correct horse battery staple"


@pytest.mark.parametrize(
    "auth_data",
    [
        credentials.password("alice", "EXAMPLE", SECRET),
        credentials.nt_hash("alice", "", SECRET.encode()[:16]),
        credentials.keytab(SECRET.encode()),
        credentials.credential_cache(SECRET.encode()),
        credentials.certificate(b"chain", SECRET.encode(), passphrase=SECRET),
        credentials.schannel([credentials.CertificateAndKey(pkcs12=SECRET.encode(), passphrase=SECRET)]),
        credentials.credssp(negotiate=credentials.password("alice", "EXAMPLE", SECRET)),
    ],
    ids=lambda data: data.kind,
)
def test_secrets_show_nowhere(auth_data):
    assert SECRET[:16] not in repr(auth_data)
    assert SECRET[:16].encode() in auth_data.message.SerializeToString()
    assert auth_data.message.WhichOneof("kind") == auth_data.kind


def test_a_certificate_carries_its_ocsp_response():
    made = credentials.schannel([credentials.CertificateAndKey(b"chain", b"key", ocsp_response=b"answer")])
    assert made.message.schannel.certificates[0].ocsp_response == b"answer"


def test_every_kind_of_secret_can_be_made():
    made = [
        credentials.anonymous(),
        credentials.named("demo"),
        credentials.keytab("/etc/krb5.keytab"),
        credentials.credential_cache("/var/lib/cc"),
        credentials.password("a", "b", "c"),
        credentials.nt_hash("a", "b", bytes(16)),
        credentials.schannel(),
        credentials.credssp(),
    ]
    kinds = {field.name for field in credentials_pb2.AuthData.DESCRIPTOR.oneofs_by_name["kind"].fields}
    assert {each.kind for each in made} == kinds
    assert all(isinstance(each.message, Message) for each in made)
