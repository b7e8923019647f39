"""TLS cipher suites: OpenSSL's names, IANA's numbers and what SSPI's structures say of each; it negotiates none."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Suite:
    """One suite. `number` is IANA's; lengths in bits; TLS 1.3 chooses `exchange` and `certificate` apart: empty."""

    number: int
    name: str
    cipher: str
    bits: int
    hash: str
    exchange: str
    certificate: str

    @property
    def hash_bits(self) -> int:
        """Length of the hash in bits."""
        return _HASH_BITS[self.hash]


_HASH_BITS = {"SHA1": 160, "SHA256": 256, "SHA384": 384}
_TLS13 = (
    (0x1301, "TLS_AES_128_GCM_SHA256", "AES-GCM", 128, "SHA256"),
    (0x1302, "TLS_AES_256_GCM_SHA384", "AES-GCM", 256, "SHA384"),
    (0x1303, "TLS_CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305", 256, "SHA256"),
    (0x1304, "TLS_AES_128_CCM_SHA256", "AES-CCM", 128, "SHA256"),
    (0x1305, "TLS_AES_128_CCM_8_SHA256", "AES-CCM-8", 128, "SHA256"),
)
# OpenSSL's name, IANA's number; the rest is read off the name.
_TLS12 = {
    "ECDHE-ECDSA-AES128-GCM-SHA256": 0xC02B,
    "ECDHE-ECDSA-AES256-GCM-SHA384": 0xC02C,
    "ECDHE-RSA-AES128-GCM-SHA256": 0xC02F,
    "ECDHE-RSA-AES256-GCM-SHA384": 0xC030,
    "ECDHE-RSA-CHACHA20-POLY1305": 0xCCA8,
    "ECDHE-ECDSA-CHACHA20-POLY1305": 0xCCA9,
    "DHE-RSA-CHACHA20-POLY1305": 0xCCAA,
    "DHE-RSA-AES128-GCM-SHA256": 0x009E,
    "DHE-RSA-AES256-GCM-SHA384": 0x009F,
    "AES128-GCM-SHA256": 0x009C,
    "AES256-GCM-SHA384": 0x009D,
    "ECDHE-ECDSA-AES128-CCM": 0xC0AC,
    "ECDHE-ECDSA-AES256-CCM": 0xC0AD,
    "DHE-RSA-AES128-CCM": 0xC09E,
    "DHE-RSA-AES256-CCM": 0xC09F,
    "ECDHE-ECDSA-AES128-SHA256": 0xC023,
    "ECDHE-ECDSA-AES256-SHA384": 0xC024,
    "ECDHE-RSA-AES128-SHA256": 0xC027,
    "ECDHE-RSA-AES256-SHA384": 0xC028,
    "DHE-RSA-AES128-SHA256": 0x0067,
    "DHE-RSA-AES256-SHA256": 0x006B,
    "AES128-SHA256": 0x003C,
    "AES256-SHA256": 0x003D,
    "ECDHE-ECDSA-AES128-SHA": 0xC009,
    "ECDHE-ECDSA-AES256-SHA": 0xC00A,
    "ECDHE-RSA-AES128-SHA": 0xC013,
    "ECDHE-RSA-AES256-SHA": 0xC014,
    "DHE-RSA-AES128-SHA": 0x0033,
    "DHE-RSA-AES256-SHA": 0x0039,
    "AES128-SHA": 0x002F,
    "AES256-SHA": 0x0035,
}


def _read(openssl_name: str, number: int) -> Suite:
    parts = openssl_name.split("-")
    exchange = parts.pop(0) if parts[0] in ("ECDHE", "DHE") else ""
    certificate = parts.pop(0) if exchange else "RSA"
    body = "-".join(parts)
    bits = 128 if "128" in body else 256
    mode = "CHACHA20-POLY1305" if "CHACHA20" in body else next((f"AES-{m}" for m in ("GCM", "CCM") if m in body), "AES-CBC")
    digest = {"SHA": "SHA1", "SHA256": "SHA256", "SHA384": "SHA384"}.get(parts[-1], "SHA256")
    cipher = mode.replace("-", "_") if bits == 0 or "CHACHA" in mode else f"AES_{bits}_{mode.removeprefix('AES-')}"
    exchanged = f"{exchange}_{certificate}" if exchange else "RSA"
    ending = "" if cipher.endswith("CCM") else "_" + digest.replace("SHA1", "SHA")
    return Suite(number, f"TLS_{exchanged}_WITH_{cipher}{ending}", mode, bits, digest, exchange or "RSA", certificate)


SUITES: Mapping[str, Suite] = MappingProxyType(
    {name: Suite(number, name, cipher, bits, digest, "", "") for number, name, cipher, bits, digest in _TLS13}
    | {name: _read(name, number) for name, number in _TLS12.items()}
)
"""OpenSSL's name -> suite."""


def record_overhead(version: int, openssl_name: str) -> tuple[int, int]:
    """Bytes before and after the data of a record: header with explicit nonce or IV; tag, padding and inner type at most."""
    if version == 0x0304:
        return 5, 17
    suite = SUITES.get(openssl_name)
    if suite is None or suite.cipher == "AES-CBC":
        return 21, 64
    return (5, 16) if suite.cipher.startswith("CHACHA") else (13, 16)


def number_of(openssl_name: str) -> int:
    """IANA's number of a suite; 0 for one that is not listed."""
    suite = SUITES.get(openssl_name)
    return suite.number if suite else 0
