"""Pictures in black and white that training draws anew: the datasets, the loop, and what is said of their nats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from resuming import trained_in_two_parts

import aeexplorer as ae
from aeexplorer import noise
from aeexplorer.data import DATASETS, Dataset, Split, binary, downloads, load_dataset
from aeexplorer.families import FAMILIES
from aeexplorer.models.base import Autoencoder, Batch
from aeexplorer.models.vae import VAE
from aeexplorer.runs.recording import train_run
from aeexplorer.runs.request import new_run
from aeexplorer.training.evaluation import evaluate, likelihood_sentence
from aeexplorer.training.loop import TrainingConfig, train

Tiny = Callable[[str], Dataset]


def binary_of(data: Dataset) -> Dataset:
    """A tiny dataset whose training split is drawn anew: its pixels are grey, and x holds black alone."""
    grey = np.full_like(data.train.x, 64)
    grey[:, 0], grey[:, 1] = 0, 255
    splits = (Split(np.where(s.x < 128, 0, 255).astype(np.uint8), s.y) for s in (data.validation, data.test))
    return Dataset(data.spec, Split(np.zeros_like(grey), data.train.y, grey=grey), *splits)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[torch.Tensor]]:
    """The batches that a VAE is trained on."""
    batches: list[torch.Tensor] = []
    terms = VAE.terms

    def remembering(self: VAE, batch: Batch) -> dict[str, torch.Tensor]:
        if self.training:
            batches.append(batch.x)
        return terms(self, batch)

    monkeypatch.setattr(VAE, "terms", remembering)
    yield batches


def model_of(data: Dataset) -> Autoencoder:
    with noise.building(0):
        return FAMILIES["vae"].make(FAMILIES["vae"].config.replace(hidden=(8,), latent_dim=2), data.spec)


def test_training_draws_anew_each_epoch(tiny: Tiny, seen: list[torch.Tensor]) -> None:
    data = binary_of(tiny("grey"))
    list(train(model_of(data), data, TrainingConfig(epochs=40, batch_size=24, device="cpu")))
    x = torch.stack(seen)  # (epochs, b, 1, 8, 8)
    assert set(x.unique().tolist()) == {0.0, 1.0}
    assert not x[..., 0, :].any() and x[..., 1, :].all()
    drawn = x[..., 2:, :]
    assert drawn.mean().item() == pytest.approx(64 / 255, abs=0.01)
    assert all((drawn[i] != drawn[i + 1]).any() for i in range(len(drawn) - 1))


def test_the_seed_decides_what_is_drawn(tiny: Tiny, seen: list[torch.Tensor]) -> None:
    data, found = binary_of(tiny("grey")), []
    for seed in (1, 1, 2):
        seen.clear()
        list(train(model_of(data), data, TrainingConfig(epochs=3, batch_size=10, seed=seed, device="cpu")))
        found.append(torch.cat(seen))
    assert torch.equal(found[0], found[1]) and not torch.equal(found[0], found[2])


@pytest.mark.parametrize("at", [1, 4, 6])
def test_a_training_resumes_bit_for_bit(at: int, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aeexplorer.training.loop.REPORT_SECONDS", 0)
    data = binary_of(tiny("grey"))
    knobs = {"epochs": 3, "batch_size": 10, "hidden": (8,), "latent_dim": 2, "device": "cpu"}
    whole = train_run(new_run("vae", data, **knobs), data, bar=False)
    broken = trained_in_two_parts(new_run("vae", data, **knobs), data, reports=at)
    assert (broken.path / "weights.safetensors").read_bytes() == (whole.path / "weights.safetensors").read_bytes()


def test_fewer_samples_are_drawn_from_their_own_grey_levels(tiny: Tiny, seen: list[torch.Tensor]) -> None:
    data = binary_of(tiny("grey"))
    assert data.train.grey is not None
    grey = data.train.grey.copy()
    grey[:5], grey[5:] = 255, 0
    data = replace(data, train=replace(data.train, grey=grey))
    list(train(model_of(data), data, TrainingConfig(epochs=1, batch_size=5, samples=5, device="cpu")))
    assert torch.cat(seen).all()


@pytest.mark.parametrize("name", ["mnist-binary", "fashion-mnist-binary"])
def test_pixels_are_drawn_with_their_grey_level_as_probability(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    levels = random.choice(np.array([0, 1, 64, 128, 254, 255], np.uint8), (60, 28, 28))
    spec = {"mnist": downloads.MNIST, "fashion-mnist": downloads.FASHION_MNIST}[downloads.files_of(name)]
    parts = [Split(levels[i::3], np.arange(20) % 10) for i in range(3)]
    monkeypatch.setattr(downloads, "load", lambda base: Dataset(spec, *parts))
    data = binary.load(name)
    assert data.spec == DATASETS[name].spec and data.spec.name == name
    for split, part in zip(data.splits.values(), parts, strict=True):
        assert set(np.unique(split.x)) == {0, 255} and split.x.dtype == np.uint8
        for level in (0, 1, 64, 128, 254, 255):
            chosen = split.x[part.x == level] == 255
            sd = (level / 255 * (1 - level / 255) / len(chosen)) ** 0.5
            assert abs(chosen.mean() - level / 255) <= 4 * sd
    assert np.array_equal(data.train.grey, parts[0].x) and data.test.grey is None and data.validation.grey is None
    again = binary.load(name)
    assert all(np.array_equal(a.x, b.x) for a, b in zip(data.splits.values(), again.splits.values(), strict=True))


@pytest.mark.long
def test_the_same_digits_as_the_grey_ones() -> None:
    if not DATASETS["mnist"].available():
        pytest.skip("mnist is not here, set AEEXPLORER_DATA_DIR")
    grey, drawn = load_dataset("mnist"), load_dataset("mnist-binary")
    np.testing.assert_array_equal(drawn.train.grey, grey.train.x)
    np.testing.assert_array_equal(drawn.test.y, grey.test.y)
    assert not drawn.test.x[grey.test.x == 0].any() and drawn.test.x[grey.test.x == 255].all()
    assert not drawn.train.x.flags.writeable and drawn.train.grey is not None and not drawn.train.grey.flags.writeable


def test_nats_are_said_to_be_a_likelihood_of_black_and_white_alone(
    tiny: Tiny, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "cross-entropy is a likelihood" in likelihood_sentence(0.0)
    assert "grey levels: even a perfect reconstruction has 12.3 nats. It is not a likelihood" in likelihood_sentence(
        12.3
    )
    assert "grey levels. It is not a likelihood" in likelihood_sentence(None)
    data = binary_of(tiny("grey"))
    assert "floor" not in evaluate(model_of(data).eval(), data.test)
    run = ae.train(
        "vae", load_dataset("digits"), epochs=1, samples=64, batch_size=32, hidden=(8,), latent_dim=2, bar=False
    )
    from aeexplorer.__main__ import main

    main(["evaluate", str(run.path)])
    assert "The cross-entropy is measured on grey levels" in capsys.readouterr().out
    main(["evaluate", str(run.path), "--json"])
    assert "cross-entropy" not in capsys.readouterr().out
