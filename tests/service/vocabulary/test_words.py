from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sspid.vocabulary import flags
from sspid.vocabulary.buffers import BufferType, SecurityBuffer, find, token, token_in
from sspid.vocabulary.credentials import CertificateAndKey, CredentialUse, Keytab, NtHash, Password
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import RETURNED, SecurityStatus


def test_error_and_information_twins_keep_their_own_numbers() -> None:
    assert (SecurityStatus.SEC_E_CONTEXT_EXPIRED, SecurityStatus.SEC_I_CONTEXT_EXPIRED) == (0x80090317, 0x00090317)
    assert (SecurityStatus.SEC_E_INCOMPLETE_CREDENTIALS, SecurityStatus.SEC_I_INCOMPLETE_CREDENTIALS) == (
        0x80090320,
        0x00090320,
    )
    assert SecurityStatus.SEC_E_INVALID_HANDLE.value == 0x80090301, "the documents' 0x80100003 is a smart card's"
    assert SecurityStatus.SEC_E_POLICY_NLTM_ONLY.value == 0x8009035F, "the header's own spelling"


def test_only_what_a_caller_loops_on_is_returned() -> None:
    errors = {status for status in RETURNED if status >= 0x80000000}
    assert errors == {SecurityStatus.SEC_E_INCOMPLETE_MESSAGE}


def test_the_roles_share_names_and_not_bits() -> None:
    for name, initiator, acceptor in (
        ("EXTENDED_ERROR", 0x4000, 0x8000),
        ("STREAM", 0x8000, 0x10000),
        ("INTEGRITY", 0x10000, 0x20000),
    ):
        flag = ContextFlag[name]
        assert flags.to_bits([flag], flags.ISC_REQ) == initiator
        assert flags.to_bits([flag], flags.ASC_REQ) == acceptor
        assert flags.from_bits(initiator, flags.ISC_REQ) == flags.from_bits(acceptor, flags.ASC_REQ) == {flag}


@given(st.integers(0, 2**40 - 1), st.sampled_from([flags.ISC_REQ, flags.ISC_RET, flags.ASC_REQ, flags.ASC_RET]))
def test_bits_with_a_name_survive_and_others_are_dropped(bits: int, table: dict[int, ContextFlag]) -> None:
    known = sum(bit for bit in table if bits & bit)
    assert flags.to_bits(flags.from_bits(bits, table), table) == known


def test_buffers_are_found_by_type() -> None:
    data = SecurityBuffer(BufferType.DATA, b"d")
    assert find((data, token(b"t")), BufferType.TOKEN) == token(b"t")
    assert find((data,), BufferType.TOKEN) is None
    assert token_in((data, token(b"t"))) == b"t"
    assert token_in((data,)) == b""


def test_no_repr_shows_a_secret() -> None:
    for secret in (
        Password("u", "d", "hunter2"),
        NtHash("u", "d", b"hunter2"),
        Keytab(data=b"hunter2"),
        CertificateAndKey(key_pem=b"hunter2", pkcs12=b"hunter2", passphrase="hunter2"),
        token(b"hunter2"),
    ):
        assert "hunter2" not in repr(secret)


def test_both_is_inbound_and_outbound() -> None:
    assert CredentialUse.BOTH.inbound
    assert CredentialUse.BOTH.outbound
    assert not CredentialUse.INBOUND.outbound
    assert not CredentialUse.OUTBOUND.inbound
