"""OpenSSL: contexts, connections over memory BIOs and certificate stores. Only this folder knows it; no SSPI semantics.

It uses the binding that `cryptography` ships and pyOpenSSL uses, without pyOpenSSL between: pyOpenSSL's Connection costs 10 us
more a handshake, and its Context cannot share a certificate store. OpenSSL rolls its own dice and reads its own clock.
"""

from sspid.packages.schannel.openssl.binding import DTLS1_2, TLS1_2, TLS1_3, Progress, TlsError, is_datagram, lib, verify_text
from sspid.packages.schannel.openssl.connections import Connection, Session
from sspid.packages.schannel.openssl.contexts import Chain, Context, ContextSettings, Store

__all__ = [
    "DTLS1_2",
    "TLS1_2",
    "TLS1_3",
    "Chain",
    "Connection",
    "Context",
    "ContextSettings",
    "Progress",
    "Session",
    "Store",
    "TlsError",
    "is_datagram",
    "lib",
    "verify_text",
]
