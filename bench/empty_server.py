"""A gRPC server set up as sspid's is, whose functions answer recorded messages and do nothing: what the RPC alone costs.

Run as a program: `empty_server.py FOLDER THREADS STYLE`. FOLDER holds the answers of each leg; STYLE is how Session sends.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from sspid_protos.sspi.v1 import context_service_pb2 as wire
from traffic import FIELDS, FUNCTIONS

from sspid.rpc.server import OPTIONS

TYPES = {"accept": wire.AcceptSecurityContextResponse, "initiate": wire.InitializeSecurityContextResponse}


def answers(folder: Path, role: str) -> list[Any]:
    """First leg's and later legs' answer."""
    return [TYPES[role].FromString((folder / f"{role}-{leg}").read_bytes()) for leg in (0, 1)]


def unary_handler(role: str, known: list[Any]) -> Any:
    """Answers a leg with the recorded message."""

    def call(request: Any, _context: grpc.ServicerContext) -> Any:
        return known[request.HasField("context")]

    request_type = getattr(wire, f"{FUNCTIONS[role]}Request")
    return grpc.unary_unary_rpc_method_handler(call, request_type.FromString, TYPES[role].SerializeToString)


def session_handler(known: dict[str, list[Any]], style: str) -> Any:
    """Answers numbered legs with the recorded messages."""

    def answer_one(request: wire.SessionRequest) -> wire.SessionResponse:
        which = request.WhichOneof("call")
        return wire.SessionResponse(number=request.number, **{which: known[which][getattr(request, which).HasField("context")]})

    def answer(request: wire.SessionRequest) -> wire.SessionResponse:
        first = answer_one(request)
        first.also.extend([answer_one(each) for each in request.also])
        return first

    def generate(requests: Any, _context: grpc.ServicerContext) -> Any:
        for request in requests:
            yield answer(request)

    def send_each(requests: Any, _context: grpc.ServicerContext, send: Any) -> None:
        for request in requests:
            send(answer(request))
        send(None)

    send_each.experimental_non_blocking = True  # type: ignore[attr-defined]  # what gRPC looks for
    behaviour: Any = generate if style == "generator" else send_each
    behaviour.experimental_thread_pool = ThreadPoolExecutor(4)
    return grpc.stream_stream_rpc_method_handler(
        behaviour, wire.SessionRequest.FromString, wire.SessionResponse.SerializeToString
    )


def main() -> None:
    """Serve until standard input ends."""
    folder, threads, style = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    server = grpc.server(ThreadPoolExecutor(threads), options=OPTIONS)
    roles = [role for role in FUNCTIONS if (folder / f"{role}-0").exists()]
    known = {role: answers(folder, role) for role in roles}
    methods = {FUNCTIONS[role]: unary_handler(role, known[role]) for role in roles}
    methods["Session"] = session_handler({FIELDS[role]: known[role] for role in roles}, style)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("sspi.v1.ContextService", methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    unix = f"unix://{folder}/empty.sock"
    server.add_insecure_port(unix)
    server.start()
    print(port, flush=True)
    sys.stdin.read()
    server.stop(0)


if __name__ == "__main__":
    main()
