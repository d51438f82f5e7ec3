"""Downloads, from a server on this machine that serves files well or badly."""

from __future__ import annotations

import hashlib
import http.server
import socket
import threading
import time

import pytest

from tinygrad_edu.vision.datasets import download
from tinygrad_edu.vision.datasets.download import DownloadError, download_file

CONTENT = bytes(range(256)) * 1000  # several chunks
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


class MirrorHandler(http.server.BaseHTTPRequestHandler):
    """The folder of an address says how the file is served: /good/file.gz, /cut/file.gz, ..."""

    def do_GET(self):
        self.server.requests.append(self.path)
        behaviour = self.path.split("/")[1]
        if behaviour == "missing":
            self.send_error(404)
            return
        if behaviour == "silent":
            self.server.stop_waiting.wait(10)
            return
        if behaviour == "babble":
            self.wfile.write(b"this is not HTTP\r\n\r\n")
            return
        body = CONTENT
        if behaviour == "corrupt":
            body = CONTENT[:500] + b"!" + CONTENT[501:]
        self.send_response(200)
        if behaviour not in ("unannounced", "unannounced-cut"):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:100_000] if behaviour.endswith("cut") else body)

    def log_message(self, format, *args):
        pass


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), MirrorHandler)
    server.requests = []
    server.stop_waiting = threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.stop_waiting.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def closed_port():
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_good_download(server, tmp_path):
    path = download_file("file.gz", [f"{server.url}/good/"], tmp_path / "a" / "b", MD5)
    assert path == tmp_path / "a" / "b" / "file.gz"
    assert path.read_bytes() == CONTENT
    assert list(path.parent.iterdir()) == [path]
    assert server.requests == ["/good/file.gz"]


@pytest.mark.parametrize("mirror", ["good", "good/"])
def test_mirror_with_and_without_slash(server, tmp_path, mirror):
    assert download_file("file.gz", [f"{server.url}/{mirror}"], tmp_path, MD5).read_bytes() == CONTENT


def test_length_not_announced(server, tmp_path):
    assert download_file("file.gz", [f"{server.url}/unannounced"], tmp_path, MD5).read_bytes() == CONTENT


FAILURES = {
    "missing": "HTTP 404 Not Found",
    "corrupt": f"expected MD5 {MD5}, got [0-9a-f]{{32}}: not the right file, or damaged",
    "cut": "expected 256000 bytes, got 100000: the connection was cut",
    "unannounced-cut": f"expected MD5 {MD5}, got",
    "silent": "no answer for 0.2 s",
    "babble": "BadStatusLine: this is not HTTP",
}


@pytest.mark.parametrize(("behaviour", "reason"), FAILURES.items(), ids=FAILURES)
def test_bad_mirror_leaves_nothing_behind(server, tmp_path, behaviour, reason):
    with pytest.raises(DownloadError, match=reason) as info:
        download_file("file.gz", [f"{server.url}/{behaviour}"], tmp_path, MD5, timeout=0.2)
    message = str(info.value)
    assert message.startswith("Error downloading file.gz. Tried:")
    assert f"{server.url}/{behaviour}/file.gz" in message
    assert f"put it at {tmp_path / 'file.gz'}" in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("behaviour", FAILURES)
def test_next_mirror_is_tried(server, tmp_path, behaviour):
    mirrors = [f"{server.url}/{behaviour}", f"{server.url}/good"]
    assert download_file("file.gz", mirrors, tmp_path, MD5, timeout=0.2).read_bytes() == CONTENT
    assert server.requests == [f"/{behaviour}/file.gz", "/good/file.gz"]
    assert [path.name for path in tmp_path.iterdir()] == ["file.gz"]


def test_no_further_mirror_is_asked_after_a_good_one(server, tmp_path):
    download_file("file.gz", [f"{server.url}/good", f"{server.url}/missing"], tmp_path, MD5)
    assert server.requests == ["/good/file.gz"]


def test_no_network(tmp_path, closed_port):
    mirrors = [f"http://127.0.0.1:{closed_port}/one", "no-scheme/two"]
    with pytest.raises(DownloadError, match=r"(?s)/one/file\.gz: ConnectionRefusedError.*unknown url type"):
        download_file("file.gz", mirrors, tmp_path, MD5)


def test_download_error_is_a_runtime_error(tmp_path):
    """As what torchvision raises."""
    with pytest.raises(RuntimeError, match=r"Error downloading file\.gz"):
        download_file("file.gz", [], tmp_path)


def test_existing_file_survives_a_failed_download(server, tmp_path):
    (tmp_path / "file.gz").write_bytes(b"old")
    with pytest.raises(DownloadError):
        download_file("file.gz", [f"{server.url}/cut"], tmp_path, MD5)
    assert (tmp_path / "file.gz").read_bytes() == b"old"


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_interruption_leaves_no_half_file(server, tmp_path, monkeypatch, error):
    """Ctrl-C, or a full disk, in the middle: not the next mirror, but the error itself."""

    def chunks_then_error(url, label, timeout):
        yield CONTENT[:1000]
        assert len(list(tmp_path.iterdir())) == 1  # the temporary file is there
        assert not (tmp_path / "file.gz").exists()
        raise error

    monkeypatch.setattr(download, "_chunks_of", chunks_then_error)
    with pytest.raises(error):
        download_file("file.gz", [f"{server.url}/good", f"{server.url}/good"], tmp_path, MD5)
    assert list(tmp_path.iterdir()) == []


def test_interrupt_during_a_real_transfer(server, tmp_path, monkeypatch):
    class InterruptedChecksum:
        def update(self, chunk):
            raise KeyboardInterrupt

    monkeypatch.setattr(download.hashlib, "md5", lambda **_: InterruptedChecksum())
    with pytest.raises(KeyboardInterrupt):
        download_file("file.gz", [f"{server.url}/good"], tmp_path, MD5)
    assert list(tmp_path.iterdir()) == []


def test_two_downloads_at_once(server, tmp_path):
    threads = [
        threading.Thread(target=download_file, args=("file.gz", [f"{server.url}/good"], tmp_path, MD5))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "file.gz").read_bytes() == CONTENT
    assert len(list(tmp_path.iterdir())) == 1


def test_timeout_is_short(server, tmp_path):
    start = time.perf_counter()
    with pytest.raises(DownloadError):
        download_file("file.gz", [f"{server.url}/silent"], tmp_path, MD5, timeout=0.1)
    assert time.perf_counter() - start < 5
