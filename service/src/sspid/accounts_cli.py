"""The `sspid accounts` commands; they change the database, and a running service sees it within a second."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

# Whatever else is needed is imported where it is used: `sspid --help` and `sspid serve` need none of it.

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sspid.broker.world.accounts.records import AccountRecord, Mapping
    from sspid.broker.world.accounts.store import AccountStore, Stored

CONFIG = click.option(
    "--config", "config_file", envvar="SSPID_CONFIG", type=click.Path(path_type=Path), help="TOML file; all keys have defaults."
)
DOMAIN = click.option("--domain", default="", help=r"Domain of the account; DOMAIN\NAME says the same.")
REALMS = click.option(
    "--digest-realm",
    "realms",
    multiple=True,
    help="Realm to keep Digest secrets for; repeatable.",
)
KEEP = click.option("--store-password", "keep", is_flag=True, help="Keep the password too, sealed: it can be read back.")


@click.group()
def accounts() -> None:
    """Accounts that NTLM and Digest logons are judged by."""


@accounts.command()
@CONFIG
@click.argument("name")
@DOMAIN
@click.option("--upn", default="", help="User principal name, user@domain.")
@click.option("--group", "groups", multiple=True, help="A group the account is in; repeatable.")
@click.option("--sid", "sids", multiple=True, help="A SID of its token, its own first; repeatable.")
@click.option("--expires", default="", help="Time after which it is refused, such as 2030-12-31T00:00:00Z.")
@click.option("--disabled", is_flag=True, help="Add it disabled.")
@REALMS
@KEEP
def add(config_file: Path | None, name: str, domain: str, realms: tuple[str, ...], *, keep: bool, **given: Any) -> None:
    """Add an account. The password comes from a prompt, or from standard input where that is no terminal."""
    from sspid.broker.world.accounts.formats import account_of  # noqa: PLC0415  # as above

    with _Database(config_file) as database:
        name, domain = _split(name, domain)
        given |= {"groups": list(given["groups"]), "sids": list(given["sids"]), "expires": given["expires"] or None}
        record = account_of(name=name, domain=domain, **given)
        made = record.with_password(_password(), realms or database.realms, keep=keep)
        database.store.add(made)
    click.echo(f"Added {_shown(made)}.")


@accounts.command()
@CONFIG
@click.argument("name")
@DOMAIN
@REALMS
@KEEP
def passwd(config_file: Path | None, name: str, domain: str, realms: tuple[str, ...], *, keep: bool) -> None:
    """Set an account's password anew. Its Digest realms stay what they are unless some are named; a lock is lifted."""
    with _Database(config_file) as database:
        stored = database.find(name, domain)
        record = database.store.complete(stored)
        made = record.with_another_password(_password(), realms, keep=keep)
        database.store.change(stored, made, unlock=True)
    click.echo(f"Changed the password of {_shown(made)}.")


@accounts.command("list")
@CONFIG
def list_accounts(config_file: Path | None) -> None:
    """List the accounts with what keeps them out, and never a secret."""
    with _Database(config_file) as database:
        for stored in database.store:
            click.echo("\t".join((_shown(stored.record), _state(stored), stored.record.upn, ",".join(stored.record.groups))))


def _state(stored: Stored) -> str:
    import time  # noqa: PLC0415  # as above

    now = time.time()
    if stored.record.disabled:
        return "disabled"
    if stored.record.expires is not None and stored.record.expires.timestamp() <= now:
        return "expired"
    locked = stored.locked_until is not None and now < stored.locked_until
    return f"locked out for {stored.locked_until - now:.0f} s" if locked and stored.locked_until is not None else "enabled"


def _on_one(act: Callable[[AccountStore, Stored], None], done: str) -> Callable[..., None]:
    """A command that does one thing to one account."""

    def command(config_file: Path | None, name: str, domain: str) -> None:
        with _Database(config_file) as database:
            stored = database.find(name, domain)
            act(database.store, stored)
        click.echo(f"{done} {_shown(stored.record)}.")

    return CONFIG(click.argument("name")(DOMAIN(command)))


for _name, _act, _done, _help in (
    ("disable", lambda store, stored: store.set_disabled(stored, disabled=True), "Disabled", "Refuse an account's logons."),
    ("enable", lambda store, stored: store.set_disabled(stored, disabled=False), "Enabled", "Let a disabled account in again."),
    ("remove", lambda store, stored: store.remove(stored), "Removed", "Remove an account and its secrets."),
    ("unlock", lambda store, stored: store.clear_failures(stored.id), "Unlocked", "Lift a lock and forget failed logons."),
):
    accounts.command(_name, help=_help)(_on_one(_act, _done))


@accounts.command("map")
@CONFIG
@click.argument("name")
@DOMAIN
@click.option("--upn", default="", help="UPN in the certificate's subjectAltName.")
@click.option("--certificate", type=click.Path(exists=True, path_type=Path), help="The certificate itself, PEM.")
@click.option("--by", type=click.Choice(["sha256", "issuer-serial", "ski"]), default="sha256", help="What of it counts.")
@click.option("--remove", is_flag=True, help="Take the mapping away.")
def map_certificate(
    config_file: Path | None, name: str, domain: str, upn: str, certificate: Path | None, by: str, *, remove: bool
) -> None:
    """Map client certificates to an account: by UPN, or one certificate by its hash, issuer and number, or key identifier."""
    mapping = _mapping(upn, certificate, by)
    with _Database(config_file) as database:
        stored = database.find(name, domain)
        record = database.store.complete(stored)
        others = tuple(each for each in record.mappings if each != mapping)
        database.store.change(stored, replace(record, mappings=others if remove else (*others, mapping)))
    click.echo(f"{'Unmapped from' if remove else 'Mapped to'} {_shown(record)}: {mapping.kind} {mapping.value}")


def _mapping(upn: str, certificate: Path | None, by: str) -> Mapping:
    from sspid.broker.world.accounts.certificates import mappings_of, read_pem  # noqa: PLC0415  # as above
    from sspid.broker.world.accounts.records import Mapping  # noqa: PLC0415  # as above

    if bool(upn) == (certificate is not None):
        raise click.UsageError("Name one of --upn and --certificate.")
    if certificate is None:
        return Mapping("upn", upn)
    found = [each for each in mappings_of(read_pem(certificate.read_bytes())) if each.kind == by]
    if not found:
        raise click.ClickException(f"{certificate} is no PEM certificate, or has no {by}.")
    return found[0]


@accounts.command("import")
@CONFIG
@click.argument("file", type=click.File("r", encoding="utf-8", errors="replace"), default="-")
@click.option("--format", "kind", type=click.Choice(["json", "smbpasswd", "htdigest"]), help="Default: told from each line.")
@click.option("--update", is_flag=True, help="Change accounts that are there already.")
@REALMS
@KEEP
def import_accounts(
    config_file: Path | None, file: IO[str], kind: str | None, realms: tuple[str, ...], *, update: bool, keep: bool
) -> None:
    """Import lines of `pdbedit -L -w`, smbpasswd, htdigest, or the JSON that export writes. Exit status 1 where one failed."""
    from sspid.broker.world.accounts import formats  # noqa: PLC0415  # as above
    from sspid.broker.world.accounts.errors import AccountsError  # noqa: PLC0415  # as above
    from sspid.broker.world.accounts.importing import Importer  # noqa: PLC0415  # as above

    counted = {"added": 0, "updated": 0, "refused": 0}
    with _Database(config_file) as database:
        importer = Importer(database.store, realms or database.realms, keep, update)
        for number, draft in formats.read(_lines(file), kind or ""):
            try:
                if isinstance(draft, AccountsError):
                    raise draft
                counted[importer.put(draft)] += 1
            except AccountsError as error:
                counted["refused"] += 1
                click.echo(f"line {number}: {error}", err=True)
    click.echo(", ".join(f"{number} {what}" for what, number in counted.items()))
    sys.exit(1 if counted["refused"] else 0)


def _lines(file: IO[str]) -> Iterator[str]:
    from sspid.broker.world.accounts.formats import LONGEST_LINE  # noqa: PLC0415  # as above

    while line := file.readline(LONGEST_LINE + 2):
        yield line


@accounts.command("export")
@CONFIG
@click.option("--secrets", is_flag=True, help="With everything that was derived from the passwords: keep the output safe.")
def export_accounts(config_file: Path | None, *, secrets: bool) -> None:
    """Write every account as one line of JSON, without secrets unless they are asked for."""
    from sspid.broker.world.accounts.formats import write_line  # noqa: PLC0415  # as above

    with _Database(config_file) as database:
        for stored in database.store:
            click.echo(write_line(database.store.complete(stored), secrets=secrets))


class _Database:
    """The database that the configuration names, for as long as one command lasts; its failures become the command's."""

    def __init__(self, config_file: Path | None) -> None:
        from sspid.config import ConfigurationError, load  # noqa: PLC0415  # as above

        try:
            self._settings = load(config_file)
        except ConfigurationError as error:
            raise click.ClickException(str(error)) from None
        self.realms = tuple(self._settings.accounts.digest_realms)

    def __enter__(self) -> _Database:  # noqa: PYI034  # private, and nothing derives from it
        from sspid.broker.world.accounts.errors import AccountsError  # noqa: PLC0415  # as above
        from sspid.broker.world.accounts.opening import Whereabouts, open_store  # noqa: PLC0415  # as above

        own = self._settings.accounts
        self._settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self.store = open_store(Whereabouts(self._settings.data_dir, own.url, own.key_file, own.deadline_seconds))
        except AccountsError as error:
            raise click.ClickException(str(error)) from None
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        from sspid.broker.world.accounts.errors import AccountsError  # noqa: PLC0415  # as above

        self.store.close()
        if isinstance(error, AccountsError):
            raise click.ClickException(str(error)) from None

    def find(self, name: str, domain: str) -> Stored:
        """The account a command names."""
        stored = self.store.find(*_split(name, domain))
        if stored is None:
            raise click.ClickException(
                f"There is no account {name}{f' in {domain}' if domain else ''}; see `sspid accounts list`."
            )
        return stored


def _split(name: str, domain: str) -> tuple[str, str]:
    before, _, after = name.rpartition("\\")
    return after, domain or before


def _shown(record: AccountRecord) -> str:
    return rf"{record.domain}\{record.name}" if record.domain else record.name


def _password() -> str:
    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise click.ClickException("An account without a password is not taken.")
    return str(password)
