"""Calls that may wait for a KDC: their answers and failures, the deadline, and the bound on what is left hanging."""

from __future__ import annotations

import threading
import time

import pytest

from sspid.broker.world import gss_deadline
from sspid.broker.world.gss_deadline import Deadline
from sspid.packages.gss import UNREACHABLE, GssError

pytestmark = pytest.mark.kerberos


def test_answers_and_failures_come_back():
    deadline = Deadline(5)
    assert deadline.run(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        deadline.run(lambda: 1 // 0)


def test_a_thread_is_used_again():
    deadline = Deadline(5)
    names = {deadline.run(threading.get_ident) for _ in range(20)}
    assert len(names) <= 2


def test_idle_threads_end(monkeypatch):
    monkeypatch.setattr(gss_deadline, "IDLE_SECONDS", 0.01)
    deadline = Deadline(5)
    for _ in range(50):
        thread = deadline.run(threading.current_thread)
        assert deadline.run(lambda: 7) == 7
    thread.join(5)
    assert not thread.is_alive()
    assert deadline.run(lambda: 7) == 7


def test_a_call_without_end_is_given_up_and_their_number_is_bound():
    end = threading.Event()
    deadline = Deadline(0.05, most=2)
    for _ in range(2):
        with pytest.raises(GssError) as refused:
            deadline.run(end.wait)
        assert refused.value.code == UNREACHABLE
        assert "0.05 seconds" in refused.value.text
    with pytest.raises(GssError) as refused:
        deadline.run(lambda: 7)
    assert refused.value.code == UNREACHABLE
    end.set()
    for _ in range(100):
        try:
            assert deadline.run(lambda: 7) == 7
        except GssError:
            time.sleep(0.02)
        else:
            break
    else:
        pytest.fail("the threads of calls that have ended are not used again")
