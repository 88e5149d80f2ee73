"""The Wasserstein autoencoder: MMD² against its definition, and codes that come to the prior."""

from __future__ import annotations

import math

import pytest
import torch

from aeexplorer import losses
from aeexplorer.data import load_dataset
from aeexplorer.families import FAMILIES
from aeexplorer.losses import MMD_SCALES, mmd
from aeexplorer.tensors import Samples
from aeexplorer.training.loop import TrainingConfig, train


def by_definition(z: torch.Tensor, other: torch.Tensor) -> float:
    """The U-statistic as two sums over pairs of different samples and one over all pairs."""

    def kernel(a: torch.Tensor, b: torch.Tensor) -> float:
        squared = sum((x - y) ** 2 for x, y in zip(a.tolist(), b.tolist(), strict=True))
        return sum(2 * len(a) * s / (2 * len(a) * s + squared) for s in MMD_SCALES)

    n, pairs = len(z), range(len(z))
    within = sum(kernel(v[i], v[j]) for v in (z, other) for i in pairs for j in pairs if i != j)
    across = sum(kernel(z[i], other[j]) for i in pairs for j in pairs)
    return within / (n * (n - 1)) - 2 * across / n**2


def test_mmd_is_what_the_definition_says() -> None:
    random = torch.Generator().manual_seed(0)
    z, other = 2 * torch.randn(9, 3, generator=random) + 1, torch.randn(9, 3, generator=random)
    assert mmd(z, other).item() == pytest.approx(by_definition(z, other), rel=1e-4)


def test_mmd_is_zero_on_average_between_samples_of_one_distribution() -> None:
    random = torch.Generator().manual_seed(1)
    same = torch.stack([mmd(*torch.randn(2, 16, 4, generator=random)) for _ in range(500)])
    assert abs(same.mean()) < 4 * same.std() / math.sqrt(len(same))
    assert (same < 0).any()
    assert mmd(torch.randn(200, 4, generator=random) + 1, torch.randn(200, 4, generator=random)) > 0.1


def test_one_sample_has_no_mmd() -> None:
    z = torch.ones(1, 3, requires_grad=True)
    assert mmd(z, torch.zeros(1, 3)) == 0


@pytest.mark.long
def test_codes_come_closer_to_the_prior_than_those_of_an_autoencoder() -> None:
    data, found = load_dataset("digits"), []
    row = FAMILIES["wae"]
    x = Samples(data.test.x, data.test.y, data.spec).batch(torch.arange(len(data.test)))[0]
    prior = torch.randn(len(x), 4, generator=torch.Generator().manual_seed(0))
    for weight in (0.0, row.config.mmd_weight):
        torch.manual_seed(0)
        model = row.make(row.config.replace(latent_dim=4, hidden=(64,), mmd_weight=weight), data.spec)
        list(train(model, data, TrainingConfig(epochs=20, batch_size=64, device="cpu")))
        with torch.no_grad():
            found.append(losses.mmd(model.encode(x).z, prior).item())
    assert found[1] < 0.1 * found[0]
