"""Contractive autoencoder (Rifai et al. 2011, "Contractive auto-encoders: explicit invariance during feature
extraction", https://icml.cc/2011/papers/455_icmlpaper.pdf)."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from aeexplorer import noise
from aeexplorer.data.spec import DataSpec
from aeexplorer.models.base import Autoencoder, Batch, Code, ModelConfig
from aeexplorer.nets import make_encoder


class ContractiveConfig(ModelConfig):
    net: Literal["mlp"] = Field("mlp", description="Network of encoder and decoder")
    contraction: float = Field(
        0.1, ge=0, le=1000, description="Weight λ of the squared norm of the encoder's derivative"
    )


class ContractiveAutoencoder(Autoencoder):
    """L = ℓ(x, g(f(x))) + λ ||J_f(x)||²_F with J_f = ∂f / ∂x (Rifai et al. 2011, equation 3).

    A small norm means that a small change of the sample hardly moves its code; the reconstruction keeps the changes
    that tell samples apart. The weights are tied: the decoder's matrices are the encoder's, transposed (section 5).
    A decoder with weights of its own could enlarge what the encoder shrinks, and the norm would say nothing.
    """

    def __init__(self, config: ContractiveConfig, data: DataSpec) -> None:
        super().__init__(config, data)
        self.encoder = make_encoder(data, config.latent_dim, config)
        self.decoder = nn.ParameterList(nn.Parameter(torch.zeros(m.in_features)) for m in reversed(self._layers()))
        self.dropout = noise.Dropout(config.dropout)

    def _layers(self) -> list[nn.Linear]:
        return [m for m in self.encoder.modules() if isinstance(m, nn.Linear)]

    def code(self, h: Tensor) -> Code:
        """z = sigmoid(h), whose derivative vanishes where a unit saturates (section 2)."""
        return Code(z=torch.sigmoid(h))

    def output(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """The mirror of the encoder: its matrices transposed, from the last to the first, with biases of its own."""
        u, last = z, len(self.decoder) - 1
        for i, (layer, bias) in enumerate(zip(reversed(self._layers()), self.decoder, strict=True)):
            u = F.linear(u, layer.weight.T, bias)
            u = u if i == last else self.dropout(F.relu(u))
        return u.unflatten(1, self.shape)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """ℓ(x, g(f(x))) and λ ||J_f(x)||²_F (equation 3)."""
        terms = {"reconstruction": self.reconstruction(self.encode(batch.x_in).z, batch.x)}
        if self.config.contraction:
            # in the units of the reconstruction, whatever the unit of the data
            terms["contraction"] = self.config.contraction * self.data.variance * self.jacobian_norm(batch.x_in).mean()
        return terms

    def jacobian_norm(self, x: Tensor, probes: int = 1) -> Tensor:
        """||J_f(x)||²_F (b,) for x (b, *model shape).

        Exact where the code is the only layer: Σ_k (z_k (1 - z_k))² ||W_k||² (section 2). With hidden layers it is
        estimated without bias by `probes` products with a random vector (Hutchinson 1990,
        https://doi.org/10.1080/03610919008812866): E ||Jᵀv||² = ||J||²_F for v ~ N(0, I).
        """
        if not self.config.hidden:
            (layer,) = self._layers()
            z = self.encode(x).z  # (b, K)
            return (z * (1 - z)).square() @ layer.weight.square().sum(1)
        learning = torch.is_grad_enabled()
        with torch.inference_mode(False), torch.enable_grad():
            x = x.clone().requires_grad_()
            z = self.encode(x).z
            estimates = []
            for _ in range(probes):
                (product,) = torch.autograd.grad(z, x, noise.normal_like(z), create_graph=learning, retain_graph=True)
                estimates.append(product.flatten(1).square().sum(1))  # Jᵀv (b, features)
        return torch.stack(estimates).mean(0)
