"""Conditional VAE (Sohn, Lee & Yan 2015, https://papers.nips.cc/paper/5775): encoder and decoder know the class."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from aeexplorer import noise
from aeexplorer.config import ConfigError
from aeexplorer.data.spec import DataSpec
from aeexplorer.models.base import Batch, one_hot
from aeexplorer.models.vae import VAE, VAEConfig
from aeexplorer.nets import make_decoder, make_encoder


class ConditionalConfig(VAEConfig):
    hidden_labels: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="Fraction of labels hidden while training, so that the model also works without a label",
    )
    feature_units: int = Field(128, ge=1, le=4096, description="Units between the encoder network and the posterior")


class ConditionalVAE(VAE):
    """E_q[-log p(x|z, y)] + β KL(q(z|x, y) || N(0, I)) (Sohn et al. 2015, equation 4, with a prior independent of y).

    Because the decoder is given the class, the code only needs to hold the rest: the style. A hidden label is a vector
    of zeros, as in classifier-free guidance (Ho & Salimans 2022, https://arxiv.org/abs/2207.12598).

    Raises:
        ConfigError: for data without classes.
    """

    def __init__(self, config: ConditionalConfig, data: DataSpec) -> None:
        if not data.classes:
            raise ConfigError(f"data of a conditional VAE must have at least 1 class, got {data.name} with none")
        super().__init__(config, data)

    def build(self, out: int) -> None:
        classes, units = len(self.data.classes), self.config.feature_units
        self.encoder = make_encoder(self.data, units, self.config)
        self.posterior = nn.Linear(units + classes, out)
        self.decoder = make_decoder(self.data, self.config.latent_dim + classes, self.config)

    def features(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """(μ, log σ²) of q(z|x, y), (b, 2K)."""
        u = F.relu(self.encoder(x))  # (b, feature_units)
        return self.posterior(torch.cat([u, one_hot(y, len(self.data.classes), u)], dim=1))  # (b, 2 latent_dim)

    def output(self, z: Tensor, y: Tensor | None = None, told: Tensor | None = None) -> Tensor:
        """The decoder of (z, y) (b, K + classes)."""
        return self.unrolled(torch.cat([z, one_hot(y, len(self.data.classes), z)], dim=1), told)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """-log p(x|z, y) and β KL(q(z|x, y) || N(0, I)) (equation 4), some labels hidden."""
        if self.training and self.config.hidden_labels:
            hidden = noise.uniform(batch.y.shape, device=batch.y.device) < self.config.hidden_labels
            batch = batch._replace(y=batch.y.masked_fill(hidden, -1))
        return super().terms(batch)
