"""MIT's libraries through python `gssapi` and `krb5`: names, errors the mechanism; imported only when it is needed."""

from __future__ import annotations

from typing import Any, Final

import gssapi.raw
import krb5

from sspid.packages.gss import GssError

gss: Final[Any] = gssapi.raw
KERBEROS: Final = gss.MechType.kerberos

_KRB5_ERRORS: Final = -1765328384
"""ERROR_TABLE_BASE_krb5; a minor status is such a number as 32 bits without sign."""
_LAST_KRB5_ERROR: Final = 255
_NO_SENTENCES: Final = {"Success", "Unknown error"}
"""What the library says of a minor status that adds nothing to the major one."""

# GSS_KRB5_CRED_NO_CI_FLAGS_X: without it the initiator claims confidentiality and integrity nobody asked for.
_NO_CI_FLAGS: Final = gss.OID.from_int_seq("1.2.752.43.13.29")


def principal_name(principal: str) -> Any:
    """A principal as it is written, not looked up in DNS; an SPN without realm is for the KDC to place ([MS-KILE] 3.2.5.2)."""
    return gss.import_name(principal.encode("utf-8", "surrogatepass"), gss.NameType.kerberos_principal)


def service_name(spn: str) -> Any:
    """The name of a target; without a realm its realm is left empty, which asks the client's KDC for a referral."""
    return principal_name(spn if "@" in spn else f"{spn}@")


def without_claims(credential: Any) -> Any:
    """Have the initiator send the flags it was given and no others."""
    gss.set_cred_option(_NO_CI_FLAGS, credential, None)
    return credential


class _FailuresTold:
    """Holds nothing, so one does for every call at once; a generator's context costs as much as the calls it is around."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, gss.GSSError):
            raise _told(error) from None
        if isinstance(error, krb5.Krb5Error):
            code = error.err_code - _KRB5_ERRORS
            # python krb5 appends the number to the sentence.
            text = str(error).removesuffix(str(error.err_code))
            raise GssError(0, code if 0 <= code <= _LAST_KRB5_ERROR else None, _sentence(text)) from None


FAILURES_TOLD: Final = _FailuresTold()
"""Turns the library's errors into `GssError`, on the thread they arose on: the library keeps their sentences a thread."""


def _told(error: Any) -> GssError:
    code = (error.min_code - _KRB5_ERRORS) & 0xFFFFFFFF
    major, minor = error.get_all_statuses(error.maj_code, True), error.get_all_statuses(error.min_code, False)
    text = major[0] if minor[0] in _NO_SENTENCES else minor[0]
    return GssError(
        (error.maj_code >> 16) & 0xFF,
        code if error.min_code and code <= _LAST_KRB5_ERROR else None,
        _sentence(text),
        supplementary=error.maj_code & 0xFFFF,
        token=error.token or b"",
    )


def _sentence(text: str) -> str:
    """The library's words on one line and within bounds: a name from a token may stand in them."""
    return "".join(letter if letter.isprintable() else "?" for letter in text.strip().rstrip("."))[:300]
