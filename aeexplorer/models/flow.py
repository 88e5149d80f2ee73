"""VAE with an autoregressive flow as its posterior: neural splines (Durkan et al. 2019,
https://arxiv.org/abs/1906.04032) or affine maps (Kingma et al. 2016, https://arxiv.org/abs/1606.04934), by the library
zuko."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from aeexplorer import noise
from aeexplorer.models.planar import FlowVAE
from aeexplorer.models.vae import VAEConfig

BINS = 8
"""Bins of a spline, over [-5, 5]."""


class FlowConfig(VAEConfig):
    transform: Literal["spline", "affine"] = Field("spline", description="Map of one coordinate given those before it")
    flows: int = Field(2, ge=1, le=10, description="Autoregressive maps; each second one takes coordinates backwards")
    flow_units: int = Field(64, ge=1, le=1024, description="Units of the two hidden layers of each map's network")
    context: int = Field(32, ge=1, le=1024, description="Outputs of the encoder that all these networks receive")


class AutoregressiveFlowVAE(FlowVAE):
    """The negative ELBO with z = μ + σ s_F ∘ ... ∘ s_1(ε), each s an inverse autoregressive flow (Kingma et al. 2016,
    algorithm 1): coordinate i is mapped by a rational-quadratic spline (Durkan et al. 2019, section 3.1) or an affine
    map, whose parameters a masked network computes from the coordinates before it and from x.

    In this direction a draw and its density take one pass of each network. The inverse would take K passes; a VAE never
    needs it. μ and σ come last because a spline is the identity outside [-5, 5].
    """

    def build(self, out: int) -> None:
        import zuko  # only where it is needed, so that nothing else starts later

        super().build(out + self.config.context)
        size = self.config.latent_dim
        shapes = {"spline": [(BINS,), (BINS,), (BINS - 1,)], "affine": [(), ()]}[self.config.transform]
        maps = {"spline": zuko.transforms.MonotonicRQSTransform, "affine": zuko.transforms.MonotonicAffineTransform}
        orders = [list(range(size)), list(range(size))[::-1]]
        device = torch.get_default_device()
        # masks need values, which meta tensors do not have; there nothing may draw from the caller's generator
        unseen = noise.building(0) if device.type == "meta" else contextlib.nullcontext()
        with torch.device("cpu"), unseen:
            flow = nn.ModuleList(
                zuko.flows.MaskedAutoregressiveTransform(
                    size,
                    self.config.context,
                    order=orders[i % 2],
                    univariate=partial(maps[self.config.transform], slope=1e-3),
                    shapes=shapes,
                    hidden_features=(self.config.flow_units,) * 2,
                )
                for i in range(self.config.flows)
            )
        self.flow = flow.to(device, torch.float32)

    def transform(self, eps: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """The maps in order, then μ and σ; log |det| is the sum of the logarithms of all slopes."""
        size = self.config.latent_dim
        mean, logvar, context = h.split([size, size, self.config.context], dim=1)
        z, log_det = eps, 0.5 * logvar.sum(1)
        for layer in self.flow:
            z, slopes = layer(context).call_and_ladj(z)  # (b, K), (b,)
            log_det = log_det + slopes
        return torch.addcmul(mean, torch.exp(0.5 * logvar), z), log_det
