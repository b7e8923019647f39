"""[MS-NLMP] 4.2: every hash, response, key and signature of the examples."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sspid.crypto.decrepit.rc4 import rc4
from sspid.packages.ntlm import crypto
from sspid.packages.ntlm import negotiate_flags as nf
from sspid.packages.ntlm.session import Direction

pytestmark = pytest.mark.ntlm
VECTORS = json.loads((Path(__file__).parents[3] / "vectors/ntlm/ms_nlmp.json").read_text("utf-8"))
COMMON, V1, V1E, V2 = (VECTORS[name] for name in ("common", "ntlmv1", "ntlmv1_extended", "ntlmv2"))


def unhex(text):
    return bytes.fromhex(text)


CHALLENGE = unhex(COMMON["server_challenge"])
CLIENT_CHALLENGE = unhex(COMMON["client_challenge"])
RANDOM_KEY = unhex(COMMON["random_session_key"])
PLAIN = unhex(COMMON["plaintext"])
NT = crypto.nt_hash(COMMON["password"])
LM = crypto.lm_hash(COMMON["password"])


def test_hashes():
    assert NT.hex() == V1["nt_hash"]
    assert LM.hex() == V1["lm_hash"]
    assert crypto.ntlmv2_hash(NT, COMMON["user"], COMMON["domain"]).hex() == V2["ntlmv2_hash"]


def test_ntlmv1_responses_and_session_base_key():
    assert crypto.ntlmv1_response(NT, CHALLENGE).hex() == V1["nt_response"]
    assert crypto.ntlmv1_response(LM, CHALLENGE).hex() == V1["lm_response"]
    assert crypto.session_base_key_v1(NT).hex() == V1["session_base_key"]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (0, "encrypted_session_key"),
        (nf.NON_NT_SESSION_KEY, "encrypted_session_key_non_nt"),
        (nf.LM_KEY, "encrypted_session_key_lm_key"),
    ],
)
def test_ntlmv1_key_exchange(flags, expected):
    base = crypto.session_base_key_v1(NT)
    key = crypto.key_exchange_key_v1(flags, base, unhex(V1["lm_response"]), CHALLENGE, LM)
    assert rc4(key, RANDOM_KEY).hex() == V1[expected]


def test_lm_key():
    key = crypto.key_exchange_key_v1(nf.LM_KEY, b"", unhex(V1["lm_response"]), CHALLENGE, LM)
    assert key.hex() == V1["key_exchange_key_lm_key"]


def test_ntlmv1_extended():
    challenge = crypto.ntlmv1_extended_challenge(CHALLENGE, CLIENT_CHALLENGE)
    assert crypto.ntlmv1_response(NT, challenge).hex() == V1E["nt_response"]
    flags = int(V1E["flags"], 16)
    key = crypto.key_exchange_key_v1(flags, crypto.session_base_key_v1(NT), unhex(V1E["lm_response"]), CHALLENGE)
    assert key.hex() == V1E["key_exchange_key"]
    assert crypto.seal_key(flags, key, 0).hex() == V1E["client_seal_key"]
    assert crypto.sign_key(flags, key, 0).hex() == V1E["client_sign_key"]


def test_ntlmv2_responses_and_keys():
    key = crypto.ntlmv2_hash(NT, COMMON["user"], COMMON["domain"])
    pairs = unhex(V2["temp"])[28:-4]
    temp = crypto.ntlmv2_temp(bytes(8), CLIENT_CHALLENGE, pairs)
    assert temp.hex() == V2["temp"]
    proof = crypto.proof(key, CHALLENGE, temp)
    assert proof.hex() == V2["proof"]
    assert (crypto.proof(key, CHALLENGE, CLIENT_CHALLENGE) + CLIENT_CHALLENGE).hex() == V2["lm_response"]
    base = crypto.session_base_key_v2(key, proof)
    assert base.hex() == V2["session_base_key"]
    assert rc4(base, RANDOM_KEY).hex() == V2["encrypted_session_key"]


@pytest.mark.parametrize(("sender", "who"), [(0, "client"), (1, "server")])
def test_ntlmv2_session_keys(sender, who):
    flags = int(V2["flags"], 16)
    assert crypto.sign_key(flags, RANDOM_KEY, sender).hex() == V2[f"{who}_sign_key"]
    assert crypto.seal_key(flags, RANDOM_KEY, sender).hex() == V2[f"{who}_seal_key"]


@pytest.mark.parametrize(
    ("vector", "key", "sender", "sealed", "signature"),
    [
        (V1, RANDOM_KEY, 0, "sealed", "signature"),
        (V1E, unhex(V1E["key_exchange_key"]), 0, "sealed", "signature"),
        (V2, RANDOM_KEY, 0, "sealed", "signature"),
        (V2, RANDOM_KEY, 1, "server_sealed", "server_signature"),
    ],
)
def test_sealed_message(vector, key, sender, sealed, signature):
    flags = int(vector["flags"], 16)
    data, made = Direction(flags, key, sender).seal(PLAIN, PLAIN)
    assert (data.hex(), made.hex()) == (vector[sealed], vector[signature])
    assert Direction(flags, key, sender).unseal(data, made) == PLAIN


def test_mechlist_mic_leaves_the_key_stream():
    vector = json.loads((Path(__file__).parents[3] / "vectors/ntlm/mechlist_mic.json").read_text("utf-8"))
    flags = nf.EXTENDED_SESSION_SECURITY | nf.KEY_128 | nf.KEY_EXCH | nf.SIGN | nf.SEAL
    key, mech_list = unhex(vector["exported_session_key"]), unhex(vector["mech_list"])
    client, server = Direction(flags, key, 0), Direction(flags, key, 1)
    assert client.sign_aside(mech_list).hex() == vector["client_mic"]
    assert server.sign_aside(mech_list).hex() == vector["server_mic"]
    data, signature = client.seal(PLAIN, PLAIN)
    assert (data.hex(), signature.hex()) == (vector["sealed"], vector["signature"])
    peer = Direction(flags, key, 0)
    peer.verify_aside(mech_list, unhex(vector["client_mic"]))
    assert peer.unseal(data, signature) == PLAIN


def test_upper_case_keeps_each_character_one():
    assert crypto.upper("straße") == "STRAßE"
    assert crypto.upper("élan") == "ÉLAN"
    assert crypto.upper("ASCII only") == "ASCII ONLY"


def test_key_bits():
    assert [crypto.key_bits(flags) for flags in (nf.KEY_128 | nf.KEY_56, nf.KEY_56, 0)] == [128, 56, 40]


@pytest.mark.parametrize(("flags", "expected"), [(nf.KEY_56, 8), (0, 8)])
def test_weak_seal_keys_without_extended_session_security(flags, expected):
    key = crypto.seal_key(nf.LM_KEY | flags, RANDOM_KEY, 0)
    assert len(key) == expected
    assert key.endswith(b"\xa0" if flags else b"\xe5\x38\xb0")
