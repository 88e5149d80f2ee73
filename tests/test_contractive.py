"""The contractive autoencoder: the norm of the encoder's derivative against autograd."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from aeexplorer.data import Dataset
from aeexplorer.families import FAMILIES
from aeexplorer.models.base import Batch
from aeexplorer.models.contractive import ContractiveAutoencoder
from aeexplorer.training.loop import TrainingConfig, train

Tiny = Callable[[str], Dataset]


def make(data: Dataset, **knobs: object) -> ContractiveAutoencoder:
    torch.manual_seed(0)
    model = FAMILIES["contractive_ae"].make(FAMILIES["contractive_ae"].config.replace(**knobs), data.spec)
    assert isinstance(model, ContractiveAutoencoder)
    return model


def trained(data: Dataset, epochs: int = 2, **knobs: object) -> ContractiveAutoencoder:
    """A model whose codes are standardised by moments of its own, in eval mode."""
    model = make(data, latent_dim=4, **knobs)
    list(train(model, data, TrainingConfig(epochs=epochs, batch_size=8, device="cpu")))
    return model


def pictures(data: Dataset) -> torch.Tensor:
    return torch.from_numpy(data.train.x[:, None] / 255).float()


def exact(model: ContractiveAutoencoder, x: torch.Tensor) -> torch.Tensor:
    """||J||²_F (b,) from the whole matrix (K, features) of each sample."""
    jacobians = torch.func.vmap(torch.func.jacrev(lambda one: model.encode(one[None]).z[0]))(x)
    return jacobians.flatten(1).square().sum(1)


def estimated(model: ContractiveAutoencoder, x: torch.Tensor, probes: int = 3_000) -> torch.Tensor:
    """The mean of many estimates of each sample (b,)."""
    return model.jacobian_norm(x.repeat(probes, *[1] * (x.ndim - 1))).unflatten(0, (probes, len(x))).mean(0)


@pytest.mark.parametrize("modality", ["grey", "sequence", "vector"])
def test_the_norm_of_one_hidden_layer_is_exact(modality: str, tiny: Tiny) -> None:
    model = trained(tiny(modality), hidden=(16,))
    x = torch.randn(5, *model.shape)
    torch.testing.assert_close(model.jacobian_norm(x), exact(model, x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("knobs", [{"hidden": (16, 12)}, {"net": "conv", "channels": (4, 8)}, {"hidden": ()}])
def test_the_estimate_for_other_networks_is_right_on_average(knobs: dict[str, object], tiny: Tiny) -> None:
    model = trained(tiny("grey"), **knobs)
    x = torch.rand(4, *model.shape)
    torch.testing.assert_close(estimated(model, x), exact(model, x), rtol=0.1, atol=0)


@pytest.mark.parametrize("hidden", [(16,), (16, 12)])
def test_gradients_of_the_penalty_are_those_of_the_norm(hidden: tuple[int, ...], tiny: Tiny) -> None:
    model = trained(tiny("grey"), hidden=hidden)
    x = torch.rand(3, *model.shape)
    weight = next(model.encoder.parameters())
    (expected,) = torch.autograd.grad(exact(model, x).sum(), weight)
    (found,) = torch.autograd.grad(estimated(model, x).sum(), weight)
    assert torch.cosine_similarity(found.flatten(), expected.flatten(), dim=0) > 0.99
    assert found.norm() == pytest.approx(expected.norm().item(), rel=0.05)


@pytest.mark.parametrize("hidden", [(16,), (16, 12)])
def test_the_scale_of_the_encoder_does_not_matter(hidden: tuple[int, ...], tiny: Tiny) -> None:
    """Neither codes nor the norm change when the last layer is many times larger."""
    model = make(tiny("grey"), hidden=hidden, latent_dim=4).train()
    x = torch.rand(9, *model.shape)
    before = model.code(model.features(x)).z, estimated(model, x)
    with torch.no_grad():
        for parameter in list(model.encoder.parameters())[-2:]:
            parameter.mul_(30)
    torch.testing.assert_close(model.code(model.features(x)).z, before[0], rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(estimated(model, x), before[1], rtol=0.1, atol=0)


def test_codes_have_unit_variance_and_a_batch_of_one_is_no_nan(tiny: Tiny) -> None:
    data = tiny("grey")
    model = trained(data, hidden=(16,), epochs=40)
    z = model.encode(pictures(data)).z
    assert (z.var(0) - 1).abs().max() < 0.6 and z.mean(0).abs().max() < 0.3
    model.train()
    x = pictures(data)[:1]
    terms = model.terms(Batch(x, x, torch.zeros(1, dtype=torch.int64)))
    assert all(term.isfinite() for term in terms.values())


def test_it_is_measured_where_no_gradients_are_kept(tiny: Tiny) -> None:
    model = make(tiny("grey"), hidden=(16,), latent_dim=6).eval()
    for surroundings in (torch.no_grad(), torch.inference_mode()):
        with surroundings:
            norm = model.jacobian_norm(torch.rand(3, *model.shape))
            assert (norm > 0).all() and not norm.requires_grad


def test_the_weight_lowers_the_norm(tiny: Tiny) -> None:
    data = tiny("grey")
    norms = [exact(trained(data, hidden=(16,), epochs=40, contraction=w), pictures(data)).mean() for w in (0.0, 1.0)]
    assert norms[1] < 0.7 * norms[0]
