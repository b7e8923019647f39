"""Who a context proved its initiator to be: from the PAC where the ticket has one, else from the principal; judges nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sspid.packages.kerberos import pac
from sspid.vocabulary.attributes import Identity

if TYPE_CHECKING:
    from sspid.packages.gss import GssFacts


def identity_of(facts: GssFacts) -> Identity:
    """Name, domain and SIDs ([MS-KILE] 3.4.5.3); a realm that is no Windows domain gives the principal's parts alone."""
    if facts.pac:
        info = pac.read(facts.pac)
        return Identity(info.name, info.domain, sids=info.sids, mapped_by="kerberos-pac")
    name, realm = parts(facts.initiator)
    return Identity(name, realm, mapped_by="kerberos")


def windows_name(facts: GssFacts) -> str:
    r"""The initiator as DOMAIN\user."""
    found = identity_of(facts)
    return f"{found.domain}\\{found.name}" if found.domain else found.name


def parts(principal: str) -> tuple[str, str]:
    """Name and realm of a principal as Kerberos writes it: an "@" in the name has a backslash before it."""
    name, at, realm = principal.rpartition("@")
    if not at or name.endswith("\\"):
        return principal.replace("\\@", "@"), ""
    return name.replace("\\@", "@"), realm
