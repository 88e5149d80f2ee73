"""Transformer encoder and decoder (Vaswani et al. 2017, https://arxiv.org/abs/1706.03762) on patches of pictures
(Dosovitskiy et al. 2021, https://arxiv.org/abs/2010.11929) and of sequences."""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from aeexplorer import noise
from aeexplorer.config import Config, ConfigError
from aeexplorer.data.spec import DataSpec
from aeexplorer.tensors import model_shape


class TransformerKnobs(Config):
    """Knobs of transformers."""

    patch: int = Field(4, ge=1, le=64, description="Side of a patch in pixels, or its length in steps")
    width: int = Field(64, ge=1, le=1024, description="Values of each patch inside the network")
    depth: int = Field(2, ge=1, le=12, description="Transformer blocks of the encoder, and of the decoder")
    heads: int = Field(4, ge=1, le=16, description="Attention heads; they share the width")


def transformer_suggestion(spec: DataSpec) -> dict[str, Any]:
    """Patches of one symbol; elsewhere 14 along a series, and 7 along a side of a picture, of 2 x 2 pixels or more."""
    if spec.row.symbols:
        return {"patch": 1}
    longest = max(model_shape(spec)[1:], default=1)
    return {"patch": max(1, round(longest / 14)) if spec.row.sides == 1 else max(2, round(longest / 7))}


def transformer_encoder(spec: DataSpec, out: int, config: Any) -> nn.Module:
    """Build a transformer whose patches are pooled: (b, *model shape) -> (b, out).

    Raises:
        ConfigError: when the heads do not share the width evenly.
    """
    _check(config)
    return TransformerEncoder(spec, out, config)


def transformer_decoder(spec: DataSpec, latent: int, config: Any) -> nn.Module:
    """Build a transformer from learned queries, one for each patch: (b, latent) -> (b, *model shape).

    Raises:
        ConfigError: as `transformer_encoder`.
    """
    _check(config)
    return TransformerDecoder(spec, latent, config)


def _check(config: Any) -> None:
    if config.width % config.heads:
        raise ConfigError(f"width must be a multiple of heads, {config.heads}, got {config.width}")


class Block(nn.Module):
    """Self-attention and an MLP, each with a layer norm before and a residual connection (GPT-2, 2019).

    Args:
        causal: whether a position sees only those before it and itself.
    """

    def __init__(self, units: int, heads: int, causal: bool = False, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.before_attention, self.before_mlp = nn.LayerNorm(units), nn.LayerNorm(units)
        self.qkv, self.out = nn.Linear(units, 3 * units), nn.Linear(units, units)
        more = [noise.Dropout(dropout)] if dropout else []
        self.mlp = nn.Sequential(nn.Linear(units, 4 * units), nn.GELU(), nn.Linear(4 * units, units), *more)

    def forward(self, u: Tensor) -> Tensor:
        """(b, positions, units) -> (b, positions, units)."""
        parts = self.qkv(self.before_attention(u)).unflatten(2, (3, self.heads, -1))  # (b, p, 3, heads, width)
        q, k, v = parts.permute(2, 0, 3, 1, 4)  # each (b, heads, p, width)
        if self.causal:
            attended = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:  # written out, because a contractive penalty differentiates it twice
            attended = torch.softmax(q @ k.transpose(2, 3) / q.shape[3] ** 0.5, dim=3) @ v
        u = u + self.out(attended.transpose(1, 2).flatten(2))
        return u + self.mlp(self.before_mlp(u))


class _Patches:
    """Cuts samples (b, channels, ...) into patches (b, p, values) and lays them out again; sides that are no multiple
    of the patch are filled with zeros."""

    def __init__(self, spec: DataSpec, config: Any) -> None:
        self.channels, *self.sides = model_shape(spec)
        self.patch = [min(config.patch, side) for side in self.sides]
        self.counts = [math.ceil(side / patch) for side, patch in zip(self.sides, self.patch, strict=True)]
        self.count, self.values = math.prod(self.counts), self.channels * math.prod(self.patch)

    def cut(self, x: Tensor) -> Tensor:
        ends = [n * patch - side for n, patch, side in zip(self.counts, self.patch, self.sides, strict=True)]
        if any(ends):
            x = F.pad(x, [pad for end in reversed(ends) for pad in (0, end)])
        for axis, shape in reversed(list(enumerate(zip(self.counts, self.patch, strict=True), start=2))):
            x = x.unflatten(axis, shape)
        places, insides = range(2, x.ndim, 2), range(3, x.ndim, 2)  # (b, c, n, p, n, p) -> (b, n, n, c, p, p)
        return x.permute(0, *places, 1, *insides).reshape(len(x), self.count, self.values)

    def join(self, patches: Tensor) -> Tensor:
        n = len(self.counts)
        x = patches.reshape(len(patches), *self.counts, self.channels, *self.patch)
        pairs = itertools.chain.from_iterable((1 + i, 2 + n + i) for i in range(n))
        x = x.permute(0, n + 1, *pairs)
        for axis, side in enumerate(self.sides, start=2):
            x = x.flatten(axis, axis + 1).narrow(axis, 0, side)
        return x


class TransformerEncoder(nn.Module):
    """h = W mean_p(u_p), u = blocks(E patch_p + position_p)."""

    def __init__(self, spec: DataSpec, out: int, config: Any) -> None:
        super().__init__()
        self.patches = _Patches(spec, config)
        self.embedding = nn.Linear(self.patches.values, config.width)
        # as large as queries: at the usual 0.02 the mean over patches hardly knows at first what lies where, and VAEs
        # of small pictures lost every unit before it did
        self.position = nn.Parameter(torch.randn(self.patches.count, config.width))
        self.blocks = nn.Sequential(
            *(Block(config.width, config.heads, dropout=config.dropout) for _ in range(config.depth))
        )
        self.norm, self.out = nn.LayerNorm(config.width), nn.Linear(config.width, out)

    def forward(self, x: Tensor) -> Tensor:
        u = self.blocks(self.embedding(self.patches.cut(x)) + self.position)  # (b, p, width)
        return self.out(self.norm(u).mean(1))


class TransformerDecoder(nn.Module):
    """patch_p = W u_p, u = blocks(query_p + V z)."""

    def __init__(self, spec: DataSpec, latent: int, config: Any) -> None:
        super().__init__()
        self.patches = _Patches(spec, config)
        self.embedding = nn.Linear(latent, config.width)
        self.query = nn.Parameter(torch.randn(self.patches.count, config.width))
        self.blocks = nn.Sequential(
            *(Block(config.width, config.heads, dropout=config.dropout) for _ in range(config.depth))
        )
        self.norm, self.out = nn.LayerNorm(config.width), nn.Linear(config.width, self.patches.values)

    def forward(self, z: Tensor) -> Tensor:
        u = self.blocks(self.query + self.embedding(z)[:, None])  # (b, p, width)
        return self.patches.join(self.out(self.norm(u)))
