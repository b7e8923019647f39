"""Schannel: TLS and DTLS as a security package, both roles; the handshake is OpenSSL's, the semantics are SSPI's."""

from sspid.packages.schannel.functions import SchannelPackage as package  # noqa: N813  # the contract's name for the class

__all__ = ["package"]
