"""Remote shells as WS-Management has them ([MS-WSMV] 3.1.4): five actions over a few made-up commands; no HTTP, no logon."""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
NAMES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "x": TRANSFER,
    "rsp": SHELL,
}
_XMLNS = " ".join(f'xmlns:{prefix}="{name}"' for prefix, name in NAMES.items())
TIMED_OUT = 2150858793
INVALID_SELECTORS = 2150858843
_PIECE = 20000


class _Fault(Exception):  # noqa: N818  # SOAP's word
    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass
class _Command:
    stdout: bytes
    stderr: bytes
    code: int
    waits: int = 0


@dataclass
class Shells:
    """An application for winrm.served. `open` holds the shells that nobody deleted, `actions` what was asked, in order."""

    open: dict[str, dict[str, _Command]] = field(default_factory=dict)
    actions: list[str] = field(default_factory=list)

    def __call__(self, body: bytes) -> tuple[int, bytes]:
        """Answer one envelope: HTTP status and envelope."""
        asked = ET.fromstring(body)  # noqa: S314  # from this test's own clients
        action = _text(asked, "s:Header/a:Action")
        self.actions.append(action.rpartition("/")[2])
        assert _text(asked, "s:Header/w:ResourceURI") == f"{SHELL}/cmd"
        assert int(_text(asked, "s:Header/w:MaxEnvelopeSize")) > 0
        try:
            answer = self._answer(action, asked)
        except _Fault as fault:
            return 500, _envelope(asked, "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault", _fault(fault))
        return 200, _envelope(asked, f"{action}Response", answer)

    def _answer(self, action: str, asked: ET.Element) -> str:
        if action == f"{TRANSFER}/Create":
            return self._create()
        shell = self._shell(asked)
        if action == f"{TRANSFER}/Delete":
            del self.open[shell]
            return ""
        kind = action.removeprefix(f"{SHELL}/")
        return {"Command": self._command, "Receive": self._receive, "Signal": self._signal}[kind](self.open[shell], asked)

    def _create(self) -> str:
        shell = str(uuid.uuid4()).upper()
        self.open[shell] = {}
        selectors = f'<w:SelectorSet><w:Selector Name="ShellId">{shell}</w:Selector></w:SelectorSet>'
        reference = f"<a:ReferenceParameters><w:ResourceURI>{SHELL}/cmd</w:ResourceURI>{selectors}</a:ReferenceParameters>"
        created = f"<x:ResourceCreated><a:Address>http://localhost/wsman</a:Address>{reference}</x:ResourceCreated>"
        return f"{created}<rsp:Shell><rsp:ShellId>{shell}</rsp:ShellId><rsp:Owner>alice</rsp:Owner></rsp:Shell>"

    def _shell(self, asked: ET.Element) -> str:
        shell = _text(asked, "s:Header/w:SelectorSet/w:Selector[@Name='ShellId']")
        if shell not in self.open:
            raise _Fault(INVALID_SELECTORS, "The request contains invalid selectors for the resource.")
        return shell

    def _command(self, commands: dict[str, _Command], asked: ET.Element) -> str:
        line = "s:Body/rsp:CommandLine"
        made = str(uuid.uuid4()).upper()
        given = [each.text or "" for each in asked.findall(f"{line}/rsp:Arguments", NAMES)]
        commands[made] = _run(_text(asked, f"{line}/rsp:Command"), given)
        return f"<rsp:CommandResponse><rsp:CommandId>{made}</rsp:CommandId></rsp:CommandResponse>"

    def _receive(self, commands: dict[str, _Command], asked: ET.Element) -> str:
        wanted = asked.find("s:Body/rsp:Receive/rsp:DesiredStream", NAMES)
        assert wanted is not None
        made = wanted.attrib["CommandId"]
        command = commands[made]
        if command.waits:
            command.waits -= 1
            raise _Fault(TIMED_OUT, "The WS-Management service cannot complete the operation within the time specified.")
        out, command.stdout = command.stdout[:_PIECE], command.stdout[_PIECE:]
        streams = _stream("stdout", made, out)
        if command.stdout:
            return f"<rsp:ReceiveResponse>{streams}{_state(made, 'Running')}</rsp:ReceiveResponse>"
        streams += _stream("stderr", made, command.stderr) + f'<rsp:Stream Name="stdout" CommandId="{made}" End="true"/>'
        done = _state(made, "Done", f"<rsp:ExitCode>{command.code}</rsp:ExitCode>")
        return f"<rsp:ReceiveResponse>{streams}{done}</rsp:ReceiveResponse>"

    def _signal(self, commands: dict[str, _Command], asked: ET.Element) -> str:
        signal = asked.find("s:Body/rsp:Signal", NAMES)
        assert signal is not None
        assert _text(asked, "s:Body/rsp:Signal/rsp:Code").lower() == f"{SHELL}/signal/terminate".lower()
        del commands[signal.attrib["CommandId"]]
        return "<rsp:SignalResponse/>"


def _run(name: str, arguments: list[str]) -> _Command:
    if name == "echo":
        return _Command((" ".join(arguments) + "\r\n").encode(), b"", 0)
    if name == "long":
        return _Command(b"x" * int(arguments[0]), b"", 0)
    if name == "slow":
        return _Command(b"late\r\n", b"", 0, waits=2)
    return _Command(b"", f"'{name}' is not recognized as an internal or external command\r\n".encode(), 9009)


def _text(asked: ET.Element, path: str) -> str:
    found = asked.find(path, NAMES)
    assert found is not None, path
    return (found.text or "").strip()


def _stream(name: str, command: str, data: bytes) -> str:
    coded = base64.b64encode(data).decode()
    return f'<rsp:Stream Name="{name}" CommandId="{command}">{coded}</rsp:Stream>' if data else ""


def _state(command: str, state: str, more: str = "") -> str:
    return f'<rsp:CommandState CommandId="{command}" State="{SHELL}/CommandState/{state}">{more}</rsp:CommandState>'


def _fault(fault: _Fault) -> str:
    text = escape(str(fault))
    detail = (
        f'<f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault" Code="{fault.code}" Machine="localhost">'
        f"<f:Message>{text}</f:Message></f:WSManFault>"
    )
    return (
        "<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>w:TimedOut</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en-US">{text}</s:Text></s:Reason><s:Detail>{detail}</s:Detail></s:Fault>'
    )


def _envelope(asked: ET.Element, action: str, body: str) -> bytes:
    header = (
        f"<a:Action>{action}</a:Action><a:MessageID>uuid:{uuid.uuid4()}</a:MessageID>"
        f"<a:RelatesTo>{_text(asked, 's:Header/a:MessageID')}</a:RelatesTo>"
    )
    return f"<s:Envelope {_XMLNS}><s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>".encode()
