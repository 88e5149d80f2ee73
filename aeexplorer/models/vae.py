"""Variational autoencoder (Kingma & Welling 2014, https://arxiv.org/abs/1312.6114) and β-VAE (Higgins et al. 2017)."""

from __future__ import annotations

from pydantic import Field
from torch import Tensor

from aeexplorer.data.spec import DataSpec
from aeexplorer.models.base import Batch, Code, ModelConfig, NormalPriorAutoencoder


class VAEConfig(ModelConfig):
    beta: float = Field(1.0, ge=0, le=32, description="Weight of the KL term; 1 is the ELBO")
    warmup: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Fraction of the training, or of each cycle, over which β rises from zero, so that fewer units "
        "collapse early; a capacity rises in its place",
    )
    cycles: int = Field(
        1,
        ge=1,
        le=100,
        description="How often the warm-up is repeated; each cycle takes an equal part of the training",
        json_schema_extra={"unless": {"warmup": 0.0}},
    )
    free_bits: float = Field(
        0.0,
        ge=0,
        le=100,
        description="Nats of each dimension, or of each level, below which the KL term stays constant",
    )
    capacity: float = Field(
        0.0,
        ge=0,
        le=1000,
        description="Target of the KL in nats, whose distance from it is weighted by β; 0 for no target",
    )


class VAE(NormalPriorAutoencoder):
    """E_q[-log p(x|z)] + β KL(q(z|x) || N(0, I)).

    β = 1 is the negative ELBO (Kingma & Welling 2014, equation 10), any other β the β-VAE (Higgins et al. 2017,
    equation 4). What keeps units from collapsing:

    - Warm-up: β rises from zero (Bowman et al. 2016, https://arxiv.org/abs/1511.06349, section 3.1), once or in cycles
      (Fu et al. 2019, https://arxiv.org/abs/1903.10145, equations 6 and 7: R is `warmup`, M is `cycles`). Validation
      uses the full β, so that epochs are comparable.
    - Free bits λ: the KL of a dimension counts as max(λ, KL) (Kingma et al. 2016, https://arxiv.org/abs/1606.04934,
      appendix C.8), so that nothing drives a dimension below λ.
    - Capacity C: β |KL - C| takes the place of β KL (Burgess et al. 2018, https://arxiv.org/abs/1804.03599, equation
      8); C rises from zero where there is a warm-up.
    """

    def __init__(self, config: ModelConfig, data: DataSpec) -> None:
        super().__init__(config, data)
        self.build(2 * config.latent_dim)

    def code(self, h: Tensor) -> Code:
        """q(z|x) = N(μ, diag σ²) with (μ, log σ²) = h (b, 2K); z = μ, without noise."""
        mean, logvar = h.chunk(2, dim=1)  # (b, K) each
        return Code(z=mean, mean=mean, logvar=logvar)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """-log p(x|z) with one z ~ q(z|x), and β KL(q(z|x) || N(0, I)) in closed form (equation 10 and appendix B)."""
        return self.bound(self.drawn(self.features(batch.x_in, batch.y)), batch)

    def bound(self, code: Code, batch: Batch) -> dict[str, Tensor]:
        """The two terms of the negative ELBO at a drawn code, weights applied."""
        terms = {"reconstruction": self.reconstruction(code.z, batch.x, batch.y)}
        return terms | self.kl_terms(self.rate(code), batch.done)

    def kl_terms(self, rate: Tensor, done: float) -> dict[str, Tensor]:
        """The term of a rate (b, groups), weights applied, after a fraction of the training."""
        if not self.config.beta:
            return {}
        rise, nats = self.rise(done), self.nats(rate)
        if self.config.capacity:
            return {"capacity": self.config.beta * (nats - rise * self.config.capacity).abs()}
        return {"kl": self.config.beta * rise * nats}

    def rise(self, done: float) -> float:
        """The share of β, or of the capacity, after a fraction of the training; 1 outside training."""
        if not self.config.warmup or done >= 1:
            return 1.0
        return min(done * self.config.cycles % 1 / self.config.warmup, 1.0)

    def nats(self, rate: Tensor) -> Tensor:
        """A rate (b, groups) in nats per sample, at least `free_bits` of each group."""
        if not self.config.free_bits:
            return rate.sum() / len(rate)
        return self.grouped(rate.mean(0)).clamp_min(self.config.free_bits).sum()

    def grouped(self, rate: Tensor) -> Tensor:
        """Sum the rate of each dimension (K,) within the groups of the free bits; here each dimension is a group."""
        return rate
