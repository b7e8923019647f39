"""One real service for the client's tests, and one TLS server that it did not write."""

from __future__ import annotations

import pytest

from sspid_testing import openssl, server


@pytest.fixture(scope="session")
def service(tmp_path_factory):
    """A running sspid with its embedded default."""
    with server.running(tmp_path_factory.mktemp("sspid")) as running:
        yield running


@pytest.fixture
def tls_server(service):
    """`openssl s_server`, one connection at a time, with the demo certificate for "localhost"; it answers lines backwards."""
    with openssl.s_server(service.server_certificate, service.server_key, "-rev") as peer:
        yield peer
