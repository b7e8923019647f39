"""CredentialService: secrets in, handles out; message in, broker, message out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sspid_protos.sspi.v1 import credential_service_pb2 as wire
from sspid_protos.sspi.v1.vocabulary_pb2 import CredentialHandle

from sspid.packages.contract import CredentialRequest
from sspid.rpc import attributes, auth_data, convert

if TYPE_CHECKING:
    from sspid.broker.credentials import Credentials


class CredentialService:
    """AcquireCredentialsHandle ... FreeCredentialsHandle, ChangeAccountPassword."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def acquire_credentials_handle(
        self, caller: str, request: wire.AcquireCredentialsHandleRequest
    ) -> wire.AcquireCredentialsHandleResponse:
        wanted = CredentialRequest(
            auth_data.credential_use(request.use),
            auth_data.secret(request.auth_data) if request.HasField("auth_data") else None,
            request.principal,
        )
        request_id = convert.request_id("AcquireCredentialsHandle", request)
        handle, expiry = self._credentials.acquire_credentials_handle(caller, request.package_name, wanted, request_id)
        return wire.AcquireCredentialsHandleResponse(
            result=convert.OK, credential=CredentialHandle(value=handle), expiry=attributes.timestamp(expiry)
        )

    def query_credentials_attributes(
        self, caller: str, request: wire.QueryCredentialsAttributesRequest
    ) -> wire.QueryCredentialsAttributesResponse:
        attribute = attributes.credential_attribute(request.attribute)
        value = self._credentials.query_credentials_attributes(caller, request.credential.value, attribute)
        return wire.QueryCredentialsAttributesResponse(result=convert.OK, value=attributes.value_out(value))

    def set_credentials_attributes(
        self, caller: str, request: wire.SetCredentialsAttributesRequest
    ) -> wire.SetCredentialsAttributesResponse:
        attribute = attributes.credential_attribute(request.attribute)
        self._credentials.set_credentials_attributes(caller, request.credential.value, attribute)
        return wire.SetCredentialsAttributesResponse(result=convert.OK)

    def free_credentials_handle(
        self, caller: str, request: wire.FreeCredentialsHandleRequest
    ) -> wire.FreeCredentialsHandleResponse:
        self._credentials.free_credentials_handle(caller, request.credential.value)
        return wire.FreeCredentialsHandleResponse(result=convert.OK)

    def change_account_password(
        self, caller: str, request: wire.ChangeAccountPasswordRequest
    ) -> wire.ChangeAccountPasswordResponse:
        self._credentials.change_account_password(
            caller,
            request.package_name,
            request.account,
            request.domain,
            request.old_password,
            request.new_password,
            convert.request_id("ChangeAccountPassword", request),
        )
        return wire.ChangeAccountPasswordResponse(result=convert.OK)
