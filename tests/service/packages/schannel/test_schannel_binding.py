"""The binding under the folder `openssl` is no public API of cryptography; a new version must still have what is used."""

import re
from pathlib import Path

import pytest

from sspid.packages.schannel import openssl

pytestmark = pytest.mark.schannel

FOLDER = Path(openssl.__file__).parent
SOURCE = "".join(path.read_text("utf-8") for path in FOLDER.glob("*.py"))
USED = sorted(set(re.findall(r"\blib\.(\w+)", SOURCE)))


@pytest.mark.parametrize("name", USED)
def test_the_binding_has(name):
    assert hasattr(openssl.lib, name)


def test_no_other_module_imports_openssl():
    knowing = [path for path in FOLDER.parent.rglob("*.py") if re.search(r"OpenSSL|bindings\.openssl", imports(path))]
    assert knowing == [FOLDER / "binding.py"]


def imports(path):
    return "\n".join(line for line in path.read_text("utf-8").splitlines() if line.lstrip().startswith(("import", "from")))


def test_openssl_takes_from_its_input_what_the_handshake_wants_and_no_more():
    from sspid.vocabulary.buffers import token_in
    from sspid_testing import tls

    client, server = tls.client(), tls.server()
    flight = token_in(server.leg(token_in(client.leg().output)).output)
    step = client.leg(flight + b"\x17\x03\x03\x00\x01x")
    assert tls.left_over(step) == 6
