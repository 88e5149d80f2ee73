"""Adversarial autoencoder (Makhzani et al. 2015, https://arxiv.org/abs/1511.05644)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from aeexplorer.data.spec import DataSpec
from aeexplorer.models.base import Autoencoder, Batch, Code, ModelConfig, Objective

GAME = (0.0, 0.9)
"""Adam without momentum (Gulrajani et al. 2017, algorithm 1): with it the two players circle around each other."""


class AdversarialConfig(ModelConfig):
    adversarial_weight: float = Field(
        3.0, ge=0, le=1000, description="Weight of the encoder's adversarial term, relative to the summed loss"
    )
    critic_units: int = Field(256, ge=1, le=4096, description="Units of each hidden layer of the discriminator")


class AdversarialAutoencoder(Autoencoder):
    """Two steps a batch: discriminate codes from prior samples (discriminator), and autoencode while deceiving it
    (encoder and decoder).

    The reconstruction term is a sum over hundreds of pixels and the adversarial one a single number, so without a
    weight of its own the prior is ignored. The paper gives the two terms of the encoder an optimiser each; Adam divides
    by the size of a gradient, so that a weight would count for nothing there, and they are summed here instead.
    """

    def __init__(self, config: AdversarialConfig, data: DataSpec) -> None:
        super().__init__(config, data)
        self.build(config.latent_dim)
        units = config.critic_units
        self.discriminator = nn.Sequential(
            nn.Linear(config.latent_dim, units), nn.LeakyReLU(0.2),
            nn.Linear(units, units), nn.LeakyReLU(0.2), nn.Linear(units, 1),
        )  # fmt: skip

    def code(self, h: Tensor) -> Code:
        return Code(z=h)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        return {"reconstruction": self.reconstruction(self.encode(batch.x_in).z, batch.x)}

    def discriminate(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy of telling prior samples (1) from codes (0), in nats per sample."""
        with torch.no_grad():
            codes = self.encode(batch.x_in).z
        real, fake = self.discriminator(torch.randn_like(codes)), self.discriminator(codes)
        return {
            "discriminator": F.binary_cross_entropy_with_logits(real, torch.ones_like(real))
            + F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))
        }

    def deceive(self, batch: Batch) -> dict[str, Tensor]:
        """Reconstruction, and the non-saturating generator loss of the encoder (Goodfellow et al. 2014, section 3)."""
        z = self.encode(batch.x_in).z
        terms = {"reconstruction": self.reconstruction(z, batch.x)}
        if self.config.adversarial_weight:
            fake = self.discriminator(z)
            adversarial = F.binary_cross_entropy_with_logits(fake, torch.ones_like(fake))
            terms["adversarial"] = self.config.adversarial_weight * adversarial
        return terms

    def objectives(self) -> list[Objective]:
        autoencoder = [*self.encoder.parameters(), *self.decoder.parameters()]
        return [
            Objective("discriminate", list(self.discriminator.parameters()), self.discriminate, GAME),
            Objective("deceive", autoencoder, self.deceive, GAME),
        ]

    def sample_prior(
        self, n: int, generator: torch.Generator | None = None, temperature: float = 1.0, y: Tensor | None = None
    ) -> Tensor:
        return temperature * torch.randn((n, self.config.latent_dim), generator=generator)
