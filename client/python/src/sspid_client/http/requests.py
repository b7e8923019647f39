"""`SspiAuth` for the library requests: Negotiate, NTLM, Digest and CredSSP whose secrets and tokens are the service's."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Self

import requests
from requests.cookies import extract_cookies_to_jar
from requests.utils import get_encoding_from_headers

from sspid_client.flags import ContextFlag
from sspid_client.http import bindings, origins
from sspid_client.http.authenticator import Authenticator, package_of
from sspid_client.http.exchange import UNAUTHORIZED, Answer, Asked, Turn, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from requests import PreparedRequest, Response

    from sspid_client.client import Credential
    from sspid_client.http.exchange import Entity, Logon


class SspiAuth(requests.auth.AuthBase):
    """Log on with `credential`, whose package is the scheme: ``requests.get(url, auth=SspiAuth(credential))``.

    NTLM, Negotiate and CredSSP prove a connection, so use a `Session`: its next request on that connection needs no logon.
    Over https the first two are bound to the server's certificate (tls-server-end-point). A Digest answers its challenge
    once and signs later requests under the same nonce; an Authentication-Info is checked wherever one comes.

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
        """Remember what to log on with; ValueError where the credential's package has no scheme in HTTP or cannot encrypt."""
        self._run = credential.client.run
        asked_for = flags | ContextFlag.MUTUAL_AUTH if mutual else flags
        package = package_of(credential.package, encrypt=encrypt)
        wanted = Wanted(package, lambda: credential.handle, asked_for, target_name, encrypt)
        self._authenticator = Authenticator(wanted)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Prepare one request: sign it where that can be done, and have its answer looked at."""
        asked = _asked(request)
        logon = self._authenticator.begin()
        _apply(request, self._run(logon.start(asked)))
        register: Callable[[str, Callable[..., Response]], None] = request.register_hook
        register("response", functools.partial(self._answered, logon, request, _position(request)))
        return request

    def _answered(
        self, logon: Logon, begun: PreparedRequest, position: int | None, response: Response, **sending: Any
    ) -> Response:
        """Go through the logon; `response` is the first answer, and the last one is returned."""
        # A redirection copies the request with what it was authorized with.
        begun.headers.pop("Authorization", None)
        request = response.request
        if _origin(request) != _origin(begun):
            return response
        try:
            while True:
                turn = self._run(logon.answered(_asked(request), _answer(response)))
                if not isinstance(turn, Turn):
                    return _opened(response, turn) if turn else response
                response = _again(response, turn, position, sending)
        except BaseException:
            self._run(logon.abandon())
            raise

    def close(self) -> None:
        """Free the contexts that are kept for later requests."""
        self._run(self._authenticator.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _apply(request: PreparedRequest, turn: Turn) -> None:
    """Set what the request is sent with."""
    if turn.authorization:
        request.headers["Authorization"] = turn.authorization
    else:
        request.headers.pop("Authorization", None)
    if turn.entity is None:
        return
    request.body = turn.entity.data
    request.headers["Content-Length"] = str(len(turn.entity.data))
    request.headers["Accept-Encoding"] = "identity"
    if turn.entity.content_type:
        request.headers["Content-Type"] = turn.entity.content_type
    else:
        request.headers.pop("Content-Type", None)


def _again(response: Response, turn: Turn, position: int | None, sending: dict[str, Any]) -> Response:
    """Send the request of `response` again, on the same connection: reading the answer to its end sets that free."""
    response.content  # noqa: B018  # reads
    response.close()
    request = response.request.copy()
    if position is not None:
        _seek(request.body, position)
    jar = request._cookies  # type: ignore[attr-defined]  # noqa: SLF001  # as requests' own HTTPDigestAuth does
    extract_cookies_to_jar(jar, response.request, response.raw)  # type: ignore[no-untyped-call]  # types-requests leaves it so
    request.prepare_cookies(jar)
    _apply(request, turn)
    adapter: Any = response.connection
    answer: Response = adapter.send(request, **sending)
    answer.history = [*response.history, response]
    answer.request = request
    return answer


def _opened(response: Response, entity: Entity) -> Response:
    """Have the response say what it held sealed."""
    response._content = entity.data  # noqa: SLF001  # the body was read to its end, and stays read
    response.headers["Content-Type"] = entity.content_type
    response.headers["Content-Length"] = str(len(entity.data))
    response.encoding = get_encoding_from_headers(response.headers)
    return response


def _position(request: PreparedRequest) -> int | None:
    tell: Callable[[], int] | None = getattr(request.body, "tell", None)
    return None if tell is None else tell()


def _seek(body: Any, position: int) -> None:
    body.seek(position)


def _origin(request: PreparedRequest) -> tuple[str, str, int]:
    return origins.of(request.url or "")


def _asked(request: PreparedRequest) -> Asked:
    kind: Any = request.headers.get("Content-Type", "")
    return Asked(
        _origin(request),
        request.method or "",
        request.path_url,
        functools.partial(_body, request),
        kind if isinstance(kind, str) else kind.decode("latin-1"),
    )


def _body(request: PreparedRequest) -> bytes | None:
    body: Any = request.body
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode("utf-8")
    return body if isinstance(body, bytes) else None


def _answer(response: Response) -> Answer:
    raw: Any = response.raw
    sock: Any = getattr(getattr(raw, "connection", None), "sock", None)
    certificate = b""
    if response.status_code == UNAUTHORIZED and hasattr(sock, "getpeercert"):
        certificate = sock.getpeercert(binary_form=True) or b""
    lines = raw.headers.getlist
    return Answer(
        response.status_code,
        lines("WWW-Authenticate"),
        lines("Authentication-Info"),
        sock,
        bindings.buffers(certificate),
        lambda: response.content,
        response.headers.get("Content-Type", ""),
    )
