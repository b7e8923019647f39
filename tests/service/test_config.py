from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspid.config import ConfigurationError, Listener, Tls, documented, load

ROOT = Path(__file__).parents[2]
SOMEWHERE = Path("/etc/x")


def written(folder: Path, text: str) -> Path:
    path = folder / "sspid.toml"
    path.write_text(text, "utf-8")
    return path


def test_nothing_has_to_be_configured() -> None:
    settings = load(None)
    assert [each.address for each in settings.listeners] == ["127.0.0.1:50051", "unix:"]
    assert settings.workers == 1


def test_file_and_environment_are_read_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, 'workers = 3\ndrain_seconds = 2.5\n[limits]\nidle_seconds = 60.0\n[log]\nlevel = "debug"\n')
    monkeypatch.setenv("SSPID_WORKERS", "5")
    monkeypatch.setenv("SSPID_LIMITS_CONTEXTS_TOTAL", "77")
    settings = load(path)
    assert (settings.workers, settings.drain_seconds, settings.log.level) == (5, 2.5, "debug")
    assert (settings.limits.idle_seconds, settings.limits.contexts_total) == (60.0, 77)


def test_listeners_and_credentials_are_tables(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        '[[listeners]]\naddress = "0.0.0.0:1"\n[listeners.tls]\ncertificate = "/c"\nkey = "/k"\nclient_ca = "/a"\n'
        '[credentials.web]\ncertificate = "/w"\nkey = "/wk"\ncallers = ["spiffe://x/y"]\n',
    )
    settings = load(path)
    assert settings.listeners == [Listener("0.0.0.0:1", tls=Tls(Path("/c"), Path("/k"), Path("/a")))]
    assert settings.credentials["web"].callers == ["spiffe://x/y"]


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("workers = 0\n", ":1", "workers"),
        ('\nworkers = "many"\n', ":2", "workers"),
        ("wrkers = 2\n", ":1", "no key"),
        ("workers = \n", "", "not TOML"),
        ('[log]\nlevel = "loud"\n', ":2", "none of debug"),
        ("[limits]\nidle_seconds = 0.0\n", ":2", "at least 1"),
        ('[[listeners]]\naddress = "0.0.0.0:9"\nanonymous = true\n', ":2", "has no TLS"),
        ('[[listeners]]\nadress = "127.0.0.1:9"\n', ":2", "adress"),
        ("threads = 1000\n", ":1", "threads"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, place: str, reason: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigurationError) as caught:
        load(path)
    assert f"{path}{place}" in str(caught.value)
    assert reason in str(caught.value)


def test_a_file_that_is_not_there_or_not_text_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load(tmp_path / "missing.toml")
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load(path)


@given(text=st.text(max_size=200))
def test_no_text_ends_in_anything_but_settings_or_a_configuration_error(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.mktemp("config") / "any.toml"
    path.write_text(text, "utf-8", errors="surrogatepass")
    with contextlib.suppress(ConfigurationError):
        load(path)


@pytest.mark.parametrize(
    ("listener", "allowed"),
    [
        (Listener("127.0.0.1:1", anonymous=True), True),
        (Listener("[::1]:1", anonymous=True), True),
        (Listener("localhost:1", anonymous=True), True),
        (Listener("127.0.0.1:1"), False),
        (Listener("10.1.2.3:1", anonymous=True), False),
        (Listener("example.test:1", anonymous=True), False),
        (Listener("10.1.2.3:1", anonymous=True, plaintext_on_network=True), True),
        (Listener("0.0.0.0:1", tls=Tls(SOMEWHERE, SOMEWHERE, SOMEWHERE)), True),
        (Listener("unix:///x"), True),
        (Listener("no port", anonymous=True), False),
    ],
)
def test_only_listeners_that_know_their_callers_may_listen(listener: Listener, *, allowed: bool) -> None:
    assert (listener.problem() == "") is allowed


def test_every_key_is_documented() -> None:
    """`sspid check-config --keys` writes the table of docs/configuration.md."""
    text = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    for name, default, meaning in documented():
        assert meaning, name
        assert f"| `{name}` | {f'`{default}`' if default else ''} | {meaning} |" in text, f"docs/configuration.md lacks {name}"
