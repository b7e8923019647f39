"""Messages under an established context: the four functions of MessageService, each through the context's lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sspid.broker.held import require_alive
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from sspid.broker.contexts import Contexts
    from sspid.broker.held import HeldContext
    from sspid.broker.replays import RequestId
    from sspid.packages.contract import Message, Protected


class MessageCall(NamedTuple):
    """A message function's parameters as the wire brings them."""

    context: bytes
    message: Message
    connection_id: str = ""
    request_id: RequestId | None = None


class Messages:
    """EncryptMessage, DecryptMessage, MakeSignature and VerifySignature."""

    def __init__(self, contexts: Contexts) -> None:
        self._contexts = contexts

    def encrypt_message(self, caller: str, call: MessageCall) -> Protected:
        """Seal the DATA buffers."""
        return self._perform(caller, call, "encrypt_message")

    def decrypt_message(self, caller: str, call: MessageCall) -> Protected:
        """Open a sealed message."""
        return self._perform(caller, call, "decrypt_message")

    def make_signature(self, caller: str, call: MessageCall) -> Protected:
        """Sign the DATA buffers."""
        return self._perform(caller, call, "make_signature")

    def verify_signature(self, caller: str, call: MessageCall) -> Protected:
        """Check a signature."""
        return self._perform(caller, call, "verify_signature")

    def _perform(self, caller: str, call: MessageCall, function: str) -> Protected:
        with self._contexts.use(caller, call.context, call.connection_id) as entry:
            held = entry.held
            return self._contexts.once(held, call.request_id, lambda: self._protect(caller, held, call.message, function))

    def _protect(self, caller: str, held: HeldContext, message: Message, function: str) -> Protected:
        require_alive(held)
        if not held.established:
            text = "The context is not established yet; go on with the handshake before protecting messages."
            raise SspiError(SecurityStatus.SEC_E_INVALID_HANDLE, text)
        protect: Callable[[Any, Message], Coroutine[Any, Any, Protected]] = getattr(held.package, function)
        return self._contexts.run(held, caller, protect(held.state, message))
