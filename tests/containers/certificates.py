"""Makes the certificates of the two containers, a folder each; the key of the CA that signs both is never written down."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509

_ORGANIZATION = "sspid containers"
_LIFE = timedelta(days=30)
_RENEW = timedelta(days=7)


def _still_good(folder: Path) -> bool:
    """Tell whether an earlier run left a certificate here: a service that runs with it must not find it replaced."""
    certificate = folder / "certificate.pem"
    if not certificate.exists():
        return False
    return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc - datetime.now(UTC) > _RENEW


def _write(folder: Path, leaf: trustme.LeafCert, authority: trustme.CA, authority_file: str) -> None:
    key = folder / "key.pem"
    key.touch(mode=0o600)
    leaf.private_key_pem.write_to_path(str(key))
    authority.cert_pem.write_to_path(str(folder / authority_file))
    (folder / "certificate.pem").write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))


def _issue(authority: trustme.CA, common_name: str, *names: str) -> trustme.LeafCert:
    end = datetime.now(UTC) + _LIFE
    return authority.issue_cert(
        *names, common_name=common_name, organization_name=_ORGANIZATION, organization_unit_name=common_name, not_after=end
    )


def main(service: Path, client: Path) -> None:
    """Fill both folders, or leave both as they are."""
    if _still_good(service) and _still_good(client):
        return
    authority = trustme.CA(organization_name=_ORGANIZATION)
    _write(service, _issue(authority, "service", "service", "localhost", "127.0.0.1"), authority, "client_ca.pem")
    _write(client, _issue(authority, "integration", "integration.invalid"), authority, "ca.pem")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
