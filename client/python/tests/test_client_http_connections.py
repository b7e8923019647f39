"""Which logon's token the server was waiting for on a connection that several threads use."""

from __future__ import annotations

from sspid_client.http.connections import Connections

FIRST, SECOND = "first logon", "second logon"


def test_logons_one_after_the_other_lose_nothing():
    connections, connection = Connections(), object()
    for logon in (FIRST, SECOND):
        assert not connections.lost(connection, logon, first=True, challenged=True)
        assert not connections.lost(connection, logon, first=False, challenged=False)


def test_a_first_token_is_lost_where_another_logons_next_was_awaited_and_not_twice():
    connections, connection = Connections(), object()
    assert not connections.lost(connection, FIRST, first=True, challenged=True)
    assert connections.lost(connection, SECOND, first=True, challenged=False)
    assert not connections.lost(connection, SECOND, first=True, challenged=False)


def test_a_first_token_is_lost_where_the_same_logons_next_was_awaited_before_it_moved():
    connections, connection = Connections(), object()
    assert not connections.lost(connection, FIRST, first=True, challenged=True)
    assert connections.lost(connection, FIRST, first=True, challenged=False)


def test_a_later_token_is_lost_where_anothers_came_between():
    connections, connection = Connections(), object()
    assert not connections.lost(connection, FIRST, first=True, challenged=True)
    assert not connections.lost(connection, SECOND, first=True, challenged=True)
    assert connections.lost(connection, FIRST, first=False, challenged=False)


def test_a_refused_logon_is_not_lost():
    connections, connection = Connections(), object()
    assert not connections.lost(connection, FIRST, first=True, challenged=False)
    assert not connections.lost(connection, SECOND, first=True, challenged=True)
    assert not connections.lost(connection, SECOND, first=False, challenged=False)


def test_connections_that_cannot_be_told_apart_lose_nothing():
    connections = Connections()
    assert not connections.lost(None, FIRST, first=True, challenged=True)
    assert not connections.lost(None, SECOND, first=True, challenged=False)


def test_only_so_many_are_remembered():
    connections, kept = Connections(), [object() for _ in range(1000)]
    for each in kept:
        connections.lost(each, FIRST, first=True, challenged=True)
    assert sum(connections.lost(each, SECOND, first=True, challenged=False) for each in reversed(kept)) == 256
