"""curl --negotiate (MIT's SPNEGO over gss-ntlmssp) against an HTTP server that accepts with our Negotiate package.

gss-ntlmssp takes the client's user and password from the file that NTLM_USER_FILE names; an empty Kerberos configuration keeps
curl from looking for a realm.
"""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime

import pytest

from sspid.packages.negotiate import package
from sspid.packages.ntlm import crypto
from sspid.packages.ntlm import package as ntlm_package
from sspid.packages.questions import Account
from sspid_testing import http_front, peers
from sspid_testing.ends import End

pytestmark = [pytest.mark.negotiate, pytest.mark.interop]


def acceptor():
    end = End(package(ntlm=ntlm_package()), accepts=True)
    end.world.now = datetime.now(UTC)
    end.world.accounts["alice"] = Account("alice", "DOM", crypto.nt_hash("Passw0rd"))
    return end


@pytest.fixture
def curl(tmp_path):
    peers.require("gss-ntlmssp")
    program = peers.require("curl")
    (tmp_path / "krb5.conf").write_text("[libdefaults]\n dns_lookup_kdc = false\n", "utf-8")
    environment = {
        **os.environ,
        "KRB5_CONFIG": str(tmp_path / "krb5.conf"),
        "KRB5CCNAME": str(tmp_path / "none"),
        "NTLM_USER_FILE": str(tmp_path / "users"),
    }

    def run(url, password):
        (tmp_path / "users").write_text(f"DOM:alice:{password}\n", "utf-8")
        command = [program, "-s", "-w", " %{http_code}", "--max-time", "20", "--negotiate", "-u", ":", url]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout

    return run


def test_good_password(curl):
    with http_front.serving("Negotiate", acceptor) as front:
        assert curl(front.url, "Passw0rd") == r"DOM\alice 200"
        assert front.users == [r"DOM\alice"]


def test_wrong_password(curl):
    with http_front.serving("Negotiate", acceptor) as front:
        assert curl(front.url, "wrong") == " 401"
        assert front.refusals == ["SEC_E_LOGON_DENIED"]
