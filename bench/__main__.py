"""Runs every bench of this folder, prints a table and writes the results as JSON."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "tests" / "support"))

import measure  # noqa: E402  # after the path

if TYPE_CHECKING:
    from measure import Row

BENCHES = (
    "schannel",
    "records",
    "messages",
    "memory",
    "instructions",
    "ntlm",
    "negotiate",
    "kerberos",
    "credssp",
    "digest",
    "accept_taxes",
    "credssp_taxes",
)
"""Modules with a function `rows`, in the order they run; those that are not there are passed over."""


def main() -> None:
    """Run what was asked for."""
    arguments = _arguments()
    measure.pin()
    results: list[Row] = []
    for name in arguments.only or BENCHES:
        if (HERE / f"{name}.py").exists():
            for row in importlib.import_module(name).rows():
                print(_line(row), flush=True)
                results.append(row)
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(json.dumps({"results": [row.as_json() for row in results]}, indent=1) + "\n", "utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, help="write the results there")
    parser.add_argument("--only", nargs="*", choices=BENCHES, help="these benches alone")
    return parser.parse_args()


def _line(row: Row) -> str:
    floor = "" if row.floor is None else f"{row.floor:12.1f}{row.ratio:8.2f}  {row.peer}"
    return f"{row.name:44}{row.value:12.1f} {row.unit:<6}{floor}"


if __name__ == "__main__":
    main()
