"""NTLM messages: what is written is read back, wherever the payload lies; what lies outside is refused."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspid.packages.contract import CredentialRequest
from sspid.packages.ntlm import av_pairs, crypto, messages, package
from sspid.packages.ntlm import negotiate_flags as nf
from sspid.vocabulary.attributes import CredentialAttribute
from sspid.vocabulary.credentials import Anonymous, CredentialUse, Keytab, Named, NtHash, Password
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus
from sspid_testing.world import FixedWorld

pytestmark = pytest.mark.ntlm
UNICODE = nf.UNICODE
names = st.text(st.characters(min_codepoint=32, codec="utf-8"), max_size=20)


@given(names, names, names, st.binary(max_size=40), st.binary(max_size=400), st.binary(max_size=16), st.booleans())
def test_authenticate_comes_back(domain, user, workstation, lm, nt, key, mic):
    encoded = (messages.encode(domain, UNICODE), messages.encode(user, UNICODE), messages.encode(workstation, UNICODE))
    data = messages.write_authenticate(UNICODE, encoded, lm, nt, key, mic=mic)
    read = messages.read_authenticate(data, 0)
    assert read[:7] == (UNICODE, lm, nt, domain, user, workstation, key)
    blank = messages.mic_of(data, read)
    assert (blank == bytes(16)) if mic and read.payload >= 88 else True
    if mic:
        assert messages.with_mic(data, b"m" * 16)[72:88] == b"m" * 16


@given(st.binary(max_size=40), st.binary(max_size=200), st.binary(min_size=8, max_size=8), st.integers(0, 2**32 - 1))
def test_challenge_comes_back(name, info, challenge, flags):
    data = messages.write_challenge(flags | nf.TARGET_INFO, challenge, name, info)
    assert messages.read_challenge(data) == (flags | nf.TARGET_INFO, challenge, name, info)


@given(st.integers(0, 2**32 - 1))
def test_negotiate_comes_back(flags):
    flags &= ~(nf.OEM_DOMAIN_SUPPLIED | nf.OEM_WORKSTATION_SUPPLIED)
    assert messages.read_negotiate(messages.write_negotiate(flags)).flags == flags


@given(st.lists(st.tuples(st.integers(1, 40).filter(lambda kind: kind not in {6, 7, 10}), st.binary(max_size=60)), max_size=8))
def test_av_pairs_come_back_and_are_extended(pairs):
    data = b"".join(av_pairs.pair(kind, value) for kind, value in pairs) + av_pairs.END
    found, end = av_pairs.read(data + b"after")
    assert end == len(data) - 4
    first: dict[int, bytes] = {}
    for kind, value in pairs:
        first.setdefault(kind, value)
    assert found == first
    again, _ = av_pairs.read(av_pairs.extended(data, found, end, 2, b"SPN!", bytes(16)))
    assert again[av_pairs.TARGET_NAME] == b"SPN!"
    assert {kind: value for kind, value in again.items() if kind not in {6, 9, 10}} == {
        kind: value for kind, value in first.items() if kind != 9
    }


def test_longest_av_pair_and_one_too_long():
    data = av_pairs.pair(1, bytes(0xFFFF)) + av_pairs.END
    assert len(av_pairs.read(data)[0][1]) == 0xFFFF
    with pytest.raises(SspiError):
        av_pairs.pair(1, bytes(0x10000))


def test_old_messages_without_version_or_mic():
    negotiate = struct.pack("<8sII", messages.SIGNATURE, 1, 0x207)
    assert messages.read_negotiate(negotiate).flags == 0x207
    challenge = struct.pack("<8sIHHII8s", messages.SIGNATURE, 2, 0, 0, 32, UNICODE, b"12345678")
    assert messages.read_challenge(challenge).target_info == b""
    user = "u".encode("utf-16-le")
    fields = struct.pack("<HHIHHIHHIHHIHHI", 0, 0, 52, 0, 0, 52, 0, 0, 52, 2, 2, 52, 0, 0, 52)
    read = messages.read_authenticate(struct.pack("<8sI", messages.SIGNATURE, 3) + fields + user, UNICODE)
    assert (read.user, read.flags, read.encrypted_session_key, read.payload) == ("u", UNICODE, b"", 52)


def test_oem_names():
    data = messages.write_authenticate(nf.OEM, (b"DOM", "é".encode("cp437"), b"WS"), b"", b"", b"")
    assert messages.read_authenticate(data, UNICODE).user == "é"


def _authenticate(**changes):
    """An AUTHENTICATE message with one descriptor changed: (offset of the descriptor, length, offset of the field)."""
    data = bytearray(messages.write_authenticate(UNICODE, (b"D\0", b"u\0", b"W\0"), bytes(24), bytes(60), bytes(16)))
    at, length, offset = changes["descriptor"]
    struct.pack_into("<HHI", data, at, length, length, offset)
    return bytes(data)


@pytest.mark.parametrize("at", [12, 20, 28, 36, 44, 52])
@pytest.mark.parametrize(("length", "offset"), [(8, 5000), (0xFFFF, 100), (8, 0xFFFFFFFF), (4, 8)])
def test_fields_outside_the_message(at, length, offset):
    data = _authenticate(descriptor=(at, length, offset))
    if offset == 8 and at == 52:
        # With its payload so early the message has no session key to look for.
        data = _authenticate(descriptor=(20, length, offset))
    with pytest.raises(SspiError) as caught:
        messages.read_authenticate(data, 0)
    assert caught.value.status is SecurityStatus.SEC_E_INVALID_TOKEN


@pytest.mark.parametrize(
    ("read", "data"),
    [
        (messages.read_negotiate, b""),
        (messages.read_negotiate, b"NTLMSSP\0\x01\0\0"),
        (messages.read_negotiate, b"NTLMSSP\0\x01\0\0\0"),
        (messages.read_negotiate, b"NTLMSSP\0\x02\0\0\0" + bytes(40)),
        (messages.read_negotiate, struct.pack("<8sIIHHIHHI", messages.SIGNATURE, 1, 0x1000, 9, 9, 99, 0, 0, 0)),
        (messages.read_challenge, b"NTLMSSP\0\x01\0\0\0" + bytes(40)),
        (messages.read_challenge, b"NTLMSSP\0\x02\0\0\0" + bytes(10)),
        (messages.read_challenge, struct.pack("<8sIHHII8s", messages.SIGNATURE, 2, 0, 0, 32, nf.TARGET_INFO, b"12345678")),
        (lambda data: messages.read_authenticate(data, 0), b"NTLMSSP\0\x03\0\0\0" + bytes(30)),
        (lambda data: messages.read_authenticate(data, 0), b"NTLMSSP\0\x01\0\0\0" + bytes(60)),
        (av_pairs.read, b""),
        (av_pairs.read, b"\x01\0\x04\0ab"),
        (av_pairs.read, b"\0\0\x01\0"),
        (av_pairs.read, b"\x06\0\x02\0ab\0\0\0\0"),
        (av_pairs.text, b"odd"),
        (av_pairs.text, b"\x00\xd8"),
    ],
)
def test_malformed_messages(read, data):
    with pytest.raises(SspiError) as caught:
        read(data)
    assert caught.value.status is SecurityStatus.SEC_E_INVALID_TOKEN
    assert "malformed" in caught.value.message


@pytest.mark.parametrize("user", [b"a\0\n\0", b"a\0\0\0", b"odd", b"\x00\xd8"])
def test_names_no_account_can_have(user):
    data = messages.write_authenticate(UNICODE, (b"", user, b""), b"", b"", b"")
    with pytest.raises(SspiError) as caught:
        messages.read_authenticate(data, 0)
    assert caught.value.status is SecurityStatus.SEC_E_INVALID_TOKEN


# Credentials


def acquire(secret, use=CredentialUse.OUTBOUND, world=None):
    return (world or FixedWorld()).run(package().acquire_credentials_handle(CredentialRequest(use, secret)))


def test_credentials_keep_the_hash_and_not_the_password():
    held = acquire(Password("alice", "DOM", "Passw0rd"))
    assert held.nt_hash == crypto.nt_hash("Passw0rd")
    assert "Passw0rd" not in repr(held)
    assert held.nt_hash.hex() not in repr(held)
    assert acquire(NtHash("alice", "DOM", held.nt_hash)).nt_hash == held.nt_hash
    assert acquire(Anonymous()).anonymous
    assert acquire(Password("")).anonymous
    assert acquire(None, CredentialUse.INBOUND).nt_hash is None
    query = package().query_credentials_attributes(held, CredentialAttribute.NAMES)
    assert FixedWorld().run(query).user_name == "DOM\\alice"


def test_named_credential():
    from sspid.packages.questions import FindNamedCredential

    world = FixedWorld(answers={FindNamedCredential: lambda _: Password("svc", "DOM", "x")})
    assert acquire(Named("one"), world=world).user == "svc"


@pytest.mark.parametrize("secret", [Keytab(data=b"x"), NtHash("u", "D", b"short"), NtHash("u")])
def test_unusable_credentials(secret):
    with pytest.raises(SspiError) as caught:
        acquire(secret)
    assert caught.value.status is SecurityStatus.SEC_E_UNKNOWN_CREDENTIALS


def test_no_default_credential():
    with pytest.raises(SspiError) as caught:
        acquire(None)
    assert caught.value.status is SecurityStatus.SEC_E_NO_CREDENTIALS


def test_inbound_credential_cannot_initiate():
    from sspid.packages.contract import Leg

    leg = Leg(acquire(None, CredentialUse.BOTH))
    with pytest.raises(SspiError) as caught:
        FixedWorld().run(package().initialize_security_context(None, leg))
    assert caught.value.status is SecurityStatus.SEC_E_NO_CREDENTIALS
