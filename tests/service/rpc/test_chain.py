"""The chain around a function, and its three steps: what a reader, an act and a writer do wrong ends alike."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from sspid_protos.sspi.v1 import context_service_pb2 as wire
from sspid_protos.sspi.v1 import vocabulary_pb2

from sspid import logs
from sspid.broker.legs import LegAnswer
from sspid.config import Log
from sspid.packages.contract import Step
from sspid.rpc.chain import Function, Method, Surroundings
from sspid.rpc.context_service import CONVERSIONS
from sspid.rpc.metrics import Metrics
from sspid.vocabulary.buffers import token
from sspid.vocabulary.errors import RefusedError, SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Callable

REQUEST, RESPONSE = wire.AcceptSecurityContextRequest, wire.AcceptSecurityContextResponse
LEG = LegAnswer(b"h" * 24, Step(SecurityStatus.SEC_I_CONTINUE_NEEDED, None, output=(token(b"out"),)))


def served(act: Callable[[str, Any], Any], metrics: Metrics | None = None, **conversions: Any) -> Function:
    """AcceptSecurityContext with `act` behind it, read and written as the service does it."""
    read, write = CONVERSIONS["AcceptSecurityContext"]
    given: dict[str, Any] = {"read": read, "write": write} | conversions
    method = Method("sspi.v1.ContextService", "AcceptSecurityContext", act, REQUEST, RESPONSE, **given)
    return Function(method, Surroundings(metrics, logs.configure(Log("info", "json"))))


def counted(metrics: Metrics) -> dict[str, float]:
    return {
        sample.labels["status"]: sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "sspid_calls_total"
    }


def test_a_leg_is_read_made_and_written() -> None:
    seen = []

    def act(caller: str, call: Any) -> LegAnswer:
        seen.append((caller, call.credential, call.input[0].data))
        return LEG

    request = REQUEST(input=[vocabulary_pb2.SecurityBuffer(type=vocabulary_pb2.SECBUFFER_TOKEN, data=b"in")])
    request.credential.value = b"c" * 24
    response = served(act)("alice", request)
    assert seen == [("alice", b"c" * 24, b"in")]
    assert response.result.status == vocabulary_pb2.SEC_I_CONTINUE_NEEDED
    assert (response.context.value, response.output[0].data) == (b"h" * 24, b"out")


def test_a_message_that_came_back_from_elsewhere_is_the_answer() -> None:
    answer = RESPONSE(result=vocabulary_pb2.SecurityResult(status=vocabulary_pb2.SEC_E_OK))
    function = served(lambda _caller, _call: answer)
    assert function("alice", REQUEST()) is answer
    response = RESPONSE()
    function.write(answer, response)
    assert response == answer


def test_a_failing_status_is_an_answer() -> None:
    def act(_caller: str, _call: Any) -> Any:
        raise SspiError(SecurityStatus.SEC_E_LOGON_DENIED, "no")

    metrics = Metrics()
    response = served(act, metrics)("alice", REQUEST())
    assert (response.result.status, response.result.message) == (vocabulary_pb2.SEC_E_LOGON_DENIED, "no")
    assert counted(metrics) == {"SEC_E_LOGON_DENIED": 1.0}


def test_a_request_that_cannot_be_read_is_refused_and_counted_where_it_is_acted_on() -> None:
    metrics = Metrics()
    function = served(lambda _caller, _call: LEG, metrics)
    request = REQUEST(input=[vocabulary_pb2.SecurityBuffer(type=99)])  # type: ignore[arg-type]
    given = function.read(request)
    assert counted(metrics) == {}
    with pytest.raises(RefusedError, match="Buffer type or access 99") as caught:
        function.act("alice", request, given)
    assert caught.value.kind == "INVALID_ARGUMENT"
    assert counted(metrics) == {"INVALID_ARGUMENT": 1.0}


def broken(*_: Any) -> Any:
    message = "secret of the broken"
    raise KeyError(message)


@pytest.mark.parametrize("where", ["read", "act", "write"])
def test_a_bug_is_hidden_and_logged_under_its_id_wherever_it_is(where: str, capsys: pytest.CaptureFixture[str]) -> None:
    conversions: Any = {where: broken}
    function = served(broken) if where == "act" else served(lambda _caller, _call: LEG, **conversions)
    with pytest.raises(RefusedError) as caught:
        function("alice", REQUEST())
    assert caught.value.kind == "INTERNAL"
    assert "secret" not in caught.value.message
    found = re.search(r"under ([0-9a-f]{32})\.", caught.value.message)
    assert found
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["bug"], line["function"]) == ("bug", found[1], "AcceptSecurityContext")
    assert line["exception"][0]["exc_type"] == "KeyError"


def test_calls_are_counted_however_many_wait_to_be() -> None:
    metrics = Metrics()
    function = served(lambda _caller, _call: LEG, metrics)
    for _ in range(1000):
        function("alice", REQUEST())
    assert counted(metrics) == {"SEC_I_CONTINUE_NEEDED": 1000.0}
