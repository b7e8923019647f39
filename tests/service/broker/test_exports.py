from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspid.broker.exports import Exports
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

KEY = bytes(range(32))


def exports() -> Exports:
    return Exports(lambda: KEY)


def refused(caller: str, package: str, sealed: bytes, key: bytes = KEY) -> None:
    with pytest.raises(SspiError) as caught:
        Exports(lambda: key).open(caller, package, sealed)
    assert caught.value.status is SecurityStatus.SEC_E_INVALID_TOKEN


@given(st.binary(max_size=300), st.sampled_from(["initiator", "acceptor"]))
def test_what_was_sealed_opens_for_the_same_caller_and_package(packed: bytes, role: str) -> None:
    sealed = exports().seal("alice", "NTLM", role, packed)
    assert exports().open("alice", "NTLM", sealed) == (role, packed)


def test_another_caller_package_or_key_opens_nothing() -> None:
    sealed = exports().seal("alice", "NTLM", "initiator", b"state")
    refused("bob", "NTLM", sealed)
    refused("alice", "Kerberos", sealed)
    refused("alice", "NTLM", sealed, key=bytes(32))


@given(st.binary(max_size=64))
def test_bytes_that_were_never_sealed_open_nothing(junk: bytes) -> None:
    refused("alice", "NTLM", junk)


@given(st.integers(0, 10_000))
def test_no_changed_bit_passes(position: int) -> None:
    sealed = bytearray(exports().seal("alice", "NTLM", "initiator", b"state"))
    bit = position % (len(sealed) * 8)
    sealed[bit // 8] ^= 1 << bit % 8
    refused("alice", "NTLM", bytes(sealed))


def test_nothing_of_the_state_shows_in_the_seal() -> None:
    assert b"session key" not in exports().seal("alice", "NTLM", "initiator", b"session key" * 3)
