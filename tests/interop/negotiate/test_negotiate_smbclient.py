"""Samba's smbclient logs on to our Negotiate package over SMB: the acceptor speaks first, its key signs the replies.

`sspid_testing.smb_front` is as much of an SMB server as that takes; the share itself is then refused.
"""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime

import pytest

from sspid.packages.negotiate import package
from sspid.packages.ntlm import crypto
from sspid.packages.ntlm import package as ntlm_package
from sspid.packages.questions import Account
from sspid_testing import peers, smb_front
from sspid_testing.ends import End

pytestmark = [pytest.mark.negotiate, pytest.mark.ntlm, pytest.mark.interop]


def acceptor():
    end = End(package(ntlm=ntlm_package()), accepts=True)
    end.world.now = datetime.now(UTC)
    end.world.accounts["alice"] = Account("alice", "DOM", crypto.nt_hash("Passw0rd"))
    return end


def smbclient(front, tmp_path, user):
    (tmp_path / "smb.conf").write_text("[global]\n client min protocol = SMB2_10\n client max protocol = SMB2_10\n", "utf-8")
    command = [
        peers.require("smbclient"),
        "-s",
        str(tmp_path / "smb.conf"),
        "-p",
        str(front.port),
        "//127.0.0.1/share",
        "-U",
        user,
    ]
    options = ["--client-protection=sign", "-c", "ls"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False, timeout=60)
    return done.stdout + done.stderr


def test_good_password_and_the_same_session_key(tmp_path):
    with smb_front.serving(acceptor) as front:
        # The share is refused only after the client has verified our signature: another key ends in another message.
        assert "tree connect failed: NT_STATUS_ACCESS_DENIED" in smbclient(front, tmp_path, r"DOM\alice%Passw0rd")
        assert front.users == [r"DOM\alice"]


def test_another_session_key_is_noticed(tmp_path):
    with smb_front.serving(acceptor, signs_wrongly=True) as front:
        assert "session setup failed: NT_STATUS_ACCESS_DENIED" in smbclient(front, tmp_path, r"DOM\alice%Passw0rd")
        assert front.users == [r"DOM\alice"]


@pytest.mark.parametrize("user", [r"DOM\alice%wrong", r"DOM\nobody%Passw0rd"])
def test_refused(tmp_path, user):
    with smb_front.serving(acceptor) as front:
        assert "session setup failed: NT_STATUS_LOGON_FAILURE" in smbclient(front, tmp_path, user)
        assert front.refusals == ["SEC_E_LOGON_DENIED"]
