"""Judges a response against the account authority: right or SEC_E_LOGON_DENIED, with the same work for every wrong one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sspid.packages.digest import users
from sspid.packages.digest.refusals import denied
from sspid.packages.questions import Account, DigestSecret, LookUpDigestSecret, RecordLogon

if TYPE_CHECKING:
    from collections.abc import Callable

    from sspid.packages.digest.algorithms import Algorithm
    from sspid.packages.digest.http_response import HttpResponse

_PACKAGE = "Digest"
STATUS_NO_SUCH_USER = 0xC0000064
STATUS_WRONG_PASSWORD = 0xC000006A
STATUS_ACCOUNT_DISABLED = 0xC0000072
STATUS_ACCOUNT_EXPIRED = 0xC0000193
STATUS_ACCOUNT_LOCKED_OUT = 0xC0000234


@dataclass(frozen=True, slots=True)
class Proven:
    """Someone showed the password of `account`. `ha1` is the account's hash that fitted."""

    account: Account
    ha1: bytes = field(repr=False)


async def judge_http(response: HttpResponse, method: str, entity: str) -> Proven:
    """Judge an HTTP response. SEC_E_LOGON_DENIED for an unknown user, a wrong password or an unusable account."""

    def fits(ha1: bytes) -> bool:
        return response.matches(response.session_hash(ha1), method, entity)

    user = response.user
    realm = users.decoded(response.realm)
    lookups = [LookUpDigestSecret(name, realm, response.algorithm.base, user.hashed) for name in user.names]
    return await judge(lookups, response.algorithm, fits)


async def judge(lookups: list[LookUpDigestSecret], algorithm: Algorithm, fits: Callable[[bytes], bool]) -> Proven:
    """Judge with the first of `lookups` whose secret fits. The number of lookups follows from the response's form alone."""
    found: DigestSecret | None = None
    known = False
    for lookup in lookups:
        secret = await lookup
        # An unknown user costs the same hashes, over a secret that nobody has.
        right = fits(bytes(algorithm.digits // 2) if secret is None else secret.ha1)
        if secret is not None:
            known = True
            found = secret if right and found is None else found
    name, realm = lookups[0].user, lookups[0].realm
    if found is None:
        await RecordLogon(_PACKAGE, name, realm, "", STATUS_WRONG_PASSWORD if known else STATUS_NO_SUCH_USER)
        raise denied()
    ntstatus = _unusable(found.account)
    await RecordLogon(_PACKAGE, name, realm, "", ntstatus)
    if ntstatus:
        raise denied(ntstatus)
    return Proven(found.account, found.ha1)


def _unusable(account: Account) -> int:
    if account.locked_out:
        return STATUS_ACCOUNT_LOCKED_OUT
    if account.disabled:
        return STATUS_ACCOUNT_DISABLED
    return STATUS_ACCOUNT_EXPIRED if account.expired else 0
