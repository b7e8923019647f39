"""Puts the parts together; nothing else constructs them."""

from __future__ import annotations

import functools
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc

from sspid import embedded
from sspid.broker.audit import AuditLog, Observers
from sspid.broker.contexts import Contexts
from sspid.broker.credentials import Credentials
from sspid.broker.exports import Exports
from sspid.broker.handles import Limits
from sspid.broker.messages import Messages
from sspid.broker.waits import WaitingRoom
from sspid.broker.world.accounts.directory import Directory, Rules
from sspid.broker.world.accounts.lockout import Lockout
from sspid.broker.world.accounts.opening import Opening, Whereabouts
from sspid.broker.world.accounts.passwords import Passwords
from sspid.broker.world.answers import RealWorld
from sspid.broker.world.key_files import open_key_file
from sspid.broker.world.logons import Logons
from sspid.broker.world.machine import ThisMachine
from sspid.broker.world.nonces import NonceFile, NonceTable
from sspid.broker.world.policy import Policies
from sspid.broker.world.sealing import SealingKeys
from sspid.broker.world.trust import SYSTEM_ROOTS, NamedCredentials, OnDisk, TrustAnchors
from sspid.broker.world.winbind import Winbind, WinbindSettings
from sspid.packages import questions
from sspid.packages.catalog import Catalog
from sspid.rpc.callers import Callers
from sspid.rpc.chain import Surroundings
from sspid.rpc.context_service import ContextService
from sspid.rpc.credential_service import CredentialService
from sspid.rpc.message_service import MessageService
from sspid.rpc.metrics import Metrics
from sspid.rpc.package_service import PackageService
from sspid.rpc.routing import ForwardedCallers, Router, socket_path
from sspid.rpc.server import Listener, Server, Threads

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from sspid.broker.world.answers import Answers
    from sspid.config import Settings, WinbindKeys

SWEEP_SECONDS = 5.0
DEMO_CREDENTIALS = {"demo-server": "server", "demo-client": "client"}


@dataclass(frozen=True, slots=True)
class Crew:
    """Which of how many workers this process is; where they meet, and what proves one to another."""

    worker: int
    workers: int
    folder: Path
    secret: bytes = field(repr=False)


class Service:
    """One worker's whole service: broker, world and server."""

    def __init__(self, settings: Settings, log: FilteringBoundLogger, crew: Crew | None = None) -> None:
        embedded.prepare(settings.data_dir)
        self._settings = settings
        self._log = log
        self._crew = crew
        self._stopping = threading.Event()
        self.metrics = Metrics()
        self._build_broker(0 if crew is None else crew.worker)
        self._services = {
            "PackageService": PackageService(self.credentials),
            "CredentialService": CredentialService(self.credentials),
            "ContextService": ContextService(self.contexts),
            "MessageService": MessageService(self.messages),
        }
        self._router = None if crew is None else Router(crew.worker, crew.workers, crew.folder, crew.secret)
        self.server = self._build_server()
        self._inner = None if crew is None else self._build_inner_server(crew)

    def _build_broker(self, worker: int) -> None:
        settings, limits = self._settings, self._settings.limits
        waiting = WaitingRoom(per_caller=limits.waiting_per_caller, total=limits.waiting_total)
        self.world = world = self._build_world(waiting)
        self.credentials = Credentials(
            Catalog(authority_is_remote=settings.winbind.enabled or not _accounts_are_a_file(settings)),
            world,
            waiting,
            Limits(limits.credentials_per_caller, limits.credentials_total, limits.idle_seconds, limits.idle_seconds),
            worker=worker,
        )
        self.contexts = Contexts(
            self.credentials,
            world,
            waiting,
            Limits(limits.contexts_per_caller, limits.contexts_total, limits.idle_seconds, limits.unfinished_seconds),
            exports=Exports(functools.cache(lambda: embedded.service_key(settings.data_dir))),
            observer=Observers(AuditLog(self._log), self.metrics),
            worker=worker,
        )
        self.messages = Messages(self.contexts)
        self.metrics.watch_handles("credentials", lambda: len(self.credentials))
        self.metrics.watch_handles("contexts", lambda: len(self.contexts))

    def _build_world(self, waiting: WaitingRoom) -> RealWorld:
        settings = self._settings
        certificates = settings.data_dir / "certificates"
        named = {
            name: OnDisk(
                ("*",), certificates / f"{file}.pem", certificates / f"{file}-key.pem", trust_anchors=certificates / "ca.pem"
            )
            for name, file in DEMO_CREDENTIALS.items()
        }
        named |= {
            name: OnDisk(
                tuple(each.callers), each.certificate, each.key, each.pkcs12, each.passphrase_file,
                each.user, each.domain, each.password_file, each.keytab, each.credential_cache,
                ocsp_response=each.ocsp_response,
            )
            for name, each in settings.credentials.items()
        }  # fmt: skip
        roots = [settings.trust_anchors] if settings.trust_anchors else [certificates / "ca.pem", *_system_roots()]
        return RealWorld(
            {
                questions.FindNamedCredential: NamedCredentials(named).find,
                questions.FindTrustAnchors: TrustAnchors(roots).find,
                questions.OpenKeyFile: open_key_file,
                **self._authority_answers(),
            },
            waiting,
            _elsewhere(settings),
            later=functools.cache(self._kerberos_answers),
        )

    def _kerberos_answers(self) -> Answers:
        from sspid.broker.world.gss import MitKerberos  # noqa: PLC0415  # most services never ask, all would wait for it

        keys = self._settings.kerberos
        return MitKerberos(keys.deadline_seconds, keys.silent_seconds).answers()

    def _authority_answers(self) -> Answers:
        """What knows accounts, policy and this machine; the database and winbind are opened at the first question."""
        settings, own = self._settings, self._settings.accounts
        names = settings.machine
        machine = ThisMachine(
            questions.Machine(names.computer, names.domain, names.dns_computer, names.dns_domain, names.dns_tree)
        )
        whereabouts = Whereabouts(settings.data_dir, own.url, own.key_file, own.deadline_seconds)
        store = Opening(whereabouts).store
        rules = Rules(any_domain=own.any_domain, elsewhere=settings.winbind.enabled)
        deadline = None if whereabouts.is_file else own.deadline_seconds
        directory = Directory(
            store, machine.machine, self._log, rules=rules, cache_seconds=own.cache_seconds, deadline=deadline
        )
        lockout = Lockout(own.lockout.failures, own.lockout.window_seconds, own.lockout.duration_seconds)
        logons = Logons(self._log, directory, lockout)
        nonces = (
            NonceFile(settings.data_dir / "nonces.sqlite", alone=self._crew is None)
            if whereabouts.is_file
            else NonceTable(store, deadline)
        )
        winbind = Winbind(_winbind(settings.winbind), self._log)
        return {
            questions.LookUpAccount: directory.look_up,
            questions.LookUpDigestSecret: directory.look_up_digest,
            questions.MapCertificate: directory.map_certificate,
            questions.RecordLogon: logons.record,
            questions.ChangePassword: Passwords(directory, logons).change,
            questions.RecordPolicyBreach: logons.breach,
            questions.ReadPolicy: Policies(settings.policy).read,
            questions.DescribeMachine: machine.describe,
            questions.SealingKey: SealingKeys(functools.cache(lambda: embedded.service_key(settings.data_dir))).find,
            questions.CountNonceUse: nonces.count,
            questions.JudgeNtlmResponse: winbind.judge,
        }

    def _build_server(self) -> Server:
        settings, limits = self._settings, self._settings.limits
        callers = Callers(
            anonymous=any(each.anonymous for each in settings.listeners),
            tls=any(each.tls is not None for each in settings.listeners),
        )
        forward = None if self._router is None else self._router.forward
        return Server(
            self._services,
            callers,
            Surroundings(self.metrics, self._log, limits.calls_per_second, forward),
            threads=self._threads(),
            max_message_bytes=limits.max_message_bytes,
            may_wait=self.contexts.may_wait if self._router is None else self._may_wait,
            # One service alone must find its port taken, not share it with a stranger.
            share_ports=self._crew is not None,
        )

    def _threads(self) -> Threads:
        limits = self._settings.limits
        return Threads(
            unary=self._settings.threads,
            streams=limits.streams_total,
            streams_per_caller=limits.streams_per_caller,
            waiting=limits.waiting_total,
            waiting_per_caller=limits.waiting_per_caller,
            queued=limits.queued_total,
        )

    def _build_inner_server(self, crew: Crew) -> Server:
        """What the other workers call: the same functions, on a socket of their own, never passed on again."""
        inner = Server(
            self._services,
            ForwardedCallers(crew.secret),
            Surroundings(None, self._log),
            threads=self._threads(),
            max_message_bytes=self._settings.limits.max_message_bytes,
            may_wait=self.contexts.may_wait,
        )
        inner.listen(Listener(f"unix://{socket_path(crew.folder, crew.worker)}"))
        return inner

    def _may_wait(self, caller: str, context: bytes, credential: bytes) -> bool:
        elsewhere = self._router is not None and self._router.elsewhere(context, credential)
        return elsewhere or self.contexts.may_wait(caller, context, credential)

    def listen(self) -> list[str]:
        """Bind every listener; the addresses as they are bound. `TakenError` where one cannot be had."""
        first = self._crew is None or self._crew.worker == 0
        # One process owns a Unix socket's path; the others are reached through it.
        return [self.server.listen(self._listener(each)) for each in self._settings.listeners if first or not each.is_unix]

    def _listener(self, configured: Any) -> Listener:
        if configured.tls is None:
            return Listener(self._settings.address_of(configured))
        tls = configured.tls
        pair = (tls.key.read_bytes(), tls.certificate.read_bytes())
        return Listener(
            configured.address,
            grpc.ssl_server_credentials([pair], tls.client_ca.read_bytes(), require_client_auth=True),
        )

    def start(self) -> None:
        """Serve, load the packages nobody has asked for yet, and sweep what is unused."""
        if self._inner is not None:
            self._inner.start()
        self.server.start()
        threading.Thread(target=self._sweep, name="sweep", daemon=True).start()

    def load_packages(self) -> None:
        """Load every package and the metrics' library now; tell health and the log which packages cannot work here."""
        self.metrics.look()
        found = self.credentials.enumerate_security_packages()
        self.server.report([(info.name, lacking) for info, lacking in found])
        for info, lacking in found:
            if lacking:
                self._log.warning("package not ready", package=info.name, reason=lacking)

    def serve_metrics(self) -> None:
        """Let Prometheus read the metrics, where an address is configured."""
        if self._settings.metrics_address:
            from prometheus_client import start_http_server  # noqa: PLC0415  # see Metrics

            host, _, port = self._settings.metrics_address.rpartition(":")
            try:
                serving, _ = start_http_server(int(port), host, self.metrics.registry)
            except OSError as error:
                self._log.warning("no metrics", address=self._settings.metrics_address, reason=str(error))
            else:
                self._log.info("metrics", address=f"{host}:{serving.server_port}")

    def _sweep(self) -> None:
        while not self._stopping.wait(SWEEP_SECONDS):
            self.contexts.sweep()
            self.credentials.sweep()
            self.metrics.look()

    def drain(self) -> None:
        """Take no more calls, and finish those under way for as long as the configuration says."""
        self._stopping.set()
        self.server.stop(self._settings.drain_seconds)

    def stop(self) -> None:
        """End at once, for the other workers too."""
        self._stopping.set()
        self.server.stop(0)
        if self._inner is not None:
            self._inner.stop(0)


def _winbind(keys: WinbindKeys) -> WinbindSettings:
    own = [f"--configfile={keys.configuration}"] if keys.configuration else []
    return WinbindSettings(
        (keys.path, *own, "--helper-protocol=ntlm-server-1"), (keys.wbinfo,) if keys.wbinfo else (),
        keys.deadline_seconds, keys.helpers, enabled=keys.enabled,
    )  # fmt: skip


def _elsewhere(settings: Settings) -> list[type]:
    """The questions that another process or machine answers, as this service is configured."""
    asked: list[type] = [questions.OpenKeyFile]
    if settings.winbind.enabled:
        asked.append(questions.JudgeNtlmResponse)
    if not _accounts_are_a_file(settings):
        asked += [
            questions.LookUpAccount, questions.LookUpDigestSecret, questions.MapCertificate, questions.RecordLogon,
            questions.CountNonceUse, questions.ChangePassword,
        ]  # fmt: skip
    return asked


def _accounts_are_a_file(settings: Settings) -> bool:
    return Whereabouts(settings.data_dir, settings.accounts.url).is_file


def _system_roots() -> list[Path]:
    return [Path(each) for each in SYSTEM_ROOTS if Path(each).exists()][:1]
