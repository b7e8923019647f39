"""Whether an address can be listened at, and in which words it is said where it cannot; it leaves the listening to gRPC."""

from __future__ import annotations

import errno
import os
import re
import socket
import stat
from pathlib import Path

LONGEST_PATH = 107
"""Bytes of a Unix socket's path that the kernel takes."""


class TakenError(Exception):
    """An address cannot be listened at; the message says which, why, and what to do."""


def socket_path(address: str) -> Path:
    """The path of "unix:///path" or "unix:/path"."""
    return Path(re.sub("^unix:(//)?", "", address))


def clear_path(path: Path) -> None:
    """Make room for a Unix socket: a folder for it, and gone with what a service left that is no more.

    `TakenError` where a living service or something that is no socket is in the way.
    """
    if len(os.fsencode(path)) > LONGEST_PATH:
        message = (
            f"cannot listen on unix://{path}: the path has {len(os.fsencode(path))} bytes, and {LONGEST_PATH} is the most."
        )
        raise TakenError(message)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _is_stale(path):
            path.unlink()
    except OSError as error:
        message = f"cannot listen on unix://{path}: {error.strerror}; name a path this user may make a socket at."
        raise TakenError(message) from None


def _is_stale(path: Path) -> bool:
    """Whether a socket is there that nobody listens at. `TakenError` where it may not be replaced."""
    try:
        kind = path.lstat().st_mode
    except FileNotFoundError:
        return False
    if not stat.S_ISSOCK(kind):
        message = f"cannot listen on unix://{path}: a file that is no socket is there; move it, or name another path."
        raise TakenError(message)
    with socket.socket(socket.AF_UNIX) as caller:
        caller.setblocking(False)
        answer = caller.connect_ex(os.fspath(path))
    if answer == errno.ECONNREFUSED:
        return True
    message = f"cannot listen on unix://{path}: another service listens there; stop it, or name another path for this one."
    raise TakenError(message)


def refused(address: str, reason: str = "", *, tls: bool = False) -> TakenError:
    """What to raise where gRPC, or the kernel, does not give a TCP address; asks the kernel why where no `reason` is known."""
    host, _, port = address.rpartition(":")
    reason = reason or _kernels_reason(host.strip("[]"), int(port))
    advice = "give the listener another address"
    if reason == os.strerror(errno.EADDRINUSE):
        reason = "another program has the port, perhaps another sspid"
        found = f"`ss -ltnp 'sport = :{port}'` names it"
        advice = f"stop that program ({found}), or give the listener another port in the configuration's [[listeners]]"
    elif reason == os.strerror(errno.EACCES):
        advice = "give the listener a port of 1024 or more, or the service the right to use lower ones"
    elif not reason and tls:
        reason = "gRPC takes no such certificate, key and client_ca"
        advice = "give [listeners.tls] PEM files, and a key that belongs to the certificate"
    return TakenError(f"cannot listen on {address}: {reason or 'gRPC does not say why'}; {advice}.")


def _kernels_reason(host: str, port: int) -> str:
    """Why the kernel gives nobody the address; empty where it would."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(where)
            tried.listen()
    except OSError as error:
        return error.strerror or str(error)
    return ""
