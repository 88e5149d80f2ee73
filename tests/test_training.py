"""The loop: when it stops, what it keeps, and that nothing but its arguments decides how it ends."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from aeexplorer.config import ConfigError
from aeexplorer.data import Dataset, Split
from aeexplorer.families import FAMILIES
from aeexplorer.models.base import Autoencoder
from aeexplorer.runs.run import Run
from aeexplorer.training import loop
from aeexplorer.training.loop import Checkpoint, TrainingConfig, TrainingError, mean_terms, train
from aeexplorer.training.optimizer import AdamW

Tiny = Callable[[str], Dataset]


def make(family: str, data: Dataset, **knobs: object) -> Autoencoder:
    row = FAMILIES[family]
    torch.manual_seed(0)
    small = {"hidden": (16,), "latent_dim": 4} | ({"positions": 2, "codebook_size": 16} if family == "vqvae" else {})
    return row.make(row.config.replace(**{**small, **knobs}), data.spec)


def config(**knobs: object) -> TrainingConfig:
    return TrainingConfig(**{"epochs": 3, "batch_size": 10, "device": "cpu", **knobs})


def copy(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k: v.clone() for k, v in state.items()}


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def test_a_report_for_every_epoch(tiny: Tiny) -> None:
    data = tiny("grey")
    reports = list(train(make("vae", data), data, config()))
    assert [p.epoch for p in reports if p.validation] == [1, 2, 3]
    last = reports[-1]
    assert last.finished == "epochs" and all(p.finished is None for p in reports[:-1])
    assert (last.step, last.steps, last.seconds_left) == (9, 9, 0)  # 24 samples in batches of 10, 10 and 4
    assert set(last.train) == {"reconstruction", "kl"} == set(last.validation or {})
    assert all(a.seconds <= b.seconds for a, b in pairwise(reports))


def test_the_train_figures_are_means_over_the_epoch(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weighed by the samples of a batch, the short last one included: at a step of nearly nothing they are the loss."""
    monkeypatch.setattr(loop, "REPORT_SECONDS", 0)
    data = tiny("grey")
    model = make("ae", data)
    expected = mean_terms(model, data.train)["reconstruction"]
    reports = list(train(model, data, config(epochs=1, learning_rate=1e-12)))
    assert len(reports) == 3
    assert reports[-1].train["reconstruction"] == pytest.approx(expected, rel=1e-5)
    first = data.train.take(reports[0]._loop.order(0).numpy()[:10])
    assert reports[0].train["reconstruction"] == pytest.approx(mean_terms(model, first)["reconstruction"], rel=1e-5)


def test_the_best_weights_are_restored(tiny: Tiny) -> None:
    data = tiny("grey")
    model = make("ae", data)
    states: dict[int, dict[str, Tensor]] = {}
    losses: dict[int, float] = {}
    for progress in train(model, data, config(epochs=12, learning_rate=0.3, schedule="constant")):
        if progress.validation:
            losses[progress.epoch] = sum(progress.validation.values())
            states[progress.epoch] = copy(model.state_dict())
    best = min(losses, key=losses.__getitem__)
    assert best < 12, "the learning rate must be too large for this test to mean anything"
    assert progress.best_epoch == best and same(model.state_dict(), states[best]) and not model.training


def test_patience_stops(tiny: Tiny) -> None:
    data = tiny("grey")
    reports = list(train(make("ae", data), data, config(epochs=50, learning_rate=0.3, schedule="constant", patience=2)))
    assert reports[-1].finished == "patience"
    assert reports[-1].epoch == reports[-1].best_epoch + 2 < 50


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_learning_rate(tiny: Tiny, schedule: str) -> None:
    data = tiny("grey")
    rates = [p._loop.rate() for p in train(make("ae", data), data, config(schedule=schedule, learning_rate=0.01))]
    assert rates[-1] == pytest.approx(0.01 if schedule == "constant" else 0, abs=1e-12)
    assert rates[0] == pytest.approx(0.01 * (1 if schedule == "constant" else 0.75), rel=1e-6)


def test_only_some_samples(tiny: Tiny) -> None:
    data = tiny("grey")
    assert list(train(make("ae", data), data, config(samples=10)))[-1].steps == 3


@pytest.mark.parametrize("knobs", [{"batch_size": 25}, {"batch_size": 11, "samples": 10}])
def test_a_batch_larger_than_the_data_is_refused(tiny: Tiny, knobs: dict[str, int]) -> None:
    data, limit = tiny("grey"), knobs.get("samples", 24)
    with pytest.raises(
        ConfigError, match=f"at most {limit}, the training samples of tiny-grey, got {knobs['batch_size']}"
    ):
        next(train(make("ae", data), data, config(**knobs)))


def test_a_loss_that_is_not_finite_stops_and_names_the_step(tiny: Tiny) -> None:
    data = tiny("vector")
    huge = data.train.x.copy()
    huge[:, 0] = 1e30
    with pytest.raises(TrainingError, match=r"reconstruction became inf at step 1; try a learning rate below 0\.002"):
        list(train(make("ae", data), Dataset(data.spec, Split(huge, data.train.y), *([data.validation] * 2)), config()))
    with pytest.raises(TrainingError, match=r"became (inf|nan) at step [2-9]"):
        list(train(make("ae", data), data, config(learning_rate=1, weight_decay=10, epochs=500, schedule="constant")))


def test_a_validation_loss_that_is_not_finite_stops(tiny: Tiny) -> None:
    data = tiny("vector")
    bad = Split(np.full_like(data.validation.x, 1e30), data.validation.y)
    with pytest.raises(TrainingError, match="became inf on the validation samples after step 3"):
        list(train(make("ae", data), Dataset(data.spec, data.train, bad, data.test), config()))


@pytest.mark.parametrize("family", ["vae", "aae", "vqvae", "dae"])
def test_the_caller_may_draw_random_numbers(tiny: Tiny, family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "REPORT_SECONDS", 0)
    data, states = tiny("grey"), []
    for disturb in (False, True):
        model = make(family, data, dropout=0.1)
        torch.manual_seed(disturb)
        for _ in train(model, data, config()):
            if disturb:
                torch.rand(17)
        states.append(copy(model.state_dict()))
    assert same(*states)


def test_the_caller_keeps_their_random_numbers_and_threads(tiny: Tiny) -> None:
    data = tiny("grey")
    model = make("vae", data)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    for _ in train(model, data, config(threads=2)):
        assert torch.get_num_threads() == 1
    assert torch.equal(torch.rand(3), expected)


def test_another_seed_is_another_training(tiny: Tiny) -> None:
    data, states = tiny("grey"), []
    for seed in (0, 1):
        model = make("vae", data)
        list(train(model, data, config(seed=seed)))
        states.append(model.state_dict())
    assert not same(*states)


@pytest.mark.parametrize("family", ["vae", "dae"])
def test_validation_noise_depends_on_the_seed_alone(tiny: Tiny, family: str) -> None:
    data = tiny("grey")
    model = make(family, data)
    torch.manual_seed(1)
    first = mean_terms(model, data.validation, seed=3)
    torch.manual_seed(2)
    expected = torch.rand(1)
    torch.manual_seed(2)
    assert mean_terms(model, data.validation, seed=3) == first != mean_terms(model, data.validation, seed=4)
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("family", ["vae", "aae", "vqvae", "dae"])
@pytest.mark.parametrize("patience", [0, 1])
@pytest.mark.long
def test_resumed_at_any_report_it_ends_the_same(
    tiny: Tiny, family: str, patience: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "REPORT_SECONDS", 0)
    data = tiny("grey")
    knobs = config(epochs=4, patience=patience, learning_rate=0.3 if patience else 2e-3)
    reference, model = make(family, data, dropout=0.1), make(family, data, dropout=0.1)
    run = Run.create(family, data.spec, model.config, knobs)
    ends = list(train(reference, data, knobs))
    checkpoints = []
    for progress in train(model, data, knobs):
        run.forget_checkpoints()
        run.save_checkpoint(progress.checkpoint())
        checkpoint = run.load_checkpoint()
        assert checkpoint is not None
        checkpoints.append(checkpoint)
    assert len(checkpoints) == len(ends) >= (3 if patience else 12)
    for position, checkpoint in enumerate(checkpoints):
        resumed = make(family, data, dropout=0.1)
        rest = list(train(resumed, data, knobs, checkpoint))
        assert same(resumed.state_dict(), reference.state_dict()), f"resumed after report {position}"
        assert not resumed.training
        assert [(p.step, p.train, p.validation, p.best_epoch, p.finished) for p in rest] == [
            (p.step, p.train, p.validation, p.best_epoch, p.finished) for p in ends[position + 1 :]
        ]


@pytest.mark.parametrize("damage", ["missing", "shape", "unknown", "name", "scalar"])
def test_a_checkpoint_that_does_not_fit_is_refused(tiny: Tiny, damage: str) -> None:
    data = tiny("grey")
    checkpoint = next(train(make("ae", data), data, config())).checkpoint()
    tensors, scalars = copy(checkpoint.tensors), dict(checkpoint.scalars)
    name = next(k for k in tensors if k.startswith("model."))
    if damage == "missing":
        del tensors[name]
    elif damage == "shape":
        tensors[name] = torch.zeros(3)
    elif damage == "unknown":
        tensors["other.x"] = torch.zeros(3)
    elif damage == "name":
        tensors["x"] = torch.zeros(3)
    else:
        scalars["best_loss"] = None
    with pytest.raises(TrainingError, match="the checkpoint does not fit this model"):
        next(train(make("ae", data), data, config(), Checkpoint(tensors, scalars)))


def test_a_missing_gpu_is_refused(tiny: Tiny) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA GPU")
    data = tiny("grey")
    with pytest.raises(ConfigError, match="device must be cpu or auto on a machine without a CUDA GPU, got cuda"):
        next(train(make("ae", data), data, config(device="cuda")))


@pytest.mark.parametrize("fused", [True, False])
def test_the_optimiser_takes_the_steps_of_pytorchs_adamw(fused: bool) -> None:
    random, found = np.random.default_rng(0), []
    gradients = torch.from_numpy(random.normal(size=(6, 5)).astype(np.float32))
    for kind in (AdamW, torch.optim.AdamW):
        weights = torch.ones(5, requires_grad=True)
        optimizer = kind([weights], lr=0.1, betas=(0.8, 0.9), weight_decay=0.1, fused=fused)
        for i, gradient in enumerate(gradients):
            weights.grad = gradient.clone()
            optimizer.step()
            optimizer.zero_grad()
            assert weights.grad is None
            if i == 2:
                state, optimizer = optimizer.state_dict(), kind([weights], fused=fused)
                optimizer.load_state_dict(state)
        found.append(weights.detach())
    assert torch.equal(*found)
