"""Instructions of one leg, counted by callgrind, as the gate against regressions: exact where times are not.

Run as a program, `instructions.py ROLE COUNT`, it is what callgrind watches: that many handshakes, each leg of the service's
inside a callback of ctypes, so that nothing but the legs is counted: neither the start, nor the peer's half.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from measure import Row

HERE = Path(__file__).parent
GATE = HERE / "callgrind.json"
RISE = 1.02
"""A leg that takes more instructions than the gate says times this wants a reason, and then a new gate."""
CALL = "ffi_call"
"""The function that ctypes calls others by; libffi exports it, so that every build of Python has it by name."""
SHORT, LONG = 20, 60
LEGS = 2


def rows() -> Iterator[Row]:
    """Instructions of a leg of each role over those of the gate."""
    from measure import Row  # noqa: PLC0415  # not wanted by the program that callgrind watches

    gate = json.loads(GATE.read_text("ascii"))
    for role in ("accept", "initiate"):
        name = f"tls13_ecdsa_{role}_leg_instructions"
        value = (_count(role, LONG) - _count(role, SHORT)) / (LONG - SHORT) / LEGS
        over = "" if value <= gate[name] * RISE else ", EXCEEDED: find the reason or raise the gate"
        yield Row(name, value, "instr", gate[name], f"bench/callgrind.json{over}")


def _count(role: str, handshakes: int) -> int:
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", f"--toggle-collect={CALL}"]
    command += [sys.executable, __file__, role, str(handshakes)]
    paths = os.pathsep.join((str(HERE), str(HERE.parent / "tests" / "support"), os.environ.get("PYTHONPATH", "")))
    done = subprocess.run(
        command, env={**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": paths}, capture_output=True, text=True, check=True
    )
    found = re.search(r"Collected : (\d+)", done.stderr)
    assert found, done.stderr
    counted = int(found[1])
    assert counted, f"callgrind saw no {CALL}"
    return counted


COMPARE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)


def _counted(work: Callable[[], Any]) -> Any:
    """`work`'s result; done in a callback: sorting two elements compares once."""
    results: list[Any] = []

    def compare(_first: Any, _second: Any, _argument: Any) -> int:
        results.append(work())
        return 0

    two = ctypes.create_string_buffer(2)
    ctypes.CDLL(None).qsort_r(two, ctypes.c_size_t(2), ctypes.c_size_t(1), COMPARE(compare), None)
    (result,) = results
    return result


def _watched(role: str, handshakes: int) -> None:
    """Drive legs through the service's functions, from message bytes to message bytes, without a socket."""
    import service as servers  # noqa: PLC0415  # the other half of this file starts no service
    from schannel import REQUESTS, Handshake, Peers, Scenario  # noqa: PLC0415
    from sspid_protos.sspi.v1 import context_service_pb2, credential_service_pb2  # noqa: PLC0415
    from traffic import FIELDS, FUNCTIONS  # noqa: PLC0415

    from sspid import logs  # noqa: PLC0415
    from sspid.app import Service  # noqa: PLC0415
    from sspid.config import Listener, Settings  # noqa: PLC0415

    scenario = Scenario("tls13", "ecdsa", "full", role)
    peers = Peers(scenario)
    with TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), listeners=[Listener("127.0.0.1:0", anonymous=True)], metrics_address="")
        built = Service(settings, logs.configure(settings.log))
        built.metrics.look()
        functions = built.server.functions
        request = credential_service_pb2.AcquireCredentialsHandleRequest(
            package_name="Schannel",
            use=servers.INBOUND if role == "accept" else servers.OUTBOUND,
            auth_data=scenario.auth_data(),
        )
        credential = functions["acquire_credentials_handle"]("bench", request).credential
        leg = functions[FIELDS[role]]
        request_type: Any = REQUESTS[role]
        response_type: Any = getattr(context_service_pb2, f"{FUNCTIONS[role]}Response")
        # One collection of all that the start left would weigh as much as five handshakes, and falls in one run or the other.
        gc.collect()
        gc.freeze()
        for _ in range(handshakes):
            handshake = Handshake(role, credential, peers.opposite(), peers.sessions, [])
            message = handshake.begin()
            while message is not None:
                sent = message.SerializeToString()
                answer = _counted(lambda sent=sent: leg("bench", request_type.FromString(sent)).SerializeToString())  # type: ignore[misc]
                message = handshake.go_on(response_type.FromString(answer))
        # What the service counts for many calls at once.
        _counted(built.metrics.look)


if __name__ == "__main__":
    _watched(sys.argv[1], int(sys.argv[2]))
    sys.stdout.flush()
    os._exit(0)
