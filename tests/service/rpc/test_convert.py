from __future__ import annotations

import contextlib
import dataclasses
import typing
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sspid_protos.sspi.v1 import (
    attributes_pb2,
    context_service_pb2,
    credential_service_pb2,
    credentials_pb2,
    message_service_pb2,
    vocabulary_pb2,
)

from sspid.rpc import attributes, auth_data, convert
from sspid.vocabulary import attributes as values
from sspid.vocabulary import credentials
from sspid.vocabulary.buffers import BufferAccess, BufferType, SecurityBuffer, token
from sspid.vocabulary.errors import FailureDetail, RefusedError, SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.names import Capability
from sspid.vocabulary.status import SecurityStatus

ATTRIBUTE_TYPES = typing.get_args(values.AttributeValue)


def test_every_status_crosses_the_wire_with_its_name_and_its_windows_number() -> None:
    assert len(convert.STATUS_TO_WIRE) == len(SecurityStatus) == len(vocabulary_pb2.SecurityStatus.keys()) - 1
    for status in SecurityStatus:
        answer = convert.result(status)
        assert vocabulary_pb2.SecurityStatus.Name(answer.status) == status.name
        assert answer.code == status.value
        assert convert.STATUS_FROM_WIRE[answer.status] is status


def test_no_status_reads_as_success_by_default() -> None:
    assert vocabulary_pb2.SecurityResult().status == vocabulary_pb2.SECURITY_STATUS_UNSPECIFIED != vocabulary_pb2.SEC_E_OK


@given(
    st.lists(
        st.builds(
            SecurityBuffer,
            st.sampled_from(BufferType),
            st.binary(max_size=40),
            st.integers(0, 2**32 - 1),
            st.sampled_from(BufferAccess),
        )
    )
)
def test_buffers_come_back_as_they_went(buffers: list[SecurityBuffer]) -> None:
    assert convert.buffers_in(convert.buffers_out(buffers)) == tuple(buffers)


@given(st.frozensets(st.sampled_from(ContextFlag)))
def test_flags_come_back_as_they_went(flags: frozenset[ContextFlag]) -> None:
    assert convert.flags_in(convert.flags_out(flags)) == flags


def test_what_the_contract_does_not_have_is_an_invalid_argument() -> None:
    for act in (
        lambda: convert.buffers_in([vocabulary_pb2.SecurityBuffer()]),
        lambda: convert.flags_in([999]),
        lambda: attributes.context_attribute(0),
        lambda: attributes.credential_attribute(77),
        lambda: auth_data.credential_use(0),
        lambda: attributes.value_in(attributes_pb2.AttributeValue()),
    ):
        with pytest.raises(RefusedError) as caught:
            act()
        assert caught.value.kind == "INVALID_ARGUMENT"
        assert caught.value.message


def test_a_failure_carries_what_still_goes_to_the_peer_and_what_lies_beneath() -> None:
    detail = FailureDetail(alert=48, alert_sent=True, verify_error=20, verify_depth=1, verify_reason="unable to get issuer")
    error = SspiError(SecurityStatus.SEC_E_UNTRUSTED_ROOT, "why", detail=detail, output=(token(b"alert"),))
    answer = convert.failure(context_service_pb2.AcceptSecurityContextResponse, error)
    assert answer.result.message == "why"
    assert answer.output[0].data == b"alert"
    assert (answer.result.detail.alert, answer.result.detail.verify_depth) == (48, 1)
    assert not answer.result.detail.HasField("kerberos_error"), "what is not known is absent, not zero"


def test_a_failed_message_function_puts_the_alert_where_the_message_would_be() -> None:
    error = SspiError(SecurityStatus.SEC_E_MESSAGE_ALTERED, "why", output=(token(b"alert"),))
    assert convert.failure(message_service_pb2.DecryptMessageResponse, error).message[0].data == b"alert"
    bare = convert.failure(context_service_pb2.DeleteSecurityContextResponse, error)
    assert bare.result.message == "why", "a response with no place for it goes without"


def test_a_request_id_stands_for_function_and_content() -> None:
    request = context_service_pb2.InitializeSecurityContextRequest(request_id="a", target_name="x")
    other = context_service_pb2.InitializeSecurityContextRequest(request_id="a", target_name="y")
    known = convert.request_id("InitializeSecurityContext", request)
    assert known == convert.request_id("InitializeSecurityContext", request)
    assert known != convert.request_id("AcceptSecurityContext", request)
    assert known != convert.request_id("InitializeSecurityContext", other)
    assert convert.request_id("x", context_service_pb2.InitializeSecurityContextRequest()) is None


def example(kind: Any) -> Any:
    """A value for a field of that type."""
    text = str(kind)
    if "datetime" in text:
        return datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
    if "ContextFlag" in text or text == "Flags":
        return frozenset({ContextFlag.STREAM, ContextFlag.INTEGRITY})
    if "tuple[bytes" in text:
        return (b"one", b"two")
    if "tuple[str" in text:
        return ("one", "two")
    if "bytes" in text:
        return b"\0\1\2"
    return {"int": 7, "Capability": Capability.INTEGRITY, "str": "text", "bool": True}[text]


@pytest.mark.parametrize("kind", ATTRIBUTE_TYPES, ids=lambda kind: kind.__name__)
def test_every_attribute_value_has_a_message_with_its_fields(kind: Any) -> None:
    fields = {field.name: field.type for field in dataclasses.fields(kind)}
    if kind is values.DelegatedCredential:
        value = kind(user="u", domain="d", kind="password", secret=object())
        message = attributes.value_out(value)
        assert message.delegated_credential.user == "u"
        assert not message.delegated_credential.HasField("password"), "the secret stays inside"
        return
    value = kind(**{name: example(each) for name, each in fields.items()})
    message = attributes.value_out(value)
    assert message.WhichOneof("value") == attributes.FIELD[kind]
    back: Any = attributes.value_in(attributes_pb2.AttributeValue.FromString(message.SerializeToString()))
    assert all(getattr(back, name) == getattr(value, name) for name in fields)


def test_every_attribute_of_the_contract_is_known_on_both_sides() -> None:
    assert set(attributes.CONTEXT_FROM_WIRE.values()) == set(values.ContextAttribute)
    assert len(attributes.CONTEXT_FROM_WIRE) == len(attributes_pb2.ContextAttribute.keys()) - 1
    assert set(attributes.CREDENTIAL_FROM_WIRE.values()) == set(values.CredentialAttribute)


SECRETS: list[tuple[Any, credentials.Secret | None]] = [
    (credentials_pb2.AuthData(), None),
    (
        credentials_pb2.AuthData(password=credentials_pb2.PasswordIdentity(user="u", domain="d", password="p")),
        credentials.Password("u", "d", "p"),
    ),
    (
        credentials_pb2.AuthData(nt_hash=credentials_pb2.NtHashIdentity(user="u", nt_hash=bytes(16))),
        credentials.NtHash("u", "", bytes(16)),
    ),
    (credentials_pb2.AuthData(keytab=credentials_pb2.KeytabIdentity(path="/k")), credentials.Keytab(path="/k")),
    (
        credentials_pb2.AuthData(credential_cache=credentials_pb2.CredentialCacheIdentity(data=b"c")),
        credentials.CredentialCache(data=b"c"),
    ),
    (credentials_pb2.AuthData(named=credentials_pb2.NamedCredential(name="n")), credentials.Named("n")),
    (credentials_pb2.AuthData(anonymous=credentials_pb2.AnonymousIdentity()), credentials.Anonymous()),
]


@pytest.mark.parametrize(("message", "secret"), SECRETS, ids=lambda each: type(each).__name__)
def test_each_kind_of_secret_is_read_as_what_it_is(message: Any, secret: credentials.Secret | None) -> None:
    assert auth_data.secret(message) == secret


def test_a_schannel_credential_keeps_its_settings() -> None:
    message = credentials_pb2.AuthData(
        schannel=credentials_pb2.SchannelCredential(
            certificates=[
                credentials_pb2.CertificateAndKey(certificate_pem=b"c", key_pem=b"k", passphrase="p", ocsp_response=b"o")
            ],
            settings=credentials_pb2.SchannelSettings(
                protocols=["TLSv1.3"],
                groups="X25519",
                flags=[credentials_pb2.SCHANNEL_CREDENTIAL_FLAG_MANUAL_CRED_VALIDATION],
                session_lifespan_seconds=0,
            ),
        )
    )
    read = auth_data.secret(message)
    assert isinstance(read, credentials.Schannel)
    assert read.certificates[0].passphrase == "p"
    assert read.certificates[0].ocsp_response == b"o"
    assert read.settings.flags == {"MANUAL_CRED_VALIDATION"}
    assert read.settings.session_lifespan_seconds == 0
    assert "k" not in repr(read.certificates[0]).replace("key", "").replace("pkcs12", "")


def test_a_credssp_pair_is_made_of_what_belongs_in_it() -> None:
    named = credentials_pb2.AuthData(named=credentials_pb2.NamedCredential(name="n"))
    password = credentials_pb2.AuthData(password=credentials_pb2.PasswordIdentity(user="u"))
    pair = credentials_pb2.AuthData(credssp=credentials_pb2.CredSspCredential(schannel=named, negotiate=password))
    assert auth_data.secret(pair) == credentials.CredSspPair(credentials.Named("n"), credentials.Password("u"))
    for wrong in (
        credentials_pb2.CredSspCredential(schannel=password),
        credentials_pb2.CredSspCredential(negotiate=credentials_pb2.AuthData(schannel=credentials_pb2.SchannelCredential())),
        credentials_pb2.CredSspCredential(negotiate=pair),
    ):
        with pytest.raises(RefusedError):
            auth_data.secret(credentials_pb2.AuthData(credssp=wrong))


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_of_credentials_fail_otherwise(data: bytes) -> None:
    try:
        message = credential_service_pb2.AcquireCredentialsHandleRequest.FromString(data)
    except Exception:  # noqa: BLE001  # protobuf's own refusal, before any code of ours
        return
    with contextlib.suppress(RefusedError):
        auth_data.secret(message.auth_data)
        auth_data.credential_use(message.use)
