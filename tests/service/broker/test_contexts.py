from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from sspid.broker.contexts import Contexts
from sspid.broker.credentials import Credentials
from sspid.broker.exports import Exports
from sspid.broker.handles import UNKNOWN_HANDLE, Limits
from sspid.broker.legs import LegCall
from sspid.broker.messages import MessageCall, Messages
from sspid.broker.replays import RequestId
from sspid.broker.waits import WaitingRoom
from sspid.packages.contract import CredentialRequest, Message
from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.buffers import BufferType, SecurityBuffer, missing, token
from sspid.vocabulary.credentials import CredentialUse
from sspid.vocabulary.errors import RefusedError, SspiError
from sspid.vocabulary.flags import NO_FLAGS, ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing.echo import Echo, EchoState
from sspid_testing.world import FixedWorld

OK, CONTINUE = SecurityStatus.SEC_E_OK, SecurityStatus.SEC_I_CONTINUE_NEEDED


class EchoCatalog:
    def __init__(self) -> None:
        self.echo = Echo()
        self.other = Echo("Other")

    def __iter__(self) -> Any:
        return iter((self.echo, self.other))

    def find(self, name: str) -> Echo | None:
        return {"echo": self.echo, "other": self.other}.get(name.casefold())


@dataclass
class Ended:
    lines: list[tuple[str, str, str]] = field(default_factory=list)

    def handshake_ended(self, caller: str, held: Any, status: SecurityStatus, message: str) -> None:
        del message
        self.lines.append((caller, held.role.value, status.name))


class Broker:
    """A whole broker around the echo package, with two credentials for "alice"."""

    def __init__(self, per_caller: int = 50) -> None:
        self.catalog = EchoCatalog()
        self.ended = Ended()
        waiting = WaitingRoom(per_caller=8, total=8)
        limits = Limits(per_caller, 100, 60, 10)
        world = FixedWorld()
        self.credentials = Credentials(self.catalog, world, waiting, limits)  # type: ignore[arg-type]
        self.contexts = Contexts(
            self.credentials, world, waiting, limits, exports=Exports(lambda: bytes(32)), observer=self.ended
        )
        self.messages = Messages(self.contexts)
        self.credential = self.acquire("alice", "Echo", CredentialUse.BOTH)

    def acquire(self, caller: str, package: str, use: CredentialUse) -> bytes:
        return self.credentials.acquire_credentials_handle(caller, package, CredentialRequest(use))[0]

    def leg(self, data: bytes, context: bytes = b"", **parameters: Any) -> Any:
        caller = parameters.pop("caller", "alice")
        accept = parameters.pop("accept", False)
        call = LegCall(
            parameters.pop("credential", b"" if context else self.credential),
            context,
            (token(data),) if data else (),
            parameters.pop("flags", NO_FLAGS),
            **parameters,
        )
        function = self.contexts.accept_security_context if accept else self.contexts.initialize_security_context
        return function(caller, call)


def fails(status: SecurityStatus, act: Any) -> SspiError:
    with pytest.raises(SspiError) as caught:
        act()
    assert caught.value.status is status, caught.value
    return caught.value


def test_a_context_goes_from_its_first_leg_to_established_with_one_audit_line() -> None:
    broker = Broker()
    first = broker.leg(b"go", target_name="host")
    assert first.context
    assert first.step.status is CONTINUE
    last = broker.leg(b"ok", first.context)
    assert last.context == first.context
    assert last.step.status is OK
    assert last.step.output[0].data == b"answer to ok for host", "the first leg's target name holds for later ones"
    assert broker.ended.lines == [("alice", "initiator", "SEC_E_OK")]
    names: Any = broker.contexts.query_context_attributes("alice", first.context, ContextAttribute.NAMES, "")
    assert names.user_name == "go,ok"


def test_an_incomplete_first_leg_leaves_no_handle_and_a_later_one_leaves_the_context_as_it_was() -> None:
    broker = Broker()
    first = broker.leg(b"more")
    assert (first.context, first.step.status) == (b"", SecurityStatus.SEC_E_INCOMPLETE_MESSAGE)
    assert first.step.input == (missing(3),)
    assert len(broker.contexts) == 0
    begun = broker.leg(b"go").context
    assert broker.leg(b"more", begun).step.status is SecurityStatus.SEC_E_INCOMPLETE_MESSAGE
    assert broker.leg(b"ok", begun).step.status is OK
    names: Any = broker.contexts.query_context_attributes("alice", begun, ContextAttribute.NAMES, "")
    assert names.user_name == "go,ok"


def test_a_first_leg_may_be_answered_without_a_context() -> None:
    broker = Broker()
    first = broker.leg(b"who")
    assert (first.context, first.step.status) == (b"", CONTINUE)
    assert first.step.output[0].data == b"answer to who for "
    assert len(broker.contexts) == 0
    fails(SecurityStatus.SEC_E_INSUFFICIENT_MEMORY, lambda: broker.leg(b"who", output_capacity=1))
    assert broker.ended.lines == []
    assert broker.leg(b"ok").step.status is OK


def test_a_failed_leg_still_hands_out_its_token_and_ends_the_context() -> None:
    broker = Broker()
    begun = broker.leg(b"go").context
    failure = fails(SecurityStatus.SEC_E_LOGON_DENIED, lambda: broker.leg(b"bad", begun))
    assert failure.output == (token(b"alert"),)
    again = fails(SecurityStatus.SEC_E_INVALID_HANDLE, lambda: broker.leg(b"ok", begun))
    assert "SEC_E_LOGON_DENIED" in again.message
    assert broker.catalog.echo.deleted == [EchoState((b"go",))]
    broker.contexts.delete_security_context("alice", begun)
    assert broker.ended.lines == [("alice", "initiator", "SEC_E_LOGON_DENIED")]
    assert len(broker.contexts) == 0


def test_a_failed_first_leg_leaves_no_context() -> None:
    broker = Broker()
    fails(SecurityStatus.SEC_E_LOGON_DENIED, lambda: broker.leg(b"bad"))
    assert len(broker.contexts) == 0


def test_a_bug_in_a_package_ends_its_context_too() -> None:
    broker = Broker()
    begun = broker.leg(b"go").context
    with pytest.raises(ZeroDivisionError):
        broker.leg(b"bug", begun)
    fails(SecurityStatus.SEC_E_INVALID_HANDLE, lambda: broker.leg(b"ok", begun))


def test_deleting_half_way_tells_the_audit_and_frees_the_state() -> None:
    broker = Broker()
    begun = broker.leg(b"go").context
    broker.contexts.delete_security_context("alice", begun)
    assert broker.ended.lines == [("alice", "initiator", "SEC_E_UNFINISHED_CONTEXT_DELETED")]
    assert broker.catalog.echo.deleted == [EchoState((b"go",))]
    fails(SecurityStatus.SEC_E_INVALID_HANDLE, lambda: broker.contexts.delete_security_context("alice", begun))


def test_another_caller_reaches_neither_credential_nor_context() -> None:
    broker = Broker()
    begun = broker.leg(b"go").context
    for act in (
        lambda: broker.leg(b"ok", begun, caller="bob"),
        lambda: broker.leg(b"go", caller="bob"),
        lambda: broker.contexts.delete_security_context("bob", begun),
        lambda: broker.credentials.free_credentials_handle("bob", broker.credential),
    ):
        assert fails(SecurityStatus.SEC_E_INVALID_HANDLE, act).message == UNKNOWN_HANDLE
    assert broker.leg(b"ok", begun).step.status is OK


def test_another_connection_id_is_an_unknown_handle() -> None:
    broker = Broker()
    begun = broker.leg(b"go", connection_id="one").context
    for connection in ("two", ""):
        failure = fails(
            SecurityStatus.SEC_E_INVALID_HANDLE,
            lambda connection=connection: broker.leg(b"ok", begun, connection_id=connection),
        )
        assert failure.message == UNKNOWN_HANDLE
    assert broker.leg(b"ok", begun, connection_id="one").step.status is OK


def test_the_other_function_does_not_drive_a_context() -> None:
    broker = Broker()
    begun = broker.leg(b"go").context
    fails(SecurityStatus.SEC_E_INVALID_HANDLE, lambda: broker.leg(b"ok", begun, accept=True))


def test_a_credential_serves_the_role_it_was_acquired_for() -> None:
    broker = Broker()
    inbound = broker.acquire("alice", "Echo", CredentialUse.INBOUND)
    outbound = broker.acquire("alice", "Echo", CredentialUse.OUTBOUND)
    fails(SecurityStatus.SEC_E_NO_CREDENTIALS, lambda: broker.leg(b"go", credential=inbound))
    fails(SecurityStatus.SEC_E_NO_CREDENTIALS, lambda: broker.leg(b"go", credential=outbound, accept=True))
    assert broker.leg(b"go", credential=inbound, accept=True).context


def test_no_handle_at_all_is_an_invalid_handle() -> None:
    broker = Broker()
    fails(SecurityStatus.SEC_E_INVALID_HANDLE, lambda: broker.leg(b"go", credential=b""))


def test_a_later_leg_may_bring_a_new_credential_of_the_same_package_only() -> None:
    broker = Broker()
    begun = broker.leg(b"go").context
    other = broker.acquire("alice", "Other", CredentialUse.BOTH)
    fails(SecurityStatus.SEC_E_WRONG_CREDENTIAL_HANDLE, lambda: broker.leg(b"ok", begun, credential=other))
    assert broker.leg(b"ok", begun, credential=broker.acquire("alice", "Echo", CredentialUse.BOTH)).step.status is OK


def test_a_context_outlives_the_handle_of_its_credential() -> None:
    broker = Broker()
    begun = broker.leg(b"go").context
    broker.credentials.free_credentials_handle("alice", broker.credential)
    assert broker.leg(b"ok", begun).step.status is OK
    fails(
        SecurityStatus.SEC_E_INVALID_HANDLE,
        lambda: broker.credentials.free_credentials_handle("alice", broker.credential),
    )


def test_an_unknown_package_is_named_with_those_there_are() -> None:
    failure = fails(SecurityStatus.SEC_E_SECPKG_NOT_FOUND, lambda: Broker().acquire("alice", "Digestive", CredentialUse.BOTH))
    assert "Digestive" in failure.message
    assert "Echo, Other" in failure.message


def test_too_little_room_loses_nothing() -> None:
    broker = Broker()
    begun = broker.leg(b"go").context
    failure = fails(SecurityStatus.SEC_E_INSUFFICIENT_MEMORY, lambda: broker.leg(b"ok", begun, output_capacity=3))
    assert "17 bytes" in failure.message
    legs = broker.catalog.echo.legs
    fails(SecurityStatus.SEC_E_INSUFFICIENT_MEMORY, lambda: broker.leg(b"ok", begun, output_capacity=16))
    fails(SecurityStatus.SEC_E_INVALID_TOKEN, lambda: broker.leg(b"something else", begun, output_capacity=100))
    assert broker.leg(b"ok", begun, output_capacity=17).step.output[0].data == b"answer to ok for "
    assert broker.catalog.echo.legs == legs, "the step was not taken twice"


@pytest.mark.parametrize("accept", [False, True])
def test_too_little_room_for_the_first_token_loses_nothing_and_tells_no_handle(accept: bool) -> None:
    broker = Broker()
    legs = broker.catalog.echo.legs
    for capacity in (3, 16):
        fails(
            SecurityStatus.SEC_E_INSUFFICIENT_MEMORY,
            lambda room=capacity: broker.leg(b"go", accept=accept, output_capacity=room),
        )
    assert broker.catalog.echo.legs == legs + 1
    assert broker.ended.lines == []
    others = [
        broker.leg(b"go", accept=not accept),
        broker.leg(b"go", accept=accept, target_name="other"),
        broker.leg(b"go", accept=accept, connection_id="other"),
        broker.leg(b"gone", accept=accept),
        broker.leg(b"go", accept=accept, caller="bob", credential=broker.acquire("bob", "Echo", CredentialUse.BOTH)),
    ]
    assert broker.catalog.echo.legs == legs + 1 + len(others), "another call is given nothing of it"
    taken = broker.leg(b"go", accept=accept, flags=frozenset({ContextFlag.ALLOCATE_MEMORY}), output_capacity=3)
    assert broker.catalog.echo.legs == legs + 1 + len(others), "the step was not taken twice"
    assert broker.leg(b"ok", taken.context, accept=accept).step.status is OK
    assert broker.leg(b"go", accept=accept).context not in {taken.context, b""}


def test_a_first_step_that_nobody_takes_is_forgotten_with_the_time() -> None:
    broker = Broker()
    now = time.monotonic()
    broker.contexts._table._clock = lambda: now
    fails(SecurityStatus.SEC_E_INSUFFICIENT_MEMORY, lambda: broker.leg(b"go", output_capacity=3))
    assert len(broker.contexts) == 1, "it counts towards the caller's limit"
    now += 11
    legs = broker.catalog.echo.legs
    assert broker.leg(b"go").context
    assert broker.catalog.echo.legs == legs + 1
    broker.contexts.sweep()
    assert len(broker.contexts) == 1
    assert broker.ended.lines == [("alice", "initiator", "SEC_E_UNFINISHED_CONTEXT_DELETED")]


def test_allocate_memory_asks_for_no_limit() -> None:
    flags = frozenset({ContextFlag.ALLOCATE_MEMORY})
    assert Broker().leg(b"go", flags=flags, output_capacity=1).context


def test_a_repeated_request_id_takes_no_second_step() -> None:
    broker = Broker()
    create = RequestId("1", b"go")
    first = broker.leg(b"go", request_id=create)
    assert broker.leg(b"go", request_id=create) == first
    assert len(broker.contexts) == 1
    later = RequestId("2", b"ok")
    done = broker.leg(b"ok", first.context, request_id=later)
    assert broker.leg(b"ok", first.context, request_id=later) == done
    names: Any = broker.contexts.query_context_attributes("alice", first.context, ContextAttribute.NAMES, "")
    assert names.user_name == "go,ok"
    with pytest.raises(RefusedError) as caught:
        broker.leg(b"else", first.context, request_id=RequestId("2", b"else"))
    assert caught.value.kind == "INVALID_ARGUMENT"


def test_a_repeated_failing_leg_gets_the_failure_again() -> None:
    broker = Broker()
    begun = broker.leg(b"go").context
    request = RequestId("9", b"bad")
    for _ in range(2):
        failure = fails(SecurityStatus.SEC_E_LOGON_DENIED, lambda: broker.leg(b"bad", begun, request_id=request))
        assert failure.output == (token(b"alert"),)


def test_quotas_refuse_before_any_work() -> None:
    broker = Broker(per_caller=2)
    broker.leg(b"go")
    broker.leg(b"go")
    legs = broker.catalog.echo.legs
    with pytest.raises(RefusedError) as caught:
        broker.leg(b"go")
    assert caught.value.kind == "RESOURCE_EXHAUSTED"
    assert broker.catalog.echo.legs == legs


def test_messages_want_an_established_context() -> None:
    broker = Broker()
    begun = broker.leg(b"go").context
    call = MessageCall(begun, Message((SecurityBuffer(BufferType.DATA, b"abc"),)))
    fails(SecurityStatus.SEC_E_INVALID_HANDLE, lambda: broker.messages.encrypt_message("alice", call))
    broker.leg(b"ok", begun)
    assert broker.messages.encrypt_message("alice", call).buffers[0].data == b"cba"
    fails(SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, lambda: broker.messages.make_signature("alice", call))
    assert broker.messages.encrypt_message("alice", call).buffers[0].data == b"cba", "a refused function harms nothing"


def test_complete_auth_token_is_refused_by_a_package_without_it_and_harms_nothing() -> None:
    broker = Broker()
    begun = broker.leg(b"go").context
    fails(
        SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION,
        lambda: broker.contexts.complete_auth_token("alice", begun, (), "", None),
    )
    assert broker.leg(b"ok", begun).step.status is OK


def test_an_exported_context_is_imported_by_its_caller_only() -> None:
    broker = Broker()
    begun = broker.leg(b"go").context
    fails(
        SecurityStatus.SEC_E_INVALID_HANDLE,
        lambda: broker.contexts.export_security_context("alice", begun, reset_new=False, delete_old=False, connection_id=""),
    )
    broker.leg(b"ok", begun)
    name, packed = broker.contexts.export_security_context("alice", begun, reset_new=False, delete_old=True, connection_id="")
    fails(SecurityStatus.SEC_E_INVALID_HANDLE, lambda: broker.leg(b"go", begun))
    fails(SecurityStatus.SEC_E_INVALID_TOKEN, lambda: broker.contexts.import_security_context("bob", name, packed, "", None))
    imported = broker.contexts.import_security_context("alice", name, packed, "", None)
    names: Any = broker.contexts.query_context_attributes("alice", imported, ContextAttribute.NAMES, "")
    assert names.user_name == "go,ok"


def test_two_calls_on_one_context_take_turns() -> None:
    broker = Broker()
    begun = broker.leg(b"go").context
    order: list[str] = []

    def take_a_leg() -> None:
        broker.leg(b"next", begun)
        order.append("leg")

    with broker.contexts.use("alice", begun):
        thread = threading.Thread(target=take_a_leg)
        thread.start()
        time.sleep(0.05)
        order.append("holder")
    thread.join(10)
    assert order == ["holder", "leg"]


def test_whether_a_call_may_wait_is_known_before_it_is_made() -> None:
    broker = Broker()
    begun = broker.leg(b"go").context
    assert not broker.contexts.may_wait("alice", begun, b"")
    with broker.contexts.use("alice", begun):
        assert broker.contexts.may_wait("alice", begun, b"")
    broker.catalog.echo.may_block = True
    assert broker.contexts.may_wait("alice", begun, b"")
    assert broker.contexts.may_wait("alice", b"", broker.credential)
    assert not broker.contexts.may_wait("bob", begun, b"")


def test_a_delegated_credential_is_a_handle_that_begins_contexts() -> None:
    broker = Broker()
    begun = broker.leg(b"go").context
    broker.leg(b"ok", begun)
    first: Any = broker.contexts.query_context_attributes("alice", begun, ContextAttribute.CREDS_2, "")
    again: Any = broker.contexts.query_context_attributes("alice", begun, ContextAttribute.CREDS_2, "")
    assert first.handle == again.handle
    assert broker.leg(b"go", credential=first.handle).context
    fails(SecurityStatus.SEC_E_INVALID_HANDLE, lambda: broker.leg(b"go", credential=first.handle, caller="bob"))
