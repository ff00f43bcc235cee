"""The README's first hour, typed into a shell in an empty folder; the git host is a folder here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

from tests.cli.conftest import ROOT
from tests.conftest import GIT_ENVIRONMENT


def test_the_first_hour_works_as_it_is_typed(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text()
    hour = text[text.index("<!-- first hour:") : text.index("## Notebooks and SQL")]
    written, registered = re.findall(r"```sh\n(.*?)```", hour, re.DOTALL)[:2]
    remote = tmp_path / "remote.git"
    typed = registered.replace("https://git.example.com/acme/fleet-config.git", str(remote))
    assert str(remote) in typed
    script = (
        f'fleet() {{ "{sys.executable}" -m engine.cli --home "{tmp_path / "home"}" "$@"; }}\n'
        f"{written}\ngit clone -q --bare . {remote}\n{typed}"
    )
    environment = {
        **os.environ,
        **GIT_ENVIRONMENT,
        "PYTHONPATH": str(ROOT),
        "FLEET_ALLOW_LOCAL_REMOTES": "1",
        "FLEET_ACTOR": "ana",
        **{f"GIT_{who}_{what}": "ana@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    restored = yaml.safe_load((tmp_path / "fleet-config" / "restored.yaml").read_text())
    assert restored["modules"]["nginx-public"]["config"] == {"nginx_workers": 4}
    assert set(restored["nodes"]) == {"app-01"}
    assert not restored.get("assignments"), "the fourth was rejected"
