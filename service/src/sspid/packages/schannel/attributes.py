"""QueryContextAttributes: what a context says of itself once established, or while it waits for a certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from sspid.packages.schannel.certificates import endpoint_hash, subject_of
from sspid.packages.schannel.established_state import Established
from sspid.packages.schannel.framing import MAX_FRAGMENT
from sspid.packages.schannel.handshake import end_of
from sspid.packages.schannel.keys import tls12_exporter, tls13_exporter
from sspid.packages.schannel.openssl import TLS1_3, is_datagram
from sspid.packages.schannel.settings import VERSION_NAMES
from sspid.packages.schannel.states import AwaitingCredentials
from sspid.packages.schannel.suites import SUITES, Suite, record_overhead
from sspid.vocabulary import attributes as values
from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sspid.packages.contract import State
    from sspid.vocabulary.attributes import AttributeValue

_UNKNOWN_SUITE = Suite(0, "", "", 0, "SHA256", "", "")


def query(state: State, attribute: ContextAttribute) -> AttributeValue:
    """The attribute's value; SEC_E_INVALID_HANDLE before the handshake is over, SEC_E_UNSUPPORTED_FUNCTION for others."""
    if isinstance(state, AwaitingCredentials) and attribute in (ContextAttribute.ISSUER_LIST_EX, ContextAttribute.ISSUER_LIST):
        return values.IssuerList(state.handshake.connection.accepted_issuers())
    answer = _ANSWERS.get(attribute)
    if answer is None:
        raise SspiError(SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, f"Schannel has no attribute {attribute.name}.")
    if not isinstance(state, Established):
        raise SspiError(
            SecurityStatus.SEC_E_INVALID_HANDLE,
            f"The attribute {attribute.name} exists only once the handshake is over; finish it first.",
        )
    return answer(state)


def _suite(state: Established) -> Suite:
    name, bits = state.facts.cipher, state.facts.bits
    found = SUITES.get(name)
    return found or Suite(0, name, name, bits, _UNKNOWN_SUITE.hash, "", "")


def _protocol(state: Established) -> str:
    return VERSION_NAMES.get(state.facts.version, "unknown")


def _stream_sizes(state: Established) -> AttributeValue:
    header, trailer = record_overhead(state.facts.version, state.facts.cipher)
    if is_datagram(state.version) and state.live is not None:
        return values.StreamSizes(header + 8, trailer, state.live.data_mtu(), 4, 16)
    return values.StreamSizes(header, trailer, MAX_FRAGMENT, 4, 16)


def _exchange(state: Established, suite: Suite) -> tuple[str, int]:
    group = state.facts.group
    bits = {"x25519": 255, "secp256r1": 256, "prime256v1": 256, "secp384r1": 384, "secp521r1": 521, "x448": 448}
    return suite.exchange or group or "PSK", bits.get(group.casefold(), 256 if group else 0)


def _connection_info(state: Established) -> AttributeValue:
    suite = _suite(state)
    exchange, strength = _exchange(state, suite)
    return values.ConnectionInfo(_protocol(state), suite.cipher, suite.bits, suite.hash, suite.hash_bits, exchange, strength)


def _cipher_info(state: Established) -> AttributeValue:
    suite = _suite(state)
    return values.CipherInfo(
        _protocol(state),
        suite.number,
        suite.name,
        suite.cipher,
        suite.bits,
        suite.hash,
        suite.hash_bits,
        _exchange(state, suite)[0],
        suite.certificate,
    )


def _key_info(state: Established) -> AttributeValue:
    suite = _suite(state)
    return values.KeyInfo(suite.hash, suite.cipher, suite.bits)


def _remote_certificate(state: Established) -> AttributeValue:
    found = state.facts.peer
    if not found:
        _no_certificate("The peer sent no certificate on this connection.")
    return values.CertificateContext(found)


def _remote_chain(state: Established) -> AttributeValue:
    found = state.facts.peer_chain
    if not found:
        _no_certificate("The peer sent no certificate on this connection.")
    return values.CertificateChain(found)


def _local_certificate(state: Established) -> AttributeValue:
    found = state.facts.local
    if not found:
        _no_certificate("This side has no certificate on this connection.")
    return values.CertificateContext(found)


def _no_certificate(message: str) -> NoReturn:
    raise SspiError(SecurityStatus.SEC_E_NO_CREDENTIALS, message)


def _application_protocol(state: Established) -> AttributeValue:
    protocol = state.facts.protocol
    return values.ApplicationProtocol(1, 2, protocol) if protocol else values.ApplicationProtocol(0, 0, b"")


def _unique_bindings(state: Established) -> AttributeValue:
    if state.facts.version == TLS1_3:
        raise SspiError(
            SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION,
            "TLS 1.3 has no tls-unique binding; use ENDPOINT_BINDINGS or keying material (RFC 9266).",
        )
    return values.ChannelBindings(b"tls-unique:" + state.unique)


def _endpoint_bindings(state: Established) -> AttributeValue:
    certificate = state.facts.local if state.server else state.facts.peer
    if not certificate:
        _no_certificate("The server has no certificate on this connection, so it has no endpoint binding.")
    return values.ChannelBindings(b"tls-server-end-point:" + endpoint_hash(certificate))


def _session_info(state: Established) -> AttributeValue:
    return values.SessionInfo(state.facts.resumed, state.session_id)


def _names(state: Established) -> AttributeValue:
    found = state.facts.peer if state.server else state.facts.local
    if not found:
        _no_certificate("No client certificate is in use, so the context has no user name.")
    return values.Names(subject_of(found))


def _flags(state: Established) -> AttributeValue:
    return values.NegotiatedFlags(state.granted)


def _keying_material(state: Established) -> AttributeValue:
    wanted = state.material
    if wanted is None:
        raise SspiError(
            SecurityStatus.SEC_E_INVALID_PARAMETER,
            "Set KEYING_MATERIAL_INFO first: KEYING_MATERIAL needs its label and length.",
        )
    facts = state.facts
    if state.secret:
        hash_name = SUITES[facts.cipher].hash.lower()
        if state.version == TLS1_3:
            made = tls13_exporter(state.secret, hash_name, wanted.label, wanted.context or b"", wanted.length)
        else:
            made = tls12_exporter(state.secret[:112], hash_name, wanted.label, wanted.context, wanted.length)
        return values.KeyingMaterial(made)
    if state.live is None:
        raise SspiError(SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, "This context has no exporter secret.")
    return values.KeyingMaterial(state.live.export(wanted.label, wanted.length, wanted.context))


def set_value(state: State, attribute: ContextAttribute, value: AttributeValue) -> None:
    """SetContextAttributes: KEYING_MATERIAL_INFO, within RFC 8446's bounds of a label and HKDF's of a length."""
    if attribute is not ContextAttribute.KEYING_MATERIAL_INFO:
        raise SspiError(SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, f"Schannel does not let {attribute.name} be set.")
    if not isinstance(state, Established):
        raise SspiError(SecurityStatus.SEC_E_INVALID_HANDLE, "Set KEYING_MATERIAL_INFO once the handshake is over.")
    if not isinstance(value, values.KeyingMaterialInfo) or not _fits(value):
        raise SspiError(
            SecurityStatus.SEC_E_INVALID_PARAMETER,
            "KEYING_MATERIAL_INFO takes a label of 1 to 249 bytes, a length of 1 to 8160 and a context of at most 65535.",
        )
    state.material = value


def _fits(wanted: values.KeyingMaterialInfo) -> bool:
    return 0 < len(wanted.label) <= 249 and 0 < wanted.length <= 8160 and len(wanted.context or b"") <= 65535


_ANSWERS: Mapping[ContextAttribute, Callable[[Established], AttributeValue]] = {
    ContextAttribute.STREAM_SIZES: _stream_sizes,
    ContextAttribute.CONNECTION_INFO: _connection_info,
    ContextAttribute.CIPHER_INFO: _cipher_info,
    ContextAttribute.KEY_INFO: _key_info,
    ContextAttribute.REMOTE_CERT_CONTEXT: _remote_certificate,
    ContextAttribute.REMOTE_CERTIFICATES: _remote_chain,
    ContextAttribute.REMOTE_CERT_CHAIN: _remote_chain,
    ContextAttribute.LOCAL_CERT_CONTEXT: _local_certificate,
    ContextAttribute.APPLICATION_PROTOCOL: _application_protocol,
    ContextAttribute.UNIQUE_BINDINGS: _unique_bindings,
    ContextAttribute.ENDPOINT_BINDINGS: _endpoint_bindings,
    ContextAttribute.SESSION_INFO: _session_info,
    ContextAttribute.KEYING_MATERIAL: _keying_material,
    ContextAttribute.KEYING_MATERIAL_INPROC: _keying_material,
    ContextAttribute.NAMES: _names,
    ContextAttribute.FLAGS: _flags,
    ContextAttribute.LIFESPAN: lambda state: values.Lifespan(None, end_of(state.facts.peer) if state.facts.peer else None),
    ContextAttribute.TARGET: lambda state: values.Target(state.target),
}
