"""Host keys over the life of a repository: given, pinned, changed, trusted; with what is recorded of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from engine.errors import RefusedEdit, SyncError
from engine.flow.sync import fingerprint, read_host_key, shown_host_key
from engine.model import Actor, Permission, RecordedEvent
from engine.settings import Settings
from engine.workbench import Workbench
from tests.conftest import GitRepository
from tests.remotes.conftest import SSH_PATH
from tests.remotes.servers import Sshd

ME = Actor("ana")


@pytest.fixture
def bench(reaching: Settings) -> Iterator[Workbench]:
    with Workbench.open_home(reaching) as opened:
        yield opened


def add(bench: Workbench, sshd: Sshd, served: GitRepository, **options: Any) -> None:
    bench.add_repository(ME, "fc", sshd.url(served.path), account="acme", vault_credential_path=SSH_PATH, **options)


def told(bench: Workbench) -> list[RecordedEvent]:
    return [recorded for recorded in reversed(bench.events()) if "host_key" in recorded.event.type]


def test_a_key_given_at_registration_is_the_only_one_taken(bench: Workbench, sshd: Sshd, served: GitRepository) -> None:
    other = (sshd.folder / "host-2.pub").read_text()
    add(bench, sshd, served, ssh_host_key=f"gitea.example.com {other}")
    assert bench.repository("fc").ssh_host_key == " ".join(other.split()[:2])
    run = bench.sync(ME, "fc").run
    assert run.error is not None
    assert run.error["code"] == "FLEET-216"
    bench.change_repository(ME, "fc", {"ssh_host_key": sshd.host_key})
    assert bench.sync(ME, "fc").run.status == "success"


def test_the_key_of_the_first_use_is_pinned_with_an_event(bench: Workbench, sshd: Sshd, served: GitRepository) -> None:
    add(bench, sshd, served)
    first = bench.sync(ME, "fc").run
    assert first.status == "success"
    key = read_host_key(sshd.host_key)
    assert bench.repository("fc").ssh_host_key == key
    (pinned,) = told(bench)
    assert (pinned.event.type, pinned.actor) == ("gitops.host_key_pinned", "ana")
    assert pinned.event.data == {"host_key": shown_host_key(key), "before": None}
    assert bench.sync(ME, "fc").run.unchanged, "pinning is no reason for another run"


def test_a_use_that_failed_pins_nothing(bench: Workbench, sshd: Sshd, served: GitRepository) -> None:
    add(bench, sshd, served, branch="none")
    assert bench.sync(ME, "fc").run.status == "failed"
    assert bench.repository("fc").ssh_host_key is None


def test_a_changed_key_fails_every_run_and_is_told_once(bench: Workbench, sshd: Sshd, served: GitRepository) -> None:
    add(bench, sshd, served)
    bench.sync(ME, "fc")
    sshd.start("host-2")
    for _ in range(3):
        run = bench.sync(ME, "fc").run
        assert run.error is not None
        assert run.error["code"] == "FLEET-216"
    assert bench.repository("fc").failure_count == 3
    offered = read_host_key((sshd.folder / "host-2.pub").read_text())
    facts = {"pinned": fingerprint(read_host_key(sshd.host_key)), "offered": fingerprint(offered)}
    assert [e.event.type for e in told(bench)] == ["gitops.host_key_pinned", "gitops.host_key_changed"]
    assert told(bench)[1].event.data == facts
    sshd.stop()
    bench.sync(ME, "fc")  # away in between
    sshd.start("host-2")
    bench.sync(ME, "fc")
    assert len(told(bench)) == 2, "still the same news"
    assert bench.offered_host_key(ME, "fc") == offered
    bench.trust_host_key(ME, "fc", offered)
    assert bench.repository("fc").next_attempt_at is None
    assert bench.sync(ME, "fc").run.status == "success"
    sshd.start("host-1")
    bench.sync(ME, "fc")
    assert [e.event.type.rpartition("_")[2] for e in told(bench)] == ["pinned", "changed", "trusted", "changed"]


def test_who_may_trust_and_what(bench: Workbench, sshd: Sshd, served: GitRepository, nginx: Any) -> None:
    add(bench, sshd, served)
    reader = Actor("eve", frozenset({Permission.READ, Permission.SYNC}))
    for verb in (lambda: bench.offered_host_key(reader, "fc"), lambda: bench.trust_host_key(reader, "fc", "x")):
        with pytest.raises(RefusedEdit, match="FLEET-600"):
            verb()
    with pytest.raises(RefusedEdit, match="FLEET-617"):
        bench.trust_host_key(ME, "fc", "ssh-ed25519 AAAA")
    bench.add_repository(ME, "web", nginx.url("public", served.path / ".git"), account="acme")
    with pytest.raises(RefusedEdit, match=r"FLEET-617 .*certificate"):
        bench.offered_host_key(ME, "web")
    with pytest.raises(RefusedEdit, match="FLEET-617"):
        bench.change_repository(ME, "web", {"ssh_host_key": sshd.host_key})
    sshd.stop()
    with pytest.raises(SyncError, match="FLEET-201"):
        bench.offered_host_key(ME, "fc")


@pytest.mark.parametrize(
    "text",
    ["", "ssh-ed25519", "ssh-ed25519 !!!!", "ssh-ed25519 QUFBQQ==", "SHA256:abcdef", "ssh-dss AAAAB3NzaC1kc3MAAACB", "ssh-ed25519 " + "A" * 6000],
)  # fmt: skip
def test_what_is_no_host_key_is_refused(text: str) -> None:
    with pytest.raises(RefusedEdit, match=r"FLEET-617 .*ssh-keyscan"):
        read_host_key(text)


def test_two_keys_at_once_are_refused(sshd: Sshd) -> None:
    with pytest.raises(RefusedEdit, match="FLEET-617"):
        read_host_key(sshd.host_key + "\n" + sshd.host_key)
    kind, body, _ = sshd.host_key.split()
    with pytest.raises(RefusedEdit, match="FLEET-617"):
        read_host_key(f"ssh-rsa {body}")
    assert read_host_key(f"[127.0.0.1]:22 {kind} {body} a comment") == f"{kind} {body}"
    assert read_host_key(f"# 127.0.0.1:22 SSH-2.0-OpenSSH_9.2\n127.0.0.1 {kind} {body}\n") == f"{kind} {body}"
