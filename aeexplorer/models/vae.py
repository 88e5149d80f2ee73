"""Variational autoencoder (Kingma & Welling 2014, https://arxiv.org/abs/1312.6114) and β-VAE (Higgins et al. 2017)."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor

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
    free_bits: float = Field(
        0.0, ge=0, le=100, description="Nats of a dimension, or of a level, that cost nothing beyond being there"
    )


class VAE(Autoencoder):
    """-ELBO = E_q[-log p(x|z)] + β KL(q(z|x) || N(0, I)), with z = μ + σ ε so that gradients pass (equation 10).

    While β warms up (Bowman et al. 2016, https://arxiv.org/abs/1511.06349, section 3.1), validation pays it in full.
    With free bits λ the KL of a dimension counts as λ at least (Kingma et al. 2016, https://arxiv.org/abs/1606.04934,
    appendix C.8): below that nothing pushes it to collapse.
    """

    def __init__(self, config: VAEConfig, data: DataSpec) -> None:
        super().__init__(config, data)
        self.build(2 * config.latent_dim)

    def code(self, h: Tensor) -> Code:
        mean, logvar = h.chunk(2, dim=1)  # each (b, latent_dim)
        return Code(z=mean, mean=mean, logvar=logvar)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        return self.bound(self.drawn(self.features(batch.x_in, batch.y)), batch)

    def bound(self, code: Code, batch: Batch) -> dict[str, Tensor]:
        """The two terms of the negative ELBO at a drawn code, the KL with its weight."""
        terms = {"reconstruction": self.reconstruction(code.z, batch.x, batch.y)}
        if self.config.beta:
            risen = min(batch.done / self.config.warmup, 1.0) if self.config.warmup else 1.0
            terms["kl"] = self.config.beta * risen * self.kl_term(code)
        return terms

    def kl_term(self, code: Code) -> Tensor:
        """KL in nats per sample, at least `free_bits` of each group."""
        rate = self.rate(code)  # (b, groups)
        if not self.config.free_bits:
            return rate.sum() / len(rate)
        return self.grouped(rate.mean(0)).clamp_min(self.config.free_bits).sum()

    def grouped(self, rate: Tensor) -> Tensor:
        """The rate of each dimension (latent_dim,) summed over the groups that free bits are given to."""
        return rate

    def sample_prior(
        self, n: int, generator: torch.Generator | None = None, temperature: float = 1.0, y: Tensor | None = None
    ) -> Tensor:
        return temperature * torch.randn((n, self.config.latent_dim), generator=generator)
