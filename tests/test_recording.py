"""Training into a folder: what lies there after an end, a stop, a failure and a refusal."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import aeexplorer as ae
from aeexplorer.config import ConfigError
from aeexplorer.data import Dataset, Split
from aeexplorer.runs import recording
from aeexplorer.runs.listing import list_runs
from aeexplorer.runs.recording import Paused, record, train_run
from aeexplorer.runs.request import configure, new_run
from aeexplorer.runs.run import Run
from aeexplorer.training import loop
from aeexplorer.training.loop import TrainingError

Tiny = Callable[[str], Dataset]
SMALL = {"hidden": (16,), "latent_dim": 4, "epochs": 3, "batch_size": 10, "device": "cpu"}


@pytest.fixture
def every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports at every step and checkpoints at every epoch."""
    monkeypatch.setattr(loop, "REPORT_SECONDS", 0)
    monkeypatch.setattr(recording, "CHECKPOINT_SECONDS", 0)


def same_weights(a: Run, b: Run) -> bool:
    first, second = (r.load_model().state_dict() for r in (a, b))
    return all(torch.equal(first[k], second[k]) for k in first)


def test_knobs_are_sorted_by_name() -> None:
    model, loop = configure("vae", beta=2.0, epochs=3)
    assert model.beta == 2 and loop.epochs == 3  # type: ignore[attr-defined]


def test_a_finished_run(tiny: Tiny, home: Path) -> None:
    data = tiny("grey")
    run = ae.train("vae", data, title="Mine", bar=False, **SMALL)
    assert [r.path for r in list_runs()] == [run.path] and run.path.parent == home / "runs" and run.title == "Mine"
    status = run.status
    assert status.state == "done" and status.epochs == 3 and status.best_epoch in (1, 2, 3)
    assert {"reconstruction", "kl", "neg_elbo", "mse", "active_units", "floor"} == set(status.result)
    assert status.result["neg_elbo"] == pytest.approx(status.result["reconstruction"] + status.result["kl"])
    assert [e["epoch"] for e in run.epochs()] == [1, 2, 3] and run.load_checkpoint() is None
    for event in run.epochs():
        assert set(event["train"]) == set(event["validation"]) == {"reconstruction", "kl"}
        assert 0 <= event["active_units"] <= 4
    end = run.last_event("end")
    assert end is not None and end["finished"] == "epochs" and end["test"] == status.result
    assert not list(run.path.rglob("*.tmp")) and not list((run.path / "control").iterdir())


def test_stored_codes_are_those_of_the_test_split(tiny: Tiny) -> None:
    data = tiny("grey")
    run = ae.train("vqvae", data, bar=False, positions=2, codebook_size=8, **SMALL)
    codes, explorer = run.codes, ae.open_run(run)
    np.testing.assert_array_equal(codes.labels, data.test.y)
    np.testing.assert_array_equal(codes.index, np.arange(12))
    np.testing.assert_array_equal(codes.z, explorer.encode(data.test.x))
    assert codes.indices is not None and codes.indices.shape == (12, 2)


@pytest.mark.parametrize("modality", ["grey", "colour", "sequence", "vector"])
def test_the_film(tiny: Tiny, modality: str) -> None:
    data = tiny(modality)
    run = ae.train("ae", data, bar=False, **SMALL)
    samples, last = run.film_samples, run.frame(3)
    assert run.frames() == [1, 2, 3] and last["codes"].shape == (12, 4) and last["codes"].dtype == np.float16
    assert samples["x"].shape == last["reconstructions"].shape == (10, *data.spec.shape)
    assert last["reconstructions"].dtype == (np.uint8 if data.spec.kind == "image" else np.float32)
    if data.spec.classes:
        np.testing.assert_array_equal(samples["y"][:2], [0, 1])


def test_the_last_frame_shows_the_weights_that_are_kept(tiny: Tiny) -> None:
    run = ae.train(
        "ae", tiny("vector"), bar=False, **{**SMALL, "epochs": 8, "learning_rate": 0.5, "schedule": "constant"}
    )
    assert run.status.best_epoch < 8, "the learning rate must be too large for this test to mean anything"
    shown = ae.open_run(run).reconstruct(run.film_samples["x"])
    np.testing.assert_allclose(run.frame(8)["reconstructions"], shown, rtol=1e-5, atol=1e-5)


def test_the_film_of_a_denoiser_shows_what_it_was_given(tiny: Tiny) -> None:
    data = tiny("grey")
    run = ae.train("dae", data, bar=False, **{**SMALL, "corruption": "masking", "level": 0.4})
    samples, frame = run.film_samples, run.frame(3)
    given = ae.corrupt(samples["x"], "masking", level=0.4, seed=run.spec.training.seed, spec=data.spec)
    np.testing.assert_allclose(frame["inputs"] / 255, given, atol=0.5 / 255 + 1e-6)
    shown = ae.open_run(run).reconstruct(given)
    np.testing.assert_allclose(frame["reconstructions"] / 255, shown, atol=0.5 / 255 + 1e-4)


def test_the_film_of_a_stopped_run_reaches_its_last_epoch(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aeexplorer.runs.film.FILM_FRAMES", 4)
    run, data = new_run("ae", tiny("vector"), **{**SMALL, "epochs": 40}), tiny("vector")
    training = record(run, data)
    for progress in training:
        if progress.validation is not None and progress.epoch == 13:
            break
    training.close()
    assert run.status.epochs == 13
    assert run.frames() == [1, 10, 13]


def test_the_film_of_a_training_that_was_paused_is_that_of_its_twin(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aeexplorer.runs.film.FILM_FRAMES", 4)
    data = tiny("grey")
    recording = record(run := new_run("ae", data, **{**SMALL, "epochs": 11}), data)
    for progress in recording:
        if progress.validation and progress.epoch == 5:
            break
    with contextlib.suppress(StopIteration):
        recording.throw(Paused("queued", "paused for another owner's job"))
    assert train_run(run, data, bar=False).frames() == [1, 3, 6, 9, 11]


def test_wide_codes_are_narrowed_in_the_film(tiny: Tiny) -> None:
    run = ae.train("ae", tiny("grey"), bar=False, **{**SMALL, "latent_dim": 100, "epochs": 1})
    assert run.frame(1)["codes"].shape == (12, 64) and run.codes.z.shape == (12, 100)


def test_a_long_film_has_about_a_hundred_frames(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aeexplorer.runs.film.FILM_FRAMES", 4)
    run = ae.train("ae", tiny("vector"), bar=False, **{**SMALL, "epochs": 11})
    assert run.frames() == [1, 3, 6, 9, 11]


def test_the_same_seed_is_the_same_run(tiny: Tiny) -> None:
    first, second = (ae.train("vae", tiny("grey"), bar=False, seed=3, **SMALL) for _ in range(2))
    other = ae.train("vae", tiny("grey"), bar=False, seed=4, **SMALL)
    assert same_weights(first, second) and not same_weights(first, other)
    assert first.status.result == second.status.result


@pytest.mark.usefixtures("every_step")
@pytest.mark.parametrize("family", ["vae", "aae", "vqvae"])
@pytest.mark.parametrize("reports", [1, 3, 5, 9])
@pytest.mark.long
def test_a_cancelled_run_opens_and_goes_on_as_if_nothing_had_been(tiny: Tiny, family: str, reports: int) -> None:
    data = tiny("grey")
    knobs = SMALL | ({"positions": 2, "codebook_size": 8} if family == "vqvae" else {})
    whole = ae.train(family, data, bar=False, dropout=0.1, **knobs)
    run = new_run(family, data, dropout=0.1, **knobs)
    generator = record(run, data)
    for _ in range(reports):
        next(generator)
    assert run.status.state == "running"
    generator.close()
    if reports == 9:  # the last report: nothing is left to cancel
        assert run.status.state == "done"
    else:
        assert run.status.state == "cancelled" and run.status.epochs == reports // 3
        assert ae.open_run(run).codes.z.shape == (12, 4)
        assert list(record(run, data))[-1].finished == "epochs"
    assert run.status.state == "done" and run.status.result == whole.status.result and same_weights(run, whole)
    figures = [
        [(e["train"], e["validation"], e["best_epoch"], e["active_units"]) for e in r.epochs()] for r in (run, whole)
    ]
    assert figures[0] == figures[1] and len(figures[0]) == 3
    assert run.load_checkpoint() is None


@pytest.mark.usefixtures("every_step")
def test_a_cancelled_run_keeps_its_best_weights(tiny: Tiny) -> None:
    data = tiny("vector")
    run = new_run("ae", data, **{**SMALL, "epochs": 12, "learning_rate": 0.5, "schedule": "constant"})
    generator = record(run, data)
    reports = [next(generator) for _ in range(30)]
    best = reports[-1].best_epoch
    assert best < 10, "the learning rate must be too large for this test to mean anything"
    generator.close()
    validation = run.epochs()[best - 1]["validation"]["reconstruction"]
    assert ae.open_run(run).evaluate(data.validation)["reconstruction"] == pytest.approx(validation, rel=1e-5)


@pytest.mark.usefixtures("every_step")
def test_a_run_that_was_killed_goes_on_from_its_last_epoch(tiny: Tiny) -> None:
    data = tiny("grey")
    whole, run = ae.train("vae", data, bar=False, **SMALL), new_run("vae", data, **SMALL)
    generator = record(run, data)
    for _ in range(5):
        next(generator)
    before = {p: p.read_bytes() for p in run.path.rglob("*") if p.is_file()}
    generator.close()
    for path in run.path.rglob("*"):
        if path.is_file():
            path.unlink()
    for path, content in before.items():  # the folder as a kill -9 would have left it
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    run.set_status(process_started=1.0)
    assert run.status.state == "interrupted" and [e["epoch"] for e in run.epochs()] == [1]
    list(record(run, data))
    start = run.last_event("start")
    assert start is not None and start["resumed_at"] == 3
    assert same_weights(run, whole) and run.status.state == "done"


@pytest.mark.usefixtures("every_step")
def test_ctrl_c_within_a_step_cancels(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Ctrl-C comes while the loop works, seldom between its reports."""
    data, steps = tiny("grey"), []

    def one_step(self: loop._Loop, order: torch.Tensor) -> None:
        steps.append(1)
        if len(steps) == 5:
            raise KeyboardInterrupt
        step(self, order)

    step = loop._Loop.one_step
    monkeypatch.setattr(loop._Loop, "one_step", one_step)
    with pytest.raises(KeyboardInterrupt):
        ae.train("ae", data, bar=False, **SMALL)
    run = list_runs()[0]
    assert isinstance(run, Run) and run.status.state == "cancelled" and run.status.epochs == 1
    assert ae.open_run(run).codes.z.shape == (12, 4)
    monkeypatch.setattr(loop._Loop, "one_step", step)
    list(record(run, data))
    assert same_weights(run, ae.train("ae", data, bar=False, **SMALL))


def test_a_training_that_turns_infinite_fails_and_says_where(tiny: Tiny) -> None:
    data = tiny("vector")
    huge = Split(np.full_like(data.train.x, 1e30), data.train.y)
    with pytest.raises(TrainingError, match="reconstruction became inf at step 1"):
        ae.train("ae", Dataset(data.spec, huge, data.validation, data.test), bar=False, **SMALL)
    run = list_runs()[0]
    assert isinstance(run, Run) and run.status.state == "failed" and not run.has_weights
    assert run.status.reason.startswith("reconstruction became inf at step 1; try a learning rate below")


@pytest.mark.parametrize(
    ("error", "reason"),
    [(OSError(28, "the disk is full, x could not be saved"), "the disk is full, x could not be saved"),
     (MemoryError("too much"), "MemoryError: too much")],
)  # fmt: skip
def test_whatever_stops_it_the_status_says_it(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    def save_frame(*_: object) -> None:
        raise error

    monkeypatch.setattr(Run, "save_frame", save_frame)
    with pytest.raises(type(error)):
        ae.train("ae", tiny("grey"), bar=False, **SMALL)
    run = list_runs()[0]
    assert isinstance(run, Run) and run.status.state == "failed" and run.status.reason == reason


REFUSED = {
    "no code": ("ae", {"latent_dim": 0}, "latent_dim must be greater than or equal to 1, got 0"),
    "too large a code": ("ae", {"latent_dim": 10**6}, "latent_dim must be less than or equal to 4096, got 1000000"),
    "too long": ("ae", {"epochs": 10**9}, "epochs must be less than or equal to 10000, got 1000000000"),
    "no rate": ("ae", {"learning_rate": float("nan")}, "learning_rate must be a finite number, got nan"),
    "negative rate": ("ae", {"learning_rate": -1}, "learning_rate must be greater than 0, got -1"),
    "negative batch": ("ae", {"batch_size": -5}, "batch_size must be greater than or equal to 1, got -5"),
    "large batch": (
        "ae",
        {"batch_size": 999},
        "batch_size must be at most 24, the training samples of tiny-vector, got 999",
    ),
    "unknown family": ("vea", {}, "unknown family 'vea', did you mean vae? known are ae, "),
    "unknown knob": ("vae", {"latent_dims": 3}, "unknown knob 'latent_dims', did you mean latent_dim? known are net, "),
    "knob of another family": ("ae", {"beta": 3}, "unknown knob 'beta'"),
    "corruption": ("dae", {"corruption": "gaussian", "level": 2}, "level must be less than or equal to 1, got 2"),
    "unknown corruption": ("dae", {"corruption": "blur"}, "corruption must be 'none', 'gaussian', "),
    "net": ("ae", {"net": "conv"}, "net must be mlp for the vector data of tiny-vector, got conv"),
    "loss": (
        "ae",
        {"loss": "bce"},
        "loss must be mse, mae or learned_variance for tiny-vector, whose values are not in [0, 1], got bce",
    ),
    "two fields": ("vqvae", {"latent_dim": 63}, "latent_dim must be a multiple of positions (8), got 63"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_leaves_nothing(tiny: Tiny, home: Path, case: str) -> None:
    family, knobs, said = REFUSED[case]
    with pytest.raises(ConfigError) as error:
        ae.train(family, tiny("vector"), **({"batch_size": 8} | knobs))
    assert said in str(error.value) and "\n" not in str(error.value)
    assert not home.exists()


def test_an_unknown_dataset_is_refused(home: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown dataset 'mnits', did you mean mnist\?"):
        ae.load_dataset("mnits")
    assert not home.exists()


def test_an_empty_split_is_refused(tiny: Tiny, home: Path) -> None:
    data = tiny("vector")
    empty = Dataset(data.spec, data.train, data.validation.take(np.arange(0)), data.test)
    with pytest.raises(ConfigError, match="validation split of tiny-vector must have at least 2 samples, got 0"):
        ae.train("ae", empty, **SMALL)
    assert not home.exists()


def test_everything_written_is_json(tiny: Tiny) -> None:
    run = ae.train("dae", tiny("grey"), bar=False, **SMALL)
    for path in (run.path / "spec.json", run.path / "status.json"):
        json.loads(path.read_text(encoding="utf-8"))
    for line in (run.path / "events.jsonl").read_text(encoding="utf-8").splitlines():
        assert json.loads(line)["type"] in ("start", "progress", "epoch", "end")
    assert "denoising_mse" in run.status.result
