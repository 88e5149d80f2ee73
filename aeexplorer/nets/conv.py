"""Convolutional encoder and decoder for images and sequences, of plain layers, of separable ones (Howard et al. 2017,
https://arxiv.org/abs/1704.04861; without a ReLU between their two halves, as Chollet 2017,
https://arxiv.org/abs/1610.02357) or of bottlenecks with shortcuts (He et al. 2016, https://arxiv.org/abs/1512.03385)."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, Literal

from pydantic import Field
from torch import Tensor, nn

from aeexplorer.config import Config, ConfigError
from aeexplorer.data.spec import DataSpec
from aeexplorer.nets.mlp import Width, activated
from aeexplorer.tensors import model_shape

NARROWING = 4
"""Ratio of the widths of the output and the middle of a bottleneck."""


class ConvKnobs(Config):
    """Knobs of convolutional networks."""

    channels: tuple[Width, ...] = Field(
        (32, 64), min_length=1, max_length=7, description="Channels of each convolution; each halves the side"
    )
    block: Literal["plain", "separable", "bottleneck"] = Field(
        "plain", description="Kind of the convolutions between two lists of channels; the outermost one is plain"
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


def halved_sides(spec: DataSpec, layers: int) -> list[tuple[int, ...]]:
    """Spatial sides before each stride-2 layer and after the last one."""
    sides = [model_shape(spec)[1:]]
    for _ in range(layers):
        sides.append(tuple(math.ceil(s / 2) for s in sides[-1]))
    if layers and max(sides[-2]) == 1:
        raise ConfigError(f"channels must list at most {_most_layers(spec)} layers for {spec.name}, got {layers}")
    return sides


def activated_last(layers: list[nn.Module], dropout: float) -> list[nn.Module]:
    """Layers of which the last is followed by ReLU and, where asked for, dropout."""
    return [*layers[:-1], *activated(layers[-1], dropout)]


def _down(block: str, sides: int, a: int, b: int) -> list[nn.Module]:
    """Layers from a to b channels that halve the sides."""
    conv = nn.Conv2d if sides == 2 else nn.Conv1d
    if block == "separable":
        return [conv(a, a, 3, stride=2, padding=1, groups=a), conv(a, b, 1)]
    if block == "bottleneck":
        narrow = max(1, b // NARROWING)
        path = (
            conv(a, narrow, 1),
            nn.ReLU(),
            conv(narrow, narrow, 3, stride=2, padding=1),
            nn.ReLU(),
            conv(narrow, b, 1),
        )
        return [_Shortcut(b, nn.Sequential(*path), conv(a, b, 1, stride=2))]
    return [conv(a, b, 3, stride=2, padding=1)]


def _up(block: str, sides: int, a: int, b: int) -> list[nn.Module]:
    """Layers from a to b channels that double the sides."""
    conv, up = (nn.Conv2d, nn.ConvTranspose2d) if sides == 2 else (nn.Conv1d, nn.ConvTranspose1d)
    if block == "separable":
        return [up(a, a, 4, stride=2, padding=1, groups=a), conv(a, b, 1)]
    if block == "bottleneck":
        narrow = max(1, b // NARROWING)
        path = conv(a, narrow, 1), nn.ReLU(), up(narrow, narrow, 4, stride=2, padding=1), nn.ReLU(), conv(narrow, b, 1)
        return [_Shortcut(b, nn.Sequential(*path), nn.Sequential(conv(a, b, 1), nn.Upsample(scale_factor=2)))]
    return [up(a, b, 4, stride=2, padding=1)]


class _Shortcut(nn.Module):
    """path(x) + projection(x) (He et al. 2016, equation 2)."""

    def __init__(self, out_channels: int, path: nn.Module, projection: nn.Module) -> None:
        super().__init__()
        self.out_channels, self.path, self.projection = out_channels, path, projection

    def forward(self, x: Tensor) -> Tensor:
        return self.path(x) + self.projection(x)


def conv_encoder(spec: DataSpec, out: int, config: Any) -> nn.Module:
    """Build convolutions of width 3 and stride 2, each halving the sides, and one linear layer: (b, *model shape) ->
    (b, out)."""
    sides = halved_sides(spec, len(config.channels))
    channels = (model_shape(spec)[0], *config.channels)
    layers = [
        module
        for i, (a, b) in enumerate(pairwise(channels))
        for module in activated_last(_down(config.block if i else "plain", spec.row.sides, a, b), config.dropout)
    ]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels[-1] * math.prod(sides[-1]), out))


def conv_decoder(spec: DataSpec, latent: int, config: Any) -> nn.Module:
    """Build one linear layer and transposed convolutions of width 4 and stride 2: (b, latent) -> (b, *model shape).

    A kernel whose width is a multiple of the stride overlaps evenly and so leaves no checkerboard pattern (Odena et al.
    2016, https://doi.org/10.23915/distill.00003).
    """
    sides = halved_sides(spec, len(config.channels))
    channels = (*reversed(config.channels), model_shape(spec)[0])
    layers: list[nn.Module] = [
        *activated(nn.Linear(latent, channels[0] * math.prod(sides[-1])), config.dropout),
        nn.Unflatten(1, (channels[0], *sides[-1])),
    ]
    for i, (a, b) in enumerate(pairwise(channels)):
        last, target = i == len(config.channels) - 1, sides[-2 - i]
        up = _up("plain" if last else config.block, spec.row.sides, a, b)
        crop = [] if target == tuple(2 * s for s in sides[-1 - i]) else [_Crop(target)]
        layers += [*(up if last else activated_last(up, config.dropout)), *crop]
    return nn.Sequential(*layers)
