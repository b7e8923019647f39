"""The origin of a URL (RFC 6454): whom a logon is meant for; nothing else of the URL."""

from __future__ import annotations

from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


def of(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port. ValueError for a URL whose port is no number."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(scheme, 0)
