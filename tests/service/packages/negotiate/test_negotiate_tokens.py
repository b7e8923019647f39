"""SPNEGO's tokens: the vectors, and a codec held equal to a pyasn1 schema of RFC 4178."""
# ruff: noqa: N815 - componentType and namedValues are pyasn1's names

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyasn1.codec.der.decoder import decode
from pyasn1.codec.der.encoder import encode
from pyasn1.type import char, namedtype, namedval, tag, univ

from sspid.packages.der import tlv
from sspid.packages.negotiate import der, mechanisms, tokens
from sspid.packages.negotiate.tokens import NegState
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

pytestmark = pytest.mark.negotiate
VECTORS = {
    name: bytes.fromhex(text)
    for name, text in json.loads((Path(__file__).parents[3] / "vectors/negotiate/spnego.json").read_text("utf-8")).items()
}
ALL = (mechanisms.MS_KERBEROS, mechanisms.KERBEROS, mechanisms.NTLM)


def explicit(kind, number):
    return kind.subtype(explicitTag=tag.Tag(tag.tagClassContext, tag.tagFormatConstructed, number))


class MechTypeList(univ.SequenceOf):
    componentType = univ.ObjectIdentifier()


class NegHints(univ.Sequence):
    componentType = namedtype.NamedTypes(
        namedtype.OptionalNamedType("hintName", explicit(char.GeneralString(), 0)),
        namedtype.OptionalNamedType("hintAddress", explicit(univ.OctetString(), 1)),
    )


class NegTokenInit(univ.Sequence):
    componentType = namedtype.NamedTypes(
        namedtype.NamedType("mechTypes", explicit(MechTypeList(), 0)),
        namedtype.OptionalNamedType("reqFlags", explicit(univ.BitString(), 1)),
        namedtype.OptionalNamedType("mechToken", explicit(univ.OctetString(), 2)),
        namedtype.OptionalNamedType("mechListMIC", explicit(univ.OctetString(), 3)),
    )


class NegTokenInit2(univ.Sequence):
    componentType = namedtype.NamedTypes(
        namedtype.NamedType("mechTypes", explicit(MechTypeList(), 0)),
        namedtype.OptionalNamedType("reqFlags", explicit(univ.BitString(), 1)),
        namedtype.OptionalNamedType("mechToken", explicit(univ.OctetString(), 2)),
        namedtype.OptionalNamedType("negHints", explicit(NegHints(), 3)),
        namedtype.OptionalNamedType("mechListMIC", explicit(univ.OctetString(), 4)),
    )


class State(univ.Enumerated):
    namedValues = namedval.NamedValues(*((state.name, int(state)) for state in NegState))


class NegTokenResp(univ.Sequence):
    componentType = namedtype.NamedTypes(
        namedtype.OptionalNamedType("negState", explicit(State(), 0)),
        namedtype.OptionalNamedType("supportedMech", explicit(univ.ObjectIdentifier(), 1)),
        namedtype.OptionalNamedType("responseToken", explicit(univ.OctetString(), 2)),
        namedtype.OptionalNamedType("mechListMIC", explicit(univ.OctetString(), 3)),
    )


def framed(body):
    return tlv(0x60, mechanisms.SPNEGO + body)


def test_vectors_are_written_and_read():
    listed = tokens.mech_list(ALL)
    assert listed == VECTORS["mech_list"]
    assert tokens.write_hint(listed) == VECTORS["hint"]
    init = VECTORS["init_ntlm_prefix"] + VECTORS["ntlm_negotiate"]
    assert tokens.write_init(tokens.mech_list((mechanisms.NTLM,)), VECTORS["ntlm_negotiate"]) == init
    read = tokens.read_init(init)
    assert read == ((mechanisms.NTLM,), tokens.mech_list((mechanisms.NTLM,)), VECTORS["ntlm_negotiate"], None)
    assert tokens.read_init(VECTORS["hint"]) == (ALL, listed, None, None)


oids = st.lists(st.integers(0, 2**40), min_size=1, max_size=6).map(lambda arcs: (1, 3, *arcs))
octets = st.binary(max_size=300)
maybe = st.none() | octets


@given(st.lists(oids, min_size=1, max_size=5), maybe, maybe, st.booleans())
def test_reading_init_agrees_with_the_schema(arcs, token, mic, hinted):
    value = explicit(NegTokenInit2() if hinted else NegTokenInit(), 0)
    value["mechTypes"].extend(univ.ObjectIdentifier(arc) for arc in arcs)
    if token is not None:
        value["mechToken"] = token
    if hinted:
        value["negHints"]["hintName"] = "not_defined_in_RFC4178@please_ignore"
    if mic is not None:
        value["mechListMIC"] = mic
    read = tokens.read_init(framed(encode(value)))
    assert read.mechanisms == tuple(encode(univ.ObjectIdentifier(arc)) for arc in arcs)
    assert read.mech_list == encode(_plain(arcs))
    assert (read.mech_token, read.mech_list_mic) == (token, mic)
    assert tokens.read_init(encode(value)) == read


def _plain(arcs):
    plain = MechTypeList()
    plain.extend(univ.ObjectIdentifier(arc) for arc in arcs)
    return plain


@given(st.lists(oids, min_size=1, max_size=5), st.binary(min_size=1, max_size=300))
def test_writing_init_agrees_with_the_schema(arcs, token):
    listed = tokens.mech_list(tuple(encode(univ.ObjectIdentifier(arc)) for arc in arcs))
    written = tokens.write_init(listed, token)
    start, stop = der.whole(written, 0, len(written), 0x60, "")
    value, rest = decode(written[start + len(mechanisms.SPNEGO) : stop], asn1Spec=explicit(NegTokenInit(), 0))
    assert not rest
    assert [tuple(oid) for oid in value["mechTypes"]] == arcs
    assert bytes(value["mechToken"]) == token
    assert framed(encode(value)) == written


@given(st.none() | st.sampled_from(NegState), st.none() | oids, maybe, maybe)
def test_response_agrees_with_the_schema_both_ways(state, arcs, token, mic):
    value = explicit(NegTokenResp(), 1)
    value.clear()
    mechanism = None
    if state is not None:
        value["negState"] = int(state)
    if arcs is not None:
        value["supportedMech"] = arcs
        mechanism = encode(univ.ObjectIdentifier(arcs))
    if token is not None:
        value["responseToken"] = token
    if mic is not None:
        value["mechListMIC"] = mic
    written = tokens.write_response(state, mechanism, token, mic)
    assert written == encode(value)
    assert tokens.read_response(written) == (state, mechanism, token, None if mic == token else mic)


def test_a_mic_that_repeats_the_token_is_none():
    assert tokens.read_response(tokens.write_response(NegState.ACCEPT_COMPLETED, None, b"x", b"x")).mech_list_mic is None


def test_lengths_longer_than_they_need_be_are_read():
    inner = b"\xa0\x83\x00\x00\x03\x0a\x01\x00"
    token = b"\xa1\x84\x00\x00\x00\x0a\x30\x08" + inner
    assert tokens.read_response(token).state is NegState.ACCEPT_COMPLETED


@pytest.mark.parametrize(
    "token",
    [
        "", "a1", "a180", "a10530800000", "a1023000ff", "a1053003a00100", "a107a005a0030a0104", "a1073005a0030a0109",
        "a1073005a5030a0100", "a10b3009a2030401ffa0020a00", "a1043002a000",
        "60", "6000", "600806062b0601050502", "601006062b0601050502a0063004a0023000", "6006060100a0023000",
        "a00430023000", "a184ffffffff", "a1857fffffffff", "a1063004a1020500",
    ],
)  # fmt: skip
def test_malformed_tokens(token):
    for read in (tokens.read_init, tokens.read_response):
        with pytest.raises(SspiError) as caught:
            read(bytes.fromhex(token))
        assert caught.value.status is SecurityStatus.SEC_E_INVALID_TOKEN


def test_too_many_mechanisms():
    with pytest.raises(SspiError):
        tokens.read_init(tokens.write_init(tokens.mech_list((mechanisms.NTLM,) * 65), b"x"))


@given(st.binary(max_size=200))
def test_any_bytes_give_a_token_or_an_invalid_token(data):
    for read in (tokens.read_init, tokens.read_response, tokens.framed_mechanism):
        status = SecurityStatus.SEC_E_INVALID_TOKEN
        try:
            read(data)
        except SspiError as error:
            status = error.status
        assert status is SecurityStatus.SEC_E_INVALID_TOKEN
