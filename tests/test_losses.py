"""Losses against their definitions."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Bernoulli, Laplace, Normal, kl_divergence

from aeexplorer import losses
from aeexplorer.data import DataSpec

random = torch.Generator().manual_seed(0)
SPEC = DataSpec(name="digits", title="Digits", kind="image", shape=(8, 8), value_range=(0.0, 1.0))


def test_kl_equals_torch_distributions() -> None:
    mean, logvar = torch.randn(7, 5, generator=random), torch.randn(7, 5, generator=random)
    posterior = Normal(mean, torch.exp(0.5 * logvar))
    torch.testing.assert_close(losses.gaussian_kl(mean, logvar), kl_divergence(posterior, Normal(0.0, 1.0)))
    assert not losses.gaussian_kl(torch.zeros(3, 2), torch.zeros(3, 2)).any()
    other, width = torch.randn(7, 5, generator=random), torch.randn(7, 5, generator=random)
    exact = kl_divergence(posterior, Normal(other, torch.exp(0.5 * width)))
    torch.testing.assert_close(losses.gaussian_kl(mean, logvar, other, width), exact)


def test_densities_equal_torch_distributions() -> None:
    z, mean, logvar = torch.randn(3, 7, 5, generator=random)
    exact = Normal(mean, torch.exp(0.5 * logvar)).log_prob(z).sum(1)
    torch.testing.assert_close(losses.gaussian_log_density(z, mean, logvar), exact)
    torch.testing.assert_close(losses.gaussian_log_density(z), Normal(0.0, 1.0).log_prob(z).sum(1))


def test_a_constant_makes_a_loss_a_likelihood() -> None:
    x, out = torch.rand(4, 9, generator=random), torch.randn(4, 9, generator=random)
    for name, density in (("mse", Normal(out, 0.5**0.5)), ("mae", Laplace(out, 1.0))):
        loss = losses.LOSSES[name]
        assert loss.constant is not None
        torch.testing.assert_close(-loss.made(SPEC)(out, x) - 9 * loss.constant, density.log_prob(x).sum(1))


def test_cross_entropy_is_the_bernoulli_likelihood() -> None:
    logits, x = torch.randn(6, 1, 4, 3, generator=random), torch.randint(2, (6, 1, 4, 3), generator=random).float()
    exact = -Bernoulli(logits=logits).log_prob(x).sum((1, 2, 3))
    torch.testing.assert_close(losses.binary_cross_entropy(logits, x), exact)


def test_cross_entropy_is_finite_at_the_extremes() -> None:
    assert losses.binary_cross_entropy(torch.tensor([[-1e4, 1e4]]), torch.tensor([[1.0, 0.0]])) == 2e4


def test_squared_error_is_summed_over_features() -> None:
    assert losses.squared_error(torch.zeros(2, 3), torch.tensor([[1.0, 2.0, 2.0], [0.0, 0.0, 1.0]])).tolist() == [9, 1]


def test_reductions_do_not_depend_on_the_batch() -> None:
    x, out = torch.rand(4, 1, 8, 8, generator=random), torch.randn(4, 1, 8, 8, generator=random)
    for loss in losses.LOSSES.values():
        distortion = loss.made(SPEC)
        torch.testing.assert_close(
            distortion(out, x).repeat(2), distortion(out.repeat(2, 1, 1, 1), x.repeat(2, 1, 1, 1))
        )


def test_sparsity_is_the_kl_between_bernoullis() -> None:
    activation = torch.rand(50, 6, generator=random)
    exact = kl_divergence(Bernoulli(0.05), Bernoulli(activation.mean(0))).sum()
    torch.testing.assert_close(losses.bernoulli_kl(0.05, activation), exact)
    assert losses.bernoulli_kl(0.05, torch.full((3, 2), 0.05)) == pytest.approx(0, abs=1e-6)


def test_sparsity_is_finite_for_dead_and_saturated_units() -> None:
    assert math.isfinite(losses.bernoulli_kl(0.05, torch.tensor([[0.0, 1.0]])).item())
