"""The logons for requests and httpx at servers that others wrote: Apache's Digest, Kerberos and NTLM, lighttpd's Digest."""

from __future__ import annotations

import pytest

from sspid_client import ContextFlag, SspiError, credential_cache, password
from sspid_testing import server, web_servers
from sspid_testing.http_clients import CLIENTS, Asking
from sspid_testing.web_servers import PASSWORD, USER

pytest_plugins = ("sspid_testing.realm_fixtures",)
pytestmark = [pytest.mark.interop, pytest.mark.wire]


@pytest.fixture(params=sorted(CLIENTS))
def fetch(request):
    return CLIENTS[request.param]


def gets(url, *paths):
    return [("GET", url + path, b"") for path in paths]


def seen(answers):
    return [(each.statuses, each.headers.get("x-user")) for each in answers]


@pytest.mark.digest
def test_apache_digest(service, fetch):
    with web_servers.apache_digest() as url:
        asking = Asking(service.target, "Digest", password(USER, "", PASSWORD), gets(url, "index.html", "other.html?a=b", ""))
        answers = fetch(asking)
        assert seen(answers) == [([401, 200], USER), ([200], USER), ([200], USER)]
        assert [each.text for each in answers] == ["this is index.html", "this is other.html", "this is index.html"]
        assert all("rspauth" in each.headers["authentication-info"] for each in answers)
        assert seen(fetch(asking._replace(settings={"mutual": True}))) == seen(answers)
        assert seen(fetch(asking._replace(identity=password(USER, "", "wrong"))))[0] == ([401, 401], None)


@pytest.mark.digest
def test_apache_digest_redirected(service, fetch):
    with web_servers.apache_digest() as url:
        asked = [*gets(url, "index.html"), *gets(url, "folder")]
        first, redirected = fetch(Asking(service.target, "Digest", password(USER, "", PASSWORD), asked))
        assert first.status == 200
        assert (redirected.status, redirected.text) == (200, "this is folder/index.html")


@pytest.mark.digest
@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_lighttpd_digest(service, fetch, algorithm):
    with web_servers.lighttpd_digest(algorithm) as url:
        asking = Asking(service.target, "Digest", password(USER, "", PASSWORD), gets(url, "index.html", "other.html"))
        assert [each.statuses for each in fetch(asking)] == [[401, 200], [200]]
        wrong = fetch(asking._replace(identity=password(USER, "", "wrong")))
        assert [each.statuses for each in wrong] == [[401, 401], [401, 401]]


@pytest.mark.digest
def test_a_server_that_proves_nothing_is_refused_where_proof_is_wanted(service, fetch):
    """Lighttpd sends an Authentication-Info without rspauth."""
    with web_servers.lighttpd_digest("MD5") as url:
        identity = password(USER, "", PASSWORD)
        with pytest.raises(SspiError, match="Authentication-Info"):
            fetch(Asking(service.target, "Digest", identity, gets(url, "index.html"), settings={"mutual": True}))


@pytest.mark.ntlm
@pytest.mark.negotiate
@pytest.mark.parametrize("package", ["NTLM", "Negotiate"])
def test_apache_ntlm(service, fetch, package):
    with web_servers.apache_ntlm() as url:
        asking = Asking(service.target, package, password(USER, "DOM", PASSWORD), gets(url, "index.html", "other.html"))
        answers = fetch(asking)
        assert seen(answers) == [([401, 401, 200], rf"DOM\{USER}"), ([200], rf"DOM\{USER}")]
        assert fetch(asking._replace(identity=password(USER, "DOM", "wrong")))[0].status == 401


@pytest.mark.kerberos
@pytest.mark.negotiate
def test_apache_kerberos(realm, tmp_path, fetch):
    for path in (realm.folder, realm.folder / "krb5.conf", *realm.folder.parents[:3]):
        path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
    keys = realm.keys("HTTP/localhost")
    with (
        server.running(tmp_path / "sspid", env=realm.environment) as own,
        web_servers.apache_kerberos(keys, realm.environment) as url,
    ):
        settings = {"mutual": True, "flags": ContextFlag.DELEGATE}
        ticket = credential_cache(realm.cache("alice"))
        asking = Asking(own.target, "Negotiate", ticket, gets(url, "index.html"), settings=settings)
        assert seen(fetch(asking)) == [([401, 200], "alice@EXAMPLE.TEST")]
        by_password = asking._replace(identity=password("alice", "EXAMPLE.TEST", "Passw0rd"), settings={})
        assert seen(fetch(by_password)) == [([401, 200], "alice@EXAMPLE.TEST")]
        with pytest.raises(SspiError) as refused:
            fetch(asking._replace(identity=password("alice", "EXAMPLE.TEST", "wrong")))
        assert refused.value.name == "SEC_E_LOGON_DENIED"
