"""Credentials of CredSSP: their parts, saved and default ones, and those that cannot be used."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sspid.packages.contract import Leg
from sspid.packages.credssp.policy import CredSspPolicy
from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.buffers import token
from sspid.vocabulary.credentials import (
    Anonymous,
    CredentialUse,
    CredSspPair,
    Named,
    NtHash,
    Schannel,
    SchannelSettings,
)
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import credssp, tls
from sspid_testing.credssp import ALICE, DELEGATE, EXTENDED, PASSWORD, TARGET, fails, shaken

pytestmark = [pytest.mark.credssp, pytest.mark.legs]
A = ContextAttribute


class TestCredentials:
    def test_single_parts_are_taken_for_what_they_are(self):
        world, of = credssp.a_world(), credssp.a_package()
        alone = credssp.acquire(world, of, ALICE, CredentialUse.OUTBOUND)
        assert alone.secret == ALICE
        inbound = credssp.acquire(world, of, Schannel((tls.issued(),)), CredentialUse.INBOUND)
        shaken(tls.End(world, of, alone, server=False, target=TARGET), tls.End(world, of, inbound, server=True, flags=EXTENDED))

    def test_expiry_is_the_certificates(self):
        held = credssp.server().credential
        assert held.expiry > datetime.now(UTC)

    @pytest.mark.parametrize(
        ("named", "policy", "kind", "status"),
        [
            ("saved", {}, "saved", None),
            ("saved", {"deny_saved": frozenset({"*"})}, "saved", "SEC_E_DELEGATION_POLICY"),
            ("", {"default_credential": "saved"}, "default", "SEC_E_DELEGATION_POLICY"),
            ("", {"default_credential": "saved", "allow_default": frozenset({"*"})}, "default", None),
        ],
    )
    def test_saved_and_default_credentials(self, named, policy, kind, status):
        world = credssp.a_world(CredSspPolicy(**policy), saved=ALICE)
        client = credssp.client(Named(named) if named else None, world=world)
        assert client.credential.kind.value == kind
        if status:
            assert fails(shaken, client).status.name == status
        else:
            assert shaken(client)[1].query(A.CREDS).secret == ALICE

    def test_automatic_credentials_are_not_used_against_the_flag(self):
        world = credssp.a_world(CredSspPolicy(allow_default=frozenset({"*"}), default_credential="saved"), saved=ALICE)
        client = credssp.client(None, world=world, flags=DELEGATE | {ContextFlag.USE_SUPPLIED_CREDS})
        assert fails(client.leg).status is SecurityStatus.SEC_E_NO_CREDENTIALS

    @pytest.mark.parametrize(
        ("secret", "use", "status"),
        [
            (
                CredSspPair(Schannel(settings=SchannelSettings(protocols=("DTLSv1.2",))), ALICE),
                CredentialUse.OUTBOUND,
                "SEC_E_UNKNOWN_CREDENTIALS",
            ),
            (CredSspPair(Named("user"), ALICE), CredentialUse.OUTBOUND, "SEC_E_UNKNOWN_CREDENTIALS"),
            (CredSspPair(Schannel(), None), CredentialUse.INBOUND, "SEC_E_NO_CREDENTIALS"),
            (NtHash("alice", "", b"short"), CredentialUse.OUTBOUND, "SEC_E_UNKNOWN_CREDENTIALS"),
        ],
    )
    def test_credentials_that_cannot_be_used(self, secret, use, status):
        world = credssp.a_world(user=ALICE)
        assert fails(credssp.acquire, world, credssp.a_package(), secret, use).status.name == status

    def test_nt_hash_logs_on_and_cannot_be_delegated(self):
        from sspid.packages.ntlm import crypto

        secret = NtHash("alice", "DOMAIN", crypto.nt_hash(PASSWORD))
        assert fails(credssp.client(secret).leg).status is SecurityStatus.SEC_E_NO_CREDENTIALS
        shaken(credssp.client(secret, flags=EXTENDED))

    def test_nobody_cannot_log_on(self):
        assert fails(shaken, credssp.client(Anonymous(), flags=EXTENDED)).status is SecurityStatus.SEC_E_LOGON_DENIED

    def test_no_session_is_resumed(self):
        world, of = credssp.a_world(), credssp.a_package()
        client = credssp.client(world=world, of=of)
        server = credssp.server()
        for _ in range(2):
            again = replace(client, state=None, steps=[]), replace(server, state=None, steps=[])
            shaken(*again)
            assert not again[0].query(A.SESSION_INFO).reconnected

    def test_roles_do_not_mix(self):
        client, server = shaken()
        legs = [
            (client.package.accept_security_context, client),
            (server.package.initialize_security_context, server),
        ]
        for function, end in legs:
            failure = fails(end.world.run, function(end.state, Leg(end.credential, (token(b""),))))
            assert failure.status is SecurityStatus.SEC_E_INVALID_HANDLE
