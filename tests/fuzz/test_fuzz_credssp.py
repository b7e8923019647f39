"""Replays the corpus of fuzz_credssp.py and draws more like it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = [pytest.mark.credssp, pytest.mark.fuzz]
HERE = Path(__file__).parent
CORPUS = sorted((HERE / "corpus/credssp").iterdir())


def _load():
    spec = importlib.util.spec_from_file_location("fuzz_credssp", HERE / "fuzz_credssp.py")
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


@given(
    st.sampled_from(target.SEEDS),
    st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=6),
    st.integers(0, 8),
)
@settings(max_examples=500, deadline=None)
def test_real_tokens_with_bytes_changed_and_cut(seed, changes, cut):
    number, token = seed
    altered = bytearray(token)
    for offset, value in changes:
        altered[offset % len(altered)] = value
    target.one_input(bytes([number]) + bytes(altered[: len(altered) - cut]))
