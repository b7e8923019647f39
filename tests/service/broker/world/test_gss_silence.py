"""What is not asked again for a moment: who waits, who does not, who tries when the moment is over."""

from __future__ import annotations

import threading
import time

import pytest

from sspid.broker.world import gss_silence
from sspid.broker.world.gss_deadline import Deadline
from sspid.broker.world.gss_silence import Silence
from sspid.packages.gss import UNREACHABLE, GssError

pytestmark = pytest.mark.kerberos
DEADLINE = 0.1


class Hanging:
    def __init__(self):
        self.end = threading.Event()
        self.made = 0

    def __call__(self):
        self.made += 1
        self.end.wait(30.0)


@pytest.fixture
def hanging():
    """Calls that do not end before the test does, and how many were made."""
    call = Hanging()
    yield call
    call.end.set()


def refused(silence, call, what="REALM"):
    with pytest.raises(GssError) as caught:
        silence.ask(call, lambda: what)
    return caught.value


def failing(code):
    def call():
        raise GssError(0, code, "as told")

    return call


def test_only_the_first_is_waited_for(hanging):
    silence = Silence(Deadline(DEADLINE), 60.0)
    assert "0.1 seconds" in refused(silence, hanging).text
    for _ in range(5):
        failure = refused(silence, hanging)
        assert (failure.code, "asked again in" in failure.text) == (UNREACHABLE, True)
    assert hanging.made == 1
    assert silence.ask(lambda: 7, lambda: "ANOTHER") == 7


def test_what_hung_is_what_is_silent(hanging):
    """The realm gave its ticket; the hang was at what came after it."""
    silence = Silence(Deadline(DEADLINE), 60.0)
    wanted = iter(["REALM", "target"])
    with pytest.raises(GssError):
        silence.ask(hanging, lambda: next(wanted))
    assert silence.ask(lambda: 7, lambda: "REALM") == 7
    assert "asked again" in refused(silence, hanging, "target").text


def test_zero_seconds_ask_every_time(hanging):
    silence = Silence(Deadline(DEADLINE), 0.0)
    for _ in range(3):
        refused(silence, hanging)
    assert hanging.made == 3


def test_after_a_while_one_tries_and_the_others_follow_its_success(hanging):
    silence = Silence(Deadline(5.0), 60.0)
    silence._until["REALM"] = time.monotonic() - 1.0
    begun, go_on, answers = threading.Event(), threading.Event(), []

    def slow():
        begun.set()
        go_on.wait(30.0)
        return 7

    trying = threading.Thread(target=lambda: answers.append(silence.ask(slow, lambda: "REALM")))
    trying.start()
    assert begun.wait(10.0)
    assert "asked again" in refused(silence, hanging).text
    go_on.set()
    trying.join()
    assert answers == [7]
    assert silence.ask(lambda: 8, lambda: "REALM") == 8
    assert hanging.made == 0


@pytest.mark.parametrize("code", [156, UNREACHABLE, 24])
def test_whoever_refuses_at_once_is_asked_every_time(code):
    silence = Silence(Deadline(5.0), 60.0)
    silence._until["REALM"] = time.monotonic() - 1.0
    for _ in range(3):
        assert refused(silence, failing(code)).text == "as told"


def test_the_librarys_own_giving_up_counts(monkeypatch):
    monkeypatch.setattr(gss_silence, "_SOON", 0.0)
    silence = Silence(Deadline(5.0), 60.0)
    assert refused(silence, failing(156)).text == "as told"
    assert "asked again" in refused(silence, failing(156)).text


def test_realms_from_callers_do_not_pile_up(monkeypatch, hanging):
    monkeypatch.setattr(gss_silence, "_SOON", 0.0)
    monkeypatch.setattr(gss_silence, "_MOST", 8)
    silence = Silence(Deadline(5.0), 0.01)
    for number in range(50):
        refused(silence, failing(156), number)
        time.sleep(0.005)
        assert len(silence._until) <= 8
    lasting = Silence(Deadline(5.0), 60.0)
    for number in range(50):
        refused(lasting, failing(156), number)
    assert len(lasting._until) == 8
