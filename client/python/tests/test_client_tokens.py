"""The packages whose messages are tokens, both ends in one program: legs, wrapped and signed messages, a context that moves."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from sspid_client import (
    INBOUND,
    OUTBOUND,
    Client,
    ContextFlag,
    Role,
    SecurityStatus,
    SspiError,
    aio,
    attributes,
    password,
)
from sspid_testing import server

pytestmark = [pytest.mark.wire, pytest.mark.timeout(60)]

FLAGS = ContextFlag.CONFIDENTIALITY | ContextFlag.INTEGRITY | ContextFlag.REPLAY_DETECT | ContextFlag.SEQUENCE_DETECT
PACKAGES = [pytest.param(name, marks=getattr(pytest.mark, name.lower())) for name in ("NTLM", "Negotiate")]
ALICE = password("alice", "EXAMPLE", "wonder-land-9")


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """A service that knows alice."""
    folder = tmp_path_factory.mktemp("accounts")
    with server.running(folder) as running:
        command = [sys.executable, "-m", "sspid", "accounts", "add", "--config", str(folder / "sspid.toml"), "EXAMPLE\\alice"]
        env = {**os.environ, "SSPID_DATA_DIR": str(running.data_dir)}
        subprocess.run(command, input=b"wonder-land-9\n", env=env, check=True, timeout=60)
        yield running


@pytest.fixture
def sspi(service):
    with Client(service.target) as client:
        yield client


@pytest.fixture
def wires():
    """Two ends on which one receive gives one whole token."""
    pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in pair:
        end.settimeout(15)
    yield pair
    for end in pair:
        end.close()


def established(sspi, package, wires, *, ours=ALICE, flags=FLAGS, acceptor_begins=False):
    initiator = sspi.acquire_credentials_handle(package, OUTBOUND, ours).initialize("host/server", flags=flags)
    acceptor = sspi.acquire_credentials_handle(package, INBOUND).accept(flags=flags)
    with ThreadPoolExecutor(1) as beside:
        other = beside.submit(acceptor.handshake, wires[1], begins=acceptor_begins)
        assert initiator.handshake(wires[0], begins=not acceptor_begins).done
        assert other.result(20).done
    return initiator, acceptor


@pytest.mark.parametrize("package", PACKAGES)
def test_two_ends_agree_and_exchange_messages(sspi, wires, package):
    initiator, acceptor = established(sspi, package, wires)
    assert (acceptor.identity().domain, acceptor.identity().name) == ("EXAMPLE", "alice")
    for sender, receiver in ((initiator, acceptor), (acceptor, initiator)):
        for text in (b"first", b"second" * 1000):
            sealed = sender.encrypt(text)
            assert text not in sealed
            assert receiver.decrypt(sealed).data == text
        receiver.verify(b"signed", sender.sign(b"signed"))


@pytest.mark.parametrize("package", PACKAGES)
def test_an_altered_message_does_not_pass(sspi, wires, package):
    initiator, acceptor = established(sspi, package, wires)
    with pytest.raises(SspiError) as caught:
        acceptor.verify(b"altered", initiator.sign(b"original"))
    assert caught.value.status is SecurityStatus.SEC_E_MESSAGE_ALTERED


@pytest.mark.parametrize("package", PACKAGES)
def test_a_wrong_password_is_denied_to_the_acceptor(sspi, wires, package):
    initiator = sspi.acquire_credentials_handle(package, OUTBOUND, password("alice", "EXAMPLE", "guess")).initialize(
        flags=FLAGS
    )
    acceptor = sspi.acquire_credentials_handle(package, INBOUND).accept(flags=FLAGS)
    with ThreadPoolExecutor(1) as beside:
        other = beside.submit(acceptor.handshake, wires[1])
        wires[0].send(initiator.step().token)
        wires[0].send(initiator.step(wires[0].recv(65536)).token)
        error = other.exception(20)
    assert isinstance(error, SspiError)
    assert error.status is SecurityStatus.SEC_E_LOGON_DENIED


@pytest.mark.parametrize("package", PACKAGES)
def test_an_exported_context_goes_on_elsewhere(sspi, wires, package):
    initiator, acceptor = established(sspi, package, wires)
    acceptor.decrypt(initiator.encrypt(b"before"))
    packed = initiator.export(delete_old=True)
    assert initiator.handle == b""
    moved = sspi.import_security_context(package, packed, role=Role.INITIATOR)
    assert acceptor.decrypt(moved.encrypt(b"after")).data == b"after"
    assert moved.query(attributes.SIZES).max_signature > 0


@pytest.mark.digest
def test_an_acceptor_that_begins(sspi, wires):
    digest = password("alice", "sspid", "wonder-land-9")
    initiator, acceptor = established(sspi, "Digest", wires, ours=digest, flags=ContextFlag.INTEGRITY, acceptor_begins=True)
    assert acceptor.decrypt(initiator.encrypt(b"message")).data == b"message"
    acceptor.verify(b"signed", initiator.sign(b"signed"))


@pytest.mark.parametrize("package", PACKAGES)
def test_asyncio_agrees_and_exchanges_messages(service, package):
    class Queued:
        """One end of a pair of queues."""

        def __init__(self, ours, theirs):
            self.ours, self.theirs = ours, theirs

        async def send(self, data):
            await self.theirs.put(data)

        async def recv(self, size):
            return await self.ours.get()

    async def talk():
        one: asyncio.Queue[bytes] = asyncio.Queue()
        two: asyncio.Queue[bytes] = asyncio.Queue()
        async with aio.Client(service.unix_target) as client:
            outbound = await client.acquire_credentials_handle(package, OUTBOUND, ALICE)
            inbound = await client.acquire_credentials_handle(package, INBOUND)
            async with outbound.initialize(flags=FLAGS) as initiator, inbound.accept(flags=FLAGS) as acceptor:
                both = await asyncio.gather(initiator.handshake(Queued(one, two)), acceptor.handshake(Queued(two, one)))
                assert all(step.done for step in both)
                opened = await acceptor.decrypt(await initiator.encrypt(b"message"))
                await acceptor.verify(b"signed", await initiator.sign(b"signed"))
                return opened.data

    assert asyncio.run(talk()) == b"message"
