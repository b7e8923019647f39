"""The account import's parsers fed with anything: only AccountsError may leave them. Run with atheris, replayed by pytest.

The first byte of an input chooses what reads the rest.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__":
    _TREE = Path(__file__).parents[2]
    sys.path[:0] = [str(_TREE / "service/src"), str(_TREE / "tests/support")]
    import atheris

    with atheris.instrument_imports(include=["sspid.broker.world.accounts"]):
        import sspid.broker.world.accounts.formats  # noqa: F401 - imported here to be instrumented

from sspid.broker.world.accounts import formats
from sspid.broker.world.accounts.certificates import mappings_of, read_pem
from sspid.broker.world.accounts.errors import AccountsError

if TYPE_CHECKING:
    from collections.abc import Callable


def _line(kind: str) -> Callable[[bytes], None]:
    """What was read is a whole account, and comes back when it is written and read again."""

    def read(data: bytes) -> None:
        draft = formats.read_line(data.decode("utf-8", "surrogateescape"), kind)
        record = draft.record
        assert record.name
        assert all(char.isprintable() or ord(char) > 127 for char in record.name + record.domain + record.upn)
        assert record.nt_hash is None or len(record.nt_hash) == 16
        again = formats.read_line(formats.write_line(record, secrets=True), "json")
        assert again.record == replace(record, password=None)

    return read


def _lines(data: bytes) -> None:
    """Every line is an account or a sentence, whatever stood before it."""
    text = data.decode("utf-8", "replace")
    for number, found in formats.read(text.split("\n")):
        assert number >= 1
        assert isinstance(found, (formats.Draft, AccountsError))


def _certificate(data: bytes) -> None:
    for mapping in mappings_of(data):
        assert mapping.value


TARGETS: list[Callable[[bytes], object]] = [
    _line(""),
    _line("json"),
    _line("smbpasswd"),
    _line("htdigest"),
    _lines,
    _certificate,
    read_pem,
]


def one_input(data: bytes) -> None:
    """Feed one input."""
    if data:
        with suppress(AccountsError):
            TARGETS[data[0] % len(TARGETS)](data[1:])


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
