"""Autoregressive prior over codebook entries: a small causal transformer (Vaswani et al. 2017,
https://arxiv.org/abs/1706.03762) in place of the PixelCNN of van den Oord et al. 2017, section 3.2."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aeexplorer.nets.transformer import Block


class TokenPrior(nn.Module):
    """p(j) = Π_p p(j_p | j_<p) over the entries j_1 ... j_P of one sample.

    Args:
        positions: number of entries of a sample, P. entries: number of entries in the codebook, E.
    """

    def __init__(self, positions: int, entries: int, units: int = 128, layers: int = 2, heads: int = 4) -> None:
        super().__init__()
        self.token = nn.Embedding(entries + 1, units)  # the last one marks the start
        self.position = nn.Parameter(0.02 * torch.randn(positions, units))
        self.blocks = nn.ModuleList(Block(units, heads, causal=True) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(units), nn.Linear(units, entries)

    def forward(self, indices: Tensor) -> Tensor:
        """Logits (b, P, E) of each entry given the ones before it, for indices (b, P)."""
        start = indices.new_full((len(indices), 1), self.token.num_embeddings - 1)
        return self._logits(torch.cat([start, indices[:, :-1]], dim=1))

    def _logits(self, before: Tensor) -> Tensor:
        u = self.token(before) + self.position[: before.shape[1]]  # (b, p, units)
        for block in self.blocks:
            u = block(u)
        return self.head(self.norm(u))

    def nats(self, indices: Tensor) -> Tensor:
        """-log p(j_p | j_<p) of each position, (b, P)."""
        return F.cross_entropy(self(indices).transpose(1, 2), indices, reduction="none")

    def sample(self, n: int, generator: torch.Generator | None = None, temperature: float = 1.0) -> Tensor:
        """Draw indices (n, P), one position after the other; the temperature divides the logits, 0 takes the most
        likely entry."""
        drawn = torch.full((n, 1), self.token.num_embeddings - 1, dtype=torch.int64)
        for _ in range(len(self.position)):
            logits = self._logits(drawn)[:, -1]  # (n, E)
            if temperature == 0:
                chosen = logits.argmax(1, keepdim=True)
            else:
                chosen = torch.multinomial(torch.softmax(logits / temperature, dim=1), 1, generator=generator)
            drawn = torch.cat([drawn, chosen], dim=1)
        return drawn[:, 1:]
