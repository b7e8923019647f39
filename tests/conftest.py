from __future__ import annotations

from hypothesis import settings

# How long an example takes says nothing on a machine that does other things too.
settings.register_profile("sspid", deadline=None)
settings.load_profile("sspid")
