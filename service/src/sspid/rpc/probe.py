"""Asks a running service how it is, for health checks of containers; not the service's side of health."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

if TYPE_CHECKING:
    from pathlib import Path

PROBE_SECONDS = 5.0


def health(target: str, ca: Path | None, certificate: Path | None, key: Path | None, service: str) -> str:
    """SERVING, NOT_SERVING ..., or why there was no answer."""
    with _channel(target, ca, certificate, key) as channel:
        try:
            request = health_pb2.HealthCheckRequest(service=service)
            answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=PROBE_SECONDS)
        except grpc.RpcError as error:
            return f"no answer from {target}: {error.code().name} {error.details()}"
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))


def _channel(target: str, ca: Path | None, certificate: Path | None, key: Path | None) -> grpc.Channel:
    if ca is None:
        return grpc.insecure_channel(target)
    credentials = grpc.ssl_channel_credentials(
        ca.read_bytes(), key.read_bytes() if key else None, certificate.read_bytes() if certificate else None
    )
    return grpc.secure_channel(target, credentials)
