"""Dial runs: a chain of snapshots along a knob, what lies between them, and what a folder holds after every kind of
end."""

from __future__ import annotations

import io
import itertools
import json
import math
import zipfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from live_runs import copied
from waiting import wait_until

import aeexplorer as ae
from aeexplorer import jobs
from aeexplorer.__main__ import build_parser, main
from aeexplorer.config import ConfigError
from aeexplorer.data import DATASETS, Dataset
from aeexplorer.explorer import Explorer
from aeexplorer.families import family
from aeexplorer.jobs.doctor import examine
from aeexplorer.live.open_runs import OpenRuns
from aeexplorer.models.base import Batch
from aeexplorer.runs import pretraining
from aeexplorer.runs.bundles import bundle
from aeexplorer.runs.dial import Between, Dial, Mark, halved, load_marks, mark, save_marks
from aeexplorer.runs.listing import list_runs
from aeexplorer.runs.pretraining import RECIPES, Recipe, make
from aeexplorer.runs.recording import Paused, record, train_run
from aeexplorer.runs.request import configure, new_run
from aeexplorer.runs.run import Run
from aeexplorer.store import Damaged, load_tensors, save_tensors
from aeexplorer.tensors import to_float, to_tensor
from aeexplorer.training import loop as the_loop
from aeexplorer.training.estimation import estimate
from aeexplorer.training.evaluation import evaluate, rate_distortion, restoration
from aeexplorer.training.loop import TrainingConfig, train
from aeexplorer.training.plan import TESTED, DialSpec, make_plan, train_plan

Tiny = Callable[[str], Dataset]
SMALL: dict[str, Any] = {"hidden": (16,), "latent_dim": 3, "epochs": 3, "batch_size": 16, "device": "cpu"}
BETAS = DialSpec(knob="beta", stops=(0.1, 1.0, 10.0), epochs_per_stop=2)
LEVELS = DialSpec(knob="level", stops=(0.0, 0.4, 0.8), epochs_per_stop=2)
STEPS = 2  # of an epoch: 24 samples in batches of 16
FIRST, SECOND, WHOLE = 3 * STEPS, 5 * STEPS, 7 * STEPS
"""Steps after which each stop has been trained."""


def new_chain(data: Dataset, spec: DialSpec = BETAS, **knobs: Any) -> Run:
    named = "vae" if spec.knob == "beta" else "dae"
    return new_run(named, data, dial=spec, **{**SMALL, **knobs})


def chain(data: Dataset, spec: DialSpec = BETAS, **knobs: Any) -> Run:
    return train_run(new_chain(data, spec, **knobs), data, bar=False)


def opened(run: Run, data: Dataset) -> Explorer:
    """The explorer of a run on data that no table knows."""
    explorer = ae.open_run(run)
    explorer.dataset = data
    return explorer


def dial_of(run: Run | Explorer) -> Dial:
    dial = (ae.open_run(run) if isinstance(run, Run) else run).dial
    assert dial is not None
    return dial


def kept(run: Run) -> dict[str, bytes]:
    """Everything learned, byte for byte."""
    return {p.name: p.read_bytes() for p in (*(run.path / "dial").iterdir(), run.path / "codes.safetensors")}


@pytest.fixture
def every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports at every step."""
    monkeypatch.setattr(the_loop, "REPORT_SECONDS", 0)


# what is asked for

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "falling": ({"stops": (1, 0.1)}, "stops must ascend, got 1, 0.1"),
    "twice the same": ({"stops": (1, 1)}, "stops must ascend, got 1, 1"),
    "one": ({"stops": (1,)}, "stops must be 2 to 32 values, got 1"),
    "many": ({"stops": tuple(range(1, 34))}, "stops must be 2 to 32 values, got 33"),
    "no logarithm": ({"stops": (0, 1)}, "stops must be above 0, got 0"),
    "below": ({"knob": "level", "stops": (-0.1, 1)}, "stops must be at least 0, got -0.1"),
    "no number": ({"stops": (float("nan"), 1)}, "stops.0 must be a finite number, got nan"),
    "endless": ({"stops": (1, float("inf"))}, "stops.1 must be a finite number, got inf"),
    "another knob": ({"knob": "latent_dim", "stops": (1, 2)}, "knob must be 'beta' or 'level', got 'latent_dim'"),
    "no epochs": ({"stops": (1, 2), "epochs_per_stop": 0}, "epochs_per_stop must be greater than or equal to 1, got 0"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_dial_out_of_bounds_is_refused(case: str) -> None:
    knobs, said = REFUSED[case]
    with pytest.raises(ConfigError) as error:
        DialSpec(**{"knob": "beta", **knobs})
    assert str(error.value) == said


def dial(knob: Any, *stops: float, per_stop: int = 2) -> DialSpec:
    return DialSpec(knob=knob, stops=stops, epochs_per_stop=per_stop)


UNFIT: dict[str, tuple[str, DialSpec, dict[str, Any], str]] = {
    "no posterior": ("ae", BETAS, {}, "a dial over beta needs a family with a posterior, got ae"),
    "every β": (
        "multirate_vae", BETAS, {},
        "a dial over beta needs a family with one β per model, got multirate_vae, one model for every β",
    ),
    "no corruption": ("ae", LEVELS, {}, "a dial over level needs a corruption, got none"),
    "warm-up": (
        "vae", BETAS, {"warmup": 0.25},
        "warmup must be 0 for a dial, where it would restart at every stop, got 0.25",
    ),
    "β too large": ("vae", dial("beta", 1, 40), {}, "beta must be less than or equal to 32, got 40.0"),
    "level too large": ("dae", dial("level", 0, 2), {}, "level must be less than or equal to 1, got 2.0"),
    "too many epochs": (
        "vae", dial("beta", 1, 2, per_stop=9_998), {}, "epochs must be less than or equal to 10000, got 10001"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", UNFIT)
def test_a_dial_that_does_not_fit_the_family_leaves_nothing(tiny: Tiny, home: Path, case: str) -> None:
    named, spec, knobs, said = UNFIT[case]
    with pytest.raises(ConfigError) as error:
        new_run(named, tiny("grey"), dial=spec, **{**SMALL, **knobs})
    assert str(error.value) == said
    assert not home.exists()


def test_what_all_stops_cost_is_counted(tiny: Tiny, home: Path) -> None:
    """One stop would be allowed, three are not."""
    data, spec = tiny("grey"), dial("beta", 0.1, 1, 10, per_stop=3)
    config, loop = configure("vae", **SMALL)
    cost = estimate("vae", config, loop, data.spec, len(data.train), len(data.validation))
    pace = 16 * 3600 / cost.seconds  # so that one stop takes 16 hours, and 24 are allowed
    assert new_run("vae", data, pace=pace, **SMALL).status.state == "queued"
    with pytest.raises(ConfigError, match="the training would take 48 hours, limit 24"):
        new_run("vae", data, pace=pace, dial=spec, **SMALL)
    assert len(list((home / "runs").iterdir())) == 1


def test_it_is_read_back_as_it_was_written(tiny: Tiny) -> None:
    run = Run(new_chain(tiny("grey"), LEVELS).path)
    assert run.spec.dial == LEVELS and LEVELS.scale == "linear" and LEVELS.default == 0.4
    assert run.title.endswith("level from 0 to 0.8") and run.config.level == 0.4
    assert BETAS.scale == "log" and BETAS.default == 1 and BETAS.title_of(run.config) == "β from 0.1 to 10"


# between two stops


def bare(spec: DialSpec, count: int) -> Dial:
    """A dial of untrained models, each of another seed."""
    config, _ = configure("vae" if spec.knob == "beta" else "dae", **SMALL)
    row = family("vae" if spec.knob == "beta" else "dae")
    data = ae.load_dataset("digits").spec

    def make(config: Any) -> Any:
        return row.make(config, data)

    found = Dial(spec, [], config, make)
    for seed in range(count):
        torch.manual_seed(seed)
        found = found.extended(make(config).state_dict())
    return found


def test_between_is_linear_in_the_logarithm_of_beta() -> None:
    found = bare(BETAS, 3)
    assert found.between(math.sqrt(0.1)) == (0.1, 1.0, pytest.approx(0.5))
    assert found.between(2.0) == (1.0, 10.0, pytest.approx(math.log10(2)))


def test_between_is_linear_in_the_level() -> None:
    found = bare(LEVELS, 3)
    assert found.between(0.1) == (0.0, 0.4, pytest.approx(0.25))
    assert found.between(0.7) == (0.4, 0.8, pytest.approx(0.75))


@pytest.mark.parametrize(
    ("value", "there"),
    [(0.1, (0.1, 0.1, 0)), (1.0, (0.1, 1.0, 1)), (-5.0, (0.1, 0.1, 0)), (0.0, (0.1, 0.1, 0)), (10.0, (0.1, 1.0, 1)),
     (math.inf, (0.1, 1.0, 1)), (-math.inf, (0.1, 0.1, 0))],
)  # fmt: skip
def test_between_is_held_to_what_has_been_trained(value: float, there: tuple[float, float, float]) -> None:
    """Two of three stops are there; at a stop the weight is exactly 0 or 1."""
    assert bare(BETAS, 2).between(value) == Between(*there)


def test_between_refuses_what_is_no_number() -> None:
    with pytest.raises(ConfigError, match="beta must be a number, got NaN"):
        bare(BETAS, 2).between(math.nan)


@pytest.mark.parametrize(("spec", "value", "share"), [(BETAS, 10**0.25, 0.25), (LEVELS, 0.5, 0.25)])
def test_weights_between_two_stops_are_interpolated(spec: DialSpec, value: float, share: float) -> None:
    found = bare(spec, 3)
    lower, upper = (s.weights for s in found.snapshots[1:])
    model = found.model_at(value)
    for name, weights in model.state_dict().items():
        assert not torch.equal(lower[name], upper[name])
        torch.testing.assert_close(weights, (1 - share) * lower[name] + share * upper[name])
    assert getattr(model.config, spec.knob) == pytest.approx(value) and not model.training


def test_weights_at_a_stop_are_those_of_its_snapshot() -> None:
    found = bare(BETAS, 3)
    for value, snapshot in zip((-1, 0.1, 1.0, 10.0, 99), [found.snapshots[i] for i in (0, 0, 1, 2, 2)], strict=True):
        model = found.model_at(value)
        assert model.config.beta == snapshot.value
        assert all(torch.equal(w, snapshot.weights[k]) for k, w in model.state_dict().items())


# what a chain is


def test_each_stop_goes_on_from_the_one_before(tiny: Tiny) -> None:
    """The chain is the one loop, called once a stop with the knob and the seed of that stop."""
    data, config = tiny("grey"), TrainingConfig(epochs=3, batch_size=16, seed=5, device="cpu")
    run = new_chain(data, seed=5, dropout=0.1)
    model, by_hand = run.new_model(), run.new_model()
    seen = [
        (p.stage, p.settled, model.config.beta)
        for p in train_plan(model, data, make_plan(family("vae"), model.config, config, data.spec, BETAS))
        if p.validation
    ]
    assert seen == [
        (0, False, 0.1),
        (0, False, 0.1),
        (0, True, 0.1),
        (1, False, 1),
        (1, True, 1),
        (2, False, 10),
        (2, True, 10),
    ]
    for index, beta in enumerate(BETAS.stops):
        by_hand.config = by_hand.config.replace(beta=beta)
        list(train(by_hand, data, config.replace(seed=5 + index, epochs=2 if index else 3)))
    assert all(torch.equal(w, by_hand.state_dict()[k]) for k, w in model.state_dict().items())


def test_reports_count_over_all_stops(tiny: Tiny) -> None:
    run = chain(tiny("grey"))
    epochs = run.epochs()
    assert [(e["epoch"], e["epochs"], e["step"], e["steps"]) for e in epochs] == [
        (i, 7, STEPS * i, WHOLE) for i in range(1, 8)
    ]
    assert all(a["seconds"] <= b["seconds"] for a, b in itertools.pairwise(epochs))
    assert epochs[-1]["best_epoch"] in (6, 7), "of the stop that was trained last"
    stops = [e for e in run.events()[0] if e["type"] == "stop"]
    assert [(e["stop"], e["stops"], e["beta"]) for e in stops] == [(0, 3, 0.1), (1, 3, 1.0), (2, 3, 10.0)]
    assert run.frames() == list(range(1, 8))


def test_a_finished_chain(tiny: Tiny) -> None:
    data = tiny("grey")
    run = chain(data)
    status, explorer = run.status, opened(run, data)
    assert status.state == "done" and status.epochs == 7 and run.load_checkpoint() is None
    assert run.has_weights and not (run.path / "weights.safetensors").exists()
    assert dial_of(explorer).stops == BETAS.stops and dial_of(explorer).complete
    assert explorer.config.beta == 1.0, "an ordinary look stands at β = 1"
    middle = dial_of(explorer).model_at(1.0)
    assert status.result == evaluate(middle, data.test, 0)
    np.testing.assert_array_equal(explorer.encode(data.test.x), explorer.at(1.0).encode(data.test.x))
    np.testing.assert_array_equal(explorer.codes.z, explorer.encode(data.test.x))
    elsewhere = explorer.at(10.0)
    assert np.abs(elsewhere.codes.z - explorer.codes.z).max() > 1e-3
    np.testing.assert_array_equal(elsewhere.codes.z, elsewhere.encode(data.test.x))
    np.testing.assert_array_equal(elsewhere.codes.index, explorer.codes.index)


def test_looking_elsewhere_is_safe_in_threads(tiny: Tiny) -> None:
    data = tiny("grey")
    explorer = opened(chain(data), data)
    values = np.geomspace(0.1, 10, 40).tolist()
    before = explorer.reconstruct(data.test.x)
    alone = [explorer.at(v).reconstruct(data.test.x) for v in values]
    with ThreadPoolExecutor(8) as pool:
        for one, other in zip(alone, pool.map(lambda v: explorer.at(v).reconstruct(data.test.x), values), strict=True):
            np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(explorer.reconstruct(data.test.x), before)
    assert np.abs(alone[0] - alone[-1]).max() > 1e-3


def test_a_run_of_one_model_has_no_dial(tiny: Tiny) -> None:
    explorer = ae.open_run(ae.train("vae", tiny("grey"), bar=False, **{**SMALL, "epochs": 1}))
    assert explorer.dial is None
    with pytest.raises(ConfigError, match="must be a dial, got a run of one model"):
        explorer.at(1.0)


@pytest.mark.long
def test_half_precision_moves_no_pixel_by_a_hundredth() -> None:
    """Digits, a net as wide as the one that comes along, after enough steps for weights of a trained size."""
    data = ae.load_dataset("digits")
    run = new_run("vae", data, dial=dial("beta", 0.1, 3), hidden=(128, 64), epochs=12, batch_size=64, device="cpu")
    model, found = run.new_model(), Dial(BETAS, [], run.config, lambda config: family("vae").make(config, data.spec))
    x = to_float(to_tensor(data.test.x, data.spec))
    moved = []
    assert run.spec.dial is not None
    for progress in train_plan(model, data, run.plan):
        if progress.settled:
            found = found.extended(halved(model))
            near = found.model_at(found.stops[-1])
            with torch.inference_mode():
                exact, stored = (m.decode(m.encode(x).z) for m in (model.eval(), near))
            moved.append((exact - stored).abs().max().item())
    assert len(moved) == 2
    assert all(0 < m < 1e-2 for m in moved), moved


def test_snapshots_are_stored_in_half_precision(tiny: Tiny) -> None:
    run = chain(tiny("grey"))
    tensors = load_tensors(run.path / "dial" / "01.safetensors")
    found = {k.partition(".")[0]: v.dtype for k, v in tensors.items()}
    assert found["weights"] == torch.float16
    assert dial_of(run).snapshots[1].weights["decoder.0.bias"].dtype == torch.float32


# the curve


def test_the_curve_of_beta_is_measured_on_the_whole_test_set(tiny: Tiny) -> None:
    data = tiny("grey")
    found = dial_of(chain(data, seed=2))
    curve = found.curve
    expected = [0.1, *np.geomspace(0.1, 1, 5)[1:], *np.geomspace(1, 10, 5)[1:]]
    np.testing.assert_allclose(curve["value"], expected)
    assert {0.1, 1.0, 10.0} <= set(curve["value"].tolist()), "stops are met exactly"
    assert curve["kl"].shape == curve["mean"].shape == curve["variance"].shape == (9, 3)
    for i, value in enumerate(curve["value"]):
        for name, figure in rate_distortion(found.model_at(value), data.test, 2).items():
            np.testing.assert_array_equal(curve[name][i], figure, err_msg=f"{name} at {value}")
    np.testing.assert_allclose(curve["kl"].sum(1), curve["rate"], rtol=1e-5)


def test_the_curve_of_the_level_is_trained_at_by_tested_at(tiny: Tiny) -> None:
    data = tiny("grey")
    found = dial_of(chain(data, LEVELS, corruption="masking"))
    curve = found.curve
    np.testing.assert_allclose(curve["value"], np.linspace(0, 0.8, 9))
    np.testing.assert_allclose(curve["tested"], np.linspace(0, 1, 11))
    assert curve["mse"].shape == (9, 11)
    for i, value in enumerate(curve["value"]):
        np.testing.assert_array_equal(curve["mse"][i], restoration(found.model_at(value), data.test, TESTED, 0))


# stopped and gone on with


@pytest.mark.usefixtures("every_step")
@pytest.mark.parametrize(
    ("spec", "at"),
    [(BETAS, range(1, WHOLE)), (LEVELS, (1, FIRST, FIRST + 1, SECOND - 1, SECOND))],
    ids=["beta", "level"],
)  # fmt: skip
@pytest.mark.long
def test_stopped_at_any_report_it_goes_on_bit_for_bit(tiny: Tiny, spec: DialSpec, at: Iterable[int]) -> None:
    """Inside the first stop and a later one, and at the border of two: by two kinds of stop in turn."""
    data = tiny("grey")
    knobs = {"dropout": 0.1}
    whole = kept(chain(data, spec, **knobs))
    assert len(whole) == 4
    for reports in at:
        run = new_chain(data, spec, **knobs)
        recording = record(run, data)
        for _ in range(reports):
            progress = next(recording)
        assert (progress.step, progress.stage) == (reports, (reports > FIRST) + (reports > SECOND))
        if reports % 2:
            recording.close()
            assert run.status.state == "cancelled"
        else:
            with pytest.raises(StopIteration):
                recording.throw(Paused("queued", "others wait"))
            assert run.status.state == "queued"
        last = list(record(run, data))[-1]
        assert last.step == WHOLE and last.finished == "epochs"
        start = run.last_event("start")
        assert start is not None and start["resumed_at"] == reports
        assert kept(run) == whole, f"stopped after {reports} reports"
        assert run.status.state == "done" and len(run.epochs()) == 7


@pytest.mark.usefixtures("every_step")
@pytest.mark.long
def test_killed_at_any_report_it_goes_on_from_the_last_epoch(tiny: Tiny, home: Path) -> None:
    data = tiny("grey")
    run, copies = new_chain(data, dropout=0.1), []
    for progress in record(run, data):
        copies.append((home / "runs" / f"killed-{progress.step}", progress.step // STEPS * STEPS))
        copied(run.path, copies[-1][0])
    whole = kept(run)
    for path, step in copies[:-1]:
        killed = Run(path)
        list(record(killed, data))
        start = killed.last_event("start")
        assert start is not None and start["resumed_at"] == step
        assert kept(killed) == whole, path.name


@pytest.mark.usefixtures("every_step")
@pytest.mark.parametrize(("reports", "stops"), [(FIRST, 1), (FIRST + 2, 1), (SECOND, 2), (WHOLE - 1, 2), (WHOLE, 3)])
def test_cancelled_it_keeps_the_stops_so_far(tiny: Tiny, reports: int, stops: int) -> None:
    data = tiny("grey")
    run = new_chain(data)
    recording = record(run, data)
    for _ in range(reports):
        next(recording)
    recording.close()
    explorer = opened(run, data)
    assert run.status.state == ("done" if stops == 3 else "cancelled")
    assert dial_of(explorer).stops == BETAS.stops[:stops]
    assert explorer.config.beta == BETAS.stops[min(stops, 2) - 1], "at β = 1, or as near as it came"
    assert explorer.at(5).config.beta == min(BETAS.stops[stops - 1], 5)
    assert len(dial_of(explorer).curve["value"]) == 1 + 4 * (stops - 1)


@pytest.mark.usefixtures("every_step")
def test_cancelled_before_its_first_stop_it_cannot_be_opened_yet(tiny: Tiny) -> None:
    data = tiny("grey")
    run = new_chain(data)
    recording = record(run, data)
    for _ in range(FIRST - 1):
        next(recording)
    recording.close()
    assert run.status.state == "cancelled" and not run.has_weights
    with pytest.raises(Damaged, match=r"00\.safetensors is missing in dial"):
        ae.open_run(run)
    list(record(run, data))
    assert dial_of(run).complete


@pytest.mark.usefixtures("every_step")
def test_the_dial_grows_while_it_is_trained(tiny: Tiny) -> None:
    """Whoever asks is given the stops there are; a run held open for live views is opened again for a new one."""
    data, seen, held, shelf = tiny("grey"), [], [], OpenRuns()
    run = new_chain(data)
    for _ in record(run, data):
        if run.has_weights:
            seen.append(len(dial_of(run).stops))
            held.append(shelf.find(run.id))
            assert dial_of(held[-1].explorer).stops == dial_of(run).stops
            assert held[-1].z.shape == (12, 3)
    assert seen == [1] * (SECOND - FIRST) + [2] * (WHOLE - SECOND) + [3]
    assert len({id(opened) for opened in held}) == 3


# the folder


def damage(name: str, content: bytes | None) -> Callable[[Run], object]:
    def spoil(run: Run) -> None:
        (run.path / name).unlink() if content is None else (run.path / name).write_bytes(content)

    return spoil


def respell(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Run], object]:
    def spoil(run: Run) -> None:
        tensors = load_tensors(run.path / "dial" / "01.safetensors")
        change(tensors)
        save_tensors(run.path / "dial" / "01.safetensors", tensors)

    return spoil


BIAS = "decoder.0.bias"
DAMAGED: dict[str, tuple[Callable[[Run], object], str]] = {
    "first missing": (damage("dial/00.safetensors", None), r"00\.safetensors is missing in dial"),
    "one between missing": (damage("dial/01.safetensors", None), r"01\.safetensors is missing in dial"),
    "garbage": (damage("dial/02.safetensors", b"garbage" * 99), r"02\.safetensors in dial is not a readable"),
    "tensor missing": (
        respell(lambda t: t.pop(f"weights.{BIAS}")),
        rf"dial/01\.safetensors .* does not fit its spec: {BIAS} must have shape \(16,\), got no such tensor",
    ),
    "wrong shape": (respell(lambda t: t.update({f"weights.{BIAS}": torch.zeros(7)})), r"dial/01.* got \(7,\)"),
    "no curve": (respell(lambda t: t.pop("curve.rate")), r"dial/01\.safetensors in .* has no curve of rate"),
    "marks no JSON": (damage("marks.json", b"{"), r"marks\.json .* is not valid JSON"),
    "marks of another kind": (damage("marks.json", b'{"marks": [{"value": 1}]}'), r"marks\.json .* does not fit"),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_snapshot_is_named(tiny: Tiny, case: str) -> None:
    spoil, said = DAMAGED[case]
    run = chain(tiny("grey"))
    assert examine() == []
    spoil(run)
    with pytest.raises(Damaged, match=said):
        ae.open_run(run)
    assert [type(r) for r in list_runs()] == [Run], "its spec, status and codes are still good"
    (finding,) = examine()
    assert run.id in finding.where
    with pytest.raises(Damaged, match=said):
        raise Damaged(finding.what)


def test_the_doctor_misses_the_last_stop_of_a_run_that_is_done(tiny: Tiny) -> None:
    run = chain(tiny("grey"))
    (run.path / "dial" / "02.safetensors").unlink()
    (finding,) = examine()
    assert run.id in finding.where and "must hold 3 snapshots when the run is done, got 2" in finding.what


def a_mark(value: float, seed: int = 1) -> Mark:
    return Mark(value=value, distortion=20.5, rate=4.25, active_units=3, seed=seed, steps=80)


def test_marks_are_kept_in_order(tiny: Tiny) -> None:
    run = new_chain(tiny("grey"))
    assert load_marks(run.path) == ()
    save_marks(run.path, [a_mark(10), a_mark(0.1, seed=2), a_mark(0.1)])
    assert load_marks(run.path) == (a_mark(0.1), a_mark(0.1, seed=2), a_mark(10))


def test_a_mark_says_what_a_separate_training_found() -> None:
    config, loop = configure("vae", beta=3.0, epochs=4, batch_size=10, seed=9)
    result = {"reconstruction": 2.0, "kl": 0.5, "active_units": 2.0, "mse": 0.1}
    assert mark(config, loop, 25, result) == Mark(value=3, distortion=2, rate=0.5, active_units=2, seed=9, steps=12)


def test_a_bundle_carries_the_dial_and_its_marks(tiny: Tiny, tmp_path: Path) -> None:
    run = chain(tiny("grey"))
    save_marks(run.path, [a_mark(1)])
    with zipfile.ZipFile(io.BytesIO(bundle(run))) as archive:
        names = {n.removeprefix(f"{run.id}/") for n in archive.namelist()}
        archive.extractall(tmp_path / "other")
    assert {"marks.json", *(f"dial/0{i}.safetensors" for i in range(3))} <= names
    copy = Run(tmp_path / "other" / run.id)
    assert kept(copy) == kept(run) and dial_of(copy).marks == (a_mark(1),)
    one, other = (ae.open_run(r).at(3).encode(tiny("grey").test.x) for r in (run, copy))
    np.testing.assert_array_equal(one, other)


def test_deleted_it_is_gone(tiny: Tiny, home: Path) -> None:
    run = chain(tiny("grey"))
    run.delete()
    assert list((home / "runs").iterdir()) == [] and list_runs() == []


@pytest.mark.long
def test_a_worker_trains_a_dial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AEEXPLORER_WORKERS", "1")
    data = ae.load_dataset("digits")
    knobs: dict[str, Any] = {"hidden": (16,), "latent_dim": 2, "epochs": 2, "device": "cpu"}
    run, twin = (new_run("vae", data, dial=BETAS, **knobs) for _ in range(2))
    jobs.start(run)
    train_run(twin, data, bar=False)
    wait_until(lambda: not run.status.active)
    assert run.status.state == "done", run.status.reason
    assert kept(run) == kept(twin) and dial_of(run).complete


# warm-up


def test_beta_rises_over_the_warm_up_and_is_paid_in_full_on_validation(tiny: Tiny) -> None:
    data = tiny("grey")
    config, loop = configure("vae", beta=4.0, warmup=0.5, **SMALL)
    model = family("vae").make(config, data.spec).eval()
    x = to_float(to_tensor(data.train.x, data.spec))
    paid = [model.terms(Batch(x, x, torch.zeros(24), done))["kl"].item() for done in (0, 0.25, 0.5, 0.75)]
    assert paid[0] == 0 < paid[1]
    assert paid[1] == pytest.approx(paid[2] / 2) and paid[2] == paid[3]
    full = model.terms(Batch(x, x, torch.zeros(24)))["kl"].item()
    assert full == paid[2], "whoever does not train pays in full"
    plain = family("vae").make(config.replace(warmup=0.0), data.spec)
    for progress in train(model, data, loop):
        plain.load_state_dict(model.state_dict() if progress.settled else _last(progress))
        if progress.validation and not progress.settled:
            assert progress.validation == the_loop.mean_terms(plain, data.validation, loop.seed)


def _last(progress: the_loop.Progress) -> dict[str, torch.Tensor]:
    tensors = progress.checkpoint().tensors
    return {k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")}


@pytest.mark.usefixtures("every_step")
def test_training_pays_nothing_at_first_and_in_full_after_the_warm_up(tiny: Tiny) -> None:
    paid = {}
    for warmup in (0.0, 0.5):
        run = ae.train(
            "vae", tiny("grey"), bar=False, **{**SMALL, "epochs": 4, "warmup": warmup, "learning_rate": 1e-9}
        )
        paid[warmup] = [e["train"]["kl"] for e in run.epochs()]
    shares = np.array(paid[0.5]) / np.array(paid[0.0])  # nothing is learned, so only the weight differs
    weights = [np.average([min(s / 4, 1) for s in (e, e + 1)], weights=[16, 8]) for e in (0, 2, 4, 6)]
    np.testing.assert_allclose(shares, weights, rtol=0.04)
    np.testing.assert_allclose(shares[2:], 1, rtol=1e-4)


@pytest.mark.parametrize("warmup", [-0.1, 1.1])
def test_a_warm_up_out_of_bounds_is_refused(warmup: float) -> None:
    with pytest.raises(ConfigError, match="warmup must be"):
        configure("vae", warmup=warmup)


# what comes along


@pytest.mark.parametrize("name", [n for n, r in RECIPES.items() if r.dial])
def test_a_recipe_can_be_made_and_its_command_says_how(name: str) -> None:
    recipe = RECIPES[name]
    assert recipe.dial is not None
    config, loop = configure(recipe.family, **recipe.knobs)
    assert (
        make_plan(family(recipe.family), config, loop, DATASETS[recipe.dataset].spec, recipe.dial).epochs > loop.epochs
    )
    assert set(recipe.marks) <= set(recipe.dial.stops) and len(recipe.marks) == (3 if "-beta" in name else 0)
    argv = recipe.command.removeprefix("python -m aeexplorer ").split()
    said = build_parser(argv).parse_args(argv)
    stops = tuple(float(stop) for stop in said.stops.split(","))
    assert DialSpec(knob=said.dial, stops=stops, epochs_per_stop=said.epochs_per_stop) == recipe.dial


def test_marks_are_trained_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    knobs = {"latent_dim": 2, "hidden": (16,), "epochs": 2, "batch_size": 64, "seed": 3}
    quick = Recipe("digits", "vae", knobs, BETAS, marks=(0.1, 1.0, 10.0))
    monkeypatch.setitem(RECIPES, "digits-quick", quick)
    trained = []

    def watched(run: Run, data: Dataset) -> Run:
        trained.append((run.spec.dial, run.config.beta, run.config.warmup, run.spec.training.seed))  # type: ignore[attr-defined]
        return train_run(run, data, bar=False)

    monkeypatch.setattr(pretraining, "train_run", watched)
    make(["digits-quick"], root=tmp_path)
    assert trained == [(BETAS, 1.0, 0.0, 3), *((None, beta, 0.25, 4) for beta in quick.marks)]
    marks = dial_of(Run(tmp_path / "digits-quick")).marks
    assert [m.value for m in marks] == [0.1, 1.0, 10.0]
    assert {m.steps for m in marks} == {2 * math.ceil(1257 / 64)} and {m.seed for m in marks} == {4}
    assert all(m.distortion > 0 and m.rate > 0 for m in marks)
    assert [p.name for p in tmp_path.iterdir()] == ["digits-quick"]
    assert "then at each next stop from the weights before" in (tmp_path / "digits-quick" / "README.md").read_text(
        "utf-8"
    )


# the command line

LINE = ["train", "--dataset", "digits", "--family", "vae", "--hidden", "16", "--latent-dim", "2", "--epochs", "2"]


def test_the_command_line_trains_a_dial(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*LINE, "--dial", "beta", "--stops", "0.1,1", "--epochs-per-stop", "1", "--json"]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    found = dial_of(Run(said["run"]))
    assert found.spec == dial("beta", 0.1, 1, per_stop=1) and found.complete and said["epochs"] == 3


@pytest.mark.parametrize(
    ("flags", "said"),
    [(["--dial", "beta"], "stops must be 2 to 32 values, got 0"),
     (["--dial", "beta", "--stops", "1"], "stops must be 2 to 32 values, got 1"),
     (["--dial", "beta", "--stops", "1,0.1"], "stops must ascend, got 1, 0.1"),
     (["--dial", "beta", "--stops", "a,1"], "stops.0 must be a valid number"),
     (["--dial", "level", "--stops", "0,1"], "a dial over level needs a corruption, got none"),
     (["--stops", "0.1,1"], "stops need the knob that they are values of, --dial beta or level, got '0.1,1'")],
)  # fmt: skip
def test_the_command_line_refuses_in_a_sentence(
    flags: list[str], said: str, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    assert main([*LINE, *flags]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not (home / "runs").exists()
