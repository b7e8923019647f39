"""One call of the service as a question, and the functions of sspi.v1 under their paths; replies are read in `replies`."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sspid_protos.sspi.v1 import context_service_pb2, credential_service_pb2, message_service_pb2, package_service_pb2

from sspid_client.questions import Question

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

Reply = TypeVar("Reply", bound="Message")


@dataclass(frozen=True, slots=True)
class Function(Generic[Reply]):
    """A function of the service. `field` names it on a Session stream, empty where it does not travel there."""

    path: str
    reply: type[Reply]
    field: str = ""


@dataclass(frozen=True, slots=True)
class Call(Question[Reply]):
    """A function and its request. `repeatable` where asking twice does no harm: queries, and whatever carries a request_id."""

    function: Function[Reply]
    request: Message = field(repr=False)
    repeatable: bool = True


def new_request_id() -> str:
    """Return an id under which a repeated call gets its first answer again in place of a second step."""
    return secrets.token_hex(16)


RETRY_DELAYS = (0.1, 0.4)
"""Seconds to wait before a call that found no connection is made again, under the same request_id."""

REOPEN_AFTER = 1.0
"""Seconds for which calls travel alone after a Session stream broke, before another is opened."""


def session_request(call: Call[Any], number: int) -> context_service_pb2.SessionRequest:
    """`call` as it travels on a Session stream."""
    return context_service_pb2.SessionRequest(number=number, **{call.function.field: call.request})  # type: ignore[arg-type]  # a oneof chosen by name


def together(
    first: context_service_pb2.SessionRequest, ready: Iterator[context_service_pb2.SessionRequest]
) -> context_service_pb2.SessionRequest:
    """One message for `first` and the requests that are ready by now: cheaper for both sides than a message each."""
    first.also.extend(islice(ready, TOGETHER))
    return first


TOGETHER = 31
"""Calls that travel with a first one, at most; the service answers 32 at once."""

_CONTEXT = "/sspi.v1.ContextService/"
_MESSAGE = "/sspi.v1.MessageService/"
_CREDENTIAL = "/sspi.v1.CredentialService/"
_PACKAGE = "/sspi.v1.PackageService/"

SESSION_PATH = _CONTEXT + "Session"

INITIALIZE_SECURITY_CONTEXT = Function(
    _CONTEXT + "InitializeSecurityContext",
    context_service_pb2.InitializeSecurityContextResponse,
    "initialize_security_context",
)
ACCEPT_SECURITY_CONTEXT = Function(
    _CONTEXT + "AcceptSecurityContext", context_service_pb2.AcceptSecurityContextResponse, "accept_security_context"
)
COMPLETE_AUTH_TOKEN = Function(
    _CONTEXT + "CompleteAuthToken", context_service_pb2.CompleteAuthTokenResponse, "complete_auth_token"
)
APPLY_CONTROL_TOKEN = Function(
    _CONTEXT + "ApplyControlToken", context_service_pb2.ApplyControlTokenResponse, "apply_control_token"
)
QUERY_CONTEXT_ATTRIBUTES = Function(
    _CONTEXT + "QueryContextAttributes", context_service_pb2.QueryContextAttributesResponse, "query_context_attributes"
)
SET_CONTEXT_ATTRIBUTES = Function(
    _CONTEXT + "SetContextAttributes", context_service_pb2.SetContextAttributesResponse, "set_context_attributes"
)
QUERY_SECURITY_CONTEXT_TOKEN = Function(
    _CONTEXT + "QuerySecurityContextToken",
    context_service_pb2.QuerySecurityContextTokenResponse,
    "query_security_context_token",
)
EXPORT_SECURITY_CONTEXT = Function(
    _CONTEXT + "ExportSecurityContext", context_service_pb2.ExportSecurityContextResponse, "export_security_context"
)
IMPORT_SECURITY_CONTEXT = Function(
    _CONTEXT + "ImportSecurityContext", context_service_pb2.ImportSecurityContextResponse, "import_security_context"
)
DELETE_SECURITY_CONTEXT = Function(
    _CONTEXT + "DeleteSecurityContext", context_service_pb2.DeleteSecurityContextResponse, "delete_security_context"
)
ENCRYPT_MESSAGE = Function(_MESSAGE + "EncryptMessage", message_service_pb2.EncryptMessageResponse, "encrypt_message")
DECRYPT_MESSAGE = Function(_MESSAGE + "DecryptMessage", message_service_pb2.DecryptMessageResponse, "decrypt_message")
MAKE_SIGNATURE = Function(_MESSAGE + "MakeSignature", message_service_pb2.MakeSignatureResponse, "make_signature")
VERIFY_SIGNATURE = Function(_MESSAGE + "VerifySignature", message_service_pb2.VerifySignatureResponse, "verify_signature")

ACQUIRE_CREDENTIALS_HANDLE = Function(
    _CREDENTIAL + "AcquireCredentialsHandle", credential_service_pb2.AcquireCredentialsHandleResponse
)
QUERY_CREDENTIALS_ATTRIBUTES = Function(
    _CREDENTIAL + "QueryCredentialsAttributes", credential_service_pb2.QueryCredentialsAttributesResponse
)
SET_CREDENTIALS_ATTRIBUTES = Function(
    _CREDENTIAL + "SetCredentialsAttributes", credential_service_pb2.SetCredentialsAttributesResponse
)
FREE_CREDENTIALS_HANDLE = Function(_CREDENTIAL + "FreeCredentialsHandle", credential_service_pb2.FreeCredentialsHandleResponse)
CHANGE_ACCOUNT_PASSWORD = Function(_CREDENTIAL + "ChangeAccountPassword", credential_service_pb2.ChangeAccountPasswordResponse)
ENUMERATE_SECURITY_PACKAGES = Function(
    _PACKAGE + "EnumerateSecurityPackages", package_service_pb2.EnumerateSecurityPackagesResponse
)
QUERY_SECURITY_PACKAGE_INFO = Function(
    _PACKAGE + "QuerySecurityPackageInfo", package_service_pb2.QuerySecurityPackageInfoResponse
)
