"""Whole CredSSP handshakes in memory: both roles, versions, mechanisms, both TLS versions, and what is delegated."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from sspid.packages.contract import Leg, Message
from sspid.packages.credssp import binding, credentials, inputs
from sspid.packages.credssp.credentials import CspData, PackageCreds, RemoteGuardCreds, SmartCardCreds
from sspid.packages.credssp.policy import CredSspPolicy
from sspid.packages.ntlm.policy import NtlmPolicy
from sspid.vocabulary import channel_bindings
from sspid.vocabulary.attributes import ContextAttribute, CredentialAttribute
from sspid.vocabulary.buffers import Buffers, BufferType, SecurityBuffer, find, token, token_in
from sspid.vocabulary.credentials import (
    Anonymous,
    CredentialUse,
    CredSspPair,
    Named,
    NtHash,
    Password,
    Schannel,
    SchannelSettings,
)
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import NO_FLAGS, ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import credssp, tls
from sspid_testing.credssp import ALICE, DELEGATE, EXTENDED, MUTUAL, PASSWORD, TARGET

pytestmark = [pytest.mark.credssp, pytest.mark.legs]
TLS12, TLS13 = {"protocols": ("TLSv1.2",)}, {"protocols": ("TLSv1.3",)}
A = ContextAttribute


def shaken(client: Any = None, server: Any = None) -> tuple[Any, Any]:
    client, server = client or credssp.client(), server or credssp.server()
    tls.shake(client, server)
    return client, server


def found(buffers: Buffers, kind: BufferType) -> Any:
    """The buffer of that kind, or None."""
    return find(buffers, kind)


def fails(action: Any, *arguments: Any, **named: Any) -> SspiError:
    with pytest.raises(SspiError) as caught:
        action(*arguments, **named)
    return caught.value


@pytest.mark.parametrize(("settings", "legs"), [(TLS12, 5), (TLS13, 4)], ids=["tls1.2", "tls1.3"])
def test_both_roles_and_messages_after_it(settings, legs):
    client, server = shaken(credssp.client(settings=settings))
    assert client.statuses == ["SEC_I_CONTINUE_NEEDED"] * (legs - 1) + ["SEC_E_OK"]
    assert server.statuses == client.statuses
    assert token_in(client.steps[-1].output)
    assert not token_in(server.steps[-1].output)
    assert server.open(client.seal(b"to the server")).buffers[0].data == b"to the server"
    assert client.open(server.seal(b"to the client")).buffers[0].data == b"to the client"


def test_messages_in_windows_shape():
    client, server = shaken(credssp.client(settings=TLS12))
    sizes = client.query(A.STREAM_SIZES)
    sealed = client.seal_in_place(b"framed", header=sizes.header, trailer=sizes.trailer)
    record = b"".join(sealed[kind].data for kind in (BufferType.STREAM_HEADER, BufferType.DATA, BufferType.STREAM_TRAILER))
    opened = server.open_in_place(record)
    assert found(opened.buffers, BufferType.DATA).data == b"framed"


@pytest.mark.parametrize("theirs", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("ours", [2, 3, 4, 5, 6])
def test_every_pair_of_versions(ours, theirs):
    client = credssp.client(policy=CredSspPolicy(minimum_version=2, maximum_version=ours))
    server = credssp.server(policy=CredSspPolicy(minimum_version=2, maximum_version=theirs))
    shaken(client, server)
    assert client.state.proven.version == server.state.proven.version == min(ours, theirs)
    assert server.query(A.CREDS_2).secret == ALICE


@pytest.mark.parametrize("key", ["RSA", "ECDSA"])
@pytest.mark.parametrize("version", [4, 6])
def test_kinds_of_server_keys(key, version):
    rules = CredSspPolicy(minimum_version=2, maximum_version=version)
    shaken(credssp.client(policy=rules), credssp.server(policy=rules, certificate=tls.issued(key=key)))


def test_ntlm_without_spnego():
    client, server = shaken(credssp.client(policy=CredSspPolicy(bare_ntlm=True)))
    assert client.query(A.NEGOTIATION_PACKAGE).text == server.query(A.NEGOTIATION_PACKAGE).text == "NTLM"
    assert server.query(A.CREDS_2).secret == ALICE


@pytest.mark.parametrize("required", [True, False])
def test_with_and_without_mechlist_mic(required):
    server = credssp.server()
    server.world.policies["NTLM"] = NtlmPolicy(require_mic=required)
    shaken(None, server)


def test_attributes_of_both_ends():
    client, server = shaken()
    assert server.query(A.NAMES).user_name == "DOMAIN\\alice"
    assert client.query(A.NAMES).user_name == "DOMAIN\\alice"
    assert client.query(A.NEGOTIATION_INFO).package_name == "NTLM"
    assert client.query(A.PACKAGE_INFO).name == "CredSSP"
    assert client.query(A.SIZES).max_token == 90567
    assert client.query(A.TARGET).name == TARGET
    assert client.query(A.LIFESPAN).expiry is None
    assert client.query(A.REMOTE_CERT_CONTEXT).der == server.query(A.LOCAL_CERT_CONTEXT).der
    assert client.query(A.CONNECTION_INFO).protocol == "TLSv1.3"
    assert ContextFlag.SEQUENCE_DETECT in client.query(A.FLAGS).flags
    assert server.query(A.C_ACCESS_TOKEN).name == server.query(A.C_FULL_ACCESS_TOKEN).name == "alice"
    assert server.world.run(server.package.query_security_context_token(server.state)).name == "alice"
    assert client.world.run(client.package.query_credentials_attributes(client.credential, CredentialAttribute.NAMES))


@pytest.mark.parametrize("attribute", [A.SESSION_KEY, A.KEYING_MATERIAL, A.SUBJECT_SECURITY_ATTRIBUTES, A.REMOTE_CRED])
def test_attributes_that_are_not_there(attribute):
    client, _ = shaken()
    assert fails(client.query, attribute).status is SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION


@pytest.mark.parametrize(
    ("attribute", "of"), [(A.CREDS, 0), (A.C_ACCESS_TOKEN, 0), (A.SERVER_AUTH_FLAGS, 1), (A.CERT_TRUST_STATUS, 1)]
)
def test_attributes_of_the_other_role(attribute, of):
    assert fails(shaken()[of].query, attribute).status is SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION


def test_attributes_before_the_end():
    client = credssp.client()
    client.leg()
    assert fails(client.query, A.NAMES).status is SecurityStatus.SEC_E_INVALID_HANDLE
    assert fails(client.query, A.STREAM_SIZES).status is SecurityStatus.SEC_E_INVALID_HANDLE
    assert client.query(A.PACKAGE_INFO).name == "CredSSP"
    assert fails(client.seal, b"early").status is SecurityStatus.SEC_E_INVALID_HANDLE


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


class TestFraming:
    @pytest.mark.parametrize("settings", [TLS12, TLS13], ids=["tls1.2", "tls1.3"])
    def test_every_token_byte_by_byte(self, settings):
        """SEC_E_INCOMPLETE_MESSAGE until a record is whole leaves the context as it was; then it goes on."""
        client, server = credssp.client(settings=settings), credssp.server()
        data, ends = token_in(client.leg().output), (server, client)
        for turn in range(12):
            end = ends[turn % 2]
            if end.steps and end.steps[-1].status is SecurityStatus.SEC_E_OK:
                break
            data = self.trickle(end, data)
        assert client.statuses[-1] == server.statuses[-1] == "SEC_E_OK"

    def trickle(self, end, data):
        """Give the end ever more of `data`; return what it sends."""
        sent, start, stop = b"", 0, min(1, len(data))
        while True:
            step = end.leg(data[start:stop])
            if step.status is SecurityStatus.SEC_E_INCOMPLETE_MESSAGE:
                assert found(step.input, BufferType.MISSING).size >= 1
            else:
                left = found(step.input, BufferType.EXTRA)
                start = stop - (left.size if left else 0)
                sent += token_in(step.output)
            if stop == len(data):
                return sent
            stop += 1

    def test_request_split_over_records(self):
        client, server = credssp.client(settings=TLS12), credssp.server()
        for _ in range(2):
            server.leg(token_in(client.leg(token_in(server.steps[-1].output) if server.steps else None).output))
        channel_step = client.leg(token_in(server.steps[-1].output))
        opened = server.state.channel.package
        plain = server.world.run(
            opened.decrypt_message(
                server.state.channel.state, Message((SecurityBuffer(BufferType.DATA, token_in(channel_step.output)),))
            )
        )
        request = plain.buffers[0].data
        records = b"".join(
            client.world.run(client.state.channel.send(request[at : at + 7])) for at in range(0, len(request), 7)
        )
        middle = len(records) // 2
        first = server.leg(records[:middle])
        assert first.status is SecurityStatus.SEC_I_CONTINUE_NEEDED
        assert not token_in(first.output)
        left = found(first.input, BufferType.EXTRA)
        assert left is not None
        second = server.leg(records[middle - left.size :])
        assert token_in(second.output)

    def test_application_data_behind_the_last_token_is_extra(self):
        client, server = credssp.client(), credssp.server()
        data = b""
        while client.statuses[-1:] != ["SEC_E_OK"]:
            data = token_in(client.leg(data or None).output)
            if client.statuses[-1] != "SEC_E_OK":
                data = token_in(server.leg(data).output)
        record = client.seal(b"at once")
        step = server.leg(data + record)
        assert step.status is SecurityStatus.SEC_E_OK
        assert found(step.input, BufferType.EXTRA).size == len(record)
        assert server.open(record).buffers[0].data == b"at once"

    def test_server_that_answers_the_finished_before_the_first_request(self):
        """TLS 1.3: the client's Finished may come alone, and is answered all the same, as lockstep clients need."""
        client, server = credssp.client(settings=TLS13), credssp.server()
        flight = token_in(server.leg(token_in(client.leg().output)).output)
        both = token_in(client.leg(flight).output)
        finished = both[: self.first_records(both)]
        step = server.leg(finished)
        assert step.status is SecurityStatus.SEC_I_CONTINUE_NEEDED
        passed = client.leg(token_in(step.output))
        assert not token_in(passed.output)
        data = token_in(server.leg(both[len(finished) :]).output)
        while client.statuses[-1] != "SEC_E_OK":
            data = token_in(server.leg(token_in(client.leg(data).output)).output)
        assert server.statuses[-1] == "SEC_E_OK"

    @staticmethod
    def first_records(data):
        """Where the Finished ends, with a ChangeCipherSpec before it or not."""
        at = 6 if data[0] == 20 else 0
        return at + 5 + int.from_bytes(data[at + 3 : at + 5], "big")

    def test_one_request_is_one_record(self):
        client, server = shaken(credssp.client(settings=TLS12))
        for step in (*client.steps[2:], *server.steps[2:]):
            sent = token_in(step.output)
            assert not sent or 5 + int.from_bytes(sent[3:5], "big") == len(sent)


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
