"""What is TOML and still no configuration: unknown keys, wrong kinds of value, values out of range, missing files."""

from __future__ import annotations

import math
import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from sspid.config import ConfiguredCredential, Listener, Settings

    Problem = tuple[str, str]
    """A key with its tables before it, and what is wrong."""

KINDS: dict[type, tuple[type | tuple[type, ...], str]] = {
    bool: (bool, "true or false"),
    int: (int, "a whole number"),
    float: ((int, float), "a number"),
    str: (str, "a text in quotes"),
    Path: (str, "a path in quotes"),
}
LARGEST = 1_000_000_000
FILES = ("certificate", "key", "pkcs12", "passphrase_file", "password_file", "keytab", "credential_cache")


def misfits(table: Mapping[str, Any], settings_type: type[Any], prefix: str = "") -> Iterator[Problem]:
    """What in a table read from TOML is no key of `settings_type`, or not of the key's kind."""
    hints = get_type_hints(settings_type)
    for name, value in table.items():
        if name in hints:
            yield from _misfit(hints[name], value, f"{prefix}{name}")
        else:
            yield f"{prefix}{name}", no_key(name, hints)


def no_key(name: str, known: Collection[str]) -> str:
    """What is said of an unknown key or variable: the known one that is nearest, too."""
    from difflib import get_close_matches  # noqa: PLC0415  # a service that starts does not wait for it

    near = get_close_matches(name, known, 1, 0.75)
    return f"is no key of sspid{f' (did you mean {near[0]}?)' if near else ''}; see docs/configuration.md."


def _misfit(hint: Any, value: Any, name: str) -> Iterator[Problem]:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is UnionType:
        yield from _misfit(inner[0], value, name)
    elif origin is list and isinstance(value, list):
        for each in value:
            yield from _misfit(inner[0], each, name)
    elif origin is list:
        yield name, f"must be a list, or a table in double brackets, [[{name}]]."
    elif (is_dataclass(hint) or origin is dict) and not isinstance(value, dict):
        yield name, f"must be a table, [{name}]."
    elif is_dataclass(hint):
        yield from misfits(value, hint, f"{name}.")  # type: ignore[arg-type]  # a type: hints hold no instances
    elif origin is dict and inner[1] is not Any:
        for key, each in value.items():
            yield from _misfit(inner[1], each, f"{name}.{key}")
    elif hint in KINDS:
        yield from _unlike(hint, value, name)


def _unlike(hint: type, value: Any, name: str) -> Iterator[Problem]:
    kind, words = KINDS[hint]
    # To Python true is a number as well.
    if not isinstance(value, kind) or (hint is not bool and isinstance(value, bool)):
        yield name, f"must be {words}, and {str(value)[:40]!r} is not."
    elif hint is Path and not value:
        yield name, "is empty; leave the key out where there is none."


def out_of_range(settings: Settings) -> Iterator[Problem]:
    """Keys whose values cannot be meant, beside those that know it themselves."""
    if not 0 <= settings.drain_seconds <= 3600:
        yield "drain_seconds", f"{settings.drain_seconds} is not between 0 and 3600."
    for each in fields(settings.limits):
        value = getattr(settings.limits, each.name)
        least = 0 if each.name == "calls_per_second" else 1
        if not (least <= value <= LARGEST and math.isfinite(value)):
            yield f"limits.{each.name}", f"must be at least {least} and at most {LARGEST}."
    if settings.metrics_address and not is_address(settings.metrics_address):
        yield "metrics_address", f'{settings.metrics_address!r} is no address; write "host:port", or "" for none.'
    yield from _listeners(settings.listeners)


def _listeners(listeners: list[Listener]) -> Iterator[Problem]:
    if not listeners:
        yield "listeners", "there is none, so nobody could call; leave the key out for the default."
    addresses = [each.address for each in listeners if not each.address.endswith(":0")]
    for address in sorted({each for each in addresses if addresses.count(each) > 1}):
        yield address, "is listed twice."


def is_address(address: str) -> bool:
    """Whether it is "host:port"."""
    found = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^\s\[\]:]+):(\d{1,5})", address)
    return found is not None and int(found[2]) <= 65535


def missing_files(settings: Settings) -> Iterator[Problem]:
    """Files that are read at the start and cannot be."""
    for listener in settings.listeners:
        if listener.tls is not None:
            for each in fields(listener.tls):
                yield from _unreadable(f"listeners.tls.{each.name}", getattr(listener.tls, each.name))
    yield from _unreadable("trust_anchors", settings.trust_anchors)


def missing_credentials(settings: Settings) -> Iterator[Problem]:
    """Files that are read when a caller names the credential, and cannot be; credentials that are none."""
    for name, credential in settings.credentials.items():
        for each in (*FILES, "ocsp_response"):
            yield from _unreadable(f"credentials.{name}.{each}", getattr(credential, each))
        if not _is_some(credential):
            yield f"credentials.{name}", "holds no credential; give it a certificate and key, pkcs12, user, keytab or cache."


def _is_some(credential: ConfiguredCredential) -> bool:
    return bool(credential.user) or any(getattr(credential, each) is not None for each in FILES)


def _unreadable(name: str, path: Path | None) -> Iterator[Problem]:
    if path is None:
        return
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        yield name, f"{path} cannot be read: {error.strerror}."
