"""QuerySecurityContextToken: from a client's certificate to an account, by the table or its UPN; it judges no chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509

from sspid.packages.questions import Account, LookUpAccount, MapCertificate
from sspid.packages.schannel.certificates import UNREADABLE
from sspid.vocabulary.attributes import Identity
from sspid.vocabulary.errors import FailureDetail, SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.schannel.established_state import Established

_UPN = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
"""szOID_NT_PRINCIPAL_NAME, an otherName of the subject's alternative names."""
_DISABLED, _EXPIRED, _LOCKED_OUT = 0xC0000072, 0xC0000193, 0xC0000234


async def query(state: Established) -> Identity:
    """The account the peer's certificate stands for; SEC_E_NO_IMPERSONATION where there is none."""
    certificate = state.facts.peer
    if not (state.server and certificate and state.mutual):
        raise _no_impersonation("No client certificate was asked for with MUTUAL_AUTH and judged good")
    if not state.maps:
        raise _no_impersonation("The credential maps no certificates (NO_SYSTEM_MAPPER)")
    account = await MapCertificate(certificate)
    if account is not None:
        return _identity(account, certificate, "certificate-table")
    upn = upn_of(certificate)
    name, at, domain = upn.rpartition("@")
    if not (at and name and domain):
        raise _no_impersonation("The client certificate is mapped to no account and carries no UPN")
    account = await LookUpAccount(name, domain)
    if account is None:
        raise _no_impersonation(f"No authority knows an account for the certificate's UPN {upn!r}")
    return _identity(account, certificate, "certificate-upn")


def upn_of(certificate: bytes) -> str:
    """The first user principal name among a certificate's (DER) alternative names; empty for none."""
    try:
        extensions = x509.load_der_x509_certificate(certificate).extensions
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        for other in names.get_values_for_type(x509.OtherName):
            if other.type_id == _UPN:
                return _utf8_string(other.value)
    except UNREADABLE:
        return ""
    return ""


def _utf8_string(der: bytes) -> str:
    """A DER UTF8String shorter than 128 bytes; a longer name is no account's."""
    if len(der) < 2 or der[0] != 0x0C or der[1] > 127 or len(der) != 2 + der[1]:
        return ""
    return der[2:].decode()


def _identity(account: Account, certificate: bytes, mapped_by: str) -> Identity:
    for stopped, ntstatus in (
        (account.disabled, _DISABLED),
        (account.expired, _EXPIRED),
        (account.locked_out, _LOCKED_OUT),
    ):
        if stopped:
            raise SspiError(
                SecurityStatus.SEC_E_LOGON_DENIED,
                f"The account {account.name} that the client certificate stands for may not log on.",
                detail=FailureDetail(ntstatus=ntstatus),
            )
    return Identity(account.name, account.domain, account.groups, account.sids, certificate, mapped_by)


def _no_impersonation(why: str) -> SspiError:
    return SspiError(SecurityStatus.SEC_E_NO_IMPERSONATION, f"{why}, so the context stands for no account.")
