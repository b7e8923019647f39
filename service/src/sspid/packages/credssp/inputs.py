"""The buffers a caller may add to a first leg: credentials it supplies, and the key of the TLS connection it owns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sspid.packages.credssp import binding, credentials
from sspid.vocabulary.buffers import Buffers, BufferType, find
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag, Flags
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.credssp.credentials import Creds

PUBLIC_KEY: Final = b"tls-server-public-key:"
"""Before a subjectPublicKey (the BIT STRING's bytes without the count of unused bits), as application data of bindings."""
CERTIFICATE: Final = b"tls-server-certificate:"
"""Before the server's whole certificate, DER, from which the key is taken."""
_HEADER: Final = 32


def owned_key(buffers: Buffers) -> bytes | None:
    """The server's public key that a caller with a TLS connection of its own hands in; None: CredSSP does the TLS.

    It stands in a CHANNEL_BINDINGS buffer, a SEC_CHANNEL_BINDINGS with PUBLIC_KEY or CERTIFICATE before it.
    """
    buffer = find(buffers, BufferType.CHANNEL_BINDINGS)
    if buffer is None or not buffer.data:
        return None
    if len(buffer.data) < _HEADER:
        raise _wrong(f"it has {len(buffer.data)} bytes and its header needs {_HEADER}")
    length, offset = (int.from_bytes(buffer.data[at : at + 4], "little") for at in (24, 28))
    if offset < _HEADER or offset + length > len(buffer.data):
        raise _wrong("its application data ends outside of it")
    data = buffer.data[offset : offset + length]
    if data.startswith(PUBLIC_KEY) and len(data) > len(PUBLIC_KEY):
        return data[len(PUBLIC_KEY) :]
    if data.startswith(CERTIFICATE):
        return binding.public_key(data[len(CERTIFICATE) :])
    raise _wrong(f"its application data begins with neither {PUBLIC_KEY.decode()!r} nor {CERTIFICATE.decode()!r}")


def supplied(buffers: Buffers, flags: Flags) -> Creds | None:
    """The TSCredentials in a PKG_PARAMS buffer, which goes with USE_SUPPLIED_CREDS; None where there is none."""
    buffer = find(buffers, BufferType.PKG_PARAMS)
    if buffer is None or not buffer.data:
        return None
    if ContextFlag.USE_SUPPLIED_CREDS not in flags:
        message = "A PKG_PARAMS buffer came without USE_SUPPLIED_CREDS; set the flag, or leave the buffer out."
        raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, message)
    return credentials.read(buffer.data)


def _wrong(what: str) -> SspiError:
    message = f"The CHANNEL_BINDINGS buffer hands CredSSP no server's key: {what}."
    return SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, message)
