"""A SECBUFFER_CHANNEL_BINDINGS as GSS-API's five parts, and what an acceptor makes of them; the hash is MIT's library's."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from sspid.packages.gss import Bindings as Parts
from sspid.packages.kerberos import flags
from sspid.packages.rules import Bindings
from sspid.vocabulary import channel_bindings
from sspid.vocabulary.buffers import BufferType, find
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.contract import Leg
    from sspid.packages.kerberos.policy import KerberosPolicy
    from sspid.vocabulary.buffers import Buffers
    from sspid.vocabulary.flags import Flags

_TYPE_AND_LENGTH = struct.Struct("<2I")
_LENGTH = struct.Struct("<I")


def parts(buffers: Buffers) -> Parts | None:
    """The bindings among `buffers`, None where there are none. SEC_E_INVALID_TOKEN for a malformed one."""
    buffer = find(buffers, BufferType.CHANNEL_BINDINGS)
    if buffer is None or not buffer.data:
        return None
    form = channel_bindings.gss_form(buffer.data)
    initiator_type, initiator, offset = _address(form, 0)
    acceptor_type, acceptor, offset = _address(form, offset)
    return Parts(initiator_type, initiator, acceptor_type, acceptor, form[offset + _LENGTH.size :])


def expected(leg: Leg, rules: KerberosPolicy) -> Parts | None:
    """What an acceptor compares the client's hash with; a different hash is refused by MIT's library.

    SEC_E_UNSUPPORTED_FUNCTION for PROXY_BINDINGS: the library compares a hash or looks at none, and never tells of one.
    """
    if rules.bindings is Bindings.AS_REQUESTED and ContextFlag.PROXY_BINDINGS in leg.flags:
        message = "Kerberos cannot tell whether a client is bound to a proxy's channel: hand in the bindings of that channel."
        raise SspiError(SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, message)
    return None if rules.bindings is Bindings.NEVER else parts(leg.input)


async def require(given: Parts | None, bits: int, asked: Flags, rules: KerberosPolicy) -> None:
    """Refuse a client that sent no hash where one is required ([MS-KILE] 3.4.5). SEC_E_BAD_BINDINGS."""
    if bits & flags.CHANNEL_BOUND:
        return
    if rules.bindings is Bindings.ALWAYS:
        message = "Policy requires channel bindings, and this logon is bound to no channel."
        await rules.breach("bindings", SecurityStatus.SEC_E_BAD_BINDINGS, message)
    elif rules.bindings is Bindings.AS_REQUESTED and given is not None and ContextFlag.ALLOW_MISSING_BINDINGS not in asked:
        message = "The client sent no channel bindings, and the acceptor gave its own and does not allow missing ones."
        raise SspiError(SecurityStatus.SEC_E_BAD_BINDINGS, message)


def _address(form: bytes, offset: int) -> tuple[int, bytes, int]:
    kind, length = _TYPE_AND_LENGTH.unpack_from(form, offset)
    begin = offset + _TYPE_AND_LENGTH.size
    return kind, form[begin : begin + length], begin + length
