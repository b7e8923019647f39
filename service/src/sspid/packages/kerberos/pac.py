"""KERB_VALIDATION_INFO ([MS-PAC] 2.5), the part of a PAC that says who somebody is: read from NDR, never written.

The signature over it is checked by MIT's library before it comes here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Callable

Value = TypeVar("Value")

# [MS-RPCE] 2.2.6: common and private header of a type serialization, then the referent of the one top-level pointer.
_HEADER: Final = struct.Struct("<BBHIIII")
_LITTLE_ENDIAN: Final = 0x10
_MOST_GROUPS: Final = 4096
_MOST_SUB_AUTHORITIES: Final = 15

_NAMES: Final = 6
_SECOND_LIST_OF_NAMES: Final = 2


class _Fixed(NamedTuple):
    """The pointers and counts of the fixed part, in its order."""

    names: tuple[int, ...]
    user_id: int
    primary_group: int
    group_count: int
    groups: int
    more_names: tuple[int, ...]
    domain_sid: int
    extra_count: int
    extras: int
    resource_domain: int
    resource_count: int
    resources: int


@dataclass(frozen=True, slots=True)
class ValidationInfo:
    """Who a domain says somebody is. `sids`: the user's own first, then its groups'."""

    name: str
    domain: str
    sids: tuple[str, ...]


class _Reader:
    """Takes NDR's primitives one after the other and never beyond the end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._data):
            raise _malformed(f"it ends at byte {len(self._data)} where byte {end} is needed")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def word(self) -> int:
        self._at = -(-self._at // 4) * 4
        return int.from_bytes(self.take(4), "little")

    def string_header(self) -> int:
        self.take(4)
        return self.word()

    def string(self) -> str:
        _maximum, offset, count = self.word(), self.word(), self.word()
        if offset:
            raise _malformed("a string in it begins in its middle")
        return self.take(2 * count).decode("utf-16-le", "replace")

    def sid(self) -> str:
        count = self.word()
        revision, stated = self.take(2)
        if stated != count or count > _MOST_SUB_AUTHORITIES:
            raise _malformed(f"a SID in it has {count} sub-authorities and says {stated}")
        authority = int.from_bytes(self.take(6), "big")
        parts = (revision, authority, *(self.word() for _ in range(count)))
        return "S-" + "-".join(map(str, parts))

    def count(self, stated: int) -> int:
        count = self.word()
        if count != stated or count > _MOST_GROUPS:
            raise _malformed(f"a list in it has {count} entries and says {stated}")
        return count

    def rids(self, stated: int) -> list[int]:
        return [(self.word(), self.word())[0] for _ in range(self.count(stated))]


def read(data: bytes) -> ValidationInfo:
    """Read one. SEC_E_INVALID_TOKEN where it is malformed."""
    reader = _Reader(data)
    version, order, *_ = _HEADER.unpack(reader.take(_HEADER.size))
    if version != 1 or order != _LITTLE_ENDIAN:
        raise _malformed("it is no little-endian type serialization of version 1")
    return _deferred(reader, _fixed(reader))


def _fixed(reader: _Reader) -> _Fixed:
    reader.take(48)  # six times
    names = tuple(reader.string_header() for _ in range(_NAMES))
    reader.take(4)  # LogonCount, BadPasswordCount
    user_id, primary_group, group_count, groups = (reader.word() for _ in range(4))
    reader.take(20)  # UserFlags, UserSessionKey
    more_names = tuple(reader.string_header() for _ in range(_SECOND_LIST_OF_NAMES))
    domain_sid = reader.word()
    reader.take(40)  # Reserved1, UserAccountControl, SubAuthStatus, two times, FailedILogonCount, Reserved3
    extra_count, extras, resource_domain, resource_count, resources = (reader.word() for _ in range(5))
    return _Fixed(
        names, user_id, primary_group, group_count, groups, more_names, domain_sid, extra_count, extras,
        resource_domain, resource_count, resources,
    )  # fmt: skip


def _deferred(reader: _Reader, fixed: _Fixed) -> ValidationInfo:
    """What the pointers of the fixed part point to follows it in their order ([C706] 14.3.12.3)."""
    name, *_ = [_behind(pointer, reader.string) or "" for pointer in fixed.names]
    groups = _behind(fixed.groups, lambda: reader.rids(fixed.group_count)) or []
    _server, domain = [_behind(pointer, reader.string) or "" for pointer in fixed.more_names]
    domain_sid = _behind(fixed.domain_sid, reader.sid)
    extras = _behind(fixed.extras, lambda: _extra_sids(reader, fixed.extra_count)) or []
    resource_domain = _behind(fixed.resource_domain, reader.sid)
    resources = _behind(fixed.resources, lambda: reader.rids(fixed.resource_count)) or []
    own = [] if domain_sid is None else [f"{domain_sid}-{rid}" for rid in (fixed.user_id, fixed.primary_group, *groups)]
    local = [] if resource_domain is None else [f"{resource_domain}-{rid}" for rid in resources]
    return ValidationInfo(name, domain, tuple(dict.fromkeys((*own, *extras, *local))))


def _extra_sids(reader: _Reader, stated: int) -> list[str]:
    pointers = [(reader.word(), reader.word())[0] for _ in range(reader.count(stated))]
    return [reader.sid() for pointer in pointers if pointer]


def _behind(pointer: int, read_value: Callable[[], Value]) -> Value | None:
    return read_value() if pointer else None


def _malformed(what: str) -> SspiError:
    return SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, f"The ticket's KERB_VALIDATION_INFO cannot be read: {what}.")
