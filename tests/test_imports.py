"""The order of imports, and what `import mcollapse` brings along."""

import ast
import json
import pathlib

from tests.helpers import ROOT, python

PACKAGE = ROOT / "mcollapse"
LAYERS = [
    {"whole_numbers", "products"},
    {"version", "status", "costs", "once", "packing", "lanes", "schedules", "theory"},
    {"summation"},
    {"triangular", "orthogonal"},
    {"random"},
    {"data"},
    {"families"},
    {"decoders"},
    {"draw", "measuring"},
    {"estimators", "sources", "pools"},
    {"checks", "downstream", "held_out", "modes"},
    {"abstract_process", "capacities"},
    {"process"},
    {"metrics", "recording", "noise", "processes"},
    {"names"},
    {"description", "planning", "progress", "program", "datasets", "reading"},
    {"sweeping", "compilation", "trajectories"},
    {"running"},
    {"storing"},
    {"simulate", "dry_run"},
    {"significance", "predicting"},
    {"rates", "frames"},
    {"verdicts", "definitions"},
    {"fates"},
    {"plots", "tables"},
    {"reproducing"},
    {"experiments"},
    {"testing"},
    {"spec"},
    {"cli"},
]
UPWARD = {  # imported inside a method, where they are used
    ("trajectories", "verdicts"),
    ("trajectories", "definitions"),
    ("trajectories", "plots"),
    ("trajectories", "rates"),
    ("trajectories", "frames"),
    ("verdicts", "tables"),
}
LAYER = {part: i for i, parts in enumerate(LAYERS) for part in parts}


def imported(path: pathlib.Path) -> set[str]:
    """Parts of the package that a file imports, for types alone left out."""
    found = set()
    tree = ast.parse(path.read_text())
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    package = ["mcollapse", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = base + (node.module.split(".") if node.module else [])
            names = [[*stem, alias.name] for alias in node.names]
        else:
            continue
        found |= {parts[1] for parts in names if parts[0] == "mcollapse" and len(parts) > 1}
    return found


def test_every_form_of_import_is_seen(tmp_path, monkeypatch):
    file = PACKAGE / "pools" / "imaginary.py"
    code = (
        "import mcollapse.draw\nfrom mcollapse import data\nfrom ..random import normal\n"
        "from .base import AbstractPool\nfrom mcollapse.process import State\nimport numpy\n"
    )
    monkeypatch.setattr(pathlib.Path, "read_text", lambda self: code)
    assert imported(file) == {"draw", "data", "random", "pools", "process"}


def test_imports_point_down():
    for path in PACKAGE.rglob("*.py"):
        part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if part in ("__init__", "__main__"):
            continue
        for other in imported(path) - {part}:
            assert (part, other) in UPWARD or LAYER[other] < LAYER[part], f"{path} imports {other}"


def test_theory_and_engine_know_nothing_of_each_other():
    for path in (PACKAGE / "theory").rglob("*.py"):
        assert imported(path) <= {"theory"}, path
    users = {
        path.relative_to(PACKAGE).parts[0] for path in PACKAGE.rglob("*.py") if "theory" in imported(path)
    }
    assert users <= {"theory", "verdicts.py", "predicting", "plots", "experiments", "cli"}


HEAVY = (
    "xarray",
    "zarr",
    "matplotlib",
    "scipy.stats",
    "optax",
    "orbax",
    "pydantic",
    "typer",
    "rich",
    "pandas",
)


def test_import_is_light():
    code = (
        "import sys, json, mcollapse, jax\n"
        "from jax._src import xla_bridge\n"
        f"print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))\n"
        "print(len(xla_bridge._backends))"
    )
    loaded, backends = python(code).splitlines()
    assert json.loads(loaded) == [] and backends == "0"
