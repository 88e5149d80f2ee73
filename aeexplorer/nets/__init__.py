"""Encoder and decoder networks: (b, *model shape) -> (b, out), and (b, latent) -> (b, *model shape), raw outputs.

`NETS` is the one table. A net says which kinds of data it takes and builds both halves; the decoder mirrors the encoder.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from aeexplorer.config import ConfigError
from aeexplorer.data.spec import DataSpec, Kind
from aeexplorer.tensors import model_shape

NetName = Literal["mlp", "conv"]


@dataclass(frozen=True)
class Net:
    """One row of `NETS`; `widths` names the config field that holds the layer widths."""

    name: str
    title: str
    kinds: tuple[Kind, ...]
    widths: str
    encoder: Callable[[DataSpec, int, Sequence[int], float], nn.Module]
    decoder: Callable[[DataSpec, int, Sequence[int], float], nn.Module]


def _layer(linear: nn.Module, dropout: float) -> list[nn.Module]:
    return [linear, nn.ReLU(), *([nn.Dropout(dropout)] if dropout else [])]


def mlp_encoder(spec: DataSpec, out: int, widths: Sequence[int], dropout: float) -> nn.Module:
    """Flatten, then fully connected layers with ReLU; no hidden layer gives a linear map."""
    sizes = (spec.size, *widths)
    hidden = [m for a, b in pairwise(sizes) for m in _layer(nn.Linear(a, b), dropout)]
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(sizes[-1], out))


def mlp_decoder(spec: DataSpec, latent: int, widths: Sequence[int], dropout: float) -> nn.Module:
    """The mirror of `mlp_encoder`."""
    sizes = (latent, *reversed(widths))
    hidden = [m for a, b in pairwise(sizes) for m in _layer(nn.Linear(a, b), dropout)]
    return nn.Sequential(*hidden, nn.Linear(sizes[-1], spec.size), nn.Unflatten(1, model_shape(spec)))


class _Crop(nn.Module):
    """Cut the last rows off: a transposed convolution doubles, an odd side was halved upwards."""

    def __init__(self, sides: tuple[int, ...]) -> None:
        super().__init__()
        self.sides = sides

    def forward(self, x: Tensor) -> Tensor:
        for axis, side in enumerate(self.sides, start=2):
            x = x.narrow(axis, 0, side)
        return x


def _sides(spec: DataSpec, layers: int) -> list[tuple[int, ...]]:
    """Sides before each stride-2 layer and after the last."""
    sides = [model_shape(spec)[1:]]
    for _ in range(layers):
        sides.append(tuple(math.ceil(s / 2) for s in sides[-1]))
    if layers and max(sides[-2]) == 1:
        limit = math.ceil(math.log2(max(spec.shape[: len(sides[0])])))
        raise ConfigError(f"channels must list at most {limit} layers for {spec.name}, got {layers}")
    return sides


def conv_encoder(spec: DataSpec, out: int, widths: Sequence[int], dropout: float) -> nn.Module:
    """3-wide convolutions of stride 2, each halving the side, then one linear layer."""
    sides = _sides(spec, len(widths))
    conv = nn.Conv2d if spec.kind == "image" else nn.Conv1d
    channels = (model_shape(spec)[0], *widths)
    layers = [m for a, b in pairwise(channels) for m in _layer(conv(a, b, 3, stride=2, padding=1), dropout)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels[-1] * math.prod(sides[-1]), out))


def conv_decoder(spec: DataSpec, latent: int, widths: Sequence[int], dropout: float) -> nn.Module:
    """One linear layer, then 4-wide transposed convolutions of stride 2; a kernel that is a multiple of the stride
    leaves no checkerboard of uneven overlap (Odena et al. 2016)."""
    sides = _sides(spec, len(widths))
    conv = nn.ConvTranspose2d if spec.kind == "image" else nn.ConvTranspose1d
    channels = (*reversed(widths), model_shape(spec)[0])
    layers: list[nn.Module] = [
        *_layer(nn.Linear(latent, channels[0] * math.prod(sides[-1])), dropout),
        nn.Unflatten(1, (channels[0], *sides[-1])),
    ]
    for i, (a, b) in enumerate(pairwise(channels)):
        up, target = conv(a, b, 4, stride=2, padding=1), sides[-2 - i]
        crop = [] if target == tuple(2 * s for s in sides[-1 - i]) else [_Crop(target)]
        layers += [up, *crop] if i == len(widths) - 1 else [*_layer(up, dropout), *crop]
    return nn.Sequential(*layers)


NETS: dict[str, Net] = {
    n.name: n
    for n in (
        Net("mlp", "Fully connected", ("image", "sequence", "vector"), "hidden", mlp_encoder, mlp_decoder),
        Net("conv", "Convolutional", ("image", "sequence"), "channels", conv_encoder, conv_decoder),
    )
}


def _row(net: str, spec: DataSpec) -> Net:
    row = NETS[net]
    if spec.kind not in row.kinds:
        fitting = " or ".join(n.name for n in NETS.values() if spec.kind in n.kinds)
        raise ConfigError(f"net must be {fitting} for the {spec.kind} data of {spec.name}, got {net}")
    return row


def make_encoder(net: str, spec: DataSpec, out: int, widths: Sequence[int], dropout: float = 0.0) -> nn.Module:
    """A network (b, *model_shape(spec)) -> (b, out).

    Raises:
        ConfigError: where the net does not take this kind of data, or has more layers than the data has halvings.
    """
    return _row(net, spec).encoder(spec, out, widths, dropout)


def make_decoder(net: str, spec: DataSpec, latent: int, widths: Sequence[int], dropout: float = 0.0) -> nn.Module:
    """A network (b, latent) -> (b, *model_shape(spec)): logits or values, before any squashing."""
    return _row(net, spec).decoder(spec, latent, widths, dropout)


def parameter_count(module: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
