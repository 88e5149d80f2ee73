"""Distillation of an autoencoder into a smaller one (Hinton et al. 2015, https://arxiv.org/abs/1503.02531; with codes
as hints Romero et al. 2015, https://arxiv.org/abs/1412.6550)."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor

from aeexplorer.config import ConfigError
from aeexplorer.models.base import Autoencoder, Batch, ModelConfig
from aeexplorer.models.plain import PlainAutoencoder


class StudentConfig(ModelConfig):
    code_weight: float = Field(1.0, ge=0, le=1000, description="Weight of the distance to the teacher's codes")
    imitation: float = Field(
        1.0, ge=0, le=1000, description="Weight of the error against the teacher's reconstructions"
    )
    guidance: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of the training over which both weights fall to zero; 0 keeps them to the end",
    )


class StudentAutoencoder(PlainAutoencoder):
    """L = ℓ(x, x̂) + λ ||z - z_T||² + μ ℓ(x̂_T, x̂) with codes z_T and reconstructions x̂_T of a teacher; without one it
    learns alone, L = ℓ(x, x̂).

    Codes have the teacher's coordinates, so that its decoder reads them too. With `guidance` the teacher only helps at
    first, as the hints of Romero et al. do: λ and μ fall to zero and the student ends with its own error alone. The
    teacher is no part of the weights.
    """

    _teacher: tuple[Autoencoder, ...] = ()  # a tuple hides it from `parameters` and `state_dict`

    def learn_from(self, teacher: Autoencoder) -> None:
        """Learn from a trained model of the same data with codes of the same size.

        Raises:
            ConfigError: when samples or codes have other shapes.
        """
        if teacher.shape != self.shape:
            raise ConfigError(
                f"start_from must be of samples of shape {self.shape}, as the student, got {teacher.shape}"
            )
        if teacher.config.latent_dim != self.config.latent_dim:
            size = teacher.config.latent_dim
            raise ConfigError(f"latent_dim must be that of the teacher, {size}, got {self.config.latent_dim}")
        self._teacher = (teacher.eval().requires_grad_(False),)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """The three terms, weights applied."""
        z = self.encode(batch.x_in).z
        out = self.output(z, batch.y, batch.x)
        terms = {"reconstruction": self.reconstruction_term(out, batch.x)}
        share = self.share(batch.done)
        for teacher in self._teacher:
            if not share:  # the teacher has left; it is not asked for what counts nothing
                weights = {"codes": self.config.code_weight, "imitation": self.config.imitation}
                return terms | {name: z.new_zeros(()) for name, weight in weights.items() if weight}
            y = batch.y if len(teacher.data.classes) else None
            with torch.no_grad():
                wanted = teacher.encode(batch.x, y).z
            if self.config.code_weight:
                terms["codes"] = share * self.config.code_weight * (z - wanted).square().sum(1).mean()
            if self.config.imitation:
                with torch.no_grad():
                    restored = teacher.decode(wanted, y)
                terms["imitation"] = share * self.config.imitation * self.reconstruction_term(out, restored)
        return terms

    def share(self, done: float) -> float:
        """The share of λ and μ after a fraction of the training."""
        return max(0.0, 1 - done / self.config.guidance) if self.config.guidance else 1.0
