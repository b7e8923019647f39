"""A world that answers with what a test handed it: a fixed clock, given random bytes, given accounts."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sspid.broker import asks
from sspid.broker.world.key_files import open_key_file
from sspid.packages import questions

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

SERVER = questions.Machine("SERVER", "DOMAIN", "server.domain.test", "domain.test")


@dataclass
class FixedWorld:
    """`randoms` are handed out in order; when they run out, real ones follow. `answers` adds a question type's answer."""

    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    randoms: list[bytes] = field(default_factory=list)
    accounts: dict[str, questions.Account] = field(default_factory=dict)
    answers: dict[type, Callable[[Any], Any]] = field(default_factory=dict)
    asked: list[Any] = field(default_factory=list)
    machine: questions.Machine = SERVER
    policies: dict[str, Any] = field(default_factory=dict)
    digest_secrets: dict[questions.LookUpDigestSecret, questions.DigestSecret] = field(default_factory=dict)
    sealing_key: bytes = bytes(range(32))
    nonce_uses: dict[bytes, int] = field(default_factory=dict)

    def answer(self, question: Any, caller: str) -> Any:
        del caller
        self.asked.append(question)
        given = self.answers.get(type(question))
        if given is not None:
            return given(question)
        match question:
            case questions.ReadClock():
                return self.now
            case questions.DrawRandom(count):
                drawn = self.randoms.pop(0) if self.randoms else os.urandom(count)
                assert len(drawn) == count, f"the test handed {len(drawn)} random bytes where {count} were asked"
                return drawn
            case questions.LookUpAccount(name, _):
                return self.accounts.get(name.casefold())
            case questions.DescribeMachine():
                return self.machine
            case questions.ReadPolicy(package):
                return self.policies.get(package)
            case questions.OpenKeyFile():
                return open_key_file(question, "")
            case questions.RecordLogon() | questions.RecordPolicyBreach():
                return None
        return self._answer_of_digest(question)

    def _answer_of_digest(self, question: Any) -> Any:
        match question:
            case questions.LookUpDigestSecret():
                return self.digest_secrets.get(question)
            case questions.SealingKey():
                return self.sealing_key
            case questions.CountNonceUse(nonce, count):
                fresh = count > self.nonce_uses.get(nonce, 0)
                if fresh:
                    self.nonce_uses[nonce] = count
                return fresh
        message = f"the test's world has no answer to {question!r}"
        raise AssertionError(message)

    def run(self, leg: Coroutine[Any, Any, Any]) -> Any:
        """Drive one coroutine of a package."""
        return asks.run(leg, self)
