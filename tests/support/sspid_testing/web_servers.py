"""Apache and lighttpd with logons of their own, started in a folder of their own; what they are asked is the test's."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sspid_testing import peers
from sspid_testing.open_folders import open_folder
from sspid_testing.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

REALM = "example"
USER, PASSWORD = "alice", "Passw0rd"

_APACHE = """
ServerRoot "{root}"
ServerName localhost
Listen 127.0.0.1:{port}
PidFile httpd.pid
ErrorLog error.log
KeepAlive On
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authn_file_module {modules}/mod_authn_file.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule headers_module {modules}/mod_headers.so
LoadModule dir_module {modules}/mod_dir.so
{more}
User www-data
Group www-data
DocumentRoot "{root}/htdocs"
<Location />
 {location}
 Require valid-user
 Header set X-User "expr=%{{REMOTE_USER}}"
</Location>
"""
_DIGEST = """AuthType Digest
 AuthName {realm}
 AuthDigestProvider file
 AuthUserFile "{root}/users"
"""
_GSSAPI = """AuthType GSSAPI
 GssapiAllowedMech {mechanism}
 GssapiConnectionBound {bound}
 {more}
"""
_LIGHTTPD = """
server.modules = ("mod_auth", "mod_authn_file")
server.document-root = "{root}/htdocs"
server.bind = "127.0.0.1"
server.port = {port}
server.errorlog = "{root}/error.log"
index-file.names = ("index.html")
auth.backend = "htdigest"
auth.backend.htdigest.userfile = "{root}/users"
auth.require = ("/" => ("method" => "digest", "realm" => "{realm}", "algorithm" => "{algorithm}", "require" => "valid-user"))
"""
_HASHES = {"MD5": "md5", "SHA-256": "sha256"}


@contextmanager
def apache_digest() -> Iterator[str]:
    """Apache's mod_auth_digest (MD5, qop auth): the URL of its root."""
    module = "LoadModule auth_digest_module {modules}/mod_auth_digest.so"
    with _laid_out("MD5") as root, _apache(root, module, _DIGEST.format(realm=REALM, root=root), {}) as url:
        yield url


@contextmanager
def apache_kerberos(keytab: bytes, environment: Mapping[str, str]) -> Iterator[str]:
    """Apache's mod_auth_gssapi with the keys of HTTP/localhost, in the realm that `environment` says."""
    with _laid_out("MD5") as root:
        (root / "keytab").write_bytes(keytab)
        (root / "krb5.conf").write_bytes(Path(environment["KRB5_CONFIG"]).read_bytes())
        location = _GSSAPI.format(mechanism="krb5", bound="Off", more=f"GssapiCredStore keytab:{root}/keytab")
        own = {"KRB5_CONFIG": str(root / "krb5.conf"), "KRB5RCACHEDIR": "", "KRB5RCACHENAME": "none:"}
        with _apache(root, _gssapi_module(), location, {**environment, **own}) as url:
            yield url


@contextmanager
def apache_ntlm() -> Iterator[str]:
    r"""Apache's mod_auth_gssapi with gss-ntlmssp: NTLM, alone and inside Negotiate, for DOM\alice."""
    peers.require("gss-ntlmssp")
    with _laid_out("MD5") as root:
        (root / "ntlm-users").write_text(f"DOM:{USER}:{PASSWORD}\n", "utf-8")
        (root / "krb5.conf").write_text("[libdefaults]\n dns_lookup_kdc = false\n", "utf-8")
        environment = {"NTLM_USER_FILE": str(root / "ntlm-users"), "KRB5_CONFIG": str(root / "krb5.conf")}
        location = _GSSAPI.format(mechanism="ntlmssp", bound="On", more="")
        with _apache(root, _gssapi_module(), location, environment) as url:
            yield url


def _gssapi_module() -> str:
    return f"LoadModule auth_gssapi_module {peers.require('mod_auth_gssapi')}"


@contextmanager
def _apache(root: Path, module: str, location: str, environment: Mapping[str, str]) -> Iterator[str]:
    program, port, modules = peers.require("apache2"), free_port(), "/usr/lib/apache2/modules"
    more = module.format(modules=modules)
    config = _APACHE.format(root=root, port=port, modules=modules, more=more, location=location)
    (root / "httpd.conf").write_text(config, "utf-8")
    command = [program, "-f", str(root / "httpd.conf"), "-DFOREGROUND"]
    # Whoever reads what is served is not who wrote it.
    for path in root.rglob("*"):
        path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
    with _running(command, port, root, {"PATH": os.environ["PATH"], **environment}):
        yield f"http://localhost:{port}/"


@contextmanager
def lighttpd_digest(algorithm: str) -> Iterator[str]:
    """Lighttpd's mod_auth with Digest by `algorithm`: the URL of its root."""
    program, port = peers.require("lighttpd"), free_port()
    with _laid_out(algorithm) as root:
        config = _LIGHTTPD.format(root=root, port=port, realm=REALM, algorithm=algorithm)
        (root / "lighttpd.conf").write_text(config, "utf-8")
        command = [program, "-D", "-f", str(root / "lighttpd.conf")]
        with _running(command, port, root, {"PATH": os.environ["PATH"]}):
            yield f"http://localhost:{port}/"


@contextmanager
def _laid_out(algorithm: str) -> Iterator[Path]:
    """Documents and users in a folder that Debian's Apache, who changes to www-data, can read."""
    with open_folder() as root:
        (root / "htdocs" / "folder").mkdir(parents=True)
        for each in ("index.html", "other.html", "folder/index.html"):
            (root / "htdocs" / each).write_text(f"this is {each}", "utf-8")
        secret = hashlib.new(_HASHES[algorithm], f"{USER}:{REALM}:{PASSWORD}".encode()).hexdigest()
        (root / "users").write_text(f"{USER}:{REALM}:{secret}\n", "utf-8")
        yield root


@contextmanager
def _running(command: list[str], port: int, root: Path, environment: Mapping[str, str]) -> Iterator[None]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(environment)) as process:
        try:
            _wait_for(port, root / "error.log")
            yield
        finally:
            process.terminate()
            process.wait(20)


def _wait_for(port: int, log: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(log.read_text("utf-8") if log.exists() else f"nothing listens on port {port}")
