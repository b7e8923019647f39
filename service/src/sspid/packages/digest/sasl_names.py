"""How SASL encodes names: on the wire by charset, in the hash as ISO 8859-1 where that fits (RFC 2831 2.1.2.1); no hashing."""

from __future__ import annotations

from sspid.packages.digest.refusals import malformed

CHARSET = "iso-8859-1"
"""What an account authority is asked for: a hash over name, realm and password, each in ISO 8859-1 where it fits."""


def received(text: str, what: str, *, utf8: bool) -> str:
    """Return latin-1 `text` as it was meant. SEC_E_INVALID_TOKEN where it should be UTF-8 and is not."""
    if not utf8 or text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        raise malformed(f"{what} is no UTF-8, although charset=utf-8 stands beside it.") from None


def sent(text: str, *, utf8: bool) -> str:
    """Return `text` as it goes over the wire. SEC_E_INVALID_TOKEN where the charset cannot hold it."""
    try:
        return text.encode("utf-8" if utf8 else "latin-1").decode("latin-1")
    except UnicodeEncodeError:
        raise malformed(
            "The user name, realm or identity has characters that this server, without charset=utf-8, lacks."
        ) from None


def hashed(text: str) -> bytes:
    """Return the bytes of `text` that go into the hash."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
