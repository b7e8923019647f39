"""curl --digest against our Digest with the embedded account authority, its lock-out, its sealing keys and its nonce counts."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

from sspid.broker.world.accounts.directory import Directory
from sspid.broker.world.accounts.lockout import Lockout
from sspid.broker.world.accounts.opening import Opening, Whereabouts
from sspid.broker.world.accounts.records import AccountRecord
from sspid.broker.world.logons import Logons
from sspid.broker.world.nonces import NonceFile
from sspid.broker.world.sealing import SealingKeys
from sspid.packages import questions
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import peers
from sspid_testing.digest import REALM, digest
from sspid_testing.http_digest import serving

pytestmark = [pytest.mark.digest, pytest.mark.interop]
CONTINUE, OK = SecurityStatus.SEC_I_CONTINUE_NEEDED, SecurityStatus.SEC_E_OK
DENIED = SecurityStatus.SEC_E_LOGON_DENIED
LOG = structlog.get_logger()


class Authority:
    """The answers a service gives to Digest, over one folder."""

    def __init__(self, folder):
        self.opening = Opening(Whereabouts(folder))
        self.store = self.opening.store()
        self.directory = Directory(self.opening.store, questions.Machine("WEB"), LOG, cache_seconds=0.0)
        self.logons = Logons(LOG, self.directory, Lockout(failures=3))
        self.nonces = NonceFile(folder / "nonces.sqlite")
        self.answers: dict[type, Any] = {
            questions.ReadClock: lambda _: datetime.now(UTC),
            questions.LookUpDigestSecret: lambda asked: self.directory.look_up_digest(asked, "web"),
            questions.RecordLogon: lambda asked: self.logons.record(asked, "web"),
            questions.CountNonceUse: lambda asked: self.nonces.count(asked, "web"),
            questions.SealingKey: lambda asked: SealingKeys(lambda: bytes(32)).find(asked, "web"),
        }

    def side(self, **policy):
        side = digest(**policy)
        side.world.answers |= self.answers
        return side


@pytest.fixture
def authority(tmp_path):
    made = Authority(tmp_path)
    made.store.add(AccountRecord("alice", "CORP", "alice@corp.test").with_password("Passw0rd", (REALM,)))
    yield made
    made.nonces.close()
    made.opening.close()


def curl(url, user, password="Passw0rd"):
    command = [peers.require("curl"), "--silent", "--digest", "--user", f"{user}:{password}", "--output", "/dev/null"]
    command += ["--write-out", "%{http_code}", "--max-time", "20", url]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
@pytest.mark.parametrize("user", ["alice", r"CORP\alice", "alice@corp.test"])
def test_each_name_of_an_account_logs_on(authority, algorithm, user):
    with serving(authority.side(algorithms=(algorithm,))) as server:
        assert curl(server.url, user) == "200"
        assert server.statuses == [CONTINUE, OK]


def test_wrong_passwords_lock_out(authority):
    with serving(authority.side()) as server:
        for _ in range(3):
            assert curl(server.url, "alice", "wrong") == "401"
            authority.logons.flush()
        assert curl(server.url, "alice") == "401"
        authority.store.clear_failures(authority.store.find("alice", "CORP").id)
        assert curl(server.url, "alice") == "200"
        assert server.statuses == [CONTINUE, DENIED] * 4 + [CONTINUE, OK]


def test_a_disabled_account_is_denied(authority):
    authority.store.set_disabled(authority.store.find("alice", "CORP"), disabled=True)
    with serving(authority.side()) as server:
        assert curl(server.url, "alice") == "401"
        assert server.statuses[-1] is DENIED


def test_another_worker_knows_the_use_of_a_nonce(authority, tmp_path):
    """What curl's request counted with one worker, counts with one that was started later on the same folder."""
    side = authority.side()
    with serving(side) as server:
        assert curl(server.url, "alice") == "200"
    used = [asked for asked in side.world.asked if isinstance(asked, questions.CountNonceUse)]
    other = Authority(tmp_path)
    assert [other.nonces.count(asked, "web") for asked in used] == [False]
    assert other.nonces.count(used[0], "another caller")
    other.nonces.close()
    other.opening.close()
