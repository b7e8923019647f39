"""NTLM in a Samba domain: responses judged through its winbind, groups, and accounts the domain itself keeps out."""

from __future__ import annotations

import signal

import pytest
import structlog

from sspid.broker.world.accounts.directory import Directory, Rules
from sspid.broker.world.accounts.opening import Opening, Whereabouts
from sspid.broker.world.winbind import Winbind, WinbindSettings
from sspid.packages.ntlm import package
from sspid.packages.questions import JudgeNtlmResponse, LookUpAccount, Machine, RecordLogon
from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.credentials import Password
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import samba_dc as domain
from sspid_testing.ends import End, shake

pytest_plugins = ("sspid_testing.samba_dc",)
pytestmark = [pytest.mark.ntlm, pytest.mark.interop]
PROTECTED = frozenset({ContextFlag.INTEGRITY, ContextFlag.CONFIDENTIALITY})
LOG = structlog.get_logger()
WRONG_PASSWORD, NO_SUCH_USER, DISABLED, LOCKED_OUT = 0xC000006A, 0xC0000064, 0xC0000072, 0xC0000234


@pytest.fixture(scope="module")
def users(samba_dc):
    for name in ("ntlm-alice", "ntlm-locked", "ntlm-disabled"):
        samba_dc.create_user(name)
    samba_dc.tool("user", "disable", "ntlm-disabled")
    samba_dc.tool("group", "add", "Ntlm Staff")
    samba_dc.tool("group", "addmembers", "Ntlm Staff", "ntlm-alice")


@pytest.fixture(scope="module")
def authority(samba_dc, users):
    made = Winbind(WinbindSettings(samba_dc.ntlm_auth, samba_dc.inside("wbinfo"), deadline=15.0), LOG)
    yield made
    made.close()


@pytest.fixture
def server(authority, tmp_path):
    machine = Machine("WEB", domain.DOMAIN, "web.ad.example.test", "ad.example.test")
    directory = Directory(Opening(Whereabouts(tmp_path)).store, machine, LOG, rules=Rules(elsewhere=True))
    end = End(package(), flags=PROTECTED, accepts=True)
    end.world.answers[LookUpAccount] = lambda asked: directory.look_up(asked, "")
    end.world.answers[JudgeNtlmResponse] = lambda asked: authority.judge(asked, "")
    return end


def client(name, password=domain.PASSWORD, named=domain.DOMAIN):
    return End(package(), Password(name, named, password), flags=PROTECTED, target="HTTP/web.ad.example.test")


def audited(server):
    return [asked.ntstatus for asked in server.world.asked if isinstance(asked, RecordLogon)]


def refused(server, *given):
    with pytest.raises(SspiError) as caught:
        shake(client(*given), server)
    assert caught.value.status is SecurityStatus.SEC_E_LOGON_DENIED
    return caught.value.message


@pytest.mark.parametrize("named", [domain.DOMAIN, "ad.example.test", ""])
def test_a_user_of_the_domain(server, named):
    shake(initiator := client("ntlm-alice", named=named), server)
    signature = initiator.sign(b"one")
    server.verify(b"one", signature)
    identity = server.world.run(server.package.query_security_context_token(server.state))
    assert (identity.domain, identity.name) == (domain.DOMAIN, "ntlm-alice")
    assert {rf"{domain.DOMAIN}\Ntlm Staff", rf"{domain.DOMAIN}\Domain Users", r"BUILTIN\Users"} <= set(identity.groups)
    assert identity.sids[0].startswith("S-1-5-21-")
    assert len(identity.sids) == len(set(identity.sids)) > 2
    assert audited(server) == [0]
    assert server.query(ContextAttribute.SESSION_KEY) == initiator.query(ContextAttribute.SESSION_KEY)


@pytest.mark.parametrize(
    ("name", "password", "ntstatus"),
    [
        ("ntlm-alice", "wrong", WRONG_PASSWORD),
        ("ntlm-nobody", domain.PASSWORD, NO_SUCH_USER),
        ("ntlm-disabled", domain.PASSWORD, DISABLED),
    ],
)
def test_whom_the_domain_keeps_out(server, name, password, ntstatus):
    assert refused(server, name, password).startswith("The logon was refused")
    assert audited(server) == [ntstatus]


def test_the_domain_locks_an_account_out(server, samba_dc):
    for _ in range(domain.LOCKOUT):
        server.state = None
        refused(server, "ntlm-locked", "wrong")
    server.state = None
    refused(server, "ntlm-locked")
    assert audited(server) == [WRONG_PASSWORD] * domain.LOCKOUT + [LOCKED_OUT]
    samba_dc.tool("user", "unlock", "ntlm-locked")
    server.state = None
    shake(client("ntlm-locked"), server)
    assert audited(server)[-1] == 0


def test_a_domain_controller_that_does_not_answer(server, samba_dc):
    authority = Winbind(WinbindSettings(samba_dc.ntlm_auth, samba_dc.inside("wbinfo"), deadline=2.0), LOG)
    server.world.answers[JudgeNtlmResponse] = lambda asked: authority.judge(asked, "")
    samba_dc.namespace.signal(signal.SIGSTOP)
    try:
        with pytest.raises(SspiError) as caught:
            shake(client("ntlm-alice"), server)
    finally:
        samba_dc.namespace.signal(signal.SIGCONT)
    assert caught.value.status is SecurityStatus.SEC_E_NO_AUTHENTICATING_AUTHORITY
    assert audited(server) == []
    server.state = None
    shake(client("ntlm-alice"), server)
    authority.close()
