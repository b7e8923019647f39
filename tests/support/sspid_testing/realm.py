"""An MIT Kerberos realm in a temporary folder: its KDC, principals, key tables and caches; touches no file of the system.

A test module says ``pytest_plugins = ("sspid_testing.realm_fixtures",)`` and takes the fixture ``realm``.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from contextlib import closing
from pathlib import Path

from sspid_testing import peers
from sspid_testing.ports import free_port

NAME = "EXAMPLE.TEST"
PASSWORD = "Passw0rd"
HTTP = "HTTP/web.example.test"
CIFS = "cifs/files.example.test"
HOST = "host/localhost"
HTTP_LOCALHOST = "HTTP/localhost"

_KRB5_CONF = """\
[libdefaults]
 default_realm = {name}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
 forwardable = true
 default_ccache_name = MEMORY:none
 default_keytab_name = FILE:{folder}/no.keytab
 default_client_keytab_name = FILE:{folder}/no.client.keytab
{extra}
[realms]
 {name} = {{
  kdc = 127.0.0.1:{port}
 }}
"""

_KDC_CONF = """\
[kdcdefaults]
 kdc_listen = 127.0.0.1:{port}
 kdc_tcp_listen = 127.0.0.1:{port}
[realms]
 {name} = {{
  database_name = {folder}/principal
  key_stash_file = {folder}/stash
  acl_file = {folder}/acl
  supported_enctypes = aes256-cts:normal aes128-cts:normal
  max_life = 10h
  max_renewable_life = 1d
 }}
[logging]
 kdc = FILE:{folder}/kdc.log
"""


class Realm:
    """One realm; `environment` is what a process needs to be in it. Passwords of users are PASSWORD."""

    def __init__(self, folder: Path, name: str = NAME, *, extra: str = "") -> None:
        for peer in ("krb5kdc", "kadmin.local", "kinit"):
            peers.require(peer)
        self.folder = folder
        self.name = name
        self.port = free_port()
        self._kdc: subprocess.Popen[bytes] | None = None
        self._keys: dict[tuple[str, ...], bytes] = {}
        values = {"name": name, "folder": folder, "port": self.port, "extra": extra}
        (folder / "krb5.conf").write_text(_KRB5_CONF.format(**values))
        (folder / "kdc.conf").write_text(_KDC_CONF.format(**values))
        self.environment = {
            "KRB5_CONFIG": str(folder / "krb5.conf"),
            "KRB5_KDC_PROFILE": str(folder / "kdc.conf"),
            "KRB5RCACHEDIR": str(folder),
        }

    def create(self) -> None:
        """Make the database with its users and services, and start the KDC."""
        self._run(Path(peers.require("kadmin.local")).with_name("kdb5_util").as_posix(), "create", "-s", "-P", "master")
        self.administer(
            f"addprinc -pw {PASSWORD} alice", f"addprinc -pw {PASSWORD} bob",
            *(f"addprinc -randkey {service}" for service in (HTTP, CIFS, HOST, HTTP_LOCALHOST)),
            f"modprinc +ok_as_delegate {HTTP}", f"modprinc +ok_to_auth_as_delegate {HTTP}",
        )  # fmt: skip
        self.start()

    def administer(self, *commands: str) -> str:
        """Run kadmin.local's commands, one a line."""
        done = self._run(peers.require("kadmin.local"), "-r", self.name, stdin="\n".join(commands).encode() + b"\n")
        return done.stdout.decode()

    def keys(self, *principals: str) -> bytes:
        """The key table of these principals' present keys, exported once."""
        if principals not in self._keys:
            self._keys[principals] = self.keytab(*principals)
        return self._keys[principals]

    def keytab(self, *principals: str, changed: bool = False) -> bytes:
        """A key table of these principals; `changed` gives them new keys first (another kvno)."""
        path = self.folder / f"{time.monotonic_ns()}.keytab"
        norandkey = "" if changed else "-norandkey "
        self.administer(*(f"ktadd {norandkey}-k {path} {principal}" for principal in principals))
        return path.read_bytes()

    def cache(self, user: str = "alice", *services: str, options: tuple[str, ...] = ()) -> bytes:
        """A credential cache (FILE format) of `user` with a TGT, and tickets for `services`."""
        path = self.folder / f"{time.monotonic_ns()}.cc"
        self._run(peers.require("kinit"), *options, "-c", str(path), user, stdin=PASSWORD.encode() + b"\n")
        if services:
            kvno = Path(peers.require("kinit")).with_name("kvno")
            self._run(str(kvno), "-c", str(path), *services)
        return path.read_bytes()

    def start(self) -> None:
        """Start the KDC and wait until it listens."""
        self._kdc = subprocess.Popen(
            [peers.require("krb5kdc"), "-n", "-r", self.name],
            env={**os.environ, **self.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _wait_for(self.port)

    def stop(self) -> None:
        """Stop the KDC."""
        if self._kdc is not None:
            self._kdc.terminate()
            self._kdc.wait(10)
            self._kdc = None

    def run(self, *command: str, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
        """Run a program inside the realm and return what it did."""
        return subprocess.run(
            command, input=stdin, capture_output=True, timeout=60, check=False,
            env={**os.environ, **self.environment, **environment},
        )  # fmt: skip

    def _run(self, *command: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        done = self.run(*command, stdin=stdin)
        assert not done.returncode, (command, done.stdout, done.stderr)
        return done


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    message = f"nothing listens on port {port}"
    raise AssertionError(message)
