"""Run folders: what is made, what is refused as damaged while others load, and what people may do with them."""

from __future__ import annotations

import io
import json
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from aeexplorer.config import ConfigError
from aeexplorer.data import Dataset
from aeexplorer.families import FAMILIES
from aeexplorer.models.base import ModelConfig
from aeexplorer.runs import listing
from aeexplorer.runs.bundles import bundle
from aeexplorer.runs.folders import Status, process_identity
from aeexplorer.runs.listing import DamagedRun, find_run, list_runs
from aeexplorer.runs.run import Codes, Run
from aeexplorer.store import Damaged, load_tensors, save_arrays, save_tensors
from aeexplorer.training.loop import Checkpoint, TrainingConfig

Tiny = Callable[[str], Dataset]
SMALL = ModelConfig(hidden=(6,), latent_dim=3)


@pytest.fixture
def run(tiny: Tiny) -> Run:
    """A run with weights and codes, done."""
    run = Run.create("ae", tiny("grey").spec, SMALL, TrainingConfig(batch_size=8))
    run.save_model(run.new_model())
    run.save_codes(Codes(np.zeros((4, 3)), np.arange(4), np.arange(4)))
    run.set_status(state="done", result={"mse": 0.5})
    return run


def dead_process() -> dict[str, object]:
    """Number and start of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    identity = process_identity(process.pid)
    process.communicate()
    return identity


def test_a_new_run_is_queued_and_opens_again(tiny: Tiny, home: Path) -> None:
    made = Run.create("vae", tiny("grey").spec, FAMILIES["vae"].config, TrainingConfig(seed=4), title="Mine")
    assert made.path.parent == home / "runs" and made.id == made.path.name
    again = Run(made.path)
    assert again.spec == made.spec and again.config == FAMILIES["vae"].config and again.title == "Mine"
    assert again.spec.data == tiny("grey").spec and again.spec.training.seed == 4
    assert again.status == Status() and again.status.active and not again.has_weights
    assert again.frames() == [] and again.epochs() == [] and again.load_checkpoint() is None


def test_a_title_is_made_of_what_it_is(tiny: Tiny) -> None:
    assert Run.create("ae", tiny("grey").spec, SMALL, TrainingConfig()).title == "Tiny pictures · Autoencoder · 3-d"


def test_a_taken_path_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="path must not exist yet"):
        Run.create("ae", tiny("grey").spec, SMALL, TrainingConfig(), path=tmp_path)


def test_initial_weights_are_a_function_of_the_seed(tiny: Tiny) -> None:
    first, again, other = (
        Run.create("ae", tiny("grey").spec, SMALL, TrainingConfig(seed=s)).new_model().state_dict() for s in (0, 0, 1)
    )
    assert all(torch.equal(first[k], again[k]) for k in first)
    assert any(not torch.equal(first[k], other[k]) for k in first)


# damaged ones


def spoil_spec(change: Callable[[dict], object]) -> Callable[[Run], None]:
    def spoil(run: Run) -> None:
        spec = json.loads((run.path / "spec.json").read_text(encoding="utf-8"))
        change(spec)
        (run.path / "spec.json").write_text(json.dumps(spec), encoding="utf-8")

    return spoil


def write(name: str, content: bytes) -> Callable[[Run], None]:
    return lambda run: (run.path / name).write_bytes(content) and None


DAMAGED_RUNS = {
    "spec missing": (lambda run: (run.path / "spec.json").unlink(), "spec.json is missing"),
    "spec not JSON": (write("spec.json", b'{"format": 1,'), "spec.json .* is not valid JSON"),
    "spec not UTF-8": (write("spec.json", b"\xff"), "is not valid JSON"),
    "spec a list": (write("spec.json", b"[]"), "must hold an object, found a list"),
    "spec without a family": (spoil_spec(lambda s: s.pop("family")), "does not fit: family: field required"),
    "newer format": (spoil_spec(lambda s: s.update(format=99)), "newer version: format 99, this one reads up to 1"),
    "unknown family": (spoil_spec(lambda s: s.update(family="gan")), "unknown family 'gan'"),
    "unknown knob": (spoil_spec(lambda s: s["config"].update(x=1)), "unknown knob 'x'"),
    "size out of range": (
        spoil_spec(lambda s: s["config"].update(latent_dim=10**6)),
        "latent_dim must be less than or equal to 4096, got 1000000",
    ),
    "epochs out of range": (
        spoil_spec(lambda s: s["training"].update(epochs=10**9)),
        "epochs must be less than or equal to 10000, got 1000000000",
    ),
    "impossible data": (spoil_spec(lambda s: s["data"].update(shape=[0, 3])), "all at least 1"),
    "config a list": (spoil_spec(lambda s: s.update(config=[])), "config must be a valid dictionary"),
    "status missing": (lambda run: (run.path / "status.json").unlink(), "status.json is missing"),
    "status of another kind": (write("status.json", b'{"x": 1}'), "status.json .* does not fit: unknown knob 'x'"),
    "status with a word for a number": (write("status.json", b'{"state": "running", "pid": "x"}'), "pid must be"),
    "status with an impossible number": (write("status.json", b'{"state": "running", "pid": -5}'), "pid must be"),
    "unknown state": (write("status.json", b'{"state": "asleep"}'), "state must be .*got 'asleep'"),
}


@pytest.mark.parametrize("damage", DAMAGED_RUNS)
def test_a_damaged_run_is_listed_with_the_reason_and_others_load(run: Run, tiny: Tiny, damage: str) -> None:
    other = Run.create("ae", tiny("grey").spec, SMALL, TrainingConfig())
    spoil, said = DAMAGED_RUNS[damage]
    spoil(run)
    listed = {r.path: r for r in list_runs()}
    broken, whole = listed[run.path], listed[other.path]
    assert isinstance(whole, Run) and isinstance(broken, DamagedRun)
    with pytest.raises(Damaged, match=said):
        raise Damaged(broken.reason)
    broken.delete()
    assert [r.path for r in list_runs()] == [other.path]


def spoil_weights(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Run], None]:
    def spoil(run: Run) -> None:
        tensors = load_tensors(run.path / "weights.safetensors")
        change(tensors)
        save_tensors(run.path / "weights.safetensors", tensors)

    return spoil


def truncate(run: Run) -> None:
    content = (run.path / "weights.safetensors").read_bytes()
    (run.path / "weights.safetensors").write_bytes(content[:-9])


BIAS = "decoder.0.bias"
DAMAGED_WEIGHTS = {
    "missing": (lambda run: (run.path / "weights.safetensors").unlink(), r"weights\.safetensors is missing"),
    "truncated": (truncate, "not a readable safetensors file"),
    "garbage": (write("weights.safetensors", b"garbage" * 99), "not a readable safetensors file"),
    "tensor missing": (spoil_weights(lambda t: t.pop(BIAS)), rf"{BIAS} must have shape \(6,\), got no such tensor"),
    "tensor extra": (spoil_weights(lambda t: t.update(x=t[BIAS].clone())), r"x must have shape none, got \(6,\)"),
    "wrong shape": (spoil_weights(lambda t: t.update({BIAS: torch.zeros(7)})), rf"{BIAS} must have shape \(6,\), got \(7,\)"),
    "another size": (
        spoil_spec(lambda s: s["config"].update(hidden=[4096] * 8, latent_dim=4096)),
        r"does not fit its spec: .* must have shape .*4096",
    ),
    "more data than there is memory": (
        spoil_spec(lambda s: s["data"].update(kind="vector", value_range=None, shape=[10**12])), "must have shape",
    ),
    "net and data apart": (
        spoil_spec(lambda s: (s["config"].update(net="conv"), s["data"].update(kind="vector", shape=[64]))),
        "spec.json .* does not fit: net must be mlp for the vector data",
    ),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGED_WEIGHTS)
def test_damaged_weights_are_refused(run: Run, damage: str) -> None:
    spoil, said = DAMAGED_WEIGHTS[damage]
    spoil(run)
    again = Run(run.path)
    with pytest.raises(Damaged, match=said):
        again.load_model()
    assert isinstance(list_runs()[0], Run), "its spec, status and codes are still good"


class Payload:
    def __init__(self, sentinel: Path) -> None:
        self.sentinel = sentinel

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.sentinel,)


def test_a_pickle_under_another_name_is_refused_and_never_runs(run: Run, tmp_path: Path) -> None:
    sentinel = tmp_path / "sentinel"
    torch.save(Payload(sentinel), tmp_path / "model.pt")
    for content in (pickle.dumps(Payload(sentinel)), (tmp_path / "model.pt").read_bytes()):
        for name in ("weights", "codes"):
            (run.path / f"{name}.safetensors").write_bytes(content)
        with pytest.raises(Damaged):
            run.load_model()
        with pytest.raises(Damaged):
            _ = run.codes
    assert not sentinel.exists()


def test_codes(run: Run) -> None:
    indices = np.arange(8).reshape(4, 2)
    run.save_codes(Codes(np.ones((4, 3)), np.array([-1, 0, 1, 2]), np.arange(4), indices))
    codes = run.codes
    assert codes.z.dtype == np.float32 and codes.labels.dtype == codes.index.dtype == np.int64
    np.testing.assert_array_equal(codes.labels, [-1, 0, 1, 2])
    np.testing.assert_array_equal(codes.indices, indices)
    save_arrays(run.path / "codes.safetensors", {"z": np.zeros((4, 2)), "labels": np.zeros(4), "index": np.zeros(4)})
    with pytest.raises(Damaged, match=r"codes of shape \(4, 2\), expected \(4, 3\)"):
        _ = run.codes
    save_arrays(run.path / "codes.safetensors", {"z": np.zeros((4, 3))})
    with pytest.raises(Damaged, match="has no array 'labels'"):
        _ = run.codes


# checkpoints


def checkpoint(step: int) -> Checkpoint:
    return Checkpoint({"model.x": torch.full((2,), float(step))}, {"step": step})


def test_the_last_two_checkpoints_are_kept(run: Run) -> None:
    for step in (5, 10, 200):
        run.save_checkpoint(checkpoint(step))
    loaded = run.load_checkpoint()
    assert loaded is not None and loaded.scalars == {"step": 200} and loaded.tensors["model.x"][0] == 200
    assert sorted(p.name for p in (run.path / "checkpoint").iterdir()) == ["000000010", "000000200"]
    run.forget_checkpoints()
    assert run.load_checkpoint() is None and not (run.path / "checkpoint").exists()


@pytest.mark.parametrize("name", ["tensors.safetensors", "scalars.json"])
def test_a_damaged_checkpoint_is_passed_over(run: Run, name: str) -> None:
    run.save_checkpoint(checkpoint(5))
    run.save_checkpoint(checkpoint(10))
    (run.path / "checkpoint" / "000000010" / name).write_bytes(b"x")
    loaded = run.load_checkpoint()
    assert loaded is not None and loaded.scalars["step"] == 5


# status


def test_a_run_whose_process_is_gone_is_interrupted(run: Run) -> None:
    run.set_status(state="running", **dead_process())
    assert run.status.state == "interrupted" and run.status.reason
    run.set_status(state="running", **process_identity())
    assert run.status.state == "running"
    run.set_status(process_started=1.0)  # the number now belongs to another process
    assert run.status.state == "interrupted"


def test_a_queued_run_whose_worker_is_gone_is_interrupted(run: Run) -> None:
    run.set_status(state="queued")
    worker = run.path / "control" / "worker.json"
    for content in ({}, {"pid": "x", "process_started": 0}, process_identity()):
        worker.write_text(json.dumps(content), encoding="utf-8")
        assert run.status.state == "queued"
    worker.write_text(json.dumps(dead_process()), encoding="utf-8")
    assert run.status.state == "interrupted"


def test_a_status_out_of_bounds_is_not_written(run: Run) -> None:
    for changes in ({"state": "asleep"}, {"result": {"mse": float("nan")}}, {"colour": 1}):
        with pytest.raises(ConfigError):
            run.set_status(**changes)
    assert run.status.state == "done" and run.status.result == {"mse": 0.5}


def test_a_cancel_request_can_be_taken_back(run: Run) -> None:
    assert not run.cancel_requested
    run.request_cancel()
    assert run.cancel_requested
    run.request_cancel(False)
    run.request_cancel(False)
    assert not run.cancel_requested


def test_an_epoch_trained_twice_counts_once(run: Run) -> None:
    for epoch, loss in ((1, 5), (2, 4), (2, 3), (3, 2)):
        run.append({"type": "epoch", "epoch": epoch, "epochs": 3, "step": epoch, "steps": 3, "train": {}, "loss": loss})
    assert [(e["epoch"], e["loss"]) for e in run.epochs()] == [(1, 5), (2, 3), (3, 2)]
    last = run.last_event("epoch")
    assert last is not None and last["loss"] == 2 and run.last_event("end") is None


# what people do with them


@pytest.mark.parametrize("title", ["x", "  β \u202e<script>alert(1)</script>  ", "../../etc/passwd", "CON", "x" * 120])
def test_a_name_is_only_shown(run: Run, title: str) -> None:
    run.rename(title)
    assert Run(run.path).title == title.strip() and [r.path for r in list_runs()] == [run.path]


@pytest.mark.parametrize("title", ["", "   ", "x" * 121])
def test_a_name_out_of_bounds_is_refused(run: Run, title: str) -> None:
    before = run.title
    with pytest.raises(ConfigError, match=f"title must have 1 to 120 characters, got {len(title.strip())}"):
        run.rename(title)
    assert run.title == before


def test_of_two_who_delete_the_second_is_told(run: Run, home: Path) -> None:
    twin = Run(run.path)
    run.delete()
    assert list((home / "runs").iterdir()) == []
    with pytest.raises(ConfigError, match="is already gone"):
        twin.delete()
    with pytest.raises(ConfigError, match="is already gone"):
        twin.rename("late")


def test_a_running_run_is_not_deleted(run: Run) -> None:
    run.set_status(state="running", **process_identity())
    with pytest.raises(ConfigError, match="cannot be deleted while it trains"):
        run.delete()
    run.set_status(**dead_process())
    run.delete()
    assert list_runs() == []


def test_runs_elsewhere_are_neither_renamed_nor_deleted(tiny: Tiny, tmp_path: Path) -> None:
    run = Run.create("ae", tiny("grey").spec, SMALL, TrainingConfig(), path=tmp_path / "mine")
    for act in (run.delete, lambda: run.rename("x")):
        with pytest.raises(ConfigError, match="does not lie in"):
            act()
    assert run.path.exists() and not (run.path / "label.json").exists()


def test_a_bundle_holds_the_run_without_checkpoints(run: Run, tmp_path: Path) -> None:
    run.save_checkpoint(checkpoint(5))
    run.request_cancel()
    (run.path / ".status.json.x").write_text("left by a crash")
    with zipfile.ZipFile(io.BytesIO(bundle(run))) as archive:
        names = {n.removeprefix(f"{run.id}/") for n in archive.namelist()}
        assert names == {"spec.json", "status.json", "weights.safetensors", "codes.safetensors"}
        archive.extractall(tmp_path / "other")
    copy = Run(tmp_path / "other" / run.id)
    assert copy.spec == run.spec
    assert all(
        torch.equal(a, b) for a, b in zip(copy.load_model().parameters(), run.load_model().parameters(), strict=True)
    )


def test_newest_first_and_no_strays(tiny: Tiny, home: Path) -> None:
    assert list_runs() == []
    made = [
        Run.create("ae", tiny("grey").spec, SMALL, TrainingConfig(), path=home / "runs" / n) for n in ("1", "3", "2")
    ]
    (home / "runs" / "notes.txt").write_text("x")
    (home / "runs" / ".hidden").mkdir()
    assert [r.path.name for r in list_runs()] == ["3", "2", "1"] and len(made) == 3


def test_a_run_is_found_by_path_id_or_name(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_run(run.path).spec == find_run(str(run.path)).spec == find_run(run.id).spec == run.spec
    run.path.rename(tmp_path / "tiny-ae")
    monkeypatch.setattr(listing, "PRETRAINED", tmp_path)
    assert find_run("tiny-ae").spec == find_run("pretrained/tiny-ae").spec == run.spec


@pytest.mark.parametrize(
    "name", ["../stray", "runs/../../stray", "..", ".", "", "a\0b", "x" * 300, "CON", "pretrained/.."]
)
def test_a_name_does_not_lead_out_of_the_home(run: Run, home: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run.path.rename(home / "stray")
    (home / "spec.json").write_bytes((home / "stray" / "spec.json").read_bytes())
    monkeypatch.setattr(listing, "PRETRAINED", home / "runs")
    with pytest.raises(ConfigError, match="unknown run"):
        find_run(name)


def test_a_damaged_run_that_is_asked_for_says_so(run: Run) -> None:
    (run.path / "spec.json").write_bytes(b"{")
    with pytest.raises(Damaged):
        find_run(run.id)
