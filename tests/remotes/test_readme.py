"""The help page's registration, typed line by line on real servers that stand for `git.example.com`."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tests.conftest import GitRepository
from tests.remotes.conftest import HTTPS_PATH, SSH_PATH, TEXT
from tests.remotes.servers import Nginx, Sshd
from tests.remotes.test_surfaces import ROOT, Fleet, environment, fleet
from tests.remotes.vault_double import VaultDouble

__all__ = ["environment", "fleet"]


def test_each_line_of_the_registration_works_as_it_is_typed(
    fleet: Fleet, nginx: Nginx, sshd: Sshd, root: Path, tmp_path: Path, vault: VaultDouble
) -> None:
    block = re.search(
        r"<!-- registration[^>]*-->\n```sh\n(.*?)```",
        (ROOT / "pages" / "help" / "private-remotes.md").read_text(),
        re.DOTALL,
    )
    assert block is not None
    acme = root / tmp_path.name / "acme"
    for number, name in enumerate(("fleet-config", "fleet-private", "fleet-edge")):
        GitRepository(acme / f"{name}.git").push(TEXT.replace("m:", f"m{number}:"))
    here = {
        "https://git.example.com/acme/fleet-config.git": nginx.url("public", acme / "fleet-config.git" / ".git"),
        "https://git.example.com/acme/fleet-private.git": nginx.url("private", acme / "fleet-private.git" / ".git"),
        "git@git.example.com:acme/fleet-edge.git": sshd.url(acme / "fleet-edge.git"),
    }
    vault.secrets["secret/data/fleet/https-reader"] = vault.secrets[HTTPS_PATH]
    vault.secrets["secret/data/fleet/deploy-key"] = vault.secrets[SSH_PATH]
    lines = [line for line in block[1].splitlines() if line.startswith("fleet ")]
    assert [url for url in here if not any(url in line for line in lines)] == []
    said = [fleet(*(here.get(word, word) for word in shlex.split(line)[1:])) for line in lines]
    assert said[-1].stdout.count("1 difference") == 3, said[-1].stdout
    assert "can be synced" in said[-2].stdout
