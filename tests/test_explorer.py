"""The explorer: numpy in, numpy out, and the same as the model underneath."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import aeexplorer as ae
from aeexplorer.config import ConfigError
from aeexplorer.data import Dataset, load_dataset
from aeexplorer.explorer import CHUNK, Explorer, open_run
from aeexplorer.store import Damaged

Tiny = Callable[[str], Dataset]
Open = Callable[..., Explorer]


@pytest.fixture
def opened(tiny: Tiny) -> Open:
    """A family trained for an epoch on a modality."""

    def train(family: str = "vae", modality: str = "grey", **knobs: object) -> Explorer:
        small = {"hidden": (16,), "latent_dim": 4, "epochs": 1, "batch_size": 12, "device": "cpu"}
        small |= {"positions": 2, "codebook_size": 16} if family == "vqvae" else {}
        return open_run(ae.train(family, tiny(modality), bar=False, **{**small, **knobs}))

    return train


@pytest.mark.parametrize("modality", ["grey", "colour", "sequence", "vector"])
def test_shapes_and_types(opened: Open, tiny: Tiny, modality: str) -> None:
    explorer, data = opened(modality=modality), tiny(modality)
    x = data.test.x
    z = explorer.encode(x)
    assert z.shape == (12, 4) and z.dtype == np.float32
    for out in (explorer.decode(z), explorer.reconstruct(x), explorer.sample(12)):
        assert out.shape == (12, *data.spec.shape) and out.dtype == np.float32 and out.flags["C_CONTIGUOUS"]
    np.testing.assert_array_equal(explorer.reconstruct(x), explorer.decode(z))
    assert explorer.decode(z[0]).shape == (1, *data.spec.shape)
    assert explorer.decode(z[:0]).shape == (0, *data.spec.shape) and explorer.encode(x[:0]).shape == (0, 4)
    assert explorer.latent_dim == 4 and explorer.spec == data.spec


def test_bytes_and_intensities_are_the_same_picture(opened: Open, tiny: Tiny) -> None:
    explorer, x = opened(), tiny("grey").test.x
    np.testing.assert_allclose(explorer.encode(x), explorer.encode(x / 255), rtol=1e-4, atol=1e-6)


@pytest.mark.long
def test_colour_channels_come_out_where_they_went_in(tiny: Tiny) -> None:
    data = tiny("colour")
    knobs = {"epochs": 150, "batch_size": 24, "learning_rate": 1e-2, "device": "cpu"}
    explorer = open_run(ae.train("ae", data, bar=False, hidden=(64,), latent_dim=16, **knobs))
    x = data.train.x / 255
    assert np.square(explorer.reconstruct(data.train.x) - x).mean() < 0.3 * np.square(x[..., ::-1] - x).mean()


def test_more_samples_than_a_chunk(opened: Open, tiny: Tiny) -> None:
    explorer, x = opened(), tiny("grey").test.x
    many = np.tile(x, (CHUNK // 6, 1, 1))
    np.testing.assert_allclose(explorer.encode(many)[-12:], explorer.encode(x), rtol=1e-4, atol=1e-6)
    assert explorer.reconstruct(many).shape == many.shape


def test_nothing_random_and_no_gradients(opened: Open, tiny: Tiny) -> None:
    explorer, x = opened(dropout=0.5), tiny("grey").test.x
    np.testing.assert_array_equal(explorer.encode(x), explorer.encode(x))
    assert not any(p.requires_grad for p in explorer._model.parameters()) and not explorer._model.training


def test_errors_are_per_sample(opened: Open, tiny: Tiny) -> None:
    explorer, x = opened(), tiny("grey").test.x
    expected = np.square(explorer.reconstruct(x) - x / 255).mean((1, 2))
    np.testing.assert_allclose(explorer.errors(x), expected, rtol=1e-4)
    against = explorer.errors(x, target=np.zeros_like(x))
    np.testing.assert_allclose(against, np.square(explorer.reconstruct(x)).mean((1, 2)), rtol=1e-4)


def test_the_posterior_is_where_the_code_is(opened: Open, tiny: Tiny) -> None:
    explorer, x = opened("vae"), tiny("grey").test.x
    mean, logvar = explorer.posterior(x)
    np.testing.assert_array_equal(mean, explorer.encode(x))
    assert logvar.shape == (12, 4)
    with pytest.raises(ConfigError, match="family must have a posterior, got ae"):
        opened("ae").posterior(x)


@pytest.mark.parametrize("family", ["ae", "vae", "aae", "vqvae", "sparse_ae"])
def test_samples_are_a_function_of_the_seed(opened: Open, family: str) -> None:
    explorer = opened(family)
    first, again, other = (explorer.sample_codes(5, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (5, 4) and first.dtype == np.float32 and (first != other).any()


def test_samples_of_a_prior_follow_it(opened: Open) -> None:
    z = opened("vae").sample_codes(5000, temperature=0.5)
    assert z.mean() == pytest.approx(0, abs=0.02) and z.std() == pytest.approx(0.5, rel=0.02)


def test_samples_without_a_prior_follow_the_stored_codes(opened: Open) -> None:
    explorer = opened("ae")
    z, stored = explorer.sample_codes(10_000), explorer.codes.z
    np.testing.assert_allclose(z.mean(0), stored.mean(0), atol=0.1 * stored.std())
    np.testing.assert_allclose(np.cov(z.T), np.cov(stored.T), atol=0.1 * np.cov(stored.T).max())
    np.testing.assert_allclose(explorer.sample_codes(3, temperature=0), np.tile(stored.mean(0), (3, 1)), rtol=1e-5)


def test_samples_of_a_codebook_are_entries(opened: Open) -> None:
    explorer = opened("vqvae")
    entries = {tuple(e) for e in explorer._model.codebook.numpy()}
    assert {tuple(half) for z in explorer.sample_codes(20) for half in np.split(z, 2)} <= entries


def test_a_traversal_moves_one_coordinate(opened: Open) -> None:
    explorer = opened()
    z, values = np.array([0.1, 0.2, 0.3, 0.4]), np.array([-1.0, 0.2, 1.0])
    pictures = explorer.traverse(z, 1, values)
    np.testing.assert_allclose(pictures[1], explorer.decode(z)[0], rtol=1e-4, atol=1e-6)
    moved = np.array([[0.1, v, 0.3, 0.4] for v in values])
    np.testing.assert_allclose(pictures, explorer.decode(moved), rtol=1e-4, atol=1e-6)


def test_refusals(opened: Open) -> None:
    explorer = opened()
    with pytest.raises(ValueError, match=r"must have shape \(n, 8, 8\), got \(2, 9, 9\)"):
        explorer.encode(np.zeros((2, 9, 9)))
    with pytest.raises(ValueError, match=r"must have shape \(n, 4\), got \(2, 5\)"):
        explorer.decode(np.zeros((2, 5)))
    with pytest.raises(ConfigError, match="samples must be finite"):
        explorer.encode(np.full((1, 8, 8), np.nan))
    with pytest.raises(ConfigError, match="codes must be finite"):
        explorer.decode(np.full((1, 4), np.inf))
    for n in (0, 10_001, 10**9):
        with pytest.raises(ConfigError, match=f"n must be between 1 and 10000, got {n}"):
            explorer.sample(n)
    for temperature in (-1, 11, float("nan")):
        with pytest.raises(ConfigError, match=f"temperature must be between 0 and 10, got {temperature}"):
            explorer.sample(1, temperature=temperature)
    for dimension in (-1, 4):
        with pytest.raises(ConfigError, match=f"dimension must be between 0 and 3, got {dimension}"):
            explorer.traverse(np.zeros(4), dimension, np.zeros(2))


def test_evaluation_on_another_split(opened: Open, tiny: Tiny) -> None:
    explorer, data = opened("vqvae"), tiny("grey")
    figures = explorer.evaluate(data.test)
    assert figures == explorer.run.status.result
    assert figures["mse"] == pytest.approx(explorer.errors(data.test.x).mean(), rel=1e-4)
    assert 1 <= figures["perplexity"] <= figures["codes_used"] <= 16


def test_the_dataset_is_found_again() -> None:
    data = load_dataset("wine")
    explorer = open_run(ae.train("ae", data, bar=False, hidden=(8,), latent_dim=2, epochs=1, batch_size=32))
    assert explorer.dataset is data
    assert explorer.evaluate() == explorer.run.status.result


def test_opening(opened: Open, tmp_path: Path) -> None:
    explorer = opened()
    z = np.ones((1, 4))
    for again in (open_run(explorer.run), open_run(explorer.run.path), open_run(explorer.run.id)):
        np.testing.assert_array_equal(again.decode(z), explorer.decode(z))
    with pytest.raises(ConfigError, match="unknown run"):
        open_run(tmp_path / "nothing")
    (explorer.run.path / "weights.safetensors").write_bytes(b"x")
    with pytest.raises(Damaged):
        open_run(explorer.run)


def test_opening_leaves_the_random_numbers_alone(opened: Open) -> None:
    explorer = opened()
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    open_run(explorer.run)
    assert torch.equal(torch.rand(2), expected)
