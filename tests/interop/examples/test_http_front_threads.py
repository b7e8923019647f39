"""Threads that share a session of requests or httpx: a logon that loses its connection to another begins anew."""

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
from sspid_testing.example_programs import Audit, accounts, application, example

pytestmark = [pytest.mark.interop, pytest.mark.wire, pytest.mark.ntlm, pytest.mark.negotiate, pytest.mark.digest]
THREADS, REQUESTS = 6, 60


@pytest.fixture(scope="module")
def front(tmp_path_factory):
    with server.running(tmp_path_factory.mktemp("threads")) as service:
        accounts(service, "add", "alice", given="Passw0rd\n")
        with application() as upstream, example("http_front.py", "0", upstream, "--target", service.target) as address:
            yield service, f"http://{address}/"


class Between:
    """Has another thread's request sent between a challenge of `path` and its answer, when the connection lies free."""

    def __init__(self, path="", request=None):
        self._path = path
        self._request = request
        self._challenged = False
        self.interrupted = None
        """Which of the path's answers was the one to the request that was held up."""
        self.answers = []
        """The statuses of the path's answers."""

    def before(self, path):
        if path == self._path and self._challenged and self.interrupted is None:
            self.interrupted = len(self.answers)
            with ThreadPoolExecutor(1) as another:
                assert another.submit(self._request).result(60).status_code == 200

    def after(self, path, status, challenges):
        if path == self._path:
            self.answers.append(status)
            self._challenged = any(" " in each for each in challenges if not each.startswith("Digest"))


class RequestsAdapter(requests.adapters.HTTPAdapter):
    """requests' own, and `between`."""

    between = Between()

    def send(self, request, *args, **kwargs):
        self.between.before(request.path_url)
        response = super().send(request, *args, **kwargs)
        self.between.after(request.path_url, response.status_code, response.raw.headers.getlist("WWW-Authenticate"))
        return response


class HttpxTransport(httpx.HTTPTransport):
    """httpx's own, and `between`."""

    between = Between()

    def handle_request(self, request):
        self.between.before(request.url.path)
        response = super().handle_request(request)
        self.between.after(request.url.path, response.status_code, response.headers.get_list("WWW-Authenticate"))
        return response


def requests_of(credential):
    session, adapter = requests.Session(), RequestsAdapter()
    session.mount("http://", adapter)
    session.auth = RequestsAuth(credential)
    return lambda url: session.get(url, timeout=60), adapter


def httpx_of(credential):
    transport = HttpxTransport()
    return httpx.Client(auth=HttpxAuth(credential), transport=transport, timeout=60).get, transport


libraries = pytest.mark.parametrize("library", [requests_of, httpx_of], ids=["requests", "httpx"])


@pytest.mark.parametrize("package", ["NTLM", "Negotiate"])
@libraries
def test_a_logon_that_loses_its_connection_to_another_thread_begins_anew(front, package, library):
    service, url = front
    with (
        Client(service.target) as sspi,
        sspi.acquire_credentials_handle(package, OUTBOUND, password("alice", "", "Passw0rd")) as credential,
    ):
        get, sender = library(credential)
        between = sender.between = Between("/held-up", lambda: get(f"{url}other"))
        answer = get(f"{url}held-up")
    assert between.interrupted is not None, "the other thread's request went between a challenge and its answer"
    assert between.answers[between.interrupted] == 401, "so the connection no longer had the challenge"
    assert between.answers[-1] == 200
    assert (answer.status_code, json.loads(answer.text)["user"]) == (200, ["alice"])


@pytest.mark.parametrize("package", ["NTLM", "Negotiate"])
@libraries
def test_a_wrong_password_is_tried_once_a_request_whoever_used_the_connection_before(front, package, library):
    service, url = front
    audit = Audit(service)
    with (
        Client(service.target) as sspi,
        sspi.acquire_credentials_handle(package, OUTBOUND, password("alice", "", "wrong")) as credential,
    ):
        get, _ = library(credential)
        assert [get(url).status_code for _ in range(2)] == [401, 401]
    assert audit.handshakes(package, count=2) == ["SEC_E_LOGON_DENIED"] * 2


@pytest.mark.parametrize("package", ["NTLM", "Negotiate", "Digest"])
@libraries
def test_every_request_of_many_threads_is_let_in(front, package, library):
    service, url = front
    with (
        Client(service.target) as sspi,
        sspi.acquire_credentials_handle(package, OUTBOUND, password("alice", "", "Passw0rd")) as credential,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        get, _ = library(credential)
        answers = list(pool.map(get, [f"{url}{number}" for number in range(REQUESTS)]))
    assert [each.status_code for each in answers] == [200] * REQUESTS
    assert [json.loads(each.text)["path"] for each in answers] == [f"/{number}" for number in range(REQUESTS)]
    assert {json.loads(each.text)["user"][0] for each in answers} == {"alice"}
