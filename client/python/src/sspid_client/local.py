"""A TLS stream whose records this process seals and opens itself, with secrets the service handed out: no call a record.

Wants the package `cryptography` (sspid-client[local]).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sspid_client import buffers
from sspid_client.errors import FailureDetail, SspiError
from sspid_client.legs import Role
from sspid_client.record_layer import (
    ALERT,
    APPLICATION_DATA,
    BAD_RECORD_MAC,
    DECODE_ERROR,
    HANDSHAKE,
    KEY_UPDATE,
    MOST,
    UNEXPECTED_MESSAGE,
    RecordError,
    Tls13,
    layer_of,
    record_length,
)
from sspid_client.status import SecurityStatus
from sspid_client.tls import TlsRecords

if TYPE_CHECKING:
    from sspid_client.attributes import TrafficSecrets
    from sspid_client.legs import Legs

_WARNING, _FATAL = 1, 2
_CLOSE_NOTIFY, _USER_CANCELED, _NO_RENEGOTIATION = 0, 90, 100
_NEW_SESSION_TICKET = 4
_LONGEST_MESSAGE = 1 << 18
"""A handshake message may be cut over records; nobody needs a longer one after the handshake."""


class LocalRecords(TlsRecords):
    """As `TlsRecords`, without the service: tickets are passed over, key updates followed, renegotiations declined."""

    def __init__(self, context: Legs, given: TrafficSecrets, received: bytes = b"") -> None:
        super().__init__(context, received)
        layer = layer_of(given)
        if layer is None:
            raise SspiError(f"Records of {given.protocol} suite {given.cipher_suite:#06x} are not sealed here.")
        self._layer = layer
        self._client = context.role is Role.INITIATOR
        self._partial = b""

    async def seal(self, data: bytes) -> None:
        if self._shut or self._failure is not None:
            raise self._failure or SspiError("This stream was closed; nothing more can be sent on it.")
        seal = self._layer.seal
        parts = [seal(APPLICATION_DATA, data[start : start + MOST]) for start in range(0, len(data), MOST)]
        if parts:
            self.outgoing.append(b"".join(parts))

    async def shut(self) -> None:
        if not self._shut and self._failure is None:
            self._shut = True
            self.outgoing.append(self._layer.seal(ALERT, bytes((_WARNING, _CLOSE_NOTIFY))))

    async def update_key(self) -> None:
        """Go on under a new key and ask the peer for one of its own; TLS 1.3 alone has that."""
        if not isinstance(self._layer, Tls13):
            raise SspiError("TLS 1.2 has no KeyUpdate; begin a new connection for new keys.")
        self.outgoing.append(self._layer.update(answer_wanted=True))

    async def _next(self) -> bool:
        try:
            length = record_length(self._received)
            if not length or length > len(self._received):
                return False
            record, self._received = self._received[:length], self._received[length:]
            self._take(*self._layer.open(record))
        except RecordError as error:
            failure = self._refusal(error.alert)
            self._fail(failure)
            raise failure from None
        except SspiError as failure:
            self._fail(failure)
            raise
        return True

    def _take(self, content_type: int, content: bytes) -> None:
        if content_type == APPLICATION_DATA and not self._partial:
            self._plain += content
        elif content_type == ALERT:
            self._alert(content)
        elif content_type == HANDSHAKE and content:
            self._handshake(content)
        else:
            raise RecordError(UNEXPECTED_MESSAGE)

    def _alert(self, content: bytes) -> None:
        if len(content) != 2:  # level and number, RFC 8446 6
            raise RecordError(DECODE_ERROR)
        level, number = content
        if number == _CLOSE_NOTIFY:
            self.ended = True
        elif number != _USER_CANCELED and (level != _WARNING or isinstance(self._layer, Tls13)):
            raise SspiError(
                f"The peer ended the connection with TLS alert {number}; its own log says why.",
                status=SecurityStatus.SEC_E_ILLEGAL_MESSAGE,
                code=SecurityStatus.SEC_E_ILLEGAL_MESSAGE,
                detail=FailureDetail(alert=number),
            )

    def _handshake(self, content: bytes) -> None:
        if not isinstance(self._layer, Tls13):
            # A renegotiation, which RFC 5246 7.2.2 lets us decline.
            self.outgoing.append(self._layer.seal(ALERT, bytes((_WARNING, _NO_RENEGOTIATION))))
            return
        message = self._partial + content
        while len(message) >= 4 and (end := 4 + int.from_bytes(message[1:4], "big")) <= len(message):  # RFC 8446 4
            self._message(self._layer, message[:end], last=end == len(message))
            message = message[end:]
        if len(message) > _LONGEST_MESSAGE:
            raise RecordError(UNEXPECTED_MESSAGE)
        self._partial = message

    def _message(self, layer: Tls13, message: bytes, *, last: bool) -> None:
        if message[0] == _NEW_SESSION_TICKET and self._client:
            return
        # RFC 8446 5.1: a key change ends its record.
        if message[0] != KEY_UPDATE or not last:
            raise RecordError(UNEXPECTED_MESSAGE)
        if len(message) != 5 or message[4] > 1:  # RFC 8446 4.6.3
            raise RecordError(DECODE_ERROR)
        layer.read.update()
        if message[4] and not self._shut:
            self.outgoing.append(layer.update(answer_wanted=False))

    def _refusal(self, alert: int) -> SspiError:
        altered = alert == BAD_RECORD_MAC
        status = SecurityStatus.SEC_E_MESSAGE_ALTERED if altered else SecurityStatus.SEC_E_ILLEGAL_MESSAGE
        output = () if self._shut else (buffers.token(self._layer.seal(ALERT, bytes((_FATAL, alert)))),)
        why = "was altered, repeated or lost" if altered else f"breaks TLS (alert {alert})"
        return SspiError(
            f"A record of the peer {why}; the connection is over.",
            status=status,
            code=status,
            detail=FailureDetail(alert=alert, alert_sent=not self._shut),
            output=output,
        )
