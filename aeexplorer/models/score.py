"""Denoising autoencoder that learns the score of its data (Vincent 2011, https://doi.org/10.1162/NECO_a_00142).

Vincent et al. 2008 introduced the denoising autoencoder. Vincent 2011 and Alain & Bengio 2014
(https://jmlr.org/papers/v15/alain14a.html) showed that its residual estimates a score, (r(x) - x) / σ² ≈ ∇ log p_σ(x).
For the optimal denoiser equality holds: the formula of Miyasawa 1961 and of Robbins 1956, who credits Tweedie.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from aeexplorer.config import ConfigError
from aeexplorer.data.spec import DataSpec
from aeexplorer.losses import LOSSES
from aeexplorer.models.base import LATENT_LIMIT, ModelConfig
from aeexplorer.models.plain import PlainAutoencoder
from aeexplorer.nets import make_decoder, make_encoder


class ScoreConfig(ModelConfig):
    net: Literal["mlp"] = Field("mlp", description="Network of encoder and decoder")
    latent_dim: int = Field(
        32, ge=2, le=LATENT_LIMIT, description="Size of the code z: the values of the sample, then learned features"
    )
    loss: Literal["auto", "mse"] = Field(
        "mse",
        description="Reconstruction loss: squared error, whose optimal denoiser E[x | x̃] gives the score",
    )
    corruption: Literal["gaussian"] = Field(
        "gaussian", description="Noise of the input; the residual is a score for Gaussian noise alone"
    )
    level: float = Field(0.1, gt=0, le=1, description="Standard deviation σ of the noise")
    frequencies: int = Field(64, ge=1, le=1024, description="Random Fourier frequencies, each with a sine and a cosine")
    bandwidth: float = Field(
        5.5,
        gt=0,
        le=100,
        description="Standard deviation of the phases over data of unit variance: how fast the features vary",
    )


class ScoreAutoencoder(PlainAutoencoder):
    """L = ||x - r(x̃)||² with r(x̃) = x̃ + σ f(x̃) (Vincent 2011, section 4) and f on random Fourier features (Rahimi &
    Recht 2007).

    With the residual form f predicts only what is unknown, the noise in units of σ, at the same scale for every σ. A
    plain network would also have to reproduce x̃, and its error there would be divided by σ² in the score. The features
    let f vary within a few σ. The code is z = (x̃, h(x̃)), because the decoder needs x̃ to add to it.

    Raises:
        ConfigError: when the code is too small for the sample, or the loss is cross-entropy.
    """

    keeps_last = True  # on a few hundred validation samples the noise would decide which epoch seems best

    @classmethod
    def min_latent_dim(cls, data: DataSpec) -> int:
        return data.size + 1

    def __init__(self, config: ScoreConfig, data: DataSpec) -> None:
        if config.latent_dim < self.min_latent_dim(data):
            raise ConfigError(
                f"latent_dim must be greater than {data.size}, the number of values in a sample of {data.name}, which "
                f"the code contains, got {config.latent_dim}"
            )
        super().__init__(config, data)
        self.loss = LOSSES["mse"]
        self.distortion = self.loss.made(data)

    def build(self, out: int) -> None:
        c, size = self.config, self.data.size
        features = DataSpec(
            name=self.data.name, title=self.data.title, kind="vector", shape=(size + 2 * c.frequencies,)
        )
        self.encoder = _Concatenated(
            nn.Sequential(
                _Fourier(size, c.frequencies, c.bandwidth),
                make_encoder(features, out - size, c),
            )
        )
        self.decoder = make_decoder(self.data, out, c)

    def output(self, z: Tensor, y: Tensor | None = None, told: Tensor | None = None) -> Tensor:
        """r(x̃) = x̃ + σ f(x̃) for z = (x̃, h) (b, K); σ is read at each call, because a dial changes it."""
        noisy = z[:, : self.data.size].reshape(-1, *self.shape)  # x̃, (b, *model shape)
        return noisy + self.config.level * self.decoder(z)


class _Concatenated(nn.Module):
    """x (b, ...) to (x, net(x)) (b, size + out)."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        return torch.cat([x, self.net(x)], dim=1)


class _Fourier(nn.Module):
    """x (b, size) to (x, sin Bx, cos Bx) (b, size + 2 frequencies), with a fixed normal B (Rahimi & Recht 2007)."""

    B: Tensor

    def __init__(self, size: int, frequencies: int, bandwidth: float) -> None:
        super().__init__()
        B = torch.randn(size, frequencies) * (bandwidth / size**0.5)
        # Rounded to float16 at once: a dial stores float16, and a phase rounded later would be another feature.
        self.register_buffer("B", B.half().float())

    def forward(self, x: Tensor) -> Tensor:
        phases = x @ self.B  # (b, frequencies)
        return torch.cat([x, phases.sin(), phases.cos()], dim=1)
