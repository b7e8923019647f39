"""Kerberos in a Samba domain: the PAC and its SIDs, accounts the domain keeps out, delegation of every kind, RC4 and AES."""

from __future__ import annotations

import re
from typing import Any

import pytest

from sspid.packages.contract import CredentialRequest
from sspid.packages.kerberos import package
from sspid.vocabulary.attributes import ContextAttribute, Names
from sspid.vocabulary.credentials import CredentialUse, Keytab, Password
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus as Status
from sspid_testing import samba_dc as domain
from sspid_testing.ends import End, shake
from sspid_testing.kerberos import FULL, MUTUAL, a_world

pytest_plugins = ("sspid_testing.samba_dc",)
pytestmark = [pytest.mark.kerberos, pytest.mark.interop]

WEB, FILES = "HTTP/web.ad.example.test", "cifs/files.ad.example.test"


@pytest.fixture(scope="module")
def services(samba_dc):
    """The key tables of two services; the web server may delegate to the file server, with and without the user's password."""
    made = {}
    for name, spn in (("krb-web", WEB), ("krb-files", FILES)):
        keytab = samba_dc.create_service(name, spn)
        # No SPN can log on in a domain: its account can, and has the same key.
        samba_dc.tool("domain", "exportkeytab", str(keytab), f"--principal={name}")
        made[spn] = keytab.read_bytes()
    for name in ("krb-alice", "krb-disabled", "krb-protected"):
        samba_dc.create_user(name)
    samba_dc.tool("user", "disable", "krb-disabled")
    samba_dc.tool("user", "sensitive", "krb-protected", "on")
    samba_dc.tool("group", "add", "Krb Staff")
    samba_dc.tool("group", "addmembers", "Krb Staff", "krb-alice")
    samba_dc.tool("delegation", "for-any-protocol", "krb-web", "on")
    samba_dc.tool("delegation", "add-service", "krb-web", FILES)
    return made


@pytest.fixture
def inside(services, samba_dc, monkeypatch, tmp_path):
    monkeypatch.setenv("KRB5_CONFIG", str(samba_dc.krb5_conf))
    monkeypatch.setenv("KRB5RCACHEDIR", str(tmp_path))
    return services


def user(name="krb-alice", password=domain.PASSWORD, target=WEB, flags=FULL):
    return End(package(), Password(name, domain.REALM, password), a_world(), flags, target)


def service(inside, spn=WEB):
    return End(package(), Keytab(data=inside[spn]), a_world(), accepts=True)


def sid_of(samba_dc, kind, name):
    return re.findall(r"objectSid: (\S+)", samba_dc.tool(kind, "show", name, "--attributes=objectSid"))[0]


def client_of(server):
    return server.query(ContextAttribute.NATIVE_NAMES).client_name


def test_the_pac_says_who_it_is(inside, samba_dc):
    client, server = user(), service(inside)
    shake(client, server)
    identity = server.world.run(server.package.query_security_context_token(server.state))
    assert (identity.name, identity.domain, identity.mapped_by) == ("krb-alice", domain.DOMAIN, "kerberos-pac")
    assert identity.sids[0] == sid_of(samba_dc, "user", "krb-alice")
    assert sid_of(samba_dc, "group", "Krb Staff") in identity.sids
    assert sid_of(samba_dc, "group", "Domain Users") in identity.sids
    assert server.query(ContextAttribute.NAMES) == Names(rf"{domain.DOMAIN}\krb-alice")
    assert client_of(server) == f"krb-alice@{domain.REALM}"
    assert server.decrypt(*client.encrypt(b"sealed")) == b"sealed"
    server.verify(b"signed", client.sign(b"signed"))


def test_the_pac_goes_with_an_exported_context(inside):
    server = service(inside)
    shake(user(), server)
    packed = server.world.run(server.package.export_security_context(server.state))
    state = server.world.run(server.package.import_security_context(packed))
    before = server.world.run(server.package.query_security_context_token(server.state))
    assert server.world.run(server.package.query_security_context_token(state)) == before


@pytest.mark.parametrize(
    ("name", "password", "expected"),
    [
        ("krb-alice", "wrong", {24}),
        ("krb-nobody", domain.PASSWORD, {6}),
        ("krb-disabled", domain.PASSWORD, {18}),
    ],
)
def test_the_domain_keeps_out(inside, name, password, expected):
    with pytest.raises(SspiError) as refused:
        user(name, password).step()
    assert refused.value.status is Status.SEC_E_LOGON_DENIED
    detail: Any = refused.value.detail
    assert detail.kerberos_error in expected


def test_an_account_that_was_locked_out(inside, samba_dc):
    samba_dc.create_user("krb-locked")
    for _ in range(domain.LOCKOUT):
        with pytest.raises(SspiError):
            user("krb-locked", "wrong").step()
    with pytest.raises(SspiError) as refused:
        user("krb-locked").step()
    assert refused.value.status is Status.SEC_E_LOGON_DENIED


def change(name, old, new):
    call = package().change_account_password(name, domain.REALM, old, new)
    a_world().run(call)


def test_a_password_is_changed_with_the_old_one(inside, samba_dc):
    samba_dc.tool("domain", "passwordsettings", "set", "--min-pwd-age=0")
    samba_dc.create_user("krb-changing")
    with pytest.raises(SspiError) as refused:
        change("krb-changing", "not it", "N3w-pass!1")
    assert refused.value.status is Status.SEC_E_LOGON_DENIED
    change("krb-changing", domain.PASSWORD, "N3w-pass!1")
    assert user("krb-changing", "N3w-pass!1").step()


def test_a_password_the_domain_does_not_take(inside):
    with pytest.raises(SspiError) as refused:
        change("krb-alice", domain.PASSWORD, "short")
    assert refused.value.status is Status.SEC_E_INVALID_PARAMETER
    assert "short" not in refused.value.message.split()
    assert user().step()


def test_a_target_nobody_registered(inside):
    with pytest.raises(SspiError) as refused:
        user(target="HTTP/nowhere.ad.example.test").step()
    assert refused.value.status is Status.SEC_E_TARGET_UNKNOWN


def test_constrained_delegation_after_the_user_came(inside):
    """S4U2Proxy from the user's own ticket: an acceptor for both roles gets a credential with it."""
    secret = Keytab(f"krb-web@{domain.REALM}", inside[WEB])
    server = End(package(), None, a_world(), accepts=True)
    server._credential = server.world.run(
        server.package.acquire_credentials_handle(CredentialRequest(CredentialUse.BOTH, secret))
    )
    shake(user(), server)
    given = server.query(ContextAttribute.CREDS_2)
    onward, files = End(package(), None, a_world(), MUTUAL, FILES, _credential=given.secret), service(inside, FILES)
    shake(onward, files)
    assert client_of(files) == f"krb-alice@{domain.REALM}"


def web_for(inside, name):
    request = CredentialRequest(
        CredentialUse.OUTBOUND, Keytab(f"krb-web@{domain.REALM}", inside[WEB]), f"{name}@{domain.REALM}"
    )
    return a_world().run(package().acquire_credentials_handle(request))


def test_a_service_goes_on_for_a_user_it_never_saw(inside):
    """S4U2Self, then S4U2Proxy ([MS-SFU])."""
    onward = End(package(), None, a_world(), MUTUAL, FILES, _credential=web_for(inside, "krb-alice"))
    files = service(inside, FILES)
    shake(onward, files)
    assert client_of(files) == f"krb-alice@{domain.REALM}"
    identity = files.world.run(files.package.query_security_context_token(files.state))
    assert (identity.name, identity.domain) == ("krb-alice", domain.DOMAIN)


def test_delegation_stops_at_what_the_domain_allows(inside):
    for name, target in (("krb-alice", f"HTTP/{domain.HOST}"), ("krb-protected", FILES)):
        with pytest.raises(SspiError) as refused:
            End(package(), None, a_world(), MUTUAL, target, _credential=web_for(inside, name)).step()
        assert refused.value.status is Status.SEC_E_DELEGATION_REQUIRED


def test_unconstrained_delegation(inside, samba_dc):
    keys = Keytab(data=samba_dc.create_service("krb-any", "HTTP/any.ad.example.test").read_bytes())
    samba_dc.tool("delegation", "for-any-service", "krb-any", "on")
    client = user(target="HTTP/any.ad.example.test", flags=FULL | {ContextFlag.DELEGATE})
    server = End(package(), keys, a_world(), accepts=True)
    shake(client, server)
    given = server.query(ContextAttribute.CREDS_2)
    onward, files = End(package(), None, a_world(), MUTUAL, FILES, _credential=given.secret), service(inside, FILES)
    shake(onward, files)
    assert client_of(files) == f"krb-alice@{domain.REALM}"
