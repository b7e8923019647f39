"""Addresses that cannot be had, and why; paths of Unix sockets that are cleared."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from sspid.rpc import binding


def test_a_path_where_nothing_is_gets_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "s.sock"
    binding.clear_path(path)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert not path.exists()


def test_a_stale_socket_is_removed_and_a_living_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    living = socket.socket(socket.AF_UNIX)
    living.bind(os.fspath(path))
    living.listen()
    with pytest.raises(binding.TakenError, match=rf"unix://{path}: another service listens there; stop it, or name another"):
        binding.clear_path(path)
    assert path.exists()
    living.close()
    assert path.exists(), "the kernel leaves it behind"
    binding.clear_path(path)
    assert not path.exists()


def test_a_living_socket_whose_queue_is_full_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    with (
        socket.socket(socket.AF_UNIX) as living,
        socket.socket(socket.AF_UNIX) as first,
        socket.socket(socket.AF_UNIX) as next_,
    ):
        living.bind(os.fspath(path))
        living.listen(0)
        first.connect(os.fspath(path))
        next_.setblocking(False)
        next_.connect_ex(os.fspath(path))
        with pytest.raises(binding.TakenError, match="another service listens there"):
            binding.clear_path(path)


def test_a_file_that_is_no_socket_is_nobodys_to_remove(tmp_path: Path) -> None:
    path = tmp_path / "letters.txt"
    path.write_text("dear", "utf-8")
    with pytest.raises(binding.TakenError, match="a file that is no socket is there"):
        binding.clear_path(path)
    link = tmp_path / "s.sock"
    link.symlink_to(path)
    with pytest.raises(binding.TakenError, match="a file that is no socket is there"):
        binding.clear_path(link)
    assert path.read_text("utf-8") == "dear"


def test_a_path_that_is_too_long_or_leads_through_a_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(binding.TakenError, match=r"has 20[0-9] bytes, and 107 is the most"):
        binding.clear_path(Path("/" + "x" * 199 + "/s"))
    (tmp_path / "file").touch()
    with pytest.raises(binding.TakenError, match="File exists; name a path"):
        binding.clear_path(tmp_path / "file" / "s.sock")


@pytest.mark.parametrize("given", ["unix:///run/s", "unix:/run/s"])
def test_both_ways_to_write_a_path(given: str) -> None:
    assert binding.socket_path(given) == Path("/run/s")


def test_a_port_that_is_taken_names_the_listener_and_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = str(binding.refused(f"127.0.0.1:{port}"))
    assert said.startswith(f"cannot listen on 127.0.0.1:{port}: another program has the port")
    assert f"sport = :{port}" in said
    assert "another port in the configuration's [[listeners]]" in said


@pytest.mark.parametrize(
    ("address", "tls", "said"),
    [
        ("192.0.2.1:1", False, "192.0.2.1:1: Cannot assign requested address; give the listener another address"),
        ("127.0.0.1:0", True, "PEM files, and a key that belongs"),
        ("127.0.0.1:0", False, "gRPC does not say why"),
    ],
)
def test_other_reasons(address: str, said: str, *, tls: bool) -> None:
    assert said in str(binding.refused(address, tls=tls))


def test_a_port_that_takes_rights_is_said() -> None:
    assert "1024 or more" in str(binding.refused("127.0.0.1:80", "Permission denied"))
