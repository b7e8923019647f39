"""The process that opens one PKCS#12 file or locked PEM key: it is bounded, and nobody waits for it but who asked."""

from __future__ import annotations

import resource
import sys

MEMORY_BYTES = 1 << 30
PKCS12, PEM = b"2", b"1"


def opened(content: bytes, passphrase: bytes, *, is_pkcs12: bool) -> bytes:
    """Clear PEM: the key, and of PKCS#12 the certificates. Raises what cryptography raises, ValueError where one is missing."""
    # Here, since the service imports this module for its two kinds alone, and would be ready later.
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415  # see above
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_pem_private_key,
        pkcs12,
    )

    if not is_pkcs12:
        # The numbers of an RSA key are looked at by whoever asked.
        key = load_pem_private_key(content, passphrase, unsafe_skip_rsa_key_validation=True)
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    found = pkcs12.load_pkcs12(content, passphrase or None)
    if found.key is None or found.cert is None:
        message = "no certificate with a key"
        raise ValueError(message)
    certificates = (found.cert.certificate, *(one.certificate for one in found.additional_certs))
    key_pem = found.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return key_pem + b"".join(one.public_bytes(Encoding.PEM) for one in certificates)


def main() -> None:
    """Kind, length of the passphrase, passphrase and content in; PEM out, or nothing where it cannot be opened.

    The argument is how many seconds of CPU that may take.
    """
    seconds = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    given = sys.stdin.buffer.read()
    end = 5 + int.from_bytes(given[1:5], "big")
    try:
        pem = opened(given[end:], given[5:end], is_pkcs12=given[:1] == PKCS12)
    except Exception:  # noqa: BLE001  # whatever is wrong with it, it cannot be opened; what was in it is nobody's business
        return
    sys.stdout.buffer.write(pem)


if __name__ == "__main__":
    main()
