"""What an acceptor may do with the handle of a smart card's PIN or a guarded logon: delegate it on, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from sspid.packages.credssp import credentials, inputs
from sspid.packages.credssp.credentials import CspData, PackageCreds, PasswordCreds, RemoteGuardCreds, SmartCardCreds
from sspid.packages.credssp.policy import CredSspPolicy
from sspid.vocabulary import channel_bindings
from sspid.vocabulary.attributes import ContextAttribute, CredentialAttribute
from sspid.vocabulary.buffers import BufferType, SecurityBuffer
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid_testing import credssp, tls
from sspid_testing.credssp import DELEGATE, DOMAIN, EXTENDED, PASSWORD, TARGET, USER

pytestmark = [pytest.mark.credssp, pytest.mark.legs]
CARD = SmartCardCreds("1234", CspData(1, "card", "reader", "key", "csp"), USER, DOMAIN)
GUARD = RemoteGuardCreds(PackageCreds("Kerberos", b"ticket"), (PackageCreds("NTLM", b"key"),))
SUPPLIED = DELEGATE | {ContextFlag.USE_SUPPLIED_CREDS}
OWN_TLS = SecurityBuffer(BufferType.CHANNEL_BINDINGS, channel_bindings.pack(inputs.PUBLIC_KEY + b"the server's key"))
both = pytest.mark.parametrize("creds", [CARD, GUARD], ids=["smart card", "remote guard"])


def params(creds: Any) -> SecurityBuffer:
    return SecurityBuffer(BufferType.PKG_PARAMS, credentials.write(creds))


LOGON = params(PasswordCreds(DOMAIN, USER, PASSWORD))


def received(creds: Any, **policy: Any) -> Any:
    """What the caller of an acceptor gets that these were delegated to."""
    client = credssp.client(flags=SUPPLIED, buffers=(params(creds),))
    server = credssp.server(policy=CredSspPolicy(**policy))
    tls.shake(client, server)
    return server.query(ContextAttribute.CREDS_2)


def onward(creds: Any, flags: Any = SUPPLIED, buffers: Any = (LOGON,), policy: Any = None) -> tls.End:
    """An initiator whose credential is the handle's."""
    handle = received(creds).secret
    return tls.End(credssp.a_world(policy), credssp.a_package(), handle, False, flags, TARGET, buffers)


def refusal(client: tls.End, server: tls.End | None = None) -> SspiError:
    with pytest.raises(SspiError) as caught:
        tls.shake(client, server or credssp.server())
    return caught.value


@pytest.mark.parametrize("buffers", [(), (OWN_TLS,)], ids=["tls", "own tls"])
@both
def test_cannot_log_on(creds, buffers):
    for flags in (DELEGATE, SUPPLIED, EXTENDED):
        failure = refusal(onward(creds, flags, buffers))
        assert failure.status.name == "SEC_E_NO_CREDENTIALS"
        assert "cannot log on from here, only be delegated on" in failure.message
        assert ("guarded logon" if creds is GUARD else "smart card's PIN") in failure.message
        assert "1234" not in failure.message


@pytest.mark.parametrize("buffers", [(), (OWN_TLS,)], ids=["tls", "own tls"])
@both
def test_is_delegated_on_behind_another_logon(creds, buffers):
    client = onward(creds, buffers=(LOGON, *buffers))
    server = credssp.server(buffers=buffers)
    tls.shake(client, server)
    assert server.state.creds == creds
    assert server.query(ContextAttribute.NAMES).user_name == f"{DOMAIN}\\{USER}"
    assert ContextFlag.DELEGATE in client.steps[-1].granted & server.steps[-1].granted
    if not buffers:
        assert server.open(client.seal(b"and TLS goes on")).buffers[0].data == b"and TLS goes on"


@both
def test_stays_here_without_delegate(creds):
    client, server = onward(creds, EXTENDED | {ContextFlag.USE_SUPPLIED_CREDS}), credssp.server()
    tls.shake(client, server)
    assert server.state.creds == credentials.EMPTY


@pytest.mark.parametrize(
    ("creds", "policy", "status"),
    [
        (CARD, {"deny_fresh": frozenset({"*"})}, "SEC_E_DELEGATION_POLICY"),
        (GUARD, {"deny_fresh": frozenset({"*"})}, "SEC_E_DELEGATION_POLICY"),
        (CARD, {"restricted_admin": True}, "SEC_E_DELEGATION_POLICY"),
        (GUARD, {"restricted_admin": True}, ""),
    ],
)
def test_policy_judges_it_as_any_other(creds, policy, status):
    client, server = onward(creds, policy=CredSspPolicy(**policy)), credssp.server()
    if status:
        assert refusal(client, server).status.name == status
        assert not hasattr(server.state, "creds")
    else:
        tls.shake(client, server)
        assert server.state.creds == creds


@both
def test_what_is_supplied_as_well_must_log_on(creds):
    assert refusal(onward(creds, buffers=(params(CARD),))).status.name == "SEC_E_NO_CREDENTIALS"
    assert refusal(onward(creds, buffers=(params(credentials.EMPTY),))).status.name == "SEC_E_NO_CREDENTIALS"


@both
def test_accepts_nothing(creds):
    end = credssp.server()
    end.credential = received(creds).secret
    assert refusal(credssp.client(), end).status.name == "SEC_E_NO_CREDENTIALS"


@both
def test_has_no_attributes_of_its_own(creds):
    end = onward(creds)
    for attribute in (CredentialAttribute.NAMES, CredentialAttribute.SUPPORTED_PROTOCOLS):
        with pytest.raises(SspiError) as caught:
            end.world.run(end.package.query_credentials_attributes(end.credential, attribute))
        assert caught.value.status.name == "SEC_E_UNSUPPORTED_FUNCTION"
    end.package.free_credentials_handle(end.credential)


@both
def test_is_described_and_stays_closed(creds):
    given = received(creds)
    assert given.kind == ("remote guard" if creds is GUARD else "smart card")
    assert (given.user, given.domain) == ((USER, DOMAIN) if creds is CARD else (f"{DOMAIN}\\{USER}", ""))
    assert given.password is None
    assert not any(secret in repr(given) for secret in ("1234", "ticket", "key'"))


def test_only_a_pin_has_a_clear_form():
    assert received(CARD, password_in_clear=True).password == "1234"
    assert received(GUARD, password_in_clear=True).password is None


@both
def test_nothing_for_callers_without_the_right(creds):
    with pytest.raises(SspiError) as caught:
        received(creds, receive_credentials=False)
    assert caught.value.status.name == "SEC_E_UNSUPPORTED_FUNCTION"
