"""Credential caches and key tables in this process's memory, each under a name nobody else has; not what is done with them."""

from __future__ import annotations

import os
import secrets
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import krb5

from sspid.packages.gss import GssError

if TYPE_CHECKING:
    from collections.abc import Iterator


_UNSIGNED = 0xFFFFFFFF
"""Times have 32 bits and no sign, so that they last until 2106; python krb5 reads them with one."""


class Cache:
    """An empty MEMORY cache that is destroyed with this object; whoever has it open goes on with it."""

    def __init__(self) -> None:
        self.context = krb5.init_context()
        self.cache = krb5.cc_new_unique(self.context, b"MEMORY")
        self.name = b"MEMORY:" + (self.cache.name or b"")
        weakref.finalize(self, krb5.cc_destroy, self.context, self.cache)

    def fill(self, principal: Any, tickets: list[Any]) -> None:
        """Hold these tickets of `principal` and no others."""
        krb5.cc_initialize(self.context, self.cache, principal)
        for ticket in tickets:
            krb5.cc_store_cred(self.context, self.cache, ticket)


def cache_of(data: bytes) -> tuple[Cache, str, float | None]:
    """A cache with what `data` (MIT's FILE format) holds, its principal, and when its ticket-granting ticket ends (epoch)."""
    made = Cache()
    with _as_file(data) as path:
        source = krb5.cc_resolve(made.context, b"FILE:" + path)
        principal, tickets = source.principal, list(source)
    if principal is None:
        raise GssError(0, None, "the credential cache names no principal")
    made.fill(principal, tickets)
    ends = [ticket.times.endtime & _UNSIGNED for ticket in tickets if _grants_tickets(ticket.server)]
    return made, written(principal), max(ends) if ends else None


class Keys:
    """A key table: a MEMORY one with the keys of `data`, gone with this object, or the file at `path`, read at each use."""

    def __init__(self, data: bytes, path: str) -> None:
        self.context = krb5.init_context()
        if path:
            self.name = b"FILE:" + os.fsencode(path)
            self.table = krb5.kt_resolve(self.context, self.name)
        else:
            self.name = b"MEMORY:" + secrets.token_hex(16).encode()
            self.table = krb5.kt_resolve(self.context, self.name)
            self._copy(data)
        self.principals = [written(entry.principal) for entry in self.table]
        if not self.principals:
            raise GssError(0, None, "the key table holds no key")

    def spelled(self, principal: str) -> str:
        """The principal as the table writes it, found with its realm or without."""
        for known in self.principals:
            if principal in {known, known.rpartition("@")[0]}:
                return known
        message = f"the key table has no key of {principal}; it has keys of {', '.join(dict.fromkeys(self.principals))}"
        raise GssError(0, None, message)

    def _copy(self, data: bytes) -> None:
        with _as_file(data) as path:
            for entry in krb5.kt_resolve(self.context, b"FILE:" + path):
                krb5.kt_add_entry(self.context, self.table, entry.principal, entry.kvno, entry.timestamp & _UNSIGNED, entry.key)


@contextmanager
def _as_file(data: bytes) -> Iterator[bytes]:
    """A path at which `data` can be read for a moment; the library reads files only, and secrets do not touch the disk."""
    descriptor = os.memfd_create("sspid", os.MFD_CLOEXEC)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(data)
        yield b"/proc/self/fd/%d" % descriptor
    finally:
        os.close(descriptor)


def _grants_tickets(server: Any) -> bool:
    return server is not None and written(server).startswith("krbtgt/")


def written(principal: Any) -> str:
    """A principal as Kerberos writes it; python krb5's own text fails on names that are not UTF-8."""
    name: bytes | None = principal.name
    return (name or b"").decode("utf-8", "replace")
