"""Contractive autoencoder (Rifai et al. 2011, "Contractive auto-encoders: explicit invariance during feature
extraction", https://icml.cc/2011/papers/455_icmlpaper.pdf)."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from aeexplorer import noise
from aeexplorer.data.spec import DataSpec
from aeexplorer.models.base import Autoencoder, Batch, Code, ModelConfig
from aeexplorer.models.standardise import Standardise


class ContractiveConfig(ModelConfig):
    contraction: float = Field(
        0.3, ge=0, le=1000, description="Weight λ of the squared norm of the encoder's derivative"
    )


class ContractiveAutoencoder(Autoencoder):
    """L = ℓ(x, g(f(x))) + λ ||J_f(x)||²_F with J_f = ∂f / ∂x (Rifai et al. 2011, equation 3).

    A small norm means that a small change of the sample hardly moves its code; the reconstruction keeps the changes
    that tell samples apart. A shrunk code would have a small norm too, if a decoder enlarged it again. The paper
    prevents that by a decoder whose matrices are the encoder's transposed, which needs many code units. Here codes are
    standardised instead, for any network: each dimension has mean 0 and variance 1 over the samples.
    """

    def __init__(self, config: ContractiveConfig, data: DataSpec) -> None:
        super().__init__(config, data)
        self.build(config.latent_dim)
        self.standardise = Standardise(config.latent_dim)

    def code(self, h: Tensor) -> Code:
        """z = (h - E h) / sd h."""
        return Code(z=self.standardise(h))

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """ℓ(x, g(f(x))) and λ ||J_f(x)||²_F (equation 3)."""
        terms = {"reconstruction": self.reconstruction(self.encode(batch.x_in).z, batch.x)}
        if self.config.contraction:
            # in the units of the reconstruction, whatever the unit of the data
            weight = self.config.contraction * self.data.variance
            terms["contraction"] = weight * self.jacobian_norm(batch.x_in).mean()
        return terms

    def jacobian_norm(self, x: Tensor) -> Tensor:
        """||J_f(x)||²_F (b,) for x (b, *model shape).

        Exact for a fully connected encoder of one hidden layer, f(x) = W relu(V x + c): with the active units a in
        {0, 1}, J = W diag(a) V, and the norm is aᵀ (WᵀW ∘ VVᵀ) a. For others it is estimated without bias by a product
        with a random vector (Hutchinson 1990, https://doi.org/10.1080/03610919008812866): E ||Jᵀv||² = ||J||²_F for
        v ~ N(0, I). The moments by which codes are standardised count as constants.
        """
        layers = [m for m in self.encoder.modules() if isinstance(m, nn.Linear)]
        if self.config.net == "mlp" and len(layers) == 2 and not self.config.dropout:
            first, last = layers
            hidden = first(x.flatten(1))  # V x + c, (b, units)
            w = last.weight / self._deviation(last(hidden.relu()))[:, None]
            active = (hidden > 0).to(x.dtype)
            return (active @ ((w.T @ w) * (first.weight @ first.weight.T)) * active).sum(1)
        learning = torch.is_grad_enabled()
        with torch.inference_mode(False), torch.enable_grad():
            x = x.clone().requires_grad_()
            h = self.encoder(x)  # (b, K)
            v = noise.normal_like(h) / self._deviation(h)
            (product,) = torch.autograd.grad(h, x, v, create_graph=learning)  # Jᵀv (b, *model shape)
        return product.flatten(1).square().sum(1)

    def _deviation(self, h: Tensor) -> Tensor:
        """sd h (K,)."""
        return self.standardise.moments(h)[1].sqrt()
