"""Both ends of a Kerberos handshake for tests: a world with MIT's library in it, and ends in a realm."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sspid.broker.world.gss import MitKerberos
from sspid.packages.kerberos import package
from sspid.vocabulary.credentials import Keytab, Password
from sspid.vocabulary.flags import NO_FLAGS, ContextFlag, Flags
from sspid_testing import realm as mit
from sspid_testing.ends import End
from sspid_testing.world import FixedWorld

if TYPE_CHECKING:
    from sspid_testing.realm import Realm

MUTUAL = frozenset({ContextFlag.MUTUAL_AUTH})
DCE = MUTUAL | {ContextFlag.USE_DCE_STYLE, ContextFlag.CONFIDENTIALITY}
FULL = MUTUAL | {
    ContextFlag.REPLAY_DETECT, ContextFlag.SEQUENCE_DETECT, ContextFlag.CONFIDENTIALITY, ContextFlag.INTEGRITY,
    ContextFlag.EXTENDED_ERROR,
}  # fmt: skip
ALICE = Password("alice", mit.NAME, mit.PASSWORD)


def a_world(deadline: float = 10.0, *, silent: float = 10.0, policy: Any = None) -> FixedWorld:
    """A world that asks MIT's library in earnest. Its clock is the real one: tickets have real times."""
    answers: dict[type, Any] = {
        question: _without_caller(answer) for question, answer in MitKerberos(deadline, silent).answers().items()
    }
    policies = {} if policy is None else {"Kerberos": policy}
    return FixedWorld(now=datetime.now(UTC), answers=answers, policies=policies)


def _without_caller(answer: Any) -> Any:
    return lambda question: answer(question, "")


def initiator(secret: Any = ALICE, flags: Flags = FULL, target: str = mit.HTTP, **more: Any) -> Any:
    """An initiator's end; `more` is End's own."""
    more.setdefault("world", a_world())
    return End(package(), secret, flags=flags, target=target, **more)


def acceptor(realm: Realm, *services: str, flags: Flags = NO_FLAGS, **more: Any) -> Any:
    """An acceptor's end with the keys of `services` (the web server's where none is named)."""
    more.setdefault("world", a_world())
    secret = more.pop("secret", None) or Keytab(data=realm.keys(*(services or (mit.HTTP,))))
    return End(package(), secret, flags=flags, accepts=True, **more)
