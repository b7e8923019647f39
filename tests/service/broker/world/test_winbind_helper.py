"""Helpers that are slow, die, or say something else: every question ends by its deadline, and no answer goes astray.

The helpers here are small shell scripts that misbehave as the real one cannot be made to; the real one is asked in
tests/interop/accounts.
"""

from __future__ import annotations

import threading
import time

import pytest
import structlog

from sspid.broker.world.winbind import Winbind, WinbindSettings
from sspid.broker.world.winbind_helper import Helper, HelperError
from sspid.packages.questions import JudgeNtlmResponse
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

LOG = structlog.get_logger()
QUESTION = JudgeNtlmResponse("alice", "CORP", "WS", bytes(8), bytes(60), bytes(24))
READ = 'while read -r line && [ "$line" != . ]; do :; done'
NO = r'printf "Authenticated: No\nAuthentication-Error: The user account has expired.\n.\n"'
YES = r'printf "Authenticated: Yes\nUser-Session-Key: 000102030405060708090A0B0C0D0E0F\n.\n"'


def shell(script):
    return ("sh", "-c", script)


def asked(script, **settings):
    authority = Winbind(WinbindSettings(shell(script), **{"deadline": 5.0, **settings}), LOG)
    try:
        return authority.judge(QUESTION, "")
    except SspiError as error:
        return error
    finally:
        authority.close()


def test_a_verdict():
    verdict = asked(f"{READ}; {YES}")
    assert verdict.session_base_key == bytes(range(16))
    assert (verdict.account.name, verdict.account.domain, verdict.account.groups) == ("alice", "CORP", ())


def test_a_refusal_has_its_ntstatus():
    error = asked(f"{READ}; {NO}")
    assert (error.status, error.detail.ntstatus) == (SecurityStatus.SEC_E_LOGON_DENIED, 0xC0000193)


@pytest.mark.parametrize(
    "script",
    [
        "exit 1",
        f"{READ}; exit 0",
        f"{READ}; sleep 60",
        "sleep 60",
        f"{READ}; printf 'Authenticated: Yes'; sleep 60",
        rf"{READ}; printf 'Authenticated: Yes\n.\n'",
        rf"{READ}; printf 'Authenticated: Yes\nUser-Session-Key: 00\n.\n'",
        rf"{READ}; printf 'Error: Unknown request\n.\n'",
        rf"{READ}; printf 'Error: odd\nAuthenticated: Yes\n.\n'",
        rf"{READ}; printf 'Authenticated: Maybe\n.\n'",
        f"{READ}; yes",
        f"{READ}; head -c 1000000 /dev/zero",
        rf"{READ}; printf '.\n.\n.\n'; sleep 60",
        rf"{READ}; printf 'Authenticated: No\nAuthentication-Error: Reading winbind reply failed!\n.\n'",
    ],
)
def test_no_authority_within_the_deadline(script):
    began = time.monotonic()
    error = asked(script, deadline=1.0)
    assert error.status is SecurityStatus.SEC_E_NO_AUTHENTICATING_AUTHORITY
    assert time.monotonic() - began < 30.0


def test_a_program_that_is_not_there():
    authority = Winbind(WinbindSettings(("/nonexistent/ntlm_auth",)), LOG)
    with pytest.raises(SspiError, match="cannot be started") as caught:
        authority.judge(QUESTION, "")
    assert caught.value.status is SecurityStatus.SEC_E_NO_AUTHENTICATING_AUTHORITY


def test_winbind_that_is_not_enabled():
    error = asked("exit 1", enabled=False)
    assert error.status is SecurityStatus.SEC_E_NO_AUTHENTICATING_AUTHORITY
    assert "not enabled" in error.message


def test_while_it_is_away_only_one_call_waits():
    authority = Winbind(WinbindSettings(shell("sleep 60"), deadline=1.5, helpers=8), LOG)
    took = []

    def attempt():
        began = time.monotonic()
        with pytest.raises(SspiError):
            authority.judge(QUESTION, "")
        took.append(time.monotonic() - began)

    attempt()
    threads = [threading.Thread(target=attempt) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sum(seconds > 1.4 for seconds in took[1:]) == 1
    authority.close()


def test_more_questions_than_helpers_wait_for_one_and_no_longer_than_the_deadline():
    authority = Winbind(WinbindSettings(shell(f"while :; do {READ}; sleep 0.2; {YES}; done"), deadline=20.0, helpers=1), LOG)
    verdicts = []
    threads = [threading.Thread(target=lambda: verdicts.append(authority.judge(QUESTION, ""))) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(verdicts) == 4
    assert len(authority._idle) == 1
    authority.close()


def test_a_late_answer_is_nobody_elses(tmp_path):
    """The first helper says yes after its deadline; the second question must not get that answer."""
    script = f'{READ}; if mkdir "$0" 2>/dev/null; then sleep 1; {YES}; else {NO}; fi; sleep 60'
    authority = Winbind(WinbindSettings((*shell(script), str(tmp_path / "once")), deadline=0.7), LOG)
    statuses = []
    for pause in (0.6, 0.0):
        with pytest.raises(SspiError) as caught:
            authority.judge(QUESTION, "")
        statuses.append(caught.value.status)
        time.sleep(pause)
    assert statuses == [SecurityStatus.SEC_E_NO_AUTHENTICATING_AUTHORITY, SecurityStatus.SEC_E_LOGON_DENIED]
    authority.close()


def test_an_idle_helper_that_has_something_to_say_is_not_asked():
    helper = Helper(shell(rf"{READ}; {YES}; printf 'Authenticated: Yes\n.\n'; sleep 60"))
    assert helper.ask(b"x: y\n.\n", time.monotonic() + 5.0)["Authenticated"] == "Yes"
    time.sleep(0.3)
    assert not helper.ready()
    helper.kill()


def test_the_nothing_after_a_refusal_is_passed_over():
    helper = Helper(shell(rf"{READ}; {NO}; sleep 0.2; printf '.\n'; {READ}; {YES}; sleep 60"))
    deadline = time.monotonic() + 10.0
    assert helper.ask(b"x: y\n.\n", deadline)["Authenticated"] == "No"
    assert helper.ready()
    assert helper.ask(b"x: y\n.\n", deadline)["Authenticated"] == "Yes"
    helper.kill()


def test_a_killed_helper_is_not_ready():
    helper = Helper(shell("sleep 60"))
    helper._process.kill()
    helper._process.wait()
    assert not helper.ready()
    with pytest.raises(HelperError):
        helper.ask(b"x" * 1_000_000, time.monotonic() + 1.0)
    helper.kill()
