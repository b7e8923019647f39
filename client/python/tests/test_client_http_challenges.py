"""WWW-Authenticate taken apart, channel bindings of certificates, and what is loaded when."""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from sspid_client import SspiError
from sspid_client.http import bindings, challenges, origins
from sspid_client.http.authenticator import package_of

LINES = [
    (["Negotiate"], [("negotiate", "")]),
    (["Negotiate, NTLM"], [("negotiate", ""), ("ntlm", "")]),
    (["NTLM TlRMTQ=="], [("ntlm", "TlRMTQ==")]),
    (["Negotiate", "NTLM"], [("negotiate", ""), ("ntlm", "")]),
    (['Digest realm="a, b", nonce="x=\\"y"'], [("digest", 'realm="a, b", nonce="x=\\"y"')]),
    (['Digest realm="a",nonce=n, Basic realm="b"'], [("digest", 'realm="a", nonce=n'), ("basic", 'realm="b"')]),
    (['NTLM, Digest realm = "a" , qop=auth'], [("ntlm", ""), ("digest", 'realm = "a", qop=auth')]),
    (['realm="nobody\'s"', "", ",,", '"'], []),
]


@pytest.mark.parametrize(("lines", "expected"), LINES, ids=[each[0][0] for each in LINES])
def test_lines_of_www_authenticate(lines, expected):
    assert challenges.read(lines) == expected


@given(st.lists(st.text(max_size=200), max_size=4))
def test_no_line_breaks_the_reader(lines):
    for challenge in challenges.read(lines):
        assert challenge.scheme == challenge.scheme.lower() != ""
    with contextlib.suppress(SspiError):
        challenges.token(lines, "NTLM")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("piece", ['"', '\\"', '"\\', "a,", 'a="b\\"', " ", "a "])
def test_long_hostile_lines_take_no_time(piece):
    challenges.read([piece * 40_000, 'a="' + piece * 40_000])


def test_tokens():
    assert challenges.token(["Negotiate", "NTLM TlRMTQ=="], "NTLM") == b"NTLM"
    assert challenges.token(["ntlm"], "NTLM") == b""
    assert challenges.token(["Negotiate"], "NTLM") is None
    with pytest.raises(SspiError, match="base64"):
        challenges.token(["NTLM !"], "NTLM")


def test_all_digest_challenges_go_to_the_package():
    lines = ['Digest realm="a", algorithm=SHA-256', 'Basic realm="b", Digest realm="a"']
    assert challenges.digest(lines) == 'Digest realm="a", algorithm=SHA-256, Digest realm="a"'
    assert challenges.digest(["Basic"]) == ""


def certificate(key, algorithm):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    begun = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    dated = begun.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return dated.sign(key, algorithm).public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize(
    "algorithm", [hashes.SHA256(), hashes.SHA384(), hashes.SHA512(), hashes.SHA3_256()], ids=lambda each: each.name
)
def test_bindings_take_the_signatures_hash(algorithm):
    der = certificate(ec.generate_private_key(ec.SECP256R1()), algorithm)
    expected = b"tls-server-end-point:" + hashlib.new(algorithm.name.replace("sha3-", "sha3_"), der).digest()
    assert bindings.application_data(der) == expected
    (buffer,) = bindings.buffers(der)
    assert buffer.data == bytes(24) + len(expected).to_bytes(4, "little") + (32).to_bytes(4, "little") + expected


def test_bindings_that_are_not_defined_are_none():
    der = certificate(ed25519.Ed25519PrivateKey.generate(), None)
    assert bindings.buffers(der) == bindings.buffers(b"") == bindings.buffers(b"no certificate") == ()


def test_origins():
    assert origins.of("HTTP://Localhost/a") == ("http", "localhost", 80)
    assert origins.of("https://localhost") == ("https", "localhost", 443)
    assert origins.of("http://[::1]:8080/") == ("http", "::1", 8080)


def test_only_packages_with_a_scheme_log_on():
    assert package_of("ntlm") == "NTLM"
    with pytest.raises(ValueError, match="Schannel"):
        package_of("Schannel")


def test_nothing_is_loaded_that_is_not_used():
    program = "import sys, sspid_client.aio, sspid_client.http; print({'requests', 'httpx', 'cryptography'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
