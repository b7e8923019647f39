"""Folders that programs under another user may read, such as Debian's Apache; not pytest's, which are its own user's alone."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter, gone at the end.

    It is not below pytest's folder: opening that one lasts only until the next pytest of this user begins, which shuts it.
    """
    with tempfile.TemporaryDirectory(prefix="web-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
