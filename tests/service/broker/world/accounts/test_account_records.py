"""Secrets derived from a password, against the published values."""

from __future__ import annotations

import pytest

from sspid.broker.world.accounts.records import HASHES, LATIN1, AccountRecord, digests_of, fold, nt_hash


def test_nt_hash():
    """[MS-NLMP] 4.2.2.1.2."""
    assert nt_hash("Password").hex() == "a4f49c406510bdcab6824ee7c30fd852"


def found(username, realm, password, algorithm, charset="utf-8"):
    return next(
        each for each in digests_of((username,), realm, password) if (each.algorithm, each.charset) == (algorithm, charset)
    )


def response(algorithm, ha1, a2, *between):
    """RFC 7616 3.4.1: what a client that knows `ha1` answers."""
    hashed = HASHES[algorithm]
    return hashed(":".join((ha1.hex(), *between, hashed(a2.encode()).hexdigest())).encode()).hexdigest()


def test_ha1_of_md5():
    """RFC 2617 3.5."""
    ha1 = found("Mufasa", "testrealm@host.com", "Circle Of Life", "MD5").ha1
    between = ("dcd98b7102dd2f0e8b11d0f600bfb0c093", "00000001", "0a4f113b", "auth")
    assert response("MD5", ha1, "GET:/dir/index.html", *between) == "6629fae49393a05397450978507c4ef1"


def test_ha1_and_userhash_of_sha_512_256():
    """RFC 7616 3.9.2 with erratum 4897."""
    made = found("Jäsøn Doe", "api@example.org", "Secret, or not?", "SHA-512-256")
    nonce, cnonce = "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v"
    assert made.userhash == "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"
    answered = response("SHA-512-256", made.ha1, "GET:/doe.json", nonce, "00000001", cnonce, "auth")
    assert answered == "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"


def test_iso_8859_1_is_kept_where_it_differs():
    """RFC 2831 2.1.2.1: each text by itself."""
    plain = [each.charset for each in digests_of(("alice",), "realm", "pw")]
    assert LATIN1 not in plain
    named = found("jäsøn", "realm", "pw", "MD5", LATIN1)
    assert named.ha1 != found("jäsøn", "realm", "pw", "MD5").ha1
    assert found("alice", "realm", "pässword", "MD5", LATIN1).ha1 != found("alice", "realm", "pässword", "MD5").ha1
    assert named.username == "jäsøn"


def test_a_user_is_known_by_each_of_its_names():
    record = AccountRecord("alice", "CORP", "alice@corp.test").with_password("pw", ("one", "two", "one"))
    assert {each.username for each in record.digests} == {"alice", r"CORP\alice", "alice@corp.test"}
    assert {each.realm for each in record.digests} == {"one", "two"}
    assert len(record.digests) == 3 * 2 * 3
    assert record.password is None


def test_the_password_is_kept_only_on_request():
    assert AccountRecord("alice").with_password("pw", (), keep=True).password == "pw"


def test_no_secret_shows():
    record = AccountRecord("alice").with_password("tell-nobody", ("realm",), keep=True)
    assert record.nt_hash
    shown = repr(record) + repr(record.digests)
    assert "tell-nobody" not in shown
    assert repr(record.nt_hash) not in shown
    assert not any(repr(each.ha1) in shown for each in record.digests)


@pytest.mark.parametrize(
    ("one", "other", "same"), [("Alice", "aLICE", True), ("jäsøn", "JÄSØN", True), ("straße", "STRASSE", False)]
)
def test_names_compare_as_in_windows(one, other, same):
    assert (fold(one) == fold(other)) is same
