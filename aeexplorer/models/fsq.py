"""Finite scalar quantisation (Mentzer et al. 2023, "Finite scalar quantization: VQ-VAE made simple",
https://arxiv.org/abs/2309.15505)."""

from __future__ import annotations

import math
from typing import Annotated

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from aeexplorer.models.base import LATENT_LIMIT, Batch, Code, ModelConfig
from aeexplorer.models.discrete import DiscreteAutoencoder, PriorConfig
from aeexplorer.models.standardise import Standardise

MOST_ENTRIES = 65_536
"""Largest number of entries of the codebook."""


class FSQConfig(PriorConfig, ModelConfig):
    latent_dim: int = Field(24, ge=1, le=LATENT_LIMIT, description="Size of the code z: positions × values of an entry")
    value_levels: tuple[Annotated[int, Field(ge=3, le=64)], ...] = Field(
        (8, 6, 5), min_length=1, max_length=8, description="Levels to which each value of an entry is rounded"
    )

    @model_validator(mode="after")
    def _divides(self) -> FSQConfig:
        if self.codebook_size > MOST_ENTRIES:
            raise ValueError(
                f"value_levels must have a product of at most {MOST_ENTRIES}, the entries, got {self.codebook_size}"
            )
        if self.latent_dim % len(self.value_levels):
            raise ValueError(
                f"latent_dim must be a multiple of the number of value_levels, {len(self.value_levels)}, "
                f"got {self.latent_dim}"
            )
        return self

    @property
    def positions(self) -> int:
        """Entries of a code."""
        return self.latent_dim // len(self.value_levels)

    @property
    def codebook_size(self) -> int:
        """Entries that there are: all combinations of the levels."""
        return math.prod(self.value_levels)


class FiniteScalarAutoencoder(DiscreteAutoencoder):
    """L = ℓ(x, g(z)): each value of the encoder is bounded and rounded to one of a few levels (Mentzer et al. 2023,
    section 3.1), so that the codebook is a fixed grid.

    Nothing has to keep a codebook alive: no commitment term, no moving averages, no restarts. The encoder's output is
    standardised first, which the paper does not do: from an untrained network it is nearly the same for all samples,
    and the first steps would move it to where the bound is flat, whence no gradient leads back.
    """

    def build(self, out: int) -> None:
        super().build(out)
        self.encoder = nn.Sequential(self.encoder, Standardise(out))

    def _levels(self, like: Tensor) -> Tensor:
        """L_i (values,) of the dtype of `like`."""
        return torch.tensor(self.config.value_levels, dtype=like.dtype, device=like.device)

    def _places(self, like: Tensor) -> Tensor:
        """The place value of each digit of an index (values,) int64."""
        return torch.tensor([1, *self.config.value_levels[:-1]], device=like.device).cumprod(0)

    def bounded(self, h: Tensor) -> Tensor:
        """Encoder outputs h (b, K), bounded but not yet rounded, (b, positions, values): from -L / 2 to L / 2 - 1 for
        an even number of levels L, between ± (L - 1) / 2 for an odd one (appendix A.1)."""
        levels = self._levels(h)
        half = (levels - 1) * (1 + 1e-3) / 2
        offset = (levels + 1) % 2 / 2  # a half where the number is even
        return torch.tanh(h.unflatten(1, (self.config.positions, -1)) + torch.atanh(offset / half)) * half - offset

    def scaled(self, digits: Tensor) -> Tensor:
        """Digits (b, positions, values) from -⌊L_i / 2⌋ on as z (b, K), about in [-1, 1]."""
        return (digits / (self._levels(digits) // 2)).flatten(1)

    def code(self, h: Tensor) -> Code:
        """z = round(bounded h), scaled, and the indices of the entries in mixed radix (section 3.1)."""
        digits = self.bounded(h).round()  # (b, positions, values)
        indices = ((digits + self._levels(h) // 2).long() * self._places(h)).sum(2)  # (b, positions)
        return Code(z=self.scaled(digits), indices=indices)

    def lookup(self, indices: Tensor) -> Tensor:
        levels = self._levels(indices)
        digits = indices[..., None] // self._places(indices) % levels - levels // 2
        return self.scaled(digits.float())

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """ℓ(x, g(z)), the gradient passed straight through the rounding (section 3.1)."""
        bounded = self.bounded(self.encoder(batch.x_in))
        z = self.scaled(bounded + (bounded.round() - bounded).detach())
        return {"reconstruction": self.reconstruction(z, batch.x)}
