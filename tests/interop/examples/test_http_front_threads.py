"""Many threads with one session of requests or httpx: a logon that lost its connection to another thread begins anew."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import requests

from sspid_client import OUTBOUND, Client, password
from sspid_client.http.httpx import SspiAuth as HttpxAuth
from sspid_client.http.requests import SspiAuth as RequestsAuth
from sspid_testing import server
from sspid_testing.example_programs import accounts, application, example

pytestmark = [pytest.mark.interop, pytest.mark.wire, pytest.mark.ntlm, pytest.mark.negotiate, pytest.mark.digest]
THREADS, REQUESTS = 6, 60


@pytest.fixture(scope="module")
def front(tmp_path_factory):
    with server.running(tmp_path_factory.mktemp("threads")) as service:
        accounts(service, "add", "alice", given="Passw0rd\n")
        with application() as upstream, example("http_front.py", "0", upstream, "--target", service.target) as address:
            yield service.target, f"http://{address}/"


def requests_of(credential):
    session = requests.Session()
    session.auth = RequestsAuth(credential)
    return lambda url: session.get(url, timeout=60)


def httpx_of(credential):
    client = httpx.Client(auth=HttpxAuth(credential), timeout=60)
    return client.get


@pytest.mark.parametrize("package", ["NTLM", "Negotiate", "Digest"])
@pytest.mark.parametrize("library", [requests_of, httpx_of], ids=["requests", "httpx"])
def test_every_request_is_let_in(front, package, library):
    target, url = front
    with (
        Client(target) as sspi,
        sspi.acquire_credentials_handle(package, OUTBOUND, password("alice", "", "Passw0rd")) as credential,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        get = library(credential)
        answers = list(pool.map(get, [f"{url}{number}" for number in range(REQUESTS)]))
    assert [each.status_code for each in answers] == [200] * REQUESTS
    assert [json.loads(each.text)["path"] for each in answers] == [f"/{number}" for number in range(REQUESTS)]
    assert {json.loads(each.text)["user"][0] for each in answers} == {"alice"}
