"""The service's lines: what is written without structlog, for handshakes, reads as structlog's own."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from sspid import log_lines, logs
from sspid.config import Log

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
CALLERS = ["me", 'x509:CN="a\\b"\n', "x509:CN=\u20ac", "x509:CN=\udcff"]
FIELDS: dict[str, Any] = {
    "status": "SEC_E_OK",
    "legs": 3,
    "ms": 0.1,
    "whole": 12.0,
    "enforced": True,
    "nothing": None,
    "groups": ["staff", 'a"b'],
    "large": 1 << 80,
    "odd": Exception("odd"),
}


def written(capsys):
    return capsys.readouterr().err.splitlines()


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("fields", [{}, FIELDS])
def test_the_quick_way_writes_what_structlog_writes(capsys, caller, fields):
    log: Any = logs.configure(Log(format="json"))
    log.info("handshake", caller=caller, **fields)
    log.warning("handshake", caller=caller, **fields)
    lines = written(capsys)
    assert all(line.isascii() for line in lines), "a reader may take them for any encoding"
    quick, slow = (json.loads(line) for line in lines)
    assert quick["caller"] == caller
    assert TIMESTAMP.fullmatch(quick.pop("timestamp"))
    assert TIMESTAMP.fullmatch(slow.pop("timestamp"))
    assert (quick.pop("level"), slow.pop("level")) == ("info", "warning")
    assert quick == slow
    assert list(quick) == list(slow)


def test_lines_that_go_out_together_are_those_that_go_out_alone(capsys):
    log: Any = logs.configure(Log(format="json"))
    for caller in CALLERS:
        log.info("handshake", caller=caller)
    alone = [json.loads(line) for line in written(capsys)]
    with log_lines.lines_together():
        for caller in CALLERS:
            log.info("handshake", caller=caller)
        assert not written(capsys)
    together = [json.loads(line) for line in written(capsys)]
    for line in (*alone, *together):
        assert TIMESTAMP.fullmatch(line.pop("timestamp"))
    assert together == alone


def test_time_goes_on():
    times = (1_000_000_000, 1_000_001_000, 1_999_999_999, 2_000_000_000, 1_795_258_973_000_042_999)
    assert [log_lines._iso(nanoseconds) for nanoseconds in times] == [
        "1970-01-01T00:00:01.000000Z",
        "1970-01-01T00:00:01.000001Z",
        "1970-01-01T00:00:01.999999Z",
        "1970-01-01T00:00:02.000000Z",
        "2026-11-21T11:02:53.000042Z",
    ]


@pytest.mark.parametrize(("level", "lines"), [("debug", 1), ("info", 1), ("warning", 0)])
def test_the_configured_level_holds(capsys, level, lines):
    log: Any = logs.configure(Log(format="json", level=level))
    log.info("handshake", caller="me")
    assert len(written(capsys)) == lines
