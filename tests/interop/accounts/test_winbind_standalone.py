"""NTLM responses judged by a real winbind of a machine in no domain, through Samba's ntlm_auth."""

from __future__ import annotations

import os
import signal
import time

import pytest
import structlog

from sspid.broker.world.winbind import Winbind, WinbindSettings
from sspid.packages.ntlm import crypto, package
from sspid.packages.ntlm.policy import NtlmPolicy
from sspid.packages.questions import Account, JudgeNtlmResponse, LookUpAccount, RecordLogon
from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.credentials import Password
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import samba_alone
from sspid_testing import winbind as standalone
from sspid_testing.ends import End, shake
from sspid_testing.foreign import Pyspnego

pytest_plugins = ("sspid_testing.winbind",)
pytestmark = [pytest.mark.ntlm, pytest.mark.interop]
PROTECTED = frozenset({ContextFlag.INTEGRITY, ContextFlag.CONFIDENTIALITY})
LOG = structlog.get_logger()
WRONG_PASSWORD, NO_SUCH_USER, LOGON_FAILURE = 0xC000006A, 0xC0000064, 0xC000006D


@pytest.fixture
def authority(winbind):
    made = Winbind(WinbindSettings(winbind.ntlm_auth, deadline=10.0), LOG)
    yield made
    made.close()


def acceptor(authority):
    end = End(package(), flags=PROTECTED, accepts=True)
    end.world.answers[LookUpAccount] = lambda asked: Account(asked.name, asked.domain)
    end.world.answers[JudgeNtlmResponse] = lambda asked: authority.judge(asked, "")
    return end


def initiator(password=samba_alone.PASSWORD, user=samba_alone.USER, domain=samba_alone.NAME):
    return End(package(), Password(user, domain, password), flags=PROTECTED, target="cifs/filesrv")


def response(password, *, user=samba_alone.USER, domain=samba_alone.NAME):
    """A question with an NTLMv2 response over an empty target information, and the session key that goes with it."""
    challenge = os.urandom(8)
    key = crypto.ntlmv2_hash(crypto.nt_hash(password), user, domain)
    temp = crypto.ntlmv2_temp(bytes(8), os.urandom(8), bytes(4))
    proof = crypto.proof(key, challenge, temp)
    question = JudgeNtlmResponse(user, domain, "WS", challenge, proof + temp, bytes(24))
    return question, crypto.session_base_key_v2(key, proof)


def refused(authority, question):
    with pytest.raises(SspiError) as caught:
        authority.judge(question, "")
    return caught.value


def test_both_ends_come_to_one_key(authority):
    client, server = initiator(), acceptor(authority)
    shake(client, server)
    assert server.query(ContextAttribute.SESSION_KEY) == client.query(ContextAttribute.SESSION_KEY)


def test_pyspnego_is_judged(authority):
    client = Pyspnego.initiator(rf"{samba_alone.NAME}\{samba_alone.USER}", samba_alone.PASSWORD, "ntlm")
    server = acceptor(authority)
    answer = client.step(server.step(client.step()))
    server.step(answer)
    assert client.session_key == server.query(ContextAttribute.SESSION_KEY).key


def test_wrong_password_reaches_the_audit_alone(authority):
    client, server = initiator("wrong"), acceptor(authority)
    with pytest.raises(SspiError) as caught:
        shake(client, server)
    assert caught.value.status is SecurityStatus.SEC_E_LOGON_DENIED
    assert caught.value.detail is None
    logons = [asked for asked in server.world.asked if isinstance(asked, RecordLogon)]
    assert [logon.ntstatus for logon in logons] == [WRONG_PASSWORD]


def test_one_helper_keeps_questions_and_answers_together(authority):
    for _ in range(3):
        question, key = response(samba_alone.PASSWORD)
        assert authority.judge(question, "").session_base_key == key
        assert refused(authority, response("wrong")[0]).detail.ntstatus == WRONG_PASSWORD
        unknown = response("wrong", user="ghost")[0]
        assert refused(authority, unknown).detail.ntstatus == NO_SUCH_USER
    assert len(authority._idle) == 1


def test_a_name_cannot_add_a_line(authority):
    pid = authority.judge(response(samba_alone.PASSWORD)[0], "") and authority._idle[0].pid
    question, _ = response("wrong", user="ghost\nUsername: nobody\n.\n")
    assert refused(authority, question).status is SecurityStatus.SEC_E_LOGON_DENIED
    assert authority.judge(response(samba_alone.PASSWORD)[0], "").session_base_key
    assert authority._idle[0].pid == pid


@pytest.mark.parametrize("length", [0, 16, 23, 0x10000])
def test_no_response_of_a_wrong_length_is_asked(authority, length):
    question = JudgeNtlmResponse("nobody", "FILESRV", "WS", bytes(8), bytes(length), b"")
    assert refused(authority, question).detail.ntstatus == LOGON_FAILURE
    assert not authority._idle


def test_a_domain_that_winbind_does_not_reach(authority):
    error = refused(authority, response(samba_alone.PASSWORD, domain="ELSEWHERE")[0])
    assert error.status is SecurityStatus.SEC_E_NO_AUTHENTICATING_AUTHORITY
    assert "logon servers" in error.message


@pytest.mark.parametrize("flags", [PROTECTED, frozenset()])
def test_ntlmv1_is_judged_where_policy_takes_it(authority, flags):
    """With extended session security, where what was answered is a hash of both challenges, and so is the key."""
    client, server = initiator(), acceptor(authority)
    client.flags = server.flags = flags
    client.world.policies["NTLM"] = NtlmPolicy(send_v1=True)
    server.world.policies["NTLM"] = NtlmPolicy(accept_v1=True)
    shake(client, server)
    assert server.query(ContextAttribute.SESSION_KEY) == client.query(ContextAttribute.SESSION_KEY)


def test_plain_ntlmv1_is_judged(authority):
    """[MS-NLMP] 3.3.1 without extended session security: NT and LM response over the server's challenge alone."""
    challenge = os.urandom(8)
    owf = crypto.nt_hash(samba_alone.PASSWORD)
    given = crypto.ntlmv1_response(owf, challenge)
    question = JudgeNtlmResponse(samba_alone.USER, samba_alone.NAME, "WS", challenge, given, given)
    assert authority.judge(question, "").session_base_key == crypto.session_base_key_v1(owf)
    other = JudgeNtlmResponse(samba_alone.USER, samba_alone.NAME, "WS", bytes(8), given, given)
    assert refused(authority, other).detail.ntstatus == WRONG_PASSWORD


def test_winbind_that_hangs_or_has_gone_is_found_out_in_time():
    with standalone.running() as own:
        authority = Winbind(WinbindSettings(own.ntlm_auth, deadline=2.0), LOG)
        assert authority.judge(response(samba_alone.PASSWORD)[0], "").session_base_key
        own.namespace.signal(signal.SIGSTOP)
        hung = refused(authority, response(samba_alone.PASSWORD)[0])
        own.namespace.signal(signal.SIGCONT)
        question, key = response(samba_alone.PASSWORD)
        assert authority.judge(question, "").session_base_key == key
        own.namespace.stop()
        gone = refused(authority, response(samba_alone.PASSWORD)[0])
        authority.close()
    assert {hung.status, gone.status} == {SecurityStatus.SEC_E_NO_AUTHENTICATING_AUTHORITY}


def test_no_winbind_is_no_hang(tmp_path):
    """ntlm_auth runs, and the winbind it wants does not: the machine's own, in a mount namespace with no socket."""
    (tmp_path / "smb.conf").write_text("[global]\n", "utf-8")
    helper = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /run && exec ntlm_auth "$@"', "sh")
    command = (*helper, f"--configfile={tmp_path / 'smb.conf'}", "--helper-protocol=ntlm-server-1")
    authority = Winbind(WinbindSettings(command, deadline=3.0), LOG)
    began = time.monotonic()
    assert refused(authority, response("any")[0]).status is SecurityStatus.SEC_E_NO_AUTHENTICATING_AUTHORITY
    assert time.monotonic() - began < 30.0
    authority.close()
