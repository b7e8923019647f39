"""What both roles do alike with TSRequests: hold the peer to its version, answer, and tell it of a failure; no role's legs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sspid.packages.contract import Leg, Step
from sspid.packages.credssp import failures, messages
from sspid.packages.credssp.flags import granted
from sspid.packages.credssp.messages import TsRequest
from sspid.packages.silent import Silent
from sspid.vocabulary.buffers import extra, token
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.contract import State
    from sspid.packages.credssp.channel import Channel, Received
    from sspid.packages.credssp.policy import CredSspPolicy


class Versions(Silent, frozen=True):
    """`own` is what we send; `peer` what the peer sent first, None before its first message."""

    own: int
    lowest: int
    peer: int | None = None

    @classmethod
    def of(cls, policy: CredSspPolicy) -> Versions:
        """The versions that policy lets us speak."""
        return cls(policy.maximum_version, policy.minimum_version)

    @property
    def agreed(self) -> int:
        """The version both speak: an unknown higher one counts as our own highest ([MS-CSSP] 2.2.1)."""
        return self.own if self.peer is None else min(self.own, self.peer)

    @property
    def peer_reads_error_code(self) -> bool:
        """Whether the peer can be told of a failure in a TSRequest."""
        return self.peer is not None and failures.carries_error_code(self.agreed)

    def met(self, version: int) -> Versions:
        """Take the version of a message from the peer, which may not change between messages (a downgrade)."""
        if self.peer not in (None, version):
            message = (
                f"The peer began with CredSSP version {self.peer} and went on with {version}: somebody may have altered it."
            )
            raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, message)
        return self if self.peer == version else Versions(self.own, self.lowest, version)

    def require_lowest(self) -> None:
        """SEC_E_UNSUPPORTED_FUNCTION for a peer below the floor that policy sets."""
        if self.agreed < self.lowest:
            message = (
                f"The peer speaks CredSSP version {self.peer} and policy wants at least {self.lowest} (CVE-2018-0886); "
                "update the peer, or lower minimum_version of [policy.credssp]."
            )
            raise SspiError(SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, message)


def waiting(state: State, leg: Leg, received: Received, *, server: bool) -> Step:
    """Part of a TSRequest was consumed: nothing to send until the rest comes."""
    return going_on(state, leg, received.owed, received.left, server=server)


def going_on(state: State, leg: Leg, output: bytes, left: int, *, server: bool) -> Step:
    """SEC_I_CONTINUE_NEEDED. The token may be empty; the peer may need one all the same."""
    return Step(
        SecurityStatus.SEC_I_CONTINUE_NEEDED,
        state,
        output=(token(output),),
        input=(extra(left),) if left else (),
        granted=granted(leg.flags, server=server),
    )


async def told(failure: SspiError, channel: Channel, versions: Versions, leg: Leg, *, server: bool) -> SspiError:
    """The failure with what the peer is told, where EXTENDED_ERROR was asked: errorCode, or a TLS alert."""
    if ContextFlag.EXTENDED_ERROR not in leg.flags or failure.output:
        return failure
    try:
        if server and versions.peer_reads_error_code:
            output = await channel.send(messages.write(TsRequest(versions.own, error_code=failures.error_code(failure))))
        else:
            output = await channel.alert(failures.alert_for(failure))
    except SspiError:
        # The connection is closed already, often by the very alert that failed this leg.
        return failure
    if not output:
        return failure
    granted_now = frozenset({ContextFlag.EXTENDED_ERROR})
    return SspiError(failure.status, failure.message, detail=failure.detail, output=(token(output),), granted=granted_now)
