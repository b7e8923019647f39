"""How CredSSP's tokens lie in TLS records, and records in the calls: whole, in parts, several at once, with more behind."""

from __future__ import annotations

import pytest

from sspid.packages.contract import Message
from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.buffers import BufferType, SecurityBuffer, token_in
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import credssp
from sspid_testing.credssp import TLS12, TLS13, found, shaken

pytestmark = [pytest.mark.credssp, pytest.mark.legs]
A = ContextAttribute


class TestFraming:
    @pytest.mark.parametrize("settings", [TLS12, TLS13], ids=["tls1.2", "tls1.3"])
    def test_every_token_byte_by_byte(self, settings):
        """SEC_E_INCOMPLETE_MESSAGE until a record is whole leaves the context as it was; then it goes on."""
        client, server = credssp.client(settings=settings), credssp.server()
        data, ends = token_in(client.leg().output), (server, client)
        for turn in range(12):
            end = ends[turn % 2]
            if end.steps and end.steps[-1].status is SecurityStatus.SEC_E_OK:
                break
            data = self.trickle(end, data)
        assert client.statuses[-1] == server.statuses[-1] == "SEC_E_OK"

    def trickle(self, end, data):
        """Give the end ever more of `data`; return what it sends."""
        sent, start, stop = b"", 0, min(1, len(data))
        while True:
            step = end.leg(data[start:stop])
            if step.status is SecurityStatus.SEC_E_INCOMPLETE_MESSAGE:
                assert found(step.input, BufferType.MISSING).size >= 1
            else:
                left = found(step.input, BufferType.EXTRA)
                start = stop - (left.size if left else 0)
                sent += token_in(step.output)
            if stop == len(data):
                return sent
            stop += 1

    def test_request_split_over_records(self):
        client, server = credssp.client(settings=TLS12), credssp.server()
        for _ in range(2):
            server.leg(token_in(client.leg(token_in(server.steps[-1].output) if server.steps else None).output))
        channel_step = client.leg(token_in(server.steps[-1].output))
        opened = server.state.channel.package
        plain = server.world.run(
            opened.decrypt_message(
                server.state.channel.state, Message((SecurityBuffer(BufferType.DATA, token_in(channel_step.output)),))
            )
        )
        request = plain.buffers[0].data
        records = b"".join(
            client.world.run(client.state.channel.send(request[at : at + 7])) for at in range(0, len(request), 7)
        )
        middle = len(records) // 2
        first = server.leg(records[:middle])
        assert first.status is SecurityStatus.SEC_I_CONTINUE_NEEDED
        assert not token_in(first.output)
        left = found(first.input, BufferType.EXTRA)
        assert left is not None
        second = server.leg(records[middle - left.size :])
        assert token_in(second.output)

    def test_application_data_behind_the_last_token_is_extra(self):
        client, server = credssp.client(), credssp.server()
        data = b""
        while client.statuses[-1:] != ["SEC_E_OK"]:
            data = token_in(client.leg(data or None).output)
            if client.statuses[-1] != "SEC_E_OK":
                data = token_in(server.leg(data).output)
        record = client.seal(b"at once")
        step = server.leg(data + record)
        assert step.status is SecurityStatus.SEC_E_OK
        assert found(step.input, BufferType.EXTRA).size == len(record)
        assert server.open(record).buffers[0].data == b"at once"

    def test_server_that_answers_the_finished_before_the_first_request(self):
        """TLS 1.3: the client's Finished may come alone, and is answered all the same, as lockstep clients need."""
        client, server = credssp.client(settings=TLS13), credssp.server()
        flight = token_in(server.leg(token_in(client.leg().output)).output)
        both = token_in(client.leg(flight).output)
        finished = both[: self.first_records(both)]
        step = server.leg(finished)
        assert step.status is SecurityStatus.SEC_I_CONTINUE_NEEDED
        passed = client.leg(token_in(step.output))
        assert not token_in(passed.output)
        data = token_in(server.leg(both[len(finished) :]).output)
        while client.statuses[-1] != "SEC_E_OK":
            data = token_in(server.leg(token_in(client.leg(data).output)).output)
        assert server.statuses[-1] == "SEC_E_OK"

    @staticmethod
    def first_records(data):
        """Where the Finished ends, with a ChangeCipherSpec before it or not."""
        at = 6 if data[0] == 20 else 0
        return at + 5 + int.from_bytes(data[at + 3 : at + 5], "big")

    def test_one_request_is_one_record(self):
        client, server = shaken(credssp.client(settings=TLS12))
        for step in (*client.steps[2:], *server.steps[2:]):
            sent = token_in(step.output)
            assert not sent or 5 + int.from_bytes(sent[3:5], "big") == len(sent)
