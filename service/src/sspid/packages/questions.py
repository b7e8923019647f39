"""Questions a package may ask of the world: one frozen dataclass each, typed by its answer; not their answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sspid.vocabulary.credentials import Secret

if TYPE_CHECKING:
    from collections.abc import Generator
    from datetime import datetime


Answer = TypeVar("Answer")


class Question(Generic[Answer]):
    """Awaiting one suspends the leg until the broker has the answer; a failing answer is raised here as an `SspiError`."""

    __slots__ = ()

    def __await__(self) -> Generator[Question[Answer], Answer, Answer]:
        """Yield the question to whoever runs the leg and return the answer it sends back."""
        return (yield self)


@dataclass(frozen=True, slots=True)
class ReadClock(Question["datetime"]):
    """Now, in UTC."""


@dataclass(frozen=True, slots=True)
class DrawRandom(Question[bytes]):
    """`count` bytes nobody can guess."""

    count: int


@dataclass(frozen=True, slots=True)
class FindNamedCredential(Question[Secret]):
    """The credential the operator configured under `name`, or SEC_E_UNKNOWN_CREDENTIALS."""

    name: str


@dataclass(frozen=True, slots=True)
class FindTrustAnchors(Question[bytes]):
    """The roots (PEM) the operator trusts by default."""


@dataclass(frozen=True, slots=True)
class OpenKeyFile(Question[bytes]):
    """What PKCS#12 holds or a passphrase locks, as clear PEM: the key, with PKCS#12 its certificate and those above it too.

    SEC_E_UNKNOWN_CREDENTIALS, with a sentence, where it cannot be opened, or not in time: whoever made it chose how long it
    takes.
    """

    content: bytes = field(repr=False)
    passphrase: str = field(default="", repr=False)
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


@dataclass(frozen=True, slots=True)
class LookUpAccount(Question["Account | None"]):
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


@dataclass(frozen=True, slots=True)
class DescribeMachine(Question[Machine]):
    """The names this service goes by."""


@dataclass(frozen=True, slots=True)
class ReadPolicy(Question[Any]):
    """The operator's policy for this caller and `package`: that package's own policy type, or None for its default."""

    package: str


@dataclass(frozen=True, slots=True)
class NtlmVerdict:
    """What a domain authority found: the 16-byte session base key and the account as the domain names it."""

    session_base_key: bytes = field(repr=False)
    account: Account


@dataclass(frozen=True, slots=True)
class JudgeNtlmResponse(Question[NtlmVerdict]):
    """Have the account's authority judge the responses; SEC_E_LOGON_DENIED with detail.ntstatus where it refuses.

    Asked where `Account.nt_hash` is None. SEC_E_NO_AUTHENTICATING_AUTHORITY where the authority cannot be reached.
    """

    name: str
    domain: str
    workstation: str
    server_challenge: bytes
    nt_response: bytes = field(repr=False)
    lm_response: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChangePassword(Question[None]):
    """Change an account's password with its old one. SEC_E_LOGON_DENIED whatever is wrong with account or old password.

    `package` is whose name the audit has. SEC_E_UNSUPPORTED_FUNCTION where the account's authority is not the service's own;
    SEC_E_INVALID_PARAMETER for a new password that cannot be; SEC_E_NO_AUTHENTICATING_AUTHORITY where nothing answers.
    """

    package: str
    account: str
    domain: str
    old: str = field(repr=False)
    new: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RecordLogon(Question[None]):
    """Tell the audit, and a lock-out policy, how a logon ended. `ntstatus` 0 is success; the peer never learns it."""

    package: str
    name: str
    domain: str
    workstation: str
    ntstatus: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RecordPolicyBreach(Question[None]):
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


@dataclass(frozen=True, slots=True)
class LookUpDigestSecret(Question["DigestSecret | None"]):
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


@dataclass(frozen=True, slots=True)
class MapCertificate(Question["Account | None"]):
    """The account the operator mapped a certificate (DER, already judged genuine) to; None where it is mapped to none."""

    certificate: bytes


@dataclass(frozen=True, slots=True)
class SealingKey(Question[bytes]):
    """The 32 bytes all workers share for `purpose`; another one after a rotation, when what the old one sealed is stale."""

    purpose: str


@dataclass(frozen=True, slots=True)
class CountNonceUse(Question[bool]):
    """Record that `nonce` was used with `count`; False, and nothing recorded, unless `count` is above all recorded before.

    One store for all workers, told apart by caller; it may forget the nonce after `expires`.
    """

    nonce: bytes
    count: int
    expires: datetime
