"""What curl, requests and httpx cannot: auth-int, SHA-512-256, -sess and hashed names with aiohttp, Go and Rust."""

from __future__ import annotations

import asyncio
import shutil

import pytest

from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import peers, smoke
from sspid_testing.digest import HTTP, PASSWORD, REALM, USER, digest, enrol, entity_hash, parameter, unquoted
from sspid_testing.digest_legs import ALGORITHMS, raises
from sspid_testing.http_digest import serving

pytestmark = [pytest.mark.digest, pytest.mark.interop, pytest.mark.timeout(400)]
SOURCES = smoke.TREE / "tests" / "interop" / "digest"
INTEGRITY = HTTP | {ContextFlag.INTEGRITY}
CONTINUE, COMPLETE = SecurityStatus.SEC_I_CONTINUE_NEEDED, SecurityStatus.SEC_I_COMPLETE_NEEDED
OK, DENIED = SecurityStatus.SEC_E_OK, SecurityStatus.SEC_E_LOGON_DENIED
BODY = "name=value"


def username(header):
    return unquoted(header.removeprefix(b"Digest "), "username")


def altering(server):
    """Let the body change on its way to the server's judge."""
    judge = server.judge
    server.judge = lambda method, header, body: judge(method, header, body + b"!" if header else body)


class TestAiohttp:
    """It hashes each request's cnonce into the -sess key, and takes auth-int wherever that is offered."""

    ALGORITHMS = ("MD5", "MD5-sess", "SHA-256", "SHA-256-sess")

    def posts(self, url, password=PASSWORD, user=USER, count=3):
        aiohttp = peers.require_module("aiohttp")

        async def post_all():
            middleware = aiohttp.DigestAuthMiddleware(user, password)
            async with aiohttp.ClientSession(middlewares=(middleware,)) as session:
                codes = []
                for number in range(count):
                    async with session.post(f"{url}/{number}?a=%2F", data=BODY.encode()) as answer:
                        codes.append(answer.status)
                return codes

        return asyncio.run(post_all())

    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    @pytest.mark.parametrize(("flags", "qop"), [(HTTP, "auth"), (INTEGRITY, "auth-int")], ids=["auth", "auth-int"])
    def test_logs_in(self, algorithm, flags, qop):
        with serving(digest(algorithms=(algorithm,)), flags) as server:
            assert self.posts(server.url) == [200, 200, 200]
            assert {(unquoted(each, "algorithm"), unquoted(each, "qop")) for each in server.headers} == {(algorithm, qop)}
            assert [unquoted(each, "nc") for each in server.headers] == ["00000001", "00000002", "00000003"]
            assert server.statuses == [CONTINUE, OK, COMPLETE, OK, COMPLETE, OK]

    def test_altered_body_is_denied(self):
        with serving(digest(), INTEGRITY) as server:
            altering(server)
            assert self.posts(server.url, count=1) == [401]
            assert server.statuses[:2] == [CONTINUE, DENIED]

    def test_wrong_password_is_denied(self):
        with serving(digest(), INTEGRITY) as server:
            assert self.posts(server.url, "wrong", count=1) == [401]
            assert server.statuses[:2] == [CONTINUE, DENIED]

    @pytest.mark.parametrize("user", ["Jäsøn Doe", "EXAMPLE\\alice", 'quote"d'])
    def test_unusual_name_logs_in(self, user):
        side = digest()
        enrol(side.world, user)
        with serving(side) as server:
            assert self.posts(server.url, user=user, count=1) == [200]

    def test_passes_over_the_offer_of_hashed_names(self):
        with serving(digest(userhash=True)) as server:
            assert self.posts(server.url) == [200, 200, 200]
            assert username(server.headers[0]) == USER

    def test_looks_at_the_first_challenge_alone(self):
        """RFC 7616 3.7 has a client take the first that it knows; offer this one an algorithm it knows first."""
        aiohttp = peers.require_module("aiohttp")
        with serving(digest(algorithms=("SHA-512-256", "SHA-256"))) as server:
            with pytest.raises(aiohttp.ClientError, match="SHA-512-256"):
                self.posts(server.url)
            assert server.statuses == [CONTINUE]


@pytest.fixture(scope="module")
def program():
    go, sources = peers.require("go"), SOURCES / "go_client"

    def build(folder):
        for each in sources.iterdir():
            shutil.copy(each, folder)
        smoke.make([go, "build", "-o", "go_client", "."], folder, smoke.beside(go))

    return smoke.built("go_client", sources, build, protos=False) / "go_client"


class TestGo:
    """github.com/icholy/digest: no -sess."""

    ALGORITHMS = ("MD5", "SHA-256", "SHA-512-256")

    def asks(self, program, server, qop="auth", password=PASSWORD, count=3, user=USER):
        urls = [f"{server.url}/{number}?a=%2F" for number in range(count)]
        done = smoke.run([program, qop, user, password, BODY if qop == "auth-int" else "", *urls])
        assert done.returncode == 0, done.stderr
        return [int(code) for code in done.stdout.split()]

    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    @pytest.mark.parametrize("userhash", [False, True], ids=["plain", "hashed"])
    @pytest.mark.parametrize(("flags", "qop"), [(HTTP, "auth"), (INTEGRITY, "auth-int")], ids=["auth", "auth-int"])
    def test_logs_in(self, program, algorithm, userhash, flags, qop):
        side = digest(algorithms=(algorithm,), userhash=userhash)
        with serving(side, flags) as server:
            assert self.asks(program, server, qop) == [200, 200, 200]
            assert {(unquoted(each, "algorithm"), unquoted(each, "qop")) for each in server.headers} == {(algorithm, qop)}
            assert (username(server.headers[0]) != USER) == userhash
            assert [unquoted(each, "nc") for each in server.headers] == ["00000001", "00000002", "00000003"]
            assert server.statuses == [CONTINUE, OK, COMPLETE, OK, COMPLETE, OK]

    def test_takes_the_first_challenge_it_knows(self, program):
        with serving(digest(algorithms=("SHA-256-sess", "SHA-512-256", "MD5"))) as server:
            assert self.asks(program, server) == [200, 200, 200]
            assert unquoted(server.headers[0], "algorithm") == "SHA-512-256"

    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_altered_body_is_denied(self, program, algorithm):
        with serving(digest(algorithms=(algorithm,)), INTEGRITY) as server:
            altering(server)
            assert self.asks(program, server, "auth-int", count=1) == [401]
            assert server.statuses == [CONTINUE, DENIED]

    @pytest.mark.parametrize(("user", "password"), [(USER, "wrong"), ("mallory", PASSWORD)])
    @pytest.mark.parametrize("userhash", [False, True], ids=["plain", "hashed"])
    def test_wrong_name_or_password_is_denied(self, program, user, password, userhash):
        with serving(digest(algorithms=("SHA-512-256",), userhash=userhash)) as server:
            assert self.asks(program, server, password=password, user=user, count=1) == [401]
            assert server.statuses == [CONTINUE, DENIED]


@pytest.fixture(scope="module")
def peer():
    program = smoke.crate(SOURCES / "rust_peer", "digest-peer")

    def run(*words, given=""):
        done = smoke.run([program, *words], given=given)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run


class TestRust:
    """The digest_auth crate, header by header: as a client, and as a server that judges what we answer."""

    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    @pytest.mark.parametrize("userhash", [False, True], ids=["plain", "hashed"])
    @pytest.mark.parametrize(("flags", "qop"), [(HTTP, "auth"), (INTEGRITY, "auth-int")], ids=["auth", "auth-int"])
    def test_its_responses_are_right(self, peer, algorithm, userhash, flags, qop):
        """Each cnonce is new: its -sess key is computed anew for every request."""
        side = digest(algorithms=(algorithm,), userhash=userhash)
        acceptor = side.acceptor()
        challenged = side.accept(None, acceptor, flags=flags)
        uris = ["/first", "/second?a=b"]
        made = peer("respond", USER, PASSWORD, "POST", BODY, *uris, given=challenged.output[0].data.decode())
        first, second = (line.removeprefix("Digest ").encode() for line in made)
        assert (unquoted(first, "qop"), unquoted(first, "algorithm")) == (qop, algorithm)
        assert (username(first) != USER) == userhash
        entity = entity_hash(BODY.encode(), algorithm)
        given = parameter("POST"), parameter(uris[0]), parameter(entity)
        accepted = side.accept(challenged.state, acceptor, first, *given, flags=flags)
        assert accepted.status is OK
        side.verify(accepted.state, second, "POST", uris[1], entity)

    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_its_wrong_password_or_altered_body_is_denied(self, peer, algorithm):
        side = digest(algorithms=(algorithm,))
        acceptor = side.acceptor()
        for password, body in (("wrong", BODY), (PASSWORD, "another")):
            challenged = side.accept(None, acceptor, flags=INTEGRITY)
            made = peer("respond", USER, password, "POST", body, "/", given=challenged.output[0].data.decode())
            given = parameter("POST"), parameter(), parameter(entity_hash(BODY.encode(), algorithm))
            raises(DENIED, side.accept, challenged.state, acceptor, made[0].encode(), *given, flags=INTEGRITY)

    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    @pytest.mark.parametrize("names", ["plain", "userhash"])
    @pytest.mark.parametrize(("flags", "qop"), [(HTTP, "auth"), (INTEGRITY, "auth-int")], ids=["auth", "auth-int"])
    def test_it_judges_our_responses_right(self, peer, algorithm, names, flags, qop):
        side = digest()
        (challenge,) = peer("challenge", algorithm, "auth,auth-int", REALM, "Zm9v", names)
        entity = entity_hash(BODY.encode(), algorithm)
        arguments = side.initiator(), challenge.encode(), parameter("POST"), parameter(entity)
        responded = side.initialize(None, *arguments, target="/first", flags=flags)
        sent = responded.output[0].data, side.sign(responded.state, "POST", "/second?a=b", entity)
        for header, uri in zip(sent, ("/first", "/second?a=b"), strict=True):
            assert (unquoted(header, "qop"), unquoted(header, "algorithm")) == (qop, algorithm)
            assert (username(header) != USER) == (names == "userhash")
            judged = (("POST", PASSWORD, BODY), ("GET", PASSWORD, BODY), ("POST", "wrong", BODY), ("POST", PASSWORD, "another"))
            verdicts = [
                peer("judge", USER, password, method, body, uri, given=header.decode()) for method, password, body in judged
            ]
            assert verdicts == [["right"], ["wrong"], ["wrong"], ["right" if qop == "auth" else "wrong"]]
