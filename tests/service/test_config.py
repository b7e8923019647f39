from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspid.config import ConfigurationError, Listener, Tls, documented, load, require_files

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
        ("workers = 2.5\n", ":1", "must be a whole number"),
        ("workers = true\n", ":1", "must be a whole number"),
        ('log = "debug"\n', ":1", "must be a table, [log]"),
        ("listeners = 3\n", ":1", "[[listeners]]"),
        ("listeners = []\n", ":1", "nobody could call"),
        ('data_dir = ""\n', ":1", "is empty"),
        ("[limits]\nidle_seconds = nan\n", ":2", "at most"),
        ("[limits]\ncontexts_total = 99999999999999\n", ":2", "at most"),
        ("drain_seconds = -1.0\n", ":1", "not between"),
        ('metrics_address = "here"\n', ":1", "is no address"),
        ('metrics_address = "127.0.0.1:99999"\n', ":1", "is no address"),
        ("[winbind]\ndeadline_seconds = 5.0\n[limits]\ndeadline_seconds = 1.0\n", ":4", "no key"),
        ('[[listeners]]\naddress = "127.0.0.1:99999"\nanonymous = true\n', ":2", "is no address"),
        ('[[listeners]]\naddress = "unix:relative"\n', ":2", "no absolute path"),
        ('[[listeners]]\naddress = "unix:"\ntls = { certificate = "c", key = "k", client_ca = "a" }\n', ":2", "takes no TLS"),
        ('[[listeners]]\naddress = "unix:"\n[[listeners]]\naddress = "unix:"\n', ":2", "listed twice"),
        ("a = " + "[" * 5000, "", "not TOML"),
        ("a = " + "9" * 5000, "", "not TOML"),
        ("#" * (2 << 20), "", "larger than"),
        ('a = "\0"\n', "", "not TOML"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, place: str, reason: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigurationError) as caught:
        load(path)
    assert f"{path}{place}" in str(caught.value)
    assert reason in str(caught.value)


def test_files_that_serving_reads_are_looked_for(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        '[[listeners]]\naddress = "127.0.0.1:0"\n[listeners.tls]\ncertificate = "/missing/c"\nkey = "/missing/k"\n'
        'client_ca = "/missing/a"\n[credentials.web]\npkcs12 = "/missing/w"\n',
    )
    settings = load(path)
    with pytest.raises(ConfigurationError) as caught:
        require_files(settings, path)
    assert [f"{path}:{line}" in str(caught.value) for line in (4, 5, 6, 8)] == [True, True, True, False]
    trusting = written(tmp_path, '[credentials.web]\npkcs12 = "/missing/w"\n')
    require_files(load(trusting), trusting)
    with pytest.raises(ConfigurationError, match=r":2: credentials.web.pkcs12: /missing/w cannot be read"):
        require_files(load(trusting), trusting, credentials=True)


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
