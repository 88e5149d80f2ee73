"""The contract: what every autoencoder here can be asked, whatever its paper."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from aeexplorer import losses
from aeexplorer.config import Choice, ConfigError
from aeexplorer.corruption import CORRUPTIONS
from aeexplorer.data.spec import DataSpec
from aeexplorer.losses import LOSSES
from aeexplorer.nets import NetConfig, make_decoder, make_encoder
from aeexplorer.tensors import model_shape

LATENT_LIMIT = 4096


class ModelConfig(NetConfig):
    """Knobs that every family has."""

    latent_dim: int = Field(16, ge=1, le=LATENT_LIMIT, description="Size of the code z")
    loss: Annotated[str, Choice(("auto", *LOSSES))] = Field(
        "auto",
        description="Reconstruction loss; auto is cross-entropy where values lie in [0, 1], squared error elsewhere",
    )
    corruption: Annotated[str, Choice(("none", *CORRUPTIONS))] = Field(
        "none", description="What is done to the input while training; the target stays clean"
    )
    level: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Corruption level: σ for Gaussian noise, a fraction for the others",
        json_schema_extra={"unless": {"corruption": "none"}},
    )


class Batch(NamedTuple):
    """What one training step sees; x and x_in (b, *model shape), y (b,)."""

    x: Tensor
    x_in: Tensor
    """x as the encoder is given it: corrupted, or x itself."""
    y: Tensor
    """Class indices, -1 where unlabelled."""
    done: float = 1.0
    """Share of the training that lies behind, for terms that grow with it."""


@dataclass(frozen=True)
class Code:
    """What an encoder says of a batch.

    Attributes:
        z: (b, latent_dim), exactly what `decode` takes.
        mean, logvar: (b, latent_dim) of the Gaussian posterior, for families with the trait "posterior".
        prior_mean, prior_logvar: (b, latent_dim) of the prior that z is measured against, where it is not N(0, I).
        indices: (b, positions) int64 codebook entries, for families with the trait "codebook".
        logits: (b, classes), for families that also classify.
    """

    z: Tensor
    mean: Tensor | None = None
    logvar: Tensor | None = None
    prior_mean: Tensor | None = None
    prior_logvar: Tensor | None = None
    indices: Tensor | None = None
    logits: Tensor | None = None


class Objective(NamedTuple):
    """One optimiser step: whose parameters, and what is minimised for them (the sum of the named scalars)."""

    name: str
    parameters: list[nn.Parameter]
    terms: Callable[[Batch], dict[str, Tensor]]
    betas: tuple[float, float] = (0.9, 0.999)
    """Decay rates of Adam's two moments."""


class Stage(NamedTuple):
    """A part of a training: its optimiser steps, and what is watched on validation data meanwhile.

    A stage begins with the best weights of the one before, and with fresh optimisers.
    """

    name: str
    """What people read, a noun: "autoencoder", "prior"."""
    objectives: list[Objective]
    """Optimiser steps per batch, in order."""
    watched: Callable[[Batch], dict[str, Tensor]]
    """The scalars whose sum says which epoch was best."""
    share: float = 1.0
    """Share of the epochs of the whole training."""


class Autoencoder(nn.Module, ABC):
    """A pair of maps x -> z -> x̂ and what is minimised to find them.

    Labels y (b,) are class indices, -1 where there is none; None says that none is known. Only families with the trait
    "label" look at them.

    Raises:
        ConfigError: when config and data do not go together.
    """

    encoder: nn.Module
    decoder: nn.Module

    keeps_last: ClassVar[bool] = False
    """Whether the weights of the last epoch are kept in place of those that are best on validation data."""

    @classmethod
    def min_latent_dim(cls, data: DataSpec) -> int:
        """The smallest `latent_dim` that it can do with."""
        return 1

    @classmethod
    def traits_of(cls, config: Any) -> frozenset[str]:
        """Traits that depend on the configuration, beside those of the family's row."""
        return frozenset()

    @classmethod
    def levels_of(cls, config: Any) -> tuple[int, ...]:
        """Sizes of the levels of z: consecutive slices, coarse first."""
        return (config.latent_dim,)

    def __init__(self, config: ModelConfig, data: DataSpec) -> None:
        super().__init__()
        chosen = ("bce" if data.unit_interval else "mse") if config.loss == "auto" else config.loss
        self.loss = LOSSES[chosen]
        if not self.loss.fits(data):
            fitting = " or ".join(name for name, loss in LOSSES.items() if loss.fits(data))
            raise ConfigError(
                f"loss must be {fitting} for {data.name}, whose values are not in [0, 1], got {config.loss}"
            )
        self.config: Any = config
        self.data = data
        self.shape = model_shape(data)

    def build(self, out: int) -> None:
        """Make the encoder with `out` outputs and the decoder that mirrors it."""
        self.encoder = make_encoder(self.data, out, self.config)
        self.decoder = make_decoder(self.data, self.config.latent_dim, self.config)

    def encode(self, x: Tensor, y: Tensor | None = None) -> Code:
        """x (b, *model shape) to its code; deterministic in eval mode.

        Raises:
            ValueError: for another sample shape, naming both.
        """
        self.check_shape(x)
        return self.code(self.features(x, y))

    def check_shape(self, x: Tensor) -> None:
        """Refuse samples of another shape than (b, *model shape)."""
        if x.shape[1:] != self.shape:
            raise ValueError(f"expected samples of shape (b, {', '.join(map(str, self.shape))}), got {tuple(x.shape)}")

    def features(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """The encoder network's output h (b, out) for x (b, *model shape)."""
        return self.encoder(x)

    @abstractmethod
    def code(self, h: Tensor) -> Code:
        """h (b, out) as a code; of a posterior z is the mean."""

    def drawn(self, h: Tensor) -> Code:
        """h (b, out) as a code whose z is drawn from the posterior: z = μ + σ ε with ε ~ N(0, I), so that gradients pass
        (reparameterisation; Kingma & Welling 2014, section 2.4). Without a posterior it is `code(h)`."""
        code = self.code(h)
        if code.mean is None or code.logvar is None:
            return code
        z = torch.addcmul(code.mean, torch.exp(0.5 * code.logvar), torch.randn_like(code.mean))  # (b, latent_dim)
        return replace(code, z=z)

    def draw(self, x: Tensor, k: int = 1, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """k codes of each sample from the posterior, z (k, b, latent_dim), and log q(z|x) (k, b) in nats."""
        code = self.drawn(self.features(x, y).repeat(k, 1))
        return code.z.unflatten(0, (k, len(x))), self.log_posterior(code).unflatten(0, (k, len(x)))

    def log_posterior(self, code: Code) -> Tensor:
        """log q(z|x) (b,) in nats at the code's z; families with the trait "posterior"."""
        if code.mean is None or code.logvar is None:
            raise NotImplementedError(f"{type(self).__name__} has no posterior")
        return losses.gaussian_log_density(code.z, code.mean, code.logvar)

    def log_prior(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """log p(z) (b,) in nats for z (b, latent_dim); N(0, I) unless a family says otherwise."""
        return losses.gaussian_log_density(z)

    def rate(self, code: Code) -> Tensor:
        """Nats that z costs, (b, groups): KL(q(z|x) || p(z)) of each dimension where it has a closed form.

        This is the one definition of the rate: terms, evaluation and pages ask here.
        """
        if code.mean is None or code.logvar is None:
            raise NotImplementedError(f"{type(self).__name__} has no rate")
        return losses.gaussian_kl(code.mean, code.logvar, code.prior_mean, code.prior_logvar)

    def decode(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """z (b, latent_dim) to data space (b, *model shape): probabilities where the loss is cross-entropy.

        Raises:
            ValueError: for another latent dimension, naming both shapes.
        """
        if z.ndim != 2 or z.shape[1] != self.config.latent_dim:
            raise ValueError(f"expected codes of shape (b, {self.config.latent_dim}), got {tuple(z.shape)}")
        return self.loss.link(self.output(z, y))

    def output(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """z (b, latent_dim) to what the loss compares: logits where it is cross-entropy, else values."""
        return self.decoder(z)

    @abstractmethod
    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """The scalars whose sum is minimised, weights already applied; "reconstruction" is among them. Their sum is also
        what is watched on validation data."""

    def reconstruction(self, z: Tensor, x: Tensor, y: Tensor | None = None) -> Tensor:
        """The reconstruction term of decoding z against x, per sample."""
        return self.reconstruction_term(self.output(z, y), x)

    def reconstruction_term(self, out: Tensor, x: Tensor) -> Tensor:
        """The reconstruction term of what `output` gave against x, per sample."""
        return self.loss.per_sample(out, x).mean()

    def log_likelihood(self, z: Tensor, x: Tensor, y: Tensor | None = None) -> Tensor:
        """log p(x|z) (b,) in nats, constants included.

        Raises:
            NotImplementedError: where the loss is no log-likelihood.
        """
        if self.loss.constant is None:
            raise NotImplementedError(f"{self.loss.name} is no log-likelihood")
        return -self.loss.per_sample(self.output(z, y), x) - self.loss.constant * self.data.size

    def objectives(self) -> list[Objective]:
        """Optimiser steps per batch, in order."""
        return [Objective("loss", list(self.parameters()), self.terms)]

    def stages(self) -> list[Stage]:
        """What is trained one after the other; most families have one stage."""
        return [Stage("autoencoder", self.objectives(), self.terms)]

    def sample_prior(
        self, n: int, generator: torch.Generator | None = None, temperature: float = 1.0, y: Tensor | None = None
    ) -> Tensor:
        """(n, latent_dim) codes from the prior; families with the trait "prior".

        Args:
            temperature: 1 is the prior; of a Gaussian it scales the deviations, of a categorical prior it divides the
                logits.
            y: (n,) classes, where the prior depends on them.
        """
        raise NotImplementedError(f"{type(self).__name__} has no prior to sample from")

    def resample(
        self, z: Tensor, below: int, generator: torch.Generator | None = None, temperature: float = 1.0
    ) -> Tensor:
        """z (n, latent_dim) with the levels after the first `below` drawn anew; families of several levels."""
        raise NotImplementedError(f"{type(self).__name__} has one level")

    def lookup(self, indices: Tensor) -> Tensor:
        """(b, positions) codebook entries to z (b, latent_dim); families with the trait "codebook"."""
        raise NotImplementedError(f"{type(self).__name__} has no codebook")


def one_hot(y: Tensor | None, classes: int, like: Tensor) -> Tensor:
    """Classes y (b,) as (b, classes) beside a tensor `like` (b, ...); zeros where there is no label."""
    if y is None:
        return like.new_zeros(len(like), classes)
    return F.one_hot(y + 1, classes + 1)[:, 1:].to(like.dtype)
