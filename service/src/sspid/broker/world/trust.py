"""Named credentials and default roots: what the operator put on this machine's disk; read once, kept in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sspid.vocabulary.credentials import (
    CertificateAndKey,
    CredentialCache,
    Keytab,
    Password,
    Schannel,
    SchannelSettings,
    Secret,
)
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sspid.packages.questions import FindNamedCredential, FindTrustAnchors

SYSTEM_ROOTS = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


@dataclass(frozen=True, slots=True)
class OnDisk:
    """Where the parts of one named credential lie; `callers` may use it, "*" for everyone."""

    callers: tuple[str, ...]
    certificate: Path | None = None
    key: Path | None = None
    pkcs12: Path | None = None
    passphrase_file: Path | None = None
    user: str = ""
    domain: str = ""
    password_file: Path | None = None
    keytab: Path | None = None
    credential_cache: Path | None = None
    trust_anchors: Path | None = None
    ocsp_response: Path | None = None


class NamedCredentials:
    """Answers `FindNamedCredential`. Files are read at each use: a renewed certificate or OCSP response needs no restart."""

    def __init__(self, credentials: Mapping[str, OnDisk]) -> None:
        self._credentials = credentials

    def find(self, question: FindNamedCredential, caller: str) -> Secret:
        """The credential. SEC_E_UNKNOWN_CREDENTIALS for a name unknown to this caller, or files that cannot be read."""
        found = self._credentials.get(question.name)
        if found is None or not ("*" in found.callers or caller in found.callers):
            message = f"No credential {question.name[:64]!r} is configured for this caller."
            raise SspiError(SecurityStatus.SEC_E_UNKNOWN_CREDENTIALS, message)
        try:
            return _read(found)
        except OSError as error:
            message = f"The files of credential {question.name!r} cannot be read: {error.strerror}."
            raise SspiError(SecurityStatus.SEC_E_UNKNOWN_CREDENTIALS, message) from None


def _read(found: OnDisk) -> Secret:
    if found.keytab is not None:
        return Keytab(principal=found.user, path=str(found.keytab))
    if found.credential_cache is not None:
        return CredentialCache(principal=found.user, path=str(found.credential_cache))
    if found.user:
        return Password(found.user, found.domain, _line(found.password_file))
    pair = CertificateAndKey(
        _content(found.certificate),
        _content(found.key),
        _content(found.pkcs12),
        _line(found.passphrase_file),
        _content(found.ocsp_response),
    )
    return Schannel((pair,), SchannelSettings(trust_anchors_pem=_content(found.trust_anchors)))


def _content(path: Path | None) -> bytes:
    return b"" if path is None else path.read_bytes()


def _line(path: Path | None) -> str:
    return "" if path is None else path.read_text("utf-8").rstrip("\r\n")


class TrustAnchors:
    """Answers `FindTrustAnchors` with the content of some PEM files, read at the first question."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files
        self._pem: bytes | None = None

    def find(self, question: FindTrustAnchors, caller: str) -> bytes:
        """All roots in one PEM text; empty where there are none."""
        del question, caller
        if self._pem is None:
            self._pem = b"\n".join(path.read_bytes() for path in self._files if path.exists())
        return self._pem
