"""VAE with planar normalizing flows (Rezende & Mohamed 2015, https://arxiv.org/abs/1505.05770)."""

from __future__ import annotations

import math
from abc import abstractmethod

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from aeexplorer import noise
from aeexplorer.losses import gaussian_kl, gaussian_log_density
from aeexplorer.models.base import Code
from aeexplorer.models.vae import VAE, VAEConfig

PROBES = 32
"""Base points from which the variance of a posterior is estimated: each coordinate is 1 or -1."""

PROBED_ROWS = 1024
"""Codes that pass through the flow at once for that estimate."""


class FlowVAE(VAE):
    """A VAE whose posterior is the density of z = T(ε; x) with ε ~ N(0, I) and T invertible, by the change of variables
    log q(z|x) = log N(ε; 0, I) - log |det ∂z/∂ε| (Rezende & Mohamed 2015, equation 5).

    The KL has no closed form. The rate is estimated at a draw, as the closed form for z_0 = μ + σ ε and what the rest
    of T adds: KL(q_0 || N(0, I)) + ½ (z² - z_0²) - log |det ∂z/∂z_0|. On average this is log q(z|x) - log p(z), with
    much less noise while T is near the identity.

    h begins with μ and log σ².
    """

    @abstractmethod
    def transform(self, eps: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """Map ε (b, K) to z (b, K) and log |det ∂z/∂ε| (b,), for the encoder network's output h (b, out)."""

    def drawn(self, h: Tensor) -> Code:
        size = self.config.latent_dim
        mean, logvar = h[:, :size], h[:, size : 2 * size]  # (b, K) each
        eps = noise.normal_like(mean)
        first = torch.addcmul(mean, torch.exp(0.5 * logvar), eps)  # z_0
        z, log_det = self.transform(eps, h)
        added = 0.5 * (z.square() - first.square() + logvar).sum(1) - log_det
        rate = gaussian_kl(mean, logvar).sum(1) + added
        return Code(z, log_q=gaussian_log_density(eps) - log_det, rate=rate[:, None])

    def code(self, h: Tensor) -> Code:
        """z = T(0; x), which is also the mean that pages show; it is exact where T is affine.

        The variance is the mean square of T(s; x) - z over 32 fixed vectors s of random signs: in expectation the exact
        one where T is affine.
        """
        zero = h.new_zeros(len(h), self.config.latent_dim)
        mean, log_det = self.transform(zero, h)
        with noise.seeded(0, h.device):
            signs = 2 * noise.integers(2, (PROBES, 1, self.config.latent_dim), h.device).to(h.dtype) - 1
        at_once, squared = max(1, PROBED_ROWS // max(len(h), 1)), torch.zeros_like(mean)
        for part in signs.split(at_once):  # (m, 1, K)
            eps = part.expand(-1, len(h), -1).flatten(0, 1)  # (m b, K)
            z, _ = self.transform(eps, h.repeat(len(part), 1))
            squared = squared + (z.unflatten(0, (len(part), len(h))) - mean).square().sum(0)
        variance = (squared / PROBES).clamp_min(torch.finfo(squared.dtype).tiny)
        log_q = gaussian_log_density(zero) - log_det
        return Code(mean, mean, variance.log(), log_q=log_q, rate=(log_q - self.log_prior(mean))[:, None])


OWN_SHARE = 0.1
"""The weight of the encoder's outputs in the parameters of a planar flow."""


class PlanarConfig(VAEConfig):
    flows: int = Field(20, ge=1, le=100, description="Planar flows that a draw from the Gaussian passes through")


class PlanarVAE(FlowVAE):
    """The negative ELBO with z = f_F ∘ ... ∘ f_1(μ + σ ε) and f(z) = z + û tanh(wᵀz + b) (Rezende & Mohamed 2015,
    equations 10 and 20).

    Each f stretches or squeezes space along û across the plane wᵀz + b = 0. Its u, w and b are learned values plus a
    tenth of what the encoder says for this x. Without the learned values 20 flows learn more slowly than none: their
    gradients, 20 times those of μ, disturb the encoder. Flows begin close to the identity, with u near 0.

    f is invertible where wᵀû >= -1. û is u with its part along w replaced so that wᵀû = m(wᵀu) > -1 (appendix A.1).
    The paper has m(a) = -1 + log(1 + eᵃ); here m(a) = -1 + log(1 + (e - 1) eᵃ), so that u = 0 gives the identity and
    nothing diverges at w = 0.
    """

    def build(self, out: int) -> None:
        size, flows = self.config.latent_dim, self.config.flows
        super().build(out + flows * (2 * size + 1))
        directions = torch.randn(flows * size) / size**0.5
        self.shared = nn.Parameter(torch.cat([torch.zeros(flows * size), directions, torch.zeros(flows)]))

    def transform(self, eps: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """The flows in order; log |det| is Σ log σ + Σ log |1 + ûᵀ w (1 - tanh²)| (equation 12)."""
        size, flows = self.config.latent_dim, self.config.flows
        mean, logvar, own = h.split([size, size, len(self.shared)], dim=1)
        u, w, b = (self.shared + OWN_SHARE * own).split([flows * size, flows * size, flows], dim=1)
        z = torch.addcmul(mean, torch.exp(0.5 * logvar), eps)  # (b, K)
        u, w = (part.unflatten(1, (flows, size)) for part in (u, w))  # (b, flows, K)
        along = (u * w).sum(2)  # wᵀu, (b, flows)
        stretch = F.softplus(along + math.log(math.e - 1))  # 1 + m(wᵀu)
        squared = w.square().sum(2).clamp_min(torch.finfo(w.dtype).eps)
        u = u + ((stretch - 1 - along) / squared)[:, :, None] * w  # û
        log_det = 0.5 * logvar.sum(1)
        for i in range(flows):
            t = torch.tanh((w[:, i] * z).sum(1) + b[:, i])  # (b,)
            z = torch.addcmul(z, u[:, i], t[:, None])
            bend = t.square()
            # 1 + (1 - t²) m, as a sum of what is positive
            log_det = log_det + torch.log(bend + (1 - bend) * stretch[:, i])
        return z, log_det
