"""Whole SPNEGO handshakes: choice, MICs, fallback, bare tokens, server first; NTLM inside, and a scripted second mechanism."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec import structs

from sspid.packages.contract import CredentialRequest, SecurityPackage, Step
from sspid.packages.negotiate import mechanisms, package, tokens
from sspid.packages.negotiate.policy import NegotiatePolicy
from sspid.packages.negotiate.tokens import NegState
from sspid.packages.ntlm import crypto, messages
from sspid.packages.ntlm import package as ntlm_package
from sspid.packages.ntlm.policy import NtlmPolicy
from sspid.packages.questions import Account
from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.buffers import token, token_in
from sspid.vocabulary.credentials import CredentialUse, Keytab, NtHash, Password
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import NO_FLAGS, ContextFlag
from sspid.vocabulary.names import Capability, PackageInfo
from sspid.vocabulary.status import SecurityStatus
from sspid_testing.ends import End, shake

pytestmark = [pytest.mark.negotiate, pytest.mark.legs]
F = ContextFlag
PROTECTED = frozenset({F.INTEGRITY, F.CONFIDENTIALITY})
HASH = crypto.nt_hash("Passw0rd")
ALICE = Account("alice", "DOMAIN", HASH)
COMPLETE, OPTIMISTIC, IN_PROGRESS, DIRECT = range(4)


@dataclass
class ScriptedCredential:
    use: CredentialUse = CredentialUse.BOTH
    expiry: None = None


class Scripted(SecurityPackage):
    """A mechanism of as many legs as told, whose tokens and signatures are its leg numbers; speaks for Kerberos' place only."""

    info = PackageInfo("Kerberos", "scripted", Capability.INTEGRITY, 1, 16, 100)

    def __init__(self, legs=2, failure=None, says=b"", deleted=None):
        self.legs, self.failure, self.says, self.deleted = legs, failure, says, deleted

    async def acquire_credentials_handle(self, request):
        return ScriptedCredential(request.use)

    async def _leg(self, state, leg, first):
        if self.failure:
            output = (token(self.says),) if self.says else ()
            raise SspiError(SecurityStatus[self.failure], "As scripted.", output=output)
        number = first if state is None else state + 2
        if leg.token != (b"leg %d" % (number - 1) if number else b""):
            raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, f"Leg {number} got {leg.token!r}.")
        last = number >= self.legs - 1
        said = b"leg %d" % number if number < self.legs else b""
        output = (token(said),) if said else ()
        done = SecurityStatus.SEC_E_OK if last else SecurityStatus.SEC_I_CONTINUE_NEEDED
        return Step(done, number, output=output, granted=NO_FLAGS, established=last)

    async def initialize_security_context(self, state, leg):
        return await self._leg(state, leg, 0)

    async def accept_security_context(self, state, leg):
        return await self._leg(state, leg, 1)

    async def make_mechlist_mic(self, state, mech_list):
        del state
        return b"MIC" + mech_list

    async def verify_mechlist_mic(self, state, mech_list, mic):
        del state
        if mic != b"MIC" + mech_list:
            raise SspiError(SecurityStatus.SEC_E_MESSAGE_ALTERED, "Scripted MIC.")

    def delete_security_context(self, state):
        if self.deleted is not None:
            self.deleted.append(state)


def ends(flags=PROTECTED, *, password="Passw0rd", client_kerberos=None, server_kerberos=None):
    client = End(
        package(ntlm=ntlm_package(), kerberos=client_kerberos),
        Password("alice", "DOMAIN", password),
        flags=frozenset(flags),
        target="HTTP/server.domain.test",
    )
    server = End(package(ntlm=ntlm_package(), kerberos=server_kerberos), accepts=True)
    server.world.accounts["alice"] = ALICE
    return client, server


def names(end):
    return [step.status.name.removeprefix("SEC_") for step in end.steps]


def info(end):
    found = end.query(ContextAttribute.NEGOTIATION_INFO)
    return found.package_name, found.state


def refusal(call, *given):
    with pytest.raises(SspiError) as caught:
        call(*given)
    return caught.value


def rewritten(received, **changes):
    """A NegTokenResp with fields changed."""
    reply = tokens.read_response(received)._replace(**changes)
    return tokens.write_response(*reply)


# NTLM inside


def test_ntlm_legs_statuses_and_states():
    client, server = ends()
    first = client.step()
    assert info(client) == ("NTLM", OPTIMISTIC)
    second = server.step(first)
    assert info(server) == ("NTLM", IN_PROGRESS)
    reply = tokens.read_response(second)
    assert (reply.state, reply.mechanism) == (NegState.ACCEPT_INCOMPLETE, mechanisms.NTLM)
    third = client.step(second)
    assert info(client) == ("NTLM", IN_PROGRESS)
    fourth = server.step(third)
    assert client.step(fourth) == b""
    assert names(client) == ["I_CONTINUE_NEEDED", "I_CONTINUE_NEEDED", "E_OK"]
    assert names(server) == ["I_CONTINUE_NEEDED", "E_OK"]
    assert info(client) == info(server) == ("NTLM", COMPLETE)
    assert tokens.read_response(third).mech_list_mic
    assert tokens.read_response(fourth)[:2] == (NegState.ACCEPT_COMPLETED, None)
    assert tokens.read_response(fourth).mech_list_mic


def test_messages_after_the_mic_count_from_one():
    client, server = ends()
    shake(client, server)
    for _ in range(2):
        data, signature = client.encrypt(b"there")
        assert server.decrypt(data, signature) == b"there"
        assert client.decrypt(*server.encrypt(b"back")) == b"back"
    client, server = ends()
    shake(client, server)
    assert client.encrypt(b"there")[1][12:] == b"\x01\0\0\0"


def test_vector_of_the_key_stream_around_the_mic():
    vector = json.loads((Path(__file__).parents[1] / "vectors/ntlm/mechlist_mic.json").read_text("utf-8"))
    client, server = ends()
    client.world.randoms = [bytes(8) + bytes.fromhex(vector["exported_session_key"])]
    sent = shake(client, server)
    assert tokens.read_response(sent[2]).mech_list_mic == bytes.fromhex(vector["client_mic"])
    assert tokens.read_response(sent[3]).mech_list_mic == bytes.fromhex(vector["server_mic"])
    data, signature = client.encrypt("Plaintext".encode("utf-16-le"))
    assert (data.hex(), signature.hex()) == (vector["sealed"], vector["signature"])


def test_everything_after_the_handshake_is_the_packages():
    client, server = ends()
    shake(client, server)
    identity = server.world.run(server.package.query_security_context_token(server.state))
    assert (identity.name, identity.domain) == ("alice", "DOMAIN")
    assert client.query(ContextAttribute.SESSION_KEY) == server.query(ContextAttribute.SESSION_KEY)
    assert client.query(ContextAttribute.SIZES).security_trailer == 16
    server.verify(b"x", client.sign(b"x"))
    for end in (client, server):
        end.state = end.world.run(
            end.package.import_security_context(end.world.run(end.package.export_security_context(end.state)))
        )
    assert server.decrypt(*client.encrypt(b"moved")) == b"moved"


def test_integrity_is_asked_for_unless_refused():
    client, _ = ends(())
    assert messages.read_negotiate(tokens.read_init(client.step()).mech_token or b"").flags & 0x10
    client, server = ends({F.NO_INTEGRITY})
    assert not messages.read_negotiate(tokens.read_init(client.step()).mech_token or b"").flags & 0x10
    client, server = ends({F.NO_INTEGRITY})
    sent = shake(client, server)
    assert [tokens.read_response(reply).mech_list_mic for reply in sent[1:4]] == [None] * 3


def test_wrong_password_passes_through_and_rejects_where_asked():
    client, server = ends(password="wrong")
    error = refusal(shake, client, server)
    assert (error.status, error.output) == (SecurityStatus.SEC_E_LOGON_DENIED, ())
    client, server = ends(password="wrong")
    server.flags = frozenset({F.EXTENDED_ERROR})
    error = refusal(shake, client, server)
    assert error.status is SecurityStatus.SEC_E_LOGON_DENIED
    reject = token_in(error.output)
    assert tokens.read_response(reject).state is NegState.REJECT
    assert refusal(client.step, reject).status is SecurityStatus.SEC_E_LOGON_DENIED


# The mechListMIC


@pytest.mark.parametrize("mic", [None, b"\x01" + bytes(15), b"short"])
def test_clients_mic_removed_or_altered(mic):
    client, server = ends()
    third = client.step(server.step(client.step()))
    error = refusal(server.step, rewritten(third, mech_list_mic=mic))
    expected = "SEC_E_INVALID_TOKEN" if mic == b"short" else "SEC_E_MESSAGE_ALTERED"
    assert error.status.name == expected


@pytest.mark.parametrize("mic", [None, b"\x01" + bytes(15)])
def test_acceptors_mic_removed_or_altered(mic):
    client, server = ends()
    fourth = server.step(client.step(server.step(client.step())))
    assert refusal(client.step, rewritten(fourth, mech_list_mic=mic)).status is SecurityStatus.SEC_E_MESSAGE_ALTERED


def test_altered_list_of_mechanisms_is_found():
    client, server = ends(client_kerberos=Scripted(), server_kerberos=Scripted())
    first = client.step()
    read = tokens.read_init(first)
    assert read.mechanisms == (mechanisms.MS_KERBEROS, mechanisms.KERBEROS, mechanisms.NTLM)
    only_ntlm = tokens.write_init(tokens.mech_list((mechanisms.NTLM,)), b"")
    second = server.step(only_ntlm)
    third = client.step(second)
    fourth = server.step(third)
    error = refusal(lambda: server.step(client.step(fourth)))
    assert error.status is SecurityStatus.SEC_E_MESSAGE_ALTERED


def test_mic_that_repeats_the_token_counts_as_missing():
    client, server = ends()
    third = client.step(server.step(client.step()))
    reply = tokens.read_response(third)
    error = refusal(server.step, rewritten(third, mech_list_mic=reply.token))
    assert error.status is SecurityStatus.SEC_E_MESSAGE_ALTERED


# Choice


def test_acceptor_without_the_first_mechanism_requests_the_mic():
    deleted: list[int] = []
    client, server = ends(client_kerberos=Scripted(deleted=deleted))
    sent = shake(client, server)
    first = tokens.read_response(sent[1])
    assert first == (NegState.REQUEST_MIC, mechanisms.NTLM, None, None)
    assert names(client) == ["I_CONTINUE_NEEDED", "I_CONTINUE_NEEDED", "I_CONTINUE_NEEDED", "E_OK"]
    assert info(client) == info(server) == ("NTLM", COMPLETE)
    assert deleted == [0]
    assert server.decrypt(*client.encrypt(b"x")) == b"x"


@pytest.mark.parametrize("legs", [1, 2, 3, 4])
def test_first_mechanism_taken_needs_no_mic(legs):
    client, server = ends(client_kerberos=Scripted(legs), server_kerberos=Scripted(legs))
    sent = shake(client, server)
    assert info(client) == info(server) == ("Kerberos", COMPLETE)
    replies = [tokens.read_response(reply) for reply in sent[1:] if reply]
    assert replies[0].mechanism == mechanisms.MS_KERBEROS
    assert all(reply.mechanism is None for reply in replies[1:])
    # With an odd number of tokens the initiator speaks last; it then waits for the acceptor's word.
    assert client.done


@pytest.mark.parametrize("legs", [1, 2, 3, 4])
def test_requested_mic_is_exchanged_both_ways(legs):
    client, server = ends(client_kerberos=Scripted(legs), server_kerberos=Scripted(legs))
    first = tokens.read_init(client.step())
    # As a client that prefers what nobody here speaks: its optimistic token is for that.
    listed = tokens.mech_list((mechanisms.NEGO_EX, *first.mechanisms))
    client.state = _relisted(client.state, listed, (mechanisms.NEGO_EX, *first.mechanisms))
    second = server.step(tokens.write_init(listed, b"NEGOEXTS"))
    assert tokens.read_response(second)[:3] == (NegState.REQUEST_MIC, mechanisms.MS_KERBEROS, None)
    received, sent = tokens.write_response(None, None, first.mech_token), []
    if legs == 1:
        received = tokens.write_response(None, None, first.mech_token, b"MIC" + listed)
    client.state = _told_to_mic(client.state, sent=legs == 1)
    while not (client.done and server.done):
        received = server.step(received)
        sent.append(received)
        if not (client.done and server.done):
            received = client.step(received)
            sent.append(received)
    mics = [tokens.read_response(reply).mech_list_mic for reply in sent if reply]
    assert [mic for mic in mics if mic] == [b"MIC" + listed] * (1 if legs == 1 else 2)


def _relisted(state, listed, offer):
    return structs.replace(state, mech_list=listed, offer=offer)


def _told_to_mic(state, *, sent):
    return structs.replace(state, mic_required=True, answered=True, mic_sent=sent)


def test_unknown_mechanisms_and_nego_ex_are_passed_over():
    _, server = ends()
    client = End(ntlm_package(), Password("alice", "DOMAIN", "Passw0rd"), flags=PROTECTED)
    offer = (mechanisms.NEGO_EX, bytes.fromhex("06032a0304"), mechanisms.NTLM)
    reply = tokens.read_response(server.step(tokens.write_init(tokens.mech_list(offer), b"NEGOEXTS junk")))
    assert reply == (NegState.REQUEST_MIC, mechanisms.NTLM, None, None)
    challenge = tokens.read_response(server.step(tokens.write_response(None, None, client.step()))).token
    answer = client.step(challenge)
    listed = tokens.mech_list(offer)
    mic = client.world.run(client.package.make_mechlist_mic(client.state, listed))
    server.step(tokens.write_response(None, None, answer, mic))
    assert server.done


def test_no_common_mechanism():
    _, server = ends()
    offer = tokens.write_init(tokens.mech_list((mechanisms.NEGO_EX,)), b"x")
    error = refusal(server.step, offer)
    assert (error.status, error.output) == (SecurityStatus.SEC_E_INVALID_TOKEN, ())
    server.flags = frozenset({F.EXTENDED_ERROR})
    error = refusal(server.step, offer)
    reject = tokens.read_response(token_in(error.output))
    assert reject.state is NegState.REJECT
    client, _ = ends()
    client.step()
    assert refusal(client.step, token_in(error.output)).status is SecurityStatus.SEC_E_INVALID_TOKEN


def test_mechanism_with_something_to_say_says_it_in_the_reject():
    failing = Scripted(failure="SEC_E_TIME_SKEW", says=b"KRB-ERROR")
    client, server = ends(client_kerberos=Scripted(), server_kerberos=failing)
    error = refusal(shake, client, server)
    assert error.status is SecurityStatus.SEC_E_TIME_SKEW
    reply = tokens.read_response(token_in(error.output))
    assert (reply.state, reply.token) == (NegState.REJECT, b"KRB-ERROR")


# Fallback, credentials, policy


@pytest.mark.parametrize(
    "status", ["SEC_E_TARGET_UNKNOWN", "SEC_E_NO_AUTHENTICATING_AUTHORITY", "SEC_E_NO_CREDENTIALS", "STATUS_NOT_SUPPORTED"]
)
def test_falls_back_to_ntlm(status):
    client, server = ends(client_kerberos=Scripted(failure=status), server_kerberos=Scripted())
    assert tokens.read_init(client.step()).mechanisms == (mechanisms.NTLM,)
    client, server = ends(client_kerberos=Scripted(failure=status), server_kerberos=Scripted())
    shake(client, server)
    assert info(client) == ("NTLM", COMPLETE)


@pytest.mark.parametrize("status", ["SEC_E_LOGON_DENIED", "SEC_E_TIME_SKEW"])
def test_other_failures_do_not_fall_back(status):
    client, _ = ends(client_kerberos=Scripted(failure=status))
    assert refusal(client.step).status.name == status


def test_where_nothing_can_begin_the_preferred_mechanism_says_why():
    client, _ = ends(client_kerberos=Scripted(failure="SEC_E_TARGET_UNKNOWN"))
    client.world.policies["NTLM"] = NtlmPolicy(enabled=False)
    assert refusal(client.step).status is SecurityStatus.SEC_E_TARGET_UNKNOWN


def test_credentials_choose_the_mechanism():
    client, _ = ends()
    client.secret = NtHash("alice", "DOMAIN", HASH)
    assert tokens.read_init(client.step()).mechanisms == (mechanisms.NTLM,)
    client, _ = ends()
    client.secret = Keytab(data=b"x")
    assert refusal(client.step).status is SecurityStatus.SEC_E_UNKNOWN_CREDENTIALS


def test_policy_chooses_the_mechanism():
    client, server = ends(client_kerberos=Scripted(), server_kerberos=Scripted())
    client.world.policies["Negotiate"] = NegotiatePolicy(("ntlm", "kerberos"))
    offered = tokens.read_init(client.step()).mechanisms
    assert offered == (mechanisms.NTLM, mechanisms.MS_KERBEROS, mechanisms.KERBEROS)
    client, server = ends(client_kerberos=Scripted(), server_kerberos=Scripted())
    server.world.policies["Negotiate"] = NegotiatePolicy(("ntlm",))
    shake(client, server)
    assert info(server) == ("NTLM", COMPLETE)
    client, _ = ends()
    client.world.policies["Negotiate"] = NegotiatePolicy(("kerberos",))
    assert refusal(client.step).status is SecurityStatus.SEC_E_NO_CREDENTIALS


def test_a_credential_waits_for_no_mechanism_that_policy_keeps_out():
    client, _ = ends(client_kerberos=Scripted())
    request = CredentialRequest(CredentialUse.OUTBOUND, Password("alice", "DOMAIN", "Passw0rd"))
    both = client.world.run(client.package.acquire_credentials_handle(request))
    client.world.policies["Negotiate"] = NegotiatePolicy(("ntlm",))
    one = client.world.run(client.package.acquire_credentials_handle(request))
    assert (set(both.parts), set(one.parts)) == ({"kerberos", "ntlm"}, {"ntlm"})


# Bare tokens and server first


def test_bare_ntlm_is_answered_bare():
    _, server = ends()
    client = End(ntlm_package(), Password("alice", "DOMAIN", "Passw0rd"), flags=PROTECTED)
    second = server.step(client.step())
    assert second.startswith(b"NTLMSSP\0")
    assert info(server) == ("NTLM", DIRECT)
    assert server.step(client.step(second)) == b""
    assert info(server) == ("NTLM", COMPLETE)
    assert server.decrypt(*client.encrypt(b"bare")) == b"bare"


def test_bare_kerberos_reaches_its_package():
    _, server = ends(server_kerberos=Scripted(failure="SEC_E_LOGON_DENIED"))
    bare = b"\x60\x0d" + mechanisms.KERBEROS + b"\x01\x00"
    assert refusal(server.step, bare).message == "As scripted."
    _, server = ends()
    assert refusal(server.step, bare).status is SecurityStatus.SEC_E_INVALID_TOKEN


def test_server_first():
    client, server = ends(client_kerberos=Scripted())
    hint = server.step()
    assert info(server) == ("Negotiate", IN_PROGRESS)
    assert tokens.read_init(hint).mechanisms == (mechanisms.NTLM,)
    first = client.step(hint)
    assert tokens.read_init(first).mechanisms == (mechanisms.NTLM,)
    client.step(server.step(client.step(server.step(first))))
    assert client.done
    assert server.done
    assert names(server) == ["I_CONTINUE_NEEDED", "I_CONTINUE_NEEDED", "E_OK"]


def test_server_first_with_nothing_in_common_and_twice_empty():
    client, server = ends()
    hint = tokens.write_hint(tokens.mech_list((mechanisms.KERBEROS,)))
    assert refusal(client.step, hint).status is SecurityStatus.SEC_E_INVALID_TOKEN
    server.step()
    assert refusal(server.step, b"").status is SecurityStatus.SEC_E_INVALID_TOKEN


# What the peer may not do


@pytest.mark.parametrize(
    "reply",
    [
        tokens.write_response(NegState.ACCEPT_INCOMPLETE, mechanisms.KERBEROS, b"x"),
        tokens.write_response(NegState.ACCEPT_INCOMPLETE, mechanisms.NTLM),
        tokens.write_response(NegState.ACCEPT_COMPLETED, mechanisms.NTLM),
        tokens.write_response(NegState.ACCEPT_INCOMPLETE, mechanisms.NTLM, b"not NTLM"),
        b"NTLMSSP\0" + bytes(48),
        b"",
    ],
)
def test_initiator_refuses(reply):
    client, _ = ends()
    client.step()
    assert refusal(client.step, reply).status is SecurityStatus.SEC_E_INVALID_TOKEN


def test_initiator_refuses_completion_before_the_mechanism_is_complete():
    client, server = ends()
    second = server.step(client.step())
    error = refusal(client.step, rewritten(second, state=NegState.ACCEPT_COMPLETED))
    assert error.status is SecurityStatus.SEC_E_INVALID_TOKEN


def test_initiator_ignores_a_repeated_choice():
    client, server = ends()
    fourth = server.step(client.step(server.step(client.step())))
    client.step(rewritten(fourth, mechanism=mechanisms.NTLM))
    assert client.done


def test_acceptor_refuses():
    client, server = ends()
    server.step(client.step())
    reject = tokens.write_response(NegState.REJECT)
    empty = tokens.write_response(None, None, None, b"mic")
    for reply in (reject, empty, b"", client.package.info.name.encode()):
        assert refusal(server.step, reply).status is SecurityStatus.SEC_E_INVALID_TOKEN


def test_before_the_end_and_after_it():
    client, server = ends()
    client.step()
    assert refusal(client.encrypt, b"x").status is SecurityStatus.SEC_E_INVALID_HANDLE
    client, server = ends()
    shake(client, server)
    for end in (client, server):
        assert refusal(end.step, b"x").status is SecurityStatus.SEC_E_INVALID_TOKEN
    assert (
        refusal(server.world.run, server.package.import_security_context(b"junk")).status is SecurityStatus.SEC_E_INVALID_TOKEN
    )


def test_readiness_and_missing_packages():
    assert package().readiness()
    assert package(ntlm=ntlm_package()).readiness() == ""
    client = End(package(), Password("a", "b", "c"))
    assert refusal(client.step).status is SecurityStatus.SEC_E_NO_CREDENTIALS


def test_states_show_no_tokens():
    client, server = ends()
    first = client.step()
    second = server.step(first)
    for end, sent in ((client, first), (server, second)):
        token_text = repr(tokens.read_init(sent).mech_token if end is client else tokens.read_response(sent).token)
        assert token_text[2:-1] not in repr(end.state)
