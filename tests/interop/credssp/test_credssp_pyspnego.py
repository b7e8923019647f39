"""pyspnego's CredSSP in both roles, every version it speaks: it logs on through us, and we log on through it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sspid.packages.credssp.credentials import CspData, SmartCardCreds
from sspid.packages.credssp.policy import CredSspPolicy
from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.buffers import token_in
from sspid.vocabulary.credentials import Password
from sspid.vocabulary.errors import SspiError
from sspid_testing import credssp, peers, tls
from sspid_testing.credssp import ALICE, PASSWORD

pytestmark = [pytest.mark.credssp, pytest.mark.interop]
VERSIONS = (2, 3, 4, 5, 6)
TLS12, TLS13 = ("TLSv1.2",), ("TLSv1.3",)


@pytest.fixture
def spnego(tmp_path, monkeypatch):
    """pyspnego with one account and no realm to look for."""
    module = peers.require_module("spnego")
    (tmp_path / "krb5.conf").write_text("[libdefaults]\n dns_lookup_kdc = false\n", "utf-8")
    (tmp_path / "users").write_text(f"DOMAIN:alice:{PASSWORD}\n", "utf-8")
    monkeypatch.setenv("KRB5_CONFIG", str(tmp_path / "krb5.conf"))
    monkeypatch.setenv("KRB5CCNAME", str(tmp_path / "none"))
    monkeypatch.setenv("NTLM_USER_FILE", str(tmp_path / "users"))
    return module


def speaking(spnego, monkeypatch, version):
    """Have pyspnego call itself of that version."""
    monkeypatch.setattr(spnego._credssp, "_CREDSSP_VERSION", version)


def their_client(spnego, password=PASSWORD, **more):
    options = spnego.NegotiateOptions.use_negotiate
    return spnego.client(
        "DOMAIN\\alice", password, hostname=tls.HOST, service="TERMSRV", protocol="credssp", options=options, **more
    )


def their_server(spnego, **more):
    return spnego.server(protocol="credssp", options=spnego.NegotiateOptions.use_negotiate, **more)


def our_server(**more):
    # pyspnego reads no other server's key than an RSA one.
    end = credssp.server(policy=more.pop("policy", credssp.ANY_VERSION), certificate=tls.issued(key="RSA"), **more)
    end.world.now = datetime.now(UTC)
    return end


def our_client(secret=ALICE, protocols=TLS13, **policy):
    rules = CredSspPolicy(minimum_version=2, **policy)
    end = credssp.client(secret, policy=rules, settings={"protocols": protocols})
    end.world.now = datetime.now(UTC)
    return end


def from_them(theirs, ours):
    """Their client, our acceptor."""
    data = theirs.step()
    while not theirs.complete:
        data = theirs.step(token_in(ours.leg(data).output))
    return ours.leg(data)


def to_them(ours, theirs):
    """Our initiator, their server."""
    data = None
    while not theirs.complete:
        data = theirs.step(token_in(ours.leg(data).output))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("protocols", [TLS12, TLS13], ids=["tls1.2", "tls1.3"])
def test_their_client(spnego, monkeypatch, version, protocols):
    speaking(spnego, monkeypatch, version)
    theirs, ours = their_client(spnego), our_server(settings={"protocols": protocols})
    assert from_them(theirs, ours).status.name == "SEC_E_OK"
    assert ours.state.proven.version == version
    assert ours.query(ContextAttribute.CREDS).secret == ALICE
    assert ours.open(theirs.wrap(b"to us").data).buffers[0].data == b"to us"
    assert theirs.unwrap(ours.seal(b"to them")).data == b"to them"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("protocols", [TLS12, TLS13], ids=["tls1.2", "tls1.3"])
def test_their_server(spnego, monkeypatch, version, protocols):
    speaking(spnego, monkeypatch, version)
    ours, theirs = our_client(protocols=protocols), their_server(spnego)
    to_them(ours, theirs)
    assert ours.statuses[-1] == "SEC_E_OK"
    assert ours.state.proven.version == version
    given = theirs.get_extra_info("client_credential")
    assert (given.domain_name, given.username, given.password) == ("DOMAIN", "alice", PASSWORD)
    assert theirs.unwrap(ours.seal(b"to them")).data == b"to them"


@pytest.mark.parametrize("version", VERSIONS)
def test_their_client_with_a_wrong_password(spnego, monkeypatch, version):
    speaking(spnego, monkeypatch, version)
    theirs, ours = their_client(spnego, "wrong"), our_server()
    with pytest.raises(SspiError) as caught:
        from_them(theirs, ours)
    assert caught.value.status.name == "SEC_E_LOGON_DENIED"
    told = token_in(caught.value.output)
    if version in (3, 4, 6):
        with pytest.raises(spnego.exceptions.SpnegoError, match="NTStatus"):
            theirs.step(told)


@pytest.mark.parametrize("version", [3, 4, 6])
def test_their_server_and_a_wrong_password(spnego, monkeypatch, version):
    speaking(spnego, monkeypatch, version)
    ours, theirs = our_client(Password("alice", "DOMAIN", "wrong")), their_server(spnego)
    with pytest.raises(SspiError) as caught:
        to_them(ours, theirs)
    assert caught.value.status.name == "SEC_E_LOGON_DENIED"
    assert caught.value.detail is not None
    assert caught.value.detail.ntstatus


@pytest.mark.parametrize("version", [2, 3, 4])
def test_floor_keeps_old_versions_out(spnego, monkeypatch, version):
    speaking(spnego, monkeypatch, version)
    with pytest.raises(SspiError) as caught:
        from_them(their_client(spnego), our_server(policy=CredSspPolicy()))
    assert caught.value.status.name == "SEC_E_UNSUPPORTED_FUNCTION"
    ours = credssp.client()
    ours.world.now = datetime.now(UTC)
    with pytest.raises(SspiError) as caught:
        to_them(ours, their_server(spnego))
    assert caught.value.status.name == "SEC_E_UNSUPPORTED_FUNCTION"


def test_their_structures_read_our_smart_card(spnego):
    from sspid.packages.credssp import credentials

    theirs = spnego._credssp_structures
    ours = SmartCardCreds("1234", CspData(1, "card", "reader", "container", "csp"), "alice", "DOMAIN")
    read = theirs.TSCredentials.unpack(credentials.write(ours)).credentials
    assert (read.pin, read.user_hint, read.csp_data.reader_name) == ("1234", "alice", "reader")
    assert credentials.read(theirs.TSCredentials(read).pack()) == ours
