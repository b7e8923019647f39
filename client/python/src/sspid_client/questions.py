"""How the logic of this library asks for I/O: it awaits questions, and the two clients answer them; no I/O happens here.

Each operation is written once, as a coroutine. `run` drives it where answers come from blocking calls, `run_async` where
they come from asyncio.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator

Answer = TypeVar("Answer")
Result = TypeVar("Result")


class Question(Generic[Answer]):
    """One wish of the logic, answered by whoever drives it."""

    __slots__ = ()

    def __await__(self) -> Generator[Question[Answer], Answer, Answer]:
        return (yield self)


@dataclass(frozen=True, slots=True)
class Send(Question[None]):
    """Send these bytes to the peer, all of them."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Receive(Question[bytes]):
    """Wait for bytes of the peer, at most `size`; empty means it sends no more."""

    size: int


def run(work: Coroutine[Question[Any], Any, Result], answer: Callable[[Question[Any]], Any]) -> Result:
    """Drive `work` to its end; what `answer` raises is raised inside `work` at the question."""
    try:
        question = work.send(None)
        while True:
            try:
                given = answer(question)
            except BaseException as failure:  # noqa: BLE001  # `work` cleans up after an interrupt too
                question = work.throw(failure)
            else:
                question = work.send(given)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # StopIteration.value is untyped; it is the coroutine's Result


async def run_async(work: Coroutine[Question[Any], Any, Result], answer: Callable[[Question[Any]], Awaitable[Any]]) -> Result:
    """Drive `work` to its end as `run` does, awaiting the answers."""
    try:
        question = work.send(None)
        while True:
            try:
                given = await answer(question)
            except BaseException as failure:  # noqa: BLE001  # `work` cleans up after a cancellation too
                question = work.throw(failure)
            else:
                question = work.send(given)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # StopIteration.value is untyped; it is the coroutine's Result
