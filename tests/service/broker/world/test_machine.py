"""The names the service goes by."""

from __future__ import annotations

import socket

import pytest

from sspid.broker.world.machine import ThisMachine
from sspid.packages.questions import DescribeMachine, Machine


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("web1", Machine("WEB1", dns_computer="web1")),
        ("web1.corp.test", Machine("WEB1", dns_computer="web1.corp.test", dns_domain="corp.test")),
        ("a-very-long-host-name.corp.test", Machine("A-VERY-LONG-HOS", "", "a-very-long-host-name.corp.test", "corp.test")),
        ("", Machine("SSPID")),
    ],
)
def test_names_of_the_host(monkeypatch, host, expected):
    monkeypatch.setattr(socket, "gethostname", lambda: host)
    assert ThisMachine(Machine("")).describe(DescribeMachine(), "") == expected


def test_the_operators_names_go_first():
    given = Machine("WEB", "CORP", "web.corp.test", "corp.example", "example")
    assert ThisMachine(given).describe(DescribeMachine(), "") == given
    assert ThisMachine(Machine("", dns_computer="web.corp.test")).machine == Machine("WEB", "", "web.corp.test", "corp.test")


def test_it_is_one_object_so_that_packages_may_keep_what_they_make_of_it():
    machine = ThisMachine(Machine("WEB"))
    assert machine.describe(DescribeMachine(), "one") is machine.describe(DescribeMachine(), "other")
