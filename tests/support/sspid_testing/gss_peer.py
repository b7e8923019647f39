"""A GSS-API application in a process of its own, spoken to in JSON lines; python gssapi's high-level half, nothing of ours.

Run as a program it is the peer; `GssPeer` starts one in a realm.
"""

from __future__ import annotations

import base64
import importlib
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sspid_testing.realm import Realm

FLAGS = ("mutual_authentication", "replay_detection", "out_of_sequence_detection", "confidentiality", "integrity")


class GssPeer:
    """One context of the peer: `call` does what the functions of `_Peer` do."""

    def __init__(self, realm: Realm, **environment: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **realm.environment, **environment},
            text=True,
        )

    def call(self, do: str, **arguments: Any) -> Any:
        """Have the peer do something; bytes go and come as they are. `GssPeerError` where it refuses."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        json.dump({"do": do, **_packed(arguments)}, self._process.stdin)
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        answer = _unpacked(json.loads(self._process.stdout.readline()))
        if "error" in answer:
            raise GssPeerError(**answer)
        return answer.get("value")

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.communicate(timeout=10)


class GssPeerError(Exception):
    """What the peer refused: the name of python gssapi's exception, its minor status, and the token it would send."""

    def __init__(self, error: str, minor: int, token: bytes) -> None:
        super().__init__(error)
        self.error = error
        self.minor = minor
        self.token = token


def _packed(values: Any) -> Any:
    return {name: {"b64": base64.b64encode(one).decode()} if isinstance(one, bytes) else one for name, one in values.items()}


def _unpacked(values: Any) -> Any:
    return {name: base64.b64decode(one["b64"]) if isinstance(one, dict) else one for name, one in values.items()}


class _Peer:
    """The peer's side."""

    context: Any

    def initiate(self, target: str, flags: list[str], bindings: bytes = b"", *, delegate: bool = False) -> None:
        gssapi = _load("gssapi")
        wanted = [getattr(gssapi.RequirementFlag, flag) for flag in flags]
        if delegate:
            wanted.append(gssapi.RequirementFlag.delegate_to_peer)
        self.context = gssapi.SecurityContext(
            name=gssapi.Name(target.replace("/", "@"), gssapi.NameType.hostbased_service),
            mech=gssapi.MechType.kerberos,
            flags=wanted,
            usage="initiate",
            channel_bindings=self._bindings(bindings),
        )

    def accept(self, bindings: bytes = b"") -> None:
        gssapi = _load("gssapi")
        self.context = gssapi.SecurityContext(
            creds=gssapi.Credentials(usage="accept"), usage="accept", channel_bindings=self._bindings(bindings)
        )

    @staticmethod
    def _bindings(data: bytes) -> Any:
        return _load("gssapi.raw").ChannelBindings(application_data=data) if data else None

    def step(self, token: bytes = b"") -> bytes:
        sent: bytes | None = self.context.step(token or None)
        return sent or b""

    def wrap(self, data: bytes, encrypt: bool) -> bytes:
        return bytes(self.context.wrap(data, encrypt).message)

    def unwrap(self, data: bytes) -> bytes:
        return bytes(self.context.unwrap(data).message)

    def encrypted(self, data: bytes) -> bool:
        return bool(self.context.unwrap(data).encrypted)

    def mic(self, data: bytes) -> bytes:
        return bytes(self.context.get_signature(data))

    def verify(self, data: bytes, mic: bytes) -> None:
        self.context.verify_signature(data, mic)

    def wrap_dce(self, header: bytes, data: bytes) -> bytes:
        raw = _load("gssapi.raw")
        vector = raw.IOV(raw.IOVBufferType.header, (raw.IOVBufferType.sign_only, False, header), data, std_layout=False)
        raw.wrap_iov(self.context, vector)
        return bytes(vector[0].value + vector[2].value)

    def unwrap_dce(self, token: bytes, header: bytes, data: bytes) -> bytes:
        raw = _load("gssapi.raw")
        kind = raw.IOVBufferType
        parts = ((kind.header, False, token), (kind.sign_only, False, header), (kind.data, False, data))
        vector = raw.IOV(*parts, std_layout=False)
        raw.unwrap_iov(self.context, vector)
        return bytes(vector[2].value)

    def complete(self) -> bool:
        return bool(self.context.complete)

    def flags(self) -> list[str]:
        return [flag.name for flag in self.context.actual_flags]

    def client(self) -> str:
        return str(self.context.initiator_name)

    def delegated(self) -> str:
        return str(self.context.delegated_creds.name)

    def session_key(self) -> bytes:
        raw = _load("gssapi.raw")
        key = raw.OID.from_int_seq("1.2.840.113554.1.2.2.5.5")
        return bytes(raw.inquire_sec_context_by_oid(self.context, key)[0])


def _load(name: str) -> Any:
    """The library, which the process that starts the peer may not have."""
    return importlib.import_module(name)


def _main() -> None:
    peer = _Peer()
    for line in sys.stdin:
        question = _unpacked(json.loads(line))
        try:
            answer = {"value": getattr(peer, question.pop("do"))(**question)}
        except _load("gssapi").exceptions.GSSError as error:
            answer = {"error": type(error).__name__, "minor": error.min_code, "token": error.token or b""}
        sys.stdout.write(json.dumps(_packed(answer)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main()
