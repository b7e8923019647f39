"""Our initiator logs in to Apache's mod_auth_digest and to lighttpd."""

from __future__ import annotations

import hashlib
import http.client
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import peers
from sspid_testing.digest import HASHES, HTTP, PASSWORD, USER, Digest, digest, parameter, unquoted
from sspid_testing.open_folders import open_folder
from sspid_testing.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.digest, pytest.mark.interop]
REALM = "example"
MUTUAL = HTTP | {ContextFlag.MUTUAL_AUTH}
GET = parameter("GET")
APACHE = """
ServerRoot "{root}"
ServerName localhost
Listen 127.0.0.1:{port}
PidFile httpd.pid
ErrorLog error.log
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authn_file_module {modules}/mod_authn_file.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule auth_digest_module {modules}/mod_auth_digest.so
User www-data
Group www-data
DocumentRoot "{root}/htdocs"
<Location />
 AuthType Digest
 AuthName {realm}
 AuthDigestProvider file
 AuthUserFile "{root}/users"
 AuthDigestNonceLifetime {lifetime}
 Require valid-user
</Location>
"""
LIGHTTPD = """
server.modules = ("mod_auth", "mod_authn_file")
server.document-root = "{root}/htdocs"
server.bind = "127.0.0.1"
server.port = {port}
server.errorlog = "{root}/error.log"
auth.backend = "htdigest"
auth.backend.htdigest.userfile = "{root}/users"
auth.require = ("/" => ("method" => "digest", "realm" => "{realm}", "algorithm" => "{algorithm}", "require" => "valid-user"))
"""


@dataclass
class Site:
    """A running server; one connection a request."""

    port: int

    def ask(self, path: str, authorization: bytes = b"") -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Authorization": "Digest " + authorization.decode("latin-1")} if authorization else {}
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer


def _folder(root: Path, algorithms: list[str]) -> None:
    """Documents, and a user file: lighttpd tells its lines apart by their length alone, so the two of 64 digits never meet."""
    (root / "htdocs").mkdir()
    (root / "htdocs/index.html").write_text("hello")
    known = f"{USER}:{REALM}:{PASSWORD}".encode()
    lines = [f"{USER}:{REALM}:{hashlib.new(HASHES[name], known).hexdigest()}\n" for name in algorithms]
    (root / "users").write_text("".join(lines))
    # Debian's Apache changes to www-data, who must be able to read them whatever this user's umask is.
    for path in root.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


@contextmanager
def _running(command: list[str], port: int, root: Path):
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(200):
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.05)
            else:
                log = root / "error.log"
                raise AssertionError(log.read_text() if log.exists() else f"{command[0]} did not start")
            yield Site(port)
        finally:
            process.terminate()
            process.wait(20)


@contextmanager
def apache(lifetime: int = 300):
    program, port = peers.require("apache2"), free_port()
    with open_folder() as root:
        _folder(root, ["MD5"])
        config = APACHE.format(root=root, port=port, modules="/usr/lib/apache2/modules", realm=REALM, lifetime=lifetime)
        (root / "httpd.conf").write_text(config)
        with _running([program, "-f", str(root / "httpd.conf"), "-DFOREGROUND"], port, root) as site:
            yield site


@contextmanager
def lighttpd(root: Path, algorithm: str):
    program, port = peers.require("lighttpd"), free_port()
    _folder(root, algorithm.split("|"))
    (root / "lighttpd.conf").write_text(LIGHTTPD.format(root=root, port=port, realm=REALM, algorithm=algorithm))
    with _running([program, "-D", "-f", str(root / "lighttpd.conf")], port, root) as site:
        yield site


def _challenge(site: Site, path: str = "/index.html") -> bytes:
    answer = site.ask(path)
    assert answer.status == 401
    return ", ".join(answer.headers.get_all("WWW-Authenticate") or []).encode("latin-1")


def _begin(side: Digest, site: Site, flags=HTTP, **identity: str):
    credential = side.initiator(**identity)
    step = side.initialize(None, credential, _challenge(site), GET, target="/index.html", flags=flags)
    return credential, step, site.ask("/index.html", step.output[0].data)


def test_apache_takes_our_response_and_proves_itself():
    side = digest()
    with apache() as site:
        credential, step, answer = _begin(side, site, MUTUAL)
        assert (step.status, answer.status) == (SecurityStatus.SEC_I_CONTINUE_NEEDED, 200)
        info = answer.headers["Authentication-Info"].encode("latin-1")
        forged = info.replace(unquoted(info, "rspauth").encode(), b"0" * 32)
        with pytest.raises(SspiError) as caught:
            side.initialize(step.state, credential, forged, GET, target="/index.html", flags=MUTUAL)
        assert caught.value.status is SecurityStatus.SEC_E_MESSAGE_ALTERED
        proven = side.initialize(step.state, credential, info, GET, target="/index.html", flags=MUTUAL)
        assert proven.status is SecurityStatus.SEC_E_OK
        assert ContextFlag.MUTUAL_AUTH in proven.granted


def test_apache_takes_later_requests():
    side = digest()
    with apache() as site:
        _, step, answer = _begin(side, site)
        assert answer.status == 200
        for _ in range(3):
            later = site.ask("/index.html", side.sign(step.state, "GET", "/index.html"))
            assert later.status == 200
            side.verify(step.state, later.headers["Authentication-Info"].encode("latin-1"), "GET", "/index.html")


def test_apache_refuses_a_wrong_password_and_we_know_it():
    side = digest()
    with apache() as site:
        credential, step, answer = _begin(side, site, password="wrong")
        assert answer.status == 401
        again = answer.headers["WWW-Authenticate"].encode("latin-1")
        with pytest.raises(SspiError) as caught:
            side.initialize(step.state, credential, again, GET, target="/index.html")
        assert caught.value.status is SecurityStatus.SEC_E_LOGON_DENIED


def test_apache_says_stale_and_we_answer():
    side = digest()
    with apache(lifetime=1) as site:
        credential = side.initiator()
        challenge = _challenge(site)
        time.sleep(2.5)  # Apache's shortest nonce lifetime is a second
        step = side.initialize(None, credential, challenge, GET, target="/index.html")
        answer = site.ask("/index.html", step.output[0].data)
        assert answer.status == 401
        again = answer.headers["WWW-Authenticate"].encode("latin-1")
        assert b"stale=true" in again
        retried = side.initialize(step.state, credential, again, GET, target="/index.html")
        assert site.ask("/index.html", retried.output[0].data).status == 200


def test_apache_refuses_another_uri():
    with apache() as site:
        _, step, _ = _begin(digest(), site)
        assert site.ask("/other.html", step.output[0].data).status == 400


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-512-256"])
def test_lighttpd_takes_our_response(tmp_path, algorithm):
    side = digest()
    with lighttpd(tmp_path, algorithm) as site:
        _, step, answer = _begin(side, site)
        assert unquoted(step.output[0].data, "algorithm") == algorithm
        assert (step.status, answer.status) == (SecurityStatus.SEC_E_OK, 200)
        assert site.ask("/index.html", side.sign(step.state, "GET", "/index.html")).status == 200


def test_lighttpd_offers_several_and_we_take_the_first(tmp_path):
    side = digest()
    with lighttpd(tmp_path, "MD5|SHA-256") as site:
        _, step, answer = _begin(side, site)
        assert (unquoted(step.output[0].data, "algorithm"), answer.status) == ("SHA-256", 200)


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-512-256"])
def test_lighttpd_refuses_a_wrong_password_and_we_know_it(tmp_path, algorithm):
    side = digest()
    with lighttpd(tmp_path, algorithm) as site:
        credential, step, answer = _begin(side, site, password="wrong")
        assert answer.status == 401
        again = answer.headers["WWW-Authenticate"].encode("latin-1")
        with pytest.raises(SspiError) as caught:
            side.initialize(step.state, credential, again, GET, target="/index.html")
        assert caught.value.status is SecurityStatus.SEC_E_LOGON_DENIED
