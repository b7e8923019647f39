"""The realm as pytest's fixtures, apart from it so that pytest can load them as a plugin; no realm of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sspid_testing.realm import Realm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def shared_realm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realm]:
    """One realm for the whole run."""
    made = Realm(tmp_path_factory.mktemp("realm"))
    made.create()
    yield made
    made.stop()


@pytest.fixture
def realm(shared_realm: Realm, monkeypatch: pytest.MonkeyPatch) -> Realm:
    """The realm, with this process inside it for the length of a test."""
    for name, value in shared_realm.environment.items():
        monkeypatch.setenv(name, value)
    return shared_realm


@pytest.fixture
def own_realm(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Realm]]:
    """Make a realm for one test, with this process inside it; it may be stopped or given odd settings (`extra`)."""
    made: list[Realm] = []

    def make(**settings: str) -> Realm:
        realm = Realm(tmp_path_factory.mktemp("own-realm"), **settings)
        realm.create()
        made.append(realm)
        for name, value in realm.environment.items():
            monkeypatch.setenv(name, value)
        return realm

    yield make
    for realm in made:
        realm.stop()
