"""A Samba Active Directory domain controller in a temporary folder: its users, keys and winbind; needs root, one at a time.

A test module says ``pytest_plugins = ("sspid_testing.samba_dc",)`` and takes the fixture ``samba_dc``, which lasts as long as
the module: 88, 389 and 445 on 127.0.0.1 are a domain controller's fixed ports, and another run of the tests waits for them.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sspid_testing import namespace, peers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sspid_testing.namespace import Namespace

REALM = "AD.EXAMPLE.TEST"
DOMAIN = "ADEXAMPLE"
HOST = "dc1.ad.example.test"
ADDRESS = "127.0.0.1"
ADMIN_PASSWORD = "Passw0rd!23"
PASSWORD = "Us3r-pass!1"
"""What `create_user` gives."""
LOCKOUT = 3
"""Wrong passwords that lock an account of this domain."""
_PORTS = (88, 389, 445)
_START_SECONDS = 60.0

# Ports for RPC that neither the system nor `ports` gives anybody: with one connection of another test on 49154, none starts.
_SMB_CONF = """\
[global]
 netbios name = DC1
 realm = {realm}
 workgroup = {domain}
 server role = active directory domain controller
 server services = s3fs, rpc, wrepl, ldap, cldap, kdc, drepl, winbindd, ntp_signd, dns
 interfaces = lo
 bind interfaces only = yes
 disable netbios = yes
 dns port = 15353
 rpc server dynamic port range = 20000-22000
 ntlm auth = ntlmv2-only
 private dir = {folder}/private
 lock directory = {folder}/lock
 state directory = {folder}/state
 cache directory = {folder}/cache
 binddns dir = {folder}/bind-dns
 pid directory = {folder}/run
 ncalrpc dir = {folder}/run/ncalrpc
 ntp signd socket directory = {folder}/run/ntp
 log file = {folder}/log.%m
 idmap_ldb:use rfc2307 = yes
 printing = bsd
 printcap name = /dev/null
[sysvol]
 path = {folder}/state/sysvol
 read only = no
[netlogon]
 path = {folder}/state/sysvol/{dns}/scripts
 read only = no
"""

_KRB5_CONF = """\
[libdefaults]
 default_realm = {realm}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 forwardable = true
[realms]
 {realm} = {{
  kdc = {address}:88
  kpasswd_server = {address}:464
 }}
[domain_realm]
 .{dns} = {realm}
 {dns} = {realm}
"""


@dataclass
class DomainController:
    """A running domain controller; everything it keeps is in `folder`."""

    folder: Path
    namespace: Namespace

    @property
    def smb_conf(self) -> Path:
        return self.folder / "etc/smb.conf"

    @property
    def krb5_conf(self) -> Path:
        """What KRB5_CONFIG must name."""
        return self.folder / "krb5.conf"

    def tool(self, *arguments: str, given: str = "") -> str:
        """Run `samba-tool` on this domain's own database; its output. It fails where samba-tool fails."""
        database = () if "exportkeytab" in arguments else ("-H", str(self.folder / "private/sam.ldb"))
        return _run(peers.require("samba-tool"), *arguments, *database, "-s", str(self.smb_conf), given=given)

    def create_user(self, name: str, password: str = PASSWORD, *options: str) -> None:
        self.tool("user", "create", name, password, *options)

    def create_service(self, name: str, *spns: str) -> Path:
        """A service's account with its SPNs, and the file with its keys."""
        self.create_user(name)
        keytab = self.folder / f"{name}.keytab"
        for spn in spns:
            self.tool("spn", "add", spn, name)
            self.tool("domain", "exportkeytab", str(keytab), f"--principal={spn}")
        return keytab

    def inside(self, *command: str) -> tuple[str, ...]:
        """`command` where it finds this domain's winbind: the folder of its sockets is fixed, so it is mounted for it alone."""
        return self.namespace.inside(*command)

    @property
    def ntlm_auth(self) -> tuple[str, ...]:
        """The helper that judges NTLM responses in this domain."""
        configuration = f"--configfile={self.smb_conf}"
        return self.inside(peers.require("ntlm_auth"), configuration, "--helper-protocol=ntlm-server-1")


def start(folder: Path) -> DomainController:
    """Provision a domain in `folder` (a short path: sockets lie in it) and start its controller; ready when this returns."""
    if os.geteuid() != 0:
        peers.absent("a domain controller needs root: run the tests as root")
    tool, server = peers.require("samba-tool"), peers.require("samba")
    for parts in ("samba-ad-provision", "samba-dsdb-modules", "samba-vfs-modules", "winbindd"):
        peers.require(parts)
    _run(
        tool, "domain", "provision", f"--realm={REALM}", f"--domain={DOMAIN}", "--server-role=dc", "--use-rfc2307",
        "--dns-backend=SAMBA_INTERNAL", f"--adminpass={ADMIN_PASSWORD}", f"--targetdir={folder}", "--host-name=dc1",
        f"--host-ip={ADDRESS}", "--option=interfaces=lo", "--option=bind interfaces only=yes",
    )  # fmt: skip
    for each in ("run/ncalrpc", "run/samba/winbindd", "lock"):
        (folder / each).mkdir(mode=0o755, parents=True, exist_ok=True)
    values = {"realm": REALM, "domain": DOMAIN, "dns": REALM.lower(), "address": ADDRESS, "folder": folder}
    (folder / "etc/smb.conf").write_text(_SMB_CONF.format(**values), "utf-8")
    (folder / "krb5.conf").write_text(_KRB5_CONF.format(**values), "utf-8")
    command = [server, "-i", "-M", "prefork", "-s", str(folder / "etc/smb.conf"), "--debug-stdout"]
    controller = DomainController(folder, namespace.start(folder, {folder / "run/samba": "/run/samba"}, command))
    try:
        _await_ready(controller)
        controller.tool("domain", "passwordsettings", "set", f"--account-lockout-threshold={LOCKOUT}")
    except BaseException:
        controller.namespace.stop()
        raise
    return controller


def _await_ready(controller: DomainController) -> None:
    """Wait for its ports and for its winbind."""
    until = time.monotonic() + _START_SECONDS
    known = controller.inside(peers.require("wbinfo"), rf"--name-to-sid={DOMAIN}\Administrator")
    while time.monotonic() < until:
        assert controller.namespace.process.poll() is None, _log_of(controller)
        if all(_open(port) for port in _PORTS) and subprocess.run(known, capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.2)
    raise AssertionError(_log_of(controller))


def _open(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((ADDRESS, port)) == 0


def _log_of(controller: DomainController) -> str:
    log = (controller.folder / "log").read_text("utf-8", "replace")
    return f"the domain controller did not come up:\n{log[-4000:]}"


def _run(*command: str, given: str = "") -> str:
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, f"{' '.join(command[:4])}: {done.stdout[-1000:]}{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def samba_dc() -> Iterator[DomainController]:
    """The module's domain controller. Another run on this machine waits for its end, and a whole session would be too long."""
    with Path(tempfile.gettempdir(), "sspid-samba-dc.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = Path(tempfile.mkdtemp(prefix="dc-"))
        folder.chmod(0o755)
        try:
            controller = start(folder)
            try:
                yield controller
            finally:
                controller.namespace.stop()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
