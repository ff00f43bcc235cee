"""A real sshd with git-shell, and a real nginx with git-http-backend over TLS, on free ports of loopback."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

from tests.remotes.authority import Authority, Certificate

_WHERE = os.pathsep.join(
    [os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/lib/git-core", "/usr/libexec/git-core"]
)


def program(name: str) -> str:
    """A server's program. Tests need it: `.ci/packages` brings it on Debian, and names the package elsewhere."""
    found = shutil.which(name, path=_WHERE)
    assert found, f"the tests need {name}: see .ci/packages"
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on {port}: {log.read_text()}")


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def make_key(path: Path, *, passphrase: str = "", kind: str = "ed25519") -> str:
    """Make an ssh key; gives its public half."""
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", path.name, "-f", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return path.with_suffix(".pub").read_text().strip()


class Sshd:
    """An ssh server for the repositories below a folder. `key` may read them; `barred` may come in and read none;
    to `flooding` it talks without end."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.port = free_port()
        self.user = subprocess.run(["id", "-un"], check=True, capture_output=True, text=True).stdout.strip()
        self.key, self.barred, self.stranger = folder / "deploy-key", folder / "barred-key", folder / "stranger-key"
        self.flooding = folder / "flooding-key"
        git_shell = program("git-shell")
        lines = [
            f'command="{git_shell} -c \\"$SSH_ORIGINAL_COMMAND\\"",restrict {make_key(self.key)}',
            f'command="echo ERROR: you may not read this >&2; exit 1",restrict {make_key(self.barred)}',
            f'command="exec yes remote: and on and on >&2",restrict {make_key(self.flooding)}',
        ]
        make_key(self.stranger)
        (folder / "authorized_keys").write_text("\n".join(lines) + "\n")
        (folder / "authorized_keys").chmod(0o600)
        self.host_key = make_key(folder / "host-1")
        make_key(folder / "host-2")
        make_key(folder / "host-rsa", kind="rsa")
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where a privileged sshd locks its children in
        self.start("host-1")

    def start(self, *host_keys: str) -> None:
        """(Re)start with these host keys: another machine, as far as a client can tell."""
        self.stop()
        config = self.folder / "sshd_config"
        config.write_text(
            f"ListenAddress 127.0.0.1\nPort {self.port}\nPidFile none\nStrictModes no\nUsePAM no\nLogLevel VERBOSE\n"
            f"AuthorizedKeysFile {self.folder}/authorized_keys\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
            "MaxStartups 100\nMaxSessions 100\n" + "".join(f"HostKey {self.folder}/{name}\n" for name in host_keys)
        )
        log = self.folder / "sshd.log"
        log.touch()
        self.process = subprocess.Popen(
            [program("sshd"), "-D", "-f", str(config), "-E", str(log)],
            start_new_session=True,
            stderr=subprocess.DEVNULL,
        )
        _wait_for(self.port, self.process, log)

    def stop(self) -> None:
        if hasattr(self, "process"):
            _end(self.process)

    def url(self, repository: Path) -> str:
        return f"ssh://{self.user}@127.0.0.1:{self.port}{repository}"


USERNAME, PASSWORD = "fleet-reader", "correct-horse-4711-battery"
REALM_HEADER = 'auth_basic "fleet"; auth_basic_user_file {folder}/htpasswd;'

_LOCATION = """
    location ~ ^{prefix}(/.*)$ {{
        {auth}
        fastcgi_pass unix:{folder}/cgi.sock;
        fastcgi_param SCRIPT_FILENAME {backend};
        fastcgi_param GIT_PROJECT_ROOT {root};
        fastcgi_param GIT_HTTP_EXPORT_ALL 1;
        fastcgi_param PATH_INFO $1;
        fastcgi_param QUERY_STRING $query_string;
        fastcgi_param REQUEST_METHOD $request_method;
        fastcgi_param CONTENT_TYPE $content_type;
        fastcgi_param CONTENT_LENGTH $content_length;
        fastcgi_param HTTP_GIT_PROTOCOL $http_git_protocol;
        fastcgi_param HTTP_CONTENT_ENCODING $http_content_encoding;
        fastcgi_param GIT_CONFIG_COUNT 1;
        fastcgi_param GIT_CONFIG_KEY_0 safe.directory;
        fastcgi_param GIT_CONFIG_VALUE_0 *;
    }}
"""

_NGINX = """
{user}
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 256; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    client_max_body_size 100m;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate.file}; ssl_certificate_key {certificate.key};
        location /moved/ {{ rewrite ^/moved(/.*)$ https://127.0.0.1:{other_port}/public$1 permanent; }}
        location /barred/ {{ return 403; }}
        {locations}
    }}
    server {{ listen 127.0.0.1:{other_port} ssl; ssl_certificate {certificate.file}; ssl_certificate_key {certificate.key};
        location / {{ return 404; }} }}
    server {{ listen 127.0.0.1:{expired_port} ssl; ssl_certificate {expired.file}; ssl_certificate_key {expired.key};
        location / {{ return 404; }} }}
    server {{ listen 127.0.0.1:{plain_port}; {plain_locations} }}
}}
"""


class Nginx:
    """Serves the repositories below a folder at `/public`, at `/private` with a password, at `/moved` on another port."""

    def __init__(self, folder: Path, root: Path, authority: Authority) -> None:
        folder.mkdir()
        self.folder, self.root = folder, root
        self.port, self.other_port, self.expired_port, self.plain_port = (free_port() for _ in range(4))
        hashed = subprocess.run(
            ["openssl", "passwd", "-apr1", PASSWORD], check=True, capture_output=True, text=True
        ).stdout.strip()
        (folder / "htpasswd").write_text(f"{USERNAME}:{hashed}\n")
        backend = program("git-http-backend")
        self._cgi = subprocess.Popen(
            [program("fcgiwrap"), "-c", "8", "-s", f"unix:{folder}/cgi.sock"],
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": _WHERE, "HOME": str(folder)},
        )
        auth = REALM_HEADER.format(folder=folder)
        shared = {"folder": folder, "root": root, "backend": backend}
        public = _LOCATION.format(prefix="/public", auth="", **shared)
        private = _LOCATION.format(prefix="/private", auth=auth, **shared)
        certificate: Certificate = authority.certificate()
        text = _NGINX.format(
            user="user root;" if os.geteuid() == 0 else "",
            folder=folder,
            port=self.port,
            other_port=self.other_port,
            expired_port=self.expired_port,
            plain_port=self.plain_port,
            certificate=certificate,
            expired=authority.certificate("expired", expired=True),
            locations=public + private,
            plain_locations=public,
        )
        (folder / "nginx.conf").write_text(text)
        log = folder / "error.log"
        log.touch()
        self._process = subprocess.Popen(
            [program("nginx"), "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", str(log)],
            start_new_session=True,
        )
        _wait_for(self.port, self._process, log)

    def stop(self) -> None:
        _end(self._process)
        _end(self._cgi)

    def url(self, place: str, repository: Path) -> str:
        return f"https://localhost:{self.port}/{place}/{repository.relative_to(self.root)}"


class Cutter:
    """Passes bytes on to a port; after so many of the server's answer it cuts the connection, or falls silent."""

    def __init__(self, to: int, after: int, *, silent: bool = False) -> None:
        self._to, self._after, self._silent = to, after, silent
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for each in [self._listening, *self._open]:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
                self._open += [client, server]
                threading.Thread(target=self._pass, args=(client, server, None), daemon=True).start()
                threading.Thread(target=self._pass, args=(server, client, self._after), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, most: int | None) -> None:
        with suppress(OSError):
            while (data := source.recv(4096)) and (most is None or most > 0):
                target.sendall(data if most is None else data[:most])
                most = most if most is None else most - len(data)
            if data and self._silent:
                return
            for each in (source, target):
                each.shutdown(socket.SHUT_RDWR)
