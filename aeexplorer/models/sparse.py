"""Sparse autoencoder (Ng 2011, "Sparse autoencoder", CS294A lecture notes)."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor

from aeexplorer import losses
from aeexplorer.data.spec import DataSpec
from aeexplorer.models.base import Autoencoder, Batch, Code, ModelConfig


class SparseConfig(ModelConfig):
    latent_dim: int = Field(128, ge=1, le=4096, description="Size of the code z, usually larger than needed")
    rho: float = Field(0.05, gt=0, lt=1, description="Target mean activation ρ of each unit")
    sparsity_weight: float = Field(
        0.3, ge=0, le=1000, description="Weight of Σ KL(ρ || ρ̂), relative to the summed loss"
    )


class SparseAutoencoder(Autoencoder):
    """L = ℓ(x, x̂) + λ Σ_k KL(ρ || ρ̂_k) (Ng 2011, section 3), with ρ̂_k the mean of unit k over the batch."""

    def __init__(self, config: SparseConfig, data: DataSpec) -> None:
        super().__init__(config, data)
        self.build(config.latent_dim)

    def code(self, h: Tensor) -> Code:
        """z = sigmoid(h) in (0, 1), so that a mean activation is the parameter of a Bernoulli distribution."""
        return Code(z=torch.sigmoid(h))

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """ℓ(x, g(z)) + λ Σ_k KL(ρ || ρ̂_k) (Ng 2011, section 3)."""
        z = self.encode(batch.x_in).z  # (b, K) in (0, 1)
        terms = {"reconstruction": self.reconstruction(z, batch.x)}
        if self.config.sparsity_weight:
            terms["sparsity"] = self.config.sparsity_weight * losses.bernoulli_kl(self.config.rho, z)
        return terms
