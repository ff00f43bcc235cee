"""What is packed: all that git tracks of the product, and nothing that lies beside it in a work tree."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).resolve().parent.parent
BESIDE = (
    ".streamlit/secrets.toml", "notebooks/monday.duckdb", "notebooks/.ipynb_checkpoints/01-checkpoint.ipynb", "pages/.env", "engine/.env",
    "engine/store/fleet.duckdb", "data/example/x/a", "data/state/fleet.duckdb", ".env", "my.duckdb", "tests/canary.pem",
)  # fmt: skip
"""Files of a developer, none of which is tracked."""

SHIPPED = {"pages/", "notebooks/", "data/example/", ".streamlit/", "app.py"}
"""What an installed copy keeps below `engine/_data/`."""


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split("\0") if name]


@pytest.fixture(scope="module")
def tree(tracked: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is tracked, with a developer's own files in it."""
    folder = tmp_path_factory.mktemp("tree")
    for name in tracked:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    for name in BESIDE:
        assert name not in tracked
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("CANARY")
    return folder


def test_a_wheel_holds_what_git_tracks_of_the_product(tree: Path, tracked: list[str], tmp_path: Path) -> None:
    (made,) = WheelBuilder(str(tree)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(made) as wheel:
        found = {name for name in wheel.namelist() if ".dist-info/" not in name}
    shipped = {f"engine/_data/{name}" for name in tracked if name.startswith(tuple(SHIPPED))}
    assert found == shipped | {name for name in tracked if name.startswith("engine/")}


def test_a_source_package_holds_nothing_else(tree: Path, tracked: list[str], tmp_path: Path) -> None:
    (made,) = SdistBuilder(str(tree)).build(directory=str(tmp_path), versions=["standard"])
    with tarfile.open(made) as packed:
        found = {name.partition("/")[2] for name in packed.getnames()} - {"PKG-INFO"}
    assert found <= set(tracked)
    assert {name for name in tracked if not name.startswith("data/pictures/")} - found == set()
