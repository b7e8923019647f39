"""The blocking and the asyncio side have the same names, the same parameters and the same sentences."""

from __future__ import annotations

import inspect

import pytest

import sspid_client
from sspid_client import aio

PAIRS = [(getattr(sspid_client, name), getattr(aio, name)) for name in ("Client", "Credential", "Context", "TlsStream")]
# What asyncio says differently: its context managers, and a pair of streams where the other side has a socket.
SPELLED = {"__aenter__": "__enter__", "__aexit__": "__exit__"}
STREAMS = {"reader": ["sock"], "writer": []}


def methods(kind):
    members = inspect.getmembers(kind, lambda member: inspect.isfunction(member) or inspect.ismethod(member))
    return {SPELLED.get(name, name): member for name, member in members if not name.startswith("_") or name.endswith("__")}


def parameters(method):
    return [spelled for name in inspect.signature(method).parameters for spelled in STREAMS.get(name, [name])]


@pytest.mark.parametrize(("blocking", "awaited"), PAIRS, ids=lambda kind: kind.__module__ + "." + kind.__name__)
def test_methods_are_the_same(blocking, awaited):
    here, there = methods(blocking), methods(awaited)
    assert set(here) == set(there)
    for name, method in here.items():
        assert parameters(method) == parameters(there[name]), name
        if name not in {"__init__", "__enter__", "__exit__"}:
            assert inspect.getdoc(method) == inspect.getdoc(there[name]), name


def test_all_public_names_exist():
    for module in (sspid_client, aio):
        assert len(set(module.__all__)) == len(module.__all__)
        assert all(hasattr(module, name) for name in module.__all__)
