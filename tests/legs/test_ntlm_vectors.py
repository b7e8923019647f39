"""The exchanges of [MS-NLMP] 4.2.4 and of today, leg by leg, with the clock and the nonces of the vector handed in."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sspid.packages.contract import Leg
from sspid.packages.ntlm import crypto, messages, package, policy
from sspid.packages.ntlm.acceptor import AuthenticateExpected
from sspid.packages.questions import Account, Machine
from sspid.vocabulary import channel_bindings
from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.buffers import BufferType, SecurityBuffer, token, token_in
from sspid.vocabulary.credentials import Password
from sspid.vocabulary.flags import ContextFlag
from sspid_testing.ends import End
from sspid_testing.world import FixedWorld

pytestmark = [pytest.mark.ntlm, pytest.mark.legs]
VECTORS = json.loads((Path(__file__).parents[1] / "vectors/ntlm/ms_nlmp.json").read_text("utf-8"))
COMMON, MODERN, V2 = VECTORS["common"], VECTORS["modern"], VECTORS["ntlmv2"]
PROTECTED = frozenset({ContextFlag.INTEGRITY, ContextFlag.CONFIDENTIALITY})


def unhex(text):
    return bytes.fromhex(text)


RANDOM_KEY = unhex(COMMON["random_session_key"])
ACCOUNTS = {"user": Account("User", "Domain", crypto.nt_hash("Password"))}


def initiator():
    world = FixedWorld(randoms=[unhex(COMMON["client_challenge"]) + RANDOM_KEY], machine=Machine(COMMON["workstation"]))
    secret = Password(COMMON["user"], COMMON["domain"], COMMON["password"])
    return End(package(), secret, world, PROTECTED, MODERN["spn"], unhex(MODERN["application_data"]))


def acceptor(state=None):
    names = Machine("Server", "Domain", "server.domain.test", "domain.test")
    world = FixedWorld(randoms=[unhex(COMMON["server_challenge"])], machine=names, accounts=ACCOUNTS)
    return End(package(), None, world, bindings=unhex(MODERN["application_data"]), accepts=True, state=state)


def expecting(negotiate, challenge, bindings=channel_bindings.NO_BINDINGS):
    flags = messages.read_challenge(challenge).flags
    return AuthenticateExpected(
        negotiate, challenge, unhex(COMMON["server_challenge"]), flags, policy.DEFAULT, PROTECTED, bindings
    )  # fmt: skip


def test_initiator_sends_the_modern_exchange():
    client = initiator()
    assert client.step().hex() == MODERN["negotiate"]
    assert client.step(unhex(MODERN["challenge"])).hex() == MODERN["authenticate"]
    assert client.query(ContextAttribute.SESSION_KEY).key == RANDOM_KEY


def test_acceptor_sends_the_modern_challenge():
    stamp = int.from_bytes(unhex(MODERN["timestamp"]), "little")
    server = acceptor()
    server.world.now = datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=stamp // 10)
    challenge = server.step(unhex(MODERN["negotiate"]))
    # The clock tells whole microseconds, the vector's stamp ends between two of them: its last digit is 6, ours 0.
    exact = challenge.replace((stamp // 10 * 10).to_bytes(8, "little"), stamp.to_bytes(8, "little"))
    assert exact.hex() == MODERN["challenge"]


def test_acceptor_judges_the_modern_exchange():
    server = acceptor(expecting(unhex(MODERN["negotiate"]), unhex(MODERN["challenge"])))
    assert server.step(unhex(MODERN["authenticate"])) == b""
    assert server.done
    assert server.query(ContextAttribute.SESSION_KEY).key == RANDOM_KEY
    assert server.query(ContextAttribute.CLIENT_SPECIFIED_TARGET).name == MODERN["spn"]
    assert server.query(ContextAttribute.NAMES).user_name == r"Domain\User"


def test_acceptor_judges_the_published_exchange_without_mic():
    server = acceptor(expecting(b"", unhex(V2["challenge"])))
    server.bindings = b""
    server.step(unhex(V2["authenticate"]))
    assert server.query(ContextAttribute.SESSION_KEY).key == RANDOM_KEY
    plain = unhex(COMMON["plaintext"])
    assert server.decrypt(unhex(V2["sealed"]), unhex(V2["signature"])) == plain
    assert server.encrypt(plain) == (unhex(V2["server_sealed"]), unhex(V2["server_signature"]))


def test_published_messages_are_written_byte_for_byte():
    names = tuple(name.encode("utf-16-le") for name in (COMMON["domain"], COMMON["user"], COMMON["workstation"]))
    message = messages.write_authenticate(
        int(V2["authenticate_flags"], 16), names, unhex(V2["lm_response"]), unhex(V2["proof"]) + unhex(V2["temp"]),
        unhex(V2["encrypted_session_key"]), mic=False, version=unhex(V2["authenticate_version"]),
    )  # fmt: skip
    assert message.hex() == V2["authenticate"]
    parsed = messages.read_authenticate(message, 0)
    assert (parsed.user, parsed.domain, parsed.workstation, parsed.payload) == ("User", "Domain", "COMPUTER", 72)
    assert messages.mic_of(message, parsed) is None


@pytest.mark.parametrize("name", ["ntlmv1", "ntlmv2"])
def test_published_challenges_are_read(name):
    challenge = messages.read_challenge(unhex(VECTORS[name]["challenge"]))
    assert challenge.flags == int(VECTORS[name]["flags"], 16)
    assert challenge.server_challenge.hex() == COMMON["server_challenge"]
    assert challenge.target_name == "Server".encode("utf-16-le")
    assert bool(challenge.target_info) == (name == "ntlmv2")


def test_bindings_hash_is_the_vectors():
    blob = channel_bindings.pack(unhex(MODERN["application_data"]))
    assert channel_bindings.binding_hash((SecurityBuffer(BufferType.CHANNEL_BINDINGS, blob),)).hex() == MODERN["bindings"]


def test_a_leg_takes_bindings_given_with_the_first_token_only():
    client = initiator()
    client.step()
    step = client.world.run(
        client.package.initialize_security_context(
            client.state, Leg(client.credential, (token(unhex(MODERN["challenge"])),), PROTECTED, MODERN["spn"])
        )
    )
    assert token_in(step.output).hex() == MODERN["authenticate"]
