"""β-TC-VAE and FactorVAE: both estimates of the total correlation where it is known."""

from __future__ import annotations

import math

import pytest
import torch

from aeexplorer import noise
from aeexplorer.data import DataSpec
from aeexplorer.families import FAMILIES
from aeexplorer.losses import total_correlation
from aeexplorer.models.base import Batch
from aeexplorer.models.factor_vae import FactorVAE, permuted

SPEC = DataSpec(name="plane", title="Plane", kind="vector", shape=(2,))
SPREAD = 0.5  # standard deviation of each posterior


def posteriors(n: int, correlation: float, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Draws z and moments of posteriors whose mixture is a normal distribution in the plane, variances 1."""
    random = torch.Generator().manual_seed(seed)
    covariance = torch.tensor([[1.0, correlation], [correlation, 1.0]]) - SPREAD**2 * torch.eye(2)
    mean = torch.randn(n, 2, generator=random) @ torch.linalg.cholesky(covariance).T
    return mean + SPREAD * torch.randn(n, 2, generator=random), mean, torch.full((n, 2), 2 * math.log(SPREAD))


@pytest.mark.parametrize("correlation", [0.0, 0.4, 0.7])
def test_the_total_correlation_of_a_gaussian_is_found(correlation: float) -> None:
    exact = -0.5 * math.log(1 - correlation**2)
    found = [total_correlation(*posteriors(1_000, correlation, seed)).item() for seed in range(5)]
    assert sum(found) / 5 == pytest.approx(exact, abs=0.03)


@pytest.mark.parametrize("draws", [7, 3])
def test_it_is_the_mean_of_the_logarithms_by_definition(draws: int) -> None:
    z, mean, logvar = torch.randn(3, 7, 4, generator=torch.Generator().manual_seed(2))
    z, total = z[:draws], 0.0
    for i in range(draws):
        densities = [
            torch.distributions.Normal(m, torch.exp(0.5 * v)).log_prob(z[i]).exp()
            for m, v in zip(mean, logvar, strict=True)
        ]
        joint = sum(d.prod() for d in densities) / 7
        marginals = [sum(d[k] for d in densities) / 7 for k in range(4)]
        total += (math.log(joint) - sum(math.log(m) for m in marginals)) / draws
    assert total_correlation(z, mean, logvar).item() == pytest.approx(total, rel=1e-4)


@pytest.mark.long
def test_a_discriminator_learns_the_total_correlation() -> None:
    """Trained on codes of a correlated normal distribution, its mean logit is their TC."""
    torch.manual_seed(0)
    model = FAMILIES["factor_vae"].make(FAMILIES["factor_vae"].config.replace(latent_dim=2, critic_units=64), SPEC)
    assert isinstance(model, FactorVAE)
    optimizer = torch.optim.Adam(model.discriminator.parameters(), 2e-3)
    with noise.seeded(0):
        for step in range(250):
            z = posteriors(1_000, 0.7, step)[0]
            joint, product = model.discriminator(z), model.discriminator(permuted(z))
            loss = torch.nn.functional.softplus(-joint).mean() + torch.nn.functional.softplus(product).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        found = model.discriminator(posteriors(20_000, 0.7, 9_999)[0]).mean().item()
    assert found == pytest.approx(-0.5 * math.log(1 - 0.49), abs=0.06)


def test_permuted_codes_keep_each_dimension_and_lose_the_others() -> None:
    z = posteriors(5_000, 0.7)[0]
    shuffled = permuted(z)
    torch.testing.assert_close(shuffled.sort(0).values, z.sort(0).values)
    assert abs(torch.corrcoef(shuffled.T)[0, 1]) < 0.05 < torch.corrcoef(z.T)[0, 1]


def test_each_player_moves_its_own_parameters() -> None:
    model = FAMILIES["factor_vae"].make(FAMILIES["factor_vae"].config.replace(hidden=(8,), latent_dim=2), SPEC)
    first, second = (set(map(id, objective.parameters)) for objective in model.objectives())
    assert not first & second and first | second == {id(p) for p in model.parameters()}


def test_without_its_weight_the_loss_is_that_of_the_vae() -> None:
    found = []
    for name in ("vae", "beta_tcvae", "factor_vae"):
        row, knobs = FAMILIES[name], {"hidden": (8,), "latent_dim": 2}
        torch.manual_seed(0)
        model = row.make(row.config.replace(**knobs, **({} if name == "vae" else {"tc_weight": 0})), SPEC)
        x = torch.randn(6, 2, generator=torch.Generator().manual_seed(1))
        with noise.seeded(0):
            terms = model.terms(Batch(x, x, torch.zeros(6, dtype=torch.int64)))
        found.append({name: term.item() for name, term in terms.items()})
    assert found[0] == found[1] == found[2]
