"""Adversarial autoencoder (Makhzani et al. 2015, https://arxiv.org/abs/1511.05644)."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from aeexplorer import noise
from aeexplorer.data.spec import DataSpec
from aeexplorer.models.base import Batch, Code, ModelConfig, NormalPriorAutoencoder, Objective

GAME = (0.0, 0.9)
"""Decay rates of Adam's moments for both players. No momentum (Gulrajani et al. 2017, algorithm 1): with momentum the
encoder and the discriminator circle around each other instead of settling."""


class AdversarialConfig(ModelConfig):
    adversarial_weight: float = Field(
        3.0, ge=0, le=1000, description="Weight of the encoder's adversarial term, relative to the summed loss"
    )
    critic_units: int = Field(256, ge=1, le=4096, description="Units of each hidden layer of the discriminator")


def make_critic(inputs: int, units: int, layers: int) -> nn.Sequential:
    """A discriminator (b, inputs) -> logits (b, 1) with leaky ReLUs (Radford et al. 2016, section 3)."""
    sizes = (inputs, *[units] * layers)
    hidden = [m for a, b in pairwise(sizes) for m in (nn.Linear(a, b), nn.LeakyReLU(0.2))]
    return nn.Sequential(*hidden, nn.Linear(units, 1))


def telling_apart(real: Tensor, other: Tensor) -> Tensor:
    """-log D(real) - log(1 - D(other)), averaged over the batch, in nats, (), for logits of a discriminator D, (b, 1)
    each (Goodfellow et al. 2014, equation 1)."""
    return F.binary_cross_entropy_with_logits(real, torch.ones_like(real)) + F.binary_cross_entropy_with_logits(
        other, torch.zeros_like(other)
    )


class AdversarialAutoencoder(NormalPriorAutoencoder):
    """Adversarial autoencoder (Makhzani et al. 2015, section 2 and figure 1).

    Each batch takes two steps: the discriminator D learns to tell prior samples from codes, then encoder f and decoder
    g learn to reconstruct and to deceive it.

    The reconstruction term sums over hundreds of pixels, the adversarial term is a single number; without a weight of
    its own the prior would be ignored. The paper trains the encoder's two terms with one optimiser each. Adam divides a
    gradient by its size, so a weight would have no effect there; here the two terms are summed in one step instead.
    """

    def __init__(self, config: AdversarialConfig, data: DataSpec) -> None:
        super().__init__(config, data)
        self.build(config.latent_dim)
        self.discriminator = make_critic(config.latent_dim, config.critic_units, layers=2)

    def code(self, h: Tensor) -> Code:
        """z = f(x), deterministic: the first of the paper's three encoders (section 2)."""
        return Code(z=h)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """ℓ(x, g(f(x))) alone: on validation data the game has no winner, so the reconstruction decides."""
        return {"reconstruction": self.reconstruction(self.encode(batch.x_in).z, batch.x)}

    def discriminate(self, batch: Batch) -> dict[str, Tensor]:
        """-log D(z') - log(1 - D(f(x))) with z' ~ N(0, I), in nats per sample."""
        with torch.no_grad():
            codes = self.encode(batch.x_in).z  # (b, K)
        drawn = noise.normal_like(codes)
        return {"discriminator": telling_apart(self.discriminator(drawn), self.discriminator(codes))}

    def deceive(self, batch: Batch) -> dict[str, Tensor]:
        """ℓ(x, g(f(x))) - λ log D(f(x)): reconstruction and the non-saturating generator loss (Goodfellow et al. 2014,
        section 3)."""
        z = self.encode(batch.x_in).z  # (b, K)
        terms = {"reconstruction": self.reconstruction(z, batch.x)}
        if self.config.adversarial_weight:
            fake = self.discriminator(z)  # (b, 1)
            adversarial = F.binary_cross_entropy_with_logits(fake, torch.ones_like(fake))
            terms["adversarial"] = self.config.adversarial_weight * adversarial
        return terms

    def objectives(self) -> list[Objective]:
        """The regularisation phase of the discriminator, then reconstruction with the encoder's part of the game
        (section 2, figure 1)."""
        return [
            Objective("discriminate", list(self.discriminator.parameters()), self.discriminate, GAME),
            Objective("deceive", self.autoencoder_parameters(), self.deceive, GAME),
        ]
