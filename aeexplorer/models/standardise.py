"""Standardised codes: batch normalisation without weights of its own (Ioffe & Szegedy 2015,
https://arxiv.org/abs/1502.03167), also for a batch of one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

DECAY = 0.9
"""Decay of the moving averages."""

LEAST_VARIANCE = 1e-8


class Standardise(nn.Module):
    """h (b, size) to (h - E h) / sd h, each dimension by the moments of the batch while training, and by their moving
    averages later (algorithms 1 and 2)."""

    mean: Tensor
    variance: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("variance", torch.ones(size))

    def moments(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance (size,) by which h is standardised; one sample alone has none of its own."""
        if not self.training or len(h) < 2:
            return self.mean, self.variance
        return h.mean(0), h.var(0, correction=0) + LEAST_VARIANCE

    def forward(self, h: Tensor) -> Tensor:
        mean, variance = self.moments(h)
        if self.training:
            with torch.no_grad():
                self.mean.lerp_(mean, 1 - DECAY)
                self.variance.lerp_(variance, 1 - DECAY)
        return (h - mean) / variance.sqrt()
