"""One sentence for a peer's certificate that was refused: what is wrong, by name and date, and what to do; no status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sspid.packages.schannel.certificates import shown, shown_names, subject_and_issuer, validity
from sspid.packages.schannel.openssl import verify_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def refusal(peer: str, error: int, depth: int, certificate: bytes, expected: str) -> str:
    """The sentence for an X509_V_ERR number; `peer` is "server" or "client", `expected` the name that was asked for."""
    sentence = _SENTENCES.get(error)
    if sentence is None or not certificate:
        whose = f", {subject_and_issuer(certificate)[0]}" if certificate else ""
        return f"The {peer}'s certificate chain was refused at depth {depth}{whose}: {verify_text(error)}."
    which = f"The {peer}'s certificate" if not depth else f"The authority certificate at depth {depth} of the {peer}'s chain"
    return sentence(which, certificate, expected)


def _wrong_name(which: str, certificate: bytes, expected: str) -> str:
    return (
        f"{which} is for {shown_names(certificate)}, not for {shown(expected)}; "
        "name the server as its certificate does, or give it a certificate for this name."
    )


def _no_issuer(which: str, certificate: bytes, _expected: str) -> str:
    subject, issuer = subject_and_issuer(certificate)
    return (
        f"{which}, {subject}, is issued by {issuer}, which is neither trusted nor among the certificates the peer sent; "
        "add that authority to the trust anchors, or have the peer send its intermediates."
    )


def _self_signed(which: str, certificate: bytes, _expected: str) -> str:
    subject, _ = subject_and_issuer(certificate)
    return f"{which}, {subject}, signed itself and is not trusted; add it to the trust anchors if it should be."


def _expired(which: str, certificate: bytes, _expected: str) -> str:
    subject, _ = subject_and_issuer(certificate)
    return f"{which}, {subject}, expired on {validity(certificate)[1]}; have it renewed."


def _early(which: str, certificate: bytes, _expected: str) -> str:
    subject, _ = subject_and_issuer(certificate)
    return f"{which}, {subject}, is valid from {validity(certificate)[0]} on; wait until then, or set this machine's clock."


_SENTENCES: Mapping[int, Callable[[str, bytes, str], str]] = {
    2: _no_issuer,
    9: _early,
    10: _expired,
    18: _self_signed,
    19: _self_signed,
    20: _no_issuer,
    21: _no_issuer,
    62: _wrong_name,
    64: _wrong_name,
}
"""By X509_V_ERR number (x509_vfy.h)."""
