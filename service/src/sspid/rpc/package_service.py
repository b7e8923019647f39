"""PackageService: which packages there are; message in, broker, message out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sspid_protos.sspi.v1 import package_service_pb2 as wire
from sspid_protos.sspi.v1 import vocabulary_pb2

from sspid.rpc import convert

if TYPE_CHECKING:
    from sspid.broker.credentials import Credentials
    from sspid.vocabulary.names import PackageInfo


class PackageService:
    """EnumerateSecurityPackages and QuerySecurityPackageInfo."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def enumerate_security_packages(
        self, caller: str, request: wire.EnumerateSecurityPackagesRequest
    ) -> wire.EnumerateSecurityPackagesResponse:
        del caller, request
        known = self._credentials.enumerate_security_packages()
        return wire.EnumerateSecurityPackagesResponse(
            result=convert.OK, packages=[_package_info(info, lacking) for info, lacking in known]
        )

    def query_security_package_info(
        self, caller: str, request: wire.QuerySecurityPackageInfoRequest
    ) -> wire.QuerySecurityPackageInfoResponse:
        del caller
        info, lacking = self._credentials.query_security_package_info(request.package_name)
        return wire.QuerySecurityPackageInfoResponse(result=convert.OK, package=_package_info(info, lacking))


def _package_info(info: PackageInfo, lacking: str) -> vocabulary_pb2.PackageInfo:
    return vocabulary_pb2.PackageInfo(
        name=info.name,
        comment=info.comment,
        capabilities=int(info.capabilities),
        version=info.version,
        rpc_id=info.rpc_id,
        max_token=info.max_token,
        aliases=info.aliases,
        not_ready=lacking,
    )
