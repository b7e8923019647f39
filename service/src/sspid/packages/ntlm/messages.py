"""The three NTLM messages ([MS-NLMP] 2.2.1) as bytes and as tuples, every offset checked before use; decides nothing."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from sspid.packages.ntlm import negotiate_flags as nf
from sspid.packages.ntlm.av_pairs import malformed

SIGNATURE: Final = b"NTLMSSP\0"
VERSION: Final = bytes.fromhex("0a00f4650000000f")
"""VERSION ([MS-NLMP] 2.2.2.10) of the Windows whose behaviour this package follows: 10.0.26100, NTLM revision 15."""

_NEGOTIATE = struct.Struct("<8sII HHI HHI 8s")
_CHALLENGE = struct.Struct("<8sI HHI I8s8s HHI 8s")
_AUTHENTICATE = struct.Struct("<8sI HHI HHI HHI HHI HHI HHI I8s")
_NEGOTIATE_IN = struct.Struct("<8sII HHI HHI")
_CHALLENGE_IN = struct.Struct("<8sI HHI I8s")
_TARGET_INFO_IN = struct.Struct("<HHI")
_AUTHENTICATE_IN = struct.Struct("<8sI HHI HHI HHI HHI HHI")
_KEY_IN = struct.Struct("<HHI I")
MIC_OFFSET: Final = 72
_MIC_END: Final = 88
_NO_MIC: Final = bytes(16)


class Negotiate(NamedTuple):
    """NEGOTIATE_MESSAGE; its names are never trusted and so not kept."""

    flags: int


class Challenge(NamedTuple):
    """CHALLENGE_MESSAGE."""

    flags: int
    server_challenge: bytes
    target_name: bytes
    target_info: bytes


class Authenticate(NamedTuple):
    """AUTHENTICATE_MESSAGE. `payload` is the first offset any field uses: a MIC exists only where that is 88 or more."""

    flags: int
    lm_response: bytes
    nt_response: bytes
    domain: str
    user: str
    workstation: str
    encrypted_session_key: bytes
    payload: int


def message_type(data: bytes) -> int:
    """Return 1, 2 or 3. SEC_E_INVALID_TOKEN for anything that is no NTLM message."""
    if data[:8] != SIGNATURE or len(data) < 12:
        raise malformed("it does not begin with NTLMSSP and a message type")
    return int.from_bytes(data[8:12], "little")


def read_negotiate(data: bytes) -> Negotiate:
    """Read a NEGOTIATE message; old clients end it after the flags ([MS-NLMP] 2.2.1.1 <6>)."""
    if message_type(data) != 1:
        raise malformed("a NEGOTIATE message was due")
    if len(data) < 16:
        raise malformed(f"a NEGOTIATE message of {len(data)} bytes has no flags")
    flags = int.from_bytes(data[12:16], "little")
    if flags & (nf.OEM_DOMAIN_SUPPLIED | nf.OEM_WORKSTATION_SUPPLIED) and len(data) >= 32:
        fields = _NEGOTIATE_IN.unpack_from(data)
        _field(data, fields[3], fields[5], "domain")
        _field(data, fields[6], fields[8], "workstation")
    return Negotiate(flags)


def write_negotiate(flags: int) -> bytes:
    """Write a NEGOTIATE message; with VERSION set the names stay empty ([MS-NLMP] 2.2.1.1)."""
    return _NEGOTIATE.pack(SIGNATURE, 1, flags, 0, 0, 40, 0, 0, 40, VERSION)


def read_challenge(data: bytes) -> Challenge:
    """Read a CHALLENGE message, with or without VERSION."""
    if message_type(data) != 2:
        raise malformed("a CHALLENGE message was due")
    if len(data) < 32:
        raise malformed(f"a CHALLENGE message of {len(data)} bytes has no challenge")
    _, _, length, _, offset, flags, challenge = _CHALLENGE_IN.unpack_from(data)
    name = _field(data, length, offset, "target name")
    info = b""
    if flags & nf.TARGET_INFO:
        if len(data) < 48:
            raise malformed(f"a CHALLENGE message of {len(data)} bytes has no target information")
        length, _, offset = _TARGET_INFO_IN.unpack_from(data, 40)
        info = _field(data, length, offset, "target information")
    return Challenge(flags, challenge, name, info)


def write_challenge(flags: int, server_challenge: bytes, target_name: bytes, target_info: bytes) -> bytes:
    """Write a CHALLENGE message, the target name before the AV pairs."""
    _fits(target_name, "target name")
    _fits(target_info, "target information")
    name, info = len(target_name), len(target_info)
    head = _CHALLENGE.pack(
        SIGNATURE, 2, name, name, 56, flags, server_challenge, bytes(8), info, info, 56 + name, VERSION
    )  # fmt: skip
    return head + target_name + target_info


def read_authenticate(data: bytes, negotiated: int) -> Authenticate:
    """Read an AUTHENTICATE message. `negotiated` holds the challenge's flags, for messages of old clients without any."""
    if message_type(data) != 3:
        raise malformed("an AUTHENTICATE message was due")
    if len(data) < 52:
        raise malformed(f"an AUTHENTICATE message of {len(data)} bytes has no names")
    (_, _, lm, _, lm_at, nt, _, nt_at, domain, _, domain_at, user, _, user_at, station, _, station_at) = (
        _AUTHENTICATE_IN.unpack_from(data)
    )
    payload = len(data)
    for length, offset in ((lm, lm_at), (nt, nt_at), (domain, domain_at), (user, user_at), (station, station_at)):
        if length and offset < payload:
            payload = offset
    key, flags = b"", negotiated
    # [MS-NLMP] 2.2.1.3: the session key and the flags came with NT 4; before that the payload begins at 52.
    if payload >= 64 <= len(data):
        length, _, offset, flags = _KEY_IN.unpack_from(data, 52)
        key = _field(data, length, offset, "session key")
        payload = min(payload, offset) if length else payload
    unicode = (flags if flags & (nf.UNICODE | nf.OEM) else negotiated) & nf.UNICODE
    return Authenticate(
        flags,
        _field(data, lm, lm_at, "LM response"),
        _field(data, nt, nt_at, "NT response"),
        _name(_field(data, domain, domain_at, "domain"), unicode, "domain"),
        _name(_field(data, user, user_at, "user name"), unicode, "user name"),
        _name(_field(data, station, station_at, "workstation"), unicode, "workstation"),
        key,
        payload,
    )


def write_authenticate(
    flags: int,
    names: tuple[bytes, bytes, bytes],
    lm_response: bytes,
    nt_response: bytes,
    encrypted_session_key: bytes,
    *,
    mic: bool = True,
    version: bytes = VERSION,
) -> bytes:
    """Write an AUTHENTICATE message with room for a MIC of zeros; `names` are domain, user and workstation as sent."""
    domain, user, workstation = names
    sizes = len(lm_response), len(nt_response), len(domain), len(user), len(workstation), len(encrypted_session_key)
    if max(sizes) > 0xFFFF:
        raise malformed(f"a name or response of {max(sizes)} bytes does not fit in it")
    lm, nt, domain_size, user_size, workstation_size, key = sizes
    at_domain = _MIC_END if mic else MIC_OFFSET
    at_user = at_domain + domain_size
    at_workstation = at_user + user_size
    at_lm = at_workstation + workstation_size
    at_nt = at_lm + lm
    at_key = at_nt + nt
    head = _AUTHENTICATE.pack(
        SIGNATURE, 3, lm, lm, at_lm, nt, nt, at_nt, domain_size, domain_size, at_domain, user_size, user_size, at_user,
        workstation_size, workstation_size, at_workstation, key, key, at_key, flags, version,
    )  # fmt: skip
    room = _NO_MIC if mic else b""
    return b"".join((head, room, domain, user, workstation, lm_response, nt_response, encrypted_session_key))


def with_mic(data: bytes, mic: bytes) -> bytes:
    """Return an AUTHENTICATE message with `mic` where its MIC stands."""
    return data[:MIC_OFFSET] + mic + data[_MIC_END:]


def mic_of(data: bytes, message: Authenticate) -> bytes | None:
    """Return the MIC of a received AUTHENTICATE message; None where its payload leaves no room for one."""
    return data[MIC_OFFSET:_MIC_END] if message.payload >= _MIC_END <= len(data) else None


def encode(name: str, flags: int) -> bytes:
    """Encode a name in the negotiated character set."""
    return name.encode("utf-16-le", "surrogatepass") if flags & nf.UNICODE else name.encode("cp437", "replace")


def _field(data: bytes, length: int, offset: int, name: str) -> bytes:
    if not length:
        return b""
    if offset < 12 or offset + length > len(data):
        raise malformed(f"its {name} lies at bytes {offset} to {offset + length} of {len(data)}")
    return data[offset : offset + length]


def _name(value: bytes, unicode: int, what: str) -> str:
    if not value:
        return ""
    try:
        name = value.decode("utf-16-le") if unicode else value.decode("cp437")
    except UnicodeDecodeError:
        raise malformed(f"its {what} is no UTF-16") from None
    # No account has such a name, and authorities behind a line protocol must never see one.
    if min(name) < " ":
        raise malformed(f"its {what} holds a control character")
    return name


def _fits(value: bytes, what: str) -> None:
    if len(value) > 0xFFFF:
        raise malformed(f"a {what} of {len(value)} bytes does not fit in it")
