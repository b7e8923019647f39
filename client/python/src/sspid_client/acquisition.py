"""Credentials and packages: acquired, asked about, freed, listed; who a credential is stands in `credentials`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from sspid_protos.sspi.v1 import credential_service_pb2, credentials_pb2, package_service_pb2, vocabulary_pb2

from sspid_client import buffers, calls, replies, values
from sspid_client.attributes import PackageInfo
from sspid_client.calls import Call
from sspid_client.errors import SspiError

if TYPE_CHECKING:
    from datetime import datetime

    from sspid_client.attributes import CredentialAttribute
    from sspid_client.credentials import AuthData, CredentialUse

Value = TypeVar("Value")


class Acquired:
    """The caller's side of one credential: its package, its end (None for never) and its handle."""

    def __init__(self, package: str, handle: bytes, expiry: datetime | None = None) -> None:
        self.package = package
        self.handle = handle
        self.expiry = expiry

    @property
    def credential(self) -> vocabulary_pb2.CredentialHandle:
        """The handle for a request; SspiError once it was freed."""
        if not self.handle:
            raise SspiError("This credential was freed: acquire another.")
        return vocabulary_pb2.CredentialHandle(value=self.handle)

    async def query(self, attribute: CredentialAttribute[Value]) -> Value:
        """QueryCredentialsAttributes."""
        request = credential_service_pb2.QueryCredentialsAttributesRequest(
            credential=self.credential, attribute=values.credential_attribute(attribute)
        )
        reply = await Call(calls.QUERY_CREDENTIALS_ATTRIBUTES, request)
        replies.status_of(reply.result)
        return values.value_of(reply.value, attribute.value)

    async def set(self, attribute: CredentialAttribute[Value], value: Value) -> None:
        """SetCredentialsAttributes."""
        request = credential_service_pb2.SetCredentialsAttributesRequest(
            credential=self.credential,
            attribute=values.credential_attribute(attribute),
            value=values.message_of(value),
            request_id=calls.new_request_id(),
        )
        replies.status_of((await Call(calls.SET_CREDENTIALS_ATTRIBUTES, request)).result)

    async def free(self) -> None:
        """FreeCredentialsHandle; a credential that is gone already is no error."""
        if not self.handle:
            return
        request = credential_service_pb2.FreeCredentialsHandleRequest(credential=self.credential)
        self.handle = b""
        replies.gone((await Call(calls.FREE_CREDENTIALS_HANDLE, request)).result)


async def acquire_credentials_handle(
    package: str, use: CredentialUse, auth_data: AuthData | None, principal: str = ""
) -> Acquired:
    """AcquireCredentialsHandle; without `auth_data` the package's default credential."""
    request = credential_service_pb2.AcquireCredentialsHandleRequest(
        principal=principal,
        package_name=package,
        use=cast("credentials_pb2.CredentialUse", int(use)),
        auth_data=auth_data.message if auth_data else None,
        request_id=calls.new_request_id(),
    )
    reply = await Call(calls.ACQUIRE_CREDENTIALS_HANDLE, request)
    replies.status_of(reply.result)
    return Acquired(package, reply.credential.value, replies.time_of(reply, "expiry"))


async def change_account_password(package: str, domain: str, account: str, old: str, new: str) -> bytes:
    """ChangeAccountPassword; returns what the authority answered, empty where it said nothing."""
    request = credential_service_pb2.ChangeAccountPasswordRequest(
        package_name=package, domain=domain, account=account, old_password=old, new_password=new
    )
    # It has no request_id: asked twice, the second would find the old password wrong.
    reply = await Call(calls.CHANGE_ACCOUNT_PASSWORD, request, repeatable=False)
    replies.status_of(reply.result)
    return buffers.joined(buffers.from_wire([reply.output]))


async def enumerate_security_packages() -> tuple[PackageInfo, ...]:
    """EnumerateSecurityPackages."""
    reply = await Call(calls.ENUMERATE_SECURITY_PACKAGES, package_service_pb2.EnumerateSecurityPackagesRequest())
    replies.status_of(reply.result)
    return tuple(values.read(package, PackageInfo) for package in reply.packages)


async def query_security_package_info(package: str) -> PackageInfo:
    """QuerySecurityPackageInfo, by name or alias."""
    request = package_service_pb2.QuerySecurityPackageInfoRequest(package_name=package)
    reply = await Call(calls.QUERY_SECURITY_PACKAGE_INFO, request)
    replies.status_of(reply.result)
    return values.read(reply.package, PackageInfo)
