"""A home that somebody tampered with: links of every kind, pipes, other people's ids, huge and poisoned files."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from waiting import PATIENCE, wait_until

from aeexplorer import jobs
from aeexplorer.__main__ import main
from aeexplorer.config import ConfigError
from aeexplorer.data import load_dataset
from aeexplorer.jobs.cache import ROOTS, trim_results
from aeexplorer.jobs.doctor import clean, examine
from aeexplorer.jobs.graphs import neighbour_graph
from aeexplorer.jobs.job import folder_key
from aeexplorer.jobs.maps import compute_map
from aeexplorer.jobs.registry import Registry
from aeexplorer.projection import compiled
from aeexplorer.runs.bundles import bundle, import_bundle
from aeexplorer.runs.folders import WorkFolder
from aeexplorer.runs.listing import DamagedRun, list_runs
from aeexplorer.runs.log import CURVE_ROWS, Follower
from aeexplorer.runs.recording import train_run
from aeexplorer.runs.request import new_run
from aeexplorer.runs.run import Run
from aeexplorer.store import EVENT_BYTES, Damaged, is_temporary, read_events, read_json, save_arrays, write_json
from aeexplorer.ui.shared.page_footer import opening

TINY: dict[str, Any] = {"hidden": (8,), "latent_dim": 2, "batch_size": 8, "epochs": 1}
LEFT = ".status.json.abcdefgh.tmp"


@pytest.fixture
def run(tiny: Any) -> Run:
    return train_run(new_run("ae", tiny("grey"), **TINY), tiny("grey"), bar=False)


def content_of(folder: Path) -> dict[str, bytes | str]:
    found: dict[str, bytes | str] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        found[name] = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else ""
    return found


# links

PLACES = [
    "runs", "maps", "codes", "graphs", "data", "runs/r", "maps/" + "a" * 32, "codes/" + "b" * 32, "runs/r/checkpoint",
    "runs/r/snapshots", f"runs/{LEFT}", f"maps/{LEFT}", f"runs/r/{LEFT}", "runs/r/weights.safetensors", LEFT,
    "registry.damaged-17.sqlite",
]  # fmt: skip
TARGETS = [
    "", "runs", "runs/x", "maps", "maps/" + "a" * 32, ".git", ".git/config", LEFT, f"runs/{LEFT}", "absent",
    "registry.damaged-1.sqlite",
]  # fmt: skip


def make_foreign(folder: Path) -> None:
    """A folder beside the home that looks like one, with hidden files of its own and names of our temporaries."""
    for name in (".git/config", ".env", "runs/x/spec.json", f"runs/x/{LEFT}", f"runs/{LEFT}", LEFT):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")
    (folder / "maps" / ("a" * 32)).mkdir(parents=True)
    (folder / "maps" / ("a" * 32) / "map.safetensors").write_bytes(bytes(1000))
    (folder / "registry.damaged-1.sqlite").write_bytes(b"")
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (1.0, 1.0))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(links=st.dictionaries(st.sampled_from(PLACES), st.sampled_from(TARGETS), max_size=8))
@pytest.mark.long
def test_what_lies_beside_the_home_stays_whatever_links_lead_there(
    home: Path, tmp_path: Path, links: dict[str, str]
) -> None:
    foreign = tmp_path / "foreign"
    for folder in (home, foreign):
        shutil.rmtree(folder, ignore_errors=True)
    make_foreign(foreign)
    home.mkdir()
    for place, target in sorted(links.items()):
        path = home / place
        if not any(parent.is_symlink() for parent in path.parents) and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(foreign / target)
            os.utime(path, (1.0, 1.0), follow_symlinks=False)
    before = content_of(foreign)
    for folder in ROOTS:
        if not (home / folder).is_symlink():
            (home / folder).mkdir(exist_ok=True)
    examine()
    clean()
    trim_results(limit_mb=0)
    Registry().adopt_missing()
    for found in list_runs():
        if not (home / "runs").is_symlink():
            found.delete(found.owner)
    clean()
    assert content_of(foreign) == before
    assert not [p for p in (home / "runs").rglob("*") if is_temporary(p.name)] or (home / "runs").is_symlink()


def test_only_our_own_temporary_names_are_removed(home: Path, run: Run) -> None:
    ours, theirs = run.path / LEFT, [home / ".env", run.path / ".git", run.path / ".notes.backup"]
    for path in (ours, *theirs):
        path.write_text("x")
        os.utime(path, (1.0, 1.0))
    assert clean() == [ours]
    assert all(path.exists() for path in theirs)


def test_of_a_linked_run_the_link_is_deleted_and_nothing_stays_hidden(home: Path, run: Run, tmp_path: Path) -> None:
    elsewhere = tmp_path / "disk" / run.id
    elsewhere.parent.mkdir()
    shutil.move(run.path, elsewhere)
    run.path.symlink_to(elsewhere)
    (linked,) = list_runs()
    linked.delete()
    assert list((home / "runs").iterdir()) == []
    assert (elsewhere / "weights.safetensors").is_file()


def test_a_bundle_holds_no_file_that_a_link_leads_to(run: Run, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a secret")
    (run.path / "log.txt").unlink(missing_ok=True)
    (run.path / "log.txt").symlink_to(tmp_path / "secret")
    assert b"log.txt" not in bundle(run)


@pytest.mark.parametrize("way", ["link", "dots", "here"])
def test_a_run_is_renamed_stopped_and_deleted_whichever_way_its_path_leads_there(
    home: Path, run: Run, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "link":
        (tmp_path / "link").symlink_to(home)
        path = tmp_path / "link" / "runs" / run.id
    elif way == "dots":
        path = home / "runs" / ".." / ".." / "home" / "runs" / run.id
    else:
        monkeypatch.chdir(run.path)
        path = Path()
    assert folder_key(WorkFolder(path).path) == f"runs/{run.id}"
    assert main(["rename", str(path), "another name"]) == 0
    assert Run(run.path).title == "another name"
    assert main(["delete", str(path)]) == 0
    assert list_runs() == []


def test_a_home_that_is_a_link_works(home: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to(home)
    monkeypatch.setenv("AEEXPLORER_HOME", str(tmp_path / "link"))
    assert main(["rename", str(run.path), "by its real path"]) == 0
    (found,) = list_runs()
    assert isinstance(found, Run) and found.title == "by its real path"
    found.delete()
    assert list_runs() == []


# pipes, and other things that are no files


@pytest.mark.parametrize("name", ["spec.json", "status.json", "label.json", "events.jsonl", "weights.safetensors"])
@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
def test_what_is_no_file_is_damage_and_nobody_waits_for_it(run: Run, name: str, kind: str) -> None:
    path = run.path / name
    path.unlink(missing_ok=True)
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case _:
            path.symlink_to("/dev/zero")
    (found,) = list_runs()
    assert isinstance(found, DamagedRun) == (name in ("spec.json", "status.json"))
    assert any(name in finding.what for finding in examine())
    if isinstance(found, Run):
        assert found.title and found.epochs() is not None and found.last_progress is not None
        if name == "events.jsonl":
            with pytest.raises(OSError):
                found.append({"type": "end"})


def test_a_json_file_without_end_is_not_read_whole(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aeexplorer.store.JSON_BYTES", 10_000)
    os.truncate(run.path / "label.json", 10**12) if (run.path / "label.json").exists() else None
    with open(run.path / "label.json", "wb") as file:
        file.truncate(10**12)
    with pytest.raises(Damaged, match="must have at most 10,000 bytes"):
        read_json(run.path / "label.json")
    assert run.title == run.spec.title


# ids and Python


@pytest.mark.parametrize("name", ['x"); import os #', "it's", "a\\b", "new\nline"])
def test_copied_python_says_names_as_texts(run: Run, name: str) -> None:
    odd = run.path.with_name(name)
    run.path.rename(odd)
    write_json(odd / "spec.json", {**read_json(odd / "spec.json"), "id": name})
    module = ast.parse(opening(Run(odd)))
    (call,) = [node for node in ast.walk(module) if isinstance(node, ast.Call)]
    assert [ast.literal_eval(argument) for argument in call.args] == [name]
    assert len(module.body) == 2


def test_an_id_of_another_folder_is_damage(run: Run) -> None:
    write_json(run.path / "spec.json", {**read_json(run.path / "spec.json"), "id": 'x"); import os #'})
    (found,) = list_runs()
    assert isinstance(found, DamagedRun) and "must be the name of the folder" in found.reason


def test_class_names_in_an_exported_table_are_no_formulas(run: Run, tmp_path: Path) -> None:
    spec = read_json(run.path / "spec.json")
    spec["data"]["classes"] = ['=cmd|"/c calc"!A1', "@SUM(1)"]
    write_json(run.path / "spec.json", spec)
    assert main(["export", str(run.path), "--what", "codes", "--out", str(tmp_path / "codes.csv")]) == 0
    lines = (tmp_path / "codes.csv").read_text().splitlines()[1:]
    assert all(line.split(",")[1].lstrip('"').startswith("'") for line in lines)


def test_a_missing_folder_is_named_and_no_temporary_file(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(run.path), "--out", str(tmp_path / "absent" / "run.zip")]) == 2
    told = capsys.readouterr().err
    assert f"{tmp_path / 'absent'} is no folder" in told and ".tmp" not in told


# events


def event(epoch: int) -> dict[str, Any]:
    return {"type": "epoch", "epoch": epoch, "epochs": 10**6, "step": epoch, "steps": 10**6, "train": {"mse": 1.0}}


@pytest.mark.long
def test_a_log_of_a_hundred_megabytes_is_read_by_its_end_and_by_samples(run: Run) -> None:
    import json

    path, line = run.path / "events.jsonl", json.dumps(event(0)) + " " * 900
    with open(path, "wb") as file:
        for epoch in range(100_000):
            file.write((line.replace('"epoch": 0', f'"epoch": {epoch}') + "\n").encode())
    events, offset = read_events(path)
    epochs = [found["epoch"] for found in events]
    assert offset == path.stat().st_size and epochs[-1] == 99_999 and epochs[0] == 0
    assert epochs == sorted(set(epochs)) and sum(len(line) for _ in epochs) < 1.2 * EVENT_BYTES
    gaps = np.diff([epoch for epoch in epochs if epoch < 95_000])
    assert gaps.max() < 100_000 / 50, "every part of the training is there"
    follower = Follower(run)
    rows = follower.read().curve()
    assert len(rows) <= CURVE_ROWS and rows[-1]["epoch"] == 99_999
    run.append(event(100_000))
    assert follower.read().curve()[-1]["epoch"] == 100_000
    assert any("events.jsonl has" in finding.what for finding in examine())


@pytest.mark.parametrize(
    "poison",
    [
        {"train": []}, {"train": [1]}, {"train": {"mse": "x"}}, {"train": {"mse": 1e999}}, {"train": None}, {"epoch": "x"},
        {"epoch": None}, {"epoch": 1.5}, {"epoch": True}, {"epoch": 10**30}, {"steps": 0}, {"step": -1}, {"validation": 3},
        {"seconds_left": "soon"}, {"fraction": []}, {"steps": {}},
    ],
)  # fmt: skip
def test_poisoned_events_are_passed_over(run: Run, poison: dict[str, Any]) -> None:
    import json

    with open(run.path / "events.jsonl", "a") as file:
        file.write(json.dumps({**event(7), **poison}) + "\n")
    follower = Follower(run).read()
    rows = follower.curve()
    assert all(np.isfinite(list(row["train"].values())).all() for row in rows)
    assert max(float(row["epoch"]) for row in rows) <= 7 and len(run.epochs()) <= 2
    assert all(isinstance(value, int | float) for value in run.last_progress.values())


# maps and graphs


def arrays_of(n: int) -> dict[str, np.ndarray]:
    points = np.random.default_rng(0).standard_normal((n, 2)).astype(np.float32)
    return {"points": points, "labels": np.zeros(n, np.int64), "index": np.arange(n), "kept": np.ones(n, np.float32)}


POISONED_MAPS: dict[str, Callable[[dict[str, np.ndarray]], object]] = {
    "not finite": lambda a: a["points"].__setitem__((0, 0), np.nan),
    "of one dimension": lambda a: a.update(points=a["points"][:, :1]),
    "of texts": lambda a: a.update(points=np.frombuffer(b"x" * 24, np.uint8).reshape(12, 2)),
    "without points": lambda a: a.update({name: array[:0] for name, array in a.items()}),
    "negative places": lambda a: a["index"].__setitem__(0, -1),
    "places that are no numbers of samples": lambda a: a.update(index=a["index"] + 0.5),
    "other labels": lambda a: a.update(labels=a["labels"][:-1]),
    "other shares": lambda a: a.update(kept=a["kept"][:, None]),
}


@pytest.mark.parametrize("name", POISONED_MAPS)
def test_a_poisoned_map_is_damage_and_is_drawn_again(run: Run, name: str, idle: None, tiny: Any) -> None:
    job = jobs.request_map(run, "pca", 12)
    arrays = arrays_of(12)
    save_arrays(job.path / "map.safetensors", arrays)
    job.set_status(state="done")
    Registry().move(job.path, ("queued",), "done")
    job.finished()
    POISONED_MAPS[name](arrays)
    save_arrays(job.path / "map.safetensors", arrays)
    with pytest.raises(Damaged, match=r"map.safetensors in"):
        job.finished()
    assert any("map.safetensors" in finding.what for finding in examine())
    again = jobs.request_map(run, "pca", 12)
    assert again.status.state == "queued"
    again.set_status(state="running", pid=os.getpid())
    compute_map(again, lambda: True)
    assert len(again.finished().points) == 12


@pytest.mark.parametrize("poison", [("indices", 99), ("indices", -1), ("distances", np.nan), ("distances", -1.0)])
def test_a_poisoned_graph_is_made_again(home: Path, poison: tuple[str, float]) -> None:
    z = np.random.default_rng(0).standard_normal((30, 5)).astype(np.float32)
    graph = neighbour_graph(z)
    (path,) = (home / "graphs").glob("*/graph.safetensors")
    arrays = {name: np.array(array) for name, array in graph._asdict().items()}
    arrays[poison[0]][0, 0] = poison[1]
    save_arrays(path, arrays)
    assert all(map(np.array_equal, neighbour_graph(z), graph))


# what is compiled


@pytest.mark.skipif(sys.platform == "win32", reason="there are no permissions of this kind")
def test_compiled_code_that_others_could_have_written_is_not_run(tmp_path: Path) -> None:
    folder = tmp_path / "compiled"
    compiled._made(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    for mode in (0o777, 0o770, 0o702):
        (folder / "planted.nbc").write_bytes(b"x")
        folder.chmod(mode)
        compiled._made(folder)
        assert folder.stat().st_mode & 0o777 == 0o700 and not list(folder.iterdir())
    (folder / "kept.nbc").write_bytes(b"x")
    compiled._made(folder)
    assert (folder / "kept.nbc").exists()
    shutil.move(folder, tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):
        compiled._made(folder)
    assert (tmp_path / "elsewhere" / "kept.nbc").exists()


# imports


KILLED_IMPORT = """
import os, sys, threading
from aeexplorer.runs.bundles import import_bundle
sys.stdout.write("ready\\n"); sys.stdout.flush()
for _ in range(200):
    import_bundle(sys.argv[1])
"""


@pytest.mark.long
def test_a_killed_import_leaves_whole_runs_and_temporaries(home: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "run.zip").write_bytes(bundle(run))
    for pause in (0.0, 0.03, 0.1):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED_IMPORT, str(tmp_path / "run.zip")], stdout=subprocess.PIPE
        )
        assert process.stdout is not None and process.stdout.readline()
        time.sleep(pause)
        process.kill()
        process.wait()
        process.stdout.close()
    assert all(isinstance(found, Run) and found.load_model() for found in list_runs())
    visible = [path for path in (home / "runs").iterdir() if not path.name.startswith(".")]
    hidden = [path for path in (home / "runs").iterdir() if path.name.startswith(".")]
    assert len(visible) == len(list_runs()) and all(is_temporary(path.name) for path in hidden)
    for path in hidden:
        os.utime(path, (1.0, 1.0))
    assert set(clean()) == set(hidden)
    assert not [path for path in (home / "runs").iterdir() if path.name.startswith(".")]


def test_an_import_follows_no_link(home: Path, run: Run, tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "run.zip", "w") as archive:
        for name in ("spec.json", "status.json"):
            archive.write(run.path / name, f"linked/{name}")
        link = zipfile.ZipInfo("linked/weights.safetensors")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, str(run.path / "weights.safetensors"))
    with pytest.raises(ConfigError, match="nothing but a run's JSON and safetensors"):
        import_bundle(tmp_path / "run.zip")
    assert [found.path for found in list_runs()] == [run.path]


# stopping


@pytest.mark.long
def test_a_training_that_a_terminal_started_is_stopped(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = load_dataset("digits")
    run = new_run("ae", data, epochs=10_000, hidden=(8,), latent_dim=2)
    code = (
        "import sys; from aeexplorer.data import load_dataset; from aeexplorer.runs.recording import train_run;"
        "from aeexplorer.runs.run import Run; train_run(Run(sys.argv[1]), load_dataset('digits'), bar=False)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(run.path)])
    try:
        wait_until(lambda: process.poll() is not None or run.last_event("epoch") is not None)
        assert process.poll() is None
        with pytest.raises(ConfigError, match="belongs to somebody else"):
            jobs.cancel(run, "a stranger")
        assert main(["stop", run.id]) == 0
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()
    assert run.status.state == "cancelled" and run.load_model() is not None
    assert main(["stop", run.id]) == 2
