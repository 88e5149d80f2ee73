"""VQ-VAE (van den Oord et al. 2017, https://arxiv.org/abs/1711.00937), codebook by moving averages with restarts, and an
autoregressive prior over its entries as a second stage."""

from __future__ import annotations

from typing import Any, Literal

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor

from aeexplorer.data.spec import DataSpec
from aeexplorer.models.base import Autoencoder, Batch, Code, ModelConfig, Objective, Stage
from aeexplorer.models.token_prior import TokenPrior


class VQConfig(ModelConfig):
    latent_dim: int = Field(64, ge=1, le=4096, description="Size of the code z: positions times the size of an entry")
    positions: int = Field(8, ge=1, le=1024, description="Codebook entries per sample")
    codebook_size: int = Field(256, ge=2, le=8192, description="Entries in the codebook")
    commitment: float = Field(0.25, ge=0, le=10, description="Weight of the commitment term")
    decay: float = Field(0.99, ge=0, lt=1, description="Decay of the codebook's moving averages")

    prior: Literal["none", "transformer"] = Field(
        "none", description="Prior over the entries, learned on frozen codes in a second stage; it makes new samples"
    )
    prior_units: int = Field(
        128,
        ge=4,
        le=1024,
        multiple_of=4,
        description="Width of the prior",
        json_schema_extra={"unless": {"prior": "none"}},
    )
    prior_layers: int = Field(
        2, ge=1, le=12, description="Layers of the prior", json_schema_extra={"unless": {"prior": "none"}}
    )
    prior_share: float = Field(
        0.4,
        gt=0,
        lt=1,
        description="Share of the epochs that the prior has",
        json_schema_extra={"unless": {"prior": "none"}},
    )

    @model_validator(mode="after")
    def _divides(self) -> VQConfig:
        if self.latent_dim % self.positions:
            raise ValueError(f"latent_dim must be a multiple of positions ({self.positions}), got {self.latent_dim}")
        return self


class VQVAE(Autoencoder):
    """z_p = e_j with j = argmin_j ||h_p - e_j||²; the gradient is copied past the argmin (straight through).

    The codebook follows the encoder by exponential moving averages (appendix A.1). Entries that few codes use are
    restarted from codes of the batch (Dhariwal et al. 2020, section 3), without which most of a codebook dies.

    The prior p(j) = Π_p p(j_p | j_<p) is learned when the codes no longer move (section 3.2).
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
        if config.prior == "transformer":
            self.prior = TokenPrior(config.positions, size, config.prior_units, config.prior_layers)

    @classmethod
    def traits_of(cls, config: Any) -> frozenset[str]:
        return frozenset({"prior"} if config.prior != "none" else ())

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

    def stages(self) -> list[Stage]:
        autoencoder = [*self.encoder.parameters(), *self.decoder.parameters()]
        first = [Objective("loss", autoencoder, self.terms)]
        if self.config.prior == "none":
            return [Stage("autoencoder", first, self.terms)]
        second = [Objective("prior", list(self.prior.parameters()), self.prior_terms)]
        share = self.config.prior_share
        return [Stage("autoencoder", first, self.terms, 1 - share), Stage("prior", second, self.prior_terms, share)]

    def objectives(self) -> list[Objective]:
        return [objective for stage in self.stages() for objective in stage.objectives]

    def prior_terms(self, batch: Batch) -> dict[str, Tensor]:
        """-log p(j) of the frozen codes, in nats per sample."""
        training = self.encoder.training
        with torch.no_grad():
            self.encoder.eval()  # frozen codes know no dropout
            indices = self.encode(batch.x).indices
            self.encoder.train(training)
        assert indices is not None
        return {"prior": self.prior.nats(indices).sum() / len(indices)}

    def rate(self, code: Code) -> Tensor:
        """-log p(j_p | j_<p) of each position, (b, positions): the posterior is certain, so KL(q || p) is what the prior
        pays."""
        if self.config.prior == "none" or code.indices is None:
            return super().rate(code)
        return self.prior.nats(code.indices)

    def sample_prior(
        self, n: int, generator: torch.Generator | None = None, temperature: float = 1.0, y: Tensor | None = None
    ) -> Tensor:
        if self.config.prior == "none":
            return super().sample_prior(n, generator, temperature, y)
        return self.lookup(self.prior.sample(n, generator, temperature))

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
