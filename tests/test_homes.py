"""Where data lives where nobody says so, and what becomes of data that an older version left in an installation."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from engine.errors import StoreError
from engine.settings import Settings
from engine.system import homes

ROOT = Path(__file__).resolve().parent.parent


def test_a_checkout_keeps_its_data_beside_the_code() -> None:
    assert homes.is_checkout()
    assert Settings.from_environment(None, {"STATE_DIRECTORY": "/var/lib/fleet"}).home == ROOT / "data" / "state"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The code lies among installed packages. Gives the folder of these."""
    packages = tmp_path / "site-packages"
    packages.mkdir()
    monkeypatch.setattr(homes, "PROJECT", packages)
    monkeypatch.setattr(homes, "LEFT", packages / "data" / "state")
    return packages


@pytest.mark.parametrize(
    ("environment", "home"),
    [
        ({}, "{data}/fleet"),
        ({"STATE_DIRECTORY": "/var/lib/fleet:/var/lib/other"}, "/var/lib/fleet"),
        ({"FLEET_HOME": "/srv/fleet", "STATE_DIRECTORY": "/var/lib/fleet"}, "/srv/fleet"),
    ],
)
def test_an_installed_copy_keeps_nothing_in_the_installation(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], home: str
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert str(Settings.from_environment(None, environment).home) == home.format(data=tmp_path / "data")
    assert Settings.from_environment("/elsewhere", environment).home == Path("/elsewhere")


def test_what_was_left_is_refused_only_where_a_new_store_would_begin(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    left, home = installed / "data" / "state", tmp_path / "fleet"
    homes.refuse_left_behind(home, "fleet.duckdb")
    left.mkdir(parents=True)
    (left / "fleet.duckdb").touch()
    with pytest.raises(StoreError, match="FLEET-321") as caught:
        homes.refuse_left_behind(home, "fleet.duckdb")
    assert f"mv {left} {home}" in caught.value.hint
    homes.refuse_left_behind(left, "fleet.duckdb")
    homes.refuse_left_behind(tmp_path / "chosen", "fleet.duckdb")
    home.mkdir()
    (home / "fleet.duckdb").touch()
    homes.refuse_left_behind(home, "fleet.duckdb")
    (installed / "pyproject.toml").touch()
    (installed / "app.py").touch()
    shutil.rmtree(home)
    homes.refuse_left_behind(home, "fleet.duckdb")


def test_an_installed_copy_from_first_use_to_the_move_of_old_data(tmp_path: Path) -> None:
    """The package itself, unpacked as an installer does it, typed at as its user would."""
    packages, data = tmp_path / "site-packages", tmp_path / "share"
    (made,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    zipfile.ZipFile(made).extractall(packages)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FLEET_")}
    environment |= {"PYTHONPATH": str(packages), "XDG_DATA_HOME": str(data)}

    def fleet(*words: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "engine.cli", *words], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    before = {path for path in packages.rglob("*") if "__pycache__" not in path.parts}
    assert fleet("demo", "--no-serve")[0] == 0
    assert {path for path in packages.rglob("*") if "__pycache__" not in path.parts} == before
    assert (data / "fleet" / "fleet.duckdb").is_file()

    left = packages / "data" / "state"
    left.parent.mkdir()
    (data / "fleet").rename(left)  # as an older version had it
    code, said = fleet("status")
    assert (code, "FLEET-321" in said) == (1, True)
    assert fleet("--home", str(tmp_path / "chosen"), "status")[0] == 0, "whoever names a home gets it"
    line = said.partition("Move it: ")[2].partition(". Or use")[0]
    subprocess.run(["sh", "-c", line], check=True, cwd=tmp_path)
    code, said = fleet("status")
    assert (code, "northwind" in said or "31 resources" in said) == (0, True), said
