"""curl, requests and httpx log in to a server whose Digest is ours."""

from __future__ import annotations

import subprocess
from datetime import timedelta

import pytest

from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import peers
from sspid_testing.digest import HTTP, PASSWORD, USER, digest, enrol, unquoted
from sspid_testing.http_digest import serving

pytestmark = [pytest.mark.digest, pytest.mark.interop]
ALGORITHMS = ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess"]
CONTINUE, OK = SecurityStatus.SEC_I_CONTINUE_NEEDED, SecurityStatus.SEC_E_OK
COMPLETE, DENIED = SecurityStatus.SEC_I_COMPLETE_NEEDED, SecurityStatus.SEC_E_LOGON_DENIED


def curl(*arguments: str, user: str = USER, password: str = PASSWORD) -> str:
    """The HTTP status of the last answer."""
    command = [peers.require("curl"), "--silent", "--show-error", "--digest", "--user", f"{user}:{password}"]
    command += ["--output", "/dev/null", "--write-out", "%{http_code} ", "--max-time", "20", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_curl_logs_in(algorithm):
    with serving(digest(algorithms=(algorithm,))) as server:
        assert curl(f"{server.url}/dir/index.html?x=1") == "200"
        assert server.statuses == [CONTINUE, OK]


def test_curl_takes_the_first_of_several_challenges():
    with serving(digest(algorithms=("SHA-256", "MD5"))) as server:
        assert curl(server.url) == "200"
        assert unquoted(server.headers[0], "algorithm") == "SHA-256"


@pytest.mark.parametrize(("user", "password"), [(USER, "wrong"), ("mallory", PASSWORD)])
def test_curl_with_a_wrong_name_or_password_is_denied(user, password):
    with serving(digest()) as server:
        assert curl(server.url, user=user, password=password) == "401"
        assert server.statuses == [CONTINUE, DENIED]


@pytest.mark.parametrize("user", ["Jäsøn Doe", "EXAMPLE\\alice", 'quote"d'])
def test_curl_with_an_unusual_name_logs_in(user):
    side = digest()
    enrol(side.world, user)
    with serving(side) as server:
        assert curl(server.url, user=user) == "200"


def test_curl_posts_a_body():
    with serving(digest(), HTTP | {ContextFlag.INTEGRITY}) as server:
        assert curl("--data", "name=value", server.url) == "200"
        assert server.statuses[-1] is OK


def test_curl_with_two_requests_on_one_connection_logs_in_twice():
    with serving(digest()) as server:
        assert curl(f"{server.url}/1", "--output", "/dev/null", f"{server.url}/2") == "200"
        assert server.statuses.count(OK) == 2


def test_curl_is_told_when_its_nonce_is_stale():
    """The server's clock leaps between challenge and response; curl answers the second challenge unasked."""
    side = digest()
    with serving(side) as server:
        judge = server.judge

        def late(method, header, body):
            if header and len(server.headers) == 0:
                side.world.now += timedelta(minutes=6)
            return judge(method, header, body)

        server.judge = late  # type: ignore[method-assign]  # the clock must move between two requests of one curl
        assert curl(server.url) == "200"
        assert server.statuses == [CONTINUE, CONTINUE, OK]


def test_replayed_header_of_curl_is_out_of_sequence():
    with serving(digest()) as server:
        assert curl(server.url) == "200"
        header = server.headers[0].decode("latin-1")
        command = [peers.require("curl"), "--silent", "--header", f"Authorization: {header}", "--output", "/dev/null"]
        subprocess.run([*command, server.url], check=True, timeout=20)
        assert server.statuses[-1] is SecurityStatus.SEC_E_OUT_OF_SEQUENCE


def test_curl_ignores_authentication_info():
    with serving(digest(), HTTP | {ContextFlag.MUTUAL_AUTH}) as server:
        assert curl(server.url) == "200"
        assert server.statuses == [CONTINUE, COMPLETE, OK]


class TestPython:
    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_httpx_logs_in_and_is_judged_without_its_context(self, algorithm):
        httpx = peers.require_module("httpx")
        with serving(digest(algorithms=(algorithm,))) as server, httpx.Client() as client:
            auth = httpx.DigestAuth(USER, PASSWORD)
            codes = [client.get(f"{server.url}/{number}", auth=auth).status_code for number in range(3)]
            assert codes == [200, 200, 200]
            assert [unquoted(header, "nc") for header in server.headers] == ["00000001", "00000002", "00000003"]
            assert server.statuses == [CONTINUE, OK, COMPLETE, OK, COMPLETE, OK]

    def test_httpx_with_a_wrong_password_is_denied(self):
        httpx = peers.require_module("httpx")
        with serving(digest()) as server:
            assert httpx.get(server.url, auth=httpx.DigestAuth(USER, "wrong")).status_code == 401
            assert server.statuses == [CONTINUE, DENIED]

    @pytest.mark.parametrize("algorithm", ["MD5", "MD5-sess", "SHA-256"])
    def test_requests_logs_in(self, algorithm):
        requests = peers.require_module("requests")
        from requests.auth import HTTPDigestAuth

        with serving(digest(algorithms=(algorithm,))) as server, requests.Session() as session:
            auth = HTTPDigestAuth(USER, PASSWORD)
            codes = [session.get(f"{server.url}/{number}", auth=auth, timeout=20).status_code for number in range(3)]
            assert codes == [200, 200, 200]
            assert server.statuses[-1] is OK

    def test_requests_with_a_wrong_password_is_denied(self):
        requests = peers.require_module("requests")
        from requests.auth import HTTPDigestAuth

        with serving(digest()) as server:
            answer = requests.get(server.url, auth=HTTPDigestAuth(USER, "wrong"), timeout=20)
            assert answer.status_code == 401
            assert server.statuses[:2] == [CONTINUE, DENIED]
