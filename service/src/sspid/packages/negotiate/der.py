"""How SPNEGO's DER is read: what is malformed is said of the SPNEGO token; no token's form."""

from __future__ import annotations

from sspid.packages.der import Reader

_reader = Reader("SPNEGO token")
read, expect, whole, malformed = _reader.read, _reader.expect, _reader.whole, _reader.malformed
