"""Runs a package's coroutine to its end and answers the questions it asks on the way; knows no package and no protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from sspid.vocabulary.errors import SspiError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from sspid.packages.questions import Question

Result = TypeVar("Result")


class World(Protocol):
    """Whoever answers questions: the real world in the service, a fixed one in tests."""

    def answer(self, question: Question[Any], caller: str) -> Any:
        """The answer, or an `SspiError` that is thrown into the package, which chooses its own status."""
        ...


def run(leg: Coroutine[Question[Any], Any, Result], world: World, caller: str = "") -> Result:
    """Drive `leg` until it returns; most legs ask nothing and return at the first send."""
    try:
        question = leg.send(None)
        while True:
            try:
                answer = world.answer(question, caller)
            except SspiError as failure:
                question = leg.throw(failure)
            else:
                question = leg.send(answer)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # StopIteration.value is untyped; it is the coroutine's Result
