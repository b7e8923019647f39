"""Accept HTTP logons (Negotiate, NTLM, Digest) through sspid: what http_front.py and auth_request.py share."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sspid_client import (
    DEFAULT_FLAGS,
    INBOUND,
    BufferType,
    ContextFlag,
    SecurityBuffer,
    SecurityStatus,
    ServiceError,
    SspiError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sspid_client import AuthData, Client, Context, Credential

DIGEST_FLAGS = DEFAULT_FLAGS | ContextFlag.USE_HTTP_STYLE | ContextFlag.MUTUAL_AUTH
DIGESTS_KEPT = 1000
OK, UNAUTHORIZED, UNAVAILABLE = 200, 401, 503


@dataclass(frozen=True)
class Verdict:
    """What to answer: `status` 200 lets `user` in; `headers` go into the answer whatever it is; `why` is for the log."""

    status: int
    user: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    why: str = ""


class DigestLogons:
    """Digest needs no connection: each request is judged for itself, by whichever worker of the service."""

    def __init__(self, credential: Credential) -> None:
        self._credential = credential
        # While one context of a client's session is kept, its requests are judged without asking for the account again.
        self._kept: deque[Context] = deque()

    def challenges(self) -> list[str]:
        """One challenge an algorithm. Its nonce is sealed, so nothing has to be kept for the answer."""
        with self._credential.accept(flags=DIGEST_FLAGS) as context:
            return _values(context.step().output)

    def judge(self, method: str, uri: str, response: bytes) -> tuple[str, list[str]]:
        """Who the user is, and the Authentication-Info; a nonce that has aged gives no user and new challenges."""
        request = [SecurityBuffer(BufferType.PKG_PARAMS, text.encode("latin-1")) for text in (method, uri, "")]
        context = self._credential.accept(flags=DIGEST_FLAGS)
        user = ""
        try:
            context.step(response, extra_input=request)
            judged = context.complete(request)
            if judged.status is SecurityStatus.SEC_I_CONTINUE_NEEDED:
                return "", _values(judged.output)
            info = _values(context.complete(request).output)
            user = _user(context)
            return user, info
        finally:
            if user:
                self._keep(context)
            else:
                context.delete()

    def _keep(self, context: Context) -> None:
        self._kept.append(context)
        if len(self._kept) > DIGESTS_KEPT:
            self._kept.popleft().delete()


class Logons:
    """The credentials of the schemes that are offered, in the order in which clients see them.

    `bindings` is the CHANNEL_BINDINGS buffer of this server's certificate; `keytab` lets Negotiate take Kerberos.
    """

    def __init__(
        self,
        sspi: Client,
        schemes: Sequence[str],
        *,
        keytab: AuthData | None = None,
        bindings: Sequence[SecurityBuffer] = (),
        flags: ContextFlag = DEFAULT_FLAGS,
    ) -> None:
        self.bindings = bindings
        self.flags = flags
        self.credentials = {
            scheme.lower(): sspi.acquire_credentials_handle(scheme, INBOUND, keytab if scheme == "Negotiate" else None)
            for scheme in schemes
        }
        self.digest = DigestLogons(self.credentials["digest"]) if "digest" in self.credentials else None

    def challenged(self, why: str = "", *, scheme: str = "", token: bytes = b"") -> Verdict:
        """Ask for a logon; `token` goes with the challenge of `scheme`, which is then the only one."""
        if token:
            return Verdict(UNAUTHORIZED, "", (("WWW-Authenticate", f"{scheme} {base64.b64encode(token).decode()}"),), why)
        names = {"negotiate": "Negotiate", "ntlm": "NTLM"}
        plain = [("WWW-Authenticate", names[each]) for each in self.credentials if each in names]
        digests = [("WWW-Authenticate", "Digest " + each) for each in (self.digest.challenges() if self.digest else ())]
        return Verdict(UNAUTHORIZED, "", (*plain, *digests), why)


class Connection:
    """One connection of a client: NTLM's and Negotiate's legs belong to it, and so does the user they proved."""

    def __init__(self, logons: Logons) -> None:
        self._logons = logons
        self._id = secrets.token_hex(8)
        self._context: Context | None = None
        self._user = ""

    @property
    def waiting(self) -> bool:
        """Whether the client's next token belongs to a logon under way."""
        return self._context is not None

    def judge(self, method: str, uri: str, authorization: str) -> Verdict:
        """Say what one request is answered with."""
        scheme, _, value = authorization.strip().partition(" ")
        try:
            if scheme.lower() not in self._logons.credentials:
                return Verdict(OK, self._user) if self._user and not scheme else self._logons.challenged()
            if scheme.lower() == "digest":
                return self._digest(method, uri, value)
            return self._token(scheme, value)
        except ServiceError as failure:
            return Verdict(UNAVAILABLE, why=str(failure))
        except SspiError as failure:
            self.close()
            return self._refused(scheme, failure)

    def _refused(self, scheme: str, failure: SspiError) -> Verdict:
        try:
            return self._logons.challenged(str(failure), scheme=scheme, token=failure.token)
        except SspiError as another:
            return Verdict(UNAVAILABLE, why=str(another))

    def _digest(self, method: str, uri: str, value: str) -> Verdict:
        digest = self._logons.digest
        if digest is None:
            return self._logons.challenged()
        user, given = digest.judge(method, uri, value.encode("latin-1"))
        if not user:
            return Verdict(UNAUTHORIZED, "", tuple(("WWW-Authenticate", "Digest " + each) for each in given), "stale nonce")
        return Verdict(OK, user, tuple(("Authentication-Info", each) for each in given))

    def _token(self, scheme: str, value: str) -> Verdict:
        try:
            token = base64.b64decode(value, validate=True)
        except binascii.Error:
            return self._logons.challenged("The Authorization has a token that is no base64.")
        if self._context is None:
            self._user = ""
            self._context = self._logons.credentials[scheme.lower()].accept(
                flags=self._logons.flags, first_input=self._logons.bindings, connection_id=self._id
            )
        step = self._context.step(token)
        if not step.done:
            return self._logons.challenged("", scheme=scheme, token=step.token)
        user = _user(self._context)
        self.close()
        self._user = user
        last = f"{scheme} {base64.b64encode(step.token).decode()}"
        return Verdict(OK, user, (("WWW-Authenticate", last),) if step.token else ())

    def close(self) -> None:
        """Forget the user and free the context of a logon under way."""
        context, self._context, self._user = self._context, None, ""
        if context is not None:
            context.delete()


def _values(buffers: Sequence[SecurityBuffer]) -> list[str]:
    return [each.data.decode("latin-1") for each in buffers if each.type is BufferType.TOKEN and each.data]


def _user(context: Context) -> str:
    identity = context.identity()
    return f"{identity.domain}\\{identity.name}" if identity.domain else identity.name
