from __future__ import annotations

import pytest

from sspid.broker.world.accounts.opening import Opening, Whereabouts


class Lines:
    """A logger that keeps what it is told."""

    def __init__(self):
        self.lines = []

    def __getattr__(self, level):
        return lambda event, **values: self.lines.append({"level": level, "event": event, **values})

    def of(self, event):
        return [line for line in self.lines if line["event"] == event]


@pytest.fixture
def log():
    return Lines()


@pytest.fixture
def whereabouts(tmp_path):
    return Whereabouts(tmp_path)


@pytest.fixture
def opening(whereabouts):
    made = Opening(whereabouts)
    yield made
    made.close()


@pytest.fixture
def store(opening):
    return opening.store()
