"""The contract: the methods that every autoencoder has, whatever its paper.

Shapes: b is the batch, K the latent dimension; 'model shape' is (channels, h, w), (channels, steps) or (features,).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, NamedTuple

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from aeexplorer import losses, noise
from aeexplorer.config import Choice
from aeexplorer.corruption import CORRUPTIONS, check_corruption
from aeexplorer.data.spec import DataSpec
from aeexplorer.losses import LOSSES, pick_loss
from aeexplorer.nets import NETS, NetConfig, make_decoder, make_encoder
from aeexplorer.tensors import model_shape

LATENT_LIMIT = 4096
"""Largest latent dimension."""


class ModelConfig(NetConfig):
    """Knobs that every family has."""

    latent_dim: int = Field(16, ge=1, le=LATENT_LIMIT, description="Size of the code z")
    loss: Annotated[str, Choice(("auto", *LOSSES))] = Field(
        "auto",
        description="Reconstruction loss; auto is cross-entropy where values lie in [0, 1] or are symbols, squared "
        "error elsewhere",
    )
    corruption: Annotated[str, Choice(("none", *CORRUPTIONS))] = Field(
        "none", description="Corruption of the input while training; the target stays clean"
    )
    level: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Corruption level: σ for Gaussian noise, a fraction for the others",
        json_schema_extra={"unless": {"corruption": "none"}},
    )


class Batch(NamedTuple):
    """The samples of one training step.

    Attributes:
        x: clean samples, (b, *model shape).
        x_in: input of the encoder, (b, *model shape): x corrupted, or x itself.
        y: class indices, (b,) int64, -1 where unlabelled.
        done: fraction of the training that is over, for terms whose weight grows; 1 outside training.
        labelled: samples (m, *model shape) and their classes (m,), drawn from the labelled ones where a stage asks for
            them and other samples have no label.
    """

    x: Tensor
    x_in: Tensor
    y: Tensor
    done: float = 1.0
    labelled: tuple[Tensor, Tensor] | None = None


@dataclass(frozen=True)
class Code:
    """The output of an encoder for one batch.

    Attributes:
        z: (b, latent_dim), exactly what `decode` takes.
        mean, logvar: (b, latent_dim), moments of the posterior q(z|x), for families with the trait "posterior".
        prior_mean, prior_logvar: (b, latent_dim), moments of the prior at z, where it is not N(0, I).
        indices: (b, positions) int64 codebook entries, for families with the trait "codebook".
        logits: (b, classes), unnormalised log-probabilities, for families that also classify.
        log_q: (b,), log q(z|x) in nats at z, where the posterior is not the Gaussian of these moments.
        rate: (b, 1), an estimate of the rate in nats at a drawn z, where it has no closed form.
    """

    z: Tensor
    mean: Tensor | None = None
    logvar: Tensor | None = None
    prior_mean: Tensor | None = None
    prior_logvar: Tensor | None = None
    indices: Tensor | None = None
    logits: Tensor | None = None
    log_q: Tensor | None = None
    rate: Tensor | None = None


class Objective(NamedTuple):
    """One optimiser step on a batch.

    Attributes:
        parameters: the parameters that it changes.
        terms: the named scalars whose sum it minimises.
        betas: decay rates of Adam's two moments.
    """

    name: str
    parameters: list[nn.Parameter]
    terms: Callable[[Batch], dict[str, Tensor]]
    betas: tuple[float, float] = (0.9, 0.999)


class Stage(NamedTuple):
    """A part of a training. It begins with the best weights of the stage before, and with new optimisers.

    Attributes:
        name: a noun that people read: "autoencoder", "prior".
        objectives: the optimiser steps of one batch, in order.
        watched: the scalars whose sum on the validation split decides which epoch was best.
        share: its weight when the epochs of the training are divided among the stages.
        labelled: labelled samples that are drawn beside each batch where others have no label; see `Batch.labelled`.
    """

    name: str
    objectives: list[Objective]
    watched: Callable[[Batch], dict[str, Tensor]]
    share: float = 1.0
    labelled: int = 0


class Autoencoder(nn.Module, ABC):
    """An encoder x -> z, a decoder z -> x̂, and the loss that trains them.

    Labels y (b,) are class indices, -1 where unlabelled; None means that no label is known. Only families with the
    trait "label" use them.

    Raises:
        ConfigError: when config and data do not go together.
    """

    encoder: nn.Module
    decoder: nn.Module

    keeps_last: bool = False
    """Whether training keeps the weights of the last epoch instead of those with the lowest validation loss."""

    @classmethod
    def min_latent_dim(cls, data: DataSpec) -> int:
        """Smallest `latent_dim` that works for these data."""
        return 1

    @classmethod
    def traits_of(cls, config: Any) -> frozenset[str]:
        """Traits that depend on the configuration, in addition to those of the family's row."""
        return frozenset()

    @classmethod
    def levels_of(cls, config: Any) -> tuple[int, ...]:
        """Sizes of the levels of z: consecutive slices, coarse first."""
        return (config.latent_dim,)

    def __init__(self, config: ModelConfig, data: DataSpec) -> None:
        super().__init__()
        check_corruption(config.corruption, data)
        self.loss = pick_loss(config.loss, data)
        self.distortion = self.loss.made(data)
        self.config: Any = config
        self.data = data
        self.shape = model_shape(data)
        self.feeds_back = NETS[config.net].feeds_back(config)

    def build(self, out: int) -> None:
        """Build the encoder with `out` outputs and the decoder that mirrors it."""
        self.encoder = make_encoder(self.data, out, self.config)
        self.decoder = make_decoder(self.data, self.config.latent_dim, self.config)

    def encode(self, x: Tensor, y: Tensor | None = None) -> Code:
        """Encode x (b, *model shape); deterministic in eval mode.

        Raises:
            ValueError: for samples of another shape; the sentence names both shapes.
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
        """Turn the encoder network's output h (b, out) into a code; z is the mean where there is a posterior."""

    def drawn(self, h: Tensor) -> Code:
        """Turn h (b, out) into a code whose z is drawn from the posterior; without a posterior it is `code(h)`."""
        return reparameterised(self.code(h))

    def draw(self, x: Tensor, k: int = 1, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Draw k codes of each sample from the posterior: z (k, b, latent_dim), and log q(z|x) (k, b) in nats."""
        code = self.drawn(self.features(x, y).repeat(k, 1))
        return code.z.unflatten(0, (k, len(x))), self.log_posterior(code).unflatten(0, (k, len(x)))

    def log_posterior(self, code: Code) -> Tensor:
        """log q(z|x) (b,) in nats at the code's z; for families with the trait "posterior"."""
        if code.log_q is not None:
            return code.log_q
        if code.mean is None or code.logvar is None:
            raise NotImplementedError(f"{type(self).__name__} has no posterior")
        return losses.gaussian_log_density(code.z, code.mean, code.logvar)

    def log_prior(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """log p(z) (b,) in nats for z (b, latent_dim); N(0, I) unless a family says otherwise."""
        return losses.gaussian_log_density(z)

    def rate(self, code: Code) -> Tensor:
        """The rate in nats, (b, groups): KL(q(z|x) || p(z)) of each dimension where it has a closed form.

        With the trait "sampled_rate" it has none and is estimated at a drawn z, (b, 1). The one definition of the rate:
        terms, evaluation and pages use it.
        """
        if code.rate is not None:
            return code.rate
        if code.mean is None or code.logvar is None:
            raise NotImplementedError(f"{type(self).__name__} has no rate")
        return losses.gaussian_kl(code.mean, code.logvar, code.prior_mean, code.prior_logvar)

    def decode(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Decode z (b, latent_dim) to samples (b, *model shape); Bernoulli means where the loss is cross-entropy.

        Raises:
            ValueError: for codes of another dimension; the sentence names both shapes.
        """
        if z.ndim != 2 or z.shape[1] != self.config.latent_dim:
            raise ValueError(f"expected codes of shape (b, {self.config.latent_dim}), got {tuple(z.shape)}")
        return self.loss.link(self.output(z, y))

    def output(self, z: Tensor, y: Tensor | None = None, told: Tensor | None = None) -> Tensor:
        """Map z (b, latent_dim) to what the loss compares, (b, *model shape): logits for cross-entropy, else values.

        Args:
            told: the samples (b, *model shape), which a decoder that reads what it wrote before is told in their place
                (teacher forcing).
        """
        return self.unrolled(z, told)

    def unrolled(self, given: Tensor, told: Tensor | None = None) -> Tensor:
        """The decoder network's output for what it is given, (b, ...); told as in `output`."""
        return self.decoder(given, told) if self.feeds_back and told is not None else self.decoder(given)

    @abstractmethod
    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """The scalars whose sum is minimised, weights applied, averaged over the batch; one is "reconstruction".

        Their sum on the validation split decides which epoch was best.
        """

    def reconstruction(self, z: Tensor, x: Tensor, y: Tensor | None = None) -> Tensor:
        """ℓ(x, g(z)) for z (b, latent_dim), x (b, *model shape): summed over features, averaged over the batch."""
        return self.reconstruction_term(self.output(z, y, x), x)

    def reconstruction_term(self, out: Tensor, x: Tensor) -> Tensor:
        """ℓ(x, x̂) for the output `out` of `output`; both (b, *model shape)."""
        return self.distortion(out, x).mean()

    def log_likelihood(self, z: Tensor, x: Tensor, y: Tensor | None = None) -> Tensor:
        """log p(x|z) (b,) in nats, constants included.

        Raises:
            NotImplementedError: when the loss is not a log-likelihood.
        """
        if self.loss.constant is None:
            raise NotImplementedError(f"{self.loss.name} is not a log-likelihood")
        return -self.distortion(self.output(z, y, x), x) - self.loss.constant * self.data.size

    def autoencoder_parameters(self) -> list[nn.Parameter]:
        """The parameters of encoder, decoder and loss."""
        loss = self.distortion.parameters() if isinstance(self.distortion, nn.Module) else ()
        return [*self.encoder.parameters(), *self.decoder.parameters(), *loss]

    def objectives(self) -> list[Objective]:
        """The optimiser steps of one batch, in order; one step on the sum of `terms` unless a paper asks for more."""
        return [Objective("loss", list(self.parameters()), self.terms)]

    def stages(self) -> list[Stage]:
        """The stages of the training, one after the other; most families have one."""
        return [Stage("autoencoder", self.objectives(), self.terms)]

    def sample_prior(
        self, n: int, generator: torch.Generator | None = None, temperature: float = 1.0, y: Tensor | None = None
    ) -> Tensor:
        """Sample codes (n, latent_dim) from the prior; for families with the trait "prior".

        Args:
            temperature: 1 is the prior; it multiplies the deviations of a Gaussian and divides the logits of a
                categorical prior.
            y: classes (n,), where the prior depends on them.
        """
        raise NotImplementedError(f"{type(self).__name__} has no prior to sample from")

    def resample(
        self, z: Tensor, below: int, generator: torch.Generator | None = None, temperature: float = 1.0
    ) -> Tensor:
        """Redraw the levels of z (n, latent_dim) after the first `below`; for families of several levels."""
        raise NotImplementedError(f"{type(self).__name__} has one level")

    def learn_from(self, teacher: Autoencoder) -> None:
        """Learn from a trained model of the same data; for families with the trait "teacher".

        Raises:
            ConfigError: when samples or codes have other shapes.
        """
        raise NotImplementedError(f"{type(self).__name__} has no teacher")

    def lookup(self, indices: Tensor) -> Tensor:
        """Look up indices (b, positions) in the codebook, giving z (b, latent_dim); for families with the trait
        "codebook"."""
        raise NotImplementedError(f"{type(self).__name__} has no codebook")


class NormalPriorAutoencoder(Autoencoder):
    """An autoencoder whose prior is N(0, I)."""

    def sample_prior(
        self, n: int, generator: torch.Generator | None = None, temperature: float = 1.0, y: Tensor | None = None
    ) -> Tensor:
        """z ~ N(0, temperature² I), (n, K)."""
        return temperature * noise.normal((n, self.config.latent_dim), generator)


def reparameterised(code: Code) -> Code:
    """The code with z = μ + σ ε, ε ~ N(0, I): a draw from the posterior through which gradients pass (Kingma & Welling
    2014, section 2.4). A code without mean and variance stays as it is."""
    if code.mean is None or code.logvar is None:
        return code
    return replace(code, z=torch.addcmul(code.mean, torch.exp(0.5 * code.logvar), noise.normal_like(code.mean)))


def one_hot(y: Tensor | None, classes: int, like: Tensor) -> Tensor:
    """Classes y (b,) as vectors (b, classes) of the dtype of `like` (b, ...); zeros where there is no label."""
    if y is None:
        return like.new_zeros(len(like), classes)
    return F.one_hot(y + 1, classes + 1)[:, 1:].to(like.dtype)
