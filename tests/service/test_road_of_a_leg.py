"""The map in service/README.md cannot rot: a real leg is traced through the running service."""

from __future__ import annotations

import re
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest

import sspid
from sspid import logs
from sspid.app import Service
from sspid.config import Listener, Log, Settings
from sspid_testing.wire import INITIALIZE, Wire, status

if TYPE_CHECKING:
    from types import FrameType

ROOT = Path(sspid.__file__).parent
README = ROOT.parent.parent / "README.md"


def documented() -> list[str]:
    return re.findall(r"^\| \d+ \| `([\w/]+\.py)` \|", README.read_text("utf-8"), re.MULTILINE)


def test_a_leg_meets_the_modules_in_the_documented_order(tmp_path: Path) -> None:
    met: list[str] = []
    under_way = threading.Event()

    def trace(frame: FrameType, event: str, _argument: Any) -> None:
        # Beside the road a package is asked whether the call may wait, before any leg is run.
        if under_way.is_set() and event == "call" and frame.f_code.co_name != "may_wait":
            path = Path(frame.f_code.co_filename)
            if path.is_relative_to(ROOT):
                name = str(path.relative_to(ROOT))
                if name not in met:
                    met.append(name)

    settings = Settings(data_dir=tmp_path, listeners=[Listener("127.0.0.1:0", anonymous=True)], log=Log("error"))
    service = Service(settings, logs.configure(settings.log))
    target = service.listen()[0]
    # Threads that exist already are not traced.
    threading.setprofile(trace)
    service.start()
    try:
        with grpc.insecure_channel(target) as channel:
            wire = Wire(channel)
            credential = wire.client_credential()
            request = INITIALIZE(credential=credential, target_name="localhost")
            under_way.set()
            assert status(wire.contexts.InitializeSecurityContext(request)) == "SEC_I_CONTINUE_NEEDED"
            under_way.clear()
    finally:
        threading.setprofile(None)
        sys.setprofile(None)
        service.stop()
    road = documented()
    assert len(road) > 8
    assert [name for name in met if name in road] == road


def test_every_folder_has_its_sentence() -> None:
    text = README.read_text("utf-8")
    for folder in sorted(
        each.relative_to(ROOT) for each in ROOT.rglob("*") if each.is_dir() and (each / "__init__.py").exists()
    ):
        if folder.parts[0] == "packages" and len(folder.parts) > 1:
            continue
        assert f"`{folder}/`" in text or f"`{folder.name}/`" in text or f"`{folder.parts[0]}/`" in text, folder


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_opens_with_a_sentence_and_stays_below_600_lines(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.lstrip("r").startswith('"""'), "a module says what it is"
    assert text.count("\n") < 600
