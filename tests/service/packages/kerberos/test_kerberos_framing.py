"""The frame of Kerberos tokens: what passes to MIT's library, and that nothing but a status comes of the rest."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyasn1.codec.der import encoder
from pyasn1.type import tag, univ

from sspid.packages.kerberos import framing
from sspid.packages.kerberos.framing import KRB5, Kind
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

pytestmark = pytest.mark.kerberos
MS_KRB5 = bytes.fromhex("06092a864882f712010202")
SPNEGO = bytes.fromhex("06062b0601050502")
USER_TO_USER = bytes.fromhex("060a2a864886f71201020203")


def element(first: int, content: bytes) -> bytes:
    """An element as pyasn1 writes it."""
    shape = tag.tagFormatConstructed if first & 0x20 else tag.tagFormatSimple
    kind = tag.Tag(first & 0xC0, shape, first & 0x1F)
    written: bytes = encoder.encode(univ.OctetString(content).subtype(implicitTag=kind))
    return bytes([first]) + written[1:]


def frame(kind: Kind, content: bytes = b"\x30\x00", mechanism: bytes = KRB5) -> bytes:
    return element(0x60, mechanism + kind.token_id + element(kind.tag, content))


def outcome(token: bytes) -> int:
    """How long the token is that passed, or the status that refused it."""
    try:
        return len(framing.read(token, *Kind).data)
    except SspiError as refused:
        return refused.status


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("length", [0, 2, 127, 128, 255, 256, 60000])
def test_every_message_passes_in_its_frame_and_bare(kind, length):
    framed = frame(kind, bytes(length))
    assert framing.read(framed, *Kind) == (framed, kind, False)
    bare = element(kind.tag, bytes(length))
    assert framing.read(bare, *Kind) == (bare, kind, True)


def test_windows_identifier_becomes_the_one_mit_knows():
    assert framing.read(frame(Kind.AP_REQ, mechanism=MS_KRB5), Kind.AP_REQ).data == frame(Kind.AP_REQ)


@pytest.mark.parametrize(
    "token",
    [
        b"", b"\x60", b"\x60\x00", b"\x60\x80", b"\x60\x84", b"\x60\x85\0\0\0\0\0", b"\x6e", b"\x6e\x01", b"NTLMSSP\0",
        frame(Kind.AP_REQ, mechanism=SPNEGO), frame(Kind.AP_REQ) + b"\0", frame(Kind.AP_REQ)[:-1], frame(Kind.AP_REP),
        element(0x60, KRB5), element(0x60, KRB5 + b"\x01"), element(0x60, KRB5 + b"\x01\x00"),
        element(0x60, KRB5 + b"\x01\x00\x6f\x00"), element(0x60, KRB5 + b"\x02\x00\x6e\x00"),
        element(0x6E, bytes(framing.MAX_TOKEN)),
    ],
)  # fmt: skip
def test_what_is_no_ap_req(token):
    with pytest.raises(SspiError) as refused:
        framing.read(token, Kind.AP_REQ)
    assert refused.value.status is SecurityStatus.SEC_E_INVALID_TOKEN


def test_user_to_user_has_a_status_of_its_own():
    with pytest.raises(SspiError) as refused:
        framing.read(element(0x60, USER_TO_USER + b"\4\0"), Kind.AP_REQ)
    assert refused.value.status is SecurityStatus.SEC_E_NO_TGT_REPLY


@given(st.binary(max_size=64), st.sampled_from([b"", b"\x60", b"\x60\x0e" + KRB5, b"\x6e", b"\x60\x82\x00\x20" + KRB5]))
@example(b"\x82\x00\x00", b"\x60")
def test_arbitrary_bytes_pass_whole_or_are_refused(data, prefix):
    assert outcome(prefix + data) in {
        len(prefix + data), SecurityStatus.SEC_E_INVALID_TOKEN, SecurityStatus.SEC_E_NO_TGT_REPLY,
    }  # fmt: skip
