"""Losses with one reduction: summed over the features of a sample, averaged over the batch.

With this reduction cross-entropy and KL divergence are both in nats per sample, and their sum is the negative evidence
lower bound (ELBO). A weight such as β has the same meaning on every dataset and page. `LOSSES` is the one table.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from aeexplorer.data.spec import DataSpec


def binary_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """-Σ_i [x_i log σ(l_i) + (1 - x_i) log(1 - σ(l_i))], (b,) nats; logits and target (b, ...), target in [0, 1]."""
    return F.binary_cross_entropy_with_logits(logits, target, reduction="none").flatten(1).sum(1)


def squared_error(output: Tensor, target: Tensor) -> Tensor:
    """Σ_i (x_i - x̂_i)², (b,): -log N(x; x̂, I/2) in nats, without the constant ½ log π of each value."""
    return F.mse_loss(output, target, reduction="none").flatten(1).sum(1)


def absolute_error(output: Tensor, target: Tensor) -> Tensor:
    """Σ_i |x_i - x̂_i|, (b,): -log p of a Laplace distribution of scale 1 in nats, without log 2 of each value."""
    return F.l1_loss(output, target, reduction="none").flatten(1).sum(1)


@dataclass(frozen=True)
class Loss:
    """One row of `LOSSES`.

    Attributes:
        link: the decoder's output (b, ...) -> data space.
        per_sample: (output, target), each (b, ...) -> (b,).
        constant: nats per value that `per_sample` leaves out of -log p(x|z); None where it is not a log-likelihood.
        bounded: whether values must lie in [0, 1].
    """

    name: str
    title: str
    link: Callable[[Tensor], Tensor]
    per_sample: Callable[[Tensor, Tensor], Tensor]
    constant: float | None = None
    bounded: bool = False

    def fits(self, data: DataSpec) -> bool:
        """Whether it can be used on a dataset."""
        return data.unit_interval or not self.bounded


def _identity(output: Tensor) -> Tensor:
    return output


LOSSES: dict[str, Loss] = {
    loss.name: loss
    for loss in (
        Loss("bce", "Cross-entropy", torch.sigmoid, binary_cross_entropy, constant=0.0, bounded=True),
        Loss("mse", "Squared error", _identity, squared_error, constant=0.5 * math.log(math.pi)),
        Loss("mae", "Absolute error", _identity, absolute_error, constant=math.log(2.0)),
    )
}


def gaussian_kl(
    mean: Tensor, logvar: Tensor, prior_mean: Tensor | None = None, prior_logvar: Tensor | None = None
) -> Tensor:
    """KL(N(μ, σ²) || N(μ_p, σ_p²)) of each dimension, in nats; all (b, K).

    Without a prior it is N(0, 1): ½ (μ² + σ² - 1 - log σ²) (Kingma & Welling 2014, appendix B).
    """
    if prior_mean is None or prior_logvar is None:
        return 0.5 * (torch.addcmul(logvar.exp() - logvar, mean, mean) - 1)
    shifted = (mean - prior_mean).square() * (-prior_logvar).exp()
    ratio = logvar - prior_logvar
    return 0.5 * (shifted + ratio.exp() - 1 - ratio)


def gaussian_log_density(z: Tensor, mean: Tensor | None = None, logvar: Tensor | None = None) -> Tensor:
    """log N(z; μ, diag σ²), (b,) nats; z, mean and logvar are (b, K). Without moments the standard normal."""
    constant = 0.5 * math.log(2 * math.pi) * z.shape[1]
    if mean is None or logvar is None:
        return -0.5 * z.square().sum(1) - constant
    return -0.5 * (logvar + (z - mean).square() * (-logvar).exp()).sum(1) - constant


def bernoulli_kl(rho: float, activation: Tensor) -> Tensor:
    """Σ_k KL(ρ || ρ̂_k) with ρ̂_k the mean activation of unit k over the batch; activation (b, K) in (0, 1).

    Ng 2011, "Sparse autoencoder", section 3. A statistic of the batch: each unit should be active for a fraction ρ of
    the samples, which does not ask each sample to use few units.
    """
    mean = activation.mean(0).clamp(1e-6, 1 - 1e-6)  # ρ̂ (K,), kept off 0 and 1 where the logarithm diverges
    target = torch.as_tensor(rho, dtype=mean.dtype, device=mean.device)
    return (target * (target / mean).log() + (1 - target) * ((1 - target) / (1 - mean)).log()).sum()
