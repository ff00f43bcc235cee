"""Fetching from a real https remote: git's own http-backend behind TLS on loopback, with a CA made for the test."""

from __future__ import annotations

import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from engine import sync
from engine.errors import SyncError
from engine.model import Repository
from engine.settings import Settings

TEXT = "version: 1\naccount: acme\n"


def _git(*arguments: str, cwd: Path) -> None:
    identity = ["-c", "user.name=Ana Duarte", "-c", "user.email=ana@acme.example"]
    subprocess.run(["git", *identity, *arguments], cwd=cwd, check=True, capture_output=True)


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path, Path]]:
    """(URL, CA file, work tree of the remote)."""
    root = tmp_path_factory.mktemp("https")
    work = root / "work"
    work.mkdir()
    _git("init", "--quiet", "--initial-branch=main", cwd=work)
    (work / "fleet.yaml").write_text(TEXT)
    _git("add", ".", cwd=work)
    _git("commit", "--quiet", "--message=Bring the fleet into git", cwd=work)
    certificate, key = root / "ca.pem", root / "key.pem"
    request = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*request.split(), *names], check=True, capture_output=True)

    class Backend(BaseHTTPRequestHandler):
        """Hands each request to git http-backend as CGI does."""

        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            environment = {
                **os.environ,
                "GIT_PROJECT_ROOT": str(root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type") or "",
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding") or "",
                "GIT_PROTOCOL": self.headers.get("Git-Protocol") or "",
            }
            answer = subprocess.run(
                ["git", "http-backend"], input=body, env=environment, check=True, capture_output=True
            )
            head, _, content = answer.stdout.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
            self.send_response(int(headers.pop("Status", "200 OK").split()[0]))
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _serve  # noqa: N815

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"https://localhost:{server.server_port}/work/.git", certificate, work
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def repository(remote: tuple[str, Path, Path]) -> Repository:
    return Repository(id=1, name="fleet-config", account="acme", url=remote[0])


def test_an_https_remote_gives_the_file_at_its_newest_commit(
    remote: tuple[str, Path, Path], repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_SSL_CAINFO", str(remote[1]))
    settings = Settings(home=tmp_path)
    sync.check_url(repository.url)
    first = sync.fetch(repository, settings)
    assert (first.content.decode(), first.author, first.subject) == (TEXT, "Ana Duarte", "Bring the fleet into git")
    (remote[2] / "fleet.yaml").write_text(TEXT + "# more\n")
    _git("commit", "--quiet", "--all", "--message=Say more", cwd=remote[2])
    second = sync.fetch(repository, settings)
    assert second.commit != first.commit
    assert second.content.decode() == TEXT + "# more\n"
    _git("reset", "--quiet", "--hard", first.commit, cwd=remote[2])
    assert sync.fetch(repository, settings).commit == first.commit


def test_a_certificate_of_an_unknown_authority_is_refused(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(SyncError, match="FLEET-201") as caught:
        sync.fetch(repository, Settings(home=tmp_path))
    assert "certificate" in caught.value.message


def test_a_repository_that_is_not_there_is_said_to_be_unreachable(
    remote: tuple[str, Path, Path], repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_SSL_CAINFO", str(remote[1]))
    with pytest.raises(SyncError, match="FLEET-201"):
        sync.fetch(replace(repository, url=repository.url.replace("/work/", "/other/")), Settings(home=tmp_path))
