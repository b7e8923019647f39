"""The one way to MIT's Kerberos library: a question's answer, with a deadline where a KDC may be asked; knows no SSPI."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sspid.broker.world.gss_deadline import Deadline
from sspid.broker.world.gss_silence import Silence
from sspid.packages import gss
from sspid.packages.gss import UNREACHABLE, GssError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sspid.broker.world.answers import Answers

DEADLINE_SECONDS = 15.0
SILENT_SECONDS = 10.0

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

    `deadline_seconds` is how long one question may wait for a KDC, and `silent_seconds` how long one that was waited for in
    vain is not asked again. The library is loaded at the first question.
    """

    def __init__(self, deadline_seconds: float = DEADLINE_SECONDS, silent_seconds: float = SILENT_SECONDS) -> None:
        self._silence = Silence(Deadline(deadline_seconds), silent_seconds)

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
        if question.context is not None:
            # Later legs read the acceptor's answer and ask nobody.
            return initiate(question)
        credential: Any = question.credential
        return self._silence.ask(lambda: initiate(question), lambda: credential.wanted(question.target))

    def _change_password(self, question: gss.ChangeGssPassword, _caller: str) -> None:
        change = _module("gss_passwords").change
        realm = question.principal.rpartition("@")[2]
        self._silence.ask(lambda: change(question), lambda: ("passwords", realm))

    def _accept(self, question: gss.AcceptGss, _caller: str) -> Any:
        accept = _module("gss_contexts").accept
        credential: Any = question.credential
        if question.context is not None or not credential.may_delegate_on:
            return accept(question)
        try:
            return self._silence.ask(lambda: accept(question), lambda: credential.wanted(""))
        except GssError as failure:
            if failure.code != UNREACHABLE:
                raise
            # The service's own ticket is for what may come after; who came is known without it.
            return accept(question, alone=True)


def _answer(name: str) -> Callable[[Any, str], Any]:
    return lambda question, _caller: getattr(_module("gss_contexts"), name)(question)


@cache
def _module(name: str) -> Any:
    return import_module(f"sspid.broker.world.{name}")
