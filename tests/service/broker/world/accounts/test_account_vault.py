"""The vault: what is sealed opens in its place under its key, and nowhere else."""

from __future__ import annotations

import pytest

from sspid.broker.world.accounts.errors import AccountsError
from sspid.broker.world.accounts.vault import Vault, derive, read_key

KEY = bytes(range(32))


def test_what_is_sealed_opens_in_its_place():
    sealed = Vault(KEY).seal(b"secret", "nt", "1")
    assert Vault(KEY).open(sealed, "nt", "1") == b"secret"
    assert b"secret" not in sealed


@pytest.mark.parametrize("place", [("nt", "2"), ("password", "1"), ("nt",), ("nt1",), ("n", "t1")])
def test_it_opens_nowhere_else(place):
    sealed = Vault(KEY).seal(b"secret", "nt", "1")
    with pytest.raises(AccountsError):
        Vault(KEY).open(sealed, *place)


def test_it_opens_under_no_other_key_and_not_when_changed():
    sealed = Vault(KEY).seal(b"secret", "nt", "1")
    with pytest.raises(AccountsError, match="key_file"):
        Vault(bytes(32)).open(sealed, "nt", "1")
    for spoiled in (b"", sealed[:-1], sealed[:-1] + bytes([sealed[-1] ^ 1]), bytes([sealed[0] ^ 1]) + sealed[1:]):
        with pytest.raises(AccountsError):
            Vault(KEY).open(spoiled, "nt", "1")


def test_look_ups_are_the_same_for_the_same_parts_and_key_alone():
    assert Vault(KEY).lookup("a", "bc") == Vault(KEY).lookup("a", "bc")
    assert len({Vault(KEY).lookup("a", "bc"), Vault(KEY).lookup("ab", "c"), Vault(bytes(32)).lookup("a", "bc")}) == 3


def test_derive_is_hkdf():
    """RFC 5869 A.3: no salt and no info; the first 32 of its 42 bytes."""
    expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
    assert derive(b"\x0b" * 22, b"").hex() == expected


def test_a_missing_key_is_made_only_when_asked(tmp_path):
    path = tmp_path / "accounts.key"
    with pytest.raises(AccountsError, match="cannot be read"):
        read_key(path, make=False)
    key = read_key(path, make=True)
    assert len(key) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_key(path, make=True) == key


def test_a_key_may_be_raw_or_hex(tmp_path):
    path = tmp_path / "key"
    for content in (KEY, KEY.hex().encode(), KEY.hex().upper().encode() + b"\n"):
        path.write_bytes(content)
        assert read_key(path, make=False) == KEY
    for content in (b"", KEY[:-1], b"zz" * 32, b"ab" * 31, b"\xff" * 64):
        path.write_bytes(content)
        with pytest.raises(AccountsError, match="32 raw bytes"):
            read_key(path, make=True)
