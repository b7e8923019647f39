"""`SspiAuth` and `AsyncSspiAuth` for httpx: Negotiate, NTLM and Digest whose secrets and tokens are the service's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import httpx

from sspid_client.flags import ContextFlag
from sspid_client.http import bindings, origins
from sspid_client.http.authenticator import Authenticator, package_of
from sspid_client.http.exchange import BAD_REQUEST, UNAUTHORIZED, Answer, Asked, Wanted

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from types import TracebackType

    from sspid_client import aio
    from sspid_client.client import Credential


class _Auth(httpx.Auth):
    """What both have: a credential of either client."""

    def __init__(
        self,
        credential: Credential | aio.Credential,
        *,
        mutual: bool = False,
        flags: ContextFlag = ContextFlag(0),  # noqa: B008  # an enum member is immutable
        target_name: str = "",
    ) -> None:
        """Remember what to log on with; ValueError where the credential's package has no scheme in HTTP."""
        asked_for = flags | ContextFlag.MUTUAL_AUTH if mutual else flags
        wanted = Wanted(package_of(credential.package), lambda: credential.handle, asked_for, target_name)
        self._authenticator = Authenticator(wanted)
        self._covers_bodies = wanted.package == "Digest" and ContextFlag.INTEGRITY in flags


class SspiAuth(_Auth):
    """Log on with `credential`, whose package is the scheme: ``httpx.Client(auth=SspiAuth(credential))``.

    NTLM and Negotiate prove a connection, so keep the `httpx.Client`: its next request on that connection needs no logon.
    They need HTTP/1.1. Over https both are bound to the server's certificate (tls-server-end-point). A Digest answers its
    challenge once and signs later requests under the same nonce; an Authentication-Info is checked wherever one comes.

    `mutual`: the server has to prove itself too, else `SspiError`. `flags` are asked for besides: DELEGATE, or INTEGRITY
    for Digest's auth-int. `target_name` replaces "HTTP/host". A server that refuses the logon is no error: its 401 comes
    back. `SspiError` says that this side could not go on. `close`, or a ``with``, frees what is kept for later requests.
    """

    def __init__(
        self,
        credential: Credential,
        *,
        mutual: bool = False,
        flags: ContextFlag = ContextFlag(0),  # noqa: B008  # an enum member is immutable
        target_name: str = "",
    ) -> None:
        super().__init__(credential, mutual=mutual, flags=flags, target_name=target_name)
        self._run = credential.client.run

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Go through one request's logon."""
        logon = self._authenticator.begin()
        if self._covers_bodies:
            request.read()
        try:
            _authorize(request, self._run(logon.authorization(_asked(request))))
            response = yield request
            while _origin(response.request) == _origin(request):
                if self._covers_bodies:
                    response.read()
                if _was_redirected(request, response):
                    request = response.request
                    self._run(logon.abandon())
                    authorization = self._run(logon.authorization(_asked(request)))
                else:
                    authorization = self._run(logon.answered(_asked(request), _answer(response)))
                    if not authorization:
                        return
                _authorize(request, authorization)
                response = yield request
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
    ) -> None:
        super().__init__(credential, mutual=mutual, flags=flags, target_name=target_name)
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
            _authorize(request, await self._run(logon.authorization(_asked(request))))
            response = yield request
            while _origin(response.request) == _origin(request):
                if self._covers_bodies:
                    await response.aread()
                if _was_redirected(request, response):
                    request = response.request
                    await self._run(logon.abandon())
                    authorization = await self._run(logon.authorization(_asked(request)))
                else:
                    authorization = await self._run(logon.answered(_asked(request), _answer(response)))
                    if not authorization:
                        return
                _authorize(request, authorization)
                response = yield request
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


def _authorize(request: httpx.Request, authorization: str) -> None:
    if authorization:
        request.headers["Authorization"] = authorization
    else:
        request.headers.pop("Authorization", None)


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

    return Asked(_origin(request), request.method, request.url.raw_path.decode("ascii"), body)


def _answer(response: httpx.Response) -> Answer:
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
        lambda: response.content,
    )
