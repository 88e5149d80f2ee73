"""Finite scalar quantisation: levels, indices and gradients; the prior is the VQ-VAE's."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

import aeexplorer as ae
from aeexplorer.config import ConfigError
from aeexplorer.data import Dataset
from aeexplorer.families import FAMILIES
from aeexplorer.models.base import Batch
from aeexplorer.models.fsq import FiniteScalarAutoencoder, FSQConfig

Tiny = Callable[[str], Dataset]


def make(data: Dataset, *levels: int, positions: int = 2, **knobs: object) -> FiniteScalarAutoencoder:
    torch.manual_seed(0)
    config = FSQConfig(value_levels=levels, latent_dim=positions * len(levels), hidden=(16,), **knobs)
    model = FAMILIES["fsq"].make(config, data.spec)
    assert isinstance(model, FiniteScalarAutoencoder)
    return model


@pytest.mark.parametrize("levels", [(8, 6, 5), (3,), (4, 7), (64, 3)])
def test_each_value_takes_its_levels_and_no_others(levels: tuple[int, ...], tiny: Tiny) -> None:
    model = make(tiny("grey"), *levels)
    h = torch.linspace(-9, 9, 4_001)[:, None].expand(-1, 2 * len(levels))
    z = model.code(h).z
    for i, count in enumerate(levels):
        found = z[:, i].unique()
        low = -(count // 2)
        torch.testing.assert_close(found * (count // 2), torch.arange(low, low + count).float())
        assert (z[1:, i] >= z[:-1, i]).all(), "a larger output is never rounded to a lower level"
    assert not model.code(torch.zeros(1, 2 * len(levels))).z.any(), "0 is a level, and where an untrained net begins"


def test_every_entry_has_an_index_of_its_own(tiny: Tiny) -> None:
    model = make(tiny("grey"), 5, 4, 3)
    indices = torch.arange(60)[:, None].repeat(1, 2)
    z = model.lookup(indices)
    assert len(z[:, :3].unique(dim=0)) == 60
    digits = torch.round(z[:, :3] * torch.tensor([2.0, 2.0, 1.0]))
    place = (digits + torch.tensor([2, 2, 1])) @ torch.tensor([1.0, 5.0, 20.0])
    torch.testing.assert_close(place, torch.arange(60.0))
    code = model.code(torch.randn(40, 6, generator=torch.Generator().manual_seed(0)))
    assert code.indices is not None and code.indices.min() >= 0 and code.indices.max() < 60
    assert torch.equal(model.lookup(code.indices), code.z)


def test_the_gradient_passes_the_rounding(tiny: Tiny) -> None:
    """The encoder's gradient is that of the decoder at the rounded code, times the slope of the bound."""
    model = make(tiny("grey"), 8, 5)
    x = torch.rand(6, *model.shape)
    batch = Batch(x, x, torch.zeros(6, dtype=torch.int64))
    h = model.encoder(x).detach().requires_grad_()
    z = model.code(h.detach()).z.requires_grad_()
    (at_code,) = torch.autograd.grad(model.reconstruction(z, x), z)
    (expected,) = torch.autograd.grad(model.scaled(model.bounded(h)), h, at_code)
    model.encoder = torch.nn.Identity()
    term = model.terms(batch._replace(x_in=h))["reconstruction"]
    assert term.item() == pytest.approx(model.reconstruction(z, x).item())
    (found,) = torch.autograd.grad(term, h)
    torch.testing.assert_close(found, expected)
    assert found.any()


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"latent_dim": 7}, "latent_dim must be a multiple of the number of value_levels, 3, got 7"),
        ({"value_levels": (64, 64, 64)}, "value_levels must have a product of at most 65536, the entries, got 262144"),
        ({"value_levels": (2, 6, 5)}, "value_levels.0 must be greater than or equal to 3, got 2"),
    ],
)
def test_levels_that_do_not_fit_are_refused(knobs: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        FSQConfig(**knobs)


def test_its_prior_draws_entries_and_counts_nats(tiny: Tiny) -> None:
    data = tiny("grey")
    knobs = {"value_levels": (4, 3), "latent_dim": 8, "hidden": (16,), "prior": "transformer", "prior_units": 16}
    run = ae.train("fsq", data, epochs=4, batch_size=8, bar=False, **knobs)
    model = ae.open_run(run.path)
    assert model.traits == {"codebook", "prior"}
    digits = model.sample_codes(50, seed=1).reshape(-1, 2) * [2, 1]
    assert {tuple(row) for row in digits} <= {(a, b) for a in (-2, -1, 0, 1) for b in (-1, 0, 1)}
    figures = model.evaluate(data.test)
    assert 0 < figures["prior_nats"] < 4 * math.log(12) * 1.5
    assert 1 <= figures["codes_used"] <= 12
