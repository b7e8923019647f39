"""Replays the corpus of fuzz_accounts.py and draws more like it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = [pytest.mark.ntlm, pytest.mark.digest, pytest.mark.fuzz]
HERE = Path(__file__).parent
CORPUS = sorted((HERE / "corpus/accounts").iterdir())


def _load():
    spec = importlib.util.spec_from_file_location("fuzz_accounts", HERE / "fuzz_accounts.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


target = _load()


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_corpus(path):
    target.one_input(path.read_bytes())


def test_corpus_has_an_input_for_each_target():
    assert {path.read_bytes()[0] % len(target.TARGETS) for path in CORPUS} == set(range(len(target.TARGETS)))


@given(st.sampled_from(range(len(target.TARGETS))), st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_bytes(number, data):
    target.one_input(bytes([number]) + data)


_WORDS = st.sampled_from(
    [b"alice", b":", b"1000", b"X" * 32, b"8846F7EAEE8FB117AD06BDD830B7586C", b"[U          ]", b"[UD         ]",
     b"LCT-00000000:", b"\n", b"\\", b"{", b"}", b"[", b"]", b",", b'"name"', b'"digests"', b'"nt_hash"', b'"expires"',
     b'"2030-01-01"', b"null", b"true", b'"algorithm"', b'"MD5"', b'"certificates"', b'"kind"', b'"upn"', b'"\\ud800"',
     b'"\\u0000"', b"1e999", b"NaN", b"0" * 64, b"\xff", b"\r", b"NO PASSWORDXXXXXXXXXXXXXXXXXXXXX", b"#", b" "]
)  # fmt: skip


@given(st.sampled_from(range(len(target.TARGETS))), st.lists(_WORDS, max_size=40))
@settings(max_examples=500, deadline=None)
def test_words_of_the_formats_in_any_order(number, words):
    target.one_input(bytes([number]) + b"".join(words))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)
_FIELDS = ("name", "domain", "upn", "disabled", "expires", "groups", "sids", "nt_hash", "digests", "certificates", "password")
_DIGEST = st.fixed_dictionaries(
    {},
    optional={
        name: _JSON | st.sampled_from(["MD5", "utf-8", "0" * 32])
        for name in ("username", "realm", "algorithm", "charset", "ha1")
    },
)
_MAPPING = st.fixed_dictionaries({}, optional={"kind": _JSON | st.just("upn"), "value": _JSON})
_ACCOUNT = st.fixed_dictionaries(
    {"name": st.just("alice") | _JSON},
    optional=dict.fromkeys(_FIELDS[1:], _JSON) | {"digests": st.lists(_DIGEST), "certificates": st.lists(_MAPPING)},
)


@given(_ACCOUNT)
@settings(max_examples=500, deadline=None)
def test_json_of_any_shape(values):
    import json

    target.one_input(b"\1" + json.dumps(values).encode())
