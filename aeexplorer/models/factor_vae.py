"""FactorVAE (Kim & Mnih 2018, "Disentangling by factorising", https://arxiv.org/abs/1802.05983)."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor

from aeexplorer import noise
from aeexplorer.data.spec import DataSpec
from aeexplorer.models.adversarial import make_critic, telling_apart
from aeexplorer.models.base import Batch, Code, Objective
from aeexplorer.models.tcvae import TotalCorrelationConfig
from aeexplorer.models.vae import VAE


class FactorConfig(TotalCorrelationConfig):
    tc_weight: float = Field(
        10.0, ge=0, le=1000, description="Weight γ of the total correlation of the codes, beside the ELBO"
    )
    critic_units: int = Field(256, ge=1, le=4096, description="Units of each hidden layer of the discriminator")


class FactorVAE(VAE):
    """The negative ELBO + γ TC(z), with TC(z) = KL(q(z) || Π_k q(z_k)) (Kim & Mnih 2018, equation 2).

    A discriminator D learns to tell codes from codes whose dimensions are permuted over the batch, which are draws from
    Π_k q(z_k). Its logit estimates the ratio of the densities, so that TC(z) ≈ E_q(z)[log D(z) - log(1 - D(z))]
    (equation 3).
    """

    keeps_last = True  # the discriminator changes, and with it the yardstick of each epoch

    def __init__(self, config: FactorConfig, data: DataSpec) -> None:
        super().__init__(config, data)
        self.discriminator = make_critic(config.latent_dim, config.critic_units, layers=4)

    def bound(self, code: Code, batch: Batch) -> dict[str, Tensor]:
        """The terms of the negative ELBO, and γ times the mean logit of the discriminator (equation 3)."""
        terms = super().bound(code, batch)
        if self.config.tc_weight:
            terms["tc"] = self.config.tc_weight * self.discriminator(code.z).mean()
        return terms

    def discriminate(self, batch: Batch) -> dict[str, Tensor]:
        """-log D(z) - log(1 - D(z')) with z' permuted, in nats per sample (algorithms 1 and 2)."""
        with torch.no_grad():
            z = self.drawn(self.features(batch.x_in, batch.y)).z  # (b, K)
        return {"discriminator": telling_apart(self.discriminator(z), self.discriminator(permuted(z)))}

    def objectives(self) -> list[Objective]:
        """The VAE's step, then the discriminator's (algorithm 2), with the paper's rates of decay (appendix A)."""
        return [
            Objective("loss", self.autoencoder_parameters(), self.terms),
            Objective("discriminate", list(self.discriminator.parameters()), self.discriminate, (0.5, 0.9)),
        ]


def permuted(z: Tensor) -> Tensor:
    """z (b, K) with each dimension permuted over the batch on its own (Kim & Mnih 2018, algorithm 1)."""
    order = noise.uniform(z.shape, device=z.device).argsort(0)
    return z.gather(0, order)
