import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspid.packages.schannel import framing, keys, records
from sspid.packages.schannel.records import Direction, RecordError, Tls12Records, Tls13Records
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

pytestmark = pytest.mark.schannel

VECTORS = Path(__file__).parents[3] / "vectors" / "schannel"
TLS13 = sorted(keys.TLS13_SUITES)
TLS12 = sorted(keys.TLS12_SUITES)


def ends(number):
    """Two record layers that belong together."""
    layer: type[Tls12Records | Tls13Records]
    if number in keys.TLS13_SUITES:
        suite, layer = keys.TLS13_SUITES[number], Tls13Records
        size = 32 if suite.hash == "sha256" else 48
    else:
        suite, layer = keys.TLS12_SUITES[number], Tls12Records
        size = suite.key + suite.iv
    one, other = bytes(range(size)), bytes(range(1, size + 1))
    return layer(number, suite, Direction(one), Direction(other)), layer(number, suite, Direction(other), Direction(one))


@pytest.mark.parametrize("vector", json.loads((VECTORS / "rfc8448_traffic_keys.json").read_text()), ids=lambda one: one["name"])
def test_keys_of_traffic_secrets(vector):
    made = keys.tls13_key_and_iv(bytes.fromhex(vector["secret"]), keys.TLS13_SUITES[0x1301])
    assert made.hex() == vector["key"] + vector["iv"]


@pytest.mark.parametrize("number", TLS13 + TLS12)
@given(messages=st.lists(st.tuples(st.sampled_from((21, 22, 23)), st.binary(min_size=1, max_size=300)), max_size=6))
def test_records_open_in_the_order_they_were_sealed(number, messages):
    one, other = ends(number)
    for kind, data in messages:
        assert other.open(one.seal(kind, data)) == (kind, data)
        assert one.open(other.seal(kind, data)) == (kind, data)


@pytest.mark.parametrize("number", TLS13 + TLS12)
@given(at=st.integers(0, 60), bit=st.integers(0, 7))
def test_a_changed_record_is_refused_and_counts_for_nothing(number, at, bit):
    one, other = ends(number)
    record = one.seal(23, b"four score and seven")
    changed = bytearray(record)
    changed[at % len(record)] ^= 1 << bit
    if changed[3:5] == record[3:5]:  # a length that no longer fits is the framing's to find
        with pytest.raises(RecordError):
            other.open(bytes(changed))
    assert other.open(record) == (23, b"four score and seven")


@pytest.mark.parametrize("number", TLS13 + TLS12)
def test_a_record_repeated_or_left_out_is_refused(number):
    one, other = ends(number)
    first, second = one.seal(23, b"first"), one.seal(23, b"second")
    with pytest.raises(RecordError):
        other.open(second)
    other.open(first)
    with pytest.raises(RecordError):
        other.open(first)
    assert other.open(second) == (23, b"second")


def test_keys_are_updated_before_they_wear_out():
    one, other = ends(0x1301)
    one.write.sequence = other.read.sequence = records.UPDATE_AFTER
    sealed = one.seal(23, b"after so many")
    length = framing.record_length(sealed)
    assert other.open(sealed[:length]) == (22, b"\x18\x00\x00\x01\x00")
    other.follow_update()
    assert other.open(sealed[length:]) == (23, b"after so many")


def test_padding_is_taken_off_and_nothing_but_padding_refused():
    one, other = ends(0x1301)
    aead, iv = one.write.aead(one.suite, keys.tls13_key_and_iv)

    def padded(inner, number):
        header = b"\x17\x03\x03" + (len(inner) + 16).to_bytes(2, "big")
        return header + aead.encrypt((iv ^ number).to_bytes(12, "big"), inner, header)

    assert other.open(padded(b"text\x17\0\0\0", 0)) == (23, b"text")
    with pytest.raises(RecordError) as caught:
        other.open(padded(b"\0\0\0", 1))
    assert caught.value.alert == 10
    with pytest.raises(RecordError) as caught:
        other.open(padded(bytes(16385) + b"\x17", 1))
    assert caught.value.alert == 22


def test_idle_directions_give_up_their_objects(monkeypatch):
    monkeypatch.setattr(records, "_READY", 4)
    pairs = [ends(0x1301) for _ in range(12)]
    for one, other in pairs:
        assert other.open(one.seal(23, b"x")) == (23, b"x")
    assert sum(end.write._aead is not None for pair in pairs for end in pair) <= 4
    for one, other in pairs:
        assert other.open(one.seal(23, b"y")) == (23, b"y")


@given(st.binary(max_size=64))
def test_framing_counts_whole_records_or_refuses(data):
    refusal: SecurityStatus | None
    try:
        end, wanted = framing.whole_records(data)
    except SspiError as error:
        refusal = error.status
    else:
        refusal = None
        assert 0 <= end <= len(data)
        assert wanted >= 1
    assert refusal in (None, SecurityStatus.SEC_E_INVALID_TOKEN)
