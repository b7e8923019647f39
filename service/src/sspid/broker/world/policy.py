"""Answers ReadPolicy: the operator's tables made into each package's own policy type; what a policy means is the package's."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import timedelta
from enum import Enum
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

from sspid.packages.catalog import PACKAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sspid.packages.questions import ReadPolicy

Table = Mapping[str, Any]
CALLERS = "callers"


class PolicyError(Exception):
    """A policy table cannot be used; `key` is the name that is wrong."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


class Policies:
    """`tables`: [policy.PACKAGE] and [policy.callers."CALLER".PACKAGE]; the caller's keys go before the package's."""

    def __init__(self, tables: Table) -> None:
        self._general = _folded({name: table for name, table in tables.items() if name != CALLERS})
        callers = _table(CALLERS, tables.get(CALLERS, {}))
        self._callers = {caller: _folded(_table(caller, own)) for caller, own in callers.items()}
        self._made = {(caller, package): self._make(caller, package) for caller, package in self._wanted()}

    def _wanted(self) -> Iterator[tuple[str, str]]:
        yield from (("", package) for package in self._general)
        yield from ((caller, package) for caller, own in self._callers.items() for package in own)

    def _make(self, caller: str, package: str) -> Any:
        return build(package, {**self._general.get(package, {}), **self._callers.get(caller, {}).get(package, {})})

    def read(self, question: ReadPolicy, caller: str) -> Any:
        """The package's policy for this caller; None where the operator said nothing."""
        package = question.package.casefold()
        return self._made.get((caller, package)) or self._made.get(("", package))


def policy_type(package: str) -> type[Any]:
    """The policy dataclass of a package: the one in its folder's `policy` module. `PolicyError` where there is none."""
    name = f"sspid.packages.{package}.policy"
    if package not in PACKAGES or find_spec(name) is None:
        raise PolicyError(package, f"{package!r} is no package with a policy.")
    module = import_module(name)
    for found in vars(module).values():
        if isinstance(found, type) and is_dataclass(found) and found.__module__ == name and found.__name__.endswith("Policy"):
            return found
    raise PolicyError(package, f"the package {package!r} has no policy.")


def build(package: str, table: Table) -> Any:
    """The package's policy with the table's values. `PolicyError` for an unknown key or a value of another type."""
    made = policy_type(package)
    hints = get_type_hints(made)
    known = {each.name for each in fields(made)}
    for key in table:
        if key not in known:
            raise PolicyError(key, f"{key} is no key of [policy.{package}]; it has {', '.join(sorted(known))}.")
    values = {key: _converted(key, value, hints[key]) for key, value in table.items()}
    try:
        return made(**values)
    except ValueError as error:
        raise PolicyError(package, f"[policy.{package}]: {error}.") from None


def documented() -> Iterator[tuple[str, str, str]]:
    """Key, default and what may be given of every policy there is, for docs/policy.md."""
    for folder in sorted(PACKAGES):
        if find_spec(f"sspid.packages.{folder}.policy") is not None:
            made = policy_type(folder)
            hints = get_type_hints(made)
            for each in fields(made):
                yield f"policy.{folder}.{each.name}", _shown(each), _described(hints[each.name])


def _shown(each: Any) -> str:
    default = each.default if each.default is not MISSING else each.default_factory()
    if isinstance(default, Enum):
        return str(default.value)
    if isinstance(default, timedelta):
        return f"{default.total_seconds():g}"
    if isinstance(default, (frozenset, tuple)):
        return str(sorted(default) if isinstance(default, frozenset) else list(default))
    if default == "":
        return '""'
    return {True: "true", False: "false"}.get(default, str(default)) if isinstance(default, bool) else str(default)


def _described(hint: Any) -> str:
    if get_origin(hint) in {Union, types.UnionType}:
        return " or unset, ".join(_described(part) for part in get_args(hint) if part is not types.NoneType) + " or unset"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "one of " + ", ".join(f'"{each.value}"' for each in hint)
    return {bool: "true or false", timedelta: "seconds", int: "a whole number", float: "a number", str: "a text"}.get(
        hint, "a list of texts"
    )


def _converted(key: str, value: Any, hint: Any) -> Any:
    if get_origin(hint) in {Union, types.UnionType}:
        return _one_of(key, value, get_args(hint))
    if get_origin(hint) in {frozenset, tuple}:
        return _collection(key, value, get_origin(hint))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _member(key, value, hint)
    if hint is timedelta and isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e9:
        return timedelta(seconds=value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint in {bool, int, str, float} and type(value) is hint:
        return value
    raise PolicyError(key, f"{key} must be {_described(hint)} and not {value!r}.")


def _one_of(key: str, value: Any, hints: tuple[Any, ...]) -> Any:
    refusal = PolicyError(key, f"{key} cannot be {value!r}.")
    for hint in hints:
        if hint is not types.NoneType:
            try:
                return _converted(key, value, hint)
            except PolicyError as error:
                refusal = error
    raise refusal


def _collection(key: str, value: Any, made: Any) -> Any:
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) for each in value):
        raise PolicyError(key, f"{key} must be a list of texts and not {value!r}.")
    # A set holds names, which packages compare without case; a tuple is an order of preference, as its package writes it.
    return frozenset(each.casefold() for each in value) if made is frozenset else tuple(value)


def _member(key: str, value: Any, hint: type[Enum]) -> Enum:
    for each in hint:
        if isinstance(value, str) and value.casefold() in {str(each.value).casefold(), each.name.casefold()}:
            return each
    raise PolicyError(key, f"{key} must be {_described(hint)} and not {value!r}.")


def _table(name: str, value: Any) -> Table:
    if not isinstance(value, Mapping):
        raise PolicyError(name, f"{name} must be a table and not {value!r}.")
    return value


def _folded(tables: Table) -> dict[str, Table]:
    return {name.casefold(): _table(name, table) for name, table in tables.items()}
