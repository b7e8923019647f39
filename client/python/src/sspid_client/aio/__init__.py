"""The asyncio side of sspid_client: the same names as the blocking side, awaited; everything else is imported from there."""

from sspid_client.aio.client import Client, Context, Credential, Peer
from sspid_client.aio.stream import StreamPeer, TlsStream

__all__ = ["Client", "Context", "Credential", "Peer", "StreamPeer", "TlsStream"]
