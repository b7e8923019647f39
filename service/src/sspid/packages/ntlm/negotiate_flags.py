"""NEGOTIATE flags of [MS-NLMP] 2.2.2.5 and what SSPI's context flags make of them; plain integers, as they are on the wire."""

from __future__ import annotations

from typing import Final

from sspid.vocabulary.flags import ContextFlag, Flags

UNICODE: Final = 0x00000001
OEM: Final = 0x00000002
REQUEST_TARGET: Final = 0x00000004
SIGN: Final = 0x00000010
SEAL: Final = 0x00000020
DATAGRAM: Final = 0x00000040
LM_KEY: Final = 0x00000080
NTLM: Final = 0x00000200
ANONYMOUS: Final = 0x00000800
OEM_DOMAIN_SUPPLIED: Final = 0x00001000
OEM_WORKSTATION_SUPPLIED: Final = 0x00002000
ALWAYS_SIGN: Final = 0x00008000
TARGET_TYPE_DOMAIN: Final = 0x00010000
TARGET_TYPE_SERVER: Final = 0x00020000
EXTENDED_SESSION_SECURITY: Final = 0x00080000
IDENTIFY: Final = 0x00100000
NON_NT_SESSION_KEY: Final = 0x00400000
TARGET_INFO: Final = 0x00800000
VERSION: Final = 0x02000000
KEY_128: Final = 0x20000000
KEY_EXCH: Final = 0x40000000
KEY_56: Final = 0x80000000

PROTECTION: Final = SIGN | SEAL

INITIATOR: Final = (
    UNICODE | REQUEST_TARGET | NTLM | ALWAYS_SIGN | EXTENDED_SESSION_SECURITY | VERSION | KEY_128 | KEY_EXCH | KEY_56
)  # fmt: skip
"""What our initiator always asks for ([MS-NLMP] 3.1.5.1.1); never LM_KEY, never OEM."""

ACCEPTOR: Final = (
    SIGN | SEAL | DATAGRAM | NTLM | ALWAYS_SIGN | EXTENDED_SESSION_SECURITY | IDENTIFY | VERSION | KEY_128 | KEY_EXCH | KEY_56
)  # fmt: skip
"""What our acceptor echoes when asked. LM_KEY and NON_NT_SESSION_KEY need LM hashes, which no account here has."""

_WANTED: Final = (
    (ContextFlag.INTEGRITY, SIGN),
    (ContextFlag.REPLAY_DETECT, SIGN),
    (ContextFlag.SEQUENCE_DETECT, SIGN),
    (ContextFlag.CONFIDENTIALITY, SEAL),
    (ContextFlag.IDENTIFY, IDENTIFY),
    (ContextFlag.DATAGRAM, DATAGRAM),
)
_SIGNED: Final = frozenset({ContextFlag.INTEGRITY, ContextFlag.REPLAY_DETECT, ContextFlag.SEQUENCE_DETECT})
_SEALED: Final = frozenset({ContextFlag.CONFIDENTIALITY})
_ALWAYS: Final = frozenset({ContextFlag.CONNECTION})
_ECHOED: Final = frozenset({ContextFlag.USE_DCE_STYLE})


def wanted_by(requested: Flags) -> int:
    """Return the NEGOTIATE flags that an initiator's requested context flags add."""
    bits = 0
    for flag, value in _WANTED:
        if flag in requested:
            bits |= value
    return bits


def granted_by(negotiated: int, requested: Flags) -> Flags:
    """Return the context flags that negotiated NEGOTIATE flags come to, as far as NTLM can keep them."""
    granted = _ALWAYS | (_ECHOED & requested)
    # A sealed message carries a signature, so sealing alone gives integrity too.
    if negotiated & PROTECTION:
        granted |= _SIGNED
    if negotiated & SEAL:
        granted |= _SEALED
    if negotiated & IDENTIFY:
        granted |= {ContextFlag.IDENTIFY}
    if negotiated & DATAGRAM:
        granted = (granted - _ALWAYS) | {ContextFlag.DATAGRAM}
    return granted
