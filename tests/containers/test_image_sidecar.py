"""The image as the sidecar of an application in another container, with the guide's configuration."""

from __future__ import annotations

import pytest

from sspid_testing import image

pytestmark = [pytest.mark.interop, pytest.mark.timeout(900)]


def test_an_application_reaches_its_sidecar_over_the_loopback_they_share():
    image.build()
    alone, _ = image.guides_configuration()
    with image.application() as application, image.sidecar(alone, network=f"container:{application}"):
        assert image.inside(application, "sspid", "health", "--target", f"127.0.0.1:{image.PORT}") == "SERVING"
        scrape = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:50052/metrics').read().decode())"
        assert "sspid_calls_total" in image.inside(application, "python3", "-c", scrape)
