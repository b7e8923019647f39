"""Against nginx as the server of our initiator and curl as the client of our acceptor."""

import pytest

from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import peers, tls, tls_wire
from sspid_testing.ports import free_port

pytestmark = [pytest.mark.schannel, pytest.mark.interop]

both = pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
REQUEST = f"GET / HTTP/1.1\r\nHost: {tls.HOST}\r\nConnection: close\r\n\r\n".encode()

NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 16; }}
http {{
  access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port} ssl; server_name {host};
    ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key; ssl_protocols {version};
    {more}
    location / {{ return 200 "reused=$ssl_session_reused client=$ssl_client_verify\\n"; }}
    location /big {{ root {folder}; }}
  }}
}}
"""


@pytest.fixture
def files(tmp_path):
    (tmp_path / "roots.pem").write_bytes(tls.roots())
    tls_wire.written(tmp_path, "server", tls.issued())
    tls_wire.written(tmp_path, "alice", tls.issued("alice@example.test"))
    (tmp_path / "big").mkdir()
    (tmp_path / "big" / "file").write_bytes(bytes(range(256)) * 16384)
    tmp_path.chmod(0o755)
    return tmp_path


def nginx(files, version, more=""):
    port = free_port()
    text = NGINX.format(folder=files, port=port, host=tls.HOST, version=version, more=more)
    (files / "nginx.conf").write_text(text)
    return port, tls_wire.running([peers.require("nginx"), "-p", files, "-c", files / "nginx.conf", "-g", "user root;"])


def fetch(end, port, request=REQUEST):
    with tls_wire.connect(end, port) as wire:
        wire.handshake()
        wire.send(request)
        answer = wire.receive(1 << 30)
        assert wire.met[-1] == "close_notify"
        return answer


@both
def test_our_initiator_fetches_and_resumes_at_nginx(files, version):
    port, peer = nginx(files, version, "ssl_session_cache shared:x:1m;")
    first = tls.client(protocols=(version,))
    with peer:
        answers = [fetch(tls.End(first.world, first.package, first.credential, False, target=tls.HOST), port) for _ in range(2)]
    assert b"reused=. " in answers[0]
    assert b"reused=r " in answers[1]


@both
def test_megabytes_from_nginx(files, version):
    port, peer = nginx(files, version)
    with peer:
        answer = fetch(tls.client(protocols=(version,)), port, REQUEST.replace(b"GET / ", b"GET /big/file "))
    assert answer.endswith(bytes(range(256)) * 16384)


@both
def test_our_certificate_at_nginx(files, version):
    port, peer = nginx(files, version, f"ssl_verify_client on; ssl_client_certificate {files}/roots.pem;")
    with peer:
        end = tls.client(None, tls.issued("alice@example.test"), protocols=(version,))
        assert b"client=SUCCESS" in fetch(end, port)


def test_alpn_at_nginx(files):
    port, peer = nginx(files, "TLSv1.3")
    with peer, tls_wire.connect(tls.client(buffers=tls.alpn(b"h3", b"http/1.1")), port) as wire:
        wire.handshake()
        assert wire.end.query(ContextAttribute.APPLICATION_PROTOCOL).protocol_id == b"http/1.1"


def curl(files, version, port, *options):
    command = [peers.require("curl"), "--silent", "--show-error", "--noproxy", "*", "--cacert", files / "roots.pem"]
    exact = version.removeprefix("TLSv")
    command += [f"--tlsv{exact}", "--tls-max", exact, "--connect-to", f"{tls.HOST}:443:127.0.0.1:{port}", *options]
    return tls_wire.running([*command, f"https://{tls.HOST}/"])


def serve_one(wire):
    wire.handshake()
    request = b""
    while b"\r\n\r\n" not in request:
        request += wire.receive_some()
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsspid\n")
    wire.say_goodbye()
    return request


@both
def test_our_acceptor_serves_curl(files, version):
    with tls_wire.listening() as listener:
        end = tls.server(protocols=(version,), buffers=tls.alpn(b"http/1.1"))
        with curl(files, version, listener.getsockname()[1]) as process, tls_wire.accept(end, listener) as wire:
            assert serve_one(wire).startswith(b"GET / HTTP/1.1")
            assert process.stdout.read() == b"sspid\n"
            assert process.wait(10) == 0


@both
def test_our_acceptor_takes_curls_certificate(files, version):
    options = ("--cert", files / "alice.pem", "--key", files / "alice.key")
    with tls_wire.listening() as listener:
        end = tls.server(protocols=(version,), flags=tls.REQUESTED)
        with curl(files, version, listener.getsockname()[1], *options) as process, tls_wire.accept(end, listener) as wire:
            serve_one(wire)
            assert end.query(ContextAttribute.REMOTE_CERT_CONTEXT).der
            assert process.wait(10) == 0


@both
def test_curl_refuses_a_stranger_and_we_say_which_alert(files, version):
    with tls_wire.listening() as listener:
        end = tls.server(None, tls.issued(by="stranger"), protocols=(version,))
        with curl(files, version, listener.getsockname()[1]) as process, tls_wire.accept(end, listener) as wire:
            with pytest.raises(SspiError) as caught:
                wire.handshake_and_receive()
            assert caught.value.status is SecurityStatus.SEC_E_UNTRUSTED_ROOT
            assert process.wait(10) == 60


@both
def test_curl_resumes_at_our_acceptor(files, version):
    first = tls.server(protocols=(version,))
    resumed = []
    with (
        tls_wire.listening() as listener,
        curl(files, version, listener.getsockname()[1], f"https://{tls.HOST}/first") as process,
    ):
        for _ in range(2):
            end = tls.End(first.world, first.package, first.credential, True, flags=first.flags)
            with tls_wire.accept(end, listener) as wire:
                serve_one(wire)
                resumed.append(end.query(ContextAttribute.SESSION_INFO).reconnected)
        assert process.wait(10) == 0
    assert resumed == [False, True]
