"""Policy tables become each package's own policy; what is wrong in one is named."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from pathlib import Path

import pytest

from sspid.broker.world.policy import Policies, PolicyError, documented
from sspid.packages.digest.policy import DigestPolicy
from sspid.packages.ntlm import package
from sspid.packages.ntlm.policy import NtlmPolicy
from sspid.packages.questions import ReadPolicy
from sspid.packages.rules import Bindings
from sspid.vocabulary.credentials import Password
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus
from sspid_testing.ends import End, shake


def read(tables, package_name, caller=""):
    return Policies(tables).read(ReadPolicy(package_name), caller)


def test_where_nothing_is_said_the_package_decides():
    assert read({}, "NTLM") is None
    assert read({"digest": {"realm": "web"}}, "NTLM") is None


def test_each_type_of_a_policy():
    tables = {
        "ntlm": {"enabled": False, "allowed_targets": ["HTTP/Web"], "bindings": "When Sent", "max_lifetime_seconds": 300},
        "Digest": {"algorithms": ["SHA-256"], "nonce_lifetime": 90, "realm": "web", "maxbuf": 4096},
    }
    assert read(tables, "NTLM") == NtlmPolicy(
        enabled=False, allowed_targets=frozenset({"http/web"}), bindings=Bindings.WHEN_SENT, max_lifetime_seconds=300
    )
    assert read(tables, "Digest") == DigestPolicy(
        algorithms=("SHA-256",), nonce_lifetime=timedelta(seconds=90), realm="web", maxbuf=4096
    )


def test_a_callers_keys_go_before_the_packages():
    tables = {
        "ntlm": {"require_mic": True, "accept_v1": False},
        "callers": {"spiffe://corp/web": {"NTLM": {"accept_v1": True}, "digest": {"realm": "web"}}},
    }
    assert read(tables, "NTLM", "spiffe://corp/web") == NtlmPolicy(require_mic=True, accept_v1=True)
    assert read(tables, "NTLM", "spiffe://corp/other") == NtlmPolicy(require_mic=True)
    assert read(tables, "Digest", "spiffe://corp/web") == DigestPolicy(realm="web")
    assert read(tables, "Digest", "") is None


@pytest.mark.parametrize(
    ("tables", "key", "said"),
    [
        ({"ntml": {}}, "ntml", "no package"),
        ({"schannel.ntlm": {}}, "schannel.ntlm", "no package"),
        ({"ntlm": {"require_mik": True}}, "require_mik", "require_mic"),
        ({"ntlm": {"require_mic": 1}}, "require_mic", "true or false"),
        ({"ntlm": {"require_mic": "true"}}, "require_mic", "true or false"),
        ({"ntlm": {"bindings": "sometimes"}}, "bindings", '"when sent"'),
        ({"ntlm": {"allowed_targets": "HTTP/web"}}, "allowed_targets", "list of texts"),
        ({"ntlm": {"allowed_targets": [1]}}, "allowed_targets", "list of texts"),
        ({"ntlm": {"max_lifetime_seconds": True}}, "max_lifetime_seconds", "whole number"),
        ({"digest": {"nonce_lifetime": -1}}, "nonce_lifetime", "seconds"),
        ({"digest": {"nonce_lifetime": "5m"}}, "nonce_lifetime", "seconds"),
        ({"digest": {"maxbuf": 1.5}}, "maxbuf", "whole number"),
        ({"credssp": {"minimum_version": 7}}, "credssp", "between 2 and 6"),
        ({"ntlm": 5}, "ntlm", "table"),
        ({"callers": {"web": 5}}, "web", "table"),
        ({"callers": {"web": {"ntlm": {"x": 1}}}}, "x", "no key"),
    ],
)
def test_what_is_wrong_is_named(tables, key, said):
    with pytest.raises(PolicyError, match=said) as caught:
        Policies(tables)
    assert caught.value.key == key


def test_every_policy_is_documented_and_its_default_is_what_the_type_says():
    rows = {name: (default, text) for name, default, text in documented()}
    assert rows["policy.ntlm.enabled"] == ("true", "true or false")
    assert rows["policy.digest.nonce_lifetime"] == ("300", "seconds")
    assert rows["policy.ntlm.bindings"][0] == "as requested"
    assert {name.split(".")[1] for name in rows} >= {"ntlm", "digest", "negotiate"}


def test_the_page_has_every_key_with_its_default():
    page = (Path(__file__).parents[4] / "docs/policy.md").read_text("utf-8")
    rows = [line.split(" | ")[:3] for line in page.splitlines() if line.startswith("| `policy.")]
    assert sorted(rows) == sorted([f"| `{name}`", f"`{default}`", text] for name, default, text in documented())


def test_the_pages_example_is_good():
    page = (Path(__file__).parents[4] / "docs/policy.md").read_text("utf-8")
    tables = tomllib.loads(page.partition("```toml\n")[2].partition("```")[0])
    policies = Policies(tables["policy"])
    assert policies.read(ReadPolicy("NTLM"), "spiffe://example.test/legacy") == NtlmPolicy(
        require_mic=True, bindings=Bindings.WHEN_SENT, accept_v1=True
    )


@pytest.mark.parametrize(("caller", "refused"), [("spiffe://corp/web", False), ("spiffe://corp/other", True)])
def test_a_package_follows_its_callers_policy(caller, refused):
    policies = Policies({"ntlm": {"enabled": False}, "callers": {"spiffe://corp/web": {"ntlm": {"audit_only": True}}}})
    client = End(package(), Password("alice", "", "pw"), target="HTTP/web")
    client.world.answers[ReadPolicy] = lambda asked: policies.read(asked, caller)
    if refused:
        with pytest.raises(SspiError) as caught:
            client.step()
        assert caught.value.status is SecurityStatus.STATUS_NOT_SUPPORTED
    else:
        server = End(package(), accepts=True)
        with pytest.raises(SspiError, match="refused"):
            shake(client, server)
