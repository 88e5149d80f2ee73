"""Multi-rate VAE (Bae et al. 2023, https://arxiv.org/abs/2212.03905): one network for every β."""

from __future__ import annotations

import math
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from aeexplorer import noise
from aeexplorer.config import ConfigError
from aeexplorer.data.spec import DataSpec
from aeexplorer.models.base import Batch
from aeexplorer.models.vae import VAE, VAEConfig


class MultiRateConfig(VAEConfig):
    net: Literal["mlp", "conv"] = Field(
        "mlp", description="Network of encoder and decoder, whose hidden units are gated"
    )
    beta: float = Field(1.0, gt=0, le=32, description="β at which the trained model is used: the weight of the KL term")
    lowest: float = Field(0.01, gt=0, le=32, description="Smallest β of the training")
    highest: float = Field(30.0, gt=0, le=32, description="Largest β of the training")


class MultiRateVAE(VAE):
    """D + βR with log β drawn anew for every sample of a batch (Bae et al. 2023, algorithm 1).

    Each hidden unit is scaled by a gate of its own, sigmoid(w log β + b) (section 3.2). A copy whose configuration
    holds another β is the model at that β.

    Raises:
        ConfigError: when the range of β is empty, or for free bits or a capacity, which need one β.
    """

    keeps_last = True  # validation knows one β alone, so its best epoch need not be the best one over the range

    def __init__(self, config: MultiRateConfig, data: DataSpec) -> None:
        if config.lowest >= config.highest:
            raise ConfigError(f"lowest must be below highest, {config.highest:g}, got {config.lowest:g}")
        for name in ("free_bits", "capacity"):
            if value := getattr(config, name):
                raise ConfigError(f"{name} must be 0 for a multi-rate VAE, which has no single β, got {value:g}")
        super().__init__(config, data)

    def build(self, out: int) -> None:
        super().build(out)
        self.encoder, self.decoder = _Gated(self.encoder), _Gated(self.decoder)

    def features(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return self.encoder(x, self._log_beta(x))

    def output(self, z: Tensor, y: Tensor | None = None, told: Tensor | None = None) -> Tensor:
        return self.decoder(z, self._log_beta(z))

    def _log_beta(self, like: Tensor) -> Tensor:
        return like.new_full((1,), math.log(self.config.beta))

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """-log p_β(x|z) + β KL(q_β(z|x) || N(0, I)), with log β drawn uniformly for each sample (algorithm 1)."""
        log_beta, x = self._log_beta(batch.x), batch.x
        if self.training:
            low, high = math.log(self.config.lowest), math.log(self.config.highest)
            log_beta = low + (high - low) * noise.uniform(x.shape[:1], device=x.device)
        code = self.drawn(self.encoder(batch.x_in, log_beta))
        return {
            "reconstruction": self.reconstruction_term(self.decoder(code.z, log_beta), x),
            "kl": self.rise(batch.done) * (log_beta.exp() * self.rate(code).sum(1)).mean(),
        }


class _Gated(nn.Module):
    """A network with a gate after each ReLU: x (b, ...) and log β, (b,) or (1,), to (b, out)."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.layers = nn.ModuleList(net.children())
        widths, width = [], 0
        for layer in self.layers:
            if isinstance(layer, nn.ReLU):
                widths.append(width)
            else:
                width = getattr(layer, "out_channels", getattr(layer, "out_features", width))
        self.gates = nn.ModuleList(_Gate(width) for width in widths)

    def forward(self, x: Tensor, log_beta: Tensor) -> Tensor:
        gates = iter(self.gates)
        for layer in self.layers:
            x = layer(x)
            if isinstance(layer, nn.ReLU):
                x = next(gates)(x, log_beta)
        return x


class _Gate(nn.Module):
    """x (b, width, ...) times sigmoid(w log β + b), per unit (Bae et al. 2023, section 3.2).

    At the start w = 0 and b = 2: every gate is open, 0.88, at every β.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.zeros(width))
        self.offset = nn.Parameter(torch.full((width,), 2.0))

    def forward(self, x: Tensor, log_beta: Tensor) -> Tensor:
        gate = torch.sigmoid(log_beta[:, None] * self.slope + self.offset)  # (b or 1, width)
        return x * gate.reshape(*gate.shape, *[1] * (x.ndim - 2))
