"""Established CredSSP contexts: closed, keyed anew, exported, deleted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.buffers import token_in
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import credssp
from sspid_testing.credssp import PASSWORD, TLS12, TLS13, fails, shaken

pytestmark = [pytest.mark.credssp, pytest.mark.legs]
A = ContextAttribute


class TestAfterSuccess:
    @pytest.mark.parametrize("settings", [TLS12, TLS13], ids=["tls1.2", "tls1.3"])
    def test_shutdown(self, settings):
        client, server = shaken(credssp.client(settings=settings))
        client.control(1)
        record = token_in(client.leg().output)
        assert server.open(record).status is SecurityStatus.SEC_I_CONTEXT_EXPIRED
        assert fails(client.seal, b"late").status is SecurityStatus.SEC_E_CONTEXT_EXPIRED

    def test_calling_again_authenticates_tls_again(self):
        client, server = shaken(credssp.client(settings=TLS13))
        step = client.leg()
        assert step.status is SecurityStatus.SEC_E_OK
        update = token_in(step.output)
        met = server.open(update)
        assert met.status is SecurityStatus.SEC_I_RENEGOTIATE
        answer = token_in(server.leg(update).output)
        assert client.open(answer).status is SecurityStatus.SEC_I_RENEGOTIATE
        client.leg(answer)
        assert server.open(client.seal(b"fresh keys")).buffers[0].data == b"fresh keys"

    def test_only_an_acceptor_proves_an_identity(self):
        client, _ = shaken()
        failure = fails(client.world.run, client.package.query_security_context_token(client.state))
        assert failure.status is SecurityStatus.SEC_E_NO_IMPERSONATION

    def test_later_tokens_have_no_place(self):
        client, server = shaken()
        assert fails(client.leg, server.seal(b"data")).status is SecurityStatus.SEC_E_INVALID_TOKEN

    @pytest.mark.parametrize("settings", [TLS12, TLS13], ids=["tls1.2", "tls1.3"])
    def test_export_and_import_without_what_was_delegated(self, settings):
        client, server = shaken(credssp.client(settings=settings))
        packed = server.world.run(server.package.export_security_context(server.state))
        assert PASSWORD.encode("utf-16-le") not in packed
        assert PASSWORD.encode() not in packed
        moved = replace(server, state=server.world.run(server.package.import_security_context(packed)))
        assert moved.open(client.seal(b"after the move")).buffers[0].data == b"after the move"
        assert moved.query(A.NAMES).user_name == "DOMAIN\\alice"
        assert moved.state.proven == server.state.proven
        assert fails(moved.query, A.CREDS).status is SecurityStatus.SEC_E_NO_CREDENTIALS

    @pytest.mark.parametrize(
        "packed", [b"", b"sspid CredSSP 1\n", b"sspid CredSSP 1\n\0\0\0\2{}", b"sspid CredSSP 1\n\xff\xff\xff\xff"]
    )
    def test_import_of_anything_else(self, packed):
        client = credssp.client()
        failure = fails(client.world.run, client.package.import_security_context(packed))
        assert failure.status is SecurityStatus.SEC_E_INVALID_TOKEN

    def test_delete_at_every_stage(self):
        client, server = credssp.client(), credssp.server()
        data: bytes | None = None
        for _ in range(4):
            data = token_in(client.leg(data).output)
            client.package.delete_security_context(client.state)
            data = token_in(server.leg(data).output)
            server.package.delete_security_context(server.state)
        client.package.free_credentials_handle(client.credential)
