"""`SspiAuth` and `AsyncSspiAuth` for httpx: Negotiate, NTLM, Digest and CredSSP whose secrets and tokens are the service's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import httpx

from sspid_client.errors import SspiError
from sspid_client.flags import ContextFlag
from sspid_client.http import bindings, origins
from sspid_client.http.authenticator import Authenticator, package_of
from sspid_client.http.exchange import BAD_REQUEST, UNAUTHORIZED, Answer, Asked, Turn, Wanted

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from types import TracebackType

    from sspid_client import aio
    from sspid_client.client import Credential
    from sspid_client.http.exchange import Entity


class _Auth(httpx.Auth):
    """What both have: a credential of either client."""

    def __init__(
        self,
        credential: Credential | aio.Credential,
        *,
        mutual: bool = False,
        flags: ContextFlag = ContextFlag(0),  # noqa: B008  # an enum member is immutable
        target_name: str = "",
        encrypt: bool = False,
    ) -> None:
        """Remember what to log on with; ValueError where the credential's package has no scheme in HTTP or cannot encrypt."""
        asked_for = flags | ContextFlag.MUTUAL_AUTH if mutual else flags
        package = package_of(credential.package, encrypt=encrypt)
        wanted = Wanted(package, lambda: credential.handle, asked_for, target_name, encrypt)
        self._authenticator = Authenticator(wanted)
        self._encrypts = encrypt
        self._covers_bodies = encrypt or (wanted.package == "Digest" and ContextFlag.INTEGRITY in flags)

    def _stay(self, sent: httpx.Request, response: httpx.Response) -> None:
        """Have nobody but the server asked say what a sealed request's answer is."""
        if self._encrypts and response.request is not sent:
            raise SspiError(f"{sent.url.host} redirected a sealed request, which goes nowhere else: ask the other URL itself.")

    def _read(self, response: httpx.Response) -> bytes | None:
        """Read a body that a logon looks at; None where it is to be asked of the response."""
        if self._encrypts:
            stream: Any = response.stream
            body = b"".join(stream)
            stream.close()
            return _hold(response, body)
        if self._covers_bodies:
            response.read()
        return None

    async def _aread(self, response: httpx.Response) -> bytes | None:
        """As `_read`."""
        if self._encrypts:
            stream: Any = response.stream
            body = b"".join([part async for part in stream])
            await stream.aclose()
            return _hold(response, body)
        if self._covers_bodies:
            await response.aread()
        return None


class SspiAuth(_Auth):
    """Log on with `credential`, whose package is the scheme: ``httpx.Client(auth=SspiAuth(credential))``.

    NTLM, Negotiate and CredSSP prove a connection, so keep the `httpx.Client`: its next request on that connection needs no
    logon. They need HTTP/1.1. Over https the first two are bound to the server's certificate (tls-server-end-point). A
    Digest answers its challenge once and signs later requests under the same nonce; an Authentication-Info is checked
    wherever one comes.

    `mutual`: the server has to prove itself too, else `SspiError`. `flags` are asked for besides: DELEGATE, without which
    CredSSP hands no password over, or INTEGRITY for Digest's auth-int. `target_name` replaces "HTTP/host", with CredSSP
    "WSMAN/host". `encrypt`, for CredSSP: bodies travel sealed both ways, as WinRM has it over http; an answer in clear is an
    `SspiError` unless it is an error's (400 and above). A server that refuses the logon is no error: its 401 comes back.
    `SspiError` says that this side could not go on. `close`, or a ``with``, frees what is kept for later requests.
    """

    def __init__(
        self,
        credential: Credential,
        *,
        mutual: bool = False,
        flags: ContextFlag = ContextFlag(0),  # noqa: B008  # an enum member is immutable
        target_name: str = "",
        encrypt: bool = False,
    ) -> None:
        super().__init__(credential, mutual=mutual, flags=flags, target_name=target_name, encrypt=encrypt)
        self._run = credential.client.run

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Go through one request's logon."""
        logon = self._authenticator.begin()
        if self._covers_bodies:
            request.read()
        try:
            sent = _sent(request, self._run(logon.start(_asked(request))))
            response = yield sent
            while _origin(response.request) == _origin(request):
                self._stay(sent, response)
                body = self._read(response)
                if _was_redirected(sent, response):
                    request = response.request
                    self._run(logon.abandon())
                    turn = self._run(logon.start(_asked(request)))
                else:
                    found = self._run(logon.answered(_asked(request), _answer(response, body)))
                    if not isinstance(found, Turn):
                        _open(response, request, found)
                        return
                    turn = found
                sent = _sent(request, turn)
                response = yield sent
            self._stay(sent, response)
            self._run(logon.abandon())
        except BaseException:
            self._run(logon.abandon())
            raise

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Refuse: this one would block the event loop."""
        raise TypeError("httpx.AsyncClient takes AsyncSspiAuth, with a credential of sspid_client.aio.")
        yield request

    def close(self) -> None:
        """Free the contexts that are kept for later requests."""
        self._run(self._authenticator.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class AsyncSspiAuth(_Auth):
    """As `SspiAuth`, for httpx.AsyncClient under asyncio, with a credential of `sspid_client.aio`."""

    def __init__(
        self,
        credential: aio.Credential,
        *,
        mutual: bool = False,
        flags: ContextFlag = ContextFlag(0),  # noqa: B008  # an enum member is immutable
        target_name: str = "",
        encrypt: bool = False,
    ) -> None:
        super().__init__(credential, mutual=mutual, flags=flags, target_name=target_name, encrypt=encrypt)
        self._run = credential.client.run

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Refuse: this one needs an event loop."""
        raise TypeError("httpx.Client takes SspiAuth, with a credential of sspid_client.")
        yield request

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Go through one request's logon."""
        logon = self._authenticator.begin()
        if self._covers_bodies:
            await request.aread()
        try:
            sent = _sent(request, await self._run(logon.start(_asked(request))))
            response = yield sent
            while _origin(response.request) == _origin(request):
                self._stay(sent, response)
                body = await self._aread(response)
                if _was_redirected(sent, response):
                    request = response.request
                    await self._run(logon.abandon())
                    turn = await self._run(logon.start(_asked(request)))
                else:
                    found = await self._run(logon.answered(_asked(request), _answer(response, body)))
                    if not isinstance(found, Turn):
                        _open(response, request, found)
                        return
                    turn = found
                sent = _sent(request, turn)
                response = yield sent
            self._stay(sent, response)
            await self._run(logon.abandon())
        except BaseException:
            await self._run(logon.abandon())
            raise

    async def close(self) -> None:
        """Free the contexts that are kept for later requests."""
        await self._run(self._authenticator.close())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _hold(response: httpx.Response, body: bytes) -> bytes:
    """Have the application read `body`, whatever the connection said."""
    response.stream = httpx.ByteStream(body)
    return body


def _open(response: httpx.Response, request: httpx.Request, entity: Entity | None) -> None:
    """Have the response say what it held sealed, as the answer to the application's own request."""
    if entity is not None:
        _hold(response, entity.data)
        response.headers["Content-Type"] = entity.content_type
        response.headers["Content-Length"] = str(len(entity.data))
        response.request = request


def _sent(request: httpx.Request, turn: Turn) -> httpx.Request:
    """Return the application's request as this turn has it."""
    if turn.authorization:
        request.headers["Authorization"] = turn.authorization
    else:
        request.headers.pop("Authorization", None)
    if turn.entity is None:
        return request
    headers = httpx.Headers(request.headers)
    for name in ("Content-Type", "Content-Length", "Transfer-Encoding"):
        headers.pop(name, None)
    headers["Accept-Encoding"] = "identity"
    if turn.entity.content_type:
        headers["Content-Type"] = turn.entity.content_type
    content, extensions = turn.entity.data, request.extensions
    return httpx.Request(request.method, request.url, headers=headers, content=content, extensions=extensions)


def _was_redirected(request: httpx.Request, response: httpx.Response) -> bool:
    """Whether httpx followed a redirection with an Authorization that was meant for `request`, and it was refused."""
    return response.request is not request and response.status_code in {BAD_REQUEST, UNAUTHORIZED}


def _origin(request: httpx.Request) -> tuple[str, str, int]:
    return origins.of(str(request.url))


def _asked(request: httpx.Request) -> Asked:
    def body() -> bytes | None:
        try:
            return request.content
        except httpx.RequestNotRead:
            return None

    kind = request.headers.get("Content-Type", "")
    return Asked(_origin(request), request.method, request.url.raw_path.decode("ascii"), body, kind)


def _answer(response: httpx.Response, body: bytes | None) -> Answer:
    stream: Any = response.extensions.get("network_stream")
    sock = stream.get_extra_info("socket") if stream else None
    tls = stream.get_extra_info("ssl_object") if stream and response.status_code == UNAUTHORIZED else None
    certificate = (
        (tls.getpeercert(True) or b"") if tls else b""
    )  # httpcore hands out ssl's inner object, which takes no keywords
    return Answer(
        response.status_code,
        response.headers.get_list("WWW-Authenticate"),
        response.headers.get_list("Authentication-Info"),
        sock,
        bindings.buffers(certificate),
        lambda: response.content if body is None else body,
        response.headers.get("Content-Type", ""),
    )
