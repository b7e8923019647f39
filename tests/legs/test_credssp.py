"""Whole CredSSP handshakes in memory: both roles, versions, mechanisms, both TLS versions, and what may be asked then."""

from __future__ import annotations

import pytest

from sspid.packages.credssp.policy import CredSspPolicy
from sspid.packages.ntlm.policy import NtlmPolicy
from sspid.vocabulary.attributes import ContextAttribute, CredentialAttribute
from sspid.vocabulary.buffers import BufferType, token_in
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import credssp, tls
from sspid_testing.credssp import ALICE, TARGET, TLS12, TLS13, fails, found, shaken

pytestmark = [pytest.mark.credssp, pytest.mark.legs]
A = ContextAttribute


@pytest.mark.parametrize(("settings", "legs"), [(TLS12, 5), (TLS13, 4)], ids=["tls1.2", "tls1.3"])
def test_both_roles_and_messages_after_it(settings, legs):
    client, server = shaken(credssp.client(settings=settings))
    assert client.statuses == ["SEC_I_CONTINUE_NEEDED"] * (legs - 1) + ["SEC_E_OK"]
    assert server.statuses == client.statuses
    assert token_in(client.steps[-1].output)
    assert not token_in(server.steps[-1].output)
    assert server.open(client.seal(b"to the server")).buffers[0].data == b"to the server"
    assert client.open(server.seal(b"to the client")).buffers[0].data == b"to the client"


def test_messages_in_windows_shape():
    client, server = shaken(credssp.client(settings=TLS12))
    sizes = client.query(A.STREAM_SIZES)
    sealed = client.seal_in_place(b"framed", header=sizes.header, trailer=sizes.trailer)
    record = b"".join(sealed[kind].data for kind in (BufferType.STREAM_HEADER, BufferType.DATA, BufferType.STREAM_TRAILER))
    opened = server.open_in_place(record)
    assert found(opened.buffers, BufferType.DATA).data == b"framed"


@pytest.mark.parametrize("theirs", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("ours", [2, 3, 4, 5, 6])
def test_every_pair_of_versions(ours, theirs):
    client = credssp.client(policy=CredSspPolicy(minimum_version=2, maximum_version=ours))
    server = credssp.server(policy=CredSspPolicy(minimum_version=2, maximum_version=theirs))
    shaken(client, server)
    assert client.state.proven.version == server.state.proven.version == min(ours, theirs)
    assert server.query(A.CREDS_2).secret == ALICE


@pytest.mark.parametrize("key", ["RSA", "ECDSA"])
@pytest.mark.parametrize("version", [4, 6])
def test_kinds_of_server_keys(key, version):
    rules = CredSspPolicy(minimum_version=2, maximum_version=version)
    shaken(credssp.client(policy=rules), credssp.server(policy=rules, certificate=tls.issued(key=key)))


def test_ntlm_without_spnego():
    client, server = shaken(credssp.client(policy=CredSspPolicy(bare_ntlm=True)))
    assert client.query(A.NEGOTIATION_PACKAGE).text == server.query(A.NEGOTIATION_PACKAGE).text == "NTLM"
    assert server.query(A.CREDS_2).secret == ALICE


@pytest.mark.parametrize("required", [True, False])
def test_with_and_without_mechlist_mic(required):
    server = credssp.server()
    server.world.policies["NTLM"] = NtlmPolicy(require_mic=required)
    shaken(None, server)


def test_attributes_of_both_ends():
    client, server = shaken()
    assert server.query(A.NAMES).user_name == "DOMAIN\\alice"
    assert client.query(A.NAMES).user_name == "DOMAIN\\alice"
    assert client.query(A.NEGOTIATION_INFO).package_name == "NTLM"
    assert client.query(A.PACKAGE_INFO).name == "CredSSP"
    assert client.query(A.SIZES).max_token == 90567
    assert client.query(A.TARGET).name == TARGET
    assert client.query(A.LIFESPAN).expiry is None
    assert client.query(A.REMOTE_CERT_CONTEXT).der == server.query(A.LOCAL_CERT_CONTEXT).der
    assert client.query(A.CONNECTION_INFO).protocol == "TLSv1.3"
    assert ContextFlag.SEQUENCE_DETECT in client.query(A.FLAGS).flags
    assert server.query(A.C_ACCESS_TOKEN).name == server.query(A.C_FULL_ACCESS_TOKEN).name == "alice"
    assert server.world.run(server.package.query_security_context_token(server.state)).name == "alice"
    assert client.world.run(client.package.query_credentials_attributes(client.credential, CredentialAttribute.NAMES))


@pytest.mark.parametrize("attribute", [A.SESSION_KEY, A.KEYING_MATERIAL, A.SUBJECT_SECURITY_ATTRIBUTES, A.REMOTE_CRED])
def test_attributes_that_are_not_there(attribute):
    client, _ = shaken()
    assert fails(client.query, attribute).status is SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION


@pytest.mark.parametrize(
    ("attribute", "of"), [(A.CREDS, 0), (A.C_ACCESS_TOKEN, 0), (A.SERVER_AUTH_FLAGS, 1), (A.CERT_TRUST_STATUS, 1)]
)
def test_attributes_of_the_other_role(attribute, of):
    assert fails(shaken()[of].query, attribute).status is SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION


def test_attributes_before_the_end():
    client = credssp.client()
    client.leg()
    assert fails(client.query, A.NAMES).status is SecurityStatus.SEC_E_INVALID_HANDLE
    assert fails(client.query, A.STREAM_SIZES).status is SecurityStatus.SEC_E_INVALID_HANDLE
    assert client.query(A.PACKAGE_INFO).name == "CredSSP"
    assert fails(client.seal, b"early").status is SecurityStatus.SEC_E_INVALID_HANDLE
