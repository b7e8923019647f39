"""The input buffers of Digest's functions by position (digest.md 2): what each holds, checked; makes nothing of them.

TOKEN is one kind of buffer, PKG_PARAMS come in an order in which empty ones count:
InitializeSecurityContext: method, H(entity). AcceptSecurityContext: method, URI to compare with (Windows: reserved),
H(entity), realm. CompleteAuthToken: as the leg it completes. MakeSignature and VerifySignature: method, URI, H(entity).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sspid.packages.digest.refusals import malformed
from sspid.vocabulary.buffers import Buffers, BufferType, find

if TYPE_CHECKING:
    from sspid.packages.digest.algorithms import Algorithm

_METHOD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}")
_URI = re.compile(r"[!#-\[\]-~]{1,8192}")
_REALM = re.compile(r"[ -~]{0,255}")
_HEX = re.compile(r"[0-9A-Fa-f]+")
_MOST = 16
_PARAMETER = BufferType.PKG_PARAMS


def parameters(buffers: Buffers, count: int) -> list[str]:
    """Return the contents of the first `count` PKG_PARAMS buffers, empty where absent. SEC_E_INVALID_TOKEN for non-ASCII."""
    if len(buffers) > _MOST:
        raise malformed(f"The call has {len(buffers)} buffers and Digest reads at most {_MOST}.")
    found, position = [""] * count, 0
    for buffer in buffers:
        if buffer.type is _PARAMETER and position < count:
            if buffer.data:
                found[position] = _text(buffer.data)
            position += 1
    return found


def _text(data: bytes) -> str:
    """ASCII, or UTF-16 of ASCII as Windows has it for the realm: only that holds NUL bytes."""
    if data.isascii() and b"\0" not in data:
        return data.decode("ascii")
    try:
        text = data.decode("utf-16-le").rstrip("\0")
    except UnicodeDecodeError:
        text = "\x80"
    if b"\0" not in data or not text.isascii():
        raise malformed("A PKG_PARAMS buffer holds something other than ASCII: it takes a method, a URI, a hash or a realm.")
    return text


def method(text: str) -> str:
    """Check a request method. SEC_E_INVALID_TOKEN for anything but one token."""
    if not _METHOD.fullmatch(text):
        raise malformed('The PKG_PARAMS buffer for the method must hold the method of the request line, such as "GET".')
    return text


def uri(text: str) -> str:
    """Check a request URI or service name, percent-encoded ASCII. SEC_E_INVALID_TOKEN for anything else."""
    if not _URI.fullmatch(text):
        raise malformed(
            "The URI (the target name) must be visible ASCII without quotes, percent-encoded, at most 8192 bytes: as sent."
        )
    return text


def realm(text: str) -> str:
    """Check a realm for a challenge. SEC_E_INVALID_TOKEN for anything but printable ASCII."""
    if not _REALM.fullmatch(text):
        raise malformed("The realm must be printable ASCII of at most 255 characters.")
    return text


def entity_hash(text: str, algorithm: Algorithm) -> str:
    """Check H(entity-body) and return it in lower case. SEC_E_INVALID_TOKEN unless it is hex of the algorithm's length."""
    if len(text) != algorithm.digits or not _HEX.fullmatch(text):
        raise malformed(
            f"The PKG_PARAMS buffer for H(entity) must hold the body's {algorithm.base} hash as {algorithm.digits} hex digits."
        )
    return text.lower()


def target_host(buffers: Buffers) -> str | None:
    """Return the service name of the TARGET_HOST buffer, or None without one."""
    buffer = find(buffers, BufferType.TARGET_HOST)
    if buffer is None or not buffer.data:
        return None
    try:
        return uri(buffer.data.decode("utf-8").rstrip("\0"))
    except UnicodeDecodeError:
        raise malformed("The TARGET_HOST buffer is no UTF-8; it takes a service name such as HTTP/host.") from None


def room(buffers: Buffers, wanted: BufferType) -> int:
    """Return how much the caller said the output buffer `wanted` can hold; 0 where it said nothing."""
    buffer = find(buffers, wanted)
    return 0 if buffer is None else max(len(buffer.data), buffer.size)
