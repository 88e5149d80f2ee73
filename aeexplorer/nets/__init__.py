"""Encoder and decoder networks: (b, *model shape) -> (b, out), and (b, latent) -> (b, *model shape), raw outputs.

`NETS` is the one table. A row names the kinds of data that the network takes and the knobs that it reads, and builds an
encoder and the decoder that mirrors it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field
from torch import nn

from aeexplorer.config import Choice, Config, ConfigError
from aeexplorer.data.kinds import KINDS
from aeexplorer.data.spec import DataSpec
from aeexplorer.nets.conv import ConvKnobs, conv_decoder, conv_encoder, conv_suggestion
from aeexplorer.nets.mlp import MLPKnobs, mlp_decoder, mlp_encoder, mlp_suggestion
from aeexplorer.nets.recurrent import RecurrentKnobs, recurrent_decoder, recurrent_encoder, recurrent_suggestion
from aeexplorer.nets.transformer import (
    TransformerKnobs,
    transformer_decoder,
    transformer_encoder,
    transformer_suggestion,
)


@dataclass(frozen=True)
class Net:
    """One row of `NETS`.

    Attributes:
        kinds: kinds of data that it takes.
        knobs: the configuration fields that it reads, beside `dropout`.
        encoder: (spec, out, config) -> a network (b, *model_shape(spec)) -> (b, out).
        decoder: (spec, latent, config) -> a network (b, latent) -> (b, *model_shape(spec)), raw outputs.
        feeds_back: (config) -> whether the decoder reads what it wrote before, so that training tells it the sample:
            (b, latent), (b, *model_shape(spec)) -> (b, *model_shape(spec)).
        suggest: (spec) -> knobs of the net or of the training that suit such samples better than the defaults.
    """

    name: str
    title: str
    kinds: tuple[str, ...]
    knobs: type[Config]
    encoder: Callable[[DataSpec, int, Any], nn.Module]
    decoder: Callable[[DataSpec, int, Any], nn.Module]
    suggest: Callable[[DataSpec], dict[str, Any]] = lambda spec: {}
    feeds_back: Callable[[Any], bool] = lambda config: False


WITH_SIDES = tuple(name for name, row in KINDS.items() if row.sides)
"""Kinds of data with positions that lie beside each other."""

NETS: dict[str, Net] = {
    n.name: n
    for n in (
        Net(
            "mlp",
            "Fully connected (MLP)",
            tuple(KINDS),
            MLPKnobs,
            mlp_encoder,
            mlp_decoder,
            mlp_suggestion,
        ),
        Net("conv", "Convolutional", WITH_SIDES, ConvKnobs, conv_encoder, conv_decoder, conv_suggestion),
        *(
            Net(
                name,
                title,
                WITH_SIDES,
                RecurrentKnobs,
                recurrent_encoder,
                recurrent_decoder,
                recurrent_suggestion,
                feeds_back=lambda config: config.feedback,
            )
            for name, title in (("gru", "Recurrent (GRU)"), ("lstm", "Recurrent (LSTM)"))
        ),
        Net(
            "transformer",
            "Transformer",
            WITH_SIDES,
            TransformerKnobs,
            transformer_encoder,
            transformer_decoder,
            transformer_suggestion,
        ),
    )
}

if TYPE_CHECKING:

    class _Knobs(MLPKnobs, ConvKnobs, RecurrentKnobs, TransformerKnobs): ...

else:
    _Knobs = type("_Knobs", tuple(reversed(dict.fromkeys(n.knobs for n in NETS.values()))), {"__module__": __name__})


class _Chosen(Config):
    net: Annotated[str, Choice(tuple(NETS))] = Field("mlp", description="Network of encoder and decoder")


class NetConfig(_Knobs, _Chosen):
    """The choice of a net, and the knobs of all nets; each net reads its own."""

    dropout: float = Field(0.0, ge=0, le=0.9, description="Fraction of hidden units set to zero while training")


@functools.cache
def foreign_knobs(net: str) -> frozenset[str]:
    """Fields of `NetConfig` that only other nets read."""
    return frozenset(name for row in NETS.values() for name in row.knobs.model_fields) - set(
        NETS[net].knobs.model_fields
    )


def _row(config: NetConfig, spec: DataSpec) -> Net:
    row = NETS[config.net]
    if spec.kind not in row.kinds:
        fitting = " or ".join(n.name for n in NETS.values() if spec.kind in n.kinds)
        raise ConfigError(f"net must be {fitting} for the {spec.kind} data of {spec.name}, got {config.net}")
    return row


def make_encoder(spec: DataSpec, out: int, config: NetConfig) -> nn.Module:
    """Build a network (b, *model_shape(spec)) -> (b, out).

    Raises:
        ConfigError: when the net does not take this kind of data, or has more layers than the sides can be halved.
    """
    return _row(config, spec).encoder(spec, out, config)


def make_decoder(spec: DataSpec, latent: int, config: NetConfig) -> nn.Module:
    """Build a network (b, latent) -> (b, *model_shape(spec)) of raw outputs: logits or values.

    Raises:
        ConfigError: as `make_encoder`.
    """
    return _row(config, spec).decoder(spec, latent, config)


def parameter_count(module: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
