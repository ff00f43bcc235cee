"""One more switch of a repository takes its declaration, a migration and its use: every surface and statement has it by itself."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.model import SWITCHES
from engine.store.statements import migrations

ROOT = Path(__file__).resolve().parent.parent

DECLARED = '    auto_mend: bool = _switch("Auto-mend", "Mend what is broken, too.")\n'
"""Beside this one line, the copy gets a migration and nothing else."""

LIFE = """
import json, sys
from pathlib import Path

from click.testing import CliRunner

import engine
from engine.api.repositories import DECIDES, ChangedRepository
from engine.cli import cli
from engine.model import Actor, Permission
from engine.present import bodies
from engine.settings import Settings
from engine.workbench import Workbench

assert Path(engine.__file__).is_relative_to(sys.argv[1]), engine.__file__
home, me = Path(sys.argv[1]) / "home", Actor("ana")
with Workbench.open_home(Settings(home)) as bench:
    made = bench.add_repository(me, "fc", "https://git.example.com/x", account="acme", auto_mend=True)
    assert made.auto_mend and bench.repository("fc").auto_mend and bench.repositories()[0].auto_mend
    assert bodies.repository(made)["auto_mend"] is True
    assert bench.events(limit=1)[0].event.data["auto_mend"] is True
    assert not bench.change_repository(me, "fc", {"auto_mend": False}).auto_mend
    assert bench.events(limit=1)[0].event.data == {"auto_mend": False}
    writer = Actor("wil", frozenset({Permission.READ, Permission.WRITE}))
    try:
        bench.change_repository(writer, "fc", {"auto_mend": True})
    except engine.errors.FleetError as refused:
        assert refused.code == "FLEET-600", refused
    else:
        raise AssertionError("a switch that decides takes the permissions to decide")
asked = ["--home", str(home), "--json", "repo", "set", "fc", "--auto-mend"]
told = CliRunner().invoke(cli, asked)
assert told.exit_code == 0, told.output
assert json.loads(told.stdout)["gitops_repository"]["auto_mend"] is True
told = CliRunner().invoke(cli, ["--home", str(home), "repo", "show", "fc"])
assert "auto-mend" in told.output, told.output
body = ChangedRepository.model_validate({"gitops_repository": {"auto_mend": True}})
assert body.gitops_repository.given() == {"auto_mend": True}
properties = ChangedRepository.model_json_schema()["$defs"]["RepositoryChanges"]["properties"]
assert properties["auto_mend"]["description"] == "Mend what is broken, too."
assert "`auto_mend`" in DECIDES
"""


def test_one_more_switch_takes_a_line_and_a_migration(tmp_path: Path) -> None:
    for folder in ("engine", "pages"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    model = tmp_path / "engine" / "model.py"
    before, line, after = model.read_text().partition("    auto_heal: bool")
    model.write_text(before + DECLARED + line + after)
    number = migrations()[-1][0] + 1
    (tmp_path / "engine" / "store" / "migrations" / f"{number:04}_mend.sql").write_text(
        "ALTER TABLE gitops_repositories ADD COLUMN auto_mend BOOLEAN DEFAULT false;\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "FLEET_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-c", LIFE, str(tmp_path)],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("switch", [switch.name for switch in SWITCHES])
def test_a_switch_is_named_where_it_is_declared_kept_and_used(switch: str) -> None:
    naming = re.compile(rf"\b{switch}\b")
    named = {
        str(path.relative_to(ROOT))
        for folder in ("engine", "pages")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".sql", ".html", ".js", ".css"} and naming.search(path.read_text())
    }
    everywhere = {"engine/model.py", "engine/store/migrations/0001_founding.sql"}
    assert named - USES[switch] == everywhere, "one more place knows a switch by its name"


USES = {
    "auto_apply": {
        "engine/flow/propose.py",
        "engine/flow/tick.py",
        "engine/workbench/reader.py",
        "engine/workbench/workbench.py",  # a docstring
        "engine/analysis/what_if.py",
        "engine/api/examples.py",
    },
    "auto_prune": {"engine/flow/propose.py", "engine/flow/tick.py", "engine/workbench/reader.py"},
    "auto_heal": {"engine/flow/propose.py"},
    "allow_empty": {"engine/flow/preview.py"},
}
"""What acts on each switch, or tells of it in an example."""
