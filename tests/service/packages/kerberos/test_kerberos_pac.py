"""KERB_VALIDATION_INFO: what Samba writes is read right, and nothing else than a status comes of anything else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspid.packages.gss import GssFacts
from sspid.packages.kerberos import identity, pac
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

pytestmark = pytest.mark.kerberos
VECTORS = json.loads((Path(__file__).parents[3] / "vectors/kerberos/logon_info.json").read_text("utf-8"))["vectors"]
WHOLE = bytes.fromhex(VECTORS[-1]["data"])


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["comment"] for vector in VECTORS])
def test_what_samba_writes(vector):
    found = pac.read(bytes.fromhex(vector["data"]))
    assert (found.name, found.domain, list(found.sids)) == (vector["name"], vector["domain"], vector["sids"])


def test_an_identity_is_the_pacs():
    found = identity.identity_of(GssFacts("alice@AD.EXAMPLE.TEST", "HTTP/web@AD.EXAMPLE.TEST", b"", 18, WHOLE))
    assert (found.name, found.domain, found.mapped_by) == ("alice", "ADEXAMPLE", "kerberos-pac")
    assert found.sids == tuple(VECTORS[-1]["sids"])


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ("alice@EXAMPLE.TEST", ("alice", "EXAMPLE.TEST")),
        ("HTTP/web@EXAMPLE.TEST", ("HTTP/web", "EXAMPLE.TEST")),
        (r"alice\@upn.test@EXAMPLE.TEST", ("alice@upn.test", "EXAMPLE.TEST")),
        (r"alice\@upn.test", ("alice@upn.test", "")),
        ("alice", ("alice", "")),
        ("", ("", "")),
    ],
)
def test_a_principal_falls_into_name_and_realm(principal, expected):
    assert identity.parts(principal) == expected


def test_every_truncation_is_refused():
    for length in range(len(WHOLE) - 4):
        with pytest.raises(SspiError) as refused:
            pac.read(WHOLE[:length])
        assert refused.value.status is SecurityStatus.SEC_E_INVALID_TOKEN


def outcome(data):
    """The SIDs that were read, or the status that refused them."""
    try:
        return pac.read(data).sids
    except SspiError as refused:
        return refused.status


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_every_changed_byte_is_read_or_refused(at, change):
    found = outcome(WHOLE[:at] + bytes([WHOLE[at] ^ change]) + WHOLE[at + 1 :])
    assert found == SecurityStatus.SEC_E_INVALID_TOKEN or all(sid.startswith("S-") for sid in found)


@given(st.binary(max_size=600))
def test_arbitrary_bytes_are_read_or_refused(data):
    found = outcome(WHOLE[:24] + data)
    assert found == SecurityStatus.SEC_E_INVALID_TOKEN or all(sid.startswith("S-") for sid in found)
