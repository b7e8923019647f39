"""The loop of legs and the reading of replies, on replies as a service gives them, down to the rare ones."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from sspid_protos.sspi.v1 import attributes_pb2, context_service_pb2, vocabulary_pb2

from sspid_client import attributes, calls, legs, messages, replies, values
from sspid_client.acquisition import Acquired
from sspid_client.buffers import BufferType, SecurityBuffer
from sspid_client.calls import Call
from sspid_client.errors import PeerClosedError, SspiError
from sspid_client.flags import ContextFlag
from sspid_client.legs import Legs, Role
from sspid_client.questions import Receive, Send, run
from sspid_client.status import SecurityStatus

HANDLE = b"h" * 16


def result(status):
    return vocabulary_pb2.SecurityResult(
        status=status, code=SecurityStatus[status], message="" if status == "SEC_E_OK" else "Why."
    )


def reply(status, token=None, *, extra=0, missing=0, handle=HANDLE, **more):
    changed = [vocabulary_pb2.SecurityBuffer(type="SECBUFFER_EXTRA", size=extra)] if extra else []
    changed += [vocabulary_pb2.SecurityBuffer(type="SECBUFFER_MISSING", size=missing)] if missing else []
    output = [] if token is None else [vocabulary_pb2.SecurityBuffer(type="SECBUFFER_TOKEN", data=token)]
    context = vocabulary_pb2.ContextHandle(value=handle) if handle else None
    return context_service_pb2.InitializeSecurityContextResponse(
        result=result(status), context=context, output=output, input=changed, **more
    )


class Script:
    """Answers calls and receives from two lists, and keeps what was asked and sent."""

    def __init__(self, replies, received=()):
        self.replies = list(replies)
        self.received = list(received)
        self.requests = []
        self.sent = []

    def __call__(self, question):
        if isinstance(question, Send):
            return self.sent.append(question.data)
        if isinstance(question, Receive):
            return self.received.pop(0)
        assert isinstance(question, Call)
        self.requests.append(question.request)
        if question.function is calls.DELETE_SECURITY_CONTEXT:
            return context_service_pb2.DeleteSecurityContextResponse(result=result("SEC_E_OK"))
        answer = self.replies.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def tokens(self):
        """The token of each leg."""
        return [
            b"".join(buffer.data for buffer in request.input if buffer.type == vocabulary_pb2.SECBUFFER_TOKEN)
            for request in self.requests
            if hasattr(request, "input")
        ]

    @property
    def deleted(self):
        return any(isinstance(request, context_service_pb2.DeleteSecurityContextRequest) for request in self.requests)


def initiator(**more):
    return Legs(Role.INITIATOR, "Schannel", b"c" * 16, target_name="host", **more)


def test_an_initiator_speaks_first_and_sends_its_last_token():
    script = Script([reply("SEC_I_CONTINUE_NEEDED", b"one"), reply("SEC_E_OK", b"two", extra=3)], [b"answer+++"])
    last = run(initiator().handshake(), script)
    assert script.sent == [b"one", b"two"]
    assert script.tokens == [b"", b"answer+++"]
    assert (last.done, last.extra) == (True, b"+++")
    assert not script.deleted


def test_an_acceptor_listens_first():
    script = Script([reply("SEC_E_OK", b"")], [b"hello"])
    run(Legs(Role.ACCEPTOR, "Schannel", b"c").handshake(), script)
    assert script.tokens == [b"hello"]
    assert script.sent == []


def test_what_was_received_before_is_not_waited_for():
    script = Script([reply("SEC_E_OK", b"")])
    run(Legs(Role.ACCEPTOR, "Schannel", b"c").handshake(b"hello"), script)
    assert script.tokens == [b"hello"]


def test_an_incomplete_message_is_repeated_whole():
    script = Script(
        [
            reply("SEC_E_INCOMPLETE_MESSAGE", missing=5, handle=b""),
            reply("SEC_E_INCOMPLETE_MESSAGE", missing=2),
            reply("SEC_E_OK"),
        ],
        [b"ab", b"cd", b"ef"],
    )
    run(Legs(Role.ACCEPTOR, "Schannel", b"c").handshake(), script)
    assert script.tokens == [b"ab", b"abcd", b"abcdef"]


def test_first_input_is_repeated_until_a_leg_took_it():
    protocols = SecurityBuffer(BufferType.APPLICATION_PROTOCOLS, b"alpn")
    script = Script(
        [reply("SEC_E_INCOMPLETE_MESSAGE", missing=5), reply("SEC_I_CONTINUE_NEEDED"), reply("SEC_E_OK")], [b"a", b"b", b"c"]
    )
    run(Legs(Role.ACCEPTOR, "Schannel", b"c", first_input=[protocols]).handshake(), script)
    types = [[buffer.type for buffer in request.input] for request in script.requests]
    assert [vocabulary_pb2.SECBUFFER_APPLICATION_PROTOCOLS in each for each in types] == [True, True, False]


def test_an_answer_without_a_context_is_followed_by_a_first_leg_again():
    mtu = SecurityBuffer(BufferType.DTLS_MTU, b"\x00\x04")
    script = Script(
        [reply("SEC_I_CONTINUE_NEEDED", b"who?", handle=b""), reply("SEC_I_CONTINUE_NEEDED", b"hello"), reply("SEC_E_OK")],
        [b"hello", b"hello, with a cookie", b"finished"],
    )
    run(Legs(Role.ACCEPTOR, "Schannel", b"c", first_input=[mtu]).handshake(), script)
    assert [request.credential.value for request in script.requests] == [b"c", b"c", b""]
    types = [[buffer.type for buffer in request.input] for request in script.requests]
    assert [vocabulary_pb2.SECBUFFER_DTLS_MTU in each for each in types] == [True, True, False]


def test_what_is_left_over_is_used_before_more_is_read():
    script = Script([reply("SEC_I_CONTINUE_NEEDED"), reply("SEC_I_CONTINUE_NEEDED", extra=2), reply("SEC_E_OK")], [b"abcd"])
    run(initiator().handshake(), script)
    assert script.tokens == [b"", b"abcd", b"cd"]


def test_a_fragmented_output_asks_for_the_next_leg_at_once():
    script = Script(
        [reply("SEC_I_MESSAGE_FRAGMENT", b"one"), reply("SEC_I_CONTINUE_NEEDED", b"two"), reply("SEC_E_OK")], [b"x"]
    )
    run(initiator().handshake(), script)
    assert script.sent == [b"one", b"two"]
    assert script.tokens == [b"", b"", b"x"]


def test_a_wanted_certificate_that_is_not_there_is_answered_with_none():
    script = Script(
        [reply("SEC_I_CONTINUE_NEEDED", b"one"), reply("SEC_I_INCOMPLETE_CREDENTIALS"), reply("SEC_E_OK", b"empty")],
        [b"request"],
    )
    run(initiator().handshake(), script)
    assert script.tokens == [b"", b"request", b"request"]
    assert vocabulary_pb2.CONTEXT_FLAG_USE_SUPPLIED_CREDS in script.requests[2].flags
    assert vocabulary_pb2.CONTEXT_FLAG_USE_SUPPLIED_CREDS not in script.requests[1].flags
    assert script.sent == [b"one", b"empty"]


@pytest.mark.parametrize("status", ["SEC_I_COMPLETE_NEEDED", "SEC_I_COMPLETE_AND_CONTINUE"])
def test_a_token_to_be_completed_is_completed_before_it_is_sent(status):
    finished = context_service_pb2.CompleteAuthTokenResponse(
        result=result("SEC_E_OK"), token=[vocabulary_pb2.SecurityBuffer(type="SECBUFFER_TOKEN", data=b"finished")]
    )
    rest = [reply("SEC_E_OK")] if status == "SEC_I_COMPLETE_AND_CONTINUE" else []
    script = Script([reply(status, b"draft"), finished, *rest], [b"x"])
    assert run(initiator().handshake(), script).done
    assert script.sent == [b"finished"]
    assert script.requests[1].token[0].data == b"draft"


def test_a_failing_leg_sends_its_token_and_deletes_the_context():
    script = Script([reply("SEC_I_CONTINUE_NEEDED", b"one"), reply("SEC_E_WRONG_PRINCIPAL", b"alert", granted=[5])], [b"x"])
    context = initiator()
    with pytest.raises(SspiError) as caught:
        run(context.handshake(), script)
    assert (caught.value.status, caught.value.token) == (SecurityStatus.SEC_E_WRONG_PRINCIPAL, b"alert")
    assert caught.value.granted is ContextFlag.CONFIDENTIALITY
    assert script.sent == [b"one", b"alert"]
    assert script.deleted
    assert context.handle == b""


def test_a_peer_that_is_gone_does_not_hide_the_failure():
    script = Script([reply("SEC_I_CONTINUE_NEEDED"), reply("SEC_E_WRONG_PRINCIPAL", b"alert")], [b"x"])

    def answer(question):
        if isinstance(question, Send):
            raise BrokenPipeError
        return script(question)

    with pytest.raises(SspiError, match="SEC_E_WRONG_PRINCIPAL"):
        run(initiator().handshake(), answer)
    assert script.deleted


def test_a_peer_that_hangs_up_is_told_from_a_failing_leg():
    script = Script([reply("SEC_I_CONTINUE_NEEDED", b"one")], [b""])
    with pytest.raises(PeerClosedError, match="where the next token was due"):
        run(initiator().handshake(), script)
    assert script.deleted


def test_a_peer_that_hangs_up_in_a_token():
    script = Script([reply("SEC_E_INCOMPLETE_MESSAGE", missing=2)], [b"abc", b""])
    with pytest.raises(PeerClosedError, match="after 3 bytes"):
        run(Legs(Role.ACCEPTOR, "Schannel", b"c").handshake(), script)


def test_an_interrupted_handshake_deletes_the_context():
    script = Script([reply("SEC_I_CONTINUE_NEEDED", b"one")])

    def answer(question):
        if isinstance(question, Receive):
            raise KeyboardInterrupt
        return script(question)

    with pytest.raises(KeyboardInterrupt):
        run(initiator().handshake(), answer)
    assert script.deleted


def test_a_status_that_the_loop_cannot_answer_is_raised():
    script = Script([reply("SEC_I_GENERIC_EXTENSION_RECEIVED")])
    with pytest.raises(SspiError, match="make the legs with step") as caught:
        run(initiator().handshake(), script)
    assert caught.value.status is SecurityStatus.SEC_I_GENERIC_EXTENSION_RECEIVED


def test_a_first_leg_names_the_credential_and_later_ones_the_context():
    script = Script([reply("SEC_I_CONTINUE_NEEDED"), reply("SEC_E_OK")], [b"x"])
    run(initiator(connection_id="pool-7").handshake(), script)
    first, second = script.requests
    assert first.credential.value == b"c" * 16
    assert not first.HasField("context")
    assert not second.HasField("credential")
    assert second.context.value == HANDLE
    assert first.target_name == second.target_name == "host"
    assert first.connection_id == second.connection_id == "pool-7"
    assert first.request_id
    assert first.request_id != second.request_id


def test_a_reply_without_a_status_is_no_success():
    empty = context_service_pb2.InitializeSecurityContextResponse()
    with pytest.raises(SspiError, match="status 0") as caught:
        run(initiator().step(), Script([empty]))
    assert caught.value.status is None


def test_a_status_of_a_newer_service_is_told_by_its_number():
    newer = vocabulary_pb2.SecurityResult(code=0x80091234)
    newer.MergeFromString(b"\x08\xe7\x07")  # status = 999
    with pytest.raises(SspiError) as caught:
        replies.status_of(newer)
    assert (caught.value.status, caught.value.name) == (None, "0x80091234")


def test_details_are_read_field_by_field():
    plain = vocabulary_pb2.SecurityResult(status="SEC_E_LOGON_DENIED")
    assert replies.detail_of(plain) is None
    plain.detail.alert = 0
    plain.detail.ntstatus = 0xC000006A
    plain.detail.state = "reject"
    detail = replies.detail_of(plain)
    assert detail is not None
    assert (detail.alert, detail.verify_error, detail.ntstatus, detail.state) == (0, None, 0xC000006A, "reject")


def test_a_step_says_when_the_context_ends():
    moment = datetime(2030, 1, 2, tzinfo=UTC)
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    assert run(initiator().step(), Script([reply("SEC_E_OK", expiry=stamp)])).expiry == moment
    assert run(initiator().step(), Script([reply("SEC_E_OK")])).expiry is None


def test_deleting_what_the_service_forgot_is_no_error():
    context = initiator(handle=HANDLE)
    gone = context_service_pb2.DeleteSecurityContextResponse(result=result("SEC_E_INVALID_HANDLE"))
    run(context.delete(), lambda _: gone)
    assert context.handle == b""


def test_a_deletion_that_fails_otherwise_is_an_error():
    broken = context_service_pb2.DeleteSecurityContextResponse(result=result("SEC_E_INTERNAL_ERROR"))
    with pytest.raises(SspiError, match="SEC_E_INTERNAL_ERROR"):
        run(initiator(handle=HANDLE).delete(), lambda _: broken)


@pytest.mark.parametrize(("delete_old", "repeatable"), [(False, True), (True, False)])
def test_an_export_that_deletes_is_not_asked_twice(delete_old, repeatable):
    asked = []

    def answer(question):
        asked.append(question)
        return context_service_pb2.ExportSecurityContextResponse(result=result("SEC_E_OK"), packed_context=b"packed")

    context = initiator(handle=HANDLE)
    assert run(context.export(delete_old=delete_old), answer) == b"packed"
    assert asked[0].repeatable is repeatable
    assert bool(context.handle) is not delete_old


def test_a_value_of_another_kind_is_no_answer():
    message = attributes_pb2.AttributeValue(text=attributes_pb2.Text(text="x"))
    assert values.value_of(message, attributes.Text) == attributes.Text("x")
    with pytest.raises(SspiError, match="text where Sizes"):
        values.value_of(message, attributes.Sizes)
    with pytest.raises(SspiError, match="no value where Sizes"):
        values.value_of(attributes_pb2.AttributeValue(), attributes.Sizes)


def test_values_come_in_pythons_terms():
    message = attributes_pb2.AttributeValue(
        negotiated_flags=attributes_pb2.NegotiatedFlags(flags=["CONTEXT_FLAG_CONFIDENTIALITY", "CONTEXT_FLAG_STREAM"])
    )
    flags = values.value_of(message, attributes.NegotiatedFlags).flags
    assert flags == ContextFlag.CONFIDENTIALITY | ContextFlag.STREAM
    lifespan = values.value_of(attributes_pb2.AttributeValue(lifespan={}), attributes.Lifespan)
    assert lifespan == attributes.Lifespan(None, None)
    chain = attributes_pb2.AttributeValue(certificate_chain={"certificates": [b"leaf", b"root"]})
    assert values.value_of(chain, attributes.CertificateChain).certificates == (b"leaf", b"root")
    delegated = values.value_of(
        attributes_pb2.AttributeValue(delegated_credential={"user": "u", "credential": {"value": b"h"}}),
        attributes.DelegatedCredential,
    )
    assert (delegated.credential, delegated.password) == (b"h", None)
    assert "b'h'" not in repr(delegated)


def test_values_that_can_be_set_go_out_as_they_are():
    info = attributes.KeyingMaterialInfo(b"label", 32)
    message = values.message_of(info)
    assert values.value_of(message, attributes.KeyingMaterialInfo) == info
    assert not message.keying_material_info.HasField("context")
    with pytest.raises(SspiError, match="can be set"):
        values.message_of(object())


def test_attributes_that_sspi_does_not_have_are_refused_here():
    with pytest.raises(SspiError, match="SECPKG_ATTR_NONSENSE"):
        run(initiator(handle=HANDLE).query(attributes.attribute("NONSENSE")), Script([]))


def protected(*buffers, kind):
    given = [vocabulary_pb2.SecurityBuffer(type=name, data=data) for name, data in buffers]
    return kind.reply(result=result("SEC_E_OK"), message=given)


def test_a_wrapped_token_is_what_its_buffers_join_to():
    kerberos = Legs(Role.INITIATOR, "Kerberos", b"c", handle=HANDLE)
    sealed = protected(
        ("SECBUFFER_TOKEN", b"head"), ("SECBUFFER_DATA", b"body"), ("SECBUFFER_PADDING", b"pad"), kind=calls.ENCRYPT_MESSAGE
    )
    script = Script([sealed])
    assert run(messages.encrypt(kerberos, b"text"), script) == b"headbodypad"
    assert [buffer.type for buffer in script.requests[0].message] == [3, 2, 10]
    opened = protected(("SECBUFFER_STREAM", b"headbodypad"), ("SECBUFFER_DATA", b"text"), kind=calls.DECRYPT_MESSAGE)
    assert run(messages.decrypt(kerberos, b"headbodypad"), Script([opened])).data == b"text"


def test_signatures_travel_in_the_token_buffer():
    kerberos = Legs(Role.INITIATOR, "Kerberos", b"c", handle=HANDLE)
    signed = protected(("SECBUFFER_DATA", b"text"), ("SECBUFFER_TOKEN", b"mic"), kind=calls.MAKE_SIGNATURE)
    assert run(messages.sign(kerberos, b"text"), Script([signed])) == b"mic"
    script = Script([protected(kind=calls.VERIFY_SIGNATURE)])
    assert run(messages.verify(kerberos, b"text", b"mic"), script) == 0
    assert [buffer.data for buffer in script.requests[0].message] == [b"text", b"mic"]


def test_a_freed_credential_cannot_be_used():
    credential = Acquired("Schannel", b"")
    with pytest.raises(SspiError, match="freed"):
        run(credential.query(attributes.CREDENTIAL_NAMES), Script([]))


def test_flags_asked_by_default_leave_an_alert_to_send():
    assert ContextFlag.EXTENDED_ERROR in legs.DEFAULT_FLAGS
    assert ContextFlag.STREAM in legs.STREAM_FLAGS
