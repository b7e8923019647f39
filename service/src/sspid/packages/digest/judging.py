"""Judges a response against the account authority: right or SEC_E_LOGON_DENIED, with the same work for every wrong one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from sspid.packages.digest import sasl_names, users
from sspid.packages.digest.algorithms import MD5
from sspid.packages.digest.refusals import denied
from sspid.packages.questions import LookUpDigestSecret, RecordLogon

if TYPE_CHECKING:
    from sspid.packages.digest.algorithms import Algorithm
    from sspid.packages.digest.http_response import HttpResponse
    from sspid.packages.digest.sasl_response import SaslResponse
    from sspid.packages.questions import Account, DigestSecret

_PACKAGE = "Digest"
STATUS_NO_SUCH_USER = 0xC0000064
STATUS_WRONG_PASSWORD = 0xC000006A
STATUS_ACCOUNT_RESTRICTION = 0xC000006E
STATUS_ACCOUNT_DISABLED = 0xC0000072
STATUS_ACCOUNT_EXPIRED = 0xC0000193
STATUS_ACCOUNT_LOCKED_OUT = 0xC0000234


async def judge_http(response: HttpResponse, method: str, entity: str) -> tuple[DigestSecret, str]:
    """Judge an HTTP response: which secret it shows, and under which name that is known.

    SEC_E_LOGON_DENIED for an unknown user, a wrong password or an unusable account. A refusal is recorded here; a logon is
    recorded by whoever lets it stand, for a right response may be stale or a replay.
    """
    user, algorithm = response.user, response.algorithm
    realm = users.decoded(response.realm)
    proven, named, ntstatus = None, user.names[0], STATUS_NO_SUCH_USER
    # How many names there are follows from the response's form alone, so the work tells nothing about the account.
    for name in user.names:
        secret = await LookUpDigestSecret(name, realm, algorithm.base, user.hashed)
        right = response.matches(response.session_hash(_hash_of(secret, algorithm)), method, entity)
        if secret is not None and proven is None:
            named = name
            proven, ntstatus = (secret, _unusable(secret.account)) if right else (None, STATUS_WRONG_PASSWORD)
    if proven is None or ntstatus:
        return await _deny(named, realm, ntstatus, proved=proven is not None)
    return proven, named


async def judge_sasl(response: SaslResponse) -> DigestSecret:
    """Judge a SASL response, as `judge_http`."""
    secret = await LookUpDigestSecret(response.user, response.realm, "MD5", charset=sasl_names.CHARSET)
    right = response.matches(response.session_hash(_hash_of(secret, MD5)))
    if secret is None or not right:
        ntstatus = STATUS_NO_SUCH_USER if secret is None else STATUS_WRONG_PASSWORD
        return await _deny(response.user, response.realm, ntstatus, proved=False)
    # Nobody here may act as another (RFC 2831 2.1.2, authzid).
    own = response.authzid in {None, "", response.user}
    ntstatus = _unusable(secret.account) if own else STATUS_ACCOUNT_RESTRICTION
    if ntstatus:
        return await _deny(response.user, response.realm, ntstatus, proved=True)
    return secret


def record_logon(name: str, realm: str) -> RecordLogon:
    """The question that records a logon that stands; to be awaited."""
    return RecordLogon(_PACKAGE, name, realm, "", 0)


async def _deny(name: str, realm: str, ntstatus: int, *, proved: bool) -> NoReturn:
    """Record a refusal and raise it. Only someone who knows the password learns why an account cannot be used."""
    await RecordLogon(_PACKAGE, name, realm, "", ntstatus)
    raise denied(ntstatus if proved else None)


def _hash_of(secret: DigestSecret | None, algorithm: Algorithm) -> bytes:
    """The account's hash; for an unknown user one that nobody has, so that the same work follows."""
    return bytes(algorithm.digits // 2) if secret is None else secret.ha1


def _unusable(account: Account) -> int:
    if account.locked_out:
        return STATUS_ACCOUNT_LOCKED_OUT
    if account.disabled:
        return STATUS_ACCOUNT_DISABLED
    return STATUS_ACCOUNT_EXPIRED if account.expired else 0
