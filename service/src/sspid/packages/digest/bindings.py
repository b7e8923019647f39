"""Windows' channel-binding extension of HTTP Digest (digest.md 4): what a client adds and how a server judges it.

The extension needs no directive of its own in the hash: the client's nonce carries a hash of the service name and the
bindings, and the response covers the client's nonce.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sspid.packages.digest import inputs
from sspid.packages.digest.directives import quoted
from sspid.packages.digest.nonces import UPGRADED
from sspid.packages.digest.refusals import bad_bindings
from sspid.vocabulary.buffers import BufferType, find
from sspid.vocabulary.channel_bindings import NO_BINDINGS, binding_hash
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag, Flags
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.digest.directives import Directives
    from sspid.vocabulary.buffers import Buffers

_HASHED = "service-name,channel-binding"
_PROOF = slice(len(UPGRADED), len(UPGRADED) + 32)


@dataclass(frozen=True, slots=True)
class Outer:
    """What an initiator says about the channel around it: the service it means and the hash of the channel's bindings."""

    service: str
    binding: str

    @property
    def proof(self) -> str:
        """What goes into the client's nonce: hex MD5(service ":" binding)."""
        return _proof(self.service, self.binding)

    def cnonce(self, random: str) -> str:
        """The client's nonce that binds both."""
        return f"{UPGRADED}{self.proof}{random}"

    def written(self) -> list[str]:
        """The directives that tell the server what was hashed."""
        service = f"service-name={quoted(self.service)}"
        return [f'hashed-dirs="{_HASHED}"', service, f'channel-binding="{self.binding}"']


def outer(buffers: Buffers, nonce: str) -> Outer | None:
    """Return what to bind, None where the server is not able to (no prefix) or the caller named no service."""
    if not nonce.startswith("+Upgraded+"):
        return None
    service = inputs.target_host(buffers)
    return None if service is None else Outer(service, binding_hash(buffers).hex())


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an acceptor demands of a client's bindings. `own` is the hash of its own channel, zeros where it has none."""

    own: str
    proxied: bool
    missing_allowed: bool

    def judge(self, directives: Directives, cnonce: str) -> str:
        """Return the service name the client bound, empty where it bound none. SEC_E_BAD_BINDINGS where that is not enough."""
        if not cnonce.startswith(UPGRADED) or "hashed-dirs" not in directives:
            if self.missing_allowed:
                return ""
            raise bad_bindings("The client sent no channel bindings, and this server demands them; bind the TLS channel.")
        service, binding = directives.get("service-name", ""), directives.get("channel-binding", "").lower()
        if directives["hashed-dirs"].replace(" ", "").lower() != _HASHED:
            raise bad_bindings("The client's hashed-dirs names other directives than service-name and channel-binding.")
        if not _same(_proof(service, binding), cnonce[_PROOF].lower()):
            raise bad_bindings("The client's cnonce does not bind the service-name and channel-binding beside it.")
        self._compare(binding)
        return service

    def _compare(self, binding: str) -> None:
        if self.proxied:
            if binding in {"", NO_BINDINGS.hex()}:
                raise bad_bindings("The client's channel binding is empty, and behind this proxy every client has one.")
        elif not _same(binding, self.own):
            raise bad_bindings("The client is bound to another TLS channel than this server's: someone may stand between.")


def expectation(buffers: Buffers, flags: Flags) -> Expectation | None:
    """Return what the leg asks for, None where it is about no bindings. SEC_E_SECURITY_QOS_FAILED for both flags at once."""
    proxied = ContextFlag.PROXY_BINDINGS in flags
    missing_allowed = ContextFlag.ALLOW_MISSING_BINDINGS in flags
    buffer = find(buffers, BufferType.CHANNEL_BINDINGS)
    if proxied and missing_allowed:
        message = "PROXY_BINDINGS and ALLOW_MISSING_BINDINGS exclude each other; ask for one of them."
        raise SspiError(SecurityStatus.SEC_E_SECURITY_QOS_FAILED, message)
    given = buffer is not None and bool(buffer.data)
    if not (given or proxied):
        return None
    return Expectation(binding_hash(buffers).hex(), proxied, missing_allowed)


def _proof(service: str, binding: str) -> str:
    return hashlib.md5(f"{service}:{binding}".encode("latin-1"), usedforsecurity=False).hexdigest()


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode("latin-1"), right.encode("latin-1"))
