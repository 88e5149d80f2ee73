"""β-TC-VAE (Chen et al. 2018, "Isolating sources of disentanglement in VAEs", https://arxiv.org/abs/1802.04942)."""

from __future__ import annotations

from pydantic import Field
from torch import Tensor

from aeexplorer import losses
from aeexplorer.models.base import Batch, Code
from aeexplorer.models.vae import VAE, VAEConfig


class TotalCorrelationConfig(VAEConfig):
    tc_weight: float = Field(
        5.0, ge=0, le=1000, description="Weight of the total correlation of the codes, in addition to the KL term's"
    )


class TotalCorrelationVAE(VAE):
    """The negative ELBO + γ TC(z), with TC(z) = KL(q(z) || Π_k q(z_k)) and q(z) the codes of all samples.

    The KL term of the ELBO is the sum of the information that z holds about x, of the total correlation TC, and of the
    distance of each q(z_k) from its prior (Chen et al. 2018, equation 2). A β-VAE weighs all three; here only the
    dependence between the dimensions is weighed more: γ = β - 1 gives equation 4 with α = γ = 1.
    """

    def bound(self, code: Code, batch: Batch) -> dict[str, Tensor]:
        """The terms of the negative ELBO, and γ TC(z) by minibatch-weighted sampling (section 3.1)."""
        terms = super().bound(code, batch)
        if self.config.tc_weight:
            assert code.mean is not None and code.logvar is not None
            terms["tc"] = self.config.tc_weight * losses.total_correlation(code.z, code.mean, code.logvar)
        return terms
