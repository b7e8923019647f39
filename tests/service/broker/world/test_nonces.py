"""Nonce uses: counted once, by whichever worker, and still known after one has crashed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest

from sspid.broker.world.accounts.opening import Opening, Whereabouts
from sspid.broker.world.nonces import NonceFile, NonceTable
from sspid.packages.questions import CountNonceUse
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus


@pytest.fixture(params=[NonceFile, NonceTable])
def stores(request, tmp_path):
    """A function that opens the one store as a further worker would."""
    opened = []

    def another():
        if request.param is NonceFile:
            file = NonceFile(tmp_path / "nonces.sqlite")
            opened.append(file.close)
            return file
        opening = Opening(Whereabouts(tmp_path))
        opened.append(opening.close)
        return NonceTable(opening.store)

    yield another
    for close in opened:
        close()


def use(store, count, nonce=b"n", caller="web", seconds=60.0):
    return store.count(CountNonceUse(nonce, count, datetime.now(UTC) + timedelta(seconds=seconds)), caller)


def test_counts_only_go_up(stores):
    store = stores()
    assert [use(store, count) for count in (1, 1, 2, 5, 4, 5, 6)] == [True, False, True, True, False, False, True]


def test_workers_share_one_count(stores):
    first, second = stores(), stores()
    assert use(first, 1)
    assert not use(second, 1)
    assert use(second, 2)
    assert not use(first, 2)


def test_callers_and_nonces_are_told_apart(stores):
    store = stores()
    assert use(store, 1)
    assert use(store, 1, caller="other")
    assert use(store, 1, nonce=b"m")
    assert use(store, 1, nonce=b"\0n", caller="we")
    assert use(store, 1, nonce=b"bn", caller="we")


@pytest.mark.parametrize("count", [0, -1, 1 << 64])
def test_counts_that_nobody_can_use(stores, count):
    assert not use(stores(), count)


def test_one_of_many_at_once_wins(stores):
    workers = [stores() for _ in range(4)]
    use(workers[0], 1)
    won = []
    uses = [threading.Thread(target=lambda each=each: won.append(use(each, 2))) for each in workers * 2]
    for each in uses:
        each.start()
    for each in uses:
        each.join()
    assert sorted(won) == [False] * 7 + [True]


def test_what_expired_is_forgotten_and_the_rest_is_not(stores):
    store = stores()
    assert use(store, 1, b"old", seconds=-5)
    assert use(store, 1, b"new")
    store._sweep_at = 0.0
    assert not use(store, 1, b"new")
    assert use(store, 1, b"old")


WORKER = """
import os, signal, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sspid.broker.world.nonces import NonceFile
from sspid.packages.questions import CountNonceUse
store = NonceFile(Path(sys.argv[1]), alone=sys.argv[2] == "alone")
assert store.count(CountNonceUse(b"n", 7, datetime.now(UTC) + timedelta(seconds=60)), "web")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("before", ["alone", "among others"])
@pytest.mark.parametrize("alone", [True, False])
def test_a_crashed_workers_count_stands(tmp_path, before, alone):
    path = tmp_path / "nonces.sqlite"
    crashed = subprocess.run([sys.executable, "-c", WORKER, str(path), before], env={**os.environ}, check=False)
    assert crashed.returncode == -signal.SIGKILL
    store = NonceFile(path, alone=alone)
    assert not use(store, 7)
    assert use(store, 8)
    assert path.stat().st_mode & 0o077 == 0
    store.close()


def test_a_store_that_cannot_be_written_accepts_nothing(tmp_path):
    (tmp_path / "nonces.sqlite").write_bytes(b"this is no database, and longer than a header" * 40)
    (tmp_path / "accounts.key").write_bytes(b"short")
    for store in (NonceFile(tmp_path / "nonces.sqlite"), NonceTable(Opening(Whereabouts(tmp_path)).store)):
        with pytest.raises(SspiError) as caught:
            use(store, 1)
        assert caught.value.status is SecurityStatus.SEC_E_NO_AUTHENTICATING_AUTHORITY
