"""Handing out a context's traffic secrets, once and where the operator's policy allows: from then on only the caller seals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sspid.packages.questions import ReadPolicy
from sspid.packages.schannel.policy import SchannelPolicy
from sspid.packages.schannel.protection import release
from sspid.packages.schannel.settings import VERSION_NAMES
from sspid.vocabulary.attributes import TrafficSecrets
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.schannel.established_state import Established


async def traffic_secrets(state: Established) -> TrafficSecrets:
    """The secrets as the next record needs them; TLS 1.2's are key and IV joined. Attributes still answer afterwards."""
    policy = await ReadPolicy("Schannel") or SchannelPolicy()
    if not policy.hand_out_secrets:
        raise SspiError(
            SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION,
            "The operator's policy lets no caller take traffic secrets; it is hand_out_secrets of the Schannel policy.",
        )
    if state.write_closed or state.read_closed or state.pending is not None:
        raise SspiError(
            SecurityStatus.SEC_E_CONTEXT_EXPIRED,
            "The secrets were handed out before, the connection is closed, or a handshake message waits for a leg.",
        )
    release(state)
    records = state.records
    if records is None:
        raise SspiError(SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, "This cipher suite's secrets cannot leave OpenSSL.")
    given = TrafficSecrets(
        VERSION_NAMES[state.version],
        records.number,
        records.write.secret,
        records.read.secret,
        records.write.sequence,
        records.read.sequence,
    )
    state.write_closed = state.read_closed = True
    records.write.replace(b"")
    records.read.replace(b"")
    return given
