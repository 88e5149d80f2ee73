"""VQ-VAE (van den Oord et al. 2017, https://arxiv.org/abs/1711.00937), codebook by moving averages with restarts."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor

from aeexplorer.data.spec import DataSpec
from aeexplorer.models.base import Autoencoder, Batch, Code, ModelConfig


class VQConfig(ModelConfig):
    latent_dim: int = Field(64, ge=1, le=4096, description="Size of the code z: positions times the size of an entry")
    positions: int = Field(8, ge=1, le=1024, description="Codebook entries per sample")
    codebook_size: int = Field(256, ge=2, le=8192, description="Entries in the codebook")
    commitment: float = Field(0.25, ge=0, le=10, description="Weight of the commitment term")
    decay: float = Field(0.99, ge=0, lt=1, description="Decay of the codebook's moving averages")

    @model_validator(mode="after")
    def _divides(self) -> VQConfig:
        if self.latent_dim % self.positions:
            raise ValueError(f"latent_dim must be a multiple of positions ({self.positions}), got {self.latent_dim}")
        return self


class VQVAE(Autoencoder):
    """z_p = e_j with j = argmin_j ||h_p - e_j||²; the gradient is copied past the argmin (straight through).

    The codebook follows the encoder by exponential moving averages (appendix A.1). Entries that few codes use are
    restarted from codes of the batch (Dhariwal et al. 2020, section 3), without which most of a codebook dies.
    """

    codebook: Tensor
    counts: Tensor
    sums: Tensor

    def __init__(self, config: VQConfig, data: DataSpec) -> None:
        super().__init__(config, data)
        self.build(config.latent_dim)
        size, width = config.codebook_size, config.latent_dim // config.positions
        entries = torch.randn(size, width)
        self.register_buffer("codebook", entries)
        self.register_buffer("counts", torch.zeros(size))
        self.register_buffer("sums", torch.zeros_like(entries))

    def code(self, h: Tensor) -> Code:
        entries = h.reshape(len(h), self.config.positions, -1)
        squared = self.codebook.square().sum(1) - 2 * entries @ self.codebook.T
        indices = squared.argmin(2)
        return Code(z=self.lookup(indices), indices=indices)

    def lookup(self, indices: Tensor) -> Tensor:
        return self.codebook[indices].flatten(1)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        h = self.encoder(batch.x_in)
        code = self.code(h)
        terms = {"reconstruction": self.reconstruction(h + (code.z - h).detach(), batch.x)}
        if self.config.commitment:
            commitment = F.mse_loss(h, code.z.detach(), reduction="sum") / len(h)
            terms["commitment"] = self.config.commitment * commitment
        if self.training and code.indices is not None:
            self._follow(h.detach().reshape(-1, self.codebook.shape[1]), code.indices.flatten())
        return terms

    @torch.no_grad()
    def _follow(self, entries: Tensor, indices: Tensor) -> None:
        """Move the codebook towards the entries (m, width) assigned to it and restart what is unused."""
        keep = self.config.decay
        used = torch.zeros_like(self.counts).index_add_(0, indices, torch.ones_like(indices, dtype=entries.dtype))
        self.counts.mul_(keep).add_(used, alpha=1 - keep)
        self.sums.mul_(keep).add_(torch.zeros_like(self.sums).index_add_(0, indices, entries), alpha=1 - keep)
        # An entry used less than a tenth as often as the average one is drawn again at every step until it is: while the
        # encoder still moves fast, an entry that were left alone for a while would be far from all codes by then.
        dead = self.counts < 0.1 * len(entries) / len(self.counts)
        fresh = entries[torch.randint(len(entries), (len(self.counts),), device=entries.device)]
        means = self.sums / self.counts.clamp_min(torch.finfo(self.counts.dtype).tiny)[:, None]
        self.codebook.copy_(torch.where(dead[:, None], fresh, means))
