"""Contexts of MIT's Kerberos mechanism: legs, messages, what they know; drives the library and decides nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from sspid.broker.world import gss_credentials
from sspid.broker.world.gss_library import FAILURES_TOLD, KERBEROS, gss
from sspid.packages.gss import GssFacts, GssStep, Wrapped

if TYPE_CHECKING:
    from sspid.packages.gss import (
        AcceptGss,
        Bindings,
        ExportGss,
        FirstGssNumber,
        ImportGss,
        InitiateGss,
        InspectGss,
        MeasureGss,
        SignGss,
        UnwrapGss,
        UnwrapGssToken,
        VerifyGss,
        WrapGss,
    )

_SESSION_KEY: Final = gss.OID.from_int_seq("1.2.840.113554.1.2.2.5.5")
_SESSION_ETYPE_PREFIX: Final = 10
"""The second answer is 1.2.840.113554.1.2.2.4 and the etype as an arc more."""
_LOGON_INFO: Final = b"urn:mspac:logon-info"
_LONG_MESSAGE: Final = 0xFFFF
_TRANSFERABLE: Final = 0x100
"""Every context is, asked or not; but where no flag at all is asked, python gssapi asks for some of its own."""

_HEADER: Final = gss.IOVBufferType.header
_DATA: Final = gss.IOVBufferType.data
_SIGN_ONLY: Final = gss.IOVBufferType.sign_only
_PADDING: Final = gss.IOVBufferType.padding


class Context(Struct, eq=False):
    """A context of the library; the credential it was begun with and its target stay until it is established."""

    raw: Any
    credential: Any = None
    target: Any = None
    accepts: bool = False


def initiate(question: InitiateGss) -> GssStep:
    """One leg of the initiator."""
    with FAILURES_TOLD:
        context = question.context
        if context is None:
            credential: Any = question.credential
            context = Context(None, credential.initiating(), credential.towards(question.target))
        assert isinstance(context, Context)  # noqa: S101 - for the type; a package hands back what it was given
        step = gss.init_sec_context(
            context.target, creds=context.credential, context=context.raw, mech=KERBEROS, flags=question.flags | _TRANSFERABLE,
            input_token=question.token or None, channel_bindings=_bindings(question.bindings),
        )  # fmt: skip
        context.raw = step.context
        if not step.more_steps:
            context.credential = context.target = None
        return GssStep(context, step.token or b"", int(step.flags), step.lifetime, not step.more_steps)


def accept(question: AcceptGss, *, alone: bool = False) -> GssStep:
    """One leg of the acceptor; with `alone` without the service's own tickets, so that no KDC is asked."""
    with FAILURES_TOLD:
        context = question.context
        if context is None:
            credential: Any = question.credential
            keys = credential.accepting_and_initiating() if credential.may_delegate_on and not alone else credential.accepting()
            context = Context(None, keys, accepts=True)
        assert isinstance(context, Context)  # noqa: S101 - as above
        step = gss.accept_sec_context(
            question.token,
            acceptor_creds=context.credential,
            context=context.raw,
            channel_bindings=_bindings(question.bindings),
        )
        context.raw = step.context
        if not step.more_steps:
            context.credential = None
            return _accepted(context, step, question.credential)
        return GssStep(context, step.token or b"", int(step.flags), None, complete=False)


def _accepted(context: Context, step: Any, credential: Any) -> GssStep:
    given = None if step.delegated_creds is None else gss_credentials.delegated(step.delegated_creds)
    lifetime = step.lifetime
    if lifetime is not None:
        # To an acceptor the library adds the skew it allows; what the ticket itself says, a copy of the context tells.
        if credential.allowance is None:
            credential.allowance = lifetime + int(time.time()) - _copied(context).endtime
        lifetime -= credential.allowance
    return GssStep(context, step.token or b"", int(step.flags), lifetime, complete=True, delegated=given)


def inspect(question: InspectGss) -> GssFacts:
    """What the context knows."""
    context: Any = question.context
    with FAILURES_TOLD:
        found = gss.inquire_context(context.raw, lifetime=False, flags=False, complete=False, mech=False)
        key, etype = gss.inquire_sec_context_by_oid(context.raw, _SESSION_KEY)
        pac = b"" if found.locally_init else _logon_info(found.initiator_name)
    initiator, target = _shown(found.initiator_name), _shown(found.target_name).rstrip("@")
    return GssFacts(initiator, target, key, _arc(etype[_SESSION_ETYPE_PREFIX:]), pac)


def first_number(question: FirstGssNumber) -> int:
    """The number the peer begins with."""
    context: Any = question.context
    with FAILURES_TOLD:
        number: int = _copied(context).recv_seq
    return number


def wrap(question: WrapGss) -> Wrapped:
    """Wrap in place."""
    context: Any = question.context
    parts = [(_SIGN_ONLY if piece.sign_only else _DATA, False, piece.data) for piece in question.pieces]
    vector = gss.IOV(_HEADER, *parts, _PADDING, std_layout=False)
    with FAILURES_TOLD:
        confidential = gss.wrap_iov(context.raw, vector, confidential=question.confidential)
    header, *pieces, padding = (buffer.value or b"" for buffer in vector)
    return Wrapped(header, tuple(pieces), padding, confidential)


def unwrap(question: UnwrapGss) -> Wrapped:
    """Unwrap what came in place."""
    context: Any = question.context
    parts = [(_SIGN_ONLY if piece.sign_only else _DATA, False, piece.data) for piece in question.pieces]
    vector = gss.IOV((_HEADER, False, question.header), *parts, (_PADDING, False, question.padding), std_layout=False)
    with FAILURES_TOLD:
        result = gss.unwrap_iov(context.raw, vector)
    _, *pieces, _ = (buffer.value or b"" for buffer in vector)
    return Wrapped(b"", tuple(pieces), b"", result.encrypted)


def unwrap_token(question: UnwrapGssToken) -> Wrapped:
    """Unwrap a whole token. Not through a STREAM buffer: python gssapi 1.12 frees memory twice there."""
    context: Any = question.context
    with FAILURES_TOLD:
        result = gss.unwrap(context.raw, question.token)
    return Wrapped(b"", (result.message,), b"", result.encrypted)


def sign(question: SignGss) -> bytes:
    """The MIC token."""
    context: Any = question.context
    with FAILURES_TOLD:
        mic: bytes = gss.get_mic(context.raw, question.data)
    return mic


def verify(question: VerifyGss) -> None:
    """Check a MIC token."""
    context: Any = question.context
    with FAILURES_TOLD:
        gss.verify_mic(context.raw, question.data, question.mic)


def measure(question: MeasureGss) -> tuple[int, int]:
    """Header and padding around a long message, whose length takes most bytes to say."""
    context: Any = question.context
    vector = gss.IOV(_HEADER, bytes(_LONG_MESSAGE), _PADDING, std_layout=False)
    with FAILURES_TOLD:
        gss.wrap_iov_length(context.raw, vector, confidential=question.confidential)
    return len(vector[0].value), len(vector[2].value or b"")


def export(question: ExportGss) -> bytes:
    """The context as bytes. The library takes an exported context away, so it is imported again at once."""
    context: Any = question.context
    with FAILURES_TOLD:
        packed: bytes = gss.export_sec_context(context.raw)
        context.raw = gss.import_sec_context(packed)
    return packed


def import_(question: ImportGss) -> Context:
    """The context that was exported."""
    with FAILURES_TOLD:
        return Context(gss.import_sec_context(question.packed))


def _copied(context: Context) -> Any:
    """What is inside the context. The library takes apart what it shows, so it is shown a copy."""
    packed = gss.export_sec_context(context.raw)
    context.raw = gss.import_sec_context(packed)
    return gss.krb5_export_lucid_sec_context(gss.import_sec_context(packed), 1)


def _bindings(parts: Bindings | None) -> Any:
    if parts is None:
        return None
    return gss.ChannelBindings(parts.initiator_type, parts.initiator, parts.acceptor_type, parts.acceptor, parts.data)


def _shown(name: Any) -> str:
    if name is None:
        return ""
    shown: bytes = gss.display_name(name, name_type=False).name
    return shown.decode("utf-8", "replace")


def _logon_info(name: Any) -> bytes:
    try:
        found = gss.get_name_attribute(name, _LOGON_INFO)
    except gss.GSSError:
        return b""
    return b"".join(found.values) if found.authenticated else b""


def _arc(encoded: bytes) -> int:
    value = 0
    for octet in encoded:
        value = value << 7 | octet & 0x7F
    return value
