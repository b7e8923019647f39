"""What the operator lets Schannel do beyond sealing; settings that a caller gives with its credential are in `settings`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SchannelPolicy:
    """The answer to ``ReadPolicy("Schannel")``; None there means this type's defaults.

    `hand_out_secrets`: callers may take a context's traffic secrets and seal for themselves.
    """

    hand_out_secrets: bool = False
