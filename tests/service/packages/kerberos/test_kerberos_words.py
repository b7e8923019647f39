"""Kerberos' small words: flags in GSS-API's bits, Windows users as principals, bindings in five parts, packed contexts."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspid.packages.catalog import Catalog
from sspid.packages.contract import CredentialRequest
from sspid.packages.kerberos import bindings, flags, package
from sspid.packages.kerberos.credential import principal_of
from sspid.vocabulary import channel_bindings
from sspid.vocabulary.buffers import BufferType, SecurityBuffer
from sspid.vocabulary.credentials import CredentialUse, Password
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import NO_FLAGS, ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing.world import FixedWorld

pytestmark = pytest.mark.kerberos
F = ContextFlag


@pytest.mark.parametrize(
    ("asked", "bits"),
    [
        (set(), 0),
        ({F.MUTUAL_AUTH}, 0x2),
        ({F.REPLAY_DETECT}, 0x24),
        ({F.SEQUENCE_DETECT}, 0x28),
        ({F.CONFIDENTIALITY}, 0x30),
        ({F.CONFIDENTIALITY, F.CONFIDENTIALITY_ONLY}, 0x10),
        ({F.REPLAY_DETECT, F.NO_INTEGRITY}, 0x4),
        ({F.INTEGRITY, F.NO_INTEGRITY}, 0),
        ({F.USE_DCE_STYLE}, 0x1002),
        ({F.IDENTIFY}, 0x2000),
        ({F.EXTENDED_ERROR}, 0x4000),
        ({F.DELEGATE}, 0),
        ({F.DELEGATE, F.MUTUAL_AUTH}, 0x8002),
    ],
)
def test_requested(asked, bits):
    assert flags.requested(frozenset(asked)) == bits


def test_granted():
    asked = frozenset({F.ALLOCATE_MEMORY, F.DELEGATE, F.CONFIDENTIALITY})
    assert flags.granted(0, asked) == {F.ALLOCATE_MEMORY}
    assert flags.granted(0x1 | 0x2 | 0x30, NO_FLAGS) == {F.DELEGATE, F.MUTUAL_AUTH, F.CONFIDENTIALITY, F.INTEGRITY}


@pytest.mark.parametrize(
    ("user", "domain", "principal"),
    [
        ("alice", "", "alice"),
        ("alice", "example.test", "alice@EXAMPLE.TEST"),
        ("alice@example.test", "", "alice@EXAMPLE.TEST"),
        ("EXAMPLE\\alice", "", "alice@EXAMPLE"),
        ("alice@upn.test", "EXAMPLE", "alice\\@upn.test@EXAMPLE"),
    ],
)
def test_principal_of(user, domain, principal):
    assert principal_of(user, domain) == principal


def test_bindings_in_five_parts():
    assert bindings.parts(()) is None
    blob = channel_bindings.pack(b"tls-unique:x")
    found = bindings.parts((SecurityBuffer(BufferType.CHANNEL_BINDINGS, blob),))
    assert found is not None
    assert (found.initiator_type, found.initiator, found.acceptor_type, found.acceptor) == (0, b"", 0, b"")
    assert found.data == b"tls-unique:x"


def outcome(blob):
    """None where the bindings were read, else the status that refused them."""
    try:
        bindings.parts((SecurityBuffer(BufferType.CHANNEL_BINDINGS, blob),))
    except SspiError as refused:
        return refused.status
    return None


@given(st.binary(max_size=80))
def test_arbitrary_bindings_are_read_or_refused(blob):
    assert outcome(blob) in {None, SecurityStatus.SEC_E_INVALID_TOKEN}


def test_a_service_without_the_library_says_so_and_goes_on(monkeypatch):
    monkeypatch.setitem(sys.modules, "gssapi", None)
    found = Catalog().find("kerberos")
    assert found is not None
    lacking = found.readiness()
    assert "apt-get install libkrb5-dev" in lacking
    assert "pip install 'sspid[kerberos]'" in lacking
    with pytest.raises(SspiError) as refused:
        FixedWorld().run(
            package().acquire_credentials_handle(CredentialRequest(CredentialUse.OUTBOUND, Password("alice", "X", "y")))
        )
    assert refused.value.status is SecurityStatus.SEC_E_SECPKG_NOT_FOUND
    negotiate = Catalog().find("negotiate")
    assert negotiate is not None
    assert negotiate.readiness() == ""


@given(st.binary(max_size=120))
def test_arbitrary_packed_contexts_are_refused(packed):
    from sspid_testing.kerberos import a_world

    with pytest.raises(SspiError) as refused:
        a_world().run(package().import_security_context(packed))
    assert refused.value.status is SecurityStatus.SEC_E_INVALID_TOKEN
