"""Hierarchical VAE with top-down inference (Sønderby et al. 2016, "Ladder variational autoencoders",
https://arxiv.org/abs/1602.02282)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from aeexplorer import noise
from aeexplorer.config import ConfigError
from aeexplorer.data.spec import DataSpec
from aeexplorer.losses import gaussian_log_density
from aeexplorer.models.base import LATENT_LIMIT, Code
from aeexplorer.models.vae import VAE, VAEConfig
from aeexplorer.nets import make_decoder, make_encoder


class HierarchicalConfig(VAEConfig):
    latent_dim: int = Field(32, ge=2, le=LATENT_LIMIT, description="Size of the code z: all levels together")
    levels: int = Field(2, ge=2, le=5, description="Levels of z, each about twice as wide as the next coarser one")
    level_units: int = Field(128, ge=1, le=4096, description="Units of the layers between levels")
    warmup: float = Field(
        0.2,
        ge=0,
        le=1,
        description="Fraction of the training over which β rises from zero, so that fewer levels collapse early",
    )


class HierarchicalVAE(VAE):
    """The negative ELBO with p(z) = p(z_1) Π_i p(z_i | z_<i) and q(z|x) = q(z_1|x) Π_i q(z_i | z_<i, x), level 1 the
    coarsest.

    The encoder gives each level an estimate N(μ̂_i, σ̂_i²) from x. From the coarsest level down, the posterior of a
    level combines this estimate and its prior, weighted by precision (Sønderby et al. 2016, equations 17 to 19):
    σ_q^-2 = σ̂^-2 + σ_p^-2 and μ_q = σ_q² (μ̂ σ̂^-2 + μ_p σ_p^-2).

    z holds all levels one after the other; the decoder is given all of them.

    Raises:
        ConfigError: when the code has less than one value for each level.
    """

    def __init__(self, config: HierarchicalConfig, data: DataSpec) -> None:
        if config.latent_dim < config.levels:
            raise ConfigError(
                f"latent_dim must be at least the number of levels, {config.levels}, got {config.latent_dim}"
            )
        super().__init__(config, data)

    @classmethod
    def levels_of(cls, config: HierarchicalConfig) -> tuple[int, ...]:
        """Widths in the ratio 1 : 2 : 4 ..., at least one value each; the finest level takes the rest."""
        parts = 2**config.levels - 1
        coarse = [max(1, config.latent_dim * 2**i // parts) for i in range(config.levels - 1)]
        return (*coarse, config.latent_dim - sum(coarse))

    def build(self, out: int) -> None:
        units, sizes = self.config.level_units, self.levels_of(self.config)
        self.sizes = sizes
        self.encoder = make_encoder(self.data, units, self.config)
        self.upward = nn.ModuleList(nn.Linear(units, units) for _ in sizes[1:])
        self.evidence = nn.ModuleList(nn.Linear(units, 2 * size) for size in sizes)
        above = [sum(sizes[:i]) for i in range(1, len(sizes))]
        self.priors = nn.ModuleList(
            nn.Sequential(nn.Linear(a, units), nn.ReLU(), nn.Linear(units, 2 * size))
            for a, size in zip(above, sizes[1:], strict=True)
        )
        self.decoder = make_decoder(self.data, self.config.latent_dim, self.config)

    def features(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """The estimates from x (b, 2K): the means of all levels, then their log-variances, coarse levels first."""
        d = [self.encoder(x)]  # (b, level_units) of each level, fine to coarse
        for layer in self.upward:
            d.append(layer(F.relu(d[-1])))
        pairs = [head(u).chunk(2, dim=1) for head, u in zip(self.evidence, reversed(d), strict=True)]
        return torch.cat([*(mean for mean, _ in pairs), *(logvar for _, logvar in pairs)], dim=1)

    def code(self, h: Tensor) -> Code:
        return self._downward(h, draw=False)

    def drawn(self, h: Tensor) -> Code:
        return self._downward(h, draw=True)

    def _downward(self, h: Tensor, draw: bool) -> Code:
        """Combine estimates and priors from the coarsest level to the finest (equations 17 to 19); z is the mean of
        each level, or a draw."""
        means, logvars = (part.split(self.sizes, dim=1) for part in h.chunk(2, dim=1))
        z: list[Tensor] = []
        posterior, prior = [], []
        for i, (mean, logvar) in enumerate(zip(means, logvars, strict=True)):  # each (b, size of the level)
            prior_mean, prior_logvar = self._prior(i, z, mean)
            if i:
                precision, prior_precision = (-logvar).exp(), (-prior_logvar).exp()
                logvar = -(precision + prior_precision).log()
                mean = (mean * precision + prior_mean * prior_precision) * logvar.exp()
            posterior.append((mean, logvar))
            prior.append((prior_mean, prior_logvar))
            z.append(torch.addcmul(mean, torch.exp(0.5 * logvar), noise.normal_like(mean)) if draw else mean)
        joined = [torch.cat(part, dim=1) for part in (*zip(*posterior, strict=True), *zip(*prior, strict=True))]
        return Code(torch.cat(z, dim=1), *joined)

    def _prior(self, level: int, above: list[Tensor], like: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance (b, size) of p(z_i | z_<i); N(0, I) for the coarsest level."""
        if level == 0:
            return torch.zeros_like(like), torch.zeros_like(like)
        mean, logvar = self.priors[level - 1](torch.cat(above, dim=1)).chunk(2, dim=1)
        return mean, logvar

    def grouped(self, rate: Tensor) -> Tensor:
        return torch.stack([part.sum() for part in rate.split(self.sizes)])

    def log_prior(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        levels = list(z.split(self.sizes, dim=1))
        moments = [self._prior(i, levels[:i], level) for i, level in enumerate(levels)]
        mean, logvar = (torch.cat(part, dim=1) for part in zip(*moments, strict=True))
        return gaussian_log_density(z, mean, logvar)

    def sample_prior(
        self, n: int, generator: torch.Generator | None = None, temperature: float = 1.0, y: Tensor | None = None
    ) -> Tensor:
        return self.resample(torch.zeros(n, self.config.latent_dim), 0, generator, temperature)

    def resample(
        self, z: Tensor, below: int, generator: torch.Generator | None = None, temperature: float = 1.0
    ) -> Tensor:
        """Redraw the levels of z (n, K) after the first `below` from their priors."""
        levels = list(z.split(self.sizes, dim=1))
        for i in range(below, len(levels)):
            drawn = noise.normal(levels[i].shape, generator)  # (n, size of the level)
            mean, logvar = self._prior(i, levels[:i], drawn)
            levels[i] = mean + temperature * torch.exp(0.5 * logvar) * drawn
        return torch.cat(levels, dim=1)
