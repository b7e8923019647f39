"""Several worker processes on the same ports: started, watched, started again when one dies, drained together."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sspid import __version__, embedded, logs
from sspid.rpc import binding
from sspid.stopping import StopSignal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from structlog.typing import FilteringBoundLogger

    from sspid.config import Settings

READY = "worker ready: "
DRAINED = "worker drained"
SECRET_BYTES = 32
RESTARTS = 5
WITHIN_SECONDS = 60.0
"""A worker that dies more often than that within this time is not started again: a restart does not cure what is wrong."""


def serve(settings: Settings, config_file: Path | None, workers: int, when_ready: Callable[[Sequence[str]], None]) -> int:
    """Run `workers` processes until SIGTERM or Ctrl-C; the exit status. `when_ready` is told the listeners' addresses."""
    with ExitStack() as stack:
        stack.enter_context(embedded.occupied(settings.data_dir))
        embedded.service_key(settings.data_dir)
        # A Unix socket's path may be about a hundred bytes long, and the data directory's may be longer.
        folder = Path(tempfile.mkdtemp(prefix="sspid-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        reserved = [stack.enter_context(reserve(each.address)) for each in settings.listeners if not each.is_unix]
        _clear_paths(settings)
        ports = [each.getsockname()[1] for each in reserved]
        log = logs.configure(settings.log)
        crew = Crew(config_file, workers, folder, ports, log)
        stack.callback(crew.end)
        stop = StopSignal()
        addresses = crew.start()
        _serve_metrics(settings, folder, log)
        click.echo(f"sspid {__version__} ready: {addresses} (data in {settings.data_dir}, {workers} workers)")
        sys.stdout.flush()
        when_ready(addresses.split(", "))
        return crew.watch(stop)


def reserve(address: str) -> socket.socket:
    """Bind a port that the workers will share, so that all of them get the same one even where the kernel chooses it."""
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if "[" in host else socket.AF_INET
    reserved = socket.socket(family, socket.SOCK_STREAM)
    try:
        # Without SO_REUSEPORT first: another service that shares its port would let this one share it too.
        with socket.socket(family, socket.SOCK_STREAM) as alone:
            alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            alone.bind((host.strip("[]"), int(port)))
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reserved.bind((host.strip("[]"), int(port)))
    except OSError as error:
        reserved.close()
        raise click.ClickException(str(binding.refused(address, error.strerror or str(error)))) from None
    return reserved


def _clear_paths(settings: Settings) -> None:
    """Find a Unix socket that is in use before the workers start: here the reason can be said once and plainly."""
    try:
        for each in settings.listeners:
            if each.is_unix:
                binding.clear_path(binding.socket_path(settings.address_of(each)))
    except binding.TakenError as error:
        raise click.ClickException(str(error)) from None


class Crew:
    """The worker processes."""

    def __init__(
        self, config_file: Path | None, workers: int, folder: Path, ports: list[int], log: FilteringBoundLogger
    ) -> None:
        self._config_file = config_file
        self._workers = workers
        self._folder = folder
        self._ports = ports
        self._log = log
        self._secret = secrets.token_bytes(SECRET_BYTES)
        self._died: list[list[float]] = [[] for _ in range(workers)]
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> str:
        """Start every worker and wait until all are ready; the addresses they listen on."""
        self._processes = [self._spawn(worker) for worker in range(self._workers)]
        first, *_others = [self._ready(process) for process in self._processes]
        return first

    def _spawn(self, worker: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "sspid", "worker", str(worker), str(self._workers), str(self._folder)]
        command += [str(port) for port in self._ports]
        if self._config_file is not None:
            command += ["--config", str(self._config_file)]
        surroundings = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(self._folder)}
        process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=surroundings, start_new_session=True
        )
        assert process.stdin is not None  # noqa: S101  # PIPE was asked
        # It stays open: its end tells the worker that the supervisor is gone.
        process.stdin.write(self._secret)
        process.stdin.flush()
        return process

    @staticmethod
    def _ready(process: subprocess.Popen[bytes]) -> str:
        assert process.stdout is not None  # noqa: S101  # PIPE was asked
        line = process.stdout.readline().decode()
        if not line.startswith(READY):
            raise click.ClickException("A worker did not start; its log says why.")
        return line.removeprefix(READY).strip()

    def watch(self, stop: StopSignal) -> int:
        """Keep every worker running until `stop`, then drain them all."""
        while not stop.wait(0.5):
            for worker, process in enumerate(self._processes):
                if process.poll() is not None and not self._replace(worker, process):
                    self._drain()
                    return 1
        return self._drain()

    def _replace(self, worker: int, process: subprocess.Popen[bytes]) -> bool:
        now = time.monotonic()
        died = self._died[worker] = [*(each for each in self._died[worker] if now - each < WITHIN_SECONDS), now]
        self._log.error("worker died", worker=worker, exit=process.returncode, restarts=len(died))
        _close(process)
        if len(died) > RESTARTS:
            return False
        # Whether it gets ready is seen at the next look: a worker that does not has ended by then.
        self._processes[worker] = self._spawn(worker)
        return True

    def _drain(self) -> int:
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        # All of them first: one may be answering what a call on another still waits for.
        for process in self._processes:
            _wait_until_drained(process)
        for process in self._processes:
            _close(process)
        return max((process.wait() for process in self._processes), key=abs)

    def end(self) -> None:
        """Leave no worker behind, however the service ends."""
        for process in self._processes:
            if process.poll() is None:
                process.terminate()
            process.wait()
            _close(process)


def _wait_until_drained(process: subprocess.Popen[bytes]) -> None:
    """Until the worker says that it has drained, or ends; one started again has not been listened to before."""
    assert process.stdout is not None  # noqa: S101  # PIPE was asked
    if not process.stdout.closed:
        any(line.decode().strip() == DRAINED for line in process.stdout)


def _close(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _serve_metrics(settings: Settings, folder: Path, log: FilteringBoundLogger) -> None:
    """One page for all workers, added up."""
    if not settings.metrics_address:
        return
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    from prometheus_client import CollectorRegistry, multiprocess, start_http_server  # noqa: PLC0415  # reads the variable

    registry: Any = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library leaves it untyped
    host, _, port = settings.metrics_address.rpartition(":")
    try:
        serving, _thread = start_http_server(int(port), host, registry)
    except OSError as error:
        log.warning("no metrics", address=settings.metrics_address, reason=str(error))
    else:
        log.info("metrics", address=f"{host}:{serving.server_port}")
