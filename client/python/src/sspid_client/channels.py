"""Where the service listens and how the way there is protected; connections are opened by gRPC alone."""

from __future__ import annotations

from dataclasses import dataclass, field

import grpc

DEFAULT_TARGET = "127.0.0.1:50051"

OPTIONS = (
    # The service is this machine's or this network's: an HTTP proxy of the environment is not meant for it.
    ("grpc.enable_http_proxy", 0),
    # A service that restarts is found again within the client's own retries.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 5000),
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The service's address and what TLS to it takes.

    `target` is "host:port" or "unix:///path". `ca` (PEM) holds the roots to trust in place of the system's, `certificate`
    and `key` (PEM) are this caller's own; any of them, or `tls`, turns TLS on. `server_name` replaces the host in what the
    service's certificate must say.
    """

    target: str = DEFAULT_TARGET
    ca: bytes | None = None
    certificate: bytes | None = None
    key: bytes | None = field(default=None, repr=False)
    tls: bool = False
    server_name: str = ""

    @property
    def credentials(self) -> grpc.ChannelCredentials | None:
        """What gRPC needs for TLS; None for a connection in clear. ValueError for a certificate without its key."""
        if (self.certificate is None) != (self.key is None):
            raise ValueError("A client certificate needs its key, and a key its certificate: give both or neither.")
        if not self.tls and self.ca is None and self.certificate is None:
            return None
        return grpc.ssl_channel_credentials(self.ca, self.key, self.certificate)

    @property
    def options(self) -> tuple[tuple[str, str | int], ...]:
        """The channel's options."""
        named = (("grpc.ssl_target_name_override", self.server_name),) if self.server_name else ()
        return (*OPTIONS, *named)
