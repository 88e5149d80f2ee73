"""VAE with a VampPrior (Tomczak & Welling 2018, "VAE with a VampPrior", https://arxiv.org/abs/1705.07120)."""

from __future__ import annotations

import math

import torch
from pydantic import Field
from torch import Tensor, nn

from aeexplorer import noise
from aeexplorer.models.base import Batch, Code
from aeexplorer.models.vae import VAE, VAEConfig


class VampConfig(VAEConfig):
    pseudo_inputs: int = Field(
        200, ge=1, le=2000, description="Learned inputs whose posteriors, mixed in equal parts, are the prior"
    )


class VampVAE(VAE):
    """The negative ELBO with the prior p(z) = 1/C Σ_c q(z|u_c), a mixture of the posteriors of C learned pseudo-inputs
    u_c (Tomczak & Welling 2018, equation 9).

    The KL has no closed form: the rate is log q(z|x) - log p(z) at a draw. Each step encodes all pseudo-inputs.

    Where values lie in [0, 1], so do pseudo-inputs, as the sigmoid of free parameters. They begin as samples of the
    first batch with a little noise; the posteriors of random inputs lie close together, and such a mixture spreads
    slowly.
    """

    begun: Tensor

    def build(self, out: int) -> None:
        super().build(out)
        self.pseudo = nn.Parameter(torch.randn(self.config.pseudo_inputs, *self.shape))
        self.register_buffer("begun", torch.tensor(False))

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """-log p(x|z) and β (log q(z|x) - log p(z)) with one z ~ q(z|x)."""
        if self.training and batch.done == 0 and not self.begun:
            self._begin(batch.x)
        return super().terms(batch)

    @torch.no_grad()
    def _begin(self, x: Tensor) -> None:
        """Set the pseudo-inputs to x (b, *model shape), repeated where they are more, each with other noise."""
        chosen = x[torch.arange(len(self.pseudo), device=x.device) % len(x)]
        if self.data.unit_interval:
            chosen = torch.logit(0.01 + 0.88 * chosen + 0.1 * noise.uniform(chosen.shape, device=x.device))
        else:
            chosen = chosen + 0.1 * noise.normal_like(chosen)
        self.pseudo.copy_(chosen)
        self.begun.fill_(True)

    def components(self) -> tuple[Tensor, Tensor]:
        """Means and log-variances (C, K) of the prior's components."""
        u = torch.sigmoid(self.pseudo) if self.data.unit_interval else self.pseudo
        mean, logvar = self.encoder(u).chunk(2, dim=1)
        return mean, logvar

    def log_prior(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """log 1/C Σ_c N(z; μ_c, σ_c²), (b,)."""
        mean, logvar = self.components()
        precision = (-logvar).exp()  # (C, K)
        # Σ_k (z - μ)² / σ² as matrix products: (b, C) numbers in place of (b, C, K)
        squared = z.square() @ precision.T - 2 * z @ (mean * precision).T + (mean.square() * precision).sum(1)
        log_density = -0.5 * (squared + logvar.sum(1) + z.shape[1] * math.log(2 * math.pi))  # (b, C)
        return torch.logsumexp(log_density, 1) - math.log(len(mean))

    def rate(self, code: Code) -> Tensor:
        """log q(z|x) - log p(z), (b, 1)."""
        return (self.log_posterior(code) - self.log_prior(code.z))[:, None]

    def sample_prior(
        self, n: int, generator: torch.Generator | None = None, temperature: float = 1.0, y: Tensor | None = None
    ) -> Tensor:
        """Draw components with equal probability and z from each, its deviations multiplied by the temperature."""
        mean, logvar = self.components()
        drawn = noise.uniform((n,), generator, mean.device).mul(len(mean)).long()  # (n,)
        return mean[drawn] + temperature * torch.exp(0.5 * logvar[drawn]) * noise.normal(
            (n, self.config.latent_dim), generator, mean.device
        )
