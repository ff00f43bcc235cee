"""The notebooks: clean in git, a sentence before every cell, and each runs from top to bottom on the demo's snapshot."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def test_they_are_the_five_that_are_promised() -> None:
    assert [path.stem for path in NOTEBOOKS] == [
        "01_explore_diffs",
        "02_drift_history",
        "03_what_if",
        "04_restore_drill",
        "05_review_flow",
    ]
    assert sorted(FOLDER.iterdir()) == NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_nothing_of_a_run_is_kept_and_a_sentence_stands_before_every_cell(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[0].source.startswith("# ")
    for before, cell in zip(notebook.cells, notebook.cells[1:], strict=False):
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None)
            assert before.cell_type == "markdown"
            assert before.source.rstrip().endswith((".", "?", ":")), before.source
    assert path.read_text() == nbformat.writes(notebook, indent=1) + "\n"


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_from_top_to_bottom(path: Path, taken: Path, tmp_path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    folders = {name: str(tmp_path / name) for name in ("HOME", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR")}
    client = NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute(env={**os.environ, **folders, "FLEET_SNAPSHOT": str(taken)})
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output.get("text")
    shown = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert len(shown) >= sum(cell.cell_type == "code" for cell in notebook.cells) - 1, "every cell shows something"
