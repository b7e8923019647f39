"""Record and buffer handling of Schannel: any bytes into every function that takes some; only an SspiError may come out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sspid.packages.contract import Message
from sspid.vocabulary.buffers import BufferType, SecurityBuffer, token, token_in
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid_testing import tls

if TYPE_CHECKING:
    from collections.abc import Callable

_CLIENT, _SERVER = tls.client(), tls.server()
_PACKED: list[bytes] = []
_DATAGRAM = frozenset({ContextFlag.DATAGRAM})
_DTLS = (tls.client(protocols=("DTLSv1.2",), flags=_DATAGRAM), tls.server(protocols=("DTLSv1.2",), flags=_DATAGRAM))
_PAIR: list[tls.End] = []


def _fresh(end: tls.End) -> tls.End:
    return tls.End(end.world, end.package, end.credential, end.server, flags=end.flags, target=end.target)


def _established(server: bool) -> tls.End:
    if not _PACKED:
        tls.shake(_CLIENT, _SERVER)
        _PACKED.extend(end.world.run(end.package.export_security_context(end.state)) for end in (_CLIENT, _SERVER))
    end = _fresh(_SERVER if server else _CLIENT)
    end.state = end.world.run(end.package.import_security_context(_PACKED[server]))
    return end


def _accept(data: bytes) -> None:
    _fresh(_SERVER).leg(data)


def _accept_second(data: bytes) -> None:
    server = _fresh(_SERVER)
    server.leg(token_in(_fresh(_CLIENT).leg().output))
    server.leg(data)


def _initialize_second(data: bytes) -> None:
    client = _fresh(_CLIENT)
    client.leg()
    client.leg(data)


def _decrypt(data: bytes) -> None:
    end = _established(bool(data[:1] < b"\x80"))
    end.open(data[1:])
    end.leg(data[1:])


def _decrypt_in_place(data: bytes) -> None:
    _established(bool(data[:1] < b"\x80")).open_in_place(data[1:])


def _sealed(data: bytes) -> None:
    """What the peer seals is hostile too: any content type and content in a genuine record."""
    client, server = _established(server=False), _established(server=True)
    content_type = (21, 22, 23)[data[0] % 3] if data else 22
    server.open(client.state.records.seal(content_type, data[1:]))
    server.leg(b"")


def _encrypt(data: bytes) -> None:
    kinds = list(BufferType)
    buffers = tuple(SecurityBuffer(kinds[one % len(kinds)], data[:one], one) for one in data[:6])
    end = _established(server=False)
    end.world.run(end.package.encrypt_message(end.state, Message(buffers, len(data))))


def _control(data: bytes) -> None:
    end = _established(server=True)
    end.state = end.world.run(end.package.apply_control_token(end.state, (token(data),)))
    end.leg(b"")


def _protocols(data: bytes) -> None:
    client = _fresh(_CLIENT)
    client.buffers = (SecurityBuffer(BufferType.APPLICATION_PROTOCOLS, data),)
    client.leg()


def _import(data: bytes) -> None:
    end = _fresh(_CLIENT)
    end.world.run(end.package.import_security_context(data))


def _accept_datagram(data: bytes) -> None:
    server = _fresh(_DTLS[1])
    server.buffers = (SecurityBuffer(BufferType.EXTRA, data[:1]),)
    server.leg(data)


def _datagrams(legs: int) -> tuple[tls.End, tls.End]:
    """Both ends of DTLS, that many legs further."""
    ends = (_fresh(_DTLS[0]), _fresh(_DTLS[1]))
    sent = token_in(ends[0].leg().output)
    for leg in range(legs):
        sent = token_in(ends[1 - leg % 2].leg(sent).output)
    return ends


def _accept_second_datagram(data: bytes) -> None:
    """After the ClientHello with its cookie."""
    _, server = _datagrams(3)
    server.leg(data)
    server.leg(b"")


def _initialize_second_datagram(data: bytes) -> None:
    client, _ = _datagrams(0)
    client.leg(data)
    client.leg(b"")


def _decrypt_datagram(data: bytes) -> None:
    """One pair as long as it lasts: DTLS drops what does not belong."""
    if not _PAIR or _PAIR[1].state.read_closed:
        _PAIR[:] = _datagrams(6)
    _PAIR[1].open(data)


TARGETS: tuple[Callable[[bytes], None], ...] = (
    _accept,
    _accept_second,
    _initialize_second,
    _decrypt,
    _decrypt_in_place,
    _sealed,
    _encrypt,
    _control,
    _protocols,
    _import,
    _accept_datagram,
    _accept_second_datagram,
    _initialize_second_datagram,
    _decrypt_datagram,
)


def one_input(data: bytes) -> None:
    """The first byte chooses the function, the rest goes into it."""
    if not data:
        return
    try:
        TARGETS[data[0] % len(TARGETS)](data[1:])
    except SspiError:
        return


if __name__ == "__main__":
    import sys

    import atheris

    atheris.instrument_all()
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
