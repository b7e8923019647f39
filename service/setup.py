"""Compiles what every leg passes with mypyc where BUILD_COMPILED is 1; the package is the same, and plain Python, without."""

import os
from pathlib import Path
from typing import Any

from setuptools import setup

ON_THE_ROAD = """
    log_lines
    rpc/chain rpc/context_service rpc/convert rpc/core rpc/metrics rpc/session rpc/stream rpc/unary
    broker/asks broker/audit broker/contexts broker/credentials broker/handles broker/sessions
    packages/schannel/acceptor packages/schannel/alpn packages/schannel/datagrams
    packages/schannel/established_state packages/schannel/facts
    packages/schannel/flags packages/schannel/framing packages/schannel/functions packages/schannel/handshake
    packages/schannel/initiator packages/schannel/suites
    packages/schannel/openssl/binding packages/schannel/openssl/callbacks packages/schannel/openssl/connections
"""
"""What an accept of TLS runs through, and what those modules call; one library, in which they call each other directly."""

OPTIONS = ["--config-file=", "--namespace-packages", "--explicit-package-bases", "--ignore-missing-imports"]
"""mypy's own. The types are judged by `make check`; here they are only used."""


def extensions() -> list[Any]:
    """The modules of `ON_THE_ROAD`, to be compiled."""
    from mypyc.build import mypycify  # noqa: PLC0415  # only here

    os.environ["MYPYPATH"] = "src"
    return mypycify([*OPTIONS, *(f"src/sspid/{each}.py" for each in ON_THE_ROAD.split())], opt_level="2", debug_level="0")


if os.environ.get("BUILD_COMPILED") == "1":
    os.chdir(Path(__file__).parent)
    setup(ext_modules=extensions())
else:
    setup()
