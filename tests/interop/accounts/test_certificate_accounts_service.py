"""A client certificate that `sspid accounts map` maps is that account to QuerySecurityContextToken, over the wire."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import time
from contextlib import suppress

import grpc
import pytest
from sspid_protos.sspi.v1 import context_service_pb2, credentials_pb2, vocabulary_pb2

from sspid_testing import server
from sspid_testing.issuing import CLIENT, Authority
from sspid_testing.wire import ACCEPT, INBOUND, Wire, credential, status, token_out, tokens

pytestmark = [pytest.mark.schannel, pytest.mark.interop, pytest.mark.wire]


def accounts(service, *arguments, given=""):
    command = [sys.executable, "-m", "sspid", "accounts", *arguments]
    env = {**os.environ, "SSPID_DATA_DIR": str(service.data_dir)}
    subprocess.run(command, input=given, env=env, capture_output=True, text=True, check=True)
    # A change counts within a second.
    time.sleep(0.75)


@pytest.fixture(scope="module")
def authority():
    return Authority("people's CA")


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with server.running(tmp_path_factory.mktemp("certificates")) as running:
        accounts(running, "add", "alice", "--group", "staff", given="Passw0rd\n")
        accounts(running, "add", "anna", "--domain", "CORP", given="Passw0rd\n")
        yield running


@pytest.fixture
def wire(service):
    made = Wire(grpc.insecure_channel(service.target))
    yield made
    made.channel.close()


def files_of(issued, folder):
    """The certificate and its key as files for Python's own TLS and for the command line."""
    folder.mkdir(exist_ok=True)
    made = issued.pem()
    (folder / "certificate.pem").write_bytes(made.certificate_pem)
    (folder / "key.pem").write_bytes(made.key_pem)
    return folder / "certificate.pem", folder / "key.pem"


def accepted(wire, service, authority, pair):
    """OpenSSL's client (Python's ssl) with that certificate logs on to the service; the accepted context."""
    context = ssl.create_default_context(cafile=str(service.ca))
    context.load_cert_chain(*map(str, pair))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    own = credentials_pb2.CertificateAndKey(
        certificate_pem=service.server_certificate.read_bytes(), key_pem=service.server_key.read_bytes()
    )
    schannel = credentials_pb2.SchannelCredential(
        certificates=[own], settings=credentials_pb2.SchannelSettings(trust_anchors_pem=authority.pem)
    )
    given = {"credential": credential(wire, "Schannel", INBOUND, schannel=schannel)}
    for _ in range(10):
        with suppress(ssl.SSLWantReadError):
            client.do_handshake()
        reply = wire.contexts.AcceptSecurityContext(
            ACCEPT(input=tokens(outgoing.read()), flags=[vocabulary_pb2.CONTEXT_FLAG_MUTUAL_AUTH], **given)
        )
        incoming.write(token_out(reply))
        if status(reply) == "SEC_E_OK":
            return reply.context
        assert status(reply) == "SEC_I_CONTINUE_NEEDED", reply
        given = {"context": reply.context}
    pytest.fail("no end after ten legs")


def identity(wire, context):
    reply = wire.contexts.QuerySecurityContextToken(context_service_pb2.QuerySecurityContextTokenRequest(context=context))
    return status(reply), reply.identity


@pytest.mark.parametrize("kind", ["sha256", "issuer-serial", "ski"])
def test_a_certificate_is_the_account_it_is_mapped_to(wire, service, authority, tmp_path, kind):
    pair = files_of(authority.issue("client", usage=CLIENT), tmp_path)
    assert identity(wire, accepted(wire, service, authority, pair))[0] == "SEC_E_NO_IMPERSONATION"
    accounts(service, "map", "alice", "--certificate", str(pair[0]), "--by", kind)
    found, who = identity(wire, accepted(wire, service, authority, pair))
    assert (found, who.name, list(who.groups), who.mapped_by) == ("SEC_E_OK", "alice", ["staff"], "certificate-table")
    accounts(service, "map", "alice", "--certificate", str(pair[0]), "--by", kind, "--remove")
    assert identity(wire, accepted(wire, service, authority, pair))[0] == "SEC_E_NO_IMPERSONATION"


def test_a_upn_is_the_account_it_is_mapped_to(wire, service, authority, tmp_path):
    pair = files_of(authority.issue("client", usage=CLIENT, upn="anna@corp.test"), tmp_path)
    accounts(service, "map", r"CORP\anna", "--upn", "anna@corp.test")
    found, who = identity(wire, accepted(wire, service, authority, pair))
    assert (found, who.name, who.domain, who.mapped_by) == ("SEC_E_OK", "anna", "CORP", "certificate-table")


def test_a_disabled_account_is_nobodys_to_use(wire, service, authority, tmp_path):
    pair = files_of(authority.issue("client", usage=CLIENT), tmp_path)
    accounts(service, "add", "gone", "--disabled", given="Passw0rd\n")
    accounts(service, "map", "gone", "--certificate", str(pair[0]))
    assert identity(wire, accepted(wire, service, authority, pair))[0] == "SEC_E_LOGON_DENIED"
