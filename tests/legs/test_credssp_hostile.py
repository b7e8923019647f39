"""CredSSP under attack and refusal: the right status on both sides, and no credential leaves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sspid.packages import questions
from sspid.packages.contract import CredentialRequest, Leg
from sspid.packages.credssp import binding, credentials, inputs, messages
from sspid.packages.credssp.messages import TsRequest
from sspid.packages.credssp.policy import CredSspPolicy
from sspid.packages.ntlm import package as ntlm_package
from sspid.vocabulary import channel_bindings
from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.buffers import Buffers, BufferType, SecurityBuffer, token_in
from sspid.vocabulary.credentials import CredentialUse, Password, Schannel
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import NO_FLAGS, ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import credssp, tls
from sspid_testing.credssp import ALICE, ANY_VERSION, DELEGATE, EXTENDED, MUTUAL, PASSWORD
from sspid_testing.issuing import Authority

pytestmark = [pytest.mark.credssp, pytest.mark.legs]
KEY, OTHER = b"\x30\x0d" + bytes(range(16)), b"\x30\x0d" + bytes(range(1, 17))
REFUSALS = ("SEC_E_LOGON_DENIED", "SEC_E_INVALID_TOKEN")


def key_buffer(key: bytes) -> Buffers:
    return (SecurityBuffer(BufferType.CHANNEL_BINDINGS, channel_bindings.pack(inputs.PUBLIC_KEY + key)),)


def ends(client_key: bytes = KEY, server_key: bytes = KEY, **more: Any) -> tuple[Any, Any]:
    """Both ends as a third party sees them that ends TLS on either side: TSRequests in clear."""
    rules = more.pop("policy", ANY_VERSION)
    client = credssp.client(policy=more.pop("client_policy", rules), buffers=key_buffer(client_key), **more)
    return client, credssp.server(policy=rules, buffers=key_buffer(server_key))


def status_of(end: Any, data: bytes | None) -> tuple[str, bytes]:
    """The status of a leg and what it sends, failed or not."""
    try:
        step = end.leg(data)
    except SspiError as failure:
        end.state = None
        return failure.status.name, token_in(failure.output)
    return step.status.name, token_in(step.output)


def carried(client: Any, server: Any, alter: Any = lambda at, request: request) -> tuple[str, str, list[TsRequest]]:
    """Carry TSRequests, each as `alter` wants it (None: what was there is dropped), until an end has no more to say."""
    seen: list[TsRequest] = []
    statuses = {id(client): "", id(server): ""}
    status, data = status_of(client, None)
    statuses[id(client)] = status
    for turn in range(12):
        if not data:
            break
        request = messages.read(data)
        seen.append(request)
        changed = alter(turn, request)
        end = (server, client)[turn % 2]
        if statuses[id(end)] not in {"", "SEC_I_CONTINUE_NEEDED"}:
            break
        statuses[id(end)], data = status_of(end, changed if isinstance(changed, bytes) else messages.write(changed))
    return statuses[id(client)], statuses[id(server)], seen


def no_credential_left(seen: list[TsRequest], server: Any) -> bool:
    """Whether nothing was delegated: neither sent nor taken."""
    return all(request.auth_info is None for request in seen) and getattr(server.state, "creds", None) is None


@pytest.mark.parametrize("version", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("settings", [{"protocols": ("TLSv1.2",)}, {"protocols": ("TLSv1.3",)}], ids=["tls1.2", "tls1.3"])
def test_wrong_password_is_told_by_error_code_or_alert(version, settings):
    rules = CredSspPolicy(minimum_version=2, maximum_version=version)
    client = credssp.client(Password("alice", "DOMAIN", "wrong"), policy=rules, settings=settings)
    server = credssp.server(policy=rules)
    said = refused(client, server)
    assert said.status is SecurityStatus.SEC_E_LOGON_DENIED
    heard = status_of(client, token_in(said.output))
    assert heard[0] == "SEC_E_LOGON_DENIED"


def refused(client: Any, server: Any) -> SspiError:
    """Shake until the server refuses."""
    data = token_in(client.leg().output)
    for _ in range(6):
        try:
            data = token_in(server.leg(data).output)
        except SspiError as failure:
            return failure
        data = token_in(client.leg(data).output)
    message = "the server refused nothing"
    raise AssertionError(message)


def test_without_extended_error_nobody_is_told():
    said = refused(credssp.client(Password("alice", "DOMAIN", "wrong")), credssp.server(flags=NO_FLAGS))
    assert not said.output


def test_error_code_is_the_same_for_every_reason():
    codes = set()
    for secret in (Password("alice", "DOMAIN", "wrong"), Password("nobody", "DOMAIN", PASSWORD)):
        client, server = ends(secret=secret)
        _, status, seen = carried(client, server)
        assert status == "SEC_E_LOGON_DENIED"
        codes.add(seen[-1].error_code)
    assert codes == {0xC000006D}


def test_authority_that_cannot_be_reached():
    def away(_question):
        raise SspiError(SecurityStatus.SEC_E_NO_AUTHENTICATING_AUTHORITY, "The authority is away.")

    client, server = ends()
    server.world.answers[questions.LookUpAccount] = away
    assert carried(client, server)[:2] == ("SEC_E_NO_AUTHENTICATING_AUTHORITY",) * 2


class TestThirdParty:
    @pytest.mark.parametrize("version", [2, 3, 4, 5, 6])
    def test_swapped_key_is_found_by_the_server(self, version):
        rules = CredSspPolicy(minimum_version=2, maximum_version=version)
        client, server = ends(client_key=OTHER, policy=rules)
        _, status, seen = carried(client, server)
        assert status == "SEC_E_LOGON_DENIED"
        assert no_credential_left(seen, server)

    @pytest.mark.parametrize("version", [2, 3, 4, 5, 6])
    @pytest.mark.parametrize(("flags", "status"), [(DELEGATE, "SEC_E_WRONG_PRINCIPAL"), (MUTUAL, "SEC_E_MUTUAL_AUTH_FAILED")])
    def test_proof_reflected_to_the_client(self, version, flags, status):
        """The third party answers with the client's own proof, or with none it could make."""
        for proof in (None, b"", b"\x01\0\0\0" + bytes(12), bytes(48)):
            rules = CredSspPolicy(minimum_version=2, maximum_version=version)
            client, server = ends(policy=rules, flags=flags)
            sent: list[TsRequest] = []

            def reflect(turn, request, sent=sent, proof=proof):
                sent.append(request)
                if request.pub_key_auth is not None and turn % 2:
                    return request._replace(pub_key_auth=sent[-2].pub_key_auth if proof is None else proof)
                return request

            found, _, seen = carried(client, server, reflect)
            assert found == status
            assert no_credential_left(seen, server)

    @pytest.mark.parametrize("version", [2, 4, 5, 6])
    def test_proof_of_another_session(self, version):
        rules = CredSspPolicy(minimum_version=2, maximum_version=version)
        recorded = [request for request in carried(*ends(policy=rules))[2] if request.pub_key_auth]
        for turn_of, proof in ((0, recorded[0]), (1, recorded[1])):
            client, server = ends(policy=rules)

            def replay(turn, request, turn_of=turn_of, proof=proof):
                if request.pub_key_auth is None or turn % 2 != turn_of:
                    return request
                return request._replace(pub_key_auth=proof.pub_key_auth, client_nonce=proof.client_nonce)

            found = carried(client, server, replay)
            assert found[turn_of ^ 1] == ("SEC_E_WRONG_PRINCIPAL" if turn_of else "SEC_E_LOGON_DENIED")
            assert no_credential_left(found[2], server)

    @pytest.mark.parametrize("lowered", [2, 3, 4])
    def test_lowered_version_meets_the_floor(self, lowered):
        client, server = ends(policy=CredSspPolicy())
        found = carried(client, server, lambda _, request: request._replace(version=lowered))
        assert found[1] == "SEC_E_UNSUPPORTED_FUNCTION"
        assert no_credential_left(found[2], server)
        client, server = ends(client_policy=CredSspPolicy())
        found = carried(client, server, lambda turn, request: request._replace(version=lowered) if turn % 2 else request)
        assert found[0] == "SEC_E_UNSUPPORTED_FUNCTION"
        assert no_credential_left(found[2], server)

    @pytest.mark.parametrize("to_client", [True, False])
    def test_version_lowered_one_way_breaks_the_proof(self, to_client):
        client, server = ends()
        found = carried(client, server, lambda turn, request: request._replace(version=4) if turn % 2 == to_client else request)
        assert found[1] == ("SEC_E_INVALID_TOKEN" if to_client else "SEC_E_LOGON_DENIED")
        assert no_credential_left(found[2], server)

    def test_unknown_higher_version_is_our_highest(self):
        client, server = ends()
        assert carried(client, server, lambda _, request: request._replace(version=99))[:2] == ("SEC_E_OK", "SEC_E_OK")
        assert client.state.proven.version == 6

    @pytest.mark.parametrize("turn_of", [2, 3, 4])
    def test_version_that_changes_midway(self, turn_of):
        client, server = ends()
        found = carried(client, server, lambda turn, request: request._replace(version=5) if turn == turn_of else request)
        assert found[turn_of % 2 ^ 1] == "SEC_E_INVALID_TOKEN"
        assert turn_of == 4 or no_credential_left(found[2], server)

    @pytest.mark.parametrize(
        ("turn_of", "field", "value", "status"),
        [
            (0, "nego_token", None, "SEC_E_INVALID_TOKEN"),
            (0, "nego_token", b"NTLMSSP\0", "SEC_E_INVALID_TOKEN"),
            (0, "auth_info", b"x", "SEC_E_INVALID_TOKEN"),
            (0, "pub_key_auth", b"x", "SEC_E_INVALID_TOKEN"),
            (1, "nego_token", None, "SEC_E_INVALID_TOKEN"),
            (1, "pub_key_auth", b"x", "SEC_E_INVALID_TOKEN"),
            (1, "auth_info", b"x", "SEC_E_INVALID_TOKEN"),
            (2, "client_nonce", None, "SEC_E_INVALID_TOKEN"),
            (2, "client_nonce", b"short", "SEC_E_INVALID_TOKEN"),
            (2, "client_nonce", bytes(32), "SEC_E_LOGON_DENIED"),
            (2, "pub_key_auth", b"", "SEC_E_LOGON_DENIED"),
            (2, "auth_info", b"x", "SEC_E_INVALID_TOKEN"),
            (3, "pub_key_auth", None, "SEC_E_INVALID_TOKEN"),
            (3, "nego_token", None, "SEC_E_INVALID_TOKEN"),
            (3, "error_code", 0xC000006D, "SEC_E_LOGON_DENIED"),
            (3, "error_code", 0x00090312, "SEC_E_LOGON_DENIED"),
            (1, "error_code", 0xC00000BB, "SEC_E_UNSUPPORTED_FUNCTION"),
            (4, "auth_info", None, "SEC_E_INVALID_TOKEN"),
            (4, "auth_info", b"", "SEC_E_INVALID_TOKEN"),
            (4, "auth_info", bytes(64), "SEC_E_INVALID_TOKEN"),
            (4, "pub_key_auth", b"x", "SEC_E_INVALID_TOKEN"),
        ],
    )
    def test_fields_taken_out_or_put_in(self, turn_of, field, value, status):
        client, server = ends()
        found = carried(
            client, server, lambda turn, request: request._replace(**{field: value}) if turn == turn_of else request
        )
        assert found[turn_of % 2 ^ 1] == status
        assert getattr(server.state, "creds", None) is None
        assert turn_of == 4 or no_credential_left(found[2], server)

    @pytest.mark.parametrize("version", [4, 6])
    def test_every_byte_of_every_request_changed(self, version):
        """Nothing but SspiError leaves a leg, and the server ends with the client's credentials or none."""
        rules = CredSspPolicy(minimum_version=2, maximum_version=version)
        lengths = [len(messages.write(request)) for request in carried(*ends(policy=rules))[2]]
        for turn_of, length in enumerate(lengths):
            for at in range(0, length, 3):
                client, server = ends(policy=rules)

                def change(turn, request, turn_of=turn_of, at=at):
                    if turn != turn_of:
                        return request
                    data = bytearray(messages.write(request))
                    data[at % len(data)] ^= 0x41
                    return bytes(data)

                found = carried(client, server, change)
                given = getattr(server.state, "creds", None)
                assert given in (None, credentials.PasswordCreds("DOMAIN", "alice", PASSWORD)), (turn_of, at)
                assert (found[1] == "SEC_E_OK") == (given is not None)

    def test_context_without_encryption_proves_nothing(self):
        """An authenticated client that agreed on no SEAL could be anybody's: its dummy signatures verify."""
        _, server = ends()
        ntlm, world = ntlm_package(), server.world
        held = world.run(ntlm.acquire_credentials_handle(CredentialRequest(CredentialUse.OUTBOUND, ALICE)))
        step = world.run(ntlm.initialize_security_context(None, Leg(held, (), NO_FLAGS)))
        challenge = messages.read(token_in(server.leg(messages.write(TsRequest(6, token_in(step.output)))).output))
        step = world.run(
            ntlm.initialize_security_context(
                step.state, Leg(held, (SecurityBuffer(BufferType.TOKEN, challenge.nego_token or b""),), NO_FLAGS)
            )
        )
        proof = b"\x01" + bytes(15) + binding.from_client(6, bytes(32), KEY)
        request = messages.write(TsRequest(6, token_in(step.output), pub_key_auth=proof, client_nonce=bytes(32)))
        assert status_of(server, request)[0] == "SEC_E_LOGON_DENIED"


class TestOverTls:
    def test_certificate_swapped_by_one_who_ends_tls(self):
        """The client trusts the third party's certificate, and still sends it nothing."""
        client = credssp.client(flags=MUTUAL)
        front = credssp.server(certificate=tls.issued())
        real = credssp.server(buffers=key_buffer(KEY))
        both = token_in(client.leg(token_in(front.leg(token_in(client.leg().output)).output)).output)
        start = 6 if both[0] == 20 else 0
        end = start + 5 + int.from_bytes(both[start + 3 : start + 5], "big")
        client.leg(token_in(front.leg(both[:end]).output))
        assert self.relayed(client, front, real, both[end:]) == ("SEC_E_LOGON_DENIED", "SEC_E_LOGON_DENIED")

    @staticmethod
    def relayed(client, front, real, data):
        """Relay what the front's TLS gives to the real server, and its answers back, as the third party would."""
        channel = front.state.channel
        for _ in range(6):
            received = front.world.run(channel.receive(data))
            server_status, answer = status_of(real, received.request)
            client_status, data = status_of(client, front.world.run(channel.send(answer)))
            if client_status != "SEC_I_CONTINUE_NEEDED":
                break
        return client_status, server_status

    @pytest.mark.parametrize(
        ("certificate", "flags", "policy", "status"),
        [
            ("own", MUTUAL, {}, "SEC_E_MUTUAL_AUTH_FAILED"),
            ("name", MUTUAL, {}, "SEC_E_MUTUAL_AUTH_FAILED"),
            ("own", DELEGATE, {}, None),
            ("own", DELEGATE, {"allow_fresh_ntlm_only": frozenset()}, "SEC_E_POLICY_NLTM_ONLY"),
            ("name", DELEGATE, {"allow_fresh_ntlm_only": frozenset()}, "SEC_E_POLICY_NLTM_ONLY"),
            ("good", MUTUAL, {"allow_fresh_ntlm_only": frozenset()}, None),
            ("good", DELEGATE, {"deny_fresh": frozenset({"TERMSRV/*"})}, "SEC_E_DELEGATION_POLICY"),
            ("good", DELEGATE, {"allow_fresh": frozenset({"WSMAN/*"})}, "SEC_E_DELEGATION_POLICY"),
            ("own", EXTENDED, {"deny_fresh": frozenset({"*"})}, None),
        ],
    )
    @pytest.mark.parametrize("settings", [{"protocols": ("TLSv1.2",)}, {"protocols": ("TLSv1.3",)}], ids=["tls1.2", "tls1.3"])
    def test_how_the_server_proved_itself_decides(self, certificate, flags, policy, status, settings):
        certificates = {
            "good": tls.issued(), "name": tls.issued("other.example.test"), "own": Authority().issue(tls.HOST).pem(),
        }  # fmt: skip
        client = credssp.client(flags=flags, policy=CredSspPolicy(**policy), settings=settings)
        server = credssp.server(certificate=certificates[certificate])
        if status is None:
            tls.shake(client, server)
            trusted = client.query(ContextAttribute.CERT_TRUST_STATUS).value == 0
            assert trusted is (certificate == "good")
            assert (ContextFlag.MUTUAL_AUTH in client.steps[-1].granted) is trusted
            return
        with pytest.raises(SspiError) as caught:
            tls.shake(client, server)
        assert caught.value.status.name == status
        assert caught.value.detail is None or caught.value.detail.ntstatus is None
        # The server hears of it by an alert, and never got a credential.
        assert status_of(server, token_in(caught.value.output))[0] == "SEC_E_LOGON_DENIED"

    @pytest.mark.parametrize("closing", ["client", "server"])
    def test_peer_that_closes_midway(self, closing):
        client, server = credssp.client(settings={"protocols": ("TLSv1.2",)}), credssp.server()
        data = token_in(client.leg().output)
        for _ in range(2):
            data = token_in(client.leg(token_in(server.leg(data).output)).output)
        challenge = token_in(server.leg(data).output)
        if closing == "server":
            client.leg(challenge)
        one, other = (client, server) if closing == "client" else (server, client)
        channel = one.state.channel
        order = (SecurityBuffer(BufferType.TOKEN, b"\1\0\0\0"),)
        one.world.run(channel.package.apply_control_token(channel.state, order))
        notify = token_in(one.world.run(channel.leg(b"", NO_FLAGS)).output)
        assert status_of(other, notify)[0] == "SEC_E_LOGON_DENIED"

    @pytest.mark.parametrize("settings", [{"protocols": ("TLSv1.2",)}, {"protocols": ("TLSv1.3",)}], ids=["tls1.2", "tls1.3"])
    def test_every_record_changed(self, settings):
        """A changed byte in any token ends the exchange on the side that reads it; nothing is delegated."""
        for turn_of in range(9):
            for place in (0, 1, 3, 4, 5, 9, -1):
                client, server = credssp.client(settings=settings), credssp.server()
                data, statuses = token_in(client.leg().output), ["", ""]
                for turn in range(10):
                    if turn == turn_of and data:
                        changed = bytearray(data)
                        changed[place] ^= 0x55
                        data = bytes(changed)
                    end = (server, client)[turn % 2]
                    statuses[turn % 2], data = status_of(end, data)
                    if statuses[turn % 2] != "SEC_I_CONTINUE_NEEDED":
                        break
                assert getattr(server.state, "creds", None) is None or turn_of >= turn

    @pytest.mark.parametrize(
        "data", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\0\x05hello", b"\x03\0\0\x13\x0e\xe0", b"\x30\x05"]
    )
    def test_first_bytes_that_are_no_tls(self, data):
        assert status_of(credssp.server(), data)[0] in {"SEC_E_INVALID_TOKEN", "SEC_E_ILLEGAL_MESSAGE"}

    def test_failing_tls_is_told_by_its_alert(self):
        client, server = (
            credssp.client(settings={"protocols": ("TLSv1.2",)}),
            credssp.server(settings={"protocols": ("TLSv1.3",)}),
        )
        status, alert = status_of(server, token_in(client.leg().output))
        assert status == "SEC_E_ALGORITHM_MISMATCH"
        assert status_of(client, alert)[0] == "SEC_E_UNSUPPORTED_FUNCTION"


class TestCalls:
    @pytest.mark.parametrize(
        "flag",
        [
            "DATAGRAM",
            "PROMPT_FOR_CREDS",
            "NULL_SESSION",
            "USE_DCE_STYLE",
            "USE_SESSION_KEY",
            "IDENTIFY",
            "MESSAGES",
            "NO_INTEGRITY",
        ],
    )
    def test_flags_that_are_refused(self, flag):
        client = credssp.client(flags=DELEGATE | {ContextFlag[flag]})
        assert status_of(client, None)[0] == "SEC_E_UNSUPPORTED_FUNCTION"

    def test_server_asks_for_no_certificate(self):
        server = credssp.server(flags=EXTENDED | {ContextFlag.MUTUAL_AUTH})
        assert status_of(server, token_in(credssp.client().leg().output))[0] == "SEC_E_UNSUPPORTED_FUNCTION"

    def test_first_call_takes_no_token(self):
        assert status_of(credssp.client(), b"token")[0] == "SEC_E_INVALID_TOKEN"

    def test_delegation_needs_a_target(self):
        assert status_of(credssp.client(target=""), None)[0] == "SEC_E_TARGET_UNKNOWN"

    def test_no_target_without_delegation(self):
        tls.shake(credssp.client(target="", flags=EXTENDED), credssp.server())

    def test_no_credential(self):
        assert status_of(credssp.client(None), None)[0] == "SEC_E_NO_CREDENTIALS"

    def test_supplied_credentials_without_the_flag(self):
        buffer = SecurityBuffer(BufferType.PKG_PARAMS, credentials.write(credentials.EMPTY))
        assert status_of(credssp.client(buffers=(buffer,)), None)[0] == "SEC_E_INVALID_TOKEN"

    def test_supplied_credentials_that_are_none(self):
        buffer = SecurityBuffer(BufferType.PKG_PARAMS, b"none")
        client = credssp.client(flags=DELEGATE | {ContextFlag.USE_SUPPLIED_CREDS}, buffers=(buffer,))
        assert status_of(client, None)[0] == "SEC_E_INVALID_TOKEN"

    def test_credential_without_schannel_part(self):
        server = credssp.server()
        held = replace(server.credential, tls=None)
        assert status_of(replace(server, credential=held), token_in(credssp.client().leg().output))[0] == "SEC_E_NO_CREDENTIALS"

    def test_later_credential_without_schannel_part(self):
        client, server = credssp.client(), credssp.server()
        flight = token_in(server.leg(token_in(client.leg().output)).output)
        with pytest.raises(SspiError) as caught:
            client.leg(flight, credential=replace(client.credential, tls=None))
        assert caught.value.status is SecurityStatus.SEC_E_NO_CREDENTIALS

    @pytest.mark.parametrize("network", [True, False])
    def test_target_data_representation_changes_nothing(self, network):
        client = credssp.client()
        step = client.world.run(
            client.package.initialize_security_context(
                None, Leg(client.credential, (), DELEGATE, credssp.TARGET, network_data_rep=network)
            )
        )
        assert step.status is SecurityStatus.SEC_I_CONTINUE_NEEDED

    @pytest.mark.parametrize("again", ["certificate", "supplied"])
    def test_server_that_asks_for_a_certificate(self, again):
        """No CredSSP server may, and a TLS server in its place does: SEC_I_INCOMPLETE_CREDENTIALS, then either way on."""
        client = credssp.client(settings={"protocols": ("TLSv1.2",)})
        asking = tls.server(flags=frozenset({ContextFlag.MUTUAL_AUTH, ContextFlag.EXTENDED_ERROR}))
        flight = token_in(asking.leg(token_in(client.leg().output)).output)
        step = client.leg(flight)
        assert step.status is SecurityStatus.SEC_I_INCOMPLETE_CREDENTIALS
        assert client.query(ContextAttribute.ISSUER_LIST_EX).issuers
        if again == "supplied":
            step = client.leg(flight, flags=DELEGATE | {ContextFlag.USE_SUPPLIED_CREDS})
        else:
            part = Schannel((tls.issued("alice"),), tls.settings(protocols=("TLSv1.2",)))
            held = credssp.client(schannel=part, of=client.package, world=client.world).credential
            step = client.leg(flight, credential=held)
        assert step.status is SecurityStatus.SEC_I_CONTINUE_NEEDED
        assert token_in(step.output)
