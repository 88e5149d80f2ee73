"""Encoder and decoder networks: (b, *model shape) -> (b, out), and (b, latent) -> (b, *model shape), raw outputs.

`NETS` is the one table. A net says which kinds of data it takes and builds both halves; the decoder mirrors the encoder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from torch import nn

from aeexplorer.config import ConfigError
from aeexplorer.data.spec import DataSpec, Kind
from aeexplorer.nets.conv import conv_decoder, conv_encoder
from aeexplorer.nets.mlp import mlp_decoder, mlp_encoder

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
