"""The tables [accounts], [machine], [winbind] and [policy] of the configuration, and what is said where they are wrong."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sspid.config import ConfigurationError, documented, load

GOOD = """
[accounts]
url = "postgresql://u@h/d"
digest_realms = ["web"]
[accounts.lockout]
failures = 0
[machine]
computer = "WEB"
[winbind]
enabled = true
helpers = 2
[policy.ntlm]
require_mic = true
[policy.callers."spiffe://corp/web".ntlm]
audit_only = true
"""


@pytest.fixture
def read(tmp_path):
    def reading(text):
        path = tmp_path / "sspid.toml"
        path.write_text(text, "utf-8")
        return load(path)

    return reading


def test_every_table(read):
    settings = read(GOOD)
    assert (settings.accounts.url, settings.accounts.lockout.failures) == ("postgresql://u@h/d", 0)
    assert settings.accounts.digest_realms == ["web"]
    assert (settings.machine.computer, settings.winbind.enabled, settings.winbind.helpers) == ("WEB", True, 2)
    assert settings.policy["callers"]["spiffe://corp/web"] == {"ntlm": {"audit_only": True}}


def test_defaults(read):
    settings = read("")
    assert (settings.accounts.url, settings.accounts.digest_realms, settings.winbind.enabled) == ("", ["sspid"], False)
    assert settings.policy == {}


def test_the_environment_goes_first(read, monkeypatch):
    monkeypatch.setenv("SSPID_ACCOUNTS_URL", "mysql://h/d")
    monkeypatch.setenv("SSPID_ACCOUNTS_LOCKOUT_FAILURES", "4")
    monkeypatch.setenv("SSPID_WINBIND_ENABLED", "false")
    settings = read(GOOD)
    assert (settings.accounts.url, settings.accounts.lockout.failures, settings.winbind.enabled) == ("mysql://h/d", 4, False)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("[policy.ntlm]\nrequire_mik = true\n", 2, "no key"),
        ("[policy.ntlm]\n\nbindings = 'sometimes'\n", 3, "when sent"),
        ("[policy.nothing]\nx = 1\n", 1, "no package"),
        ("[accounts.lockout]\nfailures = -1\n", 2, "at least 0"),
        ("[accounts]\ndeadline_seconds = 0\n", 2, "between"),
        ("[winbind]\nhelpers = 0\n", 2, "between"),
        ("[winbind]\nhelper = 1\n", 2, "no key of sspid"),
    ],
)
def test_what_is_wrong_has_its_line(read, text, line, said):
    with pytest.raises(ConfigurationError, match=said) as caught:
        read(text)
    assert f"sspid.toml:{line}" in str(caught.value)


def test_every_key_is_documented():
    names = {name for name, _, _ in documented()}
    assert {"accounts.url", "accounts.lockout.failures", "machine.computer", "winbind.helpers", "policy"} <= names


def test_a_service_that_judges_nobody_loads_no_database():
    loads = "import sys, sspid.app, sspid.cli; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loads], check=False).returncode == 0
