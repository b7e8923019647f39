"""ChangeAccountPassword through NTLM and Negotiate: who is asked, in which order, and whose refusal is passed on."""

from __future__ import annotations

import pytest

from sspid.packages.contract import SecurityPackage
from sspid.packages.negotiate import package
from sspid.packages.negotiate.policy import NegotiatePolicy
from sspid.packages.ntlm import package as ntlm_package
from sspid.packages.ntlm.policy import NtlmPolicy
from sspid.packages.questions import ChangePassword
from sspid.vocabulary.errors import FailureDetail, SspiError
from sspid.vocabulary.names import Capability, PackageInfo
from sspid.vocabulary.status import SecurityStatus as Status
from sspid_testing.world import FixedWorld

pytestmark = [pytest.mark.negotiate, pytest.mark.ntlm, pytest.mark.legs]


class Kdc(SecurityPackage):
    """Stands in Kerberos' place, answers as it is told and keeps what it is asked."""

    info = PackageInfo("Kerberos", "scripted", Capability.INTEGRITY, 1, 16, 100)

    def __init__(self, status=None, code=None):
        self.status, self.code, self.asked = status, code, []

    async def change_account_password(self, account, domain, old, new):
        self.asked.append((account, domain, old, new))
        if self.status is not None:
            detail = None if self.code is None else FailureDetail(kerberos_error=self.code)
            raise SspiError(self.status, "The KDC says so.", detail=detail)


@pytest.fixture
def world():
    made = FixedWorld()
    made.answers[ChangePassword] = lambda question: None
    return made


def changed(world, outer, domain=""):
    """The questions about passwords that reached the service's own accounts."""
    world.run(outer.change_account_password("alice", domain, "Old-1", "New-2"))
    return [asked for asked in world.asked if isinstance(asked, ChangePassword)]


def refused(world, outer, domain=""):
    with pytest.raises(SspiError) as caught:
        changed(world, outer, domain)
    return caught.value.status


def test_ntlm_asks_the_accounts(world):
    assert changed(world, ntlm_package(), "WEB") == [ChangePassword("NTLM", "alice", "WEB", "Old-1", "New-2")]


def test_no_password_is_changed_where_ntlm_is_off(world):
    world.policies["NTLM"] = NtlmPolicy(enabled=False)
    assert refused(world, ntlm_package()) is Status.STATUS_NOT_SUPPORTED
    assert refused(world, package(ntlm=ntlm_package())) is Status.STATUS_NOT_SUPPORTED


def test_what_kerberos_changed_is_changed(world):
    kdc = Kdc()
    assert changed(world, package(kerberos=kdc, ntlm=ntlm_package())) == []
    assert kdc.asked == [("alice", "", "Old-1", "New-2")]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (Status.SEC_E_LOGON_DENIED, 6),
        (Status.SEC_E_NO_AUTHENTICATING_AUTHORITY, None),
        (Status.SEC_E_UNSUPPORTED_FUNCTION, None),
    ],
)
def test_an_account_no_kdc_knows_may_be_the_services_own(world, status, code):
    assert len(changed(world, package(kerberos=Kdc(status, code), ntlm=ntlm_package()))) == 1


@pytest.mark.parametrize("code", [24, None])
def test_a_password_the_kdc_refuses_is_tried_nowhere_else(world, code):
    outer = package(kerberos=Kdc(Status.SEC_E_LOGON_DENIED, code), ntlm=ntlm_package())
    assert refused(world, outer) is Status.SEC_E_LOGON_DENIED
    assert not [asked for asked in world.asked if isinstance(asked, ChangePassword)]


@pytest.mark.parametrize("domain", [".", "server", "Server.Domain.Test"])
def test_this_machines_accounts_are_no_kdcs(world, domain):
    kdc = Kdc(Status.SEC_E_LOGON_DENIED)
    assert len(changed(world, package(kerberos=kdc, ntlm=ntlm_package()), domain)) == 1
    assert kdc.asked == []


def test_the_first_reason_is_told_where_nobody_can(world):
    def elsewhere(_question):
        raise SspiError(Status.SEC_E_UNSUPPORTED_FUNCTION, "It is a domain's account.")

    world.answers[ChangePassword] = elsewhere
    kdc = Kdc(Status.SEC_E_NO_AUTHENTICATING_AUTHORITY)
    assert refused(world, package(kerberos=kdc, ntlm=ntlm_package())) is Status.SEC_E_NO_AUTHENTICATING_AUTHORITY
    assert refused(world, package(ntlm=ntlm_package())) is Status.SEC_E_UNSUPPORTED_FUNCTION


def test_policy_says_who_is_asked(world):
    world.policies["Negotiate"] = NegotiatePolicy(packages=("ntlm",))
    kdc = Kdc()
    assert len(changed(world, package(kerberos=kdc, ntlm=ntlm_package()))) == 1
    assert kdc.asked == []
