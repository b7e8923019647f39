"""Finds the answer to a question by its type; each answer lives in a module of its own beside this one."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sspid.packages import questions
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from sspid.broker.waits import WaitingRoom

    Answers = Mapping[type, Callable[[Any, str], Any]]

ALWAYS: Answers = {
    questions.ReadClock: lambda _question, _caller: datetime.now(UTC),
    questions.DrawRandom: lambda question, _caller: os.urandom(question.count),
}
"""Questions that need nothing configured."""


class RealWorld:
    """Answers what the service was put together with, and says plainly what it was not.

    `later` gives answers whose modules take long to import, at the first question nothing else answers.
    `elsewhere` are the questions that another process or machine answers: whoever asks them is in the waiting room meanwhile.
    """

    def __init__(
        self,
        answers: Answers,
        waiting: WaitingRoom | None = None,
        elsewhere: Collection[type] = (),
        later: Callable[[], Answers] = dict,
    ) -> None:
        self._later = later
        self._waiting = waiting
        self._elsewhere = frozenset(elsewhere)
        self._answers = self._waited_for({**ALWAYS, **answers})

    def answer(self, question: questions.Question[Any], caller: str) -> Any:
        """The answer, or an `SspiError`."""
        answer = self._answers.get(question.__class__) or self._learn(question.__class__)
        return answer(question, caller)

    def _learn(self, question: type) -> Callable[[Any, str], Any]:
        self._answers |= self._waited_for(self._later())
        answer = self._answers.get(question)
        if answer is None:
            message = f"This service is not configured to answer {question.__name__}."
            raise SspiError(SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, message)
        return answer

    def _waited_for(self, answers: Answers) -> dict[type, Callable[[Any, str], Any]]:
        """Put those from elsewhere into the waiting room once, and not look at each question for it."""
        room = self._waiting
        if room is None:
            return dict(answers)
        return {kind: _waiting_in(room, each) if kind in self._elsewhere else each for kind, each in answers.items()}


def _waiting_in(room: WaitingRoom, answer: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    def wait(question: questions.Question[Any], caller: str) -> Any:
        with room.wait(caller):
            return answer(question, caller)

    return wait
