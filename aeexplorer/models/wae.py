"""Wasserstein autoencoder, WAE-MMD (Tolstikhin et al. 2018, https://arxiv.org/abs/1711.01558)."""

from __future__ import annotations

from pydantic import Field
from torch import Tensor

from aeexplorer import losses, noise
from aeexplorer.data.spec import DataSpec
from aeexplorer.models.base import Batch, Code, ModelConfig, NormalPriorAutoencoder


class WAEConfig(ModelConfig):
    mmd_weight: float = Field(
        100.0, ge=0, le=100_000, description="Weight λ of MMD² between codes and prior, relative to the summed loss"
    )


class WassersteinAutoencoder(NormalPriorAutoencoder):
    """L = ℓ(x, g(f(x))) + λ MMD²(q(z), N(0, I)) (Tolstikhin et al. 2018, equation 4 and algorithm 2).

    The codes of all samples together are drawn to the prior, not the code of each sample as in a VAE: a sample keeps a
    code of its own, and the encoder needs no noise.
    """

    def __init__(self, config: WAEConfig, data: DataSpec) -> None:
        super().__init__(config, data)
        self.build(config.latent_dim)

    def code(self, h: Tensor) -> Code:
        """z = f(x), deterministic (section 3)."""
        return Code(z=h)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """ℓ(x, g(f(x))) and λ MMD² between the codes of the batch and as many draws from the prior (algorithm 2)."""
        z = self.encode(batch.x_in).z  # (b, K)
        terms = {"reconstruction": self.reconstruction(z, batch.x)}
        if self.config.mmd_weight:
            terms["mmd"] = self.config.mmd_weight * losses.mmd(z, noise.normal_like(z))
        return terms
