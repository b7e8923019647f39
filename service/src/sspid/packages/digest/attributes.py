"""QueryContextAttributes and QuerySecurityContextToken for Digest's contexts: what each state can tell; changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sspid.packages.digest import sasl_ciphers
from sspid.packages.digest.http_accepted import HttpAcceptor
from sspid.packages.digest.http_acceptor import Unjudged
from sspid.packages.digest.http_initiator import AwaitingEntity, HttpInitiator
from sspid.packages.digest.sasl_layer import TRAILER, SaslContext
from sspid.vocabulary import attributes
from sspid.vocabulary.attributes import ContextAttribute, Identity
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from sspid.packages.contract import State
    from sspid.packages.questions import Account
    from sspid.vocabulary.attributes import AttributeValue

MAX_TOKEN = 4096
_HTTP_SIGNATURE = MAX_TOKEN

Established = HttpInitiator | HttpAcceptor | SaslContext
ESTABLISHED = (HttpInitiator, HttpAcceptor, SaslContext)


def query(state: State, attribute: ContextAttribute) -> AttributeValue:
    """One attribute. SEC_E_INVALID_HANDLE before the context is established, SEC_E_UNSUPPORTED_FUNCTION for one it lacks."""
    if attribute is ContextAttribute.KEY_INFO and isinstance(state, Unjudged | AwaitingEntity):
        # Which hash CompleteAuthToken wants of the body.
        algorithm = state.response.algorithm if isinstance(state, Unjudged) else state.session.challenge.algorithm
        return attributes.KeyInfo(algorithm.name, "", algorithm.digits * 4)
    answer = _ANSWERS.get(attribute)
    if answer is None:
        message = f"The Digest package does not offer QueryContextAttributes({attribute.name})."
        raise SspiError(SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, message)
    if not isinstance(state, ESTABLISHED):
        message = f"The context is not established yet, and only then has Digest {attribute.name}."
        raise SspiError(SecurityStatus.SEC_E_INVALID_HANDLE, message)
    return answer(state)


def identity(state: State) -> Identity:
    """Who the initiator proved to be. SEC_E_NO_IMPERSONATION on an initiator, SEC_E_INVALID_HANDLE before the end."""
    if not isinstance(state, ESTABLISHED):
        message = "The context is not established yet; nobody has proved anything."
        raise SspiError(SecurityStatus.SEC_E_INVALID_HANDLE, message)
    account = _account(state)
    if account is None:
        message = "An initiator's context has no peer to impersonate."
        raise SspiError(SecurityStatus.SEC_E_NO_IMPERSONATION, message)
    return Identity(account.name, account.domain, account.groups, account.sids, mapped_by="account")


def _account(state: Established) -> Account | None:
    if isinstance(state, HttpAcceptor):
        return state.proven.account
    return state.account if isinstance(state, SaslContext) else None


def _sizes(state: Established) -> attributes.Sizes:
    if not isinstance(state, SaslContext):
        return attributes.Sizes(MAX_TOKEN, _HTTP_SIGNATURE, 0, 0)
    if state.layer is None:
        return attributes.Sizes(MAX_TOKEN, 0, 0, 0)
    return attributes.Sizes(MAX_TOKEN, TRAILER, state.layer.block, TRAILER)


def _stream_sizes(state: Established) -> attributes.StreamSizes:
    if not isinstance(state, SaslContext) or state.layer is None:
        message = "Only a SASL context with auth-int or auth-conf has STREAM_SIZES."
        raise SspiError(SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, message)
    block = state.layer.block
    return attributes.StreamSizes(0, TRAILER + (block if block > 1 else 0), state.layer.maximum, 4, block)


def _names(state: Established) -> attributes.Names:
    account = _account(state)
    if account is not None:
        return attributes.Names(f"{account.domain}\\{account.name}" if account.domain else account.name)
    return attributes.Names(state.response.user if isinstance(state, SaslContext) else _user_of(state))


def _user_of(state: HttpInitiator | HttpAcceptor) -> str:
    return state.session.name if isinstance(state, HttpInitiator) else state.proven.account.name


def _key_info(state: Established) -> attributes.KeyInfo:
    if isinstance(state, SaslContext):
        cipher = state.response.cipher
        return attributes.KeyInfo("HMAC-MD5" if state.layer else "", cipher, sasl_ciphers.STRENGTH.get(cipher, 128))
    algorithm = state.session.challenge.algorithm if isinstance(state, HttpInitiator) else state.response.algorithm
    return attributes.KeyInfo(algorithm.name, "", algorithm.digits * 4)


def _target(state: Established) -> attributes.Target:
    """The URI of the latest request; comparing it with the request's is the application's task (digest.md 4)."""
    if isinstance(state, SaslContext):
        return attributes.Target(state.response.uri)
    return attributes.Target(state.last.uri if isinstance(state, HttpInitiator) else state.response.asked.uri)


def _client_specified_target(state: Established) -> attributes.Target:
    return attributes.Target(state.target if isinstance(state, HttpAcceptor) else "")


def _authority(state: Established) -> attributes.Text:
    return attributes.Text(state.session.realm if isinstance(state, HttpInitiator) else state.response.realm)


_ANSWERS: dict[ContextAttribute, Callable[[Established], AttributeValue]] = {
    ContextAttribute.SIZES: _sizes,
    ContextAttribute.STREAM_SIZES: _stream_sizes,
    ContextAttribute.NAMES: _names,
    ContextAttribute.KEY_INFO: _key_info,
    ContextAttribute.TARGET: _target,
    ContextAttribute.CLIENT_SPECIFIED_TARGET: _client_specified_target,
    ContextAttribute.AUTHORITY: _authority,
    ContextAttribute.LIFESPAN: lambda _state: attributes.Lifespan(None, None),
    ContextAttribute.FLAGS: lambda state: attributes.NegotiatedFlags(state.flags),
}
