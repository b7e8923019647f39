"""The Python client of sspid: SSPI's functions, made by a service; blocking here, asyncio in `sspid_client.aio`."""

from sspid_client import attributes, credentials
from sspid_client.attributes import PackageInfo
from sspid_client.buffers import BufferAccess, BufferType, SecurityBuffer
from sspid_client.client import Client, Context, Credential, Peer
from sspid_client.credentials import (
    BOTH,
    INBOUND,
    OUTBOUND,
    AuthData,
    CertificateAndKey,
    CredentialUse,
    SchannelCredentialFlag,
    anonymous,
    certificate,
    credential_cache,
    credssp,
    keytab,
    named,
    nt_hash,
    password,
    schannel,
)
from sspid_client.errors import FailureDetail, PeerClosedError, ServiceError, SspiError
from sspid_client.flags import ContextFlag, FlagWord
from sspid_client.legs import DEFAULT_FLAGS, STREAM_FLAGS, Completed, Role, Step
from sspid_client.messages import Decrypted, Protected
from sspid_client.status import SecurityStatus
from sspid_client.stream import TlsStream

__all__ = [
    "BOTH",
    "DEFAULT_FLAGS",
    "INBOUND",
    "OUTBOUND",
    "STREAM_FLAGS",
    "AuthData",
    "BufferAccess",
    "BufferType",
    "CertificateAndKey",
    "Client",
    "Completed",
    "Context",
    "ContextFlag",
    "Credential",
    "CredentialUse",
    "Decrypted",
    "FailureDetail",
    "FlagWord",
    "PackageInfo",
    "Peer",
    "PeerClosedError",
    "Protected",
    "Role",
    "SchannelCredentialFlag",
    "SecurityBuffer",
    "SecurityStatus",
    "ServiceError",
    "SspiError",
    "Step",
    "TlsStream",
    "anonymous",
    "attributes",
    "certificate",
    "credential_cache",
    "credentials",
    "credssp",
    "keytab",
    "named",
    "nt_hash",
    "password",
    "schannel",
]
