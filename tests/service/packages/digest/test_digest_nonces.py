from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspid.packages.digest import nonces
from sspid.packages.digest.nonces import Audience

pytestmark = pytest.mark.digest
KEY, RANDOM, NOW = bytes(range(32)), bytes(range(16)), datetime(2026, 1, 1, tzinfo=UTC)
AUDIENCE = Audience("caller", "realm", "opaque")


def issue(audience=AUDIENCE, *, upgraded=False):
    return nonces.issue(KEY, audience, NOW, RANDOM, upgraded=upgraded)


@pytest.mark.parametrize("upgraded", [False, True])
def test_what_is_issued_is_known_again(upgraded):
    nonce = issue(upgraded=upgraded)
    assert nonce.startswith("+Upgraded+v1") is upgraded
    assert nonces.unseal(KEY, AUDIENCE, nonce) == (RANDOM, NOW)


@pytest.mark.parametrize(
    "audience",
    [
        Audience("callex", "realm", "opaque"),
        Audience("caller", "realx", "opaque"),
        Audience("caller", "realm", "opaqux"),
        Audience("", "realm", "opaque"),
        Audience("callerr", "ealm", "opaque"),
        Audience("caller", "realmo", "paque"),
    ],
)
def test_nonce_is_for_one_audience(audience):
    assert nonces.unseal(KEY, audience, issue()) is None


def test_nonce_is_for_one_key():
    assert nonces.unseal(bytes(32), AUDIENCE, issue()) is None


def test_prefix_is_sealed():
    assert nonces.unseal(KEY, AUDIENCE, "+Upgraded+v1" + issue()) is None
    assert nonces.unseal(KEY, AUDIENCE, issue(upgraded=True).removeprefix("+Upgraded+v1")) is None


@given(st.integers(0, 55), st.sampled_from("ABZaz09+/=-_ "))
def test_changed_nonce_is_nobodys(position, letter):
    nonce = issue()
    changed = nonce[:position] + letter + nonce[position + 1 :]
    assert (nonces.unseal(KEY, AUDIENCE, changed) is None) is (changed != nonce)


@given(st.text(max_size=80))
def test_any_text_is_refused(text):
    assert nonces.unseal(KEY, AUDIENCE, text) is None


@pytest.mark.parametrize(("later", "usable"), [(0, True), (300, True), (301, False), (-60, True), (-61, False)])
def test_lifetime(later, usable):
    sealed = nonces.unseal(KEY, AUDIENCE, issue())
    assert sealed is not None
    assert sealed.usable(NOW + timedelta(seconds=later), timedelta(minutes=5)) is usable
