"""Replays the corpus of fuzz_schannel.py and draws more like it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = [pytest.mark.schannel, pytest.mark.fuzz]
HERE = Path(__file__).parent
CORPUS = sorted((HERE / "corpus/schannel").iterdir())


def _load():
    spec = importlib.util.spec_from_file_location("fuzz_schannel", HERE / "fuzz_schannel.py")
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
    targets = len(target.TARGETS)
    assert {path.read_bytes()[0] % targets for path in CORPUS} == set(range(targets))


@given(number=st.integers(0, 13), data=st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_bytes(number, data):
    target.one_input(bytes((number,)) + data)


@given(number=st.sampled_from((0, 1, 2)), kind=st.sampled_from((20, 21, 22, 23)), body=st.binary(min_size=1, max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_bytes_in_a_record(number, kind, body):
    target.one_input(bytes((number, kind, 3, 3)) + len(body).to_bytes(2, "big") + body)


@given(kind=st.integers(0, 2), body=st.binary(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_bytes_in_a_genuine_record(kind, body):
    target.one_input(bytes((5, kind)) + body)
