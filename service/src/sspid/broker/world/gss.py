"""The one way to MIT's Kerberos library: a question's answer, with a deadline where a KDC may be asked; knows no SSPI."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sspid.broker.world.gss_deadline import Deadline
from sspid.packages import gss

if TYPE_CHECKING:
    from collections.abc import Callable

    from sspid.broker.world.answers import Answers

DEADLINE_SECONDS = 15.0

_LOCAL: dict[type, str] = {
    gss.InspectGss: "inspect",
    gss.FirstGssNumber: "first_number",
    gss.WrapGss: "wrap",
    gss.UnwrapGss: "unwrap",
    gss.UnwrapGssToken: "unwrap_token",
    gss.SignGss: "sign",
    gss.VerifyGss: "verify",
    gss.MeasureGss: "measure",
    gss.ExportGss: "export",
    gss.ImportGss: "import_",
}
"""Questions no KDC has a part in, and the function of `gss_contexts` that answers each."""


class MitKerberos:
    """Answers the questions of `sspid.packages.gss`; which KDCs there are says the krb5.conf of this process (KRB5_CONFIG).

    `deadline_seconds` is how long one question may wait for a KDC. The library is loaded at the first question.
    """

    def __init__(self, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        self._deadline = Deadline(deadline_seconds)

    def answers(self) -> Answers:
        """What a world is put together from."""
        local: dict[type, Callable[[Any, str], Any]] = {question: _answer(name) for question, name in _LOCAL.items()}
        return local | {
            gss.OpenGssCredential: lambda question, _caller: _module("gss_credentials").open_credential(question),
            gss.InitiateGss: self._initiate,
            gss.AcceptGss: self._accept,
            gss.ChangeGssPassword: self._change_password,
        }

    def _initiate(self, question: gss.InitiateGss, _caller: str) -> Any:
        initiate = _module("gss_contexts").initiate
        # Later legs read the acceptor's answer and ask nobody.
        return self._deadline.run(lambda: initiate(question)) if question.context is None else initiate(question)

    def _change_password(self, question: gss.ChangeGssPassword, _caller: str) -> None:
        change = _module("gss_passwords").change
        self._deadline.run(lambda: change(question))

    def _accept(self, question: gss.AcceptGss, _caller: str) -> Any:
        accept = _module("gss_contexts").accept
        credential: Any = question.credential
        return self._deadline.run(lambda: accept(question)) if credential.may_delegate_on else accept(question)


def _answer(name: str) -> Callable[[Any, str], Any]:
    return lambda question, _caller: getattr(_module("gss_contexts"), name)(question)


@cache
def _module(name: str) -> Any:
    return import_module(f"sspid.broker.world.{name}")
