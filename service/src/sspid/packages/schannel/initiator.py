"""InitializeSecurityContext: the TLS client's first leg and the ones after it (``functions.md`` 3.3); no application data."""

from __future__ import annotations

import unicodedata
from ipaddress import ip_address
from typing import TYPE_CHECKING

from sspid.packages.contract import Leg, Step
from sspid.packages.schannel import datagrams, handshake
from sspid.packages.schannel.alpn import wanted_protocols
from sspid.packages.schannel.certificates import shown
from sspid.packages.schannel.flags import refuse_impossible
from sspid.packages.schannel.openssl import Connection, Session, TlsError
from sspid.packages.schannel.stapling import judge
from sspid.packages.schannel.states import AwaitingCredentials, Handshaking
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from datetime import datetime

    from sspid.packages.schannel.credentials import SchannelCredential


def begin(leg: Leg, session: Session | None = None, now: datetime | None = None) -> Step:
    """First leg: no input token, a ClientHello out that offers `session` again. OCSP answers are judged at `now`."""
    refuse_impossible(leg.flags)
    if leg.token:
        raise SspiError(
            SecurityStatus.SEC_E_INVALID_TOKEN,
            "The first call of a TLS client takes no token; pass the server's answer with the context of that call.",
        )
    credential: SchannelCredential = leg.credential
    if credential.initiating is None:
        raise SspiError(SecurityStatus.SEC_E_NO_CREDENTIALS, "The credential is for inbound use only; acquire an outbound one.")
    datagrams.check(credential.policy, leg)
    connection = Connection(credential.initiating)
    _aim(connection, leg)
    protocols = wanted_protocols(leg.input)
    if protocols:
        connection.offer(protocols)
    mtu = 0
    if credential.policy.datagram:
        mtu = datagrams.wanted_mtu(leg.input)
        connection.set_mtu(mtu)
    _identify(connection, leg)
    later = bool(credential.certificates) and ContextFlag.NO_POST_HANDSHAKE_AUTH not in leg.flags
    if later:
        connection.offer_post_handshake_auth()
    if now is not None:
        connection.ask_for_status(lambda answer, leaf, issuer: judge(answer, leaf, issuer, now))
    if session is not None:
        connection.resume(session)
    state = Handshaking(
        connection, credential, False, leg.flags, leg.target_name, leg.caller, post_handshake_auth=later, mtu=mtu
    )
    return handshake.feed(state, leg, b"", 0)


def proceed(state: Handshaking, leg: Leg) -> Step:
    """A leg with the server's records."""
    if state.control is not None:
        return handshake.closing(state, state.control)
    _identify(state.connection, leg)
    return handshake.proceed(state, leg)


def supply(state: AwaitingCredentials, leg: Leg) -> Step:
    """The leg after SEC_I_INCOMPLETE_CREDENTIALS: the same input again, with another credential or with USE_SUPPLIED_CREDS."""
    data = leg.token
    if data and not data.startswith(state.fed):
        raise SspiError(
            SecurityStatus.SEC_E_INVALID_TOKEN,
            "After SEC_I_INCOMPLETE_CREDENTIALS the call is repeated with the same input; this input is another.",
        )
    connection = state.handshake.connection
    credential: SchannelCredential = leg.credential
    if credential is not state.handshake.credential and credential.initiating is not None:
        connection.present(credential.initiating)
    _identify(connection, leg)
    step = handshake.feed(state.handshake, leg, b"", max(len(data) - len(state.fed), 0))
    if step.status is SecurityStatus.SEC_I_INCOMPLETE_CREDENTIALS:
        return Step(step.status, state, granted=step.granted, message=step.message)
    return step


def _identify(connection: Connection, leg: Leg) -> None:
    certificates = leg.credential.certificates
    supplied = ContextFlag.USE_SUPPLIED_CREDS in leg.flags
    connection.answers_requests = supplied or bool(certificates)
    connection.issuers = certificates[0].issuers if certificates and not supplied else frozenset()


def _aim(connection: Connection, leg: Leg) -> None:
    policy = leg.credential.policy
    free = policy.manual or policy.deferred or not leg.flags.isdisjoint(_UNJUDGED)
    if free:
        connection.trust_anyone()
    name = leg.target_name.removesuffix(".")
    if not name:
        if policy.check_name and not free:
            raise SspiError(
                SecurityStatus.SEC_E_TARGET_UNKNOWN,
                "No target name was given, so the server's certificate cannot be checked against it; name the server.",
            )
        return
    connection.expected = name
    address = _address(name)
    host = b"" if address else _host(name)
    try:
        if policy.check_name:
            connection.expect("" if address else name, host=host, address=address)
        else:
            connection.expect("" if address else name)
    except TlsError:
        raise _no_host(name) from None


_UNJUDGED = frozenset({ContextFlag.MANUAL_CRED_VALIDATION, ContextFlag.DEFERRED_CRED_VALIDATION})


def _address(name: str) -> bytes:
    if not (name[-1].isdigit() or ":" in name):
        return b""
    try:
        return ip_address(name.strip("[]")).packed
    except ValueError:
        return b""


def _host(name: str) -> bytes:
    """The A-label form that certificates carry; what is sent as SNI stays as the caller wrote it ([MS-TLSP] 1.4)."""
    try:
        host = name.encode() if name.isascii() else b".".join(map(_a_label, name.split(".")))
        sent = name.encode()
    except UnicodeEncodeError:
        host = sent = b""
    if not 0 < len(host) <= 255 or len(sent) > 255 or min(host) <= 0x20:
        raise _no_host(name)
    return host


def _no_host(name: str) -> SspiError:
    return SspiError(
        SecurityStatus.SEC_E_TARGET_UNKNOWN,
        f"The target name {shown(name)} is no host name that a certificate can be for; give a DNS name or an IP address.",
    )


def _a_label(label: str) -> bytes:
    # RFC 5891 5.2 to 5.5 for a name that is looked up: normal form, lower case, Punycode.
    label = unicodedata.normalize("NFC", label.lower())
    return label.encode() if label.isascii() else b"xn--" + label.encode("punycode")
