"""requests, httpx and httpx under asyncio with the client's logons, behind one function for tests to choose from."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import requests

import sspid_client
from sspid_client import OUTBOUND, aio
from sspid_client.http.httpx import AsyncSspiAuth
from sspid_client.http.httpx import SspiAuth as HttpxAuth
from sspid_client.http.requests import SspiAuth as RequestsAuth

if TYPE_CHECKING:
    from sspid_client import AuthData


# A logon is one connection's, however slow the machine is just now: httpx closes one that was idle for five seconds.
_LIMITS = httpx.Limits(keepalive_expiry=60)


class Fetched(NamedTuple):
    """One answer: `statuses` are those of all that the logon took, the last one's included."""

    status: int
    headers: dict[str, str]
    text: str
    statuses: list[int]


class Asking(NamedTuple):
    """What to ask: the service, the credential, the requests (method, URL, body) one after the other, `ca` for https."""

    target: str
    package: str
    identity: AuthData
    requests: list[tuple[str, str, bytes]]
    ca: str = ""
    settings: dict[str, Any] = {}  # noqa: RUF012  # nobody changes it
    redirects: bool = True


def by_requests(asking: Asking) -> list[Fetched]:
    """All requests by one requests.Session."""
    with (
        sspid_client.Client(asking.target) as sspi,
        sspi.acquire_credentials_handle(asking.package, OUTBOUND, asking.identity) as credential,
        RequestsAuth(credential, **asking.settings) as auth,
        requests.Session() as session,
    ):
        session.auth = auth
        return [
            _of_requests(
                session.request(method, url, data=body, timeout=30, allow_redirects=asking.redirects, verify=asking.ca or None)
            )
            for method, url, body in asking.requests
        ]


def _of_requests(response: requests.Response) -> Fetched:
    statuses = [each.status_code for each in (*response.history, response)]
    return Fetched(
        response.status_code, {name.lower(): value for name, value in response.headers.items()}, response.text, statuses
    )


def by_httpx(asking: Asking) -> list[Fetched]:
    """All requests by one httpx.Client."""
    with (
        sspid_client.Client(asking.target) as sspi,
        sspi.acquire_credentials_handle(asking.package, OUTBOUND, asking.identity) as credential,
        HttpxAuth(credential, **asking.settings) as auth,
        httpx.Client(auth=auth, verify=_trust(asking), follow_redirects=asking.redirects, timeout=30, limits=_LIMITS) as client,
    ):
        return [_of_httpx(client.request(method, url, content=body)) for method, url, body in asking.requests]


def by_async_httpx(asking: Asking) -> list[Fetched]:
    """All requests by one httpx.AsyncClient."""
    return asyncio.run(_by_async_httpx(asking))


async def _by_async_httpx(asking: Asking) -> list[Fetched]:
    async with (
        aio.Client(asking.target) as sspi,
        await sspi.acquire_credentials_handle(asking.package, OUTBOUND, asking.identity) as credential,
        AsyncSspiAuth(credential, **asking.settings) as auth,
        httpx.AsyncClient(
            auth=auth, verify=_trust(asking), follow_redirects=asking.redirects, timeout=30, limits=_LIMITS
        ) as client,
    ):
        return [_of_httpx(await client.request(method, url, content=body)) for method, url, body in asking.requests]


def _trust(asking: Asking) -> Any:
    return ssl.create_default_context(cafile=asking.ca) if asking.ca else True


def _of_httpx(response: httpx.Response) -> Fetched:
    statuses = [each.status_code for each in (*response.history, response)]
    return Fetched(
        response.status_code, {name.lower(): value for name, value in response.headers.items()}, response.text, statuses
    )


CLIENTS = {"requests": by_requests, "httpx": by_httpx, "httpx-async": by_async_httpx}
