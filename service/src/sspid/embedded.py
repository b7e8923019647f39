"""The embedded default: a CA, a server and a demo client certificate and the service's own key, made once."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

KEY_BYTES = 32


class OccupiedError(Exception):
    """The data directory cannot be used by this service; the message says why."""


YEARS = timedelta(days=3650)


def prepare(data_dir: Path) -> None:
    """Make the data directory, readable by nobody else, and whatever of the embedded default is not there yet."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if data_dir.stat().st_mode & stat.S_ISVTX:
        # Such as /tmp, which must stay everybody's.
        raise PermissionError(errno.EPERM, "it is a directory that users share")
    if data_dir.stat().st_mode & 0o077:
        data_dir.chmod(0o700)
    certificates = data_dir / "certificates"
    if not (certificates / "client.pem").exists():
        make_certificates(certificates)


@contextmanager
def occupied(data_dir: Path) -> Iterator[None]:
    """Prepare the data directory and keep every other service off it. `OccupiedError` says why it cannot be had."""
    with _lock(data_dir):
        yield


def _lock(data_dir: Path) -> IO[bytes]:
    try:
        prepare(data_dir)
        held = (data_dir / "lock").open("ab")
        os.fchmod(held.fileno(), 0o600)
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        message = (
            f"another sspid runs with its data in {data_dir}; stop it, or give this one a data_dir (SSPID_DATA_DIR) of its own."
        )
        raise OccupiedError(message) from None
    except OSError as error:
        message = f"cannot keep data in {data_dir}: {error.strerror}; set data_dir to a place this user may write to."
        raise OccupiedError(message) from None
    return held


def service_key(data_dir: Path) -> bytes:
    """The service's own key (32 bytes), made at its first use; whoever has it can open exported contexts."""
    path = data_dir / "service.key"
    try:
        return path.read_bytes()
    except FileNotFoundError:
        write_new(path, os.urandom(KEY_BYTES))
        return path.read_bytes()


def write_new(path: Path, content: bytes) -> None:
    """Write a file that only this user can read; an existing one stays as it is, so that two processes agree."""
    scratch = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    scratch.touch(mode=0o600)
    scratch.write_bytes(content)
    try:
        os.link(scratch, path)
    except FileExistsError:
        pass
    finally:
        scratch.unlink()


def make_certificates(folder: Path) -> None:
    """A CA for ten years, "localhost" for a server, "demo" for a client; all EC P-256."""
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  # costs start-up time, needed once

    folder.mkdir(mode=0o700, exist_ok=True)
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = _certificate("sspid embedded CA", ca_key, None, ca_key)
    for name, certificate, key in (
        ("ca", ca, ca_key),
        ("server", *_issued("localhost", ca, ca_key)),
        ("client", *_issued("demo", ca, ca_key)),
    ):
        _write(folder, name, certificate, key)


def _issued(
    name: str, ca: x509.Certificate, ca_key: EllipticCurvePrivateKey
) -> tuple[x509.Certificate, EllipticCurvePrivateKey]:
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  # as above

    key = ec.generate_private_key(ec.SECP256R1())
    return _certificate(name, key, ca, ca_key), key


def _certificate(
    name: str, key: EllipticCurvePrivateKey, issuer: x509.Certificate | None, issuer_key: EllipticCurvePrivateKey
) -> x509.Certificate:
    from cryptography import x509  # noqa: PLC0415  # as above
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  # as above
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID  # noqa: PLC0415  # as above

    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + YEARS)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if issuer is None:
        builder = builder.add_extension(_ca_usage(), critical=True)
    else:
        names = [x509.DNSName(name)]
        addresses = [x509.IPAddress(ip_address("127.0.0.1")), x509.IPAddress(ip_address("::1"))]
        usage = ExtendedKeyUsageOID.SERVER_AUTH if name == "localhost" else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = builder.add_extension(
            x509.SubjectAlternativeName([*names, *(addresses if name == "localhost" else [])]), critical=False
        ).add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _ca_usage() -> x509.KeyUsage:
    from cryptography import x509  # noqa: PLC0415  # as above

    return x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )


def _write(folder: Path, name: str, certificate: x509.Certificate, key: EllipticCurvePrivateKey) -> None:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  # as above

    write_new(
        folder / f"{name}-key.pem",
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
    write_new(folder / f"{name}.pem", certificate.public_bytes(serialization.Encoding.PEM))
