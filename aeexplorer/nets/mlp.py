"""Fully connected encoder and decoder."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any

from pydantic import Field
from torch import nn

from aeexplorer import noise
from aeexplorer.config import Config
from aeexplorer.data.spec import DataSpec
from aeexplorer.tensors import model_shape

Width = Annotated[int, Field(ge=1, le=4096)]


class MLPKnobs(Config):
    """Knobs of fully connected networks."""

    hidden: tuple[Width, ...] = Field(
        (512, 256), max_length=8, description="Units of each hidden layer, mirrored in the decoder"
    )


SMALL = 64
"""Values of a sample up to which narrower layers are suggested."""


def mlp_suggestion(spec: DataSpec) -> dict[str, Any]:
    """Narrower layers for small samples."""
    return {"hidden": (128, 64)} if spec.size <= SMALL else {}


def activated(layer: nn.Module, dropout: float) -> list[nn.Module]:
    """A linear layer or convolution followed by ReLU and, where asked for, dropout."""
    return [layer, nn.ReLU(), *([noise.Dropout(dropout)] if dropout else [])]


def mlp_encoder(spec: DataSpec, out: int, config: Any) -> nn.Module:
    """Build fully connected layers with ReLU, (b, *model shape) -> (b, out); without hidden layers a linear map."""
    sizes = (spec.size, *config.hidden)
    hidden = [m for a, b in pairwise(sizes) for m in activated(nn.Linear(a, b), config.dropout)]
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(sizes[-1], out))


def mlp_decoder(spec: DataSpec, latent: int, config: Any) -> nn.Module:
    """Build the mirror of `mlp_encoder`, (b, latent) -> (b, *model shape)."""
    sizes = (latent, *reversed(config.hidden))
    hidden = [m for a, b in pairwise(sizes) for m in activated(nn.Linear(a, b), config.dropout)]
    return nn.Sequential(*hidden, nn.Linear(sizes[-1], spec.size), nn.Unflatten(1, model_shape(spec)))
