"""Sealing and opening one record of an established context, by our record layer or by OpenSSL while it is kept."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from sspid.packages.schannel import alerts
from sspid.packages.schannel.facts import first_finished, tls12_records
from sspid.packages.schannel.failures import received_alert
from sspid.packages.schannel.framing import ALERT, APPLICATION_DATA, HANDSHAKE, MAX_FRAGMENT, count_records
from sspid.packages.schannel.handshake import let_go
from sspid.packages.schannel.openssl import TLS1_2, TLS1_3, Progress, TlsError
from sspid.packages.schannel.records import RecordError, Tls13Records
from sspid.packages.schannel.states import PostHandshake
from sspid.vocabulary.buffers import token
from sspid.vocabulary.errors import FailureDetail, SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.schannel.established_state import Established
    from sspid.packages.schannel.openssl import Connection

_KINDS = {1: "ClientHello", 4: "NewSessionTicket", 11: "Certificate", 13: "CertificateRequest", 24: "KeyUpdate"}
_MAX_PARTIAL = 1 << 18
"""A handshake message may be cut over records; nobody needs a longer one after the handshake."""


def seal(state: Established, data: bytes) -> bytes:
    """`data` as records of at most 16384 bytes each."""
    if len(data) <= MAX_FRAGMENT:
        return _seal_one(state, data)
    return b"".join(_seal_one(state, data[at : at + MAX_FRAGMENT]) for at in range(0, len(data), MAX_FRAGMENT))


def _seal_one(state: Established, data: bytes) -> bytes:
    live = state.live
    if live is None:
        return state.records.seal(APPLICATION_DATA, data)  # type: ignore[union-attr]  # one of the two is always there
    try:
        sealed = live.write(data)
    except TlsError as failure:
        raise SspiError(SecurityStatus.SEC_E_ENCRYPT_FAILURE, f"OpenSSL could not seal the message: {failure.text}.") from None
    state.count_written(bool(data))
    return sealed


def seal_alert(state: Established, alert: bytes) -> bytes:
    """An alert record of level and number. OpenSSL, which sends none on order, is let go of."""
    release(state)
    return state.records.seal(ALERT, alert) if state.records else b""


def open_record(state: Established, record: bytes) -> bytes | PostHandshake | None:
    """Application data, a handshake record that waits for a leg (then kept as `pending`), or None for close_notify."""
    return _open_ours(state, record) if state.live is None else _open_live(state, state.live, record)


def _open_ours(state: Established, record: bytes) -> bytes | PostHandshake | None:
    try:
        content_type, content = state.records.open(record)  # type: ignore[union-attr]  # one of the two is always there
    except RecordError as error:
        raise _broken(state, error.alert) from None
    if content_type == APPLICATION_DATA and not state.partial:
        return content
    if content_type == ALERT:
        return _alert(state, content)
    if content_type == HANDSHAKE and content:
        return _handshake(state, record, content)
    raise _broken(state, 10)


def _alert(state: Established, content: bytes) -> bytes | None:
    if len(content) != 2:
        raise _broken(state, 50)
    if content[1] == alerts.CLOSE_NOTIFY:
        state.read_closed = True
        return None
    if content[1] == alerts.USER_CANCELED or (content[0] == alerts.WARNING and state.version != TLS1_3):
        return b""
    state.read_closed = state.write_closed = True
    raise received_alert(content[1])


def _handshake(state: Established, record: bytes, content: bytes) -> bytes | PostHandshake:
    """A handshake record that only our layer saw: tickets pass, key updates are followed, the rest needs what is gone."""
    records = state.records
    message = state.partial + content
    state.partial = b""
    if not isinstance(records, Tls13Records):
        # A renegotiation without OpenSSL's connection: RFC 5246 7.2.2 lets us decline and go on.
        answer = records.seal(ALERT, bytes((alerts.WARNING, alerts.NO_RENEGOTIATION))) if records else b""
        return _wait(state, PostHandshake("ClientHello" if state.server else "HelloRequest", record, answer))
    answer = b""
    while message:
        end = 4 + int.from_bytes(message[1:4], "big")
        if len(message) < 4 or end > len(message):
            state.partial = _part(state, message)
            break
        answer += _post_handshake(state, records, message[:end], last=end == len(message))
        kind, message = _KINDS[message[0]], message[end:]
    else:
        return _wait(state, PostHandshake(kind, record, answer))
    return _wait(state, PostHandshake(_KINDS.get(message[0], "handshake message"), record, answer))


def _part(state: Established, message: bytes) -> bytes:
    if len(message) > _MAX_PARTIAL:
        raise _broken(state, 22)
    return message


def _post_handshake(state: Established, records: Tls13Records, message: bytes, *, last: bool) -> bytes:
    """What one whole message makes us answer."""
    if message[0] == 4 and not state.server:
        return b""
    if message[0] != 24:
        raise _broken(state, 10)
    if len(message) != 5 or message[4] > 1:
        raise _broken(state, 47 if len(message) == 5 else 50)
    if not last:  # RFC 8446 5.1: a key change ends its record
        raise _broken(state, 10)
    records.follow_update()
    return records.update_key(answer_wanted=False) if message[4] else b""


def _wait(state: Established, met: PostHandshake) -> PostHandshake:
    state.pending = met
    return met


def _open_live(state: Established, live: Connection, record: bytes) -> bytes | PostHandshake | None:
    try:
        plain = live.read(record)
        if plain is not None:
            state.count_read()
            if state.awaits_tickets:
                let_go(state)
            return plain
        unfinished = live.advance(b"") is not Progress.DONE
    except EOFError:
        state.read_closed = True
        state.count_read()
        return None
    except TlsError as failure:
        state.read_closed = state.write_closed = True
        raise _live_error(live, failure) from None
    kind = _kind(state, record)
    state.count_read()
    if not kind:  # an empty record, or a warning that changes nothing
        return b""
    # OpenSSL keeps its answer to a KeyUpdate until it writes next.
    answer = live.write(b"") if kind == "KeyUpdate" else live.output()
    _follow(state, kind, answer)
    return _wait(state, PostHandshake(kind, record, answer, unfinished))


def _kind(state: Established, record: bytes) -> str:
    """What a record that gave no application data is; it is not counted yet, so our record layer can look into it."""
    if state.version != TLS1_3:
        if record[0] != HANDSHAKE:
            return ""
        return "ClientHello" if state.server else "HelloRequest"
    if not isinstance(state.records, Tls13Records):
        return "handshake message"
    try:
        content_type, content = state.records.peek(record)
    except RecordError:
        return ""
    return _KINDS.get(content[0], "handshake message") if content_type == HANDSHAKE and content else ""


def _follow(state: Established, kind: str, answer: bytes) -> None:
    """Keep our record layer in step with what OpenSSL just did."""
    state.count_written(count_records(answer))
    records = state.records
    if not isinstance(records, Tls13Records):
        return
    if kind == "KeyUpdate":
        records.follow_update()
        if answer:
            records.update_key(answer_wanted=False)


def release(state: Established) -> None:
    """Let go of OpenSSL; our record layer goes on. SEC_E_UNSUPPORTED_FUNCTION where the suite is OpenSSL's alone."""
    live = state.live
    if live is None:
        return
    if state.records is None and state.version == TLS1_2:
        session = live.session_secrets()
        made = tls12_records(state.facts, session, server=state.server, written=state.written, read=state.read)
        if made is not None:
            state.records = made
            state.secret = session + first_finished(live) + live.session_id()
    if not let_go(state):
        raise SspiError(
            SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION,
            f"The cipher suite {state.facts.cipher} is sealed by OpenSSL alone and its context cannot leave this process.",
        )


def compact(state: Established) -> None:
    """Let an idle context go from OpenSSL, which costs some 30 KiB, where nobody is likely to want what only OpenSSL can.

    Lost with it: renegotiation in TLS 1.2, and in TLS 1.3 tickets that the caller has not read by then.
    """
    waits = state.pending is not None or state.control is not None or state.renegotiates
    if state.live is not None and not waits and not _may_prove_later(state):
        with suppress(SspiError):  # a suite of OpenSSL's alone stays
            release(state)
    state.rest()


def _may_prove_later(state: Established) -> bool:
    """Whether a client certificate may be asked for after the handshake: that is what renegotiation is used for."""
    credential = state.credential
    if credential is None:
        return False
    return not state.mutual and credential.policy.names_authorities if state.server else bool(credential.certificates)


def _live_error(live: Connection, failure: TlsError) -> SspiError:
    if failure.alert is not None:
        return received_alert(failure.alert)
    output = live.output()
    if failure.verify is None and failure.reason not in _ALTERED:
        status, alert = alerts.status_of_reason(failure.reason)
    elif failure.verify is not None:
        status, alert = alerts.status_of_verify_error(failure.verify[0])
    else:
        status, alert = SecurityStatus.SEC_E_MESSAGE_ALTERED, 20
    refused = "The peer refuses to renegotiate" if failure.reason == _NO_RENEGOTIATION else "A record of the peer was refused"
    return SspiError(
        status,
        f"{refused} ({failure.text}); the context is over, begin a new connection.",
        detail=FailureDetail(alert=alert, alert_sent=bool(output), state=failure.text),
        output=(token(output),) if output else (),
    )


_ALTERED = (119, 129, 147, 281)
_NO_RENEGOTIATION = 339
"""SSL_R_ numbers (sslerr.h)."""


def _broken(state: Established, alert: int) -> SspiError:
    """End the context; the alert for the peer goes with the error."""
    state.read_closed = state.write_closed = True
    sealed = state.records.seal(ALERT, bytes((alerts.FATAL, alert))) if state.records else b""
    status = SecurityStatus.SEC_E_MESSAGE_ALTERED if alert == alerts.BAD_RECORD_MAC else SecurityStatus.SEC_E_ILLEGAL_MESSAGE
    message = (
        "A record does not fit the connection's keys and sequence; it was altered, repeated or lost, and the context is over."
        if alert == alerts.BAD_RECORD_MAC
        else f"A record of the established connection breaks TLS ({alerts.alert_name(alert)}); the context is over."
    )
    return SspiError(
        status,
        message,
        detail=FailureDetail(alert=alert, alert_sent=True, state=alerts.alert_name(alert)),
        output=(token(sealed),) if sealed else (),
    )
