from __future__ import annotations

import pytest

from sspid.broker import asks
from sspid.packages.questions import Question
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus


class Double(Question[int], frozen=True):
    number: int


class Doubler:
    def __init__(self) -> None:
        self.callers: list[str] = []

    def answer(self, question: Double, caller: str) -> int:
        self.callers.append(caller)
        if question.number < 0:
            raise SspiError(SecurityStatus.SEC_E_NO_AUTHENTICATING_AUTHORITY, "negative")
        return question.number * 2


async def twice(number: int) -> int:
    return await Double(await Double(number))


async def careful(number: int) -> str:
    try:
        return str(await Double(number))
    except SspiError as failure:
        return failure.status.name


def test_questions_are_answered_in_turn_and_the_caller_is_told() -> None:
    world = Doubler()
    assert asks.run(twice(3), world, "alice") == 12  # type: ignore[arg-type]
    assert world.callers == ["alice", "alice"]


def test_a_failing_answer_is_thrown_into_the_package_which_chooses() -> None:
    assert asks.run(careful(-1), Doubler()) == "SEC_E_NO_AUTHENTICATING_AUTHORITY"  # type: ignore[arg-type]
    with pytest.raises(SspiError, match="negative"):
        asks.run(twice(-1), Doubler())  # type: ignore[arg-type]
