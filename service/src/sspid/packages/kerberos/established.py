"""An established Kerberos context: what the handshake earned and its attributes; no handshake and no messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from sspid.packages.gss import GssFacts, InspectGss, MeasureGss
from sspid.packages.kerberos import identity
from sspid.packages.kerberos.framing import MAX_TOKEN
from sspid.packages.kerberos.statuses import Doing, ask
from sspid.vocabulary.attributes import (
    ContextAttribute,
    DelegatedCredential,
    KeyInfo,
    LastClientToken,
    Lifespan,
    Names,
    NativeNames,
    NegotiatedFlags,
    NegotiationInfo,
    SessionKey,
    Sizes,
    Target,
    Text,
)
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from sspid.packages.kerberos.credential import KerberosCredential
    from sspid.vocabulary.attributes import AttributeValue
    from sspid.vocabulary.flags import Flags


class Established(Struct):
    """A finished handshake. `context` is the library's and counts the messages; `facts` are asked of it once.

    `target` is the SPN an initiator named, `delegated` what it
    forwarded. `next_number` is the one the next message received must have, None until it is wanted.
    """

    context: object
    accepts: bool
    granted: Flags
    start: datetime
    expiry: datetime | None
    target: str = ""
    delegated: KerberosCredential | None = None
    facts: GssFacts | None = None
    next_number: int | None = None

    def __repr__(self) -> str:
        return f"Established(accepts={self.accepts}, target={self.target!r})"


class _Etype:
    """What KEY_INFO says of an encryption type (RFC 3962, RFC 8009, RFC 4757), key size in bits, and its checksum's length."""

    __slots__ = ("bits", "checksum", "encryption", "signature")

    def __init__(self, encryption: str, signature: str, bits: int, checksum: int) -> None:
        self.encryption = encryption
        self.signature = signature
        self.bits = bits
        self.checksum = checksum


_ETYPES: Final = {
    17: _Etype("Kerberos AES128-CTS-HMAC-SHA1-96", "HMAC-SHA1-96", 128, 12),
    18: _Etype("Kerberos AES256-CTS-HMAC-SHA1-96", "HMAC-SHA1-96", 256, 12),
    19: _Etype("Kerberos AES128-CTS-HMAC-SHA256-128", "HMAC-SHA256-128", 128, 16),
    20: _Etype("Kerberos AES256-CTS-HMAC-SHA384-192", "HMAC-SHA384-192", 256, 24),
    23: _Etype("RSADSI RC4-HMAC", "HMAC-MD5", 128, 21),
}
_OTHER: Final = _Etype("", "", 0, 24)
_MIC_HEADER: Final = 16


async def facts_of(state: Established) -> GssFacts:
    """What the library knows of the context, asked once."""
    if state.facts is None:
        state.facts = await ask(InspectGss(state.context), Doing.PROTECTING)
    return state.facts


async def attribute(state: Established, wanted: ContextAttribute) -> AttributeValue | None:
    """Return one attribute's value, None where Kerberos has none."""
    reader = _READERS.get(wanted)
    return None if reader is None else await reader(state)


async def _sizes(state: Established) -> Sizes:
    facts = await facts_of(state)
    confidential = ContextFlag.CONFIDENTIALITY in state.granted
    header, _ = await ask(MeasureGss(state.context, confidential), Doing.PROTECTING)
    # Every etype here pads to nothing or to one byte ([MS-KILE] 3.2.1, MessageBlockSize).
    return Sizes(MAX_TOKEN, _MIC_HEADER + _ETYPES.get(facts.etype, _OTHER).checksum, 1, header)


async def _names(state: Established) -> Names:
    return Names(identity.windows_name(await facts_of(state)))


async def _native_names(state: Established) -> NativeNames:
    facts = await facts_of(state)
    return NativeNames(facts.initiator, facts.target)


async def _key_info(state: Established) -> KeyInfo:
    number = (await facts_of(state)).etype
    etype = _ETYPES.get(number, _OTHER)
    return KeyInfo(etype.signature, etype.encryption, etype.bits, encrypt_algorithm=number)


async def _session_key(state: Established) -> SessionKey:
    return SessionKey((await facts_of(state)).session_key)


async def _target(state: Established) -> Target:
    return Target(state.target or (await facts_of(state)).target.rpartition("@")[0])


async def _client_target(state: Established) -> Target:
    if not state.accepts:
        message = "CLIENT_SPECIFIED_TARGET tells an acceptor what its client named; this context is the initiator's."
        raise SspiError(SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, message)
    return Target((await facts_of(state)).target.rpartition("@")[0])


async def _authority(state: Established) -> Text:
    return Text(identity.parts((await facts_of(state)).initiator)[1])


async def _delegated(state: Established) -> DelegatedCredential:
    if state.delegated is None:
        message = (
            "The initiator delegated no credential: it must ask for DELEGATE, and the KDC must trust this service with it."
        )
        raise SspiError(SecurityStatus.SEC_E_NO_CREDENTIALS, message)
    user, _, realm = state.delegated.principal.rpartition("@")
    return DelegatedCredential(user, realm, "kerberos", state.delegated)


def _ready(read: Callable[[Established], AttributeValue]) -> Callable[[Established], Awaitable[AttributeValue]]:
    async def answer(state: Established) -> AttributeValue:
        return read(state)

    return answer


_READERS: Final[dict[ContextAttribute, Callable[[Established], Awaitable[AttributeValue]]]] = {
    ContextAttribute.SIZES: _sizes,
    ContextAttribute.NAMES: _names,
    ContextAttribute.NATIVE_NAMES: _native_names,
    ContextAttribute.LIFESPAN: _ready(lambda state: Lifespan(state.start, state.expiry)),
    ContextAttribute.KEY_INFO: _key_info,
    ContextAttribute.SESSION_KEY: _session_key,
    ContextAttribute.FLAGS: _ready(lambda state: NegotiatedFlags(state.granted)),
    ContextAttribute.NEGOTIATION_INFO: _ready(lambda _: NegotiationInfo("Kerberos", 0)),
    ContextAttribute.AUTHORITY: _authority,
    ContextAttribute.TARGET: _target,
    ContextAttribute.CLIENT_SPECIFIED_TARGET: _client_target,
    ContextAttribute.LAST_CLIENT_TOKEN_STATUS: _ready(lambda _: LastClientToken(0)),
    ContextAttribute.CREDS_2: _delegated,
}
