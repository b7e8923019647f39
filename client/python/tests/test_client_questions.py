"""Logic that asks, driven by blocking answers and by asyncio's, to the same end."""

from __future__ import annotations

import asyncio

import pytest

from sspid_client.questions import Receive, Send, run, run_async


def drive_blocking(work, answer):
    return run(work, answer)


def drive_async(work, answer):
    async def awaited(question):
        await asyncio.sleep(0)
        return answer(question)

    return asyncio.run(run_async(work, awaited))


both = pytest.mark.parametrize("drive", [drive_blocking, drive_async])


async def echo():
    first = await Receive(3)
    await Send(first)
    return first + await Receive(1)


@both
def test_answers_arrive_where_they_were_asked(drive):
    asked = []

    def answer(question):
        asked.append(question)
        return b"x" * question.size if isinstance(question, Receive) else None

    assert drive(echo(), answer) == b"xxxx"
    assert asked == [Receive(3), Send(b"xxx"), Receive(1)]


@both
def test_a_failing_answer_is_raised_at_its_question(drive):
    async def careful():
        try:
            await Receive(1)
        except ConnectionResetError:
            await Send(b"sorry")
            raise

    sent = []

    def answer(question):
        if isinstance(question, Receive):
            raise ConnectionResetError
        sent.append(question.data)

    with pytest.raises(ConnectionResetError):
        drive(careful(), answer)
    assert sent == [b"sorry"]


@both
def test_an_interrupt_reaches_the_logic_too(drive):
    left = []

    async def careful():
        try:
            await Receive(1)
        finally:
            left.append("cleaned")

    def answer(question):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drive(careful(), answer)
    assert left == ["cleaned"]


def test_what_is_sent_does_not_show():
    assert "secret" not in repr(Send(b"secret"))
