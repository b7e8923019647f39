"""curl --negotiate and Apache's mod_auth_gssapi with Kerberos inside SPNEGO, against our Negotiate package over Kerberos."""

from __future__ import annotations

import base64
import http.client
import socket
import subprocess
import time
from contextlib import closing, contextmanager

import pytest

from sspid.packages.kerberos import package as kerberos
from sspid.packages.negotiate import package as negotiate
from sspid.packages.ntlm import package as ntlm
from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.credentials import Keytab, Password
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus as Status
from sspid_testing import http_front, peers
from sspid_testing import realm as mit
from sspid_testing.ends import End, shake
from sspid_testing.kerberos import ALICE, MUTUAL, a_world
from sspid_testing.open_folders import open_folder
from sspid_testing.ports import free_port

pytest_plugins = ("sspid_testing.realm_fixtures",)
pytestmark = [pytest.mark.kerberos, pytest.mark.negotiate, pytest.mark.interop]

APACHE = """
ServerRoot "{root}"
ServerName localhost
Listen 127.0.0.1:{port}
PidFile httpd.pid
ErrorLog error.log
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule headers_module {modules}/mod_headers.so
LoadModule auth_gssapi_module {modules}/mod_auth_gssapi.so
User www-data
Group www-data
DocumentRoot "{root}/htdocs"
<Location />
 AuthType GSSAPI
 GssapiAllowedMech krb5
 GssapiCredStore keytab:{root}/keytab
 Require valid-user
 Header set X-User "expr=%{{REMOTE_USER}}"
</Location>
"""


def packages():
    return negotiate(kerberos=kerberos(), ntlm=ntlm())


def acceptor(realm, service=mit.HTTP_LOCALHOST):
    keys = Keytab(data=realm.keys(service))
    return lambda: End(packages(), keys, accepts=True, world=a_world())


def curl(realm, tmp_path, url, cache=None):
    if cache is not None:
        (tmp_path / "cache").write_bytes(cache)
    done = realm.run(
        peers.require("curl"), "-s", "-w", " %{http_code}", "--max-time", "20", "--negotiate", "-u", ":", url,
        KRB5CCNAME=f"FILE:{tmp_path}/cache",
    )  # fmt: skip
    return done.stdout.decode()


def test_curl_logs_on(realm, tmp_path):
    with http_front.serving("Negotiate", acceptor(realm)) as front:
        assert curl(realm, tmp_path, front.url, realm.cache("alice")) == rf"{mit.NAME}\alice 200"
        assert front.users == [rf"{mit.NAME}\alice"]


def test_curl_with_a_ticket_for_somebody_elses_key(realm, tmp_path):
    with http_front.serving("Negotiate", acceptor(realm, mit.HTTP)) as front:
        assert curl(realm, tmp_path, front.url, realm.cache("alice")).endswith(" 401")
        assert front.refusals == ["SEC_E_NO_KERB_KEY"]


def test_curl_without_a_ticket_gets_nothing(realm, tmp_path):
    # No file at all: with an empty one MIT's library frees a principal that it never read, and curl dies of that.
    with http_front.serving("Negotiate", acceptor(realm)) as front:
        assert curl(realm, tmp_path, front.url).endswith(" 401")
        assert front.users == []


@contextmanager
def site(realm):
    """A folder with all that Apache needs, which changes to another user: the realm's configuration too."""
    port = free_port()
    modules = peers.require("mod_auth_gssapi").rpartition("/")[0]
    with open_folder() as folder:
        (folder / "htdocs").mkdir()
        (folder / "htdocs/index.html").write_text("hello", "utf-8")
        (folder / "keytab").write_bytes(realm.keys(mit.HTTP_LOCALHOST))
        (folder / "krb5.conf").write_bytes((realm.folder / "krb5.conf").read_bytes())
        (folder / "httpd.conf").write_text(APACHE.format(root=folder, port=port, modules=modules), "utf-8")
        for path in folder.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        yield folder, port


@contextmanager
def apache(folder, port):
    own = {"KRB5_CONFIG": str(folder / "krb5.conf"), "KRB5RCACHEDIR": "", "KRB5RCACHENAME": "none:"}
    server = subprocess.Popen(
        [peers.require("apache2"), "-f", str(folder / "httpd.conf"), "-DFOREGROUND"],
        env={"PATH": "/usr/sbin:/usr/bin", **own},
    )
    try:
        _wait_for(port)
        yield port
    finally:
        server.terminate()
        server.wait(20)


def _wait_for(port):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail("Apache does not listen")


def test_apache_lets_us_in(realm):
    client = End(packages(), ALICE, a_world(), MUTUAL, mit.HTTP_LOCALHOST)
    with (
        site(realm) as (folder, free),
        apache(folder, free) as port,
        closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection,
    ):
        authorization = "Negotiate " + base64.b64encode(client.step()).decode()
        connection.request("GET", "/index.html", headers={"Authorization": authorization})
        answer = connection.getresponse()
        assert (answer.status, answer.headers["X-User"]) == (200, f"alice@{mit.NAME}")
        client.step(base64.b64decode(answer.headers["WWW-Authenticate"].partition(" ")[2]))
        assert client.done
        assert client.query(ContextAttribute.NEGOTIATION_INFO).package_name == "Kerberos"


def test_negotiate_falls_back_to_ntlm_where_the_kdc_knows_no_such_target(realm):
    client = End(packages(), ALICE, a_world(), MUTUAL, "HTTP/nowhere.example.test")
    assert b"NTLMSSP\0" in client.step()


def test_negotiate_does_not_fall_back_from_a_wrong_password(realm):
    with pytest.raises(SspiError) as refused:
        End(packages(), Password("alice", mit.NAME, "wrong"), a_world(), MUTUAL, mit.HTTP).step()
    assert refused.value.status is Status.SEC_E_LOGON_DENIED


def test_what_is_delegated_through_negotiate_is_used_through_negotiate(realm):
    client = End(packages(), ALICE, a_world(), MUTUAL | {ContextFlag.DELEGATE}, mit.HTTP)
    server = acceptor(realm, mit.HTTP)()
    shake(client, server)
    given = server.query(ContextAttribute.CREDS_2)
    assert (given.user, given.domain) == ("alice", mit.NAME)
    onward = End(packages(), None, a_world(), MUTUAL, mit.CIFS, _credential=given.secret)
    files = acceptor(realm, mit.CIFS)()
    shake(onward, files)
    assert files.query(ContextAttribute.NAMES).user_name == rf"{mit.NAME}\alice"


def test_only_legs_that_may_ask_a_kdc_may_wait(realm):
    client = End(packages(), ALICE, a_world(), MUTUAL, mit.HTTP)
    server = acceptor(realm, mit.HTTP)()
    assert client.package.may_wait(client.credential, None)
    assert not server.package.may_wait(server.credential, None)
    shake(client, server)
    for end in (client, server):
        assert not end.package.may_wait(end.credential, end.state)


def test_negotiate_takes_kerberos_where_it_can(realm):
    client = End(packages(), ALICE, a_world(), MUTUAL, mit.HTTP_LOCALHOST)
    server = acceptor(realm)()
    shake(client, server)
    for end in (client, server):
        assert end.query(ContextAttribute.NEGOTIATION_INFO).package_name == "Kerberos"
