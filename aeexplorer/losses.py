"""Losses with ONE reduction: summed over the features of a sample, averaged over the batch.

With this reduction binary cross-entropy and the KL divergence are both in nats per sample and add up to the negative
evidence lower bound; a weight such as β means the same on every dataset and every page.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def binary_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """-Σ_i [x_i log σ(l_i) + (1 - x_i) log(1 - σ(l_i))], in nats per sample; logits and target (b, ...), target in [0, 1]."""
    return F.binary_cross_entropy_with_logits(logits, target, reduction="sum") / len(target)


def squared_error(output: Tensor, target: Tensor) -> Tensor:
    """Σ_i (x_i - x̂_i)², per sample. A Gaussian log-likelihood with σ² = 1/2 up to a constant, in nats."""
    return F.mse_loss(output, target, reduction="sum") / len(target)


def reconstruction(loss: str, output: Tensor, target: Tensor) -> Tensor:
    """The reconstruction term for a decoder's raw output: logits for "bce", values for "mse"."""
    return binary_cross_entropy(output, target) if loss == "bce" else squared_error(output, target)


def kl_standard_normal(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(μ, σ²) || N(0, 1)) = ½ Σ_k (μ_k² + σ_k² - 1 - log σ_k²), in nats per sample.

    Kingma & Welling 2014, appendix B. mean and logvar are (b, K).
    """
    return (torch.addcmul(logvar.exp() - logvar, mean, mean).sum() - mean.numel()) * (0.5 / len(mean))


def bernoulli_kl(rho: float, activation: Tensor) -> Tensor:
    """Σ_k KL(ρ || ρ̂_k) with ρ̂_k the mean activation of unit k over the batch; activation (b, K) in (0, 1).

    Ng 2011, "Sparse autoencoder", section 3. A statistic of the batch: it asks each unit to be on ρ of the time, not
    each sample to use few units.
    """
    mean = activation.mean(0).clamp(1e-6, 1 - 1e-6)
    target = torch.as_tensor(rho, dtype=mean.dtype, device=mean.device)
    return (target * (target / mean).log() + (1 - target) * ((1 - target) / (1 - mean)).log()).sum()
