"""Foreign ends of a handshake with the shape of `ends.End`: pyspnego, gss-ntlmssp, Samba's ntlm_auth and sspi-rs."""

from __future__ import annotations

import base64
import subprocess
from typing import Any

from sspid_testing import peers


class Refused(Exception):  # noqa: N818 - a foreign end's way to say no
    """The foreign end failed; the text is its own, and so is the token it would still send."""

    def __init__(self, text: str, token: bytes = b"") -> None:
        super().__init__(text)
        self.token = token


class Pyspnego:
    """pyspnego's context, either role. An acceptor reads its accounts from the file that NTLM_USER_FILE names."""

    def __init__(self, context: Any) -> None:
        self.context = context

    @classmethod
    def initiator(cls, user: str, password: str, protocol: str, *, bindings: bytes = b"", **options: Any) -> Pyspnego:
        spnego = peers.require_module("spnego")
        given = cls._options(spnego, protocol, bindings, options)
        return cls(spnego.client(user, password, hostname="server.domain.test", service="HTTP", protocol=protocol, **given))

    @classmethod
    def acceptor(cls, protocol: str, *, bindings: bytes = b"", **options: Any) -> Pyspnego:
        spnego = peers.require_module("spnego")
        return cls(spnego.server(protocol=protocol, **cls._options(spnego, protocol, bindings, options)))

    @staticmethod
    def _options(spnego: Any, protocol: str, bindings: bytes, options: dict[str, Any]) -> dict[str, Any]:
        wanted = spnego.NegotiateOptions.use_ntlm if protocol == "ntlm" else spnego.NegotiateOptions.use_negotiate
        given = {"options": wanted, **options}
        if bindings:
            given["channel_bindings"] = spnego.channel_bindings.GssChannelBindings(application_data=bindings)
        return given

    @property
    def done(self) -> bool:
        return bool(self.context.complete)

    def step(self, received: bytes | None = None) -> bytes:
        try:
            return self.context.step(received) or b""
        except peers.require_module("spnego").exceptions.SpnegoError as error:
            raise Refused(str(error)) from error

    @property
    def session_key(self) -> bytes:
        return bytes(self.context.session_key)

    def encrypt(self, data: bytes) -> tuple[bytes, bytes]:
        wrapped = self.context.wrap_winrm(data)
        return wrapped.data, wrapped.header

    def decrypt(self, data: bytes, signature: bytes) -> bytes:
        return bytes(self.context.unwrap(signature + data).data)

    def sign(self, data: bytes) -> bytes:
        return bytes(self.context.sign(data))

    def verify(self, data: bytes, signature: bytes) -> None:
        self.context.verify(data, signature)


class Gss:
    """MIT's GSS-API with the gss-ntlmssp mechanism, bare or inside MIT's SPNEGO, either role."""

    NTLM = "1.3.6.1.4.1.311.2.2.10"
    SPNEGO = "1.3.6.1.5.5.2"

    def __init__(self, context: Any) -> None:
        self.context = context

    @classmethod
    def initiator(cls, user: str, password: str, mechanism: str, *, bindings: bytes = b"") -> Gss:
        gssapi = cls._library()
        ntlm, outer = gssapi.OID.from_int_seq(cls.NTLM), gssapi.OID.from_int_seq(mechanism)
        name = gssapi.Name(user, gssapi.NameType.user)
        mechanisms = [ntlm] if mechanism == cls.NTLM else [outer]
        held = gssapi.raw.acquire_cred_with_password(name, password.encode(), mechs=mechanisms, usage="initiate").creds
        if mechanism == cls.SPNEGO:
            gssapi.raw.set_neg_mechs(held, [ntlm])
        target = gssapi.Name("HTTP@server.domain.test", gssapi.NameType.hostbased_service)
        flags = gssapi.RequirementFlag
        flags = flags.integrity | flags.confidentiality
        creds, bound = gssapi.Credentials(base=held), cls._bindings(gssapi, bindings)
        context = gssapi.SecurityContext(
            name=target, creds=creds, mech=outer, usage="initiate", flags=flags, channel_bindings=bound
        )  # fmt: skip
        return cls(context)

    @classmethod
    def acceptor(cls, mechanism: str, *, bindings: bytes = b"") -> Gss:
        gssapi = cls._library()
        outer = gssapi.OID.from_int_seq(mechanism)
        held = gssapi.Credentials(usage="accept", mechs=[outer])
        bound = cls._bindings(gssapi, bindings)
        return cls(gssapi.SecurityContext(creds=held, usage="accept", channel_bindings=bound))

    @staticmethod
    def _library() -> Any:
        peers.require("gss-ntlmssp")
        gssapi = peers.require_module("gssapi")
        # Its default is to raise with the next step what went wrong in this one.
        gssapi.SecurityContext.__DEFER_STEP_ERRORS__ = False
        return gssapi

    @staticmethod
    def _bindings(gssapi: Any, data: bytes) -> Any:
        return gssapi.raw.ChannelBindings(application_data=data) if data else None

    @property
    def done(self) -> bool:
        return bool(self.context.complete)

    def step(self, received: bytes | None = None) -> bytes:
        gssapi = self._library()
        try:
            return self.context.step(received) or b""
        except gssapi.exceptions.GSSError as error:
            raise Refused(str(error), getattr(error, "token", None) or b"") from error

    @property
    def session_key(self) -> bytes:
        gssapi = self._library()
        wanted = gssapi.OID.from_int_seq("1.2.840.113554.1.2.2.5.5")
        return bytes(gssapi.raw.inquire_sec_context_by_oid(self.context, wanted)[0])

    def encrypt(self, data: bytes) -> tuple[bytes, bytes]:
        message = self.context.wrap(data, True).message
        return message[16:], message[:16]

    def decrypt(self, data: bytes, signature: bytes) -> bytes:
        return bytes(self.context.unwrap(signature + data).message)

    def sign(self, data: bytes) -> bytes:
        return bytes(self.context.get_signature(data))

    def verify(self, data: bytes, signature: bytes) -> None:
        self.context.verify_signature(data, signature)


class NtlmAuth:
    """Samba's ntlm_auth helper over its pipe, without any daemon: it judges by the password on its command line."""

    def __init__(self, protocol: str, user: str, domain: str, password: str) -> None:
        program = peers.require("ntlm_auth")
        self.protocol = protocol
        self.client = "client" in protocol
        self.done = False
        self.user = ""
        self._process = subprocess.Popen(
            [program, "--configfile=/dev/null", f"--helper-protocol={protocol}", f"--username={user}", f"--domain={domain}",
             f"--password={password}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, bufsize=1,
        )  # fmt: skip
        self._begun = False
        if protocol != "gss-spnego-client":
            self._ask("SF NTLMSSP_FEATURE_SESSION_KEY NTLMSSP_FEATURE_SIGN NTLMSSP_FEATURE_SEAL")

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _ask(self, line: str) -> list[str]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        return self._process.stdout.readline().split()

    def step(self, received: bytes | None = None) -> bytes:
        word = "TT" if self.client else "KK"
        if not self._begun:
            word, self._begun = "YR", True
        answer = self._ask(f"{word} {base64.b64encode(received).decode()}" if received else word)
        kind, rest = answer[0], answer[1:]
        if kind in {"NA", "BH"}:
            raise Refused(" ".join(answer))
        self.done = kind == "AF"
        if self.done and not self.client:
            self.user = rest[-1]
            rest = rest[:-1]
        return base64.b64decode(rest[0]) if rest and rest[0] != "*" else b""

    @property
    def session_key(self) -> bytes:
        return base64.b64decode(self._ask("GK")[1])


class SspiRs:
    """sspi-rs through sspilib, initiator only: its acceptor does not work."""

    def __init__(self, user: str, domain: str, password: str, package: str, flags: Any = None) -> None:
        sspilib = peers.require_module("sspilib")
        credential = sspilib.UserCredential(user, password, domain, package)
        wanted = sspilib.IscReq.ISC_REQ_INTEGRITY | sspilib.IscReq.ISC_REQ_CONFIDENTIALITY if flags is None else flags
        self.context = sspilib.ClientSecurityContext(credential, "HTTP/server.domain.test", wanted)

    @property
    def done(self) -> bool:
        return bool(self.context.complete)

    def step(self, received: bytes | None = None) -> bytes:
        try:
            return bytes(self.context.step(received))
        except peers.require_module("sspilib").WindowsError as error:
            raise Refused(str(error)) from error

    def encrypt(self, data: bytes) -> tuple[bytes, bytes]:
        message = bytes(self.context.wrap(data))
        return message[16:], message[:16]

    def decrypt(self, data: bytes, signature: bytes) -> bytes:
        return bytes(self.context.unwrap(signature + data).data)

    def sign(self, data: bytes) -> bytes:
        return bytes(self.context.sign(data))

    def verify(self, data: bytes, signature: bytes) -> None:
        self.context.verify(data, signature)
