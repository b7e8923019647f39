"""What the operator of the service decides about Digest; the package's defaults stand here, no decision is made here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class DigestPolicy:
    """The answer to ``ReadPolicy("Digest")``; None there means this type's defaults.

    `algorithms`: what an HTTP acceptor offers, best first, one challenge each. `ciphers`: what auth-conf may use in SASL,
    best first ("rc4", "3des", "des", "rc4-56", "rc4-40"). `realm`: used where neither the call nor the credential names
    one. `nonce_lifetime`: how long a nonce is answered with anything but stale=true. `next_nonce`: hand out a fresh nonce
    in Authentication-Info once half of that has passed. `userhash`: offer user name hashing (RFC 7616 3.4.4).
    `without_qop`: talk to RFC 2069 peers, whose responses neither count nor bind the client's own nonce; such a response is
    good once per nonce. `maxbuf`: the largest sealed SASL message taken in, bytes.
    """

    algorithms: tuple[str, ...] = ("SHA-256", "MD5")
    ciphers: tuple[str, ...] = ("rc4", "3des")
    realm: str = "sspid"
    nonce_lifetime: timedelta = timedelta(minutes=5)
    next_nonce: bool = True
    userhash: bool = False
    without_qop: bool = False
    maxbuf: int = 65536
