"""Replays the corpus of fuzz_kerberos.py and draws more like it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sspid_testing import peers

pytestmark = [pytest.mark.kerberos, pytest.mark.fuzz]
HERE = Path(__file__).parent
CORPUS = sorted((HERE / "corpus/kerberos").iterdir())


def _load():
    spec = importlib.util.spec_from_file_location("fuzz_kerberos", HERE / "fuzz_kerberos.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


peers.require_module("gssapi")
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


@given(st.sampled_from(CORPUS), st.integers(0, 4000), st.integers(1, 255), st.integers(0, 40))
@settings(max_examples=500, deadline=None)
def test_the_corpus_changed_and_cut(path, at, change, cut):
    data = bytearray(path.read_bytes())
    data[1 + at % (len(data) - 1)] ^= change
    target.one_input(bytes(data[: len(data) - cut]))
