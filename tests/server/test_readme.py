"""The help page's lines for the REST API, typed into a shell against a fresh server; with a real sshd, and doubles of Vault and Gitea."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.api.test_gitea import TOKEN as GITEA_TOKEN
from tests.api.test_gitea import GiteaDouble
from tests.browser.conftest import ROOT, Server
from tests.cli.test_loop import MINIMAL
from tests.conftest import GitRepository
from tests.remotes.conftest import SSH_PATH, _sshd, authority, reaching, root, sshd, vault
from tests.remotes.servers import Sshd
from tests.remotes.vault_double import TOKEN, VaultDouble

__all__ = ["_sshd", "authority", "reaching", "root", "sshd", "vault"]


def test_each_line_of_the_api_works_as_it_is_typed(
    tmp_path: Path, sshd: Sshd, vault: VaultDouble, authority: object
) -> None:
    block = re.search(
        r"<!-- api:[^>]*-->\n```sh\n(.*?)```", (ROOT / "pages" / "help" / "rest.md").read_text(), re.DOTALL
    )
    assert block is not None
    remote = GitRepository(tmp_path / "fleet-config.git")
    remote.push(MINIMAL)
    vault.secrets["secret/data/fleet/deploy-key"] = vault.secrets[SSH_PATH]
    gitea = GiteaDouble()
    server = Server(
        tmp_path / "home", VAULT_ADDR=vault.address, VAULT_CACERT=str(getattr(authority, "file", "")), VAULT_TOKEN=TOKEN,
        FLEET_GITEA_URL=gitea.url, FLEET_GITEA_TOKEN=GITEA_TOKEN, FLEET_REMOTE_HOSTS="localhost, 127.0.0.1",
    )  # fmt: skip
    server.start()
    typed = block[1].replace("http://localhost:3000", server.address)
    typed = typed.replace("git@git.example.com:acme/fleet-config.git", sshd.url(remote.path))
    assert server.address in typed
    assert sshd.url(remote.path) in typed
    script = (
        f'fleet() {{ "{sys.executable}" -m engine.cli --home "{server.home}" "$@"; }}\n'
        "for node in app-01 app-02; do fleet set nodes $node --account acme >&2; done\n"
        + typed.replace("curl ", "curl -fsS -w '\\n' ")
    )
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=ROOT, env={**os.environ, "FLEET_ACTOR": "ana"}, capture_output=True, text=True, timeout=120
    )  # fmt: skip
    server.stop()
    gitea.close()
    assert done.returncode == 0, done.stderr + done.stdout
    made, registered, synced, reviewed, applied, run = (
        json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")
    )
    assert made["clone_url"].endswith("/acme/fleet-config.git")
    assert registered["gitops_repository"]["id"] == 1
    assert (synced["gitops_sync_run"]["status"], len(synced["proposals"])) == ("success", 4)
    assert [item["status"] for item in reviewed["items"]] == ["approved"] * 4
    assert len(applied["applied"]) == 4
    assert (run["status"], [a["id"] for a in run["applied_actions"]], run["failed_actions"]) == (
        "applied",
        [1, 2, 3, 4],
        [],
    )
    assert TOKEN not in server.log.read_text()
