"""The four message functions of SASL contexts in terms of SecBuffers (digest.md 5); the cryptography is another module's.

What goes over the wire is DATA, PADDING and TOKEN joined in this order, behind the four bytes of length that SASL's own
layer adds. DecryptMessage takes that in one DATA, in DATA with TOKEN apart, or in a STREAM with an empty DATA for the result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from sspid.packages.contract import Message, Protected
from sspid.packages.digest.inputs import room
from sspid.packages.digest.refusals import malformed, qop_not_supported, too_small
from sspid.packages.digest.sasl_layer import TRAILER, Layer, SaslContext
from sspid.vocabulary.buffers import BufferAccess, Buffers, BufferType, SecurityBuffer, find

if TYPE_CHECKING:
    from collections.abc import Mapping

WRAP_NO_ENCRYPT = 0x80000001
"""SECQOP_WRAP_NO_ENCRYPT: signed, not encrypted."""


def encrypt(state: SaslContext, message: Message) -> Protected:
    """Seal the DATA buffer; under auth-int only sign it."""
    layer = _layer(state, message)
    _require_qop(state, message)
    data = _single(message.buffers, BufferType.DATA).data
    _require_token(message.buffers)
    needs_padding = state.response.qop == "auth-conf" and layer.block > 1
    if needs_padding and find(message.buffers, BufferType.PADDING) is None:
        raise malformed(f"This context's cipher pads messages: EncryptMessage needs a PADDING buffer of {layer.block} bytes.")
    body, padding, trailer = layer.seal(data)
    return Protected(_filled(message.buffers, {BufferType.DATA: body, BufferType.PADDING: padding, BufferType.TOKEN: trailer}))


def decrypt(state: SaslContext, message: Message) -> Protected:
    """Unseal into the DATA buffer."""
    layer = _layer(state, message)
    stream = find(message.buffers, BufferType.STREAM)
    data = _single(message.buffers, BufferType.DATA)
    parts = (find(message.buffers, kind) for kind in (BufferType.PADDING, BufferType.TOKEN))
    wire = stream.data if stream is not None else data.data + b"".join(part.data for part in parts if part is not None)
    if stream is not None and data.data:
        raise malformed("DecryptMessage takes a STREAM with an empty DATA, or DATA without a STREAM.")
    plain = layer.unseal(wire)
    qop = WRAP_NO_ENCRYPT if state.response.qop == "auth-int" else 0
    return Protected(_filled(message.buffers, {BufferType.DATA: plain}), qop=qop)


def make(state: SaslContext, message: Message) -> Protected:
    """Sign the DATA buffers into the TOKEN buffer."""
    layer = _layer(state, message)
    if message.qop:
        raise qop_not_supported("Digest's MakeSignature knows no quality of protection but 0.")
    _require_token(message.buffers)
    return Protected(_filled(message.buffers, {BufferType.TOKEN: layer.sign(_signed(message.buffers))}))


def verify(state: SaslContext, message: Message) -> Protected:
    """Check the TOKEN buffer against the DATA buffers."""
    layer = _layer(state, message)
    layer.verify(_signed(message.buffers), _single(message.buffers, BufferType.TOKEN).data)
    return Protected(message.buffers)


def _layer(state: SaslContext, message: Message) -> Layer:
    if state.layer is None:
        raise qop_not_supported("The context was established with qop auth; ask for INTEGRITY or CONFIDENTIALITY in its legs.")
    if message.sequence_number:
        raise malformed("Digest counts its messages itself: the sequence number of the call must be 0.")
    return state.layer


def _require_qop(state: SaslContext, message: Message) -> None:
    if message.qop not in {0, WRAP_NO_ENCRYPT} or (message.qop and state.response.qop == "auth-conf"):
        raise qop_not_supported("An auth-conf context encrypts every message, and Digest knows no other quality of protection.")


def _single(buffers: Buffers, wanted: BufferType) -> SecurityBuffer:
    found = [buffer for buffer in buffers if buffer.type is wanted]
    if len(found) != 1:
        raise malformed(f"The call needs exactly one {wanted.name} buffer and has {len(found)}.")
    return found[0]


def _require_token(buffers: Buffers) -> None:
    _single(buffers, BufferType.TOKEN)
    if 0 < room(buffers, BufferType.TOKEN) < TRAILER:
        raise too_small(f"The TOKEN buffer must have room for {TRAILER} bytes.")


def _signed(buffers: Buffers) -> bytes:
    return b"".join(
        buffer.data for buffer in buffers if buffer.type is BufferType.DATA and buffer.access is not BufferAccess.READONLY
    )


def _filled(buffers: Buffers, contents: Mapping[BufferType, bytes]) -> Buffers:
    return tuple(
        structs.replace(buffer, data=contents[buffer.type], size=0) if buffer.type in contents else buffer for buffer in buffers
    )
