from __future__ import annotations

import pytest
from hypothesis import settings

# Some of its modules are imported before they are asked for as plugins.
pytest.register_assert_rewrite("sspid_testing")

# How long an example takes says nothing on a machine that does other things too.
settings.register_profile("sspid", deadline=None)
settings.load_profile("sspid")
