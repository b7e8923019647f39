"""What an initiator of CredSSP delegates, what an acceptor gets of it, and what policy lets go."""

from __future__ import annotations

import pytest

from sspid.packages.credssp import credentials
from sspid.packages.credssp.credentials import CspData, PackageCreds, RemoteGuardCreds, SmartCardCreds
from sspid.packages.credssp.policy import CredSspPolicy
from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.buffers import BufferType, SecurityBuffer
from sspid.vocabulary.credentials import (
    Password,
)
from sspid.vocabulary.flags import NO_FLAGS, ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import credssp, tls
from sspid_testing.credssp import ALICE, DELEGATE, EXTENDED, PASSWORD, fails, shaken

pytestmark = [pytest.mark.credssp, pytest.mark.legs]
A = ContextAttribute


class TestDelegation:
    def test_password_becomes_a_credential_and_stays_closed(self):
        _, server = shaken()
        given = server.query(A.CREDS)
        assert (given.user, given.domain, given.kind, given.secret, given.password) == (
            "alice",
            "DOMAIN",
            "password",
            ALICE,
            None,
        )
        assert PASSWORD not in repr((server.state, given, server.steps))
        assert ContextFlag.DELEGATE in server.steps[-1].granted

    def test_password_in_clear_where_policy_says_so(self):
        _, server = shaken(None, credssp.server(policy=CredSspPolicy(password_in_clear=True)))
        assert server.query(A.CREDS).password == PASSWORD

    def test_nothing_for_callers_without_the_right(self):
        _, server = shaken(None, credssp.server(policy=CredSspPolicy(receive_credentials=False)))
        assert fails(server.query, A.CREDS).status is SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION

    @pytest.mark.parametrize("flags", [NO_FLAGS, EXTENDED])
    def test_without_delegate_an_empty_credential_goes(self, flags):
        client = credssp.client(flags=flags, policy=CredSspPolicy(deny_fresh=frozenset({"*"})))
        _, server = shaken(client)
        assert server.state.creds == credentials.EMPTY
        assert fails(server.query, A.CREDS).status is SecurityStatus.SEC_E_NO_CREDENTIALS
        assert ContextFlag.DELEGATE not in client.steps[-1].granted | server.steps[-1].granted

    def test_restricted_admin_clients_are_refused_by_policy(self):
        client = credssp.client(flags=EXTENDED)
        server = credssp.server(policy=CredSspPolicy(accept_restricted_admin=False))
        assert fails(tls.shake, client, server).status is SecurityStatus.SEC_E_LOGON_DENIED

    def test_restricted_admin_initiators_delegate_no_password(self):
        client = credssp.client(policy=CredSspPolicy(restricted_admin=True))
        assert fails(shaken, client).status is SecurityStatus.SEC_E_DELEGATION_POLICY

    @pytest.mark.parametrize(
        ("creds", "goes"),
        [(SmartCardCreds("1234", CspData(1)), False), (RemoteGuardCreds(PackageCreds("Kerberos", b"ticket")), True)],
    )
    def test_restricted_admin_initiators_delegate_what_stays_with_the_client(self, creds, goes):
        buffer = SecurityBuffer(BufferType.PKG_PARAMS, credentials.write(creds))
        flags = DELEGATE | {ContextFlag.USE_SUPPLIED_CREDS}
        client = credssp.client(flags=flags, buffers=(buffer,), policy=CredSspPolicy(restricted_admin=True))
        if goes:
            assert shaken(client)[1].state.creds == creds
        else:
            assert fails(shaken, client).status is SecurityStatus.SEC_E_DELEGATION_POLICY

    @pytest.mark.parametrize(
        ("creds", "kind"),
        [
            (SmartCardCreds("1234", CspData(1, "card", "reader", "key", "csp"), "alice", "DOMAIN"), "smart card"),
            (RemoteGuardCreds(PackageCreds("Kerberos", b"ticket"), (PackageCreds("NTLM", b"hash"),)), "remote guard"),
            (credentials.PasswordCreds("DOMAIN", "alice", PASSWORD), "password"),
        ],
    )
    def test_credentials_supplied_with_the_call(self, creds, kind):
        buffer = SecurityBuffer(BufferType.PKG_PARAMS, credentials.write(creds))
        client = credssp.client(flags=DELEGATE | {ContextFlag.USE_SUPPLIED_CREDS}, buffers=(buffer,))
        _, server = shaken(client)
        assert server.state.creds == creds
        given = server.query(A.CREDS)
        assert given.kind == kind
        assert given.password is None
        assert "1234" not in repr(given)
        assert ContextFlag.USE_SUPPLIED_CREDS in client.steps[0].granted

    def test_supplied_password_logs_on_by_itself(self):
        buffer = SecurityBuffer(
            BufferType.PKG_PARAMS, credentials.write(credentials.PasswordCreds("DOMAIN", "alice", PASSWORD))
        )
        flags = DELEGATE | {ContextFlag.USE_SUPPLIED_CREDS}
        _, server = shaken(credssp.client(None, flags=flags, buffers=(buffer,)))
        assert server.query(A.CREDS).secret == ALICE

    def test_what_was_delegated_can_be_delegated_on(self):
        card = SmartCardCreds("1234", CspData(1))
        buffer = SecurityBuffer(BufferType.PKG_PARAMS, credentials.write(card))
        _, first = shaken(credssp.client(flags=DELEGATE | {ContextFlag.USE_SUPPLIED_CREDS}, buffers=(buffer,)))
        assert first.query(A.CREDS).secret.delegable == card

    def test_unicode_names_and_passwords(self):
        secret = Password("alice", "DOMAIN", PASSWORD)
        creds = credentials.PasswordCreds("ДОМЕН", "Ünïcödé 𝄞", "пароль")
        buffer = SecurityBuffer(BufferType.PKG_PARAMS, credentials.write(creds))
        client = credssp.client(secret, flags=DELEGATE | {ContextFlag.USE_SUPPLIED_CREDS}, buffers=(buffer,))
        server = credssp.server()
        from sspid.packages.ntlm import crypto
        from sspid.packages.questions import Account

        server.world.accounts["ünïcödé 𝄞"] = Account("Ünïcödé 𝄞", "ДОМЕН", crypto.nt_hash("пароль"))
        shaken(client, server)
        assert server.query(A.CREDS).secret == Password("Ünïcödé 𝄞", "ДОМЕН", "пароль")
