"""Multi-rate VAE: one net with gates that answers at every β (Bae et al. 2023, https://arxiv.org/abs/2212.03905)."""

from __future__ import annotations

import math

import torch
from pydantic import Field
from torch import Tensor, nn

from aeexplorer.config import ConfigError
from aeexplorer.data.spec import DataSpec
from aeexplorer.models.base import Batch
from aeexplorer.models.vae import VAE, VAEConfig


class MultiRateConfig(VAEConfig):
    beta: float = Field(1.0, gt=0, le=32, description="Weight of the KL term at which it is looked at")
    lowest: float = Field(0.01, gt=0, le=32, description="Smallest β that it is trained for")
    highest: float = Field(30.0, gt=0, le=32, description="Largest β that it is trained for")


class MultiRateVAE(VAE):
    """D + βR with log β drawn anew for every sample of a batch (algorithm 1), each hidden unit scaled by a gate
    sigmoid(w log β + b) of its own (section 3.2).

    A copy with another β in its configuration is the model at that β.

    Raises:
        ConfigError: when the range is empty.
    """

    keeps_last = True  # validation is at one β alone

    def __init__(self, config: MultiRateConfig, data: DataSpec) -> None:
        if config.lowest >= config.highest:
            raise ConfigError(f"lowest must be below highest, {config.highest:g}, got {config.lowest:g}")
        super().__init__(config, data)

    def build(self, out: int) -> None:
        super().build(out)
        self.encoder, self.decoder = _Gated(self.encoder), _Gated(self.decoder)

    def features(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return self.encoder(x, self._log_beta(x))

    def output(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        return self.decoder(z, self._log_beta(z))

    def _log_beta(self, like: Tensor) -> Tensor:
        return like.new_full((1,), math.log(self.config.beta))

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        log_beta, x = self._log_beta(batch.x), batch.x
        if self.training:
            low, high = math.log(self.config.lowest), math.log(self.config.highest)
            log_beta = low + (high - low) * torch.rand(len(x), device=x.device)
        code = self.drawn(self.encoder(batch.x_in, log_beta))
        return {
            "reconstruction": self.reconstruction_term(self.decoder(code.z, log_beta), x),
            "kl": (log_beta.exp() * self.rate(code).sum(1)).mean(),
        }


class _Gated(nn.Module):
    """The layers of a net with a gate after each ReLU; takes x (b, ...) and log β, (b,) or (1,)."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.layers = nn.ModuleList(net.children())
        widths, width = [], 0
        for layer in self.layers:
            if isinstance(layer, nn.ReLU):
                widths.append(width)
            else:
                width = next((p.shape[0] for p in [getattr(layer, "bias", None)] if p is not None), width)
        self.gates = nn.ModuleList(_Gate(width) for width in widths)

    def forward(self, x: Tensor, log_beta: Tensor) -> Tensor:
        gates = iter(self.gates)
        for layer in self.layers:
            x = layer(x)
            if isinstance(layer, nn.ReLU):
                x = next(gates)(x, log_beta)
        return x


class _Gate(nn.Module):
    """x (b, width, ...) times sigmoid(w log β + b), open at first."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.zeros(width))
        self.offset = nn.Parameter(torch.full((width,), 2.0))

    def forward(self, x: Tensor, log_beta: Tensor) -> Tensor:
        gate = torch.sigmoid(log_beta[:, None] * self.slope + self.offset)
        return x * gate.reshape(*gate.shape, *[1] * (x.ndim - 2))
