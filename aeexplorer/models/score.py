"""Denoising autoencoder that learns the score of its data (Vincent 2011, https://doi.org/10.1162/NECO_a_00142).

Vincent et al. 2008 introduced the denoising autoencoder. That its residual estimates a score, (r(x) - x) / σ² ≈
∇ log p_σ(x), is from Vincent 2011 and Alain & Bengio 2014 (https://jmlr.org/papers/v15/alain14a.html); for the best
denoiser it is the formula of Miyasawa 1961 and Robbins 1956, who credits Tweedie.
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
        32, ge=2, le=LATENT_LIMIT, description="Size of the code z: the sample, and what was found of it"
    )
    loss: Literal["auto", "mse"] = Field(
        "mse", description="Reconstruction loss: squared error, whose best denoiser is the mean that the score needs"
    )
    corruption: Literal["gaussian"] = Field("gaussian", description="The residual is a score for Gaussian noise alone")
    level: float = Field(0.1, gt=0, le=1, description="Standard deviation σ of the noise")
    frequencies: int = Field(64, ge=1, le=1024, description="Random Fourier features, a sine and a cosine of each")
    bandwidth: float = Field(
        5.5, gt=0, le=100, description="How fast the features vary: spread of their phases over data of unit variance"
    )


class ScoreAutoencoder(PlainAutoencoder):
    """r(x̃) = x̃ + σ f(x̃), with f on random Fourier features (Rahimi & Recht 2007).

    The residual leaves f the one thing that is unknown, the noise in units of σ, at every σ alike; what a plain network
    gets wrong of x̃ itself would be divided by σ². The features let f bend within a few σ. So that x̃ can be added to
    what is decoded, the code carries it: z = (x̃, h(x̃)).

    Raises:
        ConfigError: when the code has no room for the sample, or the loss is cross-entropy.
    """

    keeps_last = True  # on a few hundred samples the noise decides which epoch seems best

    @classmethod
    def min_latent_dim(cls, data: DataSpec) -> int:
        return data.size + 1

    def __init__(self, config: ScoreConfig, data: DataSpec) -> None:
        if config.latent_dim < self.min_latent_dim(data):
            raise ConfigError(f"latent_dim must be greater than {data.size}, the values of a sample of {data.name} that "
                              f"the code carries along, got {config.latent_dim}")  # fmt: skip
        super().__init__(config, data)
        self.loss = LOSSES["mse"]

    def build(self, out: int) -> None:
        c, size = self.config, self.data.size
        features = DataSpec(
            name=self.data.name, title=self.data.title, kind="vector", shape=(size + 2 * c.frequencies,)
        )
        self.encoder = _Carrying(
            nn.Sequential(
                _Fourier(size, c.frequencies, c.bandwidth),
                make_encoder(features, out - size, c),
            )
        )
        self.decoder = make_decoder(self.data, out, c)

    def output(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        carried = z[:, : self.data.size].reshape(-1, *self.shape)
        return carried + self.config.level * self.decoder(z)


class _Carrying(nn.Module):
    """x (b, ...) to (x, net(x)), flat."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        return torch.cat([x, self.net(x)], dim=1)


class _Fourier(nn.Module):
    """x (b, size) to (x, sin Bx, cos Bx) with a fixed normal B."""

    B: Tensor

    def __init__(self, size: int, frequencies: int, bandwidth: float) -> None:
        super().__init__()
        B = torch.randn(size, frequencies) * (bandwidth / size**0.5)
        # exact in half precision, in which a dial keeps its snapshots: a rounded phase would be another feature
        self.register_buffer("B", B.half().float())

    def forward(self, x: Tensor) -> Tensor:
        phases = x @ self.B
        return torch.cat([x, phases.sin(), phases.cos()], dim=1)
