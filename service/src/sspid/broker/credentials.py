"""Credentials of callers: acquired, asked about, freed; what is in one is its package's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from sspid.broker import asks
from sspid.broker.handles import HandleTable, Limits
from sspid.broker.replays import CreatingCalls, RequestId
from sspid.packages.contract import CredentialRequest, SecurityPackage
from sspid.vocabulary.credentials import CredentialUse, Secret
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from datetime import datetime

    from sspid.broker.waits import WaitingRoom
    from sspid.packages.catalog import Catalog
    from sspid.vocabulary.attributes import AttributeValue, CredentialAttribute
    from sspid.vocabulary.names import PackageInfo

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class HeldCredential:
    """A package's credential behind a handle; contexts keep it alive after the handle is freed.

    `never_waits`: no leg with it waits for another machine.
    """

    package: SecurityPackage
    credential: Any
    inbound: bool
    outbound: bool
    never_waits: bool = False


class Credentials:
    """CredentialService's functions, and the way from a credential handle to its credential."""

    def __init__(self, catalog: Catalog, world: asks.World, waiting: WaitingRoom, limits: Limits, *, worker: int = 0) -> None:
        self._catalog = catalog
        self._world = world
        self._waiting = waiting
        self._table: HandleTable[HeldCredential] = HandleTable("credential", limits, worker=worker, release=self._released)
        self._creating = CreatingCalls(waiting)

    def __len__(self) -> int:
        return len(self._table)

    def package(self, name: str) -> SecurityPackage:
        """The package of that name. SEC_E_SECPKG_NOT_FOUND where there is none, or it cannot work here."""
        package = self._catalog.find(name)
        if package is None:
            known = ", ".join(each.info.name for each in self._catalog)
            message = f"There is no security package {name[:64]!r}; this service has {known}."
            raise SspiError(SecurityStatus.SEC_E_SECPKG_NOT_FOUND, message)
        return package

    def enumerate_security_packages(self) -> list[tuple[PackageInfo, str]]:
        """Every package's information, and what keeps it from working here (empty if nothing)."""
        return [(package.info, package.readiness()) for package in self._catalog]

    def query_security_package_info(self, name: str) -> tuple[PackageInfo, str]:
        """One package's information, and what keeps it from working here."""
        package = self.package(name)
        return package.info, package.readiness()

    def acquire_credentials_handle(
        self, caller: str, package_name: str, request: CredentialRequest, request_id: RequestId | None = None
    ) -> tuple[bytes, datetime | None]:
        """Hand a secret to its package and issue a handle for what the package makes of it; with its end."""
        return self._creating.once(caller, request_id, lambda: self._acquire(caller, package_name, request))

    def _acquire(self, caller: str, package_name: str, request: CredentialRequest) -> tuple[bytes, datetime | None]:
        self._table.require_room(caller)
        package = self.package(package_name)
        lacking = package.readiness()
        if lacking:
            message = f"The {package.info.name} package cannot work here: {lacking}"
            raise SspiError(SecurityStatus.SEC_E_SECPKG_NOT_FOUND, message)
        credential = self._ask(package, caller, package.acquire_credentials_handle(request))
        return self.hold(caller, package, credential), credential.expiry

    def hold(self, caller: str, package: SecurityPackage, credential: Any) -> bytes:
        """Issue a handle for a package's credential that is there already, such as a delegated one."""
        use = credential.use
        never_waits = package.never_waits(credential)
        held = HeldCredential(package, credential, inbound=use.inbound, outbound=use.outbound, never_waits=never_waits)
        return self._table.open(caller, held)

    def hold_delegated(self, caller: str, package: SecurityPackage, secret: Any) -> bytes:
        """Issue a handle for what a peer delegated: a credential of `package`, or a secret that Negotiate can use."""
        if not isinstance(secret, Secret):
            return self.hold(caller, package, secret)
        return self._acquire(caller, "Negotiate", CredentialRequest(CredentialUse.OUTBOUND, secret))[0]

    def find(self, caller: str, handle: bytes) -> HeldCredential:
        """The credential behind a handle of this caller."""
        return self._table.find(caller, handle).held

    def peek(self, caller: str, handle: bytes) -> HeldCredential | None:
        """The credential, if there is one, without using it."""
        entry = self._table.peek(caller, handle)
        return None if entry is None else entry.held

    def query_credentials_attributes(self, caller: str, handle: bytes, attribute: CredentialAttribute) -> AttributeValue:
        """One attribute of a credential."""
        held = self.find(caller, handle)
        return self._ask(held.package, caller, held.package.query_credentials_attributes(held.credential, attribute))

    def set_credentials_attributes(self, caller: str, handle: bytes, attribute: CredentialAttribute) -> None:
        """No package lets an attribute of a credential be set; new credentials are acquired instead."""
        held = self.find(caller, handle)
        message = f"The {held.package.info.name} package lets no credential attribute be set ({attribute.name} was asked)."
        raise SspiError(SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, message)

    def free_credentials_handle(self, caller: str, handle: bytes) -> None:
        """Free the handle; contexts begun with it go on."""
        self._released(caller, self._table.close(caller, handle))

    def change_account_password(
        self, caller: str, package_name: str, account: str, domain: str, old: str, new: str, request_id: RequestId | None = None
    ) -> None:
        """Change a password with the account's authority."""

        def change() -> None:
            package = self.package(package_name)
            self._ask(package, caller, package.change_account_password(account, domain, old, new))

        self._creating.once(caller, request_id, change)

    def sweep(self) -> None:
        """Free what has been unused for too long."""
        self._table.sweep()
        self._creating.sweep()

    def _ask(self, package: SecurityPackage, caller: str, function: Coroutine[Any, Any, Result]) -> Result:
        if not package.may_block:
            return asks.run(function, self._world, caller)
        with self._waiting.wait(caller):
            return asks.run(function, self._world, caller)

    def _released(self, _caller: str, held: HeldCredential) -> None:
        held.package.free_credentials_handle(held.credential)
