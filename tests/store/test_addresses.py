"""Where a store reads is decided by who opens it, neither by a key nor by what a server answers."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from pipeline.store import Store, StoreError

x509 = pytest.importorskip("cryptography.x509")


@pytest.mark.parametrize("url", ["memory://", "file://{}/store", "s3://bucket/prefix"])
@pytest.mark.parametrize("key", ["../secret", "a/../../secret", "..", "/../secret", "a/.."])
def test_a_key_does_not_leave_its_store(url: str, key: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("canary")
    store = Store.open(url.format(tmp_path))
    for use in (store.read, store.version, store.delete, store.list, store.child, store.zarr):
        with pytest.raises(StoreError, match="expected a key inside"):
            use(key)
    with pytest.raises(StoreError, match="expected a key inside"):
        store.write(key, b"")
    assert (tmp_path / "secret").read_text() == "canary"


@pytest.mark.parametrize("number", ["169.254.169.254", "fd00:ec2::254", "fe80::1%eth0", "::ffff:169.254.170.2"])
@pytest.mark.parametrize("url", ["https://feed.example/folder", "http://feed.example:8080/folder", "s3://bucket"])
def test_a_name_does_not_lead_to_a_cloud_s_secrets(url: str, number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(0, 0, 0, "", (found, 443)) for found in ("192.0.2.1", number)]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: answers)
    endpoint = "http://feed.example" if url.startswith("s3") else None
    with pytest.raises(StoreError, match="where a cloud tells its secrets"):
        Store.open(url, endpoint=endpoint, anonymous=True)
    del answers[1]
    Store.open(url, endpoint=endpoint, anonymous=True)


def certificate(folder: Path) -> Path:
    """A key and a certificate of 127.0.0.1, signed by itself, in one file."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now, local = datetime.now(), x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(local, critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "server.pem"
    path.write_bytes(secret + signed.public_bytes(serialization.Encoding.PEM))
    return path


class _Redirects(BaseHTTPRequestHandler):
    """Answers that everything is at the server's `target`."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.send_response(302)
        self.send_header("Location", self.server.target)  # type: ignore[attr-defined]
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@contextmanager
def redirecting(target: str, pem: Path | None = None) -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Redirects)
    server.asked, server.target = [], target  # type: ignore[attr-defined]
    if pem:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_feed_cannot_send_its_readers_to_a_server_without_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Feeds are https and a cloud's metadata are http."""
    pem = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with redirecting("http://127.0.0.1/") as inner:
        secrets = f"http://127.0.0.1:{inner.server_port}/latest/meta-data"
        with redirecting(secrets, pem) as feed:
            with pytest.raises(StoreError, match="redirect"):
                Store.open(f"https://127.0.0.1:{feed.server_port}/folder").read("file")
            assert feed.asked == ["/folder/file"]  # type: ignore[attr-defined]
        assert inner.asked == []  # type: ignore[attr-defined]
