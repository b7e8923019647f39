"""Security contexts: the road from a handle through its lock to the package and back to established, continued or failed."""

from __future__ import annotations

import functools
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from sspid.broker import asks, replays
from sspid.broker.handles import Entry, HandleTable, Limits, unknown_handle
from sspid.broker.held import HeldContext, require_alive
from sspid.broker.legs import LegAnswer, LegCall, Role
from sspid.broker.sessions import Sessions
from sspid.broker.undelivered import FirstSteps, Undelivered, require_room, too_large
from sspid.packages.contract import Leg, Step
from sspid.vocabulary.attributes import DelegatedCredential
from sspid.vocabulary.buffers import token_in
from sspid.vocabulary.errors import RefusedError, SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Coroutine

    from sspid.broker.audit import Observer
    from sspid.broker.credentials import Credentials, HeldCredential
    from sspid.broker.exports import Exports
    from sspid.broker.waits import WaitingRoom
    from sspid.vocabulary.attributes import AttributeValue, ContextAttribute, Identity
    from sspid.vocabulary.buffers import Buffers

Result = TypeVar("Result")

_INITIATOR: Final = Role.INITIATOR
_ACCEPTOR: Final = Role.ACCEPTOR
_INCOMPLETE_MESSAGE: Final = SecurityStatus.SEC_E_INCOMPLETE_MESSAGE
"""Looked up once: an enumeration is slow to ask."""

LOCK_SECONDS: Final = 30.0
"""How long a call waits for another call on the same context before it is refused."""

COMPACT_SECONDS: Final = 5.0
"""How long a context is unused before its package is asked to make it smaller."""


class Contexts:
    """ContextService's functions, and the way from a context handle to its state for MessageService's."""

    def __init__(
        self,
        credentials: Credentials,
        world: asks.World,
        waiting: WaitingRoom,
        limits: Limits,
        *,
        exports: Exports,
        observer: Observer,
        worker: int = 0,
    ) -> None:
        self._credentials = credentials
        self._world = world
        self._waiting = waiting
        self._exports = exports
        self._observer = observer
        self._table: HandleTable[HeldContext] = HandleTable("context", limits, worker=worker, release=self._released)
        self._creating = replays.CreatingCalls(waiting)
        self._sessions = Sessions()
        self._first_steps = FirstSteps()

    def __len__(self) -> int:
        return len(self._table)

    def initialize_security_context(self, caller: str, call: LegCall) -> LegAnswer:
        """One leg of the initiator."""
        return self._leg(caller, call, _INITIATOR)

    def accept_security_context(self, caller: str, call: LegCall) -> LegAnswer:
        """One leg of the acceptor."""
        return self._leg(caller, call, _ACCEPTOR)

    def _leg(self, caller: str, call: LegCall, role: Role) -> LegAnswer:
        if call.context:
            entry = self.use(caller, call.context, call.connection_id)
            try:
                if call.request_id is None:
                    return self._later_leg(caller, call, role, entry)
                return self.once(entry.held, call.request_id, lambda: self._later_leg(caller, call, role, entry))
            finally:
                entry.lock.release()
        if call.request_id is None:
            return self._first_leg(caller, call, role)
        return self._creating.once(caller, call.request_id, lambda: self._first_leg(caller, call, role))

    def _first_leg(self, caller: str, call: LegCall, role: Role) -> LegAnswer:
        if self._first_steps.handles and (taken := self._take_first(caller, call, role)) is not None:
            return taken
        self._table.require_room(caller)
        credential = self._usable_credential(caller, call.credential, role)
        if credential.package.keeps_sessions and role is _ACCEPTOR:
            resumed = self._resume(caller, call, credential)
            if resumed is not None:
                return resumed
        began = time.monotonic()
        held = HeldContext(credential.package, None, role, credential, call.target_name, call.connection_id, began)
        step = self._step(caller, call, held)
        if step.state is None or step.status is _INCOMPLETE_MESSAGE:
            require_room(call, step)
            return LegAnswer(b"", step)
        if call.output_capacity and too_large(call, step):
            self._keep_first(caller, call, held, step)
        self._advance(caller, held, step)
        handle = self._table.open(caller, held, finished=held.established)
        self._remember(caller, held, handle)
        return LegAnswer(handle, step)

    def _keep_first(
        self, caller: str, call: LegCall, held: HeldContext, step: Step, lock: threading.Lock | None = None
    ) -> NoReturn:
        """Hold a first step until the same call has room for its token; the caller is told no handle before."""
        first = FirstSteps.of(caller, held.role, call)
        if self._first_steps.find(first):
            # The same call twice at once, and one step is enough for it.
            held.package.delete_security_context(step.state)
        else:
            held.state, held.undelivered = step.state, Undelivered(call, step, first)
            self._first_steps.keep(first, self._table.open(caller, held, finished=False, lock=lock))
        raise SspiError(SecurityStatus.SEC_E_INSUFFICIENT_MEMORY, too_large(call, step))

    def _take_first(self, caller: str, call: LegCall, role: Role) -> LegAnswer | None:
        """What the same first call came to before, when there was no room for its token."""
        handle = self._first_steps.find(FirstSteps.of(caller, role, call))
        try:
            entry = self.use(caller, handle, call.connection_id) if handle else None
        except SspiError:
            # It has expired since, so this call is made like any other.
            entry = None
        if entry is None:
            return None
        with entry:
            held = entry.held
            if held.undelivered is None:
                return None
            step = held.undelivered.deliver(call)
            self._first_steps.forget(held.undelivered)
            held.undelivered = None
            self._advance(caller, held, step)
            entry.finished = held.established
            self._remember(caller, held, handle)
            return LegAnswer(handle, step)

    def _resume(self, caller: str, call: LegCall, credential: HeldCredential) -> LegAnswer | None:
        """A first leg whose token belongs to an established context goes on from there, in a context of its own.

        Several such legs may be under way at once, so each has a handle, and CompleteAuthToken knows which one is meant.
        """
        package = credential.package
        known = self._sessions.find(caller, package, token_in(call.input))
        try:
            session = self._table.find(caller, known) if known else None
        except SspiError:
            # It has expired or was deleted since, so this leg is judged like any other.
            session = None
        if session is None:
            return None
        held = HeldContext(package, None, _ACCEPTOR, credential, "", call.connection_id, time.monotonic(), resumed=True)
        leg = Leg(credential.credential, call.input, call.flags, "", caller, call.network_data_rep)
        with self._locked(caller, session):
            if session.held.state is None:
                return None
            step = self._tried(caller, held, package.resume_security_context(session.held.state, leg))
            self._advance(caller, held, step)
        # They share what the session has counted, so they share the lock.
        if call.output_capacity and too_large(call, step):
            self._keep_first(caller, call, held, step, session.lock)
        return LegAnswer(self._table.open(caller, held, finished=held.established, lock=session.lock), step)

    def _remember(self, caller: str, held: HeldContext, handle: bytes) -> None:
        if held.established and held.package.keeps_sessions and not held.reference:
            self._sessions.remember(caller, held, handle)

    def _later_leg(self, caller: str, call: LegCall, role: Role, entry: Entry[HeldContext]) -> LegAnswer:
        held = entry.held
        if held.role is not role:
            message = f"The context is an {held.role.value}'s; the other function drives it."
            raise SspiError(SecurityStatus.SEC_E_INVALID_HANDLE, message)
        if held.failed is not None or held.state is None:
            require_alive(held)
        if call.credential:
            credential = self._usable_credential(caller, call.credential, role)
            if credential.package is not held.package:
                message = f"The context is {held.package.info.name}'s and the credential is {credential.package.info.name}'s."
                raise SspiError(SecurityStatus.SEC_E_WRONG_CREDENTIAL_HANDLE, message)
            held.credential = credential
        if held.undelivered is not None:
            step = held.undelivered.deliver(call)
            held.undelivered = None
            return LegAnswer(call.context, step)
        held.legs += 1
        step = self._step(caller, call, held)
        if step.status is _INCOMPLETE_MESSAGE:
            return LegAnswer(call.context, step)
        self._advance(caller, held, step)
        if held.established:
            entry.finished = True
            self._remember(caller, held, call.context)
        if call.output_capacity and too_large(call, step):
            held.undelivered = Undelivered(call, step)
            raise SspiError(SecurityStatus.SEC_E_INSUFFICIENT_MEMORY, too_large(call, step))
        return LegAnswer(call.context, step)

    def _step(self, caller: str, call: LegCall, held: HeldContext) -> Step:
        package = held.package
        leg = Leg(
            None if held.credential is None else held.credential.credential,
            call.input,
            call.flags,
            call.target_name or held.target_name,
            caller,
            call.network_data_rep,
        )
        function = package.initialize_security_context if held.role is _INITIATOR else package.accept_security_context
        return self._tried(caller, held, function(held.state, leg))

    def _tried(self, caller: str, held: HeldContext, function: Coroutine[Any, Any, Step]) -> Step:
        credential = held.credential
        try:
            if credential is not None and credential.never_waits:
                return asks.run(function, self._world, caller)
            return self.run(held, caller, function)
        except SspiError as failure:
            self._fail(caller, held, failure)
            raise
        except Exception:
            # A bug: whatever half-step was taken, this context is not to be trusted again.
            self._fail(caller, held, SspiError(SecurityStatus.SEC_E_INTERNAL_ERROR, "internal error"))
            raise

    def _advance(self, caller: str, held: HeldContext, step: Step) -> None:
        held.state = step.state
        if step.established and not held.established:
            held.established = True
            if not held.resumed:
                # Whoever goes on with a session logs on no second time; it is heard of only where that fails.
                self._observer.handshake_ended(caller, held, step.status, step.message)

    def _fail(self, caller: str, held: HeldContext, failure: SspiError) -> None:
        """A failed leg ends the context: it can still be deleted, nothing else."""
        if held.established and held.package.keeps_sessions:
            return
        held.failed = failure.status
        self._observer.handshake_ended(caller, held, failure.status, failure.message)
        if held.state is not None:
            held.package.delete_security_context(held.state)
            held.state = None

    def _usable_credential(self, caller: str, handle: bytes, role: Role) -> HeldCredential:
        if not handle:
            unknown_handle()
        credential = self._credentials.find(caller, handle)
        if not (credential.outbound if role is _INITIATOR else credential.inbound):
            function, use = (
                ("InitializeSecurityContext", "OUTBOUND") if role is _INITIATOR else ("AcceptSecurityContext", "INBOUND")
            )
            message = f"{function} needs a credential acquired for {use} or BOTH, and this one is for the other role."
            raise SspiError(SecurityStatus.SEC_E_NO_CREDENTIALS, message)
        return credential

    def use(self, caller: str, handle: bytes, connection_id: str = "") -> Entry[HeldContext]:
        """The context with its lock held until the end of the caller's `with`, so that two calls never step it at once."""
        entry = self._table.find(caller, handle)
        if not entry.lock.acquire(blocking=False):
            self._locked(caller, entry)
        if entry.held.connection_id != connection_id:
            entry.lock.release()
            unknown_handle()
        return entry

    def _locked(self, caller: str, entry: Entry[HeldContext]) -> Entry[HeldContext]:
        if not entry.lock.acquire(blocking=False):
            with self._waiting.wait(caller):
                if not entry.lock.acquire(timeout=LOCK_SECONDS):
                    message = "Another call on this context has not finished; make one call on a context at a time."
                    raise RefusedError("RESOURCE_EXHAUSTED", message)
        return entry

    def once(self, held: HeldContext, request: replays.RequestId | None, act: Callable[[], Result]) -> Result:
        """Perform a call on a context whose lock is held, or give the context's last answer again."""
        if request is None:
            return act()
        before = replays.same(held.answer, request)
        if before is not None:
            return before.outcome.result()  # type: ignore[no-any-return]  # the same call, so the same type
        held.answer = replays.Answer(request)
        return replays.settle(held.answer, act)

    def complete_auth_token(
        self, caller: str, handle: bytes, token: Buffers, connection_id: str, request_id: replays.RequestId | None
    ) -> Step:
        """Finish what COMPLETE_NEEDED or COMPLETE_AND_CONTINUE left open."""
        with self.use(caller, handle, connection_id) as entry:
            return self.once(entry.held, request_id, lambda: self._complete(caller, handle, entry, token))

    def _complete(self, caller: str, handle: bytes, entry: Entry[HeldContext], token: Buffers) -> Step:
        held = entry.held
        require_alive(held)
        try:
            step = self.run(held, caller, held.package.complete_auth_token(held.state, token))
        except SspiError as failure:
            if failure.status is not SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION:
                self._fail(caller, held, failure)
            raise
        self._advance(caller, held, step)
        entry.finished = held.established
        self._remember(caller, held, handle)
        return step

    def apply_control_token(
        self, caller: str, handle: bytes, token: Buffers, connection_id: str, request_id: replays.RequestId | None
    ) -> None:
        """Hand a control token to the context; what it leads to shows in the next leg."""

        def act() -> None:
            require_alive(held)
            held.state = self.run(held, caller, held.package.apply_control_token(held.state, token))

        with self.use(caller, handle, connection_id) as entry:
            held = entry.held
            self.once(held, request_id, act)

    def query_context_attributes(
        self, caller: str, handle: bytes, attribute: ContextAttribute, connection_id: str
    ) -> AttributeValue:
        """One attribute of a context."""
        with self.use(caller, handle, connection_id) as entry:
            held = entry.held
            require_alive(held)
            value = self.run(held, caller, held.package.query_context_attributes(held.state, attribute))
            return self._hand_over(caller, held, value) if isinstance(value, DelegatedCredential) else value

    def _hand_over(self, caller: str, held: HeldContext, value: DelegatedCredential) -> DelegatedCredential:
        """A delegated credential goes out as a handle, the same one however often it is asked for."""
        if not held.delegated:
            package = self._credentials.package(value.package) if value.package else held.package
            held.delegated = self._credentials.hold_delegated(caller, package, value.secret)
        return replace(value, handle=held.delegated)

    def set_context_attributes(
        self,
        caller: str,
        handle: bytes,
        attribute: ContextAttribute,
        value: AttributeValue,
        connection_id: str,
        request_id: replays.RequestId | None,
    ) -> None:
        """Set one attribute of a context."""

        def act() -> None:
            require_alive(held)
            self.run(held, caller, held.package.set_context_attributes(held.state, attribute, value))

        with self.use(caller, handle, connection_id) as entry:
            held = entry.held
            self.once(held, request_id, act)

    def query_security_context_token(self, caller: str, handle: bytes, connection_id: str) -> Identity:
        """Who an acceptor's established context proved its peer to be."""
        with self.use(caller, handle, connection_id) as entry:
            held = entry.held
            require_alive(held)
            if held.role is _INITIATOR:
                message = "QuerySecurityContextToken tells who the peer of an acceptor is; this context is an initiator's."
                raise SspiError(SecurityStatus.SEC_E_NO_IMPERSONATION, message)
            return self.run(held, caller, held.package.query_security_context_token(held.state))

    def export_security_context(
        self,
        caller: str,
        handle: bytes,
        *,
        reset_new: bool,
        delete_old: bool,
        connection_id: str,
        request_id: replays.RequestId | None = None,
    ) -> tuple[str, bytes]:
        """The context's package and the context itself, sealed for this caller."""
        if reset_new:
            message = "SECPKG_CONTEXT_EXPORT_RESET_NEW is not offered: an exported context goes on where it stands."
            raise SspiError(SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, message)
        # An export may delete its context, so its answer is kept with those of calls that create.
        export = functools.partial(self._export, caller, handle, connection_id, delete_old=delete_old)
        return self._creating.once(caller, request_id, export)

    def _export(self, caller: str, handle: bytes, connection_id: str, *, delete_old: bool) -> tuple[str, bytes]:
        with self.use(caller, handle, connection_id) as entry:
            held = entry.held
            require_alive(held)
            if not held.established:
                message = "Only an established context can be exported; go on with the handshake first."
                raise SspiError(SecurityStatus.SEC_E_INVALID_HANDLE, message)
            packed = self.run(held, caller, held.package.export_security_context(held.state))
            sealed = self._exports.seal(caller, held.package.info.name, held.role.value, packed)
        if delete_old:
            self.delete_security_context(caller, handle)
        return held.package.info.name, sealed

    def import_security_context(
        self, caller: str, package_name: str, sealed: bytes, connection_id: str, request_id: replays.RequestId | None
    ) -> bytes:
        """A new handle for an exported context."""
        return self._creating.once(caller, request_id, lambda: self._import(caller, package_name, sealed, connection_id))

    def _import(self, caller: str, package_name: str, sealed: bytes, connection_id: str) -> bytes:
        self._table.require_room(caller)
        package = self._credentials.package(package_name)
        role, packed = self._exports.open(caller, package.info.name, sealed)
        state = asks.run(package.import_security_context(packed), self._world, caller)
        held = HeldContext(package, state, Role(role), None, "", connection_id, time.monotonic(), established=True)
        return self._table.open(caller, held)

    def delete_security_context(self, caller: str, handle: bytes) -> None:
        """Delete a context at any stage."""
        held = self._table.close(caller, handle)
        self._released(caller, held)

    def may_wait(self, caller: str, handle: bytes, credential: bytes) -> bool:
        """Whether a call with these handles may wait: for another call on the same context, or for another machine."""
        if handle:
            entry = self._table.peek(caller, handle)
            return entry is not None and (entry.lock.locked() or _may_wait(entry.held))
        held = self._credentials.peek(caller, credential) if credential else None
        return held is not None and not held.never_waits and held.package.may_wait(held.credential, None)

    def sweep(self) -> None:
        """Delete what has been unused, or unfinished, for too long; make smaller what is idle."""
        self._table.sweep()
        self._creating.sweep()
        for entry in self._table.idle(COMPACT_SECONDS):
            # Whoever uses it now keeps it as it is.
            if entry.lock.acquire(blocking=False):
                with entry:
                    _compact(entry.held)

    def run(self, held: HeldContext, caller: str, function: Coroutine[Any, Any, Result]) -> Result:
        """Run a package's function for a context whose lock is held."""
        if not _may_wait(held):
            return asks.run(function, self._world, caller)
        with self._waiting.wait(caller):
            return asks.run(function, self._world, caller)

    def _released(self, caller: str, held: HeldContext) -> None:
        if held.failed is None and not held.established and not held.package.goes_on_elsewhere(held.state):
            self._observer.handshake_ended(caller, held, SecurityStatus.SEC_E_UNFINISHED_CONTEXT_DELETED, "given up half-way")
        self._sessions.forget(caller, held)
        self._first_steps.forget(held.undelivered)
        if held.state is not None:
            held.package.delete_security_context(held.state)
            held.state = None


def _compact(held: HeldContext) -> None:
    if held.established and held.failed is None and held.state is not None:
        held.state = held.package.compact(held.state)


def _may_wait(held: HeldContext) -> bool:
    credential = held.credential
    if credential is None:
        return held.package.may_wait(None, held.state)
    return not credential.never_waits and held.package.may_wait(credential.credential, held.state)
