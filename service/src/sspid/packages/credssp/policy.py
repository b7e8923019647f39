"""What an operator may decide about CredSSP: data only, judged in `delegation` and in the legs.

A list holds SPN patterns as Windows' does: a whole SPN, or one with one `*` ("TERMSRV/*", "WSMAN/*.example.test", "*").
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from sspid.packages.questions import ReadPolicy

LOWEST: Final = 2
HIGHEST: Final = 6
TERMINAL_SERVERS: Final = frozenset({"termsrv/*"})


@dataclass(frozen=True, slots=True)
class CredSspPolicy:
    """The operator's decisions; the lists' defaults are Windows' (CredentialsDelegation).

    `minimum_version`: a peer below it is refused; 5 shuts out CVE-2018-0886. `maximum_version`: what we speak ourselves.
    `allow_*`: where default, fresh and saved credentials may go, the server being authenticated by Kerberos or a trusted
    certificate; `*_ntlm_only`: where they may also go without that. `deny_*` wins over both. `allow_saved_ntlm_only` None
    means TERMSRV/* unless the service is in a domain. `default_credential`: the configured credential that stands for a
    caller who gives none. `restricted_admin`: an initiator delegates neither password nor PIN, whatever the lists say.
    `bare_ntlm`: an initiator speaks NTLM without SPNEGO, as old FreeRDP servers want it.
    `receive_credentials`: an acceptor's caller gets what was delegated, as a handle. `password_in_clear`: and its password.
    `accept_restricted_admin`: an acceptor takes clients that delegate nothing.
    """

    minimum_version: int = 5
    maximum_version: int = HIGHEST
    allow_default: frozenset[str] = frozenset()
    allow_default_ntlm_only: frozenset[str] = frozenset()
    allow_fresh: frozenset[str] = TERMINAL_SERVERS
    allow_fresh_ntlm_only: frozenset[str] = TERMINAL_SERVERS
    allow_saved: frozenset[str] = TERMINAL_SERVERS
    allow_saved_ntlm_only: frozenset[str] | None = None
    deny_default: frozenset[str] = frozenset()
    deny_fresh: frozenset[str] = frozenset()
    deny_saved: frozenset[str] = frozenset()
    default_credential: str = ""
    restricted_admin: bool = False
    bare_ntlm: bool = False
    receive_credentials: bool = True
    password_in_clear: bool = False
    accept_restricted_admin: bool = True

    def __post_init__(self) -> None:
        if not LOWEST <= self.minimum_version <= self.maximum_version <= HIGHEST:
            message = f"minimum_version and maximum_version must be in order and between {LOWEST} and {HIGHEST}"
            raise ValueError(message)
        for each in fields(self):
            value = getattr(self, each.name)
            for pattern in value if isinstance(value, frozenset) else ():
                if pattern.count("*") > 1:
                    message = f"{each.name} has the pattern {pattern!r} and a pattern has at most one *"
                    raise ValueError(message)


DEFAULT = CredSspPolicy()


async def read() -> CredSspPolicy:
    """Return the operator's CredSSP policy for the caller of this leg."""
    policy: CredSspPolicy | None = await ReadPolicy("CredSSP")
    return DEFAULT if policy is None else policy
