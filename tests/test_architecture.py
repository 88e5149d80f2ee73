"""Which way things point: the imports of every file against a table of rooms."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "aeexplorer"
FILES = sorted([*PACKAGE.rglob("*.py"), *(ROOT / "pages").glob("*.py"), *ROOT.glob("app.py")])

ARRAYS = {"config", "interpolation", "metrics", "plots", "projection"}
MODELS = {
    "config",
    "data",
    "tensors",
    "noise",
    "corruption",
    "nets",
    "perceptual",
    "losses",
    "models",
    "families",
}
RUNS = MODELS | {"store", "program_files", "training", "metrics", "owners", "spreadsheets", "runs"}
LOOKING_IN = RUNS | ARRAYS | {"explorer"}

ALLOWED: dict[str, set[str]] = {
    "config": set(),
    "flags": {"config"},
    "owners": {"config"},
    "spreadsheets": set(),
    "data": {"config", "store", "owners", "spreadsheets"},
    # arrays only
    "interpolation": {"config"},
    "metrics": {"config"},
    "plots": {"config"},
    "projection": {"config", "metrics", "spreadsheets"},
    # models and how they are trained
    "tensors": {"config", "data"},
    "noise": set(),
    "corruption": {"config", "data", "tensors", "noise"},
    "nets": {"config", "data", "tensors", "noise"},
    "perceptual": {"data"},
    "losses": {"config", "data", "perceptual"},
    "models": MODELS - {"families"},
    "families": MODELS,
    "training": MODELS | {"metrics"},
    # runs on disk
    "store": {"config"},
    "program_files": set(),
    "runs": RUNS - {"runs"},
    "explorer": RUNS | ARRAYS,
    # what looks in through the explorer
    "applications": LOOKING_IN,
    "jobs": LOOKING_IN | {"applications"},
    "live": LOOKING_IN | {"applications"},
    "server": LOOKING_IN | {"jobs", "live"},
    "ui": LOOKING_IN | {"applications", "jobs", "live", "server", "__init__"},
    "commands": LOOKING_IN | {"applications"},
    "__init__": LOOKING_IN,
    "data_commands": {"config", "data", "owners", "runs", "store"},
    "__main__": LOOKING_IN | {"commands", "data_commands", "flags", "jobs", "server", "__init__"},
    "pages": ARRAYS | {"data", "families", "store", "runs", "explorer", "jobs", "ui"},
    "app": {"server", "program_files"},
}

TORCH = {
    "corruption",
    "noise",
    "tensors",
    "nets",
    "perceptual",
    "losses",
    "models",
    "families",
    "training",
    "runs",
    "explorer",
    "store",
}

WARMS_UP = "aeexplorer/jobs/worker.py"
"""A worker imports torch before it is needed, and asks it for nothing."""


def room_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[1] if parts[0] == "aeexplorer" else parts[0]


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(path) for path in FILES}


@functools.cache
def nodes_of(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


@functools.cache
def imported(path: Path) -> tuple[str, ...]:
    """Dotted names of what a file imports, inside functions and under TYPE_CHECKING as well."""
    return tuple(_imported(path))


def _imported(path: Path) -> Iterator[str]:
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            yield from (a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str))


def files_imported(path: Path) -> set[str]:
    """Dotted names of the files of the package that a file imports."""
    found = set()
    for name in imported(path):
        parts = name.split(".")
        for length in (len(parts), len(parts) - 1):
            module = ".".join(parts[:length])
            if module in MODULES:
                found.add(module)
                break
    return found - {module_of(path)}


def page_of(module: str) -> str:
    """The page that a file of `ui/` is a part of: `generate.py` and `generate_view.py` of Generate; "" for shared
    ones."""
    parts = module.split(".")
    if parts[:2] != ["aeexplorer", "ui"] or len(parts) < 3 or parts[2] in ("shell", "shared"):
        return ""
    pages = {path.stem for path in (ROOT / "pages").glob("*.py")}
    return parts[2] if parts[2] in pages else parts[2].partition("_")[0]


def rooms_imported(path: Path) -> set[str]:
    found = set()
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "aeexplorer":
            inside = len(parts) > 1 and ((PACKAGE / parts[1]).is_dir() or (PACKAGE / f"{parts[1]}.py").exists())
            found.add(parts[1] if inside else "__init__")
        elif parts[0] in ("pages", "app"):
            found.add(parts[0])
    return found


def packages_imported(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(path)} - set(sys.stdlib_module_names) - {"aeexplorer"}


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_the_table_knows_every_room() -> None:
    assert {room_of(p) for p in FILES} <= set(ALLOWED)
    assert set.union(*ALLOWED.values()) <= set(ALLOWED)


def test_the_table_has_no_circle() -> None:
    left = {room: allowed - {room} for room, allowed in ALLOWED.items()}
    while free := {room for room, allowed in left.items() if not allowed}:
        left = {room: allowed - free for room, allowed in left.items() if room not in free}
    assert not left


@pytest.mark.parametrize("path", FILES, ids=named)
def test_arrows_point_one_way(path: Path) -> None:
    room = room_of(path)
    assert rooms_imported(path) - {room} <= ALLOWED[room]


@pytest.mark.long
def test_no_files_import_each_other_in_a_circle() -> None:
    left = {module_of(path): files_imported(path) for path in FILES}
    while free := {module for module, needs in left.items() if not needs & left.keys()}:
        left = {module: needs for module, needs in left.items() if module not in free}
    assert not left


@pytest.mark.parametrize("path", [p for p in FILES if room_of(p) == "ui"], ids=named)
def test_parts_of_a_page_know_no_other_page(path: Path) -> None:
    pages = {page_of(module) for module in files_imported(path)} - {""}
    assert pages <= {page_of(module_of(path))}


@pytest.mark.parametrize("path", FILES, ids=named)
def test_packages_stay_in_their_rooms(path: Path) -> None:
    room, packages = room_of(path), packages_imported(path)
    if room not in TORCH and named(path) != WARMS_UP:
        assert "torch" not in packages and "safetensors.torch" not in set(imported(path))
    if room == "store":
        assert not any(n.startswith("torch.") and n != "torch.Tensor" for n in imported(path))
    if room not in ("app", "pages", "ui", "server") and named(path) != "aeexplorer/live/components.py":
        assert "streamlit" not in packages
    if room == "pages":
        assert packages <= {"streamlit"}
        assert not {"random", "os", "pathlib", "shutil", "io"} & {n.split(".")[0] for n in imported(path)}


@pytest.mark.parametrize("path", FILES, ids=named)
def test_nothing_unpickles(path: Path) -> None:
    for name in imported(path):
        assert name.split(".")[0] not in ("pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal")
        assert name != "torch.load"
    for node in nodes_of(path):
        if isinstance(node, ast.Attribute):
            assert ast.unparse(node) not in ("torch.load", "torch.save", "np.save", "pandas.read_pickle")
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            assert isinstance(node.value, ast.Constant) and node.value.value is False


@pytest.mark.parametrize("path", FILES, ids=named)
def test_files_stay_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 450


def test_there_is_no_room_for_odds_and_ends() -> None:
    assert not {p.stem for p in FILES} & {"utils", "util", "helpers", "misc", "common"}


def test_importing_the_package_does_not_wait_for_what_is_heavy() -> None:
    code = (
        "import sys, aeexplorer, aeexplorer.config, aeexplorer.data, aeexplorer.store, aeexplorer.plots\n"
        "heavy = {'torch', 'sklearn', 'umap', 'numba', 'openTSNE', 'plotly', 'pandas', 'streamlit', 'pooch'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split() == []


def test_public_names_are_there() -> None:
    import aeexplorer

    for name in aeexplorer.__all__:
        assert getattr(aeexplorer, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = aeexplorer.nothing
