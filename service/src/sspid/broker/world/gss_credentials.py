"""What stands behind a package's `GssCredential`: tickets, keys, or what a peer delegated; acquired anew for each context.

Each context opens the cache for itself: MIT's library locks a credential while it waits for a KDC, and contexts towards other
targets must not wait with it.
"""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import krb5

from sspid.broker.world.gss_library import FAILURES_TOLD, KERBEROS, gss, principal_name, service_name, without_claims
from sspid.broker.world.gss_stores import Cache, Keys, cache_of, written
from sspid.packages.gss import GssError
from sspid.vocabulary.credentials import CredentialCache, Keytab, Password

if TYPE_CHECKING:
    from collections.abc import Callable

    from sspid.packages.gss import OpenGssCredential

_NUMBERS = itertools.count()
RENEW_SECONDS = 60
"""How long before its end a ticket-granting ticket is fetched anew."""


class Tickets:
    """An initiator's tickets: a cache, and (from a password or keys) the way to fill it when it is first wanted or has aged."""

    def __init__(
        self, name: bytes, store: Cache | None, fetch: Callable[[Any], tuple[Any, Any]] | None, ends: float | None = None
    ) -> None:
        self._name = name
        self._store = store
        self._fetch = fetch
        self._ends = ends
        self._lock = threading.Lock()

    @property
    def expiry(self) -> datetime | None:
        """When the tickets end; None where new ones can be fetched, or only the file knows."""
        return None if self._fetch is not None or self._ends is None else datetime.fromtimestamp(self._ends, UTC)

    @property
    def wanting(self) -> bool:
        """Whether the KDC must give a ticket-granting ticket before anything can be begun."""
        return self._fetch is not None and (self._ends is None or self._ends - time.time() < RENEW_SECONDS)

    def open(self) -> Any:
        """A library credential over the cache; asks the KDC where it has no ticket yet."""
        if self._fetch is not None and self._store is not None:
            self._refresh(self._store, self._fetch)
        return without_claims(gss.acquire_cred_from({b"ccache": self._name}, mechs=[KERBEROS], usage="initiate").creds)

    def _refresh(self, store: Cache, fetch: Callable[[Any], tuple[Any, Any]]) -> None:
        with self._lock:
            if self.wanting:
                principal, ticket = fetch(store.context)
                store.fill(principal, [ticket])
                self._ends = ticket.times.endtime & 0xFFFFFFFF


class Impersonated:
    """Tickets of a user that a service fetched to itself (S4U2Self); towards others the library goes on with S4U2Proxy."""

    def __init__(self, service: Tickets, principal: str, user: str) -> None:
        self._service = service
        self.service_principal = principal
        self._user = user
        self._held: Any = None
        self._lock = threading.Lock()
        self.expiry = None

    @property
    def wanting(self) -> bool:
        """Whether the service itself must log on first."""
        return self._service.wanting

    def open(self) -> Any:
        """A library credential of the user; asks the KDC where it has none that lasts."""
        with self._lock:
            if self._held is None or self._remaining() < RENEW_SECONDS:
                acquired = gss.acquire_cred_impersonate_name(
                    self._service.open(), principal_name(self._user), mechs=[KERBEROS], usage="initiate"
                )
                self._held = without_claims(acquired.creds)
            return self._held

    def _remaining(self) -> float:
        lifetime = gss.inquire_cred(self._held, name=False, usage=False, mechs=False).lifetime
        return float("inf") if lifetime is None else float(lifetime)


@dataclass(frozen=True, slots=True)
class Delegated:
    """A credential as the library gave it: a forwarded ticket-granting ticket, or a service's right to go on as its client."""

    creds: Any
    expiry: datetime | None
    wanting = False

    def open(self) -> Any:
        """The credential."""
        return self.creds


class Opened:
    """A credential as a package holds it; `close` lets go of every secret that no context has in use."""

    def __init__(self, principal: str, *, tickets: Tickets | Impersonated | Delegated | None, keys: Keys | None = None) -> None:
        self.principal = principal
        self.expiry = None if tickets is None else tickets.expiry
        self._number = next(_NUMBERS)
        self._tickets = tickets
        self._keys = keys
        self._accepting: Any = None
        self.allowance: int | None = None

    def initiating(self) -> Any:
        """A library credential for an initiator; may ask the KDC."""
        if self._tickets is None:
            raise GssError(0, None, "the credential was freed")
        return self._tickets.open()

    def towards(self, target: str) -> Any:
        """The name of a target; the ticket a service fetched to itself is filed under its name as the KDC wrote it."""
        if isinstance(self._tickets, Impersonated):
            own = self._tickets.service_principal
            if target in {own, own.rpartition("@")[0]}:
                return principal_name(own)
        return service_name(target)

    def wanted(self, target: str) -> tuple[object, ...]:
        """What a KDC is asked for first: this realm's ticket-granting ticket, or this credential's ticket for `target`."""
        if self._tickets is not None and self._tickets.wanting:
            own = self._tickets.service_principal if isinstance(self._tickets, Impersonated) else self.principal
            return ("tickets", own.rpartition("@")[2])
        return (self._number, target)

    @property
    def may_delegate_on(self) -> bool:
        """Whether accepting needs the service's own tickets: what it then gets from a client allows S4U2Proxy."""
        return self._tickets is not None

    def accepting(self) -> Any:
        """A library credential for an acceptor."""
        if self._keys is None:
            raise GssError(0, None, "the credential was freed")
        if self._accepting is None:
            # In both roles the principal is the initiator's: in a Windows domain no SPN can log on itself.
            name = principal_name(self.principal) if self.principal and self._tickets is None else None
            store = {b"keytab": self._keys.name}
            self._accepting = gss.acquire_cred_from(store, name, mechs=[KERBEROS], usage="accept").creds
        return self._accepting

    def accepting_and_initiating(self) -> Any:
        """A library credential for both roles, or for an acceptor alone where the KDC gives the service no ticket."""
        if self._keys is None or not isinstance(self._tickets, Tickets):
            return self.accepting()
        try:
            with FAILURES_TOLD:
                self._tickets.open()
                store = {b"keytab": self._keys.name, b"ccache": self._tickets._name}  # noqa: SLF001 - both are this module's
                return gss.acquire_cred_from(store, mechs=[KERBEROS], usage="both").creds
        except GssError:
            return self.accepting()

    def close(self) -> None:
        """Let go."""
        self._tickets = self._keys = self._accepting = None


def open_credential(question: OpenGssCredential) -> Opened:
    """Make a credential without asking a KDC."""
    try:
        with FAILURES_TOLD:
            match question.secret:
                case Password():
                    return _of_password(question, question.secret)
                case Keytab():
                    return _of_keys(question, question.secret)
                case CredentialCache():
                    return _of_cache(question, question.secret)
    except (OverflowError, TypeError, ValueError):
        # The bindings' own, on numbers and names in the caller's bytes that they cannot carry.
        raise GssError(0, None, "what was given holds a number or a name that cannot be") from None


def delegated(creds: Any) -> Opened:
    """A credential the peer delegated."""
    found = gss.inquire_cred(creds, usage=False, mechs=False)
    principal = gss.display_name(found.name, name_type=False).name.decode("utf-8", "replace")
    ends = None if found.lifetime is None else datetime.fromtimestamp(time.time() + found.lifetime, UTC)
    return Opened(principal, tickets=Delegated(without_claims(creds), ends))


def _of_password(question: OpenGssCredential, secret: Password) -> Opened:
    def fetch(context: Any) -> tuple[Any, Any]:
        principal = krb5.parse_name_flags(context, question.principal.encode("utf-8", "surrogatepass"))
        password = secret.password.encode("utf-8", "surrogatepass")
        return principal, krb5.get_init_creds_password(context, principal, _options(context), password=password)

    store = Cache()
    principal = written(krb5.parse_name_flags(store.context, question.principal.encode("utf-8", "surrogatepass")))
    return _opened(question, principal, Tickets(store.name, store, fetch))


def _of_keys(question: OpenGssCredential, secret: Keytab) -> Opened:
    keys = Keys(secret.data, secret.path)
    principal = question.principal and keys.spelled(question.principal)
    if not question.use.outbound:
        return Opened(principal, tickets=None, keys=keys)
    principal = principal or keys.principals[0]

    def fetch(context: Any) -> tuple[Any, Any]:
        client = krb5.parse_name_flags(context, principal.encode("utf-8", "surrogatepass"))
        return client, krb5.get_init_creds_keytab(context, client, _options(context), keys.table)

    store = Cache()
    return _opened(question, principal, Tickets(store.name, store, fetch), keys)


def _of_cache(question: OpenGssCredential, secret: CredentialCache) -> Opened:
    if secret.path:
        context = krb5.init_context()
        name = b"FILE:" + secret.path.encode("utf-8", "surrogateescape")
        found = written(krb5.cc_resolve(context, name).principal)
        tickets = Tickets(name, None, None)
    else:
        store, found, ends = cache_of(secret.data)
        tickets = Tickets(store.name, store, None, ends)
    if question.principal not in {"", found}:
        raise GssError(0, None, f"the credential cache is of {found} and not of {question.principal}")
    return _opened(question, found, tickets)


def _opened(question: OpenGssCredential, principal: str, tickets: Tickets, keys: Keys | None = None) -> Opened:
    if question.impersonate:
        return Opened(question.impersonate, tickets=Impersonated(tickets, principal, question.impersonate))
    return Opened(principal, tickets=tickets, keys=keys if question.use.inbound else None)


def _options(context: Any) -> Any:
    options = krb5.get_init_creds_opt_alloc(context)
    # A ticket that cannot be forwarded could never be delegated; whether it is, each context decides.
    krb5.get_init_creds_opt_set_forwardable(options, forwardable=True)
    return options
