"""TSRequest and TSCredentials: published bytes, and the hand-written codec held equal to pyasn1's schema."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyasn1.codec.der import decoder, encoder
from pyasn1.type import namedtype, tag, univ

from sspid.packages.credssp import binding, credentials, der, messages
from sspid.packages.credssp.credentials import CspData, PackageCreds, PasswordCreds, RemoteGuardCreds, SmartCardCreds
from sspid.packages.credssp.messages import TsRequest
from sspid.packages.der import tlv
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

pytestmark = pytest.mark.credssp
VECTORS = Path(__file__).parents[3] / "vectors/credssp"
REQUESTS = json.loads((VECTORS / "ts_request.json").read_text("utf-8"))
CREDENTIALS = json.loads((VECTORS / "ts_credentials.json").read_text("utf-8"))
PUB_KEY_AUTH = json.loads((VECTORS / "pub_key_auth.json").read_text("utf-8"))


def explicit(number):
    return tag.Tag(tag.tagClassContext, tag.tagFormatConstructed, number)


def schema(*fields):
    """A SEQUENCE of explicitly tagged fields: name, number, type, optional."""
    made = [
        (namedtype.OptionalNamedType if optional else namedtype.NamedType)(name, kind.subtype(explicitTag=explicit(number)))
        for name, number, kind, optional in fields
    ]
    return univ.Sequence(componentType=namedtype.NamedTypes(*made))


OCTETS, INTEGER = univ.OctetString(), univ.Integer()
NEGO = univ.SequenceOf(componentType=schema(("negoToken", 0, OCTETS, False)))
TS_REQUEST = schema(
    ("version", 0, INTEGER, False), ("negoTokens", 1, NEGO, True), ("authInfo", 2, OCTETS, True),
    ("pubKeyAuth", 3, OCTETS, True), ("errorCode", 4, INTEGER, True), ("clientNonce", 5, OCTETS, True),
)  # fmt: skip
CREDS = schema(("credType", 0, INTEGER, False), ("credentials", 1, OCTETS, False))
PASSWORD = schema(*((name, at, OCTETS, False) for at, name in enumerate(("domain", "user", "password"))))
CSP = schema(
    ("keySpec", 0, INTEGER, False),
    *((name, at, OCTETS, True) for at, name in enumerate(("card", "reader", "container", "csp"), 1)),
)
CARD = schema(("pin", 0, OCTETS, False), ("csp", 1, CSP, False), ("userHint", 2, OCTETS, True), ("domainHint", 3, OCTETS, True))
PACKAGE = schema(("packageName", 0, OCTETS, False), ("credBuffer", 1, OCTETS, False))
GUARD = schema(("logon", 0, PACKAGE, False), ("supplemental", 1, univ.SequenceOf(componentType=PACKAGE), True))

TOKENS = st.none() | st.binary(max_size=300)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
SOME = st.none() | TEXTS
PACKAGES = st.builds(PackageCreds, TEXTS, st.binary(max_size=40))
ANY_CREDS = (
    st.builds(PasswordCreds, TEXTS, TEXTS, TEXTS)
    | st.builds(SmartCardCreds, TEXTS, st.builds(CspData, st.integers(0, 2**31 - 1), SOME, SOME, SOME, SOME), SOME, SOME)
    | st.builds(RemoteGuardCreds, PACKAGES, st.lists(PACKAGES, max_size=3).map(tuple))
)


def parsed(vector):
    named = {
        name: bytes.fromhex(vector[name])
        for name in ("nego_token", "auth_info", "pub_key_auth", "client_nonce")
        if name in vector
    }
    return TsRequest(vector["version"], error_code=vector.get("error_code"), **named)


@pytest.mark.parametrize("name", REQUESTS)
def test_published_requests_both_ways(name):
    vector = REQUESTS[name]
    data = bytes.fromhex(vector["der"])
    assert messages.read(data) == parsed(vector)
    assert messages.write(parsed(vector)) == data


def test_error_code_is_read_in_its_positive_form_too():
    assert messages.read(bytes.fromhex("300ea003020106a407020500c000006d")).error_code == 0xC000006D


@pytest.mark.parametrize(
    ("name", "creds"),
    [
        ("password", PasswordCreds("domain name", "username", "password")),
        ("remote_guard", RemoteGuardCreds(PackageCreds("Package 1", b"123"))),
        (
            "smart_card",
            SmartCardCreds(
                "b" * 12,
                CspData(1, None, *(CREDENTIALS["smart_card"][key] for key in ("reader", "container", "csp"))),
            ),
        ),
    ],
)
def test_published_credentials_both_ways(name, creds):
    data = bytes.fromhex(CREDENTIALS[name]["der"])
    assert credentials.read(data) == creds
    assert credentials.write(creds) == data


@pytest.mark.parametrize(
    ("version", "client", "server"),
    [(2, "key", "server_before_5"), (4, "key", "server_before_5")]
    + [(version, "client_to_server", "server_to_client") for version in (5, 6)],
)
def test_published_proofs(version, client, server):
    nonce, key = bytes.fromhex(PUB_KEY_AUTH["nonce"]), bytes.fromhex(PUB_KEY_AUTH["key"])
    assert binding.from_client(version, nonce, key).hex() == PUB_KEY_AUTH[client]
    assert binding.from_server(version, nonce, key).hex() == PUB_KEY_AUTH[server]


@pytest.mark.parametrize("key", ["RSA", "EC", "Ed25519"])
def test_public_key_of_a_certificate(key):
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    from sspid_testing.issuing import Authority

    made = Authority().issue("server.example.test", key=key).certificate
    info = made.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    found = binding.public_key(made.public_bytes(Encoding.DER))
    assert info.endswith(b"\0" + found)
    assert key != "RSA" or found == made.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)


@given(st.integers(1, 2**31 - 1), TOKENS, TOKENS, TOKENS, st.none() | st.integers(0, 2**32 - 1), TOKENS)
def test_requests_equal_the_schemas(version, nego, auth, proof, code, nonce):
    request = TsRequest(version, nego, auth, proof, code, nonce)
    value = TS_REQUEST.clone()
    value["version"] = version
    if nego is not None:
        value["negoTokens"][0]["negoToken"] = nego
    for name, content in (("authInfo", auth), ("pubKeyAuth", proof), ("clientNonce", nonce)):
        if content is not None:
            value[name] = content
    if code is not None:
        value["errorCode"] = code - 2**32 if code >= 2**31 else code
    assert messages.write(request) == encoder.encode(value)
    assert messages.read(encoder.encode(value)) == request


def as_schema(creds):
    def text(value):
        return value.encode("utf-16-le")

    match creds:
        case PasswordCreds():
            kind, value = 1, PASSWORD.clone()
            for name in ("domain", "user", "password"):
                value[name] = text(getattr(creds, name))
        case SmartCardCreds():
            kind, value = 2, CARD.clone()
            value["pin"] = text(creds.pin)
            value["csp"]["keySpec"] = creds.csp.key_spec
            names = {"card": "card_name", "reader": "reader_name", "container": "container_name", "csp": "csp_name"}
            for name, own in names.items():
                if getattr(creds.csp, own) is not None:
                    value["csp"][name] = text(getattr(creds.csp, own))
            for name, own in (("userHint", "user_hint"), ("domainHint", "domain_hint")):
                if getattr(creds, own) is not None:
                    value[name] = text(getattr(creds, own))
        case _:
            kind, value = 6, GUARD.clone()
            value["logon"]["packageName"], value["logon"]["credBuffer"] = text(creds.logon.package), creds.logon.buffer
            for at, each in enumerate(creds.supplemental):
                value["supplemental"][at]["packageName"] = text(each.package)
                value["supplemental"][at]["credBuffer"] = each.buffer
    outer = CREDS.clone()
    outer["credType"], outer["credentials"] = kind, encoder.encode(value)
    return encoder.encode(outer)


@given(ANY_CREDS)
def test_credentials_equal_the_schemas(creds):
    assert credentials.write(creds) == as_schema(creds)
    assert credentials.read(as_schema(creds)) == creds


@given(st.binary(max_size=200))
def test_what_is_read_is_what_pyasn1_reads(data):
    request = None
    with suppress(SspiError):
        request = messages.read(data)
    if request is None:
        return
    value, rest = decoder.decode(messages.write(request), asn1Spec=TS_REQUEST)
    assert not rest
    assert value["version"] == request.version


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("", "is cut off"),
        ("3003a003", "ends at byte 5 of 4"),
        ("3000", "lacks its field 0"),
        ("3005a003020100", "version 0 is none"),
        ("3005a0030201ff", "version -1 is none"),
        ("3080a003020106", "not definite"),
        ("3006a00302010600", "field"),
        ("300aa003020106a003020106", "unknown or out of order"),
        ("300aa003020106a603020106", "unknown or out of order"),
        ("300aa003020106a203020106", "has tag 0x02 and not 0x04"),
        ("3007a0050203010000ff", "bytes follow"),
        ("3005a00304010600", "bytes follow"),
    ],
)
def test_malformed_requests_say_where(data, said):
    with pytest.raises(SspiError) as caught:
        messages.read(bytes.fromhex(data))
    assert caught.value.status is SecurityStatus.SEC_E_INVALID_TOKEN
    assert said in caught.value.message


def test_more_than_one_nego_token_is_refused():
    two = der.sequence(der.integer(0, 6), tlv(0xA1, der.sequence(*[der.sequence(der.octets(0, b"x"))] * 2)))
    with pytest.raises(SspiError, match="2 negoTokens"):
        messages.read(two)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (der.sequence(der.integer(0, 3), der.octets(1, b"")), "of kind 3"),
        (
            der.sequence(
                der.integer(0, 1), der.octets(1, der.sequence(der.octets(0, b"odd"), der.octets(1, b""), der.octets(2, b"")))
            ),
            "no UTF-16",
        ),
        (der.sequence(der.integer(0, 1), der.octets(1, der.sequence(der.octets(0, b"")))), "lacks its field 1"),
        (der.sequence(der.integer(0, 2), der.octets(1, der.sequence(der.octets(0, b"")))), "lacks its field 1"),
        (der.sequence(der.integer(0, 6), der.octets(1, der.sequence())), "lacks its field 0"),
    ],
)
def test_malformed_credentials_say_where(data, said):
    with pytest.raises(SspiError) as caught:
        credentials.read(data)
    assert caught.value.status is SecurityStatus.SEC_E_INVALID_TOKEN
    assert said in caught.value.message


def test_secrets_show_in_no_repr():
    shown = repr(
        [
            PasswordCreds("D", "u", "hunter2"),
            SmartCardCreds("31337", CspData(1)),
            RemoteGuardCreds(PackageCreds("NTLM", b"hunter2")),
            TsRequest(6, b"hunter2", b"hunter2", b"hunter2", 1, b"hunter2"),
        ]
    )
    assert "hunter2" not in shown
    assert "31337" not in shown
