"""TSRequest ([MS-CSSP] 2.2.1) as bytes and as a tuple; decides nothing and opens nothing that is sealed."""

from __future__ import annotations

from typing import Final, NamedTuple

from sspid.packages.credssp import der
from sspid.packages.der import tlv

MAX_REQUEST: Final = 1 << 18
"""Nobody needs a longer one: a Kerberos token has at most 64 KiB, and so has a credential."""
NONCE_SIZE: Final = 32
_MAX_TOKENS: Final = 8
_MAX_VERSION: Final = 0x7FFFFFFF


class TsRequest(NamedTuple):
    """One message. What is absent is None; `nego_token` is the first of negoTokens, `error_code` an unsigned NTSTATUS."""

    version: int
    nego_token: bytes | None = None
    auth_info: bytes | None = None
    pub_key_auth: bytes | None = None
    error_code: int | None = None
    client_nonce: bytes | None = None

    def __repr__(self) -> str:
        return f"TsRequest(version={self.version}, fields={[name for name in self._fields if getattr(self, name) is not None]})"


def write(request: TsRequest) -> bytes:
    """Write a TSRequest."""
    content = der.integer(0, request.version)
    if request.nego_token is not None:
        content += tlv(der.CONTEXT + 1, der.sequence(der.sequence(der.octets(0, request.nego_token))))
    if request.auth_info is not None:
        content += der.octets(2, request.auth_info)
    if request.pub_key_auth is not None:
        content += der.octets(3, request.pub_key_auth)
    if request.error_code is not None:
        content += _error_code(request.error_code)
    if request.client_nonce is not None:
        content += der.octets(5, request.client_nonce)
    return der.sequence(content)


def _error_code(code: int) -> bytes:
    # An NTSTATUS is a signed 32-bit number to the peers that write and read it.
    return der.integer(4, code - (1 << 32) if code & 0x80000000 else code)


def read(data: bytes) -> TsRequest:
    """Read a whole TSRequest. SEC_E_INVALID_TOKEN for anything else."""
    fields = der.Fields(data, 0, len(data), 5, "the TSRequest")
    version = fields.integer(0)
    if not 0 < version <= _MAX_VERSION:
        raise der.malformed(f"version {version} is none")
    return TsRequest(
        version,
        _nego_token(data, fields),
        fields.optional_octets(2),
        fields.optional_octets(3),
        fields.integer(4) & 0xFFFFFFFF if 4 in fields else None,
        fields.optional_octets(5),
    )


def _nego_token(data: bytes, fields: der.Fields) -> bytes | None:
    members = fields.members(1)
    if len(members) > _MAX_TOKENS:
        raise der.malformed(f"it has {len(members)} negoTokens")
    # [MS-CSSP] 2.2.1.1 lets several ride in one message; no mechanism sends more than one.
    tokens = [der.Fields(data, start, end, 0, "a NegoData element").octets(0) for start, end in members]
    if len(tokens) > 1:
        raise der.malformed(f"it has {len(tokens)} negoTokens where every mechanism sends one")
    return tokens[0] if tokens else None
