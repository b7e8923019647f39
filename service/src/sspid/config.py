"""The configuration: one frozen object, read once from a TOML file and SSPID_* variables, every key documented here."""

# No `from __future__ import annotations` here: typed_settings reads the types of nested tables as they stand.

import ipaddress
import linecache
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Self, get_args, get_type_hints

import typed_settings
from typed_settings.exceptions import TsError

from sspid import config_checks, config_environment

LARGEST_FILE = 1 << 20


class ConfigurationError(Exception):
    """The configuration cannot be used; the message says which file, line and key, and what would be right."""


def key(default: Any, text: str) -> Any:
    """A documented key with its default."""
    if callable(default):
        return field(default_factory=default, metadata={"help": text})
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True, slots=True)
class Tls:
    """Mutual TLS of one listener."""

    certificate: Path = field(metadata={"help": "The server's certificate chain, PEM, leaf first."})
    key: Path = field(metadata={"help": "Its key, PEM."})
    client_ca: Path = field(metadata={"help": "The CAs whose client certificates are callers, PEM."})


@dataclass(frozen=True, slots=True)
class Listener:
    """One address the service is called at."""

    address: str = field(metadata={"help": '"host:port", or "unix:///path" for a socket only this user may open.'})
    anonymous: bool = key(default=False, text="Whether a plaintext TCP listener may be called without identity; loopback only.")
    plaintext_on_network: bool = key(default=False, text="Allow plaintext on an address that is not loopback. Do not.")
    tls: Tls | None = key(default=None, text="Mutual TLS: certificate, key and client_ca.")

    @property
    def is_unix(self) -> bool:
        """Whether it is a Unix socket."""
        return self.address.startswith("unix:")

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        host = self.address.rpartition(":")[0].strip("[]")
        try:
            return self.is_unix or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    def problem(self) -> str:
        """Why the service must not listen like this; empty where it may."""
        if self.is_unix:
            return self._unix_problem()
        if not config_checks.is_address(self.address):
            return f'{self.address!r} is no address; write "host:port" or "unix:///path".'
        if self.tls is not None:
            return ""
        if not self.is_loopback and not self.plaintext_on_network:
            return (
                f"{self.address} is reachable from the network and has no TLS; add [listeners.tls], listen on 127.0.0.1, "
                "or say plaintext_on_network = true if something else protects it."
            )
        if not self.anonymous:
            return f"nobody could call {self.address}: give it TLS, or anonymous = true on a loopback address."
        return ""

    def _unix_problem(self) -> str:
        if self.tls is not None:
            return f"{self.address} is a Unix socket and takes no TLS; who may open its file may call."
        if self.address != "unix:" and not re.fullmatch(r"unix:(//)?/[^\0]+", self.address):
            return f'{self.address!r} has no absolute path; write "unix:///path", or "unix:" for the data directory.'
        return ""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one caller and all callers together may hold, and for how long."""

    max_message_bytes: int = key(1 << 20, "Largest request the service reads.")
    credentials_per_caller: int = key(1024, "Credential handles of one caller.")
    credentials_total: int = key(16384, "Credential handles of all callers.")
    contexts_per_caller: int = key(16384, "Context handles of one caller.")
    contexts_total: int = key(65536, "Context handles of all callers.")
    idle_seconds: float = key(3600.0, "A handle unused for this long is freed.")
    unfinished_seconds: float = key(120.0, "A half-finished handshake untouched for this long is deleted.")
    streams_per_caller: int = key(32, "Session and Handshake streams of one caller.")
    streams_total: int = key(128, "Streams of all callers; each holds a thread.")
    waiting_per_caller: int = key(
        64, "Calls of one caller that may wait at once, for other machines or busy contexts; as many for their own messages."
    )
    waiting_total: int = key(256, "The same for all callers.")
    queued_total: int = key(1024, "Unary calls of all callers that no thread has taken yet.")
    calls_per_second: float = key(0.0, "Calls a second of one caller; 0 for no limit.")


@dataclass(frozen=True, slots=True)
class Log:
    """The log, on standard error."""

    level: str = key("info", "debug, info, warning or error.")
    format: str = key("auto", "json, console for people, or auto: console on a terminal, json elsewhere.")


@dataclass(frozen=True, slots=True)
class ConfiguredCredential:
    """A credential callers name instead of sending it: certificate and key, PKCS#12, or user and password."""

    certificate: Path | None = key(default=None, text="Certificate chain, PEM.")
    key: Path | None = field(default=None, metadata={"help": "Its key, PEM."})
    pkcs12: Path | None = field(default=None, metadata={"help": "Or both in one PKCS#12 file."})
    passphrase_file: Path | None = field(default=None, metadata={"help": "File with the passphrase of the key or PKCS#12."})
    ocsp_response: Path | None = field(
        default=None, metadata={"help": "An OCSP response about the certificate, DER, stapled for TLS clients that ask."}
    )
    user: str = field(default="", metadata={"help": "Or a user,"})
    domain: str = field(default="", metadata={"help": "their domain,"})
    password_file: Path | None = field(default=None, metadata={"help": "and a file with their password."})
    keytab: Path | None = field(default=None, metadata={"help": "Or a Kerberos key table."})
    credential_cache: Path | None = field(default=None, metadata={"help": "Or a Kerberos credential cache."})
    callers: list[str] = field(default_factory=lambda: ["*"], metadata={"help": 'Who may use it; "*" for everyone.'})


@dataclass(frozen=True, slots=True)
class LockoutKeys:
    """[accounts.lockout]: what wrong passwords lead to."""

    failures: int = key(10, "Wrong passwords that lock an account out; 0 for never.")
    window_seconds: float = key(600.0, "Within this time.")
    duration_seconds: float = key(600.0, "For how long.")


@dataclass(frozen=True, slots=True)
class AccountsKeys:
    """[accounts]: the embedded account authority."""

    url: str = key(
        "", 'The database: "" for a file in data_dir, "postgresql://user:password@host/name", "mysql://...", "sqlite:///file".'
    )
    key_file: Path | None = key(
        default=None,
        text="The key of the accounts' secrets, 32 bytes or 64 hex digits; made in data_dir where unset.",
    )
    digest_realms: list[str] = key(
        lambda: ["sspid"], "Realms that new accounts get Digest secrets for; more by `sspid accounts add --digest-realm`."
    )
    any_domain: bool = key(default=True, text="Without winbind, accounts that have no domain answer for any.")
    cache_seconds: float = key(0.5, "How long an account is used as it was read before the database is asked for changes.")
    deadline_seconds: float = key(5.0, "How long a logon may wait for the database.")
    lockout: LockoutKeys = key(LockoutKeys, "[accounts.lockout]: what wrong passwords lead to.")


@dataclass(frozen=True, slots=True)
class MachineKeys:
    """[machine]: the names the service goes by."""

    computer: str = key("", "NetBIOS name; the host name's first label where empty.")
    domain: str = key("", "NetBIOS name of the domain it is in; empty for none.")
    dns_computer: str = key("", "DNS name; the host name where empty.")
    dns_domain: str = key("", "DNS name of the domain; the host name's where empty.")
    dns_tree: str = key("", "DNS name of the forest.")


@dataclass(frozen=True, slots=True)
class WinbindKeys:
    """[winbind]: a Windows or Samba domain that judges the accounts this service does not have."""

    enabled: bool = key(default=False, text="Ask the domain that this machine's winbind has joined.")
    path: str = key("ntlm_auth", "Samba's ntlm_auth; the service's user must be in the group winbindd_priv.")
    wbinfo: str = key("wbinfo", 'Samba\'s wbinfo, which tells names, SIDs and groups; "" does without them.')
    configuration: Path | None = key(default=None, text="The smb.conf they read; Samba's own where unset.")
    deadline_seconds: float = key(5.0, "How long one logon may wait for the domain.")
    helpers: int = key(4, "Logons judged at once; each is a process.")


@dataclass(frozen=True, slots=True)
class KerberosKeys:
    """[kerberos]: what krb5.conf (KRB5_CONFIG) has no word for."""

    deadline_seconds: float = key(15.0, "How long one leg may wait for a KDC.")
    silent_seconds: float = key(10.0, "How long a KDC that was waited for in vain is not asked again; 0 asks every time.")


def default_listeners() -> list[Listener]:
    """Loopback TCP without identity, and a Unix socket in the data directory (its path is filled in later)."""
    return [Listener("127.0.0.1:50051", anonymous=True), Listener("unix:")]


def default_data_dir() -> Path:
    """The place for state of the user who runs the service."""
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "sspid"


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration. Keys can also be given as SSPID_<KEY>, nested ones as SSPID_<TABLE>_<KEY>."""

    data_dir: Path = key(default_data_dir, "Where keys, certificates, accounts and the Unix socket live; made with mode 0700.")
    listeners: list[Listener] = key(default_listeners, "[[listeners]]: the addresses the service is called at.")
    workers: int = key(1, "Worker processes on the same ports.")
    threads: int = key(8, "Threads of a worker for unary calls.")
    drain_seconds: float = key(10.0, "How long a stopping service lets calls finish.")
    metrics_address: str = key("127.0.0.1:50052", 'Where Prometheus reads /metrics; "" for nowhere.')
    trust_anchors: Path | None = key(
        default=None, text="Roots (PEM) trusted by default; the system's and the embedded CA where unset."
    )
    limits: Limits = key(Limits, "[limits]: what callers may hold.")
    log: Log = key(Log, "[log]: what is logged.")
    credentials: dict[str, ConfiguredCredential] = key(dict, "[credentials.NAME]: credentials callers may name.")
    accounts: AccountsKeys = key(AccountsKeys, "[accounts]: the embedded account authority.")
    machine: MachineKeys = key(MachineKeys, "[machine]: the names the service goes by.")
    winbind: WinbindKeys = key(WinbindKeys, "[winbind]: a domain that judges NTLM logons.")
    kerberos: KerberosKeys = key(KerberosKeys, "[kerberos]: MIT's Kerberos library.")
    policy: dict[str, Any] = key(dict, '[policy.PACKAGE] and [policy.callers."CALLER".PACKAGE]: see docs/policy.md.')

    def address_of(self, listener: Listener) -> str:
        """Its address; the Unix socket of the data directory where it names no path."""
        return f"unix://{self.data_dir / 'sspid.sock'}" if listener.address == "unix:" else listener.address

    def on_ports(self, ports: Sequence[int]) -> Self:
        """The same settings with the TCP listeners on ports that have been chosen already, in order."""
        chosen = iter(ports)
        listeners = [
            each if each.is_unix else replace(each, address=f"{each.address.rpartition(':')[0]}:{next(chosen)}")
            for each in self.listeners
        ]
        return replace(self, listeners=listeners)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Key and reason of everything that parses and cannot be used."""
        for listener in self.listeners:
            if listener.problem():
                yield listener.address, listener.problem()
        if not 1 <= self.workers <= 64:
            yield "workers", f"{self.workers} is not between 1 and 64."
        if not 1 <= self.threads <= 256:
            yield "threads", f"{self.threads} is not between 1 and 256."
        if self.log.level not in {"debug", "info", "warning", "error"}:
            yield "log.level", f"{self.log.level!r} is none of debug, info, warning, error."
        if self.log.format not in {"auto", "json", "console"}:
            yield "log.format", f"{self.log.format!r} is none of auto, json, console."
        yield from config_checks.out_of_range(self)
        yield from self._authority_problems()

    def _authority_problems(self) -> Iterator[tuple[str, str]]:
        own, winbind, kerberos = self.accounts, self.winbind, self.kerberos
        if own.lockout.failures < 0:
            yield "accounts.lockout.failures", "must be at least 0."
        for name, value in (
            ("accounts.cache_seconds", own.cache_seconds), ("accounts.lockout.window_seconds", own.lockout.window_seconds),
            ("accounts.lockout.duration_seconds", own.lockout.duration_seconds),
            ("kerberos.silent_seconds", kerberos.silent_seconds),
        ):  # fmt: skip
            if not 0 <= value < 1e9:
                yield name, f"{value} is not between 0 and 1e9."
        for table, asked in (("accounts", own), ("winbind", winbind), ("kerberos", kerberos)):
            if not 0 < asked.deadline_seconds <= 3600:
                yield f"{table}.deadline_seconds", f"{asked.deadline_seconds} is not between 0 and 3600."
        if not 1 <= winbind.helpers <= 64:
            yield "winbind.helpers", f"{winbind.helpers} is not between 1 and 64."
        if self.policy:
            from sspid.broker.world.policy import Policies, PolicyError  # noqa: PLC0415  # loads the packages it names

            try:
                Policies(self.policy)
            except PolicyError as error:
                yield error.key, str(error)


def load(path: Path | None) -> Settings:
    """Read the file (if any) and the environment. `ConfigurationError` says what is wrong, and where."""
    text, table = _read(path)
    _refuse(config_checks.misfits(table, Settings), lambda name: _place_in_file(name, path, text))
    _refuse(config_environment.strangers(os.environ, Settings), str)
    loaders: list[Any] = [typed_settings.EnvLoader(config_environment.PREFIX)]
    if path is not None:
        formats: dict[str, Any] = {"*": typed_settings.TomlFormat(None)}
        loaders.insert(0, typed_settings.FileLoader(formats, files=[path], env_var=None))
    try:
        with _sourceless():
            settings = typed_settings.load_settings(Settings, loaders)
    except (TsError, ExceptionGroup) as error:
        raise ConfigurationError(_explain(error, path, text)) from None
    refuse(settings.problems(), path, text)
    return settings


@contextmanager
def _sourceless() -> Iterator[None]:
    """Spare typed-settings the reading of this file, once a class, for help texts that nobody asks for: 40 ms of the start."""
    linecache.cache[__file__] = (0, None, [], __file__)
    try:
        yield
    finally:
        del linecache.cache[__file__]


def refuse(problems: Iterator[tuple[str, str]], path: Path | None, text: str = "") -> None:
    """`ConfigurationError` with every problem and its variable or line, if there is one."""
    _refuse(problems, lambda name: _place(name, path, text))


def _refuse(problems: Iterator[tuple[str, str]], place: Callable[[str], str]) -> None:
    said = [f"{each}: {reason}" if (each := place(name)) == name else f"{each}: {name}: {reason}" for name, reason in problems]
    if said:
        raise ConfigurationError("\n".join(said))


def require_files(settings: Settings, path: Path | None, *, credentials: bool = False) -> None:
    """`ConfigurationError` where a file that serving needs cannot be read; with `credentials` those that callers name, too."""
    text = _read(path)[0]
    refuse(config_checks.missing_files(settings), path, text)
    if credentials:
        refuse(config_checks.missing_credentials(settings), path, text)


def _read(path: Path | None) -> tuple[str, dict[str, Any]]:
    if path is None:
        return "", {}
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        text = content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from None
    if len(content) > LARGEST_FILE:
        raise ConfigurationError(f"{path} is larger than {LARGEST_FILE} bytes, so it is no configuration.")
    try:
        return text, tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} is not TOML: {error}") from None


def _explain(error: BaseException, path: Path | None, text: str) -> str:
    """One line a problem, each with the line of the file its last key stands on."""
    problems = error.exceptions if isinstance(error, BaseExceptionGroup) else (error,)
    return "\n".join(_explain_one(str(problem), path, text) for problem in problems)


def _explain_one(problem: str, path: Path | None, text: str) -> str:
    named = re.search(r"option '([\w.]+)'", problem)
    return f"{_place(named[1] if named else '', path, text)}: {problem}"


def _place(name: str, path: Path | None, text: str) -> str:
    """The variable that gives the key, for it wins, else its place in the file."""
    variable = config_environment.variable(name)
    return variable if variable in os.environ else _place_in_file(name, path, text)


def _place_in_file(name: str, path: Path | None, text: str) -> str:
    last = name.rpartition(".")[2]
    lines = text.splitlines()
    number = _line_of(name, lines)
    if number:
        return f"{path}:{number}"
    for number, line in enumerate(lines, 1):
        if last and re.search(rf"(^|[\s\[.\"]){re.escape(last)}[\"\]\s=,:]", line):
            return f"{path}:{number}"
    return str(path or "configuration")


def _line_of(name: str, lines: list[str]) -> int:
    """The first line that sets the key in the table it belongs to; 0 where none does."""
    table = ""
    for number, line in enumerate(lines, 1):
        header = re.match(r"\s*\[\[?\s*([^\]]+?)\s*\]", line)
        if header:
            table = f"{header[1]}."
            if header[1] == name:
                return number
        elif f"{table}{line.partition('=')[0].strip()}" == name:
            return number
    return 0


def documented(settings_type: type[Any] = Settings, table: str = "") -> Iterator[tuple[str, str, str]]:
    """Every key with its default and its sentence, for docs/configuration.md."""
    hints = get_type_hints(settings_type)
    for each in fields(settings_type):
        inner = [part for part in (hints[each.name], *get_args(hints[each.name])) if is_dataclass(part)]
        name = f"{table}{each.name}"
        yield name, "" if inner else _shown(each), each.metadata["help"]
        if inner:
            nested = f"{name}.NAME." if hints[each.name] not in inner and "dict" in str(hints[each.name]) else f"{name}."
            yield from documented(inner[0], nested)  # type: ignore[arg-type]  # is_dataclass said so


def _shown(each: Any) -> str:
    if each.name == "data_dir":
        return "~/.local/state/sspid"
    default = each.default_factory() if callable(each.default_factory) else each.default
    return "required" if default.__class__.__name__ == "_MISSING_TYPE" else str(default)
