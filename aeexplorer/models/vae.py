"""Variational autoencoder (Kingma & Welling 2014, https://arxiv.org/abs/1312.6114) and β-VAE (Higgins et al. 2017)."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor

from aeexplorer import losses
from aeexplorer.data.spec import DataSpec
from aeexplorer.models.base import Autoencoder, Batch, Code, ModelConfig


class VAEConfig(ModelConfig):
    beta: float = Field(1.0, ge=0, le=32, description="Weight of the KL term; 1 is the ELBO")
    warmup: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of the training over which β rises from zero, so that units do not die early",
    )


class VAE(Autoencoder):
    """-ELBO = E_q[-log p(x|z)] + β KL(q(z|x) || N(0, I)), with z = μ + σ ε so that gradients pass (reparameterisation).

    While β warms up (Bowman et al. 2016, https://arxiv.org/abs/1511.06349, section 3.1), validation pays it in full.
    """

    def __init__(self, config: VAEConfig, data: DataSpec) -> None:
        super().__init__(config, data)
        self.build(2 * config.latent_dim)

    def code(self, h: Tensor) -> Code:
        mean, logvar = h.chunk(2, dim=1)
        return Code(z=mean, mean=mean, logvar=logvar)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        mean, logvar = self.encoder(batch.x_in).chunk(2, dim=1)
        z = torch.addcmul(mean, torch.exp(0.5 * logvar), torch.randn_like(mean))
        terms = {"reconstruction": self.reconstruction(z, batch.x)}
        if self.config.beta:
            risen = min(batch.done / self.config.warmup, 1.0) if self.config.warmup else 1.0
            terms["kl"] = self.config.beta * risen * losses.kl_standard_normal(mean, logvar)
        return terms

    def sample_prior(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        return torch.randn((n, self.config.latent_dim), generator=generator)
