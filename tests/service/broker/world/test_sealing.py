"""Sealing keys: one a purpose, the same for every worker of one service key."""

from __future__ import annotations

from sspid.broker.world.sealing import SealingKeys
from sspid.packages.questions import SealingKey


def key(purpose, service_key=bytes(32)):
    return SealingKeys(lambda: service_key).find(SealingKey(purpose), "")


def test_each_purpose_has_its_own_and_every_worker_the_same():
    assert len(key("a")) == 32
    assert key("a") == key("a")
    assert len({key("a"), key("b"), key("a", bytes(31) + b"\1"), bytes(32)}) == 4


def test_the_service_key_is_read_once():
    reads = []

    def service_key():
        reads.append(1)
        return bytes(32)

    keys = SealingKeys(service_key)
    assert keys.find(SealingKey("a"), "one") is keys.find(SealingKey("a"), "other")
    assert reads == [1]
