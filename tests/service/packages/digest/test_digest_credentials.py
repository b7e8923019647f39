from __future__ import annotations

import pytest

from sspid.packages import questions
from sspid.packages.contract import CredentialRequest
from sspid.packages.digest import package
from sspid.packages.digest.policy import DigestPolicy
from sspid.vocabulary.credentials import Anonymous, CredentialUse, Keytab, Named, NtHash, Password
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus
from sspid_testing.world import FixedWorld

pytestmark = pytest.mark.digest
INBOUND, OUTBOUND, BOTH = CredentialUse.INBOUND, CredentialUse.OUTBOUND, CredentialUse.BOTH
ALICE = Password("alice", "example.test", "Passw0rd")


def acquire(use, secret=None, **world):
    fixed = FixedWorld(**world)
    return fixed.run(package().acquire_credentials_handle(CredentialRequest(use, secret)))


def refused(use, secret=None):
    with pytest.raises(SspiError) as caught:
        acquire(use, secret)
    return caught.value.status


def test_outbound_is_a_user_with_a_password():
    credential = acquire(OUTBOUND, ALICE)
    assert (credential.user, credential.realm, credential.use, credential.expiry) == ("alice", "example.test", OUTBOUND, None)
    assert "Passw0rd" not in repr(credential)


@pytest.mark.parametrize("secret", [None, Anonymous(), Password("", "example.test")])
def test_inbound_needs_no_secret(secret):
    assert acquire(INBOUND, secret).realm == ("example.test" if isinstance(secret, Password) else "")


def test_named_credential_is_looked_up():
    answers = {questions.FindNamedCredential: lambda question: {"web": ALICE}[question.name]}
    assert acquire(OUTBOUND, Named("web"), answers=answers).user == "alice"


def test_policy_is_the_operators():
    policy = DigestPolicy(algorithms=("MD5",))
    assert acquire(INBOUND, policies={"Digest": policy}).policy is policy
    assert acquire(INBOUND).policy == DigestPolicy()


def test_both_is_refused():
    assert refused(BOTH, ALICE) is SecurityStatus.SEC_E_UNKNOWN_CREDENTIALS


@pytest.mark.parametrize("secret", [NtHash("alice", nt_hash=bytes(16)), Keytab()])
@pytest.mark.parametrize("use", [INBOUND, OUTBOUND])
def test_other_kinds_are_refused(use, secret):
    assert refused(use, secret) is SecurityStatus.SEC_E_UNKNOWN_CREDENTIALS


@pytest.mark.parametrize("secret", [None, Anonymous(), Password("")])
def test_outbound_without_a_user_is_refused(secret):
    assert refused(OUTBOUND, secret) is SecurityStatus.SEC_E_NO_CREDENTIALS


@pytest.mark.parametrize("bad", ["a\r\nb", "\0", "\ud800"])
def test_control_characters_are_refused(bad):
    for secret in (Password(bad), Password("alice", bad), Password("alice", "", bad)):
        assert refused(OUTBOUND, secret) is SecurityStatus.SEC_E_UNKNOWN_CREDENTIALS
    assert refused(INBOUND, Password("", bad)) is SecurityStatus.SEC_E_INVALID_TOKEN
