"""SCHANNEL_CRED's settings by their meaning: protocols, validation and session flags as one policy; loads no certificate."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from sspid.packages.schannel.openssl import DTLS1_2, TLS1_2, TLS1_3, lib
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sspid.vocabulary.credentials import SchannelSettings

VERSIONS: Mapping[str, int] = MappingProxyType(
    {"TLSv1": 0x0301, "TLSv1.1": 0x0302, "TLSv1.2": TLS1_2, "TLSv1.3": TLS1_3, "DTLSv1": 0xFEFF, "DTLSv1.2": DTLS1_2}
)
"""Protocol name -> wire number."""
VERSION_NAMES: Mapping[int, str] = MappingProxyType({number: name for name, number in VERSIONS.items()})

_LIFESPAN = 36000
"""dwSessionLifespan's default: 10 hours."""

FLAGS = frozenset(
    {
        "NO_SYSTEM_MAPPER",
        "NO_SERVERNAME_CHECK",
        "MANUAL_CRED_VALIDATION",
        "NO_DEFAULT_CREDS",
        "AUTO_CRED_VALIDATION",
        "USE_DEFAULT_CREDS",
        "DISABLE_RECONNECTS",
        "REVOCATION_CHECK_END_CERT",
        "REVOCATION_CHECK_CHAIN",
        "REVOCATION_CHECK_CHAIN_EXCLUDE_ROOT",
        "IGNORE_NO_REVOCATION_CHECK",
        "IGNORE_REVOCATION_OFFLINE",
        "RESTRICTED_ROOTS",
        "REVOCATION_CHECK_CACHE_ONLY",
        "CACHE_ONLY_URL_RETRIEVAL",
        "CACHE_ONLY_URL_RETRIEVAL_ON_CREATE",
        "MEMORY_STORE_CERT",
        "SEND_ROOT_CERT",
        "SNI_CREDENTIAL",
        "SNI_ENABLE_OCSP",
        "SEND_AUX_RECORD",
        "USE_STRONG_CRYPTO",
        "USE_DTLS_ONLY",
        "DEFERRED_CRED_VALIDATION",
    }
)
"""SCH_CRED_*, SCH_SEND_* and SCH_USE_* names (without SCH_CRED_ or SCH_) that a credential may carry (schannel.h)."""
_EXCLUSIVE = (("MANUAL_CRED_VALIDATION", "AUTO_CRED_VALIDATION"), ("NO_DEFAULT_CREDS", "USE_DEFAULT_CREDS"))

_REVOCATION = frozenset({"REVOCATION_CHECK_END_CERT", "REVOCATION_CHECK_CHAIN", "REVOCATION_CHECK_CHAIN_EXCLUDE_ROOT"})
_NO_CRL = frozenset({3, 33, 44})
_CRL_OFFLINE = frozenset({11, 12})


@dataclass(frozen=True, slots=True)
class Policy:
    """How a credential's contexts behave. `versions` are wire numbers, `lifespan` is in seconds."""

    versions: frozenset[int]
    datagram: bool = False
    manual: bool = False
    deferred: bool = False
    check_name: bool = True
    reconnects: bool = True
    crl_flags: int = 0
    tolerated: frozenset[int] = frozenset()
    maps: bool = True
    """Clients' certificates are mapped to accounts."""
    stapling: bool = False
    """A server is asked for its OCSP answer, which stands in for a CRL that is not there."""
    lifespan: int = _LIFESPAN
    flags: frozenset[str] = frozenset()
    names_authorities: bool = False
    """It carries trust anchors of its own, so that a server with it may ask for a certificate, if need be later."""


def policy_of(settings: SchannelSettings) -> Policy:
    """Read the settings; SEC_E_UNKNOWN_CREDENTIALS for words nobody knows, SEC_E_ALGORITHM_MISMATCH for TLS mixed with DTLS."""
    flags = frozenset(name.removeprefix("SCH_").removeprefix("CRED_") for name in settings.flags)
    _check_flags(flags)
    versions = _versions(settings.protocols, only_datagram="USE_DTLS_ONLY" in flags)
    if settings.session_lifespan_seconds is not None and not 0 <= settings.session_lifespan_seconds < 1 << 32:
        raise _unknown("The session lifespan is no DWORD of seconds; give at most 4294967295, or 0 for ten hours.")
    for what in ("cipher_list", "cipher_suites", "groups"):
        _check_text(what, getattr(settings, what))
    return Policy(
        versions=versions,
        datagram=max(versions) > TLS1_3,
        manual="MANUAL_CRED_VALIDATION" in flags,
        deferred="DEFERRED_CRED_VALIDATION" in flags,
        check_name="NO_SERVERNAME_CHECK" not in flags,
        reconnects="DISABLE_RECONNECTS" not in flags,
        crl_flags=_crl_flags(flags, given=bool(settings.crls_pem)),
        tolerated=_tolerated(flags, given=bool(settings.crls_pem)),
        maps="NO_SYSTEM_MAPPER" not in flags,
        stapling=bool(flags & _REVOCATION),
        lifespan=settings.session_lifespan_seconds or _LIFESPAN,
        flags=flags,
        names_authorities=bool(settings.trust_anchors_pem),
    )


def _unknown(message: str) -> SspiError:
    return SspiError(SecurityStatus.SEC_E_UNKNOWN_CREDENTIALS, message)


def _check_text(what: str, text: str) -> None:
    if not (text.isascii() and text.isprintable()):
        raise _unknown(f"The setting {what} holds more than printable ASCII; give OpenSSL's names, joined by colons.")


def _check_flags(flags: frozenset[str]) -> None:
    if unknown := flags - FLAGS:
        raise _unknown(f"Schannel knows no credential flag {min(unknown)}; see the list in its guide.")
    for one, other in _EXCLUSIVE:
        if one in flags and other in flags:
            raise _unknown(f"The credential flags {one} and {other} exclude each other.")


def _versions(protocols: tuple[str, ...], *, only_datagram: bool) -> frozenset[int]:
    if not protocols:
        return frozenset({DTLS1_2}) if only_datagram else frozenset({TLS1_2, TLS1_3})
    for name in protocols:
        if name not in VERSIONS:
            raise _unknown(f"Schannel knows no protocol {name!r}; it knows {', '.join(VERSIONS)}.")
    versions = frozenset(VERSIONS[name] for name in protocols)
    if len({version > TLS1_3 for version in versions}) > 1:
        raise SspiError(
            SecurityStatus.SEC_E_ALGORITHM_MISMATCH,
            "TLS and DTLS protocols cannot be mixed in one credential; acquire one for each.",
        )
    return versions


def _crl_flags(flags: frozenset[str], *, given: bool) -> int:
    if flags & {"REVOCATION_CHECK_CHAIN", "REVOCATION_CHECK_CHAIN_EXCLUDE_ROOT"}:
        return int(lib.X509_V_FLAG_CRL_CHECK | lib.X509_V_FLAG_CRL_CHECK_ALL)
    if "REVOCATION_CHECK_END_CERT" in flags:
        return int(lib.X509_V_FLAG_CRL_CHECK)
    return int(lib.X509_V_FLAG_CRL_CHECK | lib.X509_V_FLAG_CRL_CHECK_ALL) if given else 0


def _tolerated(flags: frozenset[str], *, given: bool) -> frozenset[int]:
    asked = bool(flags & _REVOCATION)
    missing = _NO_CRL if "IGNORE_NO_REVOCATION_CHECK" in flags or (given and not asked) else frozenset()
    offline = _CRL_OFFLINE | _NO_CRL if "IGNORE_REVOCATION_OFFLINE" in flags else frozenset()
    return missing | offline
