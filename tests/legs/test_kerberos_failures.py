"""What goes wrong in a Kerberos handshake, made to happen in a real realm: the status, the KRB-ERROR, the sentence."""

from __future__ import annotations

import socket
import time
from contextlib import closing
from datetime import timedelta

import pytest

from sspid.packages.kerberos.policy import KerberosPolicy
from sspid.packages.rules import Bindings
from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.buffers import token_in
from sspid.vocabulary.credentials import CredentialCache, Keytab, Password
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import NO_FLAGS, ContextFlag
from sspid.vocabulary.status import SecurityStatus as Status
from sspid_testing import realm as mit
from sspid_testing.ends import shake
from sspid_testing.kerberos import ALICE, FULL, MUTUAL, a_world, acceptor, initiator
from sspid_testing.kerberos_files import with_clock, with_end, with_other_keys

pytest_plugins = ("sspid_testing.realm_fixtures",)
pytestmark = [pytest.mark.kerberos, pytest.mark.legs]

ERRORS = frozenset({ContextFlag.EXTENDED_ERROR})
HOUR = 3600


def refused(call, *arguments):
    with pytest.raises(SspiError) as caught:
        call(*arguments)
    return caught.value


def code(failure):
    return None if failure.detail is None else failure.detail.kerberos_error


def test_a_wrong_password(realm):
    failure = refused(initiator(Password("alice", mit.NAME, "not it")).step)
    assert (failure.status, code(failure)) == (Status.SEC_E_LOGON_DENIED, 31)


def test_a_wrong_password_where_preauthentication_is_required(realm):
    realm.administer("addprinc +requires_preauth -pw right careful")
    failure = refused(initiator(Password("careful", mit.NAME, "wrong")).step)
    assert failure.status is Status.SEC_E_LOGON_DENIED
    assert code(failure) in {24, 31}
    assert initiator(Password("careful", mit.NAME, "right")).step()


def test_an_unknown_user(realm):
    failure = refused(initiator(Password("nobody", mit.NAME, "x")).step)
    assert (failure.status, code(failure)) == (Status.SEC_E_LOGON_DENIED, 6)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("modprinc -expire yesterday USER", {1}),
        ("modprinc -allow_tix USER", {18}),
        ("modprinc -pwexpire yesterday USER", {23}),
    ],
    ids=["expired account", "disabled account", "expired password"],
)
def test_an_account_that_may_not_log_on(realm, change, expected):
    user = f"user{time.monotonic_ns()}"
    realm.administer(f"addprinc -pw right {user}", change.replace("USER", user))
    failure = refused(initiator(Password(user, mit.NAME, "right")).step)
    assert failure.status is Status.SEC_E_LOGON_DENIED
    assert code(failure) in expected


def test_an_unknown_target(realm):
    failure = refused(initiator(target="HTTP/nowhere.example.test").step)
    assert (failure.status, code(failure)) == (Status.SEC_E_TARGET_UNKNOWN, 7)
    assert "HTTP/nowhere.example.test" in failure.message


@pytest.mark.parametrize("target", ["", "a@b@c", "HTTP/\0", "\\", "/", "\udcff", "x" * 70000])
def test_a_target_that_is_none(realm, target):
    assert refused(initiator(target=target).step).status is Status.SEC_E_TARGET_UNKNOWN


def test_no_encryption_type_in_common(own_realm):
    realm = own_realm(extra=" permitted_enctypes = aes128-cts")
    realm.administer(f"addprinc -pw {mit.PASSWORD} -e aes256-cts:normal strong")
    failure = refused(initiator(Password("strong", mit.NAME, mit.PASSWORD)).step)
    assert (failure.status, code(failure)) == (Status.SEC_E_KDC_UNKNOWN_ETYPE, 14)


def test_a_realm_without_kdc(realm):
    failure = refused(initiator(Password("alice", "NO.SUCH.REALM", "x")).step)
    assert (failure.status, code(failure)) == (Status.SEC_E_NO_AUTHENTICATING_AUTHORITY, None)


def test_a_kdc_that_is_away(own_realm):
    realm = own_realm()
    keys = realm.keytab(mit.HTTP)
    known = initiator()
    shake(known, acceptor(realm, secret=Keytab(data=keys)))
    realm.stop()
    assert refused(initiator().step).status is Status.SEC_E_NO_AUTHENTICATING_AUTHORITY
    # Tickets that were fetched before are still good, and an acceptor asks no KDC.
    again = initiator(_credential=known.credential)
    shake(again, acceptor(realm, secret=Keytab(data=keys)))


def test_a_silent_kdc_is_given_up_at_the_deadline_and_keeps_nobody_waiting(realm, monkeypatch, tmp_path):
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        port = silent.getsockname()[1]
        ready = initiator()
        shake(ready, acceptor(realm))
        text = (realm.folder / "krb5.conf").read_text("utf-8")
        (tmp_path / "krb5.conf").write_text(text.replace(f":{realm.port}", f":{port}"), "utf-8")
        monkeypatch.setenv("KRB5_CONFIG", str(tmp_path / "krb5.conf"))
        began = time.monotonic()
        failure = refused(initiator(world=a_world(0.5)).step)
        assert failure.status is Status.SEC_E_NO_AUTHENTICATING_AUTHORITY
        assert "0.5 seconds" in failure.message
        failure = refused(initiator(world=a_world(0.5), target=mit.CIFS, _credential=ready.credential).step)
        assert failure.status is Status.SEC_E_NO_AUTHENTICATING_AUTHORITY
        # The same credential towards a target whose ticket it has, while the call above still hangs in the library.
        shake(initiator(_credential=ready.credential), acceptor(realm))
        assert time.monotonic() - began < 8, "a hang and no deadline"


def test_clocks_apart(realm):
    client = initiator(CredentialCache(data=with_clock(realm.cache("alice", mit.HTTP), HOUR)))
    server = acceptor(realm, flags=ERRORS)
    failure = refused(server.step, client.step())
    assert (failure.status, code(failure)) == (Status.SEC_E_TIME_SKEW, 37)
    told = refused(client.step, token_in(failure.output))
    assert (told.status, code(told)) == (Status.SEC_E_TIME_SKEW, 37)


@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
def test_clocks_apart_from_the_kdc(realm, seconds):
    client = initiator(CredentialCache(data=with_clock(realm.cache("alice"), seconds)))
    failure = refused(client.step)
    assert (failure.status, code(failure)) == (Status.SEC_E_TIME_SKEW, 37)


def test_expired_tickets(own_realm):
    realm = own_realm(extra=" clockskew = 1")
    cache = realm.cache("alice", mit.HTTP, options=("-l", "2s"))
    client = initiator(CredentialCache(data=cache))
    end = int(client.credential.expiry.timestamp())
    server = acceptor(realm, flags=ERRORS)
    time.sleep(max(0.0, end + 3.5 - time.time()))
    mine = refused(client.step)
    assert (mine.status, code(mine)) == (Status.SEC_E_CONTEXT_EXPIRED, 32)
    believing = initiator(CredentialCache(data=with_end(cache, end, end + HOUR)))
    theirs = refused(server.step, believing.step())
    assert (theirs.status, code(theirs)) == (Status.SEC_E_CONTEXT_EXPIRED, 32)
    told = refused(believing.step, token_in(theirs.output))
    assert (told.status, code(told)) == (Status.SEC_E_CONTEXT_EXPIRED, 32)


def test_a_token_seen_before(realm):
    token = initiator().step()
    acceptor(realm).step(token)
    failure = refused(acceptor(realm).step, token)
    assert (failure.status, code(failure)) == (Status.SEC_E_LOGON_DENIED, 34)


def test_a_service_the_key_table_does_not_have(realm):
    client, server = initiator(), acceptor(realm, mit.CIFS, flags=ERRORS)
    failure = refused(server.step, client.step())
    assert (failure.status, code(failure)) == (Status.SEC_E_NO_KERB_KEY, 35)
    assert f"{mit.HTTP}@{mit.NAME}" in failure.message
    assert "kvno 1" in failure.message
    told = refused(client.step, token_in(failure.output))
    assert (told.status, code(told)) == (Status.SEC_E_WRONG_PRINCIPAL, 35)


def test_a_key_version_the_key_table_does_not_have(realm):
    service = "HTTP/rekeyed.example.test"
    realm.administer(f"addprinc -randkey {service}")
    server = acceptor(realm, secret=Keytab(data=realm.keytab(service)), flags=ERRORS)
    realm.keytab(service, changed=True)
    client = initiator(target=service)
    failure = refused(server.step, client.step())
    assert (failure.status, code(failure)) == (Status.SEC_E_NO_KERB_KEY, 44)
    assert "kvno 2" in failure.message
    told = refused(client.step, token_in(failure.output))
    assert (told.status, code(told)) == (Status.SEC_E_WRONG_PRINCIPAL, 44)


def test_another_key_under_the_same_version(realm):
    client = initiator()
    server = acceptor(realm, secret=Keytab(data=with_other_keys(realm.keys(mit.HTTP))), flags=ERRORS)
    failure = refused(server.step, client.step())
    assert (failure.status, code(failure)) == (Status.SEC_E_LOGON_DENIED, 31)
    assert refused(client.step, token_in(failure.output)).status in {
        Status.SEC_E_LOGON_DENIED, Status.SEC_E_WRONG_PRINCIPAL,
    }  # fmt: skip


def test_an_acceptor_bound_to_one_of_its_principals(realm):
    both = realm.keys(mit.HTTP, mit.CIFS)
    server = acceptor(realm, secret=Keytab(principal=mit.CIFS, data=both))
    assert refused(server.step, initiator().step()).status is Status.SEC_E_NO_KERB_KEY
    shake(initiator(target=mit.CIFS), acceptor(realm, secret=Keytab(principal=mit.CIFS, data=both)))


def test_error_tokens_go_out_only_where_the_caller_asked(realm):
    silent = refused(acceptor(realm, mit.CIFS).step, initiator().step())
    assert silent.output == ()
    told = refused(acceptor(realm, mit.CIFS, flags=ERRORS).step, initiator().step())
    assert token_in(told.output)[13:17] == b"\x03\x00\x7e" + token_in(told.output)[16:17]


def test_other_bindings(realm):
    client, server = initiator(bindings=b"tls-exporter:a"), acceptor(realm, bindings=b"tls-exporter:b")
    failure = refused(server.step, client.step())
    assert failure.status is Status.SEC_E_BAD_BINDINGS


def test_missing_bindings(realm):
    failure = refused(acceptor(realm, bindings=b"tls-exporter:b").step, initiator().step())
    assert failure.status is Status.SEC_E_BAD_BINDINGS
    allowed = frozenset({ContextFlag.ALLOW_MISSING_BINDINGS})
    shake(initiator(), acceptor(realm, bindings=b"tls-exporter:b", flags=allowed))
    shake(initiator(bindings=b"tls-exporter:a"), acceptor(realm))


def test_proxy_bindings_are_refused_by_name(realm):
    proxied = frozenset({ContextFlag.PROXY_BINDINGS})
    for given in (b"", b"tls-exporter:a"):
        failure = refused(acceptor(realm, bindings=given, flags=proxied).step, initiator(bindings=b"tls-exporter:a").step())
        assert failure.status is Status.SEC_E_UNSUPPORTED_FUNCTION
    world = a_world(policy=KerberosPolicy(bindings=Bindings.ALWAYS))
    shake(initiator(bindings=b"a"), acceptor(realm, bindings=b"a", flags=proxied, world=world))


def test_a_client_that_knows_bindings_and_sends_none(own_realm):
    realm = own_realm(extra=" client_aware_channel_bindings = true")
    allowed = frozenset({ContextFlag.ALLOW_MISSING_BINDINGS})
    failure = refused(acceptor(realm, bindings=b"tls-exporter:b", flags=allowed).step, initiator().step())
    assert failure.status is Status.SEC_E_BAD_BINDINGS


@pytest.mark.parametrize(
    ("rule", "sent", "given", "passes"),
    [
        (Bindings.NEVER, b"a", b"b", True),
        (Bindings.WHEN_SENT, b"", b"b", True),
        (Bindings.WHEN_SENT, b"a", b"b", False),
        (Bindings.ALWAYS, b"a", b"a", True),
        (Bindings.ALWAYS, b"", b"a", False),
        (Bindings.ALWAYS, b"", b"", False),
        (Bindings.ALWAYS, b"a", b"", False),
    ],
)
def test_bindings_by_policy(realm, rule, sent, given, passes):
    server = acceptor(realm, bindings=given, world=a_world(policy=KerberosPolicy(bindings=rule)))
    client = initiator(bindings=sent)
    if passes:
        shake(client, server)
    else:
        assert refused(server.step, client.step()).status is Status.SEC_E_BAD_BINDINGS


def test_policy_that_only_audits_lets_it_pass_and_records_it(realm):
    world = a_world(policy=KerberosPolicy(bindings=Bindings.ALWAYS, require_signing=True, audit_only=True))
    shake(initiator(flags=MUTUAL), acceptor(realm, world=world))
    broken = {question.rule for question in world.asked if type(question).__name__ == "RecordPolicyBreach"}
    assert broken == {"bindings", "signing"}


def test_policy_that_requires_signing(realm):
    strict = KerberosPolicy(require_signing=True)
    failure = refused(initiator(flags=MUTUAL, world=a_world(policy=strict)).step)
    assert failure.status is Status.SEC_E_SECURITY_QOS_FAILED
    failure = refused(acceptor(realm, world=a_world(policy=strict)).step, initiator(flags=MUTUAL).step())
    assert failure.status is Status.SEC_E_SECURITY_QOS_FAILED
    shake(initiator(world=a_world(policy=strict)), acceptor(realm, world=a_world(policy=strict)))


def test_policy_that_refuses_delegation(realm):
    world = a_world(policy=KerberosPolicy(delegate=False))
    failure = refused(initiator(flags=MUTUAL | {ContextFlag.DELEGATE}, world=world).step)
    assert failure.status is Status.SEC_E_DELEGATION_POLICY


def test_an_impostor_cannot_answer(realm):
    client, other = initiator(), initiator(target=mit.CIFS)
    client.step()
    stranger = acceptor(realm, mit.CIFS)
    failure = refused(client.step, stranger.step(other.step()))
    assert failure.status in {Status.SEC_E_LOGON_DENIED, Status.SEC_E_WRONG_PRINCIPAL}


@pytest.mark.parametrize(
    "token",
    [
        b"", b"\x60", b"NTLMSSP\0\1\0\0\0", b"\x60\x82\xff\xff", bytes(100), b"\x6e\x03abc", b"\x6f\x00",
        bytes.fromhex("600d06092a864886f7120102020100"), bytes.fromhex("601006062b0601050502a006a004a1020500"),
    ],
)  # fmt: skip
def test_tokens_that_are_none(realm, token):
    assert refused(acceptor(realm).step, token).status is Status.SEC_E_INVALID_TOKEN
    client = initiator()
    client.step()
    assert refused(client.step, token).status is Status.SEC_E_INVALID_TOKEN


def test_an_initiator_speaks_first(realm):
    assert refused(initiator().step, b"first").status is Status.SEC_E_INVALID_TOKEN


def test_user_to_user_is_refused_by_name(realm):
    framed = bytes.fromhex("600e060a2a864886f71201020203") + b"\4\0"
    framed = bytes([0x60, len(framed)]) + framed[2:] + b"x" * 2
    assert refused(acceptor(realm).step, framed).status is Status.SEC_E_NO_TGT_REPLY


def test_user_to_user_cannot_be_asked_for(realm):
    asked = FULL | {ContextFlag.USE_SESSION_KEY}
    for call, arguments in ((initiator(flags=asked).step, ()), (acceptor(realm, flags=asked).step, (initiator().step(),))):
        failure = refused(call, *arguments)
        assert failure.status is Status.SEC_E_UNSUPPORTED_FUNCTION
        assert "user-to-user" in failure.message


def test_a_target_that_the_kdc_gives_user_to_user_tickets_only(realm):
    realm.administer(f"addprinc -pw {mit.PASSWORD} -allow_svr desktop")
    failure = refused(initiator(target=f"desktop@{mit.NAME}").step)
    assert (failure.status, code(failure)) == (Status.SEC_E_NO_TGT_REPLY, 27)
    assert "user-to-user" in failure.message


def test_a_flipped_bit_of_a_token_never_makes_somebody_else_of_the_client(realm):
    """AP-REQ has a few bits that nothing protects (a name's type, reserved options): those change nothing."""
    accepted, refusals = 0, set()
    for at in range(0, 640, 9):
        token = initiator(flags=NO_FLAGS).step()
        server = acceptor(realm)
        try:
            server.step(token[:at] + bytes([token[at] ^ 1 << at % 8]) + token[at + 1 :])
        except SspiError as failure:
            refusals.add(failure.status)
        else:
            accepted += 1
            assert server.query(ContextAttribute.NATIVE_NAMES).client_name == f"alice@{mit.NAME}"
    assert accepted < 5
    assert Status.SEC_E_INTERNAL_ERROR not in refusals
    assert {Status.SEC_E_INVALID_TOKEN, Status.SEC_E_LOGON_DENIED} <= refusals


def test_a_cut_off_token_is_refused_with_a_status(realm):
    token = initiator(flags=FULL).step()
    server = acceptor(realm)
    for length in range(0, len(token), 11):
        assert refused(server.step, token[:length]).status is Status.SEC_E_INVALID_TOKEN


def test_the_acceptor_tells_one_clock_from_another(realm):
    """The default is five minutes; the service's own clock has no part in it, the library's has."""
    client = initiator(CredentialCache(data=with_clock(realm.cache("alice", mit.HTTP), 60)))
    server = acceptor(realm)
    server.world.now -= timedelta(days=1)
    shake(client, server)
    assert ALICE.password not in repr(client)
