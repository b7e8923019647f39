"""Our initiator's verdict on a certificate, with a root of its own: refused, or accepted; which test wants which, they say."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from sspid.vocabulary.buffers import token_in
from sspid.vocabulary.errors import SspiError
from sspid_testing import issuing, tls

if TYPE_CHECKING:
    from sspid.vocabulary.credentials import CertificateAndKey


@cache
def root() -> issuing.Authority:
    """The root of a test run."""
    return issuing.Authority("test root")


def refused(
    certificate: CertificateAndKey, version: str = "TLSv1.3", *, client: tls.End | None = None, **changes: Any
) -> Any:  # an SspiError with its detail
    """Our initiator refuses this server certificate with the error returned, and our acceptor hears the same alert."""
    client = client or tls.client(protocols=(version,), **({"trust_anchors_pem": root().pem} | changes))
    server = tls.server(None, certificate, protocols=(version,), cipher_list=changes.get("cipher_list", ""))
    with pytest.raises(SspiError) as caught:
        tls.shake(client, server)
    with pytest.raises(SspiError) as theirs:
        server.leg(token_in(caught.value.output))
    assert theirs.value.detail is not None
    assert caught.value.detail is not None
    assert theirs.value.detail.alert == caught.value.detail.alert
    return caught.value


def accepted(certificate: CertificateAndKey, version: str = "TLSv1.3", **changes: Any) -> tuple[tls.End, tls.End]:
    """Our initiator and our acceptor with this certificate, established."""
    client = tls.client(protocols=(version,), **({"trust_anchors_pem": root().pem} | changes))
    server = tls.server(None, certificate, protocols=(version,))
    tls.shake(client, server)
    return client, server
