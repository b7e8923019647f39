"""The `sspid` command: serve, demo, check-config, health, version."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sspid import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sspid.app import Crew
    from sspid.config import Settings

CONFIG = click.option(
    "--config", "config_file", envvar="SSPID_CONFIG", type=click.Path(path_type=Path), help="TOML file; all keys have defaults."
)


class Commands(click.Group):
    """`accounts` is imported when it is wanted: a service that starts does not wait for it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), "accounts"])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name != "accounts":
            return super().get_command(ctx, cmd_name)
        from sspid.accounts_cli import accounts  # noqa: PLC0415  # see above

        return accounts


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Windows' Security Support Provider Interface as a gRPC service."""


@main.command()
@CONFIG
@click.option("--workers", type=click.IntRange(1, 64), help="Worker processes on the same ports.")
@click.option("--demo", is_flag=True, help="Show a real TLS handshake through the service once it serves.")
def serve(config_file: Path | None, workers: int | None, *, demo: bool) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    from sspid import embedded  # noqa: PLC0415  # as below

    settings = _settings(config_file)
    when_ready = _demonstration(settings) if demo else _nothing
    try:
        if (workers or settings.workers) > 1:
            from sspid import supervisor  # noqa: PLC0415  # one worker needs none

            sys.exit(supervisor.serve(settings, config_file, workers or settings.workers, when_ready))
        with embedded.occupied(settings.data_dir):
            _serve_one(settings, when_ready)
    except embedded.OccupiedError as error:
        raise click.ClickException(str(error)) from None


@main.command(hidden=True)
@CONFIG
@click.argument("worker", type=int)
@click.argument("workers", type=int)
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("ports", type=int, nargs=-1)
def worker(config_file: Path | None, worker: int, workers: int, folder: Path, ports: tuple[int, ...]) -> None:
    """One of several workers; `sspid serve --workers` starts them and hands each the crew's secret on standard input."""
    from sspid.app import Crew  # noqa: PLC0415  # as in serve
    from sspid.supervisor import SECRET_BYTES  # noqa: PLC0415  # as in serve

    crew = Crew(worker, workers, folder, sys.stdin.buffer.read(SECRET_BYTES))
    _serve_one(_settings(config_file).on_ports(ports), _nothing, crew)


def _demonstration(settings: Settings) -> Callable[[Sequence[str]], None]:
    """What shows the handshake, once it is told the addresses of the listeners."""
    from sspid import demo as show  # noqa: PLC0415  # needs the client, which a service does without

    listener = show.plain_listener(settings)
    if listener < 0:
        message = (
            "--demo calls the service without a certificate, and every listener has TLS; add a listener for a Unix socket, "
            "or run `sspid demo`, which starts a service of its own."
        )
        raise click.ClickException(message)

    def demonstrate(addresses: Sequence[str]) -> None:
        show.run(addresses[listener], settings.data_dir)
        click.echo("Serving on; stop with Ctrl-C.")

    return demonstrate


def _nothing(_addresses: Sequence[str]) -> None:
    """What is shown without a demonstration."""


def _serve_one(settings: Settings, when_ready: Callable[[Sequence[str]], None], crew: Crew | None = None) -> None:
    # gRPC's core writes lines of its own to standard error, between our structured ones, unless told before its import.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from sspid import logs  # noqa: PLC0415  # imported late: `sspid --help` needs none of it
    from sspid.app import Service  # noqa: PLC0415  # as above
    from sspid.rpc.binding import TakenError  # noqa: PLC0415  # as above
    from sspid.stopping import StopSignal  # noqa: PLC0415  # as above

    stop = StopSignal(None if crew is None else sys.stdin)
    log = logs.configure(settings.log)
    service = Service(settings, log, crew)
    try:
        addresses = service.listen()
    except TakenError as error:
        raise click.ClickException(str(error)) from None
    service.start()
    listening = ", ".join(addresses)
    click.echo(
        f"worker ready: {listening}" if crew else f"sspid {__version__} ready: {listening} (data in {settings.data_dir})"
    )
    sys.stdout.flush()
    log.info("ready", addresses=addresses, version=__version__)
    service.load_packages()
    if crew is None:
        service.serve_metrics()
    when_ready(addresses)
    stop.wait()
    service.drain()
    if crew is not None:
        # The other workers may still need what this one holds, until they have drained too.
        from sspid.supervisor import DRAINED  # noqa: PLC0415  # as above

        click.echo(DRAINED)
        sys.stdout.flush()
        stop.wait_for_supervisor(settings.drain_seconds)
    service.stop()
    log.info("stopped")
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads that wait for another machine beyond the drain time would keep an ordinary exit waiting as well.
    os._exit(0)


@main.command()
@CONFIG
@click.option("--target", default="", help="A running service; one is started for the demo where none is named.")
def demo(config_file: Path | None, target: str) -> None:
    """Show a Schannel handshake with a real `openssl s_server`, leg by leg."""
    from sspid import demo as show  # noqa: PLC0415  # needs the client, which a service does without

    settings = _settings(config_file)
    sys.exit(show.run(target, settings.data_dir) if target else show.run_alone(settings))


@main.command("check-config")
@CONFIG
@click.option("--keys", is_flag=True, help="Print every key, its default and its meaning: the table of docs/configuration.md.")
def check_config(config_file: Path | None, *, keys: bool) -> None:
    """Read the configuration as `serve` would, and say what is wrong and where."""
    from sspid import config  # noqa: PLC0415  # as above

    if keys:
        for name, default, text in config.documented():
            click.echo(f"| `{name}` | {f'`{default}`' if default else ''} | {text} |")
        return
    settings = _settings(config_file, credentials=True)
    click.echo(f"{config_file or 'The default configuration'} is good.")
    for listener in settings.listeners:
        click.echo(f"  listens on {settings.address_of(listener)}")


@main.command()
@click.option("--target", default="127.0.0.1:50051", show_default=True, help='"host:port" or "unix:///path".')
@click.option("--ca", type=click.Path(exists=True, path_type=Path), help="Roots of the service's certificate; turns TLS on.")
@click.option("--certificate", type=click.Path(exists=True, path_type=Path), help="Client certificate.")
@click.option("--key", type=click.Path(exists=True, path_type=Path), help="Its key.")
@click.option("--package", default="", help="Ask about one package instead of the whole service.")
def health(target: str, ca: Path | None, certificate: Path | None, key: Path | None, package: str) -> None:
    """Ask a running service whether it serves; exit status 0 if so."""
    from sspid.rpc import probe  # noqa: PLC0415  # as above

    answer = probe.health(target, ca, certificate, key, f"sspi.package.{package}" if package else "")
    click.echo(answer)
    sys.exit(0 if answer == "SERVING" else 1)


@main.command()
def version() -> None:
    """Print the version."""
    click.echo(__version__)


def _settings(config_file: Path | None, *, credentials: bool = False) -> Settings:
    from sspid.config import ConfigurationError, load, require_files  # noqa: PLC0415  # as above

    try:
        settings = load(config_file)
        require_files(settings, config_file, credentials=credentials)
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from None
    return settings
