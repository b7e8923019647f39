"""Which SSPID_* variables are keys of the configuration, and what is said of those that are none; it reads no values in."""

from __future__ import annotations

import re
from dataclasses import is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from sspid.config_checks import no_key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

PREFIX = "SSPID_"
CONFIG_FILE = "SSPID_CONFIG"
FILE_ONLY = {"listeners": "[[listeners]]", "credentials": "[credentials.NAME]", "policy": "[policy.PACKAGE]"}
"""Tables whose parts have no fixed names or number, so that no variable could name them."""
ORCHESTRATORS = re.compile(
    r"\w+_SERVICE_HOST=.*|\w+_SERVICE_PORT(_\w+)?=.*|\w+_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?=.*|\w+_PORT=(tcp|udp|sctp)://.*"
)
"""What Kubernetes, and Docker's links, set by themselves for a service that is called sspid or sspid-something.

SSPID_PORT=tcp://10.0.0.7:50051 is theirs; SSPID_PORT=50051 is somebody who wants another port.
"""


def strangers(environment: Mapping[str, str], settings_type: type[Any]) -> Iterator[tuple[str, str]]:
    """Variables that begin with SSPID_ and that the service would not read, and what is wrong with each."""
    given = {name: value for name, value in environment.items() if name.startswith(PREFIX) and name != CONFIG_FILE}
    variables = {variable(key): kind for key, kind in _keys(settings_type)} if given else {}
    for name, value in sorted(given.items()):
        if name not in variables:
            if not ORCHESTRATORS.fullmatch(f"{name}={value}"):
                yield name, _unknown(name, variables)
        elif not value and Path in (variables[name], *get_args(variables[name])):
            yield name, "is an empty path; leave the variable unset where there is none."


def variable(key: str) -> str:
    """The variable of a key: SSPID_LIMITS_IDLE_SECONDS of "limits.idle_seconds"."""
    return PREFIX + key.replace(".", "_").upper()


def _keys(settings_type: type[Any], table: str = "") -> Iterator[tuple[str, Any]]:
    """Every key that a variable can name, and its type."""
    for name, kind in get_type_hints(settings_type).items():
        if is_dataclass(kind):
            yield from _keys(kind, f"{table}{name}.")  # type: ignore[arg-type]  # a type: hints hold no instances
        elif table or name not in FILE_ONLY:
            yield f"{table}{name}", kind


def _unknown(name: str, variables: Collection[str]) -> str:
    table = name.removeprefix(PREFIX).lower()
    for key, written in FILE_ONLY.items():
        if table == key or table.startswith(f"{key}_"):
            return f"is no variable; {key} stand in the file that --config or {CONFIG_FILE} names, as {written}."
    return (
        f"{no_key(name.upper(), variables)} What begins with {PREFIX} is the service's; call a variable of your own otherwise."
    )
