"""TSCredentials ([MS-CSSP] 2.2.1.2) as bytes and as frozen types: what a client delegates; nothing here judges whether."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sspid.packages.credssp import der
from sspid.packages.der import tlv

PASSWORD: Final = 1
SMART_CARD: Final = 2
REMOTE_GUARD: Final = 6
_MAX_SUPPLEMENTAL: Final = 16


@dataclass(frozen=True, slots=True)
class PasswordCreds:
    """TSPasswordCreds; three empty strings delegate nothing, which is how restricted admin looks."""

    domain: str = ""
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def empty(self) -> bool:
        """Whether nothing is delegated."""
        return not (self.domain or self.user or self.password)


@dataclass(frozen=True, slots=True)
class CspData:
    """TSCspDataDetail: where on which card the key is."""

    key_spec: int
    card_name: str | None = None
    reader_name: str | None = None
    container_name: str | None = None
    csp_name: str | None = None


@dataclass(frozen=True, slots=True)
class SmartCardCreds:
    """TSSmartCardCreds: a card's PIN and the card."""

    pin: str = field(repr=False)
    csp: CspData
    user_hint: str | None = None
    domain_hint: str | None = None


@dataclass(frozen=True, slots=True)
class PackageCreds:
    """TSRemoteGuardPackageCred: one package's credential in that package's own form."""

    package: str
    buffer: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RemoteGuardCreds:
    """TSRemoteGuardCreds: a logon credential that stays usable only while the client answers ([MS-CSSP] 2.2.1.2.3)."""

    logon: PackageCreds
    supplemental: tuple[PackageCreds, ...] = ()


Creds = PasswordCreds | SmartCardCreds | RemoteGuardCreds
EMPTY: Final = PasswordCreds()


def write(creds: Creds) -> bytes:
    """Write TSCredentials around one kind of credential."""
    match creds:
        case PasswordCreds():
            kind, content = PASSWORD, _write_password(creds)
        case SmartCardCreds():
            kind, content = SMART_CARD, _write_smart_card(creds)
        case RemoteGuardCreds():
            kind, content = REMOTE_GUARD, _write_remote_guard(creds)
    return der.sequence(der.integer(0, kind), der.octets(1, content))


def read(data: bytes) -> Creds:
    """Read TSCredentials. SEC_E_INVALID_TOKEN for a kind that [MS-CSSP] does not have, and for anything malformed."""
    fields = der.Fields(data, 0, len(data), 1, "the TSCredentials")
    kind, content = fields.integer(0), fields.octets(1)
    match kind:
        case 1:
            return _read_password(content)
        case 2:
            return _read_smart_card(content)
        case 6:
            return _read_remote_guard(content)
    raise der.malformed(f"the TSCredentials are of kind {kind}, which [MS-CSSP] does not have")


def _text(field_number: int, value: str) -> bytes:
    # [MS-CSSP] <9>: UTF-16, little endian, no terminator.
    return der.octets(field_number, value.encode("utf-16-le", "surrogatepass"))


def _texts(first: int, *values: str | None) -> bytes:
    return b"".join(_text(first + at, value) for at, value in enumerate(values) if value is not None)


def _write_password(creds: PasswordCreds) -> bytes:
    return der.sequence(_texts(0, creds.domain, creds.user, creds.password))


def _write_smart_card(creds: SmartCardCreds) -> bytes:
    csp = creds.csp
    detail = der.sequence(
        der.integer(0, csp.key_spec), _texts(1, csp.card_name, csp.reader_name, csp.container_name, csp.csp_name)
    )
    hints = _texts(2, creds.user_hint, creds.domain_hint)
    return der.sequence(_text(0, creds.pin), tlv(der.CONTEXT + 1, detail), hints)


def _write_remote_guard(creds: RemoteGuardCreds) -> bytes:
    supplemental = b"".join(_write_package(each) for each in creds.supplemental)
    tail = tlv(der.CONTEXT + 1, der.sequence(supplemental)) if creds.supplemental else b""
    return der.sequence(tlv(der.CONTEXT, _write_package(creds.logon)), tail)


def _write_package(creds: PackageCreds) -> bytes:
    return der.sequence(_text(0, creds.package), der.octets(1, creds.buffer))


def _string(value: bytes, what: str) -> str:
    try:
        return value.decode("utf-16-le")
    except UnicodeDecodeError:
        raise der.malformed(f"{what} is no UTF-16") from None


def _optional(fields: der.Fields, number: int, what: str) -> str | None:
    value = fields.optional_octets(number)
    return None if value is None else _string(value, what)


def _read_password(data: bytes) -> PasswordCreds:
    fields = der.Fields(data, 0, len(data), 2, "the TSPasswordCreds")
    return PasswordCreds(
        _string(fields.octets(0), "the domain name"),
        _string(fields.octets(1), "the user name"),
        _string(fields.octets(2), "the password"),
    )


def _read_smart_card(data: bytes) -> SmartCardCreds:
    fields = der.Fields(data, 0, len(data), 3, "the TSSmartCardCreds")
    detail = der.Fields(data, *fields.place(1), 4, "the TSCspDataDetail")
    names = (_optional(detail, number, "a name of the TSCspDataDetail") for number in range(1, 5))
    return SmartCardCreds(
        _string(fields.octets(0), "the PIN"),
        CspData(detail.integer(0), *names),
        _optional(fields, 2, "the user hint"),
        _optional(fields, 3, "the domain hint"),
    )


def _read_remote_guard(data: bytes) -> RemoteGuardCreds:
    fields = der.Fields(data, 0, len(data), 1, "the TSRemoteGuardCreds")
    supplemental = fields.members(1)
    if len(supplemental) > _MAX_SUPPLEMENTAL:
        raise der.malformed(f"the TSRemoteGuardCreds have {len(supplemental)} supplemental credentials")
    return RemoteGuardCreds(
        _read_package(data, *fields.place(0)), tuple(_read_package(data, start, end) for start, end in supplemental)
    )


def _read_package(data: bytes, start: int, end: int) -> PackageCreds:
    fields = der.Fields(data, start, end, 1, "a TSRemoteGuardPackageCred")
    return PackageCreds(_string(fields.octets(0), "the package name"), fields.octets(1))
