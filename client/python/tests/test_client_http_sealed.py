"""A sealed request's turns at a real service, the HTTP between them played by the test: other connections, silence."""

from __future__ import annotations

import base64

import pytest

from sspid_client import INBOUND, OUTBOUND, Client, ContextFlag, SspiError, certificate, credssp, password
from sspid_client.http import encrypted
from sspid_client.http.authenticator import Authenticator
from sspid_client.http.exchange import Answer, Asked, Entity, Turn, Wanted
from sspid_testing.example_programs import accounts

pytestmark = [pytest.mark.wire, pytest.mark.credssp]
BODY = b"<secret/>"
ASKED = Asked(("http", "localhost", 5985), "POST", "/wsman", lambda: BODY, "application/soap+xml;charset=UTF-8")
ONE, OTHER = object(), object()
EMPTY = (401, "CredSSP")


@pytest.fixture
def sspi(service):
    with Client(service.target) as client:
        yield client


class Told:
    """One adapter's requests, one after the other; what the server answers is said by the test."""

    def __init__(self, sspi):
        secret = credssp(negotiate=password("sealed", "", "Passw0rd"))
        credential = sspi.acquire_credentials_handle("CredSSP", OUTBOUND, secret)
        wanted = Wanted("CredSSP", lambda: credential.handle, ContextFlag(0), encrypt=True)
        self._run = sspi.run
        self._authenticator = Authenticator(wanted)

    def begin(self, asked=ASKED):
        self._logon = self._authenticator.begin()
        return self._run(self._logon.start(asked))

    def __call__(self, status, *challenges, connection=ONE, body=b"", kind=""):
        answer = Answer(status, challenges, (), connection, (), lambda: body, kind)
        return self._run(self._logon.answered(ASKED, answer))


@pytest.fixture
def tell(sspi):
    return Told(sspi)


@pytest.fixture(scope="module")
def account(service):
    accounts(service, "add", "sealed", given="Passw0rd\n")


@pytest.fixture
def acceptor(sspi, service, account):
    """What a server of CredSSP accepts with."""
    shown = certificate(service.server_certificate.read_bytes(), service.server_key.read_bytes())
    return sspi.acquire_credentials_handle("CredSSP", INBOUND, credssp(schannel=shown))


def token(turn):
    assert isinstance(turn, Turn)
    assert turn.entity is not None
    assert turn.entity.data == b"", "nothing travels before the logon is made"
    return base64.b64decode(turn.authorization.removeprefix("CredSSP").strip())


def log_on(tell, acceptor):
    """The whole logon; returns the acceptor's context and what the client then sends."""
    assert tell.begin().entity.data == b""
    context, turn = acceptor.accept(), tell(*EMPTY)
    while True:
        step = context.step(token(turn))
        if step.done:
            return context, tell(200)
        turn = tell(401, f"CredSSP {base64.b64encode(step.token).decode()}")


def answer(sspi, context, plain=b"<answer/>"):
    return sspi.run(encrypted.seal(context.legs, Entity("text/xml", plain)))


def opened(context, turn):
    (part,) = encrypted.parts(turn.entity.data)
    return context.decrypt(part.record).data


def test_later_requests_are_sealed_at_once(sspi, tell, acceptor):
    context, turn = log_on(tell, acceptor)
    for _ in range(3):
        assert turn.authorization == ""
        assert opened(context, turn) == BODY
        said = answer(sspi, context)
        found = tell(200, body=said.data, kind=said.content_type)
        assert (found.content_type, found.data) == ("text/xml", b"<answer/>")
        turn = tell.begin()


def test_request_that_went_over_another_connection_is_an_error(sspi, tell, acceptor):
    context, _ = log_on(tell, acceptor)
    said = answer(sspi, context)
    with pytest.raises(SspiError, match="another connection"):
        tell(200, body=said.data, kind=said.content_type, connection=OTHER)
    assert tell.begin().entity.data == b"", "the next one logs on anew"


def test_connection_that_was_not_logged_on_is(sspi, tell, acceptor):
    context, _ = log_on(tell, acceptor)
    said = answer(sspi, context)
    tell(200, body=said.data, kind=said.content_type)
    assert tell.begin().entity.data
    assert token(tell(*EMPTY, connection=OTHER))[0] == 22


def test_refused_on_its_own_connection_right_after_the_logon(tell, acceptor):
    log_on(tell, acceptor)
    assert tell(*EMPTY) is None


def test_answer_of_another_logon_is_an_error(sspi, tell, acceptor):
    context, _ = log_on(tell, acceptor)
    said = answer(sspi, context)
    tell(200, body=said.data, kind=said.content_type)
    tell.begin()
    with pytest.raises(SspiError) as replayed:
        tell(200, body=said.data, kind=said.content_type)
    assert replayed.value.name == "SEC_E_MESSAGE_ALTERED"


def test_server_that_lets_in_without_a_logon_gets_nothing(tell):
    tell.begin()
    with pytest.raises(SspiError, match="before the logon was made"):
        tell(200)
    tell.begin()
    token(tell(*EMPTY))
    with pytest.raises(SspiError, match="before the logon was made"):
        tell(200)


def test_errors_before_the_logon_are_the_servers(tell):
    tell.begin()
    assert tell(404) is None
    tell.begin()
    token(tell(*EMPTY))
    assert tell(503) is None


def test_silence_is_borne_in_the_handshake_once(tell):
    tell.begin()
    assert token(tell(*EMPTY))
    assert token(tell(*EMPTY)) == b""
    assert tell(*EMPTY) is None


def test_logon_that_always_moves_is_given_up(tell):
    tell.begin()
    assert token(tell(*EMPTY, connection=object()))
    for _ in range(3):
        assert token(tell(*EMPTY, connection=object())) == b"", "silence in the handshake"
        assert token(tell(*EMPTY, connection=object()))
    tell(*EMPTY, connection=object())
    with pytest.raises(SspiError, match="could not be made on one connection"):
        tell(*EMPTY, connection=object())


def test_token_that_is_cut_is_an_error(tell):
    tell.begin()
    tell(*EMPTY)
    with pytest.raises(SspiError, match="middle of a record"):
        tell(401, "CredSSP " + base64.b64encode(b"\x16\x03\x03\x00\x40\x02").decode())


def test_requests_without_a_body_go_as_they_are(sspi, tell, acceptor):
    context, _ = log_on(tell, acceptor)
    said = answer(sspi, context)
    tell(200, body=said.data, kind=said.content_type)
    assert tell.begin(Asked(ASKED.origin, "GET", "/", lambda: b"")) == Turn()
    said = answer(sspi, context)
    assert tell(200, body=said.data, kind=said.content_type).data == b"<answer/>"
