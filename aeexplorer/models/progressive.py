"""Progressively grown autoencoder (after Karras et al. 2018, https://arxiv.org/abs/1710.10196, who grow a GAN)."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Literal

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from aeexplorer.data.spec import DataSpec
from aeexplorer.models.base import Batch, ModelConfig, Objective, Stage
from aeexplorer.models.plain import PlainAutoencoder
from aeexplorer.nets.conv import halved_sides


class ProgressiveConfig(ModelConfig):
    net: Literal["conv"] = Field("conv", description="Network of encoder and decoder")
    block: Literal["plain"] = Field("plain", description="Kind of the convolutions")
    fade: float = Field(0.5, ge=0, le=1, description="Fraction of a stage during which its new layers are faded in")
    last_share: float = Field(
        2.0, gt=0, le=100, description="Epochs at full resolution, as a multiple of those of each stage before"
    )


class ProgressiveAutoencoder(PlainAutoencoder):
    """L = ℓ(x_r, g_r(f_r(x_r))) for samples x_r of growing resolution r; each stage adds a layer at the outside.

    New layers are faded in: the encoder's and the decoder's values are α times those of the new layers plus (1 - α)
    times those of the way before, which reads halved samples and writes doubled ones (Karras et al. 2018, figure 2).
    """

    def __init__(self, config: ProgressiveConfig, data: DataSpec) -> None:
        super().__init__(config, data)
        self.level, self.alpha = 0, 1.0  # layers that are not grown yet, and the weight of the newest ones

    def build(self, out: int) -> None:
        self.encoder = _GrowingEncoder(self.data, out, self.config)
        self.decoder = _GrowingDecoder(self.data, self.config.latent_dim, self.config)

    def features(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return self.encoder(self.reduced(x), self.level, self.alpha)

    def output(self, z: Tensor, y: Tensor | None = None, told: Tensor | None = None) -> Tensor:
        """Map z (b, latent_dim) to (b, *model shape), of a level that is not fully grown with repeated values."""
        small = self.decoder(z, self.level, self.alpha)
        return F.interpolate(small, self.shape[1:]) if self.level else small

    def reduced(self, x: Tensor) -> Tensor:
        """Samples (b, *model shape) at the resolution of the level."""
        for _ in range(self.level):
            x = _halved(x)
        return x

    def grown_terms(self, level: int, batch: Batch) -> dict[str, Tensor]:
        """The terms of the stage that leaves out the `level` outermost layers, at its own resolution."""
        first = level == len(self.config.channels) - 1
        self.level = level
        self.alpha = 1.0 if first or not self.config.fade else min(1.0, batch.done / self.config.fade)
        z = self.encode(batch.x_in).z
        return {"reconstruction": self.reconstruction_term(self.decoder(z, level, self.alpha), self.reduced(batch.x))}

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """ℓ(x, x̂) of all layers."""
        return self.grown_terms(0, batch._replace(done=1.0))

    def stages(self) -> list[Stage]:
        """One for each resolution, the lowest first."""
        sides = halved_sides(self.data, len(self.config.channels))
        stages = []
        for level in reversed(range(len(self.config.channels))):
            name = " × ".join(map(str, sides[level]))
            objective = self._objective(level, name)
            share = self.config.last_share if level == 0 else 1.0
            stages.append(Stage(name, [objective], objective.terms, share))
        return stages

    def _objective(self, level: int, name: str) -> Objective:
        return Objective(name, list(self.parameters()), lambda batch: self.grown_terms(level, batch))

    def objectives(self) -> list[Objective]:
        """The optimiser steps of all stages; each stage takes its own."""
        return [objective for stage in self.stages() for objective in stage.objectives]


def _halved(x: Tensor) -> Tensor:
    """Means of pairs along each side; an odd side keeps its last value."""
    pool = F.avg_pool2d if x.ndim == 4 else F.avg_pool1d
    return pool(x, 2, ceil_mode=True)


class _GrowingEncoder(nn.Module):
    """Convolutions of stride 2 that can be entered at any layer, each by a convolution of width 1."""

    def __init__(self, data: DataSpec, out: int, config: ProgressiveConfig) -> None:
        super().__init__()
        sides = halved_sides(data, len(config.channels))
        conv = nn.Conv2d if data.row.sides == 2 else nn.Conv1d
        first = data.value_shape[data.row.sides] if len(data.value_shape) > data.row.sides else 1
        channels = (first, *config.channels)
        self.layers = nn.ModuleList(conv(a, b, 3, stride=2, padding=1) for a, b in pairwise(channels))
        self.entries = nn.ModuleList(conv(first, width, 1) for width in channels[1:-1])  # of layers 1, 2, ...
        self.out = nn.Linear(channels[-1] * math.prod(sides[-1]), out)

    def forward(self, x: Tensor, level: int, alpha: float) -> Tensor:
        """Samples (b, channels, ...) at the resolution of the level to (b, out)."""
        h = F.relu(self.layers[level](self._entered(x, level)))
        if alpha < 1:
            h = alpha * h + (1 - alpha) * self._entered(_halved(x), level + 1)
        for layer in self.layers[level + 1 :]:
            h = F.relu(layer(h))
        return self.out(h.flatten(1))

    def _entered(self, x: Tensor, level: int) -> Tensor:
        return F.relu(self.entries[level - 1](x)) if level else x


class _GrowingDecoder(nn.Module):
    """Transposed convolutions of stride 2 that can be left after any layer, each by a convolution of width 1."""

    def __init__(self, data: DataSpec, latent: int, config: ProgressiveConfig) -> None:
        super().__init__()
        self.sides = halved_sides(data, len(config.channels))
        conv, up = (nn.Conv2d, nn.ConvTranspose2d) if data.row.sides == 2 else (nn.Conv1d, nn.ConvTranspose1d)
        last = data.value_shape[data.row.sides] if len(data.value_shape) > data.row.sides else 1
        channels = (last, *config.channels)
        self.start = nn.Linear(latent, channels[-1] * math.prod(self.sides[-1]))
        self.layers = nn.ModuleList(up(b, a, 4, stride=2, padding=1) for a, b in pairwise(channels))
        self.exits = nn.ModuleList(conv(width, last, 1) for width in channels[1:-1])  # of layers 1, 2, ...

    def forward(self, z: Tensor, level: int, alpha: float) -> Tensor:
        """Codes (b, latent) to raw outputs (b, channels, ...) at the resolution of the level."""
        h = F.relu(self.start(z)).unflatten(1, (-1, *self.sides[-1]))
        for i in range(len(self.layers) - 1, level, -1):
            h = F.relu(self._grown(h, i))
        out = self._grown(h, level)
        if level:
            out = self.exits[level - 1](F.relu(out))
        if alpha < 1:
            before = self.exits[level](h)
            out = alpha * out + (1 - alpha) * F.interpolate(before, self.sides[level])
        return out

    def _grown(self, h: Tensor, i: int) -> Tensor:
        """The output of a layer, cut to the size of its place."""
        h = self.layers[i](h)
        for axis, side in enumerate(self.sides[i], start=2):
            h = h.narrow(axis, 0, side)
        return h
