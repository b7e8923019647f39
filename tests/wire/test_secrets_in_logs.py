"""What the service logs and counts holds no password, key or token, in whatever form one might look for it."""

from __future__ import annotations

import base64
import stat
import urllib.request
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from sspid_protos.sspi.v1 import credential_service_pb2, credentials_pb2

from sspid_testing import server
from sspid_testing.wire import (
    ACCEPT,
    INBOUND,
    INITIALIZE,
    OUTBOUND,
    Wire,
    alice,
    credential,
    encrypt_request,
    token_out,
    tokens,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.wire
PASSWORD = "Correct-Horse-9-Battery"
NT_HASH = bytes(range(0x61, 0x71))


def forms(secret: bytes) -> Iterator[str]:
    """Raw, escaped, hexadecimal and base64 at each of its three alignments, which is also how a part of a line looks."""
    yield secret.decode("latin-1")
    yield repr(secret)[2:-1]
    yield secret.hex()
    yield secret.hex().upper()
    yield secret.hex(" ")
    for skipped in range(3):
        yield base64.b64encode(bytes(skipped) + secret)[4:-4].decode()


def ntlm_logon(wire: Wire) -> list[bytes]:
    """An NTLM handshake that fails, with all its tokens."""
    user = credential(wire, "NTLM", OUTBOUND, password=alice("HERE", PASSWORD))
    negotiate = wire.contexts.InitializeSecurityContext(INITIALIZE(credential=user, target_name="host/x"))
    acceptor = credential(wire, "NTLM", INBOUND)
    challenge = wire.contexts.AcceptSecurityContext(ACCEPT(credential=acceptor, input=tokens(token_out(negotiate))))
    answer = wire.contexts.InitializeSecurityContext(INITIALIZE(context=negotiate.context, input=tokens(token_out(challenge))))
    wire.contexts.AcceptSecurityContext(ACCEPT(context=challenge.context, input=tokens(token_out(answer))))
    wire.contexts.AcceptSecurityContext(ACCEPT(credential=acceptor, input=tokens(token_out(answer)[:40])))
    return [token_out(each)[-24:] for each in (negotiate, challenge, answer)]


def tls_session(wire: Wire) -> list[bytes]:
    """A TLS handshake and a sealed message."""
    client, peer = wire.pair()
    sealed = wire.messages.EncryptMessage(encrypt_request(client, PASSWORD.encode()))
    record = b"".join(each.data for each in sealed.message)
    wire.delete(client, peer)
    return [token_out(client)[-24:], record[-24:]]


def refused_credentials(wire: Wire) -> None:
    """Secrets in requests that are refused."""
    kinds: list[dict[str, Any]] = [
        {"nt_hash": credentials_pb2.NtHashIdentity(user="alice", nt_hash=NT_HASH + b"too long")},
        {"keytab": credentials_pb2.KeytabIdentity(data=PASSWORD.encode())},
        {"schannel": credentials_pb2.SchannelCredential(
            certificates=[credentials_pb2.CertificateAndKey(pkcs12=NT_HASH, passphrase=PASSWORD)])},
        {"named": credentials_pb2.NamedCredential(name="unknown")},
    ]  # fmt: skip
    for package in ("NTLM", "Negotiate", "Kerberos", "Digest", "Schannel"):
        for kind in kinds:
            wire.credentials.AcquireCredentialsHandle(
                credential_service_pb2.AcquireCredentialsHandleRequest(
                    package_name=package, use=OUTBOUND, auth_data=credentials_pb2.AuthData(**kind)
                )
            )
        wire.credentials.ChangeAccountPassword(
            credential_service_pb2.ChangeAccountPasswordRequest(
                package_name=package, account="alice", old_password=PASSWORD, new_password=f"{PASSWORD}2"
            )
        )


def test_no_secret_and_no_token_is_logged_or_counted(tmp_path: Path) -> None:
    with (
        server.running(tmp_path, '[log]\nlevel = "debug"\n', env={"SSPID_METRICS_ADDRESS": "127.0.0.1:0"}) as service,
        grpc.insecure_channel(service.target) as channel,
    ):
        wire = Wire(channel)
        handle = credential(wire, "NTLM", OUTBOUND, nt_hash=credentials_pb2.NtHashIdentity(user="alice", nt_hash=NT_HASH))
        secrets = [PASSWORD.encode(), PASSWORD.encode("utf-16-le"), NT_HASH, handle.value]
        secrets += [*ntlm_logon(wire), *tls_session(wire)]
        refused_credentials(wire)
        page = urllib.request.urlopen(f"http://{service.metrics_address()}/metrics", timeout=5).read().decode()  # our own
        log = service.log_text()
    assert log.count('"event":"handshake"') >= 3, "the log is the one of these handshakes"
    for secret in secrets:
        for form in forms(secret):
            assert form not in log
            assert form not in page
    for path in [service.data_dir, *service.data_dir.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, f"others may read {path}"
