"""Which remotes, branches and path prefixes a repository may have. Checks the form only; nothing is reached."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from engine.errors import RefusedEdit

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?")
_SCP = re.compile(r"(?P<user>[A-Za-z0-9_][A-Za-z0-9_.-]*)@(?P<host>[^/:@\s]+|\[[0-9A-Fa-f:.]+\]):(?P<path>[^\s].*)")
_CONTROL = re.compile(r"[\x00-\x20\x7f]")


def check_url(url: str, *, allow_local: bool = False, local_root: Path | None = None, allow_http: bool = False) -> None:
    """Refuse a URL that is not https, ssh or git@host:path, or that carries a credential.

    A local path or file:// is accepted with `allow_local`, or inside `local_root` (where the demo makes its repository);
    http with `allow_http`.
    Raises: RefusedEdit FLEET-611 (form), FLEET-612 (credential in it), FLEET-613 (local and not allowed).
    """
    if (
        not url
        or len(url) > 2000
        or _CONTROL.search(url)
        or any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"} for c in url)
    ):
        raise _form("The URL is empty, too long, or contains spaces or control characters.")
    if url.startswith("-") or "::" in url.split("/", 1)[0].split("@")[-1].split("[")[0]:
        raise _form("git would read the URL as an option or a remote helper.")
    match transport(url):
        case "file":
            _check_local(url, allow_local, local_root)
        case "ssh" if "://" not in url:
            _check_scp(url)
        case _:
            _check_address(url, allow_http)


def _check_local(url: str, allowed: bool, root: Path | None) -> None:
    path = local_path(url)
    if allowed or (path is not None and root is not None and path.resolve().is_relative_to(root.resolve())):
        return
    raise RefusedEdit(
        "FLEET-613",
        "Local paths and file:// are for tests.",
        "Use https or ssh, or set FLEET_ALLOW_LOCAL_REMOTES=1.",
    )


def _check_scp(url: str) -> None:
    """git@host:path, and nothing else without a scheme."""
    match = _SCP.fullmatch(url)
    if match is None:
        raise _form("Only https://…, ssh://… and git@host:path are supported.")
    if not _is_host(match["host"]) or match["path"].startswith("-"):
        raise _form("The host or path of the ssh remote contains characters that are not allowed.")


def _check_address(url: str, allow_http: bool) -> None:
    """https://…, ssh://… and, if that is allowed, http://…"""
    try:
        parts = urlsplit(url)
        port_ok = parts.port is None or 0 < parts.port < 65536
    except ValueError:
        raise _form("The URL cannot be read.") from None
    if url.startswith("http://") and not allow_http:
        raise RefusedEdit(
            "FLEET-611",
            "http:// is not allowed: anyone on the network path could change the fleet file.",
            "Use https, or set FLEET_ALLOW_HTTP_REMOTES=1 if you trust the network.",
        )
    if not url.startswith(("https://", "ssh://", "http://")):  # git knows its transports in small letters only
        raise _form("Only https://…, ssh://… and git@host:path are supported.")
    user, at, host = parts.netloc.rpartition("@")
    if ":" in user or (at and parts.scheme != "ssh") or (at and not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", user)):
        raise RefusedEdit(
            "FLEET-612",
            "The URL contains a credential, which would leak into history and logs.",
            "Remove it from the URL, keep it in Vault, and give its path with --vault-path.",
        )
    host = host if host.endswith("]") else re.sub(r":[0-9]*$", "", host)
    if not port_ok or not _is_host(host) or len(parts.path) < 2 or parts.query or parts.fragment:
        raise _form("The URL must have a host and a path, and nothing after the path.")


def local_path(url: str) -> Path | None:
    """The path that a local remote names, or None when the URL is not local."""
    if url.startswith("file://"):
        return Path(unquote(url.removeprefix("file://"))) if url.startswith("file:///") else None
    return Path(url) if url.startswith(("/", "./", "../", "~")) else None


def is_ssh(url: str) -> bool:
    """Whether the remote is reached by ssh, with a key."""
    return url.startswith("ssh://") or (local_path(url) is None and "://" not in url)


def transport(url: str) -> str:
    """The git transport of a URL: https, http, ssh or file."""
    if is_ssh(url):
        return "ssh"
    return "file" if local_path(url) is not None else url.partition(":")[0]


def endpoint(url: str) -> tuple[str, int]:
    """(host, port) that the URL leads to, for comparing: credentials and host keys belong to it.

    ("", 0) for a local one, and for a text that is not a URL.
    """
    if local_path(url) is not None:
        return "", 0
    if "://" not in url:
        match = _SCP.fullmatch(url)
        return ("", 0) if match is None else (match["host"].strip("[]").lower().rstrip("."), 22)
    try:
        parts = urlsplit(url)
        return (parts.hostname or "").rstrip("."), parts.port or {"ssh": 22, "http": 80}.get(parts.scheme, 443)
    except ValueError:
        return "", 0


def place(url: str) -> tuple[str, str]:
    """(host, path) of a remote, the same for each way to reach it: for matching the address in a webhook with a remote.

    Case, the port, the user, a `.git` and slashes at the ends say nothing here. ("", "") for a text that is not a URL.
    """
    if (local := local_path(url)) is not None:
        return "", str(local)
    host, path = _place(url)
    return host, path.lower()


def commit_page(url: str, revision: str) -> str | None:
    """Where the git host of a remote shows a commit; None for a local remote, and for a text that is not a URL.

    The web page is taken to be on the host of the remote, over https, as GitHub, GitLab, Gitea, Forgejo and Bitbucket have it.
    """
    host, path = ("", "") if local_path(url) is not None else _place(url)
    if not host or not path or not re.fullmatch("[0-9a-f]{7,64}", revision):
        return None
    web = urlsplit(url).netloc.rpartition("@")[2] if url.startswith(("https://", "http://")) else host
    scheme = "http" if url.startswith("http://") else "https"
    commit = "commits" if host == "bitbucket.org" else "commit"
    return f"{scheme}://{web}/{quote(path)}/{commit}/{revision}"


def _place(url: str) -> tuple[str, str]:
    if "://" not in url:
        match = _SCP.fullmatch(url)
        host, path = ("", "") if match is None else (match["host"].strip("[]"), match["path"])
    else:
        try:
            parts = urlsplit(url)
            host, path = parts.hostname or "", unquote(parts.path)
        except ValueError:
            return "", ""
    host = host.lower().rstrip(".")
    return _OTHER_DOORS.get(host, host), path.strip("/").removesuffix(".git")


_OTHER_DOORS = {
    "ssh.github.com": "github.com",
    "altssh.gitlab.com": "gitlab.com",
    "altssh.bitbucket.org": "bitbucket.org",
}
"""Hosts that offer ssh on port 443 under another name, for clients behind a firewall."""


def origin(url: str) -> str:
    """Scheme, host and port of an http or https URL, as git writes them when it asks for a credential."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def check_branch(branch: str) -> None:
    """Refuse what is not a legal branch name. Raises: RefusedEdit FLEET-614."""
    bad = (
        not branch
        or len(branch) > 255
        or branch.startswith(("-", "/", "refs/"))
        or branch.endswith(("/", ".", ".lock"))
        or re.search(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//", branch)
        or branch == "@"
        or any(part.startswith(".") or part.endswith(".lock") for part in branch.split("/"))
        or any(unicodedata.category(c) in {"Cc", "Cf", "Cs"} for c in branch)
    )
    if bad:
        raise RefusedEdit(
            "FLEET-614", f"{branch[:60]!r} is not a branch name.", "Write the branch as git shows it, such as main."
        )


def check_prefix(prefix: str) -> str:
    """The folder that contains fleet.yaml, normalised without slashes at its ends. Raises: RefusedEdit FLEET-615."""
    parts = prefix.strip("/").split("/") if prefix.strip("/") else []
    bad = (
        prefix.startswith("/")
        or len(prefix) > 1000
        or "\\" in prefix
        or "%" in prefix
        or any(part in {"", ".", "..", ".git"} for part in parts)
        or any(unicodedata.category(c) in {"Cc", "Cf", "Cs"} for c in prefix)
    )
    if bad:
        raise RefusedEdit(
            "FLEET-615",
            f"{prefix[:60]!r} is not a folder inside the repository.",
            "Write it relative to the top folder of the repository, such as environments/prod.",
        )
    return "/".join(parts)


def shown_url(url: str) -> str:
    """A URL fit to be shown: without user information, but for the user name that an ssh remote needs."""
    return re.sub(r"(?<!^ssh)://[^/@]*@|(?<=^ssh)://[^/@]*:[^/@]*@", "://", url)


def _is_host(text: str) -> bool:
    if text.startswith("[") and text.endswith("]"):
        with suppress(ValueError):
            return ipaddress.IPv6Address(text[1:-1]).scope_id is None
        return False
    return _HOST.fullmatch(text) is not None


def _form(message: str) -> RefusedEdit:
    return RefusedEdit("FLEET-611", message, "Write https://host/path, ssh://user@host/path or git@host:path.")
