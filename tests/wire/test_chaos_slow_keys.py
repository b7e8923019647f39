"""Keys that take long, to open or to sign with: whoever brings one holds up nobody else."""

from __future__ import annotations

import base64
import json
import queue
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from pyasn1.codec.der import decoder, encoder
from pyasn1.type.univ import Integer
from sspid_protos.sspi.v1 import context_service_pb2, credential_service_pb2, credentials_pb2

from sspid_testing import issuing, tls
from sspid_testing.wire import ACCEPT, INBOUND, Wire, credential, status, tokens

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.wire, pytest.mark.chaos, pytest.mark.schannel]
AT_ONCE = 12
"""More than the service has threads for unary calls."""
PRIMES = Path(__file__).parents[1] / "vectors/schannel/rsa16384_primes.json"


def slow_key() -> rsa.RSAPrivateKey:
    """An RSA key of 16384 bits, whose signatures take half a second."""
    p, q = (int(each, 16) for each in json.loads(PRIMES.read_text("ascii")))
    e = 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    parts = (d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q))
    numbers = rsa.RSAPrivateNumbers(p, q, *parts, rsa.RSAPublicNumbers(e, p * q))
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)


def slow_certificate() -> issuing.Issued:
    """A certificate with that key."""
    authority, key = issuing.Authority("slow authority"), slow_key()
    return issuing.Issued(authority, authority.issue(tls.HOST, public_key=key.public_key()).certificate, key)


def slow_credential(wire: Wire) -> Any:
    """A server's credential with that certificate."""
    pem = slow_certificate().pem()
    pair = credentials_pb2.CertificateAndKey(certificate_pem=pem.certificate_pem, key_pem=pem.key_pem)
    return credential(wire, "Schannel", INBOUND, schannel=credentials_pb2.SchannelCredential(certificates=[pair]))


def first_leg(wire: Wire) -> Any:
    """An AcceptSecurityContext that signs."""
    return ACCEPT(credential=slow_credential(wire), input=tokens(hello()))


def hello() -> bytes:
    """A ClientHello of TLS 1.3."""
    return bytes(tls.client(protocols=("TLSv1.3",)).leg().output[0].data)


def handshake(wire: Wire) -> None:
    """Another handshake, whole."""
    wire.delete(*wire.pair())


def test_a_slow_signature_holds_up_no_unary_call(wire: Wire) -> None:
    request = first_leg(wire)
    slow = [wire.contexts.AcceptSecurityContext.future(request) for _ in range(AT_ONCE)]
    handshake(wire)
    assert not any(each.done() for each in slow), "they were called first"
    replies = [each.result() for each in slow]
    assert {status(each) for each in replies} == {"SEC_I_CONTINUE_NEEDED"}
    wire.delete(*replies)


def test_a_slow_signature_holds_up_no_other_call_of_its_session(wire: Wire) -> None:
    requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
    answers: Any = wire.contexts.Session(iter(requests.get, None))
    slow, quick = first_leg(wire), ACCEPT(credential=wire.server_credential(), input=tokens(hello()))
    requests.put(context_service_pb2.SessionRequest(number=1, accept_security_context=slow))
    requests.put(context_service_pb2.SessionRequest(number=2, accept_security_context=quick))
    heard = [next(answers), next(answers)]
    assert [each.number for each in heard] == [2, 1]
    assert {status(each.accept_security_context) for each in heard} == {"SEC_I_CONTINUE_NEEDED"}
    wire.delete(*(each.accept_security_context for each in heard))
    requests.put(None)
    assert list(answers) == []


def locked_for_ages() -> credentials_pb2.CertificateAndKey:
    """A key locked with as many iterations as OpenSSL takes: minutes of work."""
    key = ec.generate_private_key(ec.SECP256R1())
    found, _ = decoder.decode(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(b"p")))
    found[0][1][0][1][1] = Integer(2**31 - 1)
    body = base64.encodebytes(encoder.encode(found))
    pem = b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n" + body + b"-----END ENCRYPTED PRIVATE KEY-----\n"
    return credentials_pb2.CertificateAndKey(certificate_pem=tls.issued().certificate_pem, key_pem=pem, passphrase="p")


def of_many_bits() -> credentials_pb2.CertificateAndKey:
    """The slow key in PKCS#12, where its primes are tested."""
    return credentials_pb2.CertificateAndKey(pkcs12=slow_certificate().pkcs12("p").pkcs12, passphrase="p")


@pytest.mark.parametrize("bring", [locked_for_ages, of_many_bits])
def test_a_key_that_takes_long_to_open_holds_up_nobody(
    wire: Wire, bring: Callable[[], credentials_pb2.CertificateAndKey]
) -> None:
    schannel = credentials_pb2.SchannelCredential(certificates=[bring()])
    auth_data = credentials_pb2.AuthData(schannel=schannel)
    request = credential_service_pb2.AcquireCredentialsHandleRequest(package_name="Schannel", use=INBOUND, auth_data=auth_data)
    opening = wire.credentials.AcquireCredentialsHandle.future(request)
    handshake(wire)
    assert not opening.done(), "it was called first"
    opening.cancel()


def test_a_session_that_its_caller_has_closed_answers_what_still_works(wire: Wire) -> None:
    request = first_leg(wire)
    session = context_service_pb2.SessionRequest
    calls = [session(number=number, accept_security_context=request) for number in range(AT_ONCE)]
    answers = list(wire.contexts.Session(iter(calls)))
    assert sorted(each.number for each in answers) == list(range(AT_ONCE))
    assert {status(each.accept_security_context) for each in answers} == {"SEC_I_CONTINUE_NEEDED"}
    wire.delete(*(each.accept_security_context for each in answers))
