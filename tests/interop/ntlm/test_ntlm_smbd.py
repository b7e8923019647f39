"""Our initiator logs on to Samba's smbd over SMB, raw and inside SPNEGO; what both then sign shows that they have one key."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sspid.packages.negotiate import package as negotiate
from sspid.packages.ntlm import crypto
from sspid.packages.ntlm import package as ntlm
from sspid.packages.ntlm.policy import NtlmPolicy
from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.credentials import NtHash, Password
from sspid.vocabulary.flags import ContextFlag
from sspid_testing import samba_alone, smb_client
from sspid_testing.ends import End
from sspid_testing.smb_client import ACCESS_DENIED, INVALID_PARAMETER, LOGON_FAILURE, OK, Connection

pytest_plugins = ("sspid_testing.smbd",)
pytestmark = [pytest.mark.ntlm, pytest.mark.negotiate, pytest.mark.interop]
SIGNED = frozenset({ContextFlag.INTEGRITY, ContextFlag.REPLAY_DETECT, ContextFlag.SEQUENCE_DETECT})
GOOD = Password(samba_alone.USER, samba_alone.NAME, samba_alone.PASSWORD)
PACKAGES = {"NTLM": ntlm, "Negotiate": lambda: negotiate(ntlm=ntlm())}


def initiator(name="Negotiate", secret=GOOD, policy=None):
    end = End(PACKAGES[name](), secret, flags=SIGNED, target="cifs/127.0.0.1")
    end.world.now = datetime.now(UTC)
    end.world.policies["NTLM"] = policy
    return end


def log_on(connection, end):
    """The status of a logon; SPNEGO begins with the server's hint, NTLM by itself without."""
    hint = connection.negotiate()
    return connection.log_on(end, None if end.package.info.name == "NTLM" else hint)


@pytest.mark.parametrize("name", PACKAGES)
@pytest.mark.parametrize("domain", [samba_alone.NAME, "", "."])
def test_a_good_password_and_one_key_on_both_sides(smbd, name, domain):
    end = initiator(name, Password("nobody", domain, "Passw0rd"))
    with Connection("127.0.0.1", smbd) as connection:
        assert log_on(connection, end) == OK
        assert connection.session_flags & (smb_client.GUEST | smb_client.NULL_SESSION) == 0
        assert end.done
        # The server takes our signature and we take its.
        assert connection.connect("files") == OK
        if name == "Negotiate":
            assert end.query(ContextAttribute.NEGOTIATION_INFO).package_name == "NTLM"


def test_the_nt_hash_does_it_too(smbd):
    with Connection("127.0.0.1", smbd) as connection:
        assert log_on(connection, initiator(secret=NtHash("nobody", "", crypto.nt_hash("Passw0rd")))) == OK
        assert connection.connect("files") == OK


def test_another_signature_is_refused(smbd):
    with Connection("127.0.0.1", smbd) as connection:
        assert log_on(connection, initiator()) == OK
        connection.key = bytes(16)
        assert connection.connect("files") == ACCESS_DENIED


@pytest.mark.parametrize("name", PACKAGES)
@pytest.mark.parametrize("secret", [Password("nobody", "", "wrong"), Password("stranger", "", "Passw0rd")])
def test_who_is_not_let_in(smbd, name, secret):
    with Connection("127.0.0.1", smbd) as connection:
        assert log_on(connection, initiator(name, secret)) == LOGON_FAILURE


def test_ntlmv1_is_refused_by_samba(smbd):
    with Connection("127.0.0.1", smbd) as connection:
        assert log_on(connection, initiator("NTLM", policy=NtlmPolicy(send_v1=True))) == LOGON_FAILURE


class Tampered:
    """An initiator whose last token was changed on the way."""

    def __init__(self, end, place):
        self._end, self._place = end, place

    def __getattr__(self, name):
        return getattr(self._end, name)

    def step(self, received=None):
        token = self._end.step(received)
        if not token.startswith(b"NTLMSSP\0\3"):
            return token
        changed = bytearray(token)
        changed[self._place] ^= 1
        return bytes(changed)


@pytest.mark.parametrize("place", [72, 87])
def test_a_tampered_mic_is_noticed_by_samba(smbd, place):
    """The MIC has the bytes from 72 on, behind VERSION."""
    with Connection("127.0.0.1", smbd) as connection:
        assert log_on(connection, Tampered(initiator("NTLM"), place)) == INVALID_PARAMETER
