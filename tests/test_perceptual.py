"""Losses that compare pictures, and the learned variance: against definitions and a known implementation."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

import aeexplorer as ae
from aeexplorer import perceptual
from aeexplorer.config import ConfigError
from aeexplorer.data import Dataset, DataSpec, load_dataset
from aeexplorer.data.spec import Split
from aeexplorer.families import FAMILIES
from aeexplorer.losses import LOSSES, LearnedVariance, structural_error, structural_similarity
from aeexplorer.perceptual import CLASSIFIERS, Perceptual, activations, classify, load_classifier
from aeexplorer.tensors import Samples
from aeexplorer.training.evaluation import evaluate
from aeexplorer.training.loop import TrainingConfig, train

Tiny = Callable[[str], Dataset]

SSIM = {
    (28, 28): 0.6899747926947828,
    (8, 8): 0.5546502678682077,
    (12, 9): 0.6339199944778446,
    (16, 16, 3): 0.6503963681401624,
}
"""`structural_similarity` of scikit-image 0.26 with windows of 7 or 3 pixels, for the pictures of `noisy_pairs`."""


def noisy_pairs() -> dict[tuple[int, ...], tuple[torch.Tensor, torch.Tensor]]:
    """Random pictures and the same with noise, (1, channels, h, w) each, by shape."""
    random, pairs = np.random.default_rng(0), {}
    for shape in SSIM:
        a = random.random(shape)
        b = np.clip(a + 0.3 * random.standard_normal(shape), 0, 1)
        pairs[shape] = tuple(
            torch.from_numpy(x if x.ndim == 3 else x[..., None]).float().movedim(-1, 0)[None] for x in (a, b)
        )
    return pairs


def test_ssim_is_that_of_scikit_image() -> None:
    for shape, (a, b) in noisy_pairs().items():
        found = structural_similarity(b, a)
        assert found.shape == (1,) and found.item() == pytest.approx(SSIM[shape], abs=1e-4)
        mixed = structural_error(b, a).item() / math.prod(shape)
        assert mixed == pytest.approx(0.84 * (1 - SSIM[shape]) + 0.16 * (a - b).abs().mean().item(), abs=1e-4)


def test_ssim_of_a_picture_with_itself_is_one() -> None:
    x = torch.rand(3, 1, 9, 9)
    torch.testing.assert_close(structural_similarity(x, x), torch.ones(3))


def test_a_learned_variance_is_the_gaussian_likelihood_and_finds_the_best(tiny: Tiny) -> None:
    spec = DataSpec(name="numbers", title="Numbers", kind="vector", shape=(4,))
    out, x = torch.zeros(4_000, 4), 0.3 * torch.randn(4_000, 4, generator=torch.Generator().manual_seed(0))
    loss = LearnedVariance(spec)
    exact = torch.distributions.Normal(out, loss.log_sigma.exp()).log_prob(x).sum(1)
    constant = LOSSES["learned_variance"].constant
    assert constant is not None
    torch.testing.assert_close(-loss(out, x) - 4 * constant, exact)
    optimizer = torch.optim.Adam(loss.parameters(), 0.02)
    for _ in range(300):
        optimizer.zero_grad()
        loss(out, x).mean().backward()
        optimizer.step()
    assert loss.log_sigma.exp().item() == pytest.approx(x.square().mean().sqrt().item(), rel=0.01)


def test_a_learned_variance_stays_above_its_bound() -> None:
    loss = LearnedVariance(DataSpec(name="numbers", title="Numbers", kind="vector", shape=(4,)))
    with torch.no_grad():
        loss.raw.fill_(-100.0)
    assert loss.log_sigma.item() == pytest.approx(LearnedVariance.LEAST)


@pytest.mark.parametrize("name", ["ae", "vae", "aae", "vqvae", "factor_vae", "hvae", "multirate_vae", "m2"])
def test_every_kind_of_training_learns_the_variance_and_keeps_it(name: str, tiny: Tiny) -> None:
    data = tiny("grey")
    small = {"hidden": (16,), "latent_dim": 8, **FAMILIES[name].trial.narrow}
    run = ae.train(name, data, epochs=2, batch_size=8, bar=False, loss="learned_variance", **small)
    stored = safetensors.torch.load_file(run.path / "weights.safetensors")["distortion.raw"]
    assert stored.item() != LearnedVariance(data.spec).raw.item()
    assert ae.open_run(run.path)._model.distortion.raw.item() == stored.item()


@pytest.mark.parametrize("name", sorted(set(CLASSIFIERS.values())))
def test_the_shipped_classifiers_are_small_and_finite(name: str) -> None:
    path = Path(perceptual.__file__).with_name(f"{name}.safetensors")
    assert path.stat().st_size <= 300_000
    weights = load_classifier(name)
    assert all(tensor.isfinite().all() for tensor in weights.values()) and (weights["power"] > 0).all()


def test_the_classifier_of_digits_recognises_them() -> None:
    data = load_dataset("digits")
    x, y = Samples(data.test.x, data.test.y, data.spec).batch(torch.arange(len(data.test)))
    assert (classify(x, load_classifier("digits")).argmax(1) == y).float().mean() > 0.97


def test_the_perceptual_loss_is_the_error_of_features_and_of_pixels() -> None:
    data = load_dataset("digits")
    x, _ = Samples(data.test.x, data.test.y, data.spec).batch(torch.arange(6))
    other, weights = x.roll(1, 0), load_classifier("digits")
    relative = [
        (a - b).square().flatten(1).mean(1) / power
        for a, b, power in zip(activations(x, weights), activations(other, weights), weights["power"], strict=True)
    ]
    loss = Perceptual(data.spec)
    found = loss(torch.logit(other, eps=1e-7), x)
    pixels = (other - x).square().flatten(1).sum(1)
    torch.testing.assert_close(found, pixels + 64 * sum(relative) / 3, rtol=1e-3, atol=1e-3)
    assert loss(torch.logit(x, eps=1e-7), x).max() < 1e-3 < found.min()


def test_a_picture_that_is_drawn_by_the_perceptual_loss_has_no_dots() -> None:
    """Dots of single pixels lie in the highest frequencies: a loss that hardly saw them would leave an error there."""
    data = load_dataset("digits")
    x, _ = Samples(data.test.x, data.test.y, data.spec).batch(torch.arange(20))
    loss, logits = Perceptual(data.spec), torch.full_like(x, -1.0).requires_grad_()
    optimizer = torch.optim.Adam([logits], 0.1)
    for _ in range(100):
        optimizer.zero_grad()
        loss(logits, x).sum().backward()
        optimizer.step()
    error, power = (torch.fft.rfft2(p).square().abs()[..., 3:6, 3:].mean() for p in (logits.detach().sigmoid() - x, x))
    assert error < 0.1 * power


@pytest.mark.parametrize("loss", ["ssim", "perceptual"])
def test_pictures_are_compared_while_training(loss: str) -> None:
    data = load_dataset("digits")
    few = Dataset(data.spec, data.train.take(np.arange(200)), data.validation.take(np.arange(50)), data.test)
    run = ae.train("ae", few, epochs=8, batch_size=20, hidden=(64,), latent_dim=16, loss=loss, bar=False)
    errors = [event["validation"]["reconstruction"] for event in run.epochs()]
    assert errors[-1] < 0.7 * errors[0]
    figures = ae.open_run(run.path).evaluate(few.test)
    assert "floor" not in figures and "nll" not in figures
    assert not any("weight0" in name for name in safetensors.torch.load_file(run.path / "weights.safetensors"))
    with pytest.raises(ConfigError, match=f"nll needs a loss that is a likelihood, got {loss}"):
        ae.open_run(run.path).evaluate(few.test, nll=5)


@pytest.mark.parametrize(
    ("loss", "modality", "said"),
    [
        ("perceptual", "grey", "for tiny-grey, for which no classifier is shipped, got perceptual"),
        ("perceptual", "vector", "for tiny-vector, for which no classifier is shipped, got perceptual"),
        (
            "ssim",
            "vector",
            "loss must be mse, mae or learned_variance for tiny-vector, which are no pictures, got ssim",
        ),
        ("bce", "sequence", "for tiny-sequence, whose values are not in"),
    ],
)
def test_a_loss_that_does_not_fit_is_refused_in_one_sentence(loss: str, modality: str, said: str, tiny: Tiny) -> None:
    row, data = FAMILIES["ae"], tiny(modality)
    with pytest.raises(ConfigError, match=said):
        row.make(row.config.replace(loss=loss), data.spec)


def test_what_was_evaluated_first_can_still_be_trained_on() -> None:
    """The classifier is kept in memory; where it is first needed must not matter."""
    data = load_dataset("digits")
    load_classifier.cache_clear()
    row = FAMILIES["ae"]
    model = row.make(row.config.replace(loss="perceptual", hidden=(8,), latent_dim=2), data.spec)
    few = Split(data.test.x[:20], data.test.y[:20])
    before = evaluate(model, few)["reconstruction"]
    list(train(model, Dataset(data.spec, few, few, few), TrainingConfig(epochs=30, batch_size=20, device="cpu")))
    assert evaluate(model, few)["reconstruction"] < before
