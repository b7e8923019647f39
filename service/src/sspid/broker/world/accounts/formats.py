"""Reads accounts from lines of Samba's smbpasswd, Apache's htdigest or JSON of our own, and writes the last; no files."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sspid.broker.world.accounts.errors import AccountsError
from sspid.broker.world.accounts.records import HASHES, LATIN1, MAPPINGS, UTF8, AccountRecord, DigestHash, Mapping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

LONGEST_LINE: Final = 1 << 20
LONGEST_NAME: Final = 256
_MOST: Final = 4096
_SMBPASSWD: Final = re.compile(
    r"([^:]+):\d+:([0-9A-Fa-fXxNOPASWRD* ]{32}):([0-9A-Fa-fXxNOPASWRD* ]{32}):\[([A-Z ]{1,16})\]:(.*)"
)
_HTDIGEST: Final = re.compile(r"([^:]+):(.*):([0-9A-Fa-f]{32}|[0-9A-Fa-f]{64})")
_HEX_HASH: Final = re.compile(r"[0-9A-Fa-f]{32}")


@dataclass(frozen=True, slots=True)
class Draft:
    """One account as a line gives it. `given` names the fields the line spoke of: the others stay as they are in an update."""

    record: AccountRecord
    given: frozenset[str]
    password: str | None = field(default=None, repr=False)


def read(lines: Iterable[str], kind: str = "") -> Iterator[tuple[int, Draft | AccountsError]]:
    """Each line's number with its account, or with what is wrong with it; empty lines and comments are passed over."""
    for number, line in enumerate(lines, 1):
        text = line.strip("\r\n\ufeff")
        if text.strip() and not text.startswith("#"):
            try:
                yield number, read_line(text, kind)
            except AccountsError as error:
                yield number, error


def read_line(line: str, kind: str = "") -> Draft:
    """Read one line. `kind` is "json", "smbpasswd", "htdigest" or empty for whichever it is. `AccountsError` says why not."""
    if len(line) > LONGEST_LINE:
        raise AccountsError(f"The line has {len(line)} characters and may have {LONGEST_LINE}.")
    return READERS[kind or _kind(line)](line)


def _kind(line: str) -> str:
    if line.lstrip().startswith("{"):
        return "json"
    return "smbpasswd" if _SMBPASSWD.fullmatch(line) else "htdigest"


def _smbpasswd(line: str) -> Draft:
    """`name:uid:LM:NT:[flags]:LCT-...:` as pdbedit -L -w and smbpasswd(5) have it; the LM hash is not taken."""
    found = _SMBPASSWD.fullmatch(line)
    if found is None:
        raise AccountsError("The line is none of smbpasswd's: name:uid:LM hash:NT hash:[flags]:LCT-time:.")
    name, _, nt, flags, _ = found.groups()
    if "N" in flags:
        raise AccountsError("The account needs no password (flag N), and this service lets nobody in without one.")
    if not _HEX_HASH.fullmatch(nt):
        raise AccountsError("The account has no NT hash: set its password there, then export it again.")
    # D: disabled. L, locked out by failures, is not taken over: failures are counted anew here.
    record = AccountRecord(_name("name", name), disabled="D" in flags, nt_hash=bytes.fromhex(nt))
    return Draft(record, frozenset({"nt_hash", "disabled"}))


def _htdigest(line: str) -> Draft:
    """`user:realm:hash`: 32 hex digits are MD5's, as Apache writes them, 64 SHA-256's, as lighttpd reads them."""
    found = _HTDIGEST.fullmatch(line)
    if found is None:
        raise AccountsError("The line is no JSON, none of smbpasswd's and none of htdigest's (user:realm:hash).")
    user, realm, ha1 = found.groups()
    algorithm = "MD5" if len(ha1) == 32 else "SHA-256"
    hashed = DigestHash(_name("user", user), _name("realm", realm, empty=True), algorithm, bytes.fromhex(ha1))
    domain, _, name = user.rpartition("\\")
    return Draft(AccountRecord(_name("user", name), domain, digests=(hashed,)), frozenset({"digests"}))


def _json(line: str) -> Draft:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        raise AccountsError("The line begins as JSON and is none.") from None
    if not isinstance(values, dict):
        raise AccountsError("The line must be one JSON object.")
    for key in values:
        if key not in _FIELDS and key not in {"name", "password"}:
            raise AccountsError(f"{key[:64]!r} is no field of an account; it has name, password, {', '.join(_FIELDS)}.")
    password = _text("password", values.pop("password", ""), longest=1024)
    record = account_of(**values)
    given = (str(key) for key in values if key != "name")
    return Draft(record, frozenset(_ATTRIBUTES.get(key, key) for key in given), password or None)


def account_of(**values: Any) -> AccountRecord:
    """The account that has these fields, as JSON has them. `AccountsError` for one that no account can have."""
    name = _name("name", values.pop("name", None))
    return AccountRecord(name, **{_ATTRIBUTES.get(key, key): _FIELDS[key](key, value) for key, value in values.items()})


def _text(key: str, value: Any, *, longest: int = LONGEST_NAME) -> str:
    if not isinstance(value, str) or len(value) > longest:
        raise AccountsError(f"{key} must be a text of at most {longest} characters.")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise AccountsError(f"{key} holds half a surrogate pair.") from None
    return value


def _name(key: str, value: Any, *, empty: bool = False) -> str:
    text = _text(key, value)
    if (not text and not empty) or any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise AccountsError(f"{key} must be a text without control characters{'' if empty else ' and not empty'}.")
    return text


def _optional(key: str, value: Any) -> str:
    return _name(key, value, empty=True)


def _flag(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise AccountsError(f"{key} must be true or false.")
    return value


def _moment(key: str, value: Any) -> datetime | None:
    """A time of ISO 8601; without an offset it is UTC."""
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(_text(key, value))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise AccountsError(f"{key} must be a time such as 2030-12-31T00:00:00Z, or null.") from None


def _list(key: str, value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) > _MOST:
        raise AccountsError(f"{key} must be a list of at most {_MOST}.")
    return value


def _names(key: str, value: Any) -> tuple[str, ...]:
    return tuple(_name(key, each) for each in _list(key, value))


def _hex(key: str, value: Any, length: int) -> bytes:
    text = _text(key, value)
    if len(text) != 2 * length or not re.fullmatch(r"[0-9A-Fa-f]+", text):
        raise AccountsError(f"{key} must be {2 * length} hex digits.")
    return bytes.fromhex(text)


def _object(key: str, value: Any, names: frozenset[str]) -> dict[str, Any]:
    if not isinstance(value, dict) or not value.keys() <= names:
        raise AccountsError(f"Each of {key} must be an object with {', '.join(sorted(names))}.")
    return value


def _digests(key: str, value: Any) -> tuple[DigestHash, ...]:
    return tuple(_digest(_object(key, each, _DIGEST)) for each in _list(key, value))


def _digest(values: dict[str, Any]) -> DigestHash:
    algorithm, charset = values.get("algorithm"), values.get("charset", UTF8)
    if algorithm not in tuple(HASHES) or charset not in (UTF8, LATIN1):  # what came may not be hashable
        raise AccountsError(f"A digest's algorithm must be one of {', '.join(HASHES)}, its charset {UTF8} or {LATIN1}.")
    ha1 = _hex("ha1", values.get("ha1"), HASHES[algorithm](b"").digest_size)
    user, realm = _name("username", values.get("username")), _name("realm", values.get("realm"), empty=True)
    return DigestHash(user, realm, algorithm, ha1, charset)


def _mappings(key: str, value: Any) -> tuple[Mapping, ...]:
    return tuple(_mapping(_object(key, each, _MAPPING)) for each in _list(key, value))


def _mapping(values: dict[str, Any]) -> Mapping:
    kind = values.get("kind")
    if kind not in MAPPINGS:
        raise AccountsError(f"A certificate's kind must be one of {', '.join(MAPPINGS)}.")
    return Mapping(kind, _text("value", values.get("value"), longest=4096))


_DIGEST: Final = frozenset({"username", "realm", "algorithm", "charset", "ha1"})
_MAPPING: Final = frozenset({"kind", "value"})
_FIELDS: Final[dict[str, Callable[[str, Any], Any]]] = {
    "domain": _optional,
    "upn": _optional,
    "disabled": _flag,
    "expires": _moment,
    "groups": _names,
    "sids": _names,
    "nt_hash": lambda key, value: None if value is None else _hex(key, value, 16),
    "digests": _digests,
    "certificates": _mappings,
}
_ATTRIBUTES: Final = {"certificates": "mappings"}
READERS: Final[dict[str, Callable[[str], Draft]]] = {"json": _json, "smbpasswd": _smbpasswd, "htdigest": _htdigest}


def write_line(record: AccountRecord, *, secrets: bool) -> str:
    """One account as JSON on one line; with `secrets` also all that was derived from the password, and it where it is kept."""
    values: dict[str, Any] = {
        "name": record.name,
        "domain": record.domain,
        "upn": record.upn,
        "disabled": record.disabled,
        "expires": None if record.expires is None else record.expires.isoformat(),
        "groups": list(record.groups),
        "sids": list(record.sids),
        "certificates": [{"kind": each.kind, "value": each.value} for each in record.mappings],
    }
    if secrets:
        values["nt_hash"] = None if record.nt_hash is None else record.nt_hash.hex()
        values["digests"] = [
            {
                "username": each.username,
                "realm": each.realm,
                "algorithm": each.algorithm,
                "charset": each.charset,
                "ha1": each.ha1.hex(),
            }
            for each in record.digests
        ]
        if record.password is not None:
            values["password"] = record.password
    return json.dumps(values, ensure_ascii=False)
