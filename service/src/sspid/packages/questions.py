"""Questions a package may ask of the world: one frozen structure each, typed by its answer; not their answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sspid.packages.silent import Silent
from sspid.vocabulary.credentials import Secret

if TYPE_CHECKING:
    from collections.abc import Generator
    from datetime import datetime


Answer = TypeVar("Answer")


class Question(Silent, Generic[Answer], frozen=True):
    """Awaiting one suspends the leg until the broker has the answer; a failing answer is raised here as an `SspiError`."""

    def __await__(self) -> Generator[Question[Answer], Answer, Answer]:
        """Yield the question to whoever runs the leg and return the answer it sends back."""
        return (yield self)


class ReadClock(Question["datetime"], frozen=True):
    """Now, in UTC."""


class DrawRandom(Question[bytes], frozen=True):
    """`count` bytes nobody can guess."""

    count: int


class FindNamedCredential(Question[Secret], frozen=True):
    """The credential the operator configured under `name`, or SEC_E_UNKNOWN_CREDENTIALS."""

    name: str


class FindTrustAnchors(Question[bytes], frozen=True):
    """The roots (PEM) the operator trusts by default."""


class OpenKeyFile(Question[bytes], frozen=True):
    """What PKCS#12 holds or a passphrase locks, as clear PEM: the key, with PKCS#12 its certificate and those above it too.

    SEC_E_UNKNOWN_CREDENTIALS, with a sentence, where it cannot be opened, or not in time: whoever made it chose how long it
    takes.
    """

    content: bytes
    passphrase: str = ""
    pkcs12: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """What an authority knows of one account. `nt_hash` is None where the authority judges responses itself."""

    name: str
    domain: str
    nt_hash: bytes | None = field(default=None, repr=False)
    disabled: bool = False
    expired: bool = False
    locked_out: bool = False
    groups: tuple[str, ...] = ()
    sids: tuple[str, ...] = ()


class LookUpAccount(Question["Account | None"], frozen=True):
    """The account of that name, compared without case; None where no authority knows it."""

    name: str
    domain: str


@dataclass(frozen=True, slots=True)
class Machine:
    """The names this service goes by: NetBIOS and DNS; an empty one is not sent. `domain` empty means not joined."""

    computer: str
    domain: str = ""
    dns_computer: str = ""
    dns_domain: str = ""
    dns_tree: str = ""


class DescribeMachine(Question[Machine], frozen=True):
    """The names this service goes by."""


class ReadPolicy(Question[Any], frozen=True):
    """The operator's policy for this caller and `package`: that package's own policy type, or None for its default."""

    package: str


@dataclass(frozen=True, slots=True)
class NtlmVerdict:
    """What a domain authority found: the 16-byte session base key and the account as the domain names it."""

    session_base_key: bytes = field(repr=False)
    account: Account


class JudgeNtlmResponse(Question[NtlmVerdict], frozen=True):
    """Have the account's authority judge the responses; SEC_E_LOGON_DENIED with detail.ntstatus where it refuses.

    Asked where `Account.nt_hash` is None. SEC_E_NO_AUTHENTICATING_AUTHORITY where the authority cannot be reached.
    """

    name: str
    domain: str
    workstation: str
    server_challenge: bytes
    nt_response: bytes
    lm_response: bytes


class ChangePassword(Question[None], frozen=True):
    """Change an account's password with its old one. SEC_E_LOGON_DENIED whatever is wrong with account or old password.

    `package` is whose name the audit has. SEC_E_UNSUPPORTED_FUNCTION where the account's authority is not the service's own;
    SEC_E_INVALID_PARAMETER for a new password that cannot be; SEC_E_NO_AUTHENTICATING_AUTHORITY where nothing answers.
    """

    package: str
    account: str
    domain: str
    old: str
    new: str


class RecordLogon(Question[None], frozen=True):
    """Tell the audit, and a lock-out policy, how a logon ended. `ntstatus` 0 is success; the peer never learns it."""

    package: str
    name: str
    domain: str
    workstation: str
    ntstatus: int
    reason: str = ""


class RecordPolicyBreach(Question[None], frozen=True):
    """Tell the audit that `rule` of the package's policy was broken; `enforced` False means it went on (audit only)."""

    package: str
    rule: str
    enforced: bool
    subject: str = ""


@dataclass(frozen=True, slots=True)
class DigestSecret:
    """What stands in for a password in Digest: `ha1` is the raw H(user ":" realm ":" password) of one algorithm."""

    account: Account
    ha1: bytes = field(repr=False)


class LookUpDigestSecret(Question["DigestSecret | None"], frozen=True):
    """The secret of `user` in `realm`, both compared as they stand; None where no authority knows it.

    `algorithm` is "MD5", "SHA-256" or "SHA-512-256", never a -sess form. With `userhash`, `user` is the lower-case hex of
    H(name ":" realm). `charset` is how name and password were encoded before hashing: "utf-8", or "iso-8859-1" where SASL
    asks that of a name that fits it (RFC 2831 2.1.2.1).
    """

    user: str
    realm: str
    algorithm: str
    userhash: bool = False
    charset: str = "utf-8"


class MapCertificate(Question["Account | None"], frozen=True):
    """The account the operator mapped a certificate (DER, already judged genuine) to; None where it is mapped to none."""

    certificate: bytes


class SealingKey(Question[bytes], frozen=True):
    """The 32 bytes all workers share for `purpose`; another one after a rotation, when what the old one sealed is stale."""

    purpose: str


class CountNonceUse(Question[bool], frozen=True):
    """Record that `nonce` was used with `count`; False, and nothing recorded, unless `count` is above all recorded before.

    One store for all workers, told apart by caller; it may forget the nonce after `expires`.
    """

    nonce: bytes
    count: int
    expires: datetime
