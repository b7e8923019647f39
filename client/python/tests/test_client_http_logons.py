"""A logon's turns at a real service, the HTTP between them played by the test: moved connections, refusals, foreign tokens."""

from __future__ import annotations

import base64

import pytest

from sspid_client import DEFAULT_FLAGS, INBOUND, OUTBOUND, Client, ContextFlag, SspiError, password
from sspid_client.http.authenticator import Authenticator
from sspid_client.http.exchange import Answer, Asked, Wanted
from sspid_testing.example_programs import accounts
from sspid_testing.logons import channel_bindings

pytestmark = [pytest.mark.wire]
ASKED = Asked(("http", "localhost", 80), "GET", "/page", lambda: b"")
ONE, OTHER = object(), object()


@pytest.fixture
def sspi(service):
    with Client(service.target) as client:
        yield client


class Told:
    """A logon that is told answers and returns the Authorization it wants to go on with."""

    def __init__(self, sspi, package, flags, asked, user="alice"):
        credential = sspi.acquire_credentials_handle(package, OUTBOUND, password(user, "", "Passw0rd"))
        self._run = sspi.run
        self._asked = asked
        self._logon = Authenticator(Wanted(package, lambda: credential.handle, flags)).begin()

    def __call__(self, status, *challenges, connection=ONE, info=(), bindings=()):
        answer = Answer(status, challenges, info, connection, bindings, lambda: b"body")
        turn = self._run(self._logon.answered(self._asked, answer))
        return turn.authorization if turn else ""

    def begins(self):
        """What a new request begins with."""
        return self._run(self._logon.start(self._asked)).authorization


def logon(sspi, package, flags=DEFAULT_FLAGS, asked=ASKED):
    return Told(sspi, package, flags, asked)


def token(authorization):
    return base64.b64decode(authorization.partition(" ")[2])


@pytest.fixture
def challenge(sspi):
    """What a server of NTLM challenges with."""
    acceptor = sspi.acquire_credentials_handle("NTLM", INBOUND)
    return lambda authorization: "NTLM " + base64.b64encode(acceptor.accept().step(token(authorization)).token).decode()


@pytest.mark.ntlm
def test_a_moved_logon_begins_anew(sspi, challenge):
    tell = logon(sspi, "NTLM")
    begun = tell(401, "NTLM")
    assert token(begun)[8] == 1
    assert token(tell(401, challenge(begun)))[8] == 3
    again = tell(401, "NTLM", connection=OTHER)
    assert token(again)[8] == 1
    assert token(tell(401, challenge(again), connection=OTHER))[8] == 3
    assert tell(401, "NTLM", connection=OTHER) == "", "refused on its own connection: the 401 is the application's"


@pytest.mark.ntlm
def test_a_logon_that_always_moves_is_given_up(sspi, challenge):
    tell = logon(sspi, "NTLM")
    for _ in range(4):
        begun = tell(401, "NTLM", connection=object())
        tell(401, challenge(begun), connection=object())
    with pytest.raises(SspiError, match="could not be made on one connection"):
        tell(401, "NTLM", connection=object())


@pytest.mark.ntlm
def test_where_connections_cannot_be_told_apart_the_logon_goes_on(sspi, challenge):
    tell = logon(sspi, "NTLM")
    begun = tell(401, "NTLM", connection=None)
    assert token(tell(401, challenge(begun), connection=None))[8] == 3
    assert tell(200, connection=None) == ""


@pytest.mark.ntlm
@pytest.mark.parametrize("seen", [b"this channel", b"another one", b""])
def test_a_certificate_that_is_seen_late_is_bound_all_the_same(sspi, service, seen):
    user = f"bound{len(seen)}"
    accounts(service, "add", user, given="Passw0rd\n")
    acceptor = sspi.acquire_credentials_handle("NTLM", INBOUND).accept(first_input=channel_bindings(b"this channel"))
    tell = Told(sspi, "NTLM", DEFAULT_FLAGS, ASKED, user)
    challenged = acceptor.step(token(tell(401, "NTLM"))).token
    sent = tell(401, "NTLM " + base64.b64encode(challenged).decode(), bindings=channel_bindings(seen))
    if seen == b"this channel":
        assert acceptor.step(token(sent)).done
    else:
        with pytest.raises(SspiError) as refused:
            acceptor.step(token(sent))
        assert refused.value.name == "SEC_E_BAD_BINDINGS"


@pytest.mark.ntlm
@pytest.mark.negotiate
@pytest.mark.digest
@pytest.mark.parametrize("package", ["NTLM", "Negotiate", "Digest"])
def test_a_scheme_that_is_not_offered_ends_the_logon(sspi, package):
    tell = logon(sspi, package)
    assert tell(401, 'Basic realm="x"') == ""
    assert tell(401) == ""
    assert tell(200) == ""


@pytest.mark.ntlm
@pytest.mark.parametrize("sent", ["NTLM TlRMTVNTUAACAAAA", "NTLM AAAA", "NTLM !"])
def test_a_token_that_is_none_is_an_error(sspi, sent):
    tell = logon(sspi, "NTLM")
    tell(401, "NTLM")
    with pytest.raises(SspiError):
        tell(401, sent)


@pytest.mark.digest
def test_stale_nonces_are_answered_and_not_for_ever(sspi):
    acceptor = sspi.acquire_credentials_handle("Digest", INBOUND)
    given = acceptor.accept(flags=DEFAULT_FLAGS | ContextFlag.USE_HTTP_STYLE).step().token.decode()
    tell = logon(sspi, "Digest")
    first = tell(401, f"Digest {given}")
    assert 'uri="/page"' in first
    seen = [tell(401, f"Digest {given}, stale=true") for _ in range(3)]
    assert len({first, *seen[:2]}) == 3
    assert seen[2] == ""


@pytest.mark.digest
def test_a_second_challenge_that_is_not_stale_is_a_refusal(sspi):
    tell = logon(sspi, "Digest")
    assert tell(401, 'Digest realm="sspid", nonce="n", qop="auth"')
    assert tell(401, 'Digest realm="sspid", nonce="m", qop="auth"') == ""


@pytest.mark.digest
def test_a_wrong_proof_is_an_error_and_its_context_is_not_used_again(sspi):
    tell = logon(sspi, "Digest")
    header = tell(401, 'Digest realm="sspid", nonce="n", qop="auth"')
    cnonce = header.partition('cnonce="')[2].partition('"')[0]
    with pytest.raises(SspiError) as wrong:
        tell(200, info=[f'rspauth="{"0" * 32}", qop=auth, nc=00000001, cnonce="{cnonce}"'])
    assert wrong.value.name == "SEC_E_MESSAGE_ALTERED"
    assert tell.begins() == ""


@pytest.mark.digest
def test_a_body_is_covered_by_the_challenges_hash(sspi):
    challenge = 'Digest realm="sspid", nonce="n", qop="auth-int", algorithm=SHA-256'
    header = logon(sspi, "Digest", ContextFlag.INTEGRITY)(401, challenge)
    assert "qop=auth-int" in header
    once = Asked(ASKED.origin, "POST", "/page", lambda: None)
    with pytest.raises(SspiError, match="read only once"):
        logon(sspi, "Digest", ContextFlag.INTEGRITY, once)(401, challenge)
    with pytest.raises(SspiError) as unasked:
        logon(sspi, "Digest")(401, challenge)
    assert unasked.value.name == "SEC_E_QOP_NOT_SUPPORTED"
