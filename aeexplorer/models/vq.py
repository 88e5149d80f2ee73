"""VQ-VAE (van den Oord et al. 2017, https://arxiv.org/abs/1711.00937): codes from a learned codebook."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor

from aeexplorer import noise
from aeexplorer.models.base import Batch, Code, ModelConfig
from aeexplorer.models.discrete import DiscreteAutoencoder, PriorConfig


class VQConfig(PriorConfig, ModelConfig):
    latent_dim: int = Field(64, ge=1, le=4096, description="Size of the code z: positions × size of an entry")
    positions: int = Field(8, ge=1, le=1024, description="Codebook entries per sample")
    codebook_size: int = Field(256, ge=2, le=8192, description="Entries in the codebook")
    commitment: float = Field(0.25, ge=0, le=10, description="Weight of the commitment term")
    decay: float = Field(0.99, ge=0, lt=1, description="Decay of the codebook's moving averages")
    restarts: bool = Field(True, description="Replace entries that few codes use by codes of the batch")

    @model_validator(mode="after")
    def _divides(self) -> VQConfig:
        if self.latent_dim % self.positions:
            raise ValueError(f"latent_dim must be a multiple of positions ({self.positions}), got {self.latent_dim}")
        return self


class VQVAE(DiscreteAutoencoder):
    """ℓ(x, x̂) + γ Σ_p ||h_p - sg[e_j(p)]||² (van den Oord et al. 2017, equation 3), with the codebook updated by
    exponential moving averages in place of the second term (appendix A.1).

    With `restarts`, entries that few codes use begin again as codes of the batch (Dhariwal et al. 2020, section 3);
    without restarts most of a codebook stays unused.
    """

    codebook: Tensor
    counts: Tensor
    sums: Tensor

    def build(self, out: int) -> None:
        super().build(out)
        entries = torch.randn(self.config.codebook_size, out // self.config.positions)
        self.register_buffer("codebook", entries)
        self.register_buffer("counts", torch.zeros(len(entries)))
        self.register_buffer("sums", torch.zeros_like(entries))

    def code(self, h: Tensor) -> Code:
        """z_p = e_j(p) with j(p) = argmin_j ||h_p - e_j||² at each position p (equations 1 and 2)."""
        entries = h.reshape(len(h), self.config.positions, -1)  # (b, positions, width)
        # ||h_p - e_j||² without ||h_p||², which does not change the argmin; (b, positions, codebook_size)
        squared = self.codebook.square().sum(1) - 2 * entries @ self.codebook.T
        indices = squared.argmin(2)  # (b, positions)
        return Code(z=self.lookup(indices), indices=indices)

    def lookup(self, indices: Tensor) -> Tensor:
        return self.codebook[indices].flatten(1)  # (b, positions · width) = (b, K)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """ℓ(x, g(z)) and γ Σ_p ||h_p - sg[e_j(p)]||² (equation 3, first and third term)."""
        h = self.encoder(batch.x_in)  # (b, K)
        code = self.code(h)
        # straight-through estimator (section 3.2): the value of z, the gradient of h
        z = h + (code.z - h).detach()  # (b, K)
        terms = {"reconstruction": self.reconstruction(z, batch.x)}
        if self.config.commitment:
            commitment = F.mse_loss(h, code.z.detach(), reduction="sum") / len(h)
            terms["commitment"] = self.config.commitment * commitment
        if self.training and code.indices is not None:
            self._update_codebook(h.detach().reshape(-1, self.codebook.shape[1]), code.indices.flatten())
        return terms

    @torch.no_grad()
    def _update_codebook(self, entries: Tensor, indices: Tensor) -> None:
        """Move each codebook entry towards the encoder outputs (m, width) with its index (m,), and restart unused ones.

        Appendix A.1: N_j ← γ N_j + (1 - γ) n_j, m_j ← γ m_j + (1 - γ) Σ h, e_j = m_j / N_j.
        """
        keep = self.config.decay
        used = torch.zeros_like(self.counts).index_add_(0, indices, torch.ones_like(indices, dtype=entries.dtype))
        self.counts.mul_(keep).add_(used, alpha=1 - keep)
        self.sums.mul_(keep).add_(torch.zeros_like(self.sums).index_add_(0, indices, entries), alpha=1 - keep)
        # An entry used less than a tenth as often as the average one restarts at every step until it is used: while the
        # encoder still changes fast, an entry left alone for some steps would by then be far from all codes.
        means = self.sums / self.counts.clamp_min(torch.finfo(self.counts.dtype).tiny)[:, None]
        if self.config.restarts:
            dead = self.counts < 0.1 * len(entries) / len(self.counts)
            others = entries[noise.integers(len(entries), self.counts.shape, entries.device)]
        else:  # an entry without a code stays where it is
            dead, others = self.counts == 0, self.codebook
        self.codebook.copy_(torch.where(dead[:, None], others, means))
