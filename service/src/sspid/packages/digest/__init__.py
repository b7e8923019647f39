"""Digest, HTTP's and SASL's, in both roles; RFC 7616, 2617, 2831 and [MS-DPSP]. Needs no other package."""

from sspid.packages.digest.provider import DigestPackage as package  # noqa: N813 - the name every package's class goes by

__all__ = ["package"]
