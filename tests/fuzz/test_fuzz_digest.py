"""Replays the corpus of fuzz_digest.py and draws more like it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = [pytest.mark.digest, pytest.mark.fuzz]
HERE = Path(__file__).parent
CORPUS = sorted((HERE / "corpus/digest").iterdir())


def _load():
    spec = importlib.util.spec_from_file_location("fuzz_digest", HERE / "fuzz_digest.py")
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
    [b"realm", b"nonce", b"qop", b"auth", b"auth-int", b"username", b"username*", b"nc", b"cnonce", b"uri", b"digest-uri",
     b"response", b"algorithm", b"MD5", b"md5-sess", b"=", b'"', b"\\", b",", b" ", b"\t", b"\r\n", b"\0", b"\xff", b"Digest ",
     b"UTF-8''%41", b"00000001", b"0" * 32, b"opaque", b"stale=true", b"rspauth", b"maxbuf", b"cipher", b"charset", b"Basic "]
)  # fmt: skip


@given(st.sampled_from(range(len(target.TARGETS))), st.lists(_WORDS, max_size=60))
@settings(max_examples=500, deadline=None)
def test_words_of_the_grammar_in_any_order(number, words):
    target.one_input(bytes([number]) + b"".join(words))
