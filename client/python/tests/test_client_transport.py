"""How calls travel: on one Session stream, alone where it breaks, and never twice in effect."""

from __future__ import annotations

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
import trustme

from sspid_client import (
    OUTBOUND,
    STREAM_FLAGS,
    Client,
    PeerClosedError,
    Role,
    SecurityStatus,
    ServiceError,
    SspiError,
    TlsStream,
    aio,
    anonymous,
    attributes,
    named,
)
from sspid_testing import openssl, server
from sspid_testing.relay import Relay

pytestmark = [pytest.mark.wire, pytest.mark.timeout(60)]


@pytest.fixture
def relay(service):
    made = Relay(service.target)
    yield made
    made.close()


def calls_on_the_stream(client):
    stream = client._transport._session
    return 0 if stream is None or stream.over else next(stream._outstanding._numbers) - 1


def test_contexts_travel_on_one_session_stream(service):
    with Client(service.target) as client:
        credential = client.acquire_credentials_handle("Schannel", OUTBOUND, anonymous())
        assert calls_on_the_stream(client) == 0, "credentials travel alone"
        credential.initialize("localhost").step()
        stream = client._transport._session
        credential.initialize("localhost").step()
        assert client._transport._session is stream
        assert calls_on_the_stream(client) == 2


def test_threads_share_the_stream(service):
    with Client(service.target) as client, client.acquire_credentials_handle("Schannel", OUTBOUND, anonymous()) as credential:
        tokens = []

        def begin():
            for _ in range(20):
                with credential.initialize("localhost") as context:
                    tokens.append(context.step().token)

        threads = [threading.Thread(target=begin) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(tokens)) == 160
        assert calls_on_the_stream(client) == 320


def test_tasks_share_the_stream(service):
    async def talk():
        async with aio.Client(service.target) as client:
            credential = await client.acquire_credentials_handle("Schannel", OUTBOUND, anonymous())

            async def begin():
                async with credential.initialize("localhost") as context:
                    return (await context.step()).token

            tokens = await asyncio.gather(*(begin() for _ in range(100)))
            assert calls_on_the_stream(client) == 200
            return tokens

    assert len(set(asyncio.run(talk()))) == 100


def test_a_lost_answer_is_fetched_again_and_no_step_taken_twice(service, tls_server, relay):
    with (
        Client(relay.target) as client,
        socket.create_connection(("127.0.0.1", tls_server.port)) as sock,
        client.acquire_credentials_handle("Schannel", OUTBOUND, anonymous()) as credential,
    ):
        context = credential.initialize("localhost", flags=STREAM_FLAGS)
        lossy = Lossy(relay)
        step = lossy(context.step)
        sock.sendall(step.token)
        received = b""
        while not step.done:
            received += sock.recv(65536)
            token = received
            step = lossy(lambda: context.step(token))  # noqa: B023  # called at once
            if step.status is not SecurityStatus.SEC_E_INCOMPLETE_MESSAGE:
                sock.sendall(step.token)
                received = step.extra
        # Had a record been sealed twice, its number would be out of step and the peer would refuse it.
        for _ in range(3):
            sock.sendall(lossy(lambda: context.encrypt(b"hello\n")))
        tls = TlsStream(client, sock, context, step.extra)
        answer = b""
        while len(answer) < 18:
            answer += tls.recv(100)
        assert answer == b"olleh\n" * 3
        tls.close()
    assert lossy.losses >= 5


class Lossy:
    """Makes a call whose first answer is lost with its connection."""

    def __init__(self, relay):
        self.relay = relay
        self.losses = 0

    def __call__(self, function):
        self.relay.lose_answers()
        result = []
        thread = threading.Thread(target=lambda: result.append(function()))
        thread.start()
        assert self.relay.lost.wait(10), "the service answered"
        self.relay.cut()
        thread.join(20)
        self.losses += 1
        return result[0]


def test_asyncio_fetches_a_lost_answer_again(service, tls_server, relay):
    async def talk():
        async with aio.Client(relay.target) as client:
            reader, writer = await asyncio.open_connection("127.0.0.1", tls_server.port)
            async with await aio.TlsStream.connect(client, reader, writer, "localhost") as tls:
                for _ in range(3):
                    relay.lose_answers()
                    sending = asyncio.ensure_future(tls.sendall(b"hello\n"))
                    assert await asyncio.to_thread(relay.lost.wait, 10)
                    relay.cut()
                    await sending
                    line = b""
                    while not line.endswith(b"\n"):
                        line += await tls.recv(100)
                    assert line == b"olleh\n"
            writer.close()

    asyncio.run(talk())


def test_the_stream_is_opened_again_after_it_broke(service, relay, monkeypatch):
    monkeypatch.setattr("sspid_client.calls.REOPEN_AFTER", 0.0)
    with Client(relay.target) as client, client.acquire_credentials_handle("Schannel", OUTBOUND, anonymous()) as credential:
        credential.initialize("localhost").step()
        first = client._transport._session
        relay.cut()
        credential.initialize("localhost").step()
        credential.initialize("localhost").step()
        assert client._transport._session is not first
        assert calls_on_the_stream(client) >= 1


def test_nobody_listening_is_unavailable():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Client(f"127.0.0.1:{port}") as client, pytest.raises(ServiceError) as caught:
        client.enumerate_security_packages()
    error = caught.value
    assert error.grpc_code is grpc.StatusCode.UNAVAILABLE
    assert (error.name, error.status, error.code, error.token) == ("UNAVAILABLE", None, None, b"")
    assert isinstance(error, SspiError)


def test_nobody_listening_is_unavailable_to_asyncio():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    async def talk():
        async with aio.Client(f"127.0.0.1:{port}") as client:
            await client.enumerate_security_packages()

    with pytest.raises(ServiceError) as caught:
        asyncio.run(talk())
    assert caught.value.grpc_code is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("session", [True, False], ids=["session", "alone"])
def test_a_service_that_does_not_answer_is_late(service, relay, session):
    with Client(relay.target, timeout=0.5, session=session) as client:
        credential = client.acquire_credentials_handle("Schannel", OUTBOUND, anonymous())
        context = credential.initialize("localhost")
        context.step()
        relay.lose_answers()
        with pytest.raises(ServiceError) as caught:
            context.query(attributes.CONNECTION_INFO)
        assert caught.value.grpc_code is grpc.StatusCode.DEADLINE_EXCEEDED
        relay.cut()


def test_foreign_handles_are_invalid(service):
    with Client(service.target) as client:
        stranger = client.adopt("Schannel", bytes(16))
        with pytest.raises(SspiError) as caught:
            stranger.initialize("localhost").step()
        assert caught.value.status is SecurityStatus.SEC_E_INVALID_HANDLE
        stranger.free()


def test_what_the_service_lacks_is_said_by_name(service):
    with Client(service.target) as client:
        with pytest.raises(SspiError) as caught:
            client.acquire_credentials_handle("Nonsense", OUTBOUND, anonymous())
        assert caught.value.status is SecurityStatus.SEC_E_SECPKG_NOT_FOUND
        with pytest.raises(SspiError) as caught:
            client.acquire_credentials_handle("Schannel", OUTBOUND, named("nobody"))
        assert caught.value.status is not None


def test_packages_and_credentials_can_be_asked_about(service):
    with Client(service.target) as client:
        packages = {package.name: package for package in client.enumerate_security_packages()}
        schannel = packages["Schannel"]
        assert schannel == client.query_security_package_info("microsoft unified security protocol provider")
        with client.acquire_credentials_handle("Schannel", OUTBOUND, named("demo-client")) as credential:
            assert credential.expiry is not None
        with pytest.raises(SspiError, match="freed"):
            credential.initialize("localhost")


def test_where_streams_are_used_up_calls_travel_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("sspid_client.calls.REOPEN_AFTER", 0.0)
    with (
        server.running(tmp_path, "[limits]\nstreams_per_caller = 1\n") as running,
        Client(running.target) as first,
        Client(running.target) as second,
    ):
        for client in (first, second):
            credential = client.acquire_credentials_handle("Schannel", OUTBOUND, anonymous())
            with credential.initialize("localhost") as context:
                assert context.step().token
        assert calls_on_the_stream(first) == 2
        assert calls_on_the_stream(second) == 0


def test_a_service_without_streams_is_not_asked_for_one_again():
    bare = grpc.server(ThreadPoolExecutor(2))
    port = bare.add_insecure_port("127.0.0.1:0")
    bare.start()
    try:
        with Client(f"127.0.0.1:{port}") as client:
            for _ in range(2):
                with pytest.raises(ServiceError) as caught:
                    client.import_security_context("Schannel", b"packed", role=Role.INITIATOR)
                assert caught.value.grpc_code is grpc.StatusCode.UNIMPLEMENTED
            assert client._transport._session_wanted is False
    finally:
        bare.stop(None)


def test_a_closed_client_says_so(service):
    client = Client(service.target)
    credential = client.acquire_credentials_handle("Schannel", OUTBOUND, anonymous())
    context = credential.initialize("localhost")
    context.step()
    client.close()
    for call in (client.enumerate_security_packages, context.step, context.delete):
        with pytest.raises(ServiceError, match="closed") as caught:
            call()
        assert caught.value.grpc_code is grpc.StatusCode.CANCELLED


def test_a_closed_asyncio_client_says_so(service):
    async def talk():
        client = aio.Client(service.target)
        credential = await client.acquire_credentials_handle("Schannel", OUTBOUND, anonymous())
        context = credential.initialize("localhost")
        await context.step()
        await client.close()
        for call in (client.enumerate_security_packages, context.step, context.delete):
            with pytest.raises(ServiceError, match="closed"):
                await call()

    asyncio.run(talk())


def test_a_call_under_way_ends_with_its_client(service, relay):
    client = Client(relay.target)
    credential = client.acquire_credentials_handle("Schannel", OUTBOUND, anonymous())
    context = credential.initialize("localhost")
    context.step()
    relay.lose_answers()
    failures = []

    def ask():
        try:
            context.query(attributes.CONNECTION_INFO)
        except ServiceError as error:
            failures.append(error.grpc_code)

    thread = threading.Thread(target=ask)
    thread.start()
    assert relay.lost.wait(10)
    client.close()
    thread.join(10)
    assert failures == [grpc.StatusCode.CANCELLED]


@pytest.mark.chaos
def test_a_service_that_dies_is_unavailable_and_holds_nobody_up(tmp_path):
    with (
        server.running(tmp_path) as running,
        openssl.s_server(running.server_certificate, running.server_key, "-rev") as peer,
        Client(running.target) as client,
        socket.create_connection(("127.0.0.1", peer.port), timeout=15) as sock,
    ):
        tls = TlsStream.connect(client, sock, "localhost")
        running.process.kill()
        running.process.wait()
        for call in (lambda: tls.sendall(b"hello\n"), tls.close):
            with pytest.raises(ServiceError) as caught:
                call()
            assert caught.value.grpc_code is grpc.StatusCode.UNAVAILABLE


LISTENER = """
[[listeners]]
address = "127.0.0.1:0"
[listeners.tls]
certificate = "{folder}/server.pem"
key = "{folder}/server.key"
client_ca = "{folder}/ca.pem"
"""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A service behind mutual TLS, and what a caller needs for it."""
    folder = tmp_path_factory.mktemp("mtls")
    ca = trustme.CA()
    issued = ca.issue_cert("sspid.example")
    ca.cert_pem.write_to_path(folder / "ca.pem")
    issued.cert_chain_pems[0].write_to_path(folder / "server.pem")
    issued.private_key_pem.write_to_path(folder / "server.key")
    ours = ca.issue_cert("caller.example", common_name="caller")
    with server.running(folder / "sspid", listeners=LISTENER.format(folder=folder)) as running:
        yield (
            running.target,
            {
                "ca": ca.cert_pem.bytes(),
                "certificate": ours.cert_chain_pems[0].bytes(),
                "key": ours.private_key_pem.bytes(),
                "server_name": "sspid.example",
            },
        )


def test_mutual_tls_proves_the_caller(guarded):
    target, proof = guarded
    with Client(target, **proof) as client:
        credential = client.acquire_credentials_handle("Schannel", OUTBOUND, anonymous())
        assert credential.initialize("localhost").step().token
        assert calls_on_the_stream(client) == 1


def test_mutual_tls_proves_the_caller_to_asyncio(guarded):
    target, proof = guarded

    async def talk():
        async with aio.Client(target, **proof) as client:
            credential = await client.acquire_credentials_handle("Schannel", OUTBOUND, anonymous())
            return await credential.initialize("localhost").step()

    assert asyncio.run(talk()).token


@pytest.mark.parametrize("left_out", ["ca", "server_name", "certificate"])
def test_mutual_tls_without_a_part_does_not_come_about(guarded, left_out):
    target, proof = guarded
    lacking = {name: value for name, value in proof.items() if name != left_out}
    if left_out == "certificate":
        del lacking["key"]
    with Client(target, tls=True, **lacking) as client, pytest.raises(ServiceError) as caught:
        client.enumerate_security_packages()
    assert caught.value.grpc_code is grpc.StatusCode.UNAVAILABLE


def test_a_certificate_needs_its_key():
    with pytest.raises(ValueError, match="both or neither"):
        Client("127.0.0.1:1", certificate=b"chain")


def test_an_early_end_of_the_peer_is_told_apart():
    assert issubclass(PeerClosedError, SspiError)
    assert PeerClosedError("gone").name == "PeerClosedError"
