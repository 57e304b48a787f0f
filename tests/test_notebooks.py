"""Notebooks run from top to bottom, with fewer replicates, and are committed with small figures."""

import base64
import json
import pathlib
import sys

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((pathlib.Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
LARGEST_FIGURE = 100_000  # bytes


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """A kernel of the interpreter that runs the tests, whatever else is installed as "python3"."""
    directory = tmp_path / "kernels" / "this-interpreter"
    directory.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    specification = {"argv": command, "display_name": "this interpreter", "language": "python"}
    (directory / "kernel.json").write_text(json.dumps(specification))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setenv("MCOLLAPSE_FAST", "1")
    monkeypatch.delenv("MPLBACKEND", raising=False)  # figures are outputs of their cells
    return directory.name


def figures(notebook):
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_from_top_to_bottom(path, kernel):
    notebook = nbformat.read(path, as_version=4)
    expected = len(figures(notebook))
    for cell in notebook.cells:
        cell.pop("outputs", None)
        if cell.cell_type == "code":
            cell.outputs = []
    NotebookClient(notebook, timeout=300, kernel_name=kernel).execute()
    assert len(figures(notebook)) == expected


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_is_committed_as_it_ran(path):
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert not any(output.output_type == "error" or output.get("name") == "stderr" for output in outputs)
    assert all(len(base64.b64decode(figure)) < LARGEST_FIGURE for figure in figures(notebook))
