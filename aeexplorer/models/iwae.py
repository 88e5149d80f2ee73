"""Importance-weighted autoencoder (Burda, Grosse & Salakhutdinov 2016, https://arxiv.org/abs/1509.00519)."""

from __future__ import annotations

import math

import torch
from pydantic import Field
from torch import Tensor

from aeexplorer.models.base import Batch, ModelConfig
from aeexplorer.models.vae import VAE


class IWAEConfig(ModelConfig):
    beta: float = Field(1.0, gt=0, le=32, description="Weight of log q(z|x) - log p(z); 1 is the bound on log p(x)")
    k: int = Field(
        5, ge=1, le=500, description="Importance samples of each sample; 1 is the ELBO, more come nearer to log p(x)"
    )


class ImportanceWeightedAutoencoder(VAE):
    """-E[log 1/k Σ_i w_i] with w_i = p(x|z_i) p(z_i) / q(z_i|x) and z_i ~ q(z|x) (Burda et al. 2016, equation 8).

    k = 1 is the negative ELBO; each further sample brings the bound nearer to -log p(x) (theorem 1). Decoding k codes
    of each sample makes a step almost k times as long.

    With β the bound is -β E[log 1/k Σ_i exp(-D_i / β) p(z_i) / q(z_i|x)], D the reconstruction term: for squared error
    it is that of a Gaussian with variance β / 2 in units of β.
    """

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """D, the mean reconstruction term of the k draws, and what the bound adds to it (equation 8).

        The second term is E[log q(z|x) - log p(z)] for k = 1; the more the weights differ, the lower it is.
        """
        k, b, beta = self.config.k, len(batch.x), self.config.beta
        z, log_q = self.draw(batch.x_in, k, batch.y)  # (k, b, K), (k, b)
        rows, y = z.flatten(0, 1), batch.y.repeat(k)  # (k b, K), (k b,)
        target = batch.x.repeat(k, *[1] * (batch.x.ndim - 1))  # (k b, *model shape)
        distortion = self.distortion(self.output(rows, y, target), target).unflatten(0, (k, b))
        log_p = self.log_prior(rows, y).unflatten(0, (k, b))
        log_weight = log_p - log_q - distortion / beta  # (k, b)
        bound = beta * (math.log(k) - torch.logsumexp(log_weight, 0)).mean()
        reconstruction = distortion.mean()
        return {"reconstruction": reconstruction, "importance": bound - reconstruction}
