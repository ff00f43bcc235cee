"""The README's first hour and the tutorial, typed into a shell in an empty folder; the git host is a folder here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

from tests.cli.conftest import ROOT
from tests.conftest import GIT_ENVIRONMENT

URL = "https://git.example.com/acme/fleet-config.git"


def _type(tmp_path: Path, script: str) -> str:
    """Type lines into a shell; gives what was printed."""
    environment = {
        **os.environ,
        **GIT_ENVIRONMENT,
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
        "FLEET_ALLOW_LOCAL_REMOTES": "1",
        "FLEET_ACTOR": "ana",
        **{f"GIT_{who}_{what}": "ana@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    script = f'fleet() {{ "{sys.executable}" -m engine.cli "$@"; }}\n{script}'
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_first_hour_works_as_it_is_typed(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text()
    hour = text[text.index("<!-- first hour:") : text.index("<!-- /first hour -->")]
    written, registered = re.findall(r"```sh\n(.*?)```", hour, re.DOTALL)
    remote = tmp_path / "remote.git"
    typed = registered.replace(URL, str(remote))
    assert str(remote) in typed
    _type(tmp_path, f"export FLEET_HOME={tmp_path}/home\n{written}\ngit clone -q --bare . {remote}\n{typed}")
    restored = yaml.safe_load((tmp_path / "fleet-config" / "restored.yaml").read_text())
    assert restored["modules"]["nginx-public"]["config"] == {"nginx_workers": 4}
    assert set(restored["nodes"]) == {"app-01"}
    assert not restored.get("assignments"), "the fourth was rejected"


def test_the_tutorial_works_as_it_is_typed(tmp_path: Path) -> None:
    text = (ROOT / "pages" / "help" / "tutorial.md").read_text()
    typed = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    remote = tmp_path / "remote.git"
    assert "\nfleet serve\n" in typed
    typed = typed.replace(URL, str(remote)).replace("\nfleet serve\n", "\n")
    typed = re.sub(r"^(fleet diff .*)$", r"\1 || [ $? -eq 3 ]", typed, flags=re.MULTILINE)  # there are differences
    said = _type(tmp_path, f"git init -q --bare --initial-branch main {remote}\n{typed}")
    assert "nginx_workers 4 → 8" in said
    assert "not before Friday" in said
    assert said.count("priority 60 → 50") >= 1, said
    restored = yaml.safe_load((tmp_path / "fleet-config" / "restored.yaml").read_text())
    assert restored["modules"]["nginx-public"]["config"] == {"nginx_workers": 8}
    assert restored["modules"]["nginx-public"]["priority"] == 60
