"""curl --ntlm against an HTTP server of this process that accepts with our NTLM package."""

from __future__ import annotations

import subprocess

import pytest

from sspid.packages.ntlm import crypto, package
from sspid.packages.questions import Account
from sspid_testing import http_front, peers
from sspid_testing.ends import End

pytestmark = [pytest.mark.ntlm, pytest.mark.interop]


def acceptor():
    end = End(package(), accepts=True)
    end.world.accounts["alice"] = Account("alice", "DOM", crypto.nt_hash("Passw0rd"))
    return end


def curl(url, user, *options):
    command = [peers.require("curl"), "-s", "-w", " %{http_code}", "--max-time", "20", *options, "--ntlm", "-u", user, url]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_good_password():
    with http_front.serving("NTLM", acceptor) as front:
        assert curl(front.url, r"DOM\alice:Passw0rd") == r"DOM\alice 200"


def test_good_password_without_domain():
    with http_front.serving("NTLM", acceptor) as front:
        assert curl(front.url, "alice:Passw0rd") == r"DOM\alice 200"


@pytest.mark.parametrize("user", [r"DOM\alice:wrong", r"DOM\nobody:Passw0rd"])
def test_refused(user):
    with http_front.serving("NTLM", acceptor) as front:
        assert curl(front.url, user) == " 401"
        assert front.refusals == ["SEC_E_LOGON_DENIED"]
        assert not front.users
