"""Hashes, responses and keys of [MS-NLMP] 3.3 and 3.4.5 as functions of bytes; no message formats and no state."""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography.hazmat.primitives.hashes import MD5
from cryptography.hazmat.primitives.hmac import HMAC

from sspid.crypto.decrepit.des import des_block, des_long, spread
from sspid.crypto.decrepit.md4 import md4
from sspid.packages.ntlm import negotiate_flags as nf

_LM_MAGIC: Final = b"KGS!@#$%"
_MAGIC: Final = b"session key to %s %s key magic constant\0"
_SIGN_MAGIC: Final = (_MAGIC % (b"client-to-server", b"signing"), _MAGIC % (b"server-to-client", b"signing"))
_SEAL_MAGIC: Final = (_MAGIC % (b"client-to-server", b"sealing"), _MAGIC % (b"server-to-client", b"sealing"))


_MD5: Final = MD5()  # noqa: S303  # it is what NTLM has


def keyed_md5(key: bytes) -> HMAC:
    """HMAC-MD5 under a key; copies of it each take a message, which costs a third of beginning anew."""
    return HMAC(key, _MD5)


def hmac_md5(key: bytes, message: bytes) -> bytes:
    """HMAC-MD5 of one message; `cryptography` takes two thirds of the time of the standard library's."""
    mac = HMAC(key, _MD5)
    mac.update(message)
    return mac.finalize()


def upper(name: str) -> str:
    """Return `name` in Windows' upper case: one character stays one character."""
    if name.isascii():
        return name.upper()
    return "".join(up if len(up := char.upper()) == 1 else char for char in name)


def nt_hash(password: str) -> bytes:
    """NTOWFv1: 16 bytes."""
    return md4(password.encode("utf-16-le", "surrogatepass"))


def lm_hash(password: str) -> bytes:
    """LMOWFv1: 16 bytes, of the first 14 characters in OEM upper case."""
    oem = upper(password).encode("cp437", "replace")[:14].ljust(14, b"\0")
    return des_block(spread(oem[:7]), _LM_MAGIC) + des_block(spread(oem[7:]), _LM_MAGIC)


def ntlmv2_hash(nt_owf: bytes, user: str, domain: str) -> bytes:
    """NTOWFv2: the user in upper case, the domain as it was sent."""
    return hmac_md5(nt_owf, (upper(user) + domain).encode("utf-16-le", "surrogatepass"))


def ntlmv2_temp(time: bytes, client_challenge: bytes, av_pairs: bytes) -> bytes:
    """Return the part of an NTLMv2 response that the client chooses; `av_pairs` with their EOL ([MS-NLMP] 3.3.2)."""
    return b"\x01\x01\0\0\0\0\0\0" + time + client_challenge + b"\0\0\0\0" + av_pairs + b"\0\0\0\0"


def proof(response_key: bytes, server_challenge: bytes, rest: bytes) -> bytes:
    """NTProofStr over `rest` = temp, or an LMv2 response's first half over `rest` = client challenge."""
    return hmac_md5(response_key, server_challenge + rest)


def session_base_key_v2(response_key: bytes, proof_string: bytes) -> bytes:
    """Return an NTLMv2 session base key, which is its key exchange key too."""
    return hmac_md5(response_key, proof_string)


def ntlmv1_response(owf: bytes, server_challenge: bytes) -> bytes:
    """Return 24 bytes: the NT response under NTOWFv1, the LM response under LMOWFv1."""
    return des_long(owf, server_challenge)


def ntlmv1_extended_challenge(server_challenge: bytes, client_challenge: bytes) -> bytes:
    """Return the challenge that NTLMv1 answers under extended session security."""
    return hashlib.md5(server_challenge + client_challenge, usedforsecurity=False).digest()[:8]


def session_base_key_v1(nt_owf: bytes) -> bytes:
    """Return the MD4 of the NT hash."""
    return md4(nt_owf)


def key_exchange_key_v1(
    flags: int, session_base_key: bytes, lm_response: bytes, server_challenge: bytes, lm_owf: bytes = bytes(16)
) -> bytes:
    """KXKEY for NTLMv1 ([MS-NLMP] 3.4.5.1). `lm_owf` counts only for LM_KEY and NON_NT_SESSION_KEY."""
    if flags & nf.EXTENDED_SESSION_SECURITY:
        return hmac_md5(session_base_key, server_challenge + lm_response[:8])
    if flags & nf.LM_KEY:
        block = lm_response[:8]
        return des_block(spread(lm_owf[:7]), block) + des_block(spread(lm_owf[7:8] + b"\xbd" * 6), block)
    if flags & nf.NON_NT_SESSION_KEY:
        return lm_owf[:8] + bytes(8)
    return session_base_key


def sign_key(flags: int, exported_session_key: bytes, sender: int) -> bytes:
    """SIGNKEY of `sender` (0 client, 1 server); empty without extended session security ([MS-NLMP] 3.4.5.2)."""
    if not flags & nf.EXTENDED_SESSION_SECURITY:
        return b""
    return hashlib.md5(exported_session_key + _SIGN_MAGIC[sender], usedforsecurity=False).digest()


def seal_key(flags: int, exported_session_key: bytes, sender: int) -> bytes:
    """SEALKEY of `sender` (0 client, 1 server) ([MS-NLMP] 3.4.5.3)."""
    if flags & nf.EXTENDED_SESSION_SECURITY:
        base = exported_session_key[: key_bits(flags) // 8]
        return hashlib.md5(base + _SEAL_MAGIC[sender], usedforsecurity=False).digest()
    if flags & (nf.LM_KEY | nf.DATAGRAM):
        return exported_session_key[:7] + b"\xa0" if flags & nf.KEY_56 else exported_session_key[:5] + b"\xe5\x38\xb0"
    return exported_session_key


def key_bits(flags: int) -> int:
    """Return the strength of the sealing key in bits."""
    if flags & nf.KEY_128:
        return 128
    return 56 if flags & nf.KEY_56 else 40
