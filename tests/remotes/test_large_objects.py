"""What comes over git is measured before it is read: no object, list or answer of a remote makes this process or a git of ours grow."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.errors import SyncError
from engine.flow import sync
from engine.flow.sync import call, fetching
from engine.flow.sync.checkouts import checkout
from engine.model import Actor, Repository
from engine.settings import Settings
from engine.workbench import Workbench
from tests.conftest import GitRepository
from tests.remotes import hostile_server as double
from tests.remotes.packs import Pack, branch, chunks

ROOT = Path(__file__).resolve().parent.parent.parent
TEXT = b"version: 1\naccount: acme\n"

FETCHING = """
import json, resource, sys
from pathlib import Path
from engine.flow import sync
from engine.errors import FleetError
from engine.model import Repository
from engine.settings import Settings
import engine.flow.sync.fetching, engine.flow.sync.reading
resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
settings = Settings(home=Path(sys.argv[1]), allow_local_remotes=1, allow_http_remotes=1, git_timeout_s=30, remote_hosts="127.0.0.1")
def peak(): return int([l for l in open("/proc/self/status") if l.startswith("VmHWM")][0].split()[1])
open("/proc/self/clear_refs", "w").write("5")
before = peak()
try:
    said = sync.fetch(Repository(1, "fc", "acme", sys.argv[2], path_prefix=sys.argv[3]), settings).commit
except FleetError as error:
    said = error.code + " " + error.message
print(json.dumps({"said": said, "grown": (peak() - before) // 1024, "git": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024}))
"""
"""A process of its own, whose address space is limited: what it answered, and how many megabytes it and the largest git grew to."""


def fetched(tmp_path: Path, url: str, prefix: str = "") -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", FETCHING, str(tmp_path / "home"), url, prefix],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def wide(pack: Pack, blob: str, entries: int) -> str:
    entry = b"100644 a\0" + bytes.fromhex(blob)
    return pack.add("tree", chunks(entry, entries), entries * len(entry))


def deep(pack: Pack, root: str, levels: int) -> str:
    for _ in range(levels):
        root = pack.tree(("40000", "a", root))
    return root


def tagged(pack: Pack, commit: str, times: int) -> str:
    kind = "commit"
    for _ in range(times):
        text = b"object %s\ntype %s\ntag v\ntagger Eve <eve@evil.example> 1 +0000\n\nx\n"
        commit, kind = pack.add("tag", [text % (commit.encode(), kind.encode())]), "tag"
    return commit


def long_message(pack: Pack, root: str, _blob: str) -> str:
    return pack.commit(root, chunks(b"a", 300_000_000), size=300_000_000)


def long_author(pack: Pack, root: str, _blob: str) -> str:
    return pack.commit(root, who=b"E" * 2_000_000 + b" <eve@evil.example> 1790000000 +0000")


OBJECTS: dict[str, tuple[Callable[[Pack, str, str], str], str, str]] = {
    "a message of 300 MB": (long_message, "", r"FLEET-218 The commit of main at \w{12} has 300,000,144 bytes"),
    "an author of 2 MB": (long_author, "", "FLEET-218 The commit of"),
    "2,000,000 files beside it": (lambda p, _r, b: p.commit(wide(p, b, 2_000_000)), "", "FLEET-218 The list of files in the top folder"),
    "2,000,000 files in a folder of the path": (lambda p, _r, b: p.commit(p.tree(("40000", "a", wide(p, b, 2_000_000)))), "a/b", "FLEET-218 The list of files in a of main"),
    "2,000 folders in each other": (lambda p, r, _b: p.commit(deep(p, r, 2_000)), "a", "FLEET-205"),
    "60,000 folders in each other": (lambda p, r, _b: p.commit(deep(p, r, 60_000)), "", "FLEET-20[15]"),
    "a tag": (lambda p, r, _b: tagged(p, p.commit(r), 1), "", "FLEET-203 main at .* is a tag, not a commit"),
    "20,000 tags of tags": (lambda p, r, _b: tagged(p, p.commit(r), 20_000), "", "FLEET-203 main at .* is a tag"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("what", OBJECTS)
def test_an_object_is_measured_before_it_is_read(what: str, git_repo: GitRepository, tmp_path: Path) -> None:
    make, prefix, says = OBJECTS[what]
    pack = Pack()
    blob = pack.add("blob", [TEXT])
    pack.write(git_repo, make(pack, pack.tree(("100644", "fleet.yaml", blob)), blob))
    found = fetched(tmp_path, str(git_repo.path), prefix)
    assert re.match(says, found["said"]), found
    assert found["grown"] < 40, found


def test_a_large_list_of_files_within_the_limit_is_read(git_repo: GitRepository, settings: Settings) -> None:
    pack = Pack()
    blob = pack.add("blob", [TEXT])
    tree = pack.tree(*(("100644", f"a{number:06}", blob) for number in range(50_000)), ("100644", "fleet.yaml", blob))
    pack.write(git_repo, pack.commit(tree, [b"x" * 1_000_000]))
    found = sync.fetch(Repository(1, "fc", "acme", str(git_repo.path)), settings)
    assert (found.content, found.subject) == (TEXT, "x" * 500)


def test_many_branches_and_a_pack_of_equal_objects_cost_nothing(git_repo: GitRepository, tmp_path: Path) -> None:
    pack = Pack()
    for _ in range(20_000):
        pack.add("blob", [b"same"])
    tip = pack.commit(pack.tree(("100644", "fleet.yaml", pack.add("blob", [TEXT]))))
    pack.write(git_repo, tip)
    (git_repo.path / ".git" / "packed-refs").write_text(
        "# pack-refs with: peeled fully-peeled sorted \n"
        + "".join(f"{tip} refs/heads/b{number:06}\n" for number in range(100_000))
    )
    found = fetched(tmp_path, str(git_repo.path))
    assert found["said"] == tip
    assert found["grown"] < 20


UNUSUAL: dict[str, tuple[dict[str, Any], tuple[str, str, int]]] = {
    "not UTF-8": ({"who": b"J\xf6rg <j@acme.example> 1790000000 +0000", "message": [b"Gr\xfc\xdfe\n"]}, ("J\ufffdrg", "Gr\ufffd\ufffde", 1_790_000_000)),
    "Latin-1, as it says": ({"who": b"J\xf6rg <j@acme.example> 1790000000 +0000", "header": b"encoding ISO-8859-1\n", "message": [b"Gr\xfc\xdfe"]}, ("Jörg", "Grüße", 1_790_000_000)),
    "an encoding that nobody knows": ({"header": b"encoding antigravity\n", "message": [b"x"]}, ("Eve", "x", 1_790_000_000)),
    "NUL and escapes": ({"who": b"E\x1b[31mve <e@e> 1790000000 +0000", "message": [b"a\0b\x1b[2Jc\nd"]}, ("E [31mve", "a b [2Jc", 1_790_000_000)),
    "no name": ({"who": b"<eve@evil.example> 1790000000 +0000", "message": [b""]}, ("eve@evil.example", "", 1_790_000_000)),
    "no time": ({"who": b"Eve <e@e>", "message": [b"x"]}, ("Eve", "x", 0)),
    "a time that is none": ({"who": b"Eve <e@e> 99999999999999999999 +0000", "message": [b"x"]}, ("Eve", "x", 0)),
    "the year 33658": ({"who": b"Eve <e@e> 999999999999 +0000", "message": [b"x"]}, ("Eve", "x", 0)),
    "blanks before the subject": ({"message": [b"\n" * 1000 + b"At last\n\nbody"]}, ("Eve", "At last", 1_790_000_000)),
}  # fmt: skip


@pytest.mark.parametrize("what", UNUSUAL)
def test_a_commit_of_unusual_text_is_read(what: str, git_repo: GitRepository, settings: Settings) -> None:
    made, (author, subject, seconds) = UNUSUAL[what]
    pack = Pack()
    pack.write(git_repo, pack.commit(pack.tree(("100644", "fleet.yaml", pack.add("blob", [TEXT]))), **made))
    found = sync.fetch(Repository(1, "fc", "acme", str(git_repo.path)), settings)
    assert (found.author, found.subject, found.committed_at.timestamp()) == (author, subject, seconds)


@pytest.mark.parametrize(
    ("mode", "kind", "code"),
    [("100644", "tree", "FLEET-206"), ("40000", "blob", "FLEET-206"), ("120000", "blob", "FLEET-206")],
)
def test_what_a_folder_says_of_an_entry_is_not_believed(
    mode: str, kind: str, code: str, git_repo: GitRepository, settings: Settings
) -> None:
    pack = Pack()
    inner = pack.add("blob", [TEXT]) if kind == "blob" else pack.tree()
    pack.write(git_repo, pack.commit(pack.tree((mode, "fleet.yaml", inner))))
    with pytest.raises(SyncError, match=f"{code}|FLEET-20[19]"):
        sync.fetch(Repository(1, "fc", "acme", str(git_repo.path)), settings)


def test_git_that_has_no_memory_left_while_it_reads_says_so(git_repo: GitRepository, settings: Settings) -> None:
    repository = Repository(1, "fc", "acme", str(git_repo.path))
    (git_repo.path / "fleet.yaml").write_bytes(b"#" * 4_000_000)
    git_repo.git("add", "--all")
    git_repo.git("commit", "--quiet", "--message", "Long")
    sync.fetch(repository, replace(settings, max_file_bytes=5_000_000))
    from engine.flow.sync import reading

    small = replace(settings, max_file_bytes=5_000_000, git_memory_bytes=10_000_000)
    with pytest.raises(SyncError, match=r"FLEET-218 .*memory.*FLEET_GIT_MEMORY_BYTES"):
        reading.read(checkout(settings.home, 1), repository, small)


def test_a_process_without_memory_fails_the_run_with_a_code(
    git_repo: GitRepository, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    git_repo.push(TEXT)
    workbench.add_repository(Actor("ana"), "fc", str(git_repo.path), account="acme")

    def exhausted(*_: object, **__: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(call.Conversation, "take", exhausted)
        run = workbench.sync(Actor("ana"), "fc").run
        assert (run.status, run.error and run.error["code"]) == ("failed", "FLEET-218")
    with monkeypatch.context() as patch:
        patch.setattr("engine.flow.tick.read_fleet_file", exhausted)
        run = workbench.sync(Actor("ana"), "fc").run
        assert (run.status, run.error and run.error["code"]) == ("failed", "FLEET-218")
    assert workbench.sync(Actor("ana"), "fc").run.status == "success"


def whole(count: int, *objects: bytes) -> Callable[[], double.Answer]:
    return lambda: double.Answer(double.banded(1, double.pack(*objects * count)))


def claimed(kind: int) -> bytes:
    """The beginning of an object that says it has two gigabytes."""
    return bytes([128 | kind << 4, 128, 128, 128, 64]) + zlib.compress(b"x" * 100)


SAID = b"hostile-canary"

SERVERS: dict[str, tuple[double.Answers, str]] = {
    "6,000,000 branches": (lambda _m, _b: double.refs(double.many(6_000_000)), "FLEET-218"),
    "progress without end": (double.smart(lambda: double.Answer(double.banded(2, double.endless(b"x" * 60_000)))), "FLEET-218"),
    "three gigabytes of zeros": (lambda _m, _b: double.bomb(double.REFS), "FLEET-218"),
    "three gigabytes with a 401": (lambda _m, _b: double.bomb(double.REFS, 401), "FLEET-2(18|15)"),
    "a blob that says it has 2 GB": (double.smart(whole(1, claimed(3))), "FLEET-201"),
    "a commit that says it has 2 GB": (double.smart(whole(1, claimed(1))), "FLEET-218"),
    "200,000 times the same object": (double.smart(whole(200_000, b"\x34" + zlib.compress(b"same"))), "FLEET-201"),
    "an error in its own words": (double.smart(lambda: double.Answer([double.line(b"ERR " + SAID + b"\nfatal: file too large " + SAID)])), "FLEET-201 .*the remote reports an error$"),
    "an error on the band for errors": (double.smart(lambda: double.Answer(double.banded(3, [b"file too large " + SAID]))), "FLEET-201"),
    "no answer of the protocol": (double.smart(lambda: double.Answer([double.FLUSH, double.line(SAID + b"'\x1b\n")])), "FLEET-201"),
    "other words for a pack": (double.smart(lambda: double.Answer([double.FLUSH, double.line(b"NAK\n"), double.line(b"\x02remote says\x0cfatal: certificate " + SAID), double.line(b"\x09" + SAID)])), "FLEET-201"),
    "a plain web server": (lambda _m, _b: double.Answer([double.TIP.encode() + b"\trefs/heads/main\n"], "text/plain"), "FLEET-201 .*plain web server"),
}  # fmt: skip


@pytest.mark.parametrize("what", SERVERS)
def test_a_server_that_means_ill_costs_little_memory_and_gets_no_word_in(what: str, tmp_path: Path) -> None:
    answers, says = SERVERS[what]
    with double.serving(answers) as url:
        found = fetched(tmp_path, url)
    assert re.match(says, found["said"]), found
    assert SAID.decode() not in found["said"]
    assert found["grown"] < 20, found
    assert found["git"] < 520, found
    assert not list(checkout(tmp_path / "home", 1).rglob("tmp_*"))


def test_one_fetch_at_a_time_takes_much_memory(settings: Settings) -> None:
    """The first run of git is refused its memory; the second waits until nobody else has much."""
    settings = replace(settings, allow_http_remotes=1, remote_hosts="127.0.0.1")
    met: list[str] = []
    with double.serving(double.smart(whole(1, claimed(1)))) as url, fetching._MUCH_MEMORY:

        def attempt() -> None:
            with pytest.raises(SyncError) as caught:
                sync.fetch(Repository(1, "fc", "acme", url), replace(settings, git_timeout_s=2))
            met.append(caught.value.code)

        waiting = threading.Thread(target=attempt)
        waiting.start()
        waiting.join(20)
    assert met == ["FLEET-202"]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("remote: hostile\nfatal: early EOF", "early EOF"),
        ("fatal: remote error: hostile\nfatal: certificate hostile", "the remote reports an error"),
        ("fatal: expected 'packfile', received 'hostile'", "expected 'packfile', received something else"),
        ("fatal: git fetch-pack: expected ACK/NAK, got 'hosti'le'", "git fetch-pack: expected ACK/NAK, got something else"),
        ("remote: a\x0cfatal: certificate hostile", "git gave no reason."),
        ("Receiving objects:   5% (1/20)\rfatal: early EOF", "early EOF"),
    ],
)  # fmt: skip
def test_words_of_the_remote_are_neither_believed_nor_shown(said: str, shown: str, settings: Settings) -> None:
    error = fetching.explained(said, Repository(1, "fc", "acme", "https://git.example.com/x"), settings)
    assert (error.code, error.message) == ("FLEET-201", f"Failed to fetch https://git.example.com/x: {shown}")


def test_a_branch_is_what_the_pack_says(git_repo: GitRepository, settings: Settings) -> None:
    """The helper itself: a pack that is written by hand is one that git takes."""
    pack = Pack()
    tip = pack.commit(pack.tree(("100644", "fleet.yaml", pack.add("blob", [TEXT]))))
    pack.write(git_repo, tip)
    branch(git_repo.path / ".git", tip, "other")
    assert git_repo.git("fsck", "--full") == ""
    assert sync.fetch(Repository(1, "fc", "acme", str(git_repo.path), branch="other"), settings).commit == tip
