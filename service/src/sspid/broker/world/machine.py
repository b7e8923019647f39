"""Answers DescribeMachine: the names the operator gave, or those of this host; no name is looked up in the network."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

from sspid.packages.questions import Machine

if TYPE_CHECKING:
    from sspid.packages.questions import DescribeMachine

_NETBIOS: Final = 15


class ThisMachine:
    """The names, put together once. What is empty in `given` comes from the host name."""

    def __init__(self, given: Machine) -> None:
        host = given.dns_computer or socket.gethostname()
        label, _, suffix = host.partition(".")
        self.machine = Machine(
            given.computer or label[:_NETBIOS].upper() or "SSPID",
            given.domain,
            given.dns_computer or host,
            given.dns_domain or suffix,
            given.dns_tree,
        )

    def describe(self, question: DescribeMachine, caller: str) -> Machine:
        """Return the names."""
        del question, caller
        return self.machine
