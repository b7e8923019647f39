"""How a failed handshake becomes a status, a sentence, a detail and the alert for the peer; it touches no state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sspid.packages.schannel import alerts
from sspid.packages.schannel.framing import ALERT, last_record
from sspid.packages.schannel.keys import TLS13_SUITES
from sspid.packages.schannel.openssl import verify_text
from sspid.packages.schannel.records import Direction, RecordError, Tls13Records
from sspid.packages.schannel.refusals import refusal
from sspid.packages.schannel.suites import number_of
from sspid.vocabulary.buffers import BufferType, SecurityBuffer, token
from sspid.vocabulary.errors import FailureDetail, SspiError
from sspid.vocabulary.flags import ContextFlag, Flags

if TYPE_CHECKING:
    from sspid.packages.schannel.openssl import Connection, TlsError
    from sspid.vocabulary.buffers import Buffers
    from sspid.vocabulary.status import SecurityStatus


def handshake_error(connection: Connection, failure: TlsError, flags: Flags) -> SspiError:
    """The error of a leg; its alert goes out as TOKEN only where EXTENDED_ERROR was asked, and always as ALERT description."""
    if failure.alert is not None:
        return received_alert(failure.alert)
    output = connection.output()
    status, alert, message = _judge(connection, failure)
    sent = _plain_alert(output) or _sealed_alert(connection, output)
    alert = alert if sent is None else sent
    extended = ContextFlag.EXTENDED_ERROR in flags and bool(output)
    buffers: Buffers = (token(output),) if extended else ()
    if alert is not None:
        buffers += (SecurityBuffer(BufferType.ALERT, bytes((alerts.FATAL, alert))),)
    verify_error, depth = failure.verify or (None, None)
    detail = FailureDetail(
        alert=alert,
        alert_sent=extended,
        verify_error=verify_error,
        verify_depth=depth,
        verify_reason="" if verify_error is None else verify_text(verify_error),
        state=failure.text,
    )
    granted = frozenset({ContextFlag.EXTENDED_ERROR}) if extended else frozenset()
    return SspiError(status, message, detail=detail, output=buffers, granted=granted)


def received_alert(number: int) -> SspiError:
    """The error for a fatal alert from the peer."""
    name = alerts.alert_name(number)
    return SspiError(
        alerts.status_of_alert(number),
        f"The peer ended the connection with the TLS alert {name} ({number}); its own log says why.",
        detail=FailureDetail(alert=number, state=name),
    )


def _judge(connection: Connection, failure: TlsError) -> tuple[SecurityStatus, int | None, str]:
    peer = "client" if connection.context.server else "server"
    if failure.verify is not None:
        error, depth = failure.verify
        status, alert = alerts.status_of_verify_error(error)
        return status, alert, refusal(peer, error, depth, connection.refused, connection.expected)
    status, alert_or_none = alerts.status_of_reason(failure.reason)
    return status, alert_or_none, f"The TLS handshake with the {peer} failed: {failure.text}."


def _sealed_alert(connection: Connection, output: bytes) -> int | None:
    """The alert in a TLS 1.3 record at the end of `output`: a server's first record under its application keys.

    A client that refuses the server has no keys to write with yet.
    """
    label = b"SERVER_TRAFFIC_SECRET_0 "
    secret = next((line for line in connection.key_log if line.startswith(label)), b"")
    suite = TLS13_SUITES.get(number_of(connection.cipher()[0]))
    record = last_record(output)
    if not (secret and suite and record):
        return None
    direction = Direction(bytes.fromhex(secret.rpartition(b" ")[2].decode()))
    try:
        content_type, content = Tls13Records(0, suite, Direction(b""), direction).peek(record)
    except RecordError:
        return None
    return content[1] if content_type == ALERT and len(content) == 2 else None


def _plain_alert(output: bytes) -> int | None:
    """The number of an unencrypted alert at the end of `output`: what OpenSSL really told the peer."""
    plain = len(output) >= 7 and output[-7] == ALERT and output[-6] == 3 and output[-4:-2] == b"\x00\x02"
    return output[-1] if plain else None
