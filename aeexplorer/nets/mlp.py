"""Fully connected encoder and decoder."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from aeexplorer.data.spec import DataSpec
from aeexplorer.tensors import model_shape


def activated(linear: nn.Module, dropout: float) -> list[nn.Module]:
    """A linear map or convolution, then ReLU and dropout."""
    return [linear, nn.ReLU(), *([nn.Dropout(dropout)] if dropout else [])]


def mlp_encoder(spec: DataSpec, out: int, widths: Sequence[int], dropout: float) -> nn.Module:
    """Flatten, then fully connected layers with ReLU; no hidden layer gives a linear map."""
    sizes = (spec.size, *widths)
    hidden = [m for a, b in pairwise(sizes) for m in activated(nn.Linear(a, b), dropout)]
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(sizes[-1], out))


def mlp_decoder(spec: DataSpec, latent: int, widths: Sequence[int], dropout: float) -> nn.Module:
    """The mirror of `mlp_encoder`."""
    sizes = (latent, *reversed(widths))
    hidden = [m for a, b in pairwise(sizes) for m in activated(nn.Linear(a, b), dropout)]
    return nn.Sequential(*hidden, nn.Linear(sizes[-1], spec.size), nn.Unflatten(1, model_shape(spec)))
