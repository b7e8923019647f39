from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import structlog
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# Some of its modules are imported before they are asked for as plugins.
pytest.register_assert_rewrite("sspid_testing")

# How long an example takes says nothing on a machine that does other things too.
settings.register_profile("sspid", deadline=None)
settings.load_profile("sspid")


@pytest.fixture(autouse=True)
def _unconfigured_logs() -> Iterator[None]:
    """structlog as it was: what a test configures writes to that test's standard error, which closes with it."""
    yield
    structlog.reset_defaults()
