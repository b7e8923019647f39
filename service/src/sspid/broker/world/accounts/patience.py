"""Waits for a database no longer than its deadline, even one whose server has stopped in the middle of an answer."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sspid.broker.world.accounts.errors import AwayError

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = TypeVar("Answer")
_MOST: Final = 16
"""Questions at once; those that nobody waits for any more count until the database ends them."""


class Patience:
    """Asks on a thread of its own, because a driver can wait for ever. `seconds` None asks where it stands: a file answers."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._slots = threading.BoundedSemaphore(_MOST)

    def ask(self, question: Callable[[], Answer]) -> Answer:
        """The answer, or what it raises. `AwayError` at the deadline."""
        if self._seconds is None:
            return question()
        if not self._slots.acquire(blocking=False):
            raise AwayError("Too many questions wait for the accounts database.")
        answer: Future[Answer] = Future()
        threading.Thread(target=self._run, args=(question, answer), name="accounts", daemon=True).start()
        try:
            return answer.result(self._seconds)
        except FutureTimeoutError:
            raise AwayError(f"The accounts database did not answer within {self._seconds:g} s.") from None

    def _run(self, question: Callable[[], Any], answer: Future[Any]) -> None:
        try:
            answer.set_result(question())
        except BaseException as error:  # noqa: BLE001  # whatever it is, it is raised where the question was asked
            answer.set_exception(error)
        finally:
            self._slots.release()
