"""An established NTLM context: what the handshake earned, its messages' protection and its attributes; no handshake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sspid.packages.ntlm import crypto
from sspid.packages.ntlm import negotiate_flags as nf
from sspid.packages.ntlm.session import SIGNATURE_SIZE, Direction
from sspid.vocabulary.attributes import (
    Blob,
    ContextAttribute,
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
)
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from sspid.vocabulary.attributes import AttributeValue, Identity
    from sspid.vocabulary.flags import Flags

MAX_TOKEN: Final = 2888
CLIENT: Final = 0
SERVER: Final = 1


class Established:
    """A finished handshake. `identity` is the client; `target` the SPN it named; `mic` whether the handshake carried a MIC.

    The directions are the only part that changes, one message at a time.
    """

    __slots__ = (
        "_receiving", "_sending", "flags", "granted", "identity", "mic", "role", "session_key", "target", "target_info",
    )  # fmt: skip

    def __init__(
        self,
        role: int,
        flags: int,
        granted: Flags,
        session_key: bytes,
        identity: Identity,
        *,
        target: str = "",
        target_info: bytes = b"",
        mic: bool = False,
    ) -> None:
        self.role = role
        self.flags = flags
        self.granted = granted
        self.session_key = session_key
        self.identity = identity
        self.target = target
        self.target_info = target_info
        self.mic = mic
        self._sending: Direction | None = None
        self._receiving: Direction | None = None

    @property
    def sending(self) -> Direction:
        """What protects the messages of this end; made with the first, since many contexts never send one."""
        if self._sending is None:
            self._sending = Direction(self.flags, self.session_key, self.role)
        return self._sending

    @property
    def receiving(self) -> Direction:
        """What protects the messages of the peer."""
        if self._receiving is None:
            separate = self.flags & nf.EXTENDED_SESSION_SECURITY
            self._receiving = Direction(self.flags, self.session_key, 1 - self.role) if separate else self.sending
        return self._receiving

    def resume(self, sending: Direction, receiving: Direction) -> None:
        """Go on where an exported context stopped."""
        self._sending = sending
        self._receiving = receiving if self.flags & nf.EXTENDED_SESSION_SECURITY else sending

    def __repr__(self) -> str:
        return f"Established(role={'server' if self.role else 'client'}, flags={self.flags:#010x}, granted={len(self.granted)})"

    @property
    def user_name(self) -> str:
        r"""The client as DOMAIN\user."""
        domain, name = self.identity.domain, self.identity.name
        return f"{domain}\\{name}" if domain else name


def attribute(state: Established, wanted: ContextAttribute) -> AttributeValue | None:
    """Return one attribute's value, None where NTLM has none."""
    reader = _READERS.get(wanted)
    return None if reader is None else reader(state)


def _key_info(state: Established) -> KeyInfo:
    # The names are those Windows gives; without session security it names the checksum instead of the HMAC.
    strong = state.flags & nf.EXTENDED_SESSION_SECURITY
    signature = "HMAC-MD5" if strong else "RSADSI RC4-CRC32"
    return KeyInfo(signature, "RSADSI RC4", crypto.key_bits(state.flags))


def _client_target(state: Established) -> Target:
    if state.role == CLIENT:
        message = "CLIENT_SPECIFIED_TARGET tells an acceptor what its client named; this context is the initiator's."
        raise SspiError(SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, message)
    return Target(state.target)


def _last_token(state: Established) -> LastClientToken:
    del state
    return LastClientToken(0)


_READERS: Final[dict[ContextAttribute, Callable[[Established], AttributeValue]]] = {
    ContextAttribute.SIZES: lambda _: Sizes(MAX_TOKEN, SIGNATURE_SIZE, 0, SIGNATURE_SIZE),
    ContextAttribute.NAMES: lambda state: Names(state.user_name),
    ContextAttribute.NATIVE_NAMES: lambda state: NativeNames(state.user_name, state.target),
    ContextAttribute.LIFESPAN: lambda _: Lifespan(None, None),
    ContextAttribute.KEY_INFO: _key_info,
    ContextAttribute.SESSION_KEY: lambda state: SessionKey(state.session_key),
    ContextAttribute.FLAGS: lambda state: NegotiatedFlags(state.granted),
    ContextAttribute.NEGOTIATION_INFO: lambda _: NegotiationInfo("NTLM", 0),
    ContextAttribute.TARGET: lambda state: Target(state.target),
    ContextAttribute.TARGET_INFORMATION: lambda state: Blob(state.target_info),
    ContextAttribute.CLIENT_SPECIFIED_TARGET: _client_target,
    ContextAttribute.LAST_CLIENT_TOKEN_STATUS: _last_token,
}
