"""Unary calls: a call of gRPC's core around a function of the chain; finds the caller and the deadline, nothing more."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.message import DecodeError

from sspid.rpc.reading import SHUTTING_DOWN
from sspid.vocabulary.errors import RefusedError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from sspid.rpc.call_threads import CallThreads
    from sspid.rpc.core import Call
    from sspid.rpc.reading import Readings

CODES: dict[str, grpc.StatusCode] = {code.name: code for code in grpc.StatusCode}


class UnaryMethod:
    """One method. `count` is told why a call was refused before it came to its `function`.

    `identify` names a call's caller. What is not done on the threads is done on the core's, and waits for nothing.
    """

    def __init__(
        self,
        function: Callable[[str, Any], Any],
        parse: Callable[[bytes], Any],
        *,
        identify: Callable[[Call], str],
        readings: Readings,
        threads: CallThreads,
        stopping: threading.Event,
        count: Callable[[str], None],
    ) -> None:
        self._function = function
        self._parse = parse
        self._identify = identify
        self._readings = readings
        self._threads = threads
        self._stopping = stopping
        self._count = count

    def begin(self, call: Call) -> None:
        """Have the message of a call read, or refuse it."""
        try:
            if call.time_remaining() <= 0:
                raise RefusedError("DEADLINE_EXCEEDED", "The deadline had passed before the call began; allow more time.")
            if self._stopping.is_set():
                raise RefusedError("UNAVAILABLE", SHUTTING_DOWN)
            self._readings.begin(call, self._identify(call), self._refuse)
        except RefusedError as refused:
            self._refuse(call, refused)
        else:
            call.read(self._take)

    def _take(self, call: Call, message: bytes | None) -> None:
        caller = self._readings.end(call)
        if caller is None:
            return
        try:
            if message is None:
                text = "A unary call has exactly one request message, and this one ended before it."
                raise RefusedError("INVALID_ARGUMENT", text)
            self._threads.put(partial(self._answer, call, caller, message))
        except RefusedError as refused:
            self._refuse(call, refused)

    def _answer(self, call: Call, caller: str, message: bytes) -> None:
        try:
            request = parsed(self._parse, message)
        except RefusedError as refused:
            self._refuse(call, refused)
            return
        try:
            answer = self._function(caller, request).SerializeToString()
        except RefusedError as refused:
            call.refuse(CODES[refused.kind], refused.message)
        except BaseException:
            call.refuse(grpc.StatusCode.INTERNAL, "A bug in sspid; its operator finds it in the log.")
            raise
        else:
            call.answer(answer)

    def _refuse(self, call: Call, refused: RefusedError) -> None:
        self._count(refused.kind)
        call.refuse(CODES[refused.kind], refused.message)


def parsed(parse: Callable[[bytes], Any], message: bytes) -> Any:
    """The message. INVALID_ARGUMENT where its bytes are none."""
    try:
        return parse(message)
    except DecodeError:
        raise RefusedError(
            "INVALID_ARGUMENT", "The request is no message of the contract sspi.v1; make it from its protos."
        ) from None
