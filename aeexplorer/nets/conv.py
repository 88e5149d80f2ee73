"""Convolutional encoder and decoder for images and sequences."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from pydantic import Field
from torch import Tensor, nn

from aeexplorer.config import Config, ConfigError
from aeexplorer.data.spec import DataSpec
from aeexplorer.nets.mlp import Width, activated
from aeexplorer.tensors import model_shape


class ConvKnobs(Config):
    """Knobs of convolutional networks."""

    channels: tuple[Width, ...] = Field(
        (32, 64), min_length=1, max_length=7, description="Channels of each convolution; each halves the side"
    )


def conv_suggestion(spec: DataSpec) -> dict[str, Any]:
    """No more layers than the sides can be halved."""
    usual, most = ConvKnobs().channels, _most_layers(spec)
    return {"channels": usual[:most]} if most < len(usual) else {}


def _most_layers(spec: DataSpec) -> int:
    return max(1, math.ceil(math.log2(max(model_shape(spec)[1:]))))


class _Crop(nn.Module):
    """Cut each side to size: an odd side was rounded up when halved, so doubling it gives one row too many."""

    def __init__(self, sides: tuple[int, ...]) -> None:
        super().__init__()
        self.sides = sides

    def forward(self, x: Tensor) -> Tensor:
        for axis, side in enumerate(self.sides, start=2):
            x = x.narrow(axis, 0, side)
        return x


def _sides(spec: DataSpec, layers: int) -> list[tuple[int, ...]]:
    """Spatial sides before each stride-2 layer and after the last one."""
    sides = [model_shape(spec)[1:]]
    for _ in range(layers):
        sides.append(tuple(math.ceil(s / 2) for s in sides[-1]))
    if layers and max(sides[-2]) == 1:
        raise ConfigError(f"channels must list at most {_most_layers(spec)} layers for {spec.name}, got {layers}")
    return sides


def conv_encoder(spec: DataSpec, out: int, config: Any) -> nn.Module:
    """Build convolutions of width 3 and stride 2, each halving the sides, and one linear layer: (b, *model shape) ->
    (b, out)."""
    sides = _sides(spec, len(config.channels))
    conv = nn.Conv2d if spec.row.sides == 2 else nn.Conv1d
    channels = (model_shape(spec)[0], *config.channels)
    layers = [m for a, b in pairwise(channels) for m in activated(conv(a, b, 3, stride=2, padding=1), config.dropout)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels[-1] * math.prod(sides[-1]), out))


def conv_decoder(spec: DataSpec, latent: int, config: Any) -> nn.Module:
    """Build one linear layer and transposed convolutions of width 4 and stride 2: (b, latent) -> (b, *model shape).

    A kernel whose width is a multiple of the stride overlaps evenly and so leaves no checkerboard pattern (Odena et al.
    2016, https://doi.org/10.23915/distill.00003).
    """
    sides = _sides(spec, len(config.channels))
    conv = nn.ConvTranspose2d if spec.row.sides == 2 else nn.ConvTranspose1d
    channels = (*reversed(config.channels), model_shape(spec)[0])
    layers: list[nn.Module] = [
        *activated(nn.Linear(latent, channels[0] * math.prod(sides[-1])), config.dropout),
        nn.Unflatten(1, (channels[0], *sides[-1])),
    ]
    for i, (a, b) in enumerate(pairwise(channels)):
        up, target = conv(a, b, 4, stride=2, padding=1), sides[-2 - i]
        crop = [] if target == tuple(2 * s for s in sides[-1 - i]) else [_Crop(target)]
        layers += [up, *crop] if i == len(config.channels) - 1 else [*activated(up, config.dropout), *crop]
    return nn.Sequential(*layers)
