"""The sspi crate (Rust) at the other end of CredSSP, both roles: bare TSRequests, as for callers that own their TLS, and TLS.

Its server is spoken to in bare NTLM: in SPNEGO it answers a proof without the mechListMIC it owes.
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sspid.packages.credssp import binding, inputs, messages
from sspid.packages.credssp.acceptor import CredentialsExpected
from sspid.packages.credssp.established import BY_CERTIFICATE
from sspid.packages.credssp.initiator import ProofExpected
from sspid.packages.credssp.messages import TsRequest
from sspid.packages.credssp.policy import CredSspPolicy
from sspid.packages.negotiate import tokens
from sspid.vocabulary import channel_bindings
from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.buffers import BufferType, SecurityBuffer
from sspid.vocabulary.credentials import Password
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid_testing import credssp, sspi_rs, tls
from sspid_testing.credssp import ALICE, DELEGATE, EXTENDED, MUTUAL, PASSWORD

pytestmark = [pytest.mark.credssp, pytest.mark.interop, pytest.mark.timeout(900)]
MECHANISMS = ("ntlm", "negotiate")
VERSIONS = (2, 3, 4, 5, 6)
KEY = b"\x30\x0d" + bytes(range(16))
ANOTHER = KEY + b"another"


def own_tls(key=KEY):
    """The buffer of a caller that owns its TLS: the server's public key."""
    return (SecurityBuffer(BufferType.CHANNEL_BINDINGS, channel_bindings.pack(inputs.PUBLIC_KEY + key)),)


def now(end):
    end.world.now = datetime.now(UTC)
    return end


def acceptor(version=6, buffers=None):
    policy = CredSspPolicy(minimum_version=2, maximum_version=version)
    return now(credssp.server(policy=policy, buffers=own_tls() if buffers is None else buffers))


def initiator(password=PASSWORD, version=6, flags=DELEGATE, buffers=None, **more):
    policy = CredSspPolicy(minimum_version=2, maximum_version=version, bare_ntlm=True)
    secret = Password("alice", "DOMAIN", password)
    return now(credssp.client(secret, flags, policy=policy, buffers=own_tls() if buffers is None else buffers, **more))


def sent_credentials(peer):
    """Whether the peer sent authInfo."""
    return any(messages.read(request).auth_info is not None for request in peer.requests)


class TestItsClient:
    @pytest.mark.parametrize("version", VERSIONS)
    @pytest.mark.parametrize("mechanism", MECHANISMS)
    def test_logs_on_and_delegates(self, mechanism, version):
        end = acceptor(version)
        with sspi_rs.run("client", mechanism, KEY, PASSWORD, version) as peer:
            assert sspi_rs.carry(end, peer) is None
        assert peer.said == ("E", "")
        assert end.statuses[-1] == "SEC_E_OK"
        assert end.query(ContextAttribute.CREDS).secret == ALICE
        assert end.query(ContextAttribute.NEGOTIATION_PACKAGE).text == "NTLM"
        assert end.state.proven.version == version

    @pytest.mark.parametrize("mechanism", MECHANISMS)
    def test_with_a_wrong_password_is_told(self, mechanism):
        end = acceptor()
        with sspi_rs.run("client", mechanism, KEY, "wrong") as peer:
            failure = sspi_rs.carry(end, peer)
        assert isinstance(failure, SspiError)
        assert failure.status.name == "SEC_E_LOGON_DENIED"
        assert "user name, password or account" in failure.message
        assert peer.said == ("F", "InvalidToken: CredSSP server returned an error status")
        assert not sent_credentials(peer)

    @pytest.mark.parametrize("version", VERSIONS)
    @pytest.mark.parametrize("mechanism", MECHANISMS)
    def test_that_saw_another_key_is_refused(self, mechanism, version):
        end = acceptor(version)
        with sspi_rs.run("client", mechanism, ANOTHER, PASSWORD, version) as peer:
            failure = sspi_rs.carry(end, peer)
        assert isinstance(failure, SspiError)
        assert failure.status.name == "SEC_E_LOGON_DENIED"
        assert "does not fit the public key" in failure.message
        assert peer.said[0] == "F"
        assert not sent_credentials(peer)

    @pytest.mark.parametrize("version", VERSIONS)
    @pytest.mark.parametrize("mechanism", MECHANISMS)
    def test_sends_nothing_to_a_server_that_proves_another_key(self, mechanism, version, monkeypatch):
        from_server = binding.from_server
        monkeypatch.setattr(binding, "from_server", lambda version, nonce, _: from_server(version, nonce, ANOTHER))
        end = acceptor(version)
        with sspi_rs.run("client", mechanism, KEY, PASSWORD, version) as peer:
            assert sspi_rs.carry(end, peer) is None
        assert peer.said[1].startswith("MessageAltered: could not verify a public key")
        assert isinstance(end.state, CredentialsExpected)
        assert not sent_credentials(peer)


class TestItsServer:
    @pytest.mark.parametrize("version", VERSIONS)
    def test_takes_our_logon_and_credentials(self, version):
        end = initiator(version=version)
        with sspi_rs.run("server", "ntlm", KEY, PASSWORD, version) as peer:
            assert sspi_rs.carry(end, peer) is None
        assert peer.said == ("E", f"DOMAIN\\alice\n{PASSWORD}")
        assert end.statuses[-1] == "SEC_E_OK"
        assert ContextFlag.DELEGATE in end.steps[-1].granted
        assert end.state.proven.version == version

    def test_refuses_a_wrong_password(self):
        end = initiator("wrong")
        with sspi_rs.run("server", "ntlm", KEY, PASSWORD) as peer:
            failure = sspi_rs.carry(end, peer)
        assert isinstance(failure, SspiError)
        assert failure.status.name == "SEC_E_LOGON_DENIED"
        assert failure.detail.ntstatus == 0xC007030C  # its own number for SEC_E_LOGON_DENIED, 0x8009030C
        assert peer.said == ("F", "LogonDenied: no candidate credential matched")

    def test_that_holds_another_key_finds_out(self):
        end = initiator()
        with sspi_rs.run("server", "ntlm", ANOTHER, PASSWORD) as peer:
            failure = sspi_rs.carry(end, peer)
        assert isinstance(failure, SspiError)
        assert failure.status.name == "SEC_E_LOGON_DENIED"
        assert failure.detail.ntstatus == 0xC007030F  # SEC_E_MESSAGE_ALTERED, 0x8009030F
        assert isinstance(end.state, ProofExpected)
        assert peer.said == ("F", "MessageAltered: could not verify a public key hash")

    @pytest.mark.parametrize(("flags", "status"), [(DELEGATE, "SEC_E_WRONG_PRINCIPAL"), (MUTUAL, "SEC_E_MUTUAL_AUTH_FAILED")])
    @pytest.mark.parametrize("version", VERSIONS)
    def test_whose_proof_is_altered_gets_nothing(self, version, flags, status):
        def altered(data, from_peer):
            request = messages.read(data)
            if not from_peer or request.pub_key_auth is None:
                return data
            proof = request.pub_key_auth[:-1] + bytes((request.pub_key_auth[-1] ^ 1,))
            return messages.write(TsRequest(request.version, pub_key_auth=proof))

        end = initiator(version=version, flags=flags)
        with sspi_rs.run("server", "ntlm", KEY, PASSWORD, version) as peer:
            failure = sspi_rs.carry(end, peer, altered)
        assert isinstance(failure, SspiError)
        assert failure.status.name == status
        assert "No credential was sent" in failure.message
        assert isinstance(end.state, ProofExpected)
        assert peer.said[0] == "F"

    def test_is_sent_nothing_against_policy(self):
        policy = CredSspPolicy(bare_ntlm=True, deny_fresh=frozenset({"termsrv/*"}))
        end = now(credssp.client(ALICE, policy=policy, buffers=own_tls()))
        with sspi_rs.run("server", "ntlm", KEY, PASSWORD) as peer:
            failure = sspi_rs.carry(end, peer)
        assert isinstance(failure, SspiError)
        assert failure.status.name == "SEC_E_DELEGATION_POLICY"
        assert peer.said[0] == "F"

    def test_takes_an_empty_credential(self):
        end = initiator(flags=EXTENDED)
        with sspi_rs.run("server", "ntlm", KEY, PASSWORD) as peer:
            assert sspi_rs.carry(end, peer) is None
        assert end.statuses[-1] == "SEC_E_OK"
        assert peer.said == ("E", "\n")

    def test_in_spnego_owes_a_mechlist_mic(self):
        def with_state(data, from_peer):
            # It reads no NegTokenResp without a negState, which RFC 4178 4.2.2 lets an initiator leave out.
            request = messages.read(data)
            if from_peer or request.nego_token is None or request.pub_key_auth is None:
                return data
            sent = tokens.read_response(request.nego_token)
            told = tokens.write_response(tokens.NegState.ACCEPT_INCOMPLETE, token=sent.token, mic=sent.mech_list_mic)
            return messages.write(request._replace(nego_token=told))

        end = now(credssp.client(ALICE, buffers=own_tls()))
        with sspi_rs.run("server", "negotiate", KEY, PASSWORD) as peer:
            failure = sspi_rs.carry(end, peer, with_state)
        assert isinstance(failure, SspiError)
        assert failure.status.name == "SEC_E_INVALID_TOKEN"
        assert "the mechanism's last token" in failure.message
        assert isinstance(end.state, ProofExpected)
        assert peer.said[0] == "F"


@pytest.fixture(params=["RSA", "ECDSA"])
def certificate(request):
    return tls.issued(key=request.param)


def public_key(certificate):
    """The subjectPublicKey, by another library's word."""
    key = x509.load_pem_x509_certificate(certificate.certificate_pem).public_key()
    if isinstance(key, RSAPublicKey):
        return key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def trusting():
    """A client's TLS that looks at no certificate, as CredSSP's need not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class TestInTls:
    """The same peers behind OpenSSL's TLS, against the package with its own."""

    @pytest.mark.parametrize("mechanism", MECHANISMS)
    def test_client_logs_on(self, mechanism, certificate):
        end = now(credssp.server(certificate=certificate))
        with sspi_rs.run("client", mechanism, public_key(certificate), PASSWORD) as peer:
            assert sspi_rs.carry(end, sspi_rs.InTls(peer, trusting(), server=False)) is None
        assert peer.said == ("E", "")
        assert end.query(ContextAttribute.CREDS).secret == ALICE

    def test_client_of_another_connection_is_refused(self, certificate):
        end = now(credssp.server(certificate=certificate))
        with sspi_rs.run("client", "ntlm", ANOTHER, PASSWORD) as peer:
            failure = sspi_rs.carry(end, sspi_rs.InTls(peer, trusting(), server=False))
        assert isinstance(failure, SspiError)
        assert failure.status.name == "SEC_E_LOGON_DENIED"
        assert peer.said == ("F", "InvalidToken: CredSSP server returned an error status")

    def test_server_takes_our_logon(self, certificate, tmp_path):
        path = tmp_path / "server.pem"
        path.write_bytes(certificate.certificate_pem + certificate.key_pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        end = initiator(buffers=())
        with sspi_rs.run("server", "ntlm", public_key(certificate), PASSWORD) as peer:
            assert sspi_rs.carry(end, sspi_rs.InTls(peer, context, server=True)) is None
        assert peer.said == ("E", f"DOMAIN\\alice\n{PASSWORD}")
        assert end.query(ContextAttribute.SERVER_AUTH_FLAGS).value == BY_CERTIFICATE
