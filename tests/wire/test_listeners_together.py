"""A Unix socket, loopback TCP and mutual TLS at once: who each caller is, and what none of them shares."""

from __future__ import annotations

import datetime as dt
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sspid_testing import server
from sspid_testing.issuing import Authority
from sspid_testing.wire import Wire, encrypt_request, status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.wire
SPIFFE = "spiffe://example.test/workload/web"
CREW = ("--workers", "2")


class Caller:
    """A client certificate with these names."""

    def __init__(self, authority: Authority, common_name: str, *uris: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        now = dt.datetime.now(dt.UTC)
        subject = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else []
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(subject))
            .issuer_name(authority.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(minutes=5))
            .not_valid_after(now + dt.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        )
        if uris:
            names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri) for uri in uris])
            builder = builder.add_extension(names, critical=not subject)
        self.certificate = builder.sign(authority.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        self.key = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


@contextmanager
def service(folder: Path, *arguments: str) -> Iterator[tuple[server.Running, Authority, str]]:
    """A service on all three, the authority of its callers, and its TLS address."""
    authority = Authority("callers")
    own = authority.issue("localhost").pem()
    for name, content in (("ca", authority.pem), ("server", own.certificate_pem), ("server-key", own.key_pem)):
        (folder / f"{name}.pem").write_bytes(content)
    tls = (
        f'\n[[listeners]]\naddress = "localhost:0"\n[listeners.tls]\ncertificate = "{folder}/server.pem"\n'
        f'key = "{folder}/server-key.pem"\nclient_ca = "{folder}/ca.pem"\n'
    )
    with server.running(folder, listeners=server.LISTENERS + tls, arguments=arguments) as running:
        addresses = running.output.partition("ready: ")[2].partition(" (data in")[0].split(", ")
        yield running, authority, next(each for each in addresses if each.startswith("localhost"))


def over_tls(authority: Authority, address: str, caller: Caller) -> grpc.Channel:
    credentials = grpc.ssl_channel_credentials(authority.pem, caller.key, caller.certificate)
    return grpc.secure_channel(address, credentials, options=[("grpc.use_local_subchannel_pool", 1)])


def audited(running: server.Running) -> set[str]:
    """The callers of the audit lines."""
    lines = [json.loads(line) for line in running.log_text().splitlines()]
    return {line["caller"] for line in lines if line["event"] == "handshake"}


@pytest.mark.parametrize("arguments", [(), CREW], ids=["one worker", "two workers"])
def test_each_listener_proves_its_own_callers_and_none_sees_anothers_handles(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    with service(tmp_path, *arguments) as (running, authority, address):
        channels = {
            "unix": grpc.insecure_channel(running.unix_target),
            "anonymous": grpc.insecure_channel(running.target),
            SPIFFE: over_tls(authority, address, Caller(authority, "web", SPIFFE)),
            "x509:CN=web": over_tls(authority, address, Caller(authority, "web")),
            "spiffe://example.test/other": over_tls(authority, address, Caller(authority, "", "spiffe://example.test/other")),
        }
        held = {name: Wire(channel).pair()[0] for name, channel in channels.items()}
        for owner, context in held.items():
            for name, channel in channels.items():
                answer = status(Wire(channel).messages.EncryptMessage(encrypt_request(context, b"x")))
                assert answer == ("SEC_E_OK" if name == owner else "SEC_E_INVALID_HANDLE"), (owner, name)
        assert audited(running) == set(channels)
        for channel in channels.values():
            channel.close()


def test_a_certificate_that_names_nobody_and_one_of_strangers_are_no_callers(tmp_path: Path) -> None:
    with service(tmp_path) as (_running, authority, address):
        with over_tls(authority, address, Caller(authority, "", "https://example.test/")) as nobody:
            with pytest.raises(grpc.RpcError) as caught:
                Wire(nobody).client_credential()
            assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
            assert "neither a SPIFFE ID nor a subject" in str(caught.value.details())
        with over_tls(authority, address, Caller(Authority("strangers"), "web", SPIFFE)) as stranger:
            with pytest.raises(grpc.RpcError) as caught:
                Wire(stranger).client_credential()
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE, "the TLS handshake fails"


def test_a_request_id_is_remembered_whichever_worker_the_retry_lands_on(tmp_path: Path) -> None:
    with server.running(tmp_path, arguments=CREW) as running:
        options = [("grpc.use_local_subchannel_pool", 1)]
        channels = [grpc.insecure_channel(running.target, options=options) for _ in range(12)]
        for number in range(4):
            replies = [Wire(each).acquire("demo-client", 2, request_id=f"again-{number}") for each in channels]
            assert len({reply.credential.value for reply in replies}) == 1
        for channel in channels:
            channel.close()
