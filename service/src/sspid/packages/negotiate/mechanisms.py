"""SPNEGO's mechanisms: their object identifiers in DER and which of our packages speaks each; no tokens."""

from __future__ import annotations

from typing import Final

SPNEGO: Final = bytes.fromhex("06062b0601050502")
KERBEROS: Final = bytes.fromhex("06092a864886f712010202")
MS_KERBEROS: Final = bytes.fromhex("06092a864882f712010202")
KERBEROS_USER_TO_USER: Final = bytes.fromhex("060a2a864886f71201020203")
NTLM: Final = bytes.fromhex("060a2b06010401823702020a")
NEGO_EX: Final = bytes.fromhex("060a2b06010401823702021e")

PACKAGE_OF: Final = {MS_KERBEROS: "kerberos", KERBEROS: "kerberos", NTLM: "ntlm"}
"""Folder of the package behind each mechanism. NegoEx and user-to-user are passed over: nobody here speaks them."""

OFFERED: Final = {"kerberos": (MS_KERBEROS, KERBEROS), "ntlm": (NTLM,)}
"""What an initiator offers for a package, in the order Windows does."""

PREFERENCE: Final = ("kerberos", "ntlm")
"""The order in which an initiator tries its packages."""


def same_package(left: bytes, right: bytes) -> bool:
    """Tell whether two mechanisms are one package's, as Kerberos' two identifiers are."""
    return left == right or (left in PACKAGE_OF and PACKAGE_OF[left] == PACKAGE_OF.get(right))
