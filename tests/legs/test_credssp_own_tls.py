"""CredSSP for callers that own their TLS: bare TSRequests, and the server's key in a buffer."""

from __future__ import annotations

import pytest

from sspid.packages.credssp import binding, inputs
from sspid.vocabulary import channel_bindings
from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.buffers import BufferType, SecurityBuffer, token_in
from sspid.vocabulary.credentials import (
    CredentialUse,
    CredSspPair,
)
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import credssp, tls
from sspid_testing.credssp import ALICE, EXTENDED, MUTUAL, fails, found, shaken

pytestmark = [pytest.mark.credssp, pytest.mark.legs]
A = ContextAttribute


class TestOwnTls:
    """The second form: the caller owns its TLS, tokens are bare TSRequests, the server's key comes in a buffer."""

    KEY = b"\x30\x0d" + bytes(range(16))

    def buffers(self, key=KEY):
        return (SecurityBuffer(BufferType.CHANNEL_BINDINGS, channel_bindings.pack(inputs.PUBLIC_KEY + key)),)

    def pair(self, **more):
        client = credssp.client(policy=credssp.ANY_VERSION, buffers=self.buffers(), **more)
        server = credssp.server(policy=credssp.ANY_VERSION, buffers=self.buffers())
        return client, server

    def test_both_roles(self):
        client, server = shaken(*self.pair())
        assert client.statuses == ["SEC_I_CONTINUE_NEEDED", "SEC_I_CONTINUE_NEEDED", "SEC_E_OK"]
        assert server.query(A.CREDS).secret == ALICE
        assert token_in(client.steps[0].output).startswith(b"\x30")

    def test_whole_certificate_instead_of_its_key(self):
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import Encoding

        der = x509.load_pem_x509_certificate(tls.issued().certificate_pem).public_bytes(Encoding.DER)
        whole = SecurityBuffer(BufferType.CHANNEL_BINDINGS, channel_bindings.pack(inputs.CERTIFICATE + der))
        client = credssp.client(buffers=(whole,))
        server = credssp.server(buffers=self.buffers(binding.public_key(der)))
        shaken(client, server)

    def test_no_schannel_part_is_needed(self):
        world = credssp.a_world()
        of = credssp.a_package()
        held = credssp.acquire(world, of, CredSspPair(None, None), CredentialUse.INBOUND)
        server = tls.End(world, of, held, server=True, flags=EXTENDED, buffers=self.buffers())
        shaken(credssp.client(buffers=self.buffers()), server)

    def test_another_key_is_found_out(self):
        client, _ = self.pair(flags=MUTUAL)
        server = credssp.server(buffers=self.buffers(self.KEY + b"other"))
        failure = fails(tls.shake, client, server)
        assert failure.status is SecurityStatus.SEC_E_LOGON_DENIED

    def test_messages_are_the_callers(self):
        client, server = shaken(*self.pair())
        for action in (lambda: client.seal(b"x"), lambda: server.open(b"x"), lambda: client.query(A.STREAM_SIZES), client.leg):
            assert fails(action).status is SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION

    def test_part_of_a_request_waits_for_the_rest(self):
        client, server = self.pair()
        first = token_in(client.leg().output)
        for end in range(1, len(first)):
            step = server.leg(first[:end])
            assert step.status is SecurityStatus.SEC_E_INCOMPLETE_MESSAGE
            assert server.state is None
            assert 0 < found(step.input, BufferType.MISSING).size <= len(first) - end
        assert server.leg(first).status is SecurityStatus.SEC_I_CONTINUE_NEEDED

    def test_bytes_after_a_request_are_extra(self):
        client, server = self.pair()
        step = server.leg(token_in(client.leg().output) + b"more")
        assert found(step.input, BufferType.EXTRA).size == 4

    @pytest.mark.parametrize(
        "data",
        [
            b"short",
            *map(channel_bindings.pack, (b"tls-unique:x", inputs.PUBLIC_KEY, inputs.CERTIFICATE + b"no certificate")),
            channel_bindings.pack(inputs.PUBLIC_KEY + b"k")[:-1],
        ],
    )
    def test_buffers_that_hold_no_key(self, data):
        client = credssp.client(buffers=(SecurityBuffer(BufferType.CHANNEL_BINDINGS, data),))
        assert fails(client.leg).status is SecurityStatus.SEC_E_INVALID_TOKEN

    def test_not_exported(self):
        client, _ = shaken(*self.pair())
        failure = fails(client.world.run, client.package.export_security_context(client.state))
        assert failure.status is SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION
