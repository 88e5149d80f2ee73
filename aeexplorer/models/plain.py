"""Autoencoder (Hinton & Salakhutdinov 2006, https://doi.org/10.1126/science.1127647).

With a corruption in its config the same class is the denoising autoencoder (Vincent et al. 2008,
https://doi.org/10.1145/1390156.1390294); without hidden layers and with squared error it spans the PCA subspace
(Baldi & Hornik 1989); with more latent units than inputs it is overcomplete.
"""

from __future__ import annotations

from torch import Tensor

from aeexplorer.data.spec import DataSpec
from aeexplorer.models.base import Autoencoder, Batch, Code, ModelConfig


class PlainAutoencoder(Autoencoder):
    """x̂ = g(f(x̃)), L = ℓ(x, x̂); x̃ is x, or a corrupted x (Vincent et al. 2008, section 2.3)."""

    def __init__(self, config: ModelConfig, data: DataSpec) -> None:
        super().__init__(config, data)
        self.build(config.latent_dim)
        # PCA is the optimum on the training split; the best epoch on a small validation split is another subspace
        self.keeps_last = self.keeps_last or not config.hidden

    def code(self, h: Tensor) -> Code:
        """z = f(x), linear code units as in Hinton & Salakhutdinov 2006."""
        return Code(z=h)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """ℓ(x, g(f(x̃))) (Vincent et al. 2008, equation 5)."""
        return {"reconstruction": self.reconstruction(self.encode(batch.x_in).z, batch.x)}
