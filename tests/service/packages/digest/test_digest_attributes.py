from __future__ import annotations

import pytest

from sspid.packages.catalog import PACKAGES, Catalog
from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import NO_FLAGS, ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing.digest import HTTP, digest, parameter

pytestmark = pytest.mark.digest
GET = parameter("GET")
SEALED = frozenset({ContextFlag.CONFIDENTIALITY})


@pytest.fixture
def side():
    return digest(algorithms=("SHA-256",))


@pytest.fixture
def http(side):
    acceptor = side.acceptor()
    challenged = side.accept(None, acceptor)
    responded = side.initialize(None, side.initiator(), challenged.output[0].data, GET, target="/x")
    return responded.state, side.accept(challenged.state, acceptor, responded.output[0].data, GET).state


def sasl(side, flags):
    acceptor, credential = side.acceptor(), side.initiator()
    challenged = side.accept(None, acceptor, flags=flags)
    responded = side.initialize(None, credential, challenged.output[0].data, target="imap/host", flags=flags)
    accepted = side.accept(challenged.state, acceptor, responded.output[0].data, flags=flags)
    proven = side.initialize(responded.state, credential, accepted.output[0].data, flags=flags)
    return proven.state, accepted.state


def query(side, state, attribute):
    return side.world.run(side.package.query_context_attributes(state, attribute))


def refused(side, state, attribute):
    with pytest.raises(SspiError) as caught:
        query(side, state, attribute)
    return caught.value.status


def test_http(side, http):
    initiator, acceptor = http
    assert query(side, initiator, ContextAttribute.NAMES).user_name == "alice"
    assert query(side, acceptor, ContextAttribute.NAMES).user_name == "EXAMPLE\\alice"
    for state in http:
        assert query(side, state, ContextAttribute.SIZES).max_token == 4096
        info = query(side, state, ContextAttribute.KEY_INFO)
        assert (info.signature_algorithm_name, info.key_size) == ("SHA-256", 256)
        assert query(side, state, ContextAttribute.TARGET).name == "/x"
        assert query(side, state, ContextAttribute.CLIENT_SPECIFIED_TARGET).name == ""
        assert query(side, state, ContextAttribute.AUTHORITY).text == "example.test"
        assert query(side, state, ContextAttribute.LIFESPAN).expiry is None
        assert query(side, state, ContextAttribute.FLAGS).flags == HTTP
        assert refused(side, state, ContextAttribute.STREAM_SIZES) is SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION


def test_sasl(side):
    for flags, algorithm, cipher, signature in ((SEALED, "HMAC-MD5", "rc4", 16), (NO_FLAGS, "", "", 0)):
        initiator, acceptor = sasl(side, flags)
        assert query(side, initiator, ContextAttribute.NAMES).user_name == "alice"
        assert query(side, acceptor, ContextAttribute.NAMES).user_name == "EXAMPLE\\alice"
        for state in (initiator, acceptor):
            info = query(side, state, ContextAttribute.KEY_INFO)
            assert (info.signature_algorithm_name, info.encrypt_algorithm_name) == (algorithm, cipher)
            assert query(side, state, ContextAttribute.SIZES).max_signature == signature
            assert query(side, state, ContextAttribute.TARGET).name == "imap/host"


def test_before_the_end_there_is_nothing_to_tell(side):
    waiting = side.accept(None, side.acceptor()).state
    assert refused(side, waiting, ContextAttribute.SIZES) is SecurityStatus.SEC_E_INVALID_HANDLE


def test_others_are_unsupported(side, http):
    for attribute in (ContextAttribute.SESSION_KEY, ContextAttribute.UNIQUE_BINDINGS):
        assert refused(side, http[0], attribute) is SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION


def test_secrets_are_not_in_what_is_printed(side, http):
    for state in (*http, *sasl(side, SEALED)):
        text = repr(state)
        for secret in (b.ha1 for b in side.world.digest_secrets.values()):
            assert secret.hex() not in text
            assert repr(secret) not in text


def test_package_is_known_by_both_names():
    catalog = Catalog({"digest": ()})
    package = catalog.find("Digest")
    assert package is not None
    assert package is catalog.find("wdigest")
    assert (package.info.capabilities, package.info.rpc_id, package.info.max_token) == (0x00800304, 21, 4096)


@pytest.mark.parametrize("name", sorted(set(PACKAGES) - {"digest"}))
def test_only_digest_completes_anything(side, name):
    package = Catalog().find(name)
    assert package is not None
    with pytest.raises(SspiError) as caught:
        side.world.run(package.complete_auth_token(None, ()))
    assert caught.value.status is SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION
    assert "CompleteAuthToken" in caught.value.message


@pytest.mark.parametrize("function", ["export_security_context", "import_security_context"])
def test_no_context_is_exported(side, http, function):
    for state in (*http, *sasl(side, SEALED)):
        with pytest.raises(SspiError) as caught:
            side.world.run(getattr(side.package, function)(state if function.startswith("export") else b"packed"))
        assert caught.value.status is SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION
        assert caught.value.message.startswith("The Digest package does not export contexts")
