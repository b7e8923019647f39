"""What a test gets that asks for a foreign peer: its path, a skip with the command that installs it, or a failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from sspid_testing import peers

_ABSENT = peers.Peer("no-such-peer", "no-such-package", "bookworm-backports", "no-such-peer")


@pytest.fixture
def absent_peer(monkeypatch):
    monkeypatch.setitem(peers.PACKAGES, _ABSENT.name, _ABSENT)
    return _ABSENT.name


def test_a_peer_that_is_here_is_its_absolute_path():
    assert Path(peers.require("openssl")).is_absolute()


def test_a_missing_peer_skips_with_the_command_that_installs_it(monkeypatch, absent_peer):
    monkeypatch.delenv("TEST_REQUIRE_PEERS", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install -t bookworm-backports no-such-package"):
        peers.require(absent_peer)


def test_a_missing_peer_fails_where_all_are_required(monkeypatch, absent_peer):
    monkeypatch.setenv("TEST_REQUIRE_PEERS", "1")
    with pytest.raises(pytest.fail.Exception, match="no-such-peer is not installed"):
        peers.require(absent_peer)


def test_a_missing_module_fails_where_all_are_required(monkeypatch):
    monkeypatch.setenv("TEST_REQUIRE_PEERS", "1")
    with pytest.raises(pytest.fail.Exception, match="no_such_module does not load"):
        peers.require_module("no_such_module")


def test_a_module_that_is_here_is_returned():
    assert peers.require_module("trustme").CA


def test_a_peer_that_no_line_lists_is_a_mistake_of_the_test():
    with pytest.raises(KeyError):
        peers.require("unheard-of")


def test_every_line_of_the_table_has_a_debian_suite():
    assert {peer.suite for peer in peers.PACKAGES.values()} == {"bookworm", "bookworm-backports"}
