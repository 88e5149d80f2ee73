"""The contract: what every autoencoder here can be asked, whatever its paper."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from aeexplorer import losses
from aeexplorer.config import Config, ConfigError
from aeexplorer.corruption import CorruptionName
from aeexplorer.data.spec import DataSpec
from aeexplorer.nets import NETS, NetName, make_decoder, make_encoder
from aeexplorer.tensors import model_shape

LATENT_LIMIT = 4096
Width = Annotated[int, Field(ge=1, le=4096)]


class ModelConfig(Config):
    """Knobs that every family has."""

    net: NetName = Field("mlp", description="Network of encoder and decoder")
    hidden: tuple[Width, ...] = Field(
        (512, 256),
        max_length=8,
        description="Units of each hidden layer, mirrored in the decoder",
        json_schema_extra={"when": {"net": "mlp"}},
    )
    channels: tuple[Width, ...] = Field(
        (32, 64),
        min_length=1,
        max_length=7,
        description="Channels of each convolution, every one halves the side",
        json_schema_extra={"when": {"net": "conv"}},
    )
    latent_dim: int = Field(16, ge=1, le=LATENT_LIMIT, description="Size of the code z")
    loss: Literal["auto", "bce", "mse"] = Field(
        "auto",
        description="Reconstruction loss; auto is cross-entropy where values lie in [0, 1], squared error elsewhere",
    )
    dropout: float = Field(0.0, ge=0, le=0.9, description="Fraction of hidden units silenced while training")
    corruption: CorruptionName = Field(
        "none", description="What is done to the input while training; the target stays clean"
    )
    level: float = Field(
        0.5, ge=0, le=1, description="Corruption level: σ for Gaussian noise, a fraction for the others",
        json_schema_extra={"unless": {"corruption": "none"}},
    )  # fmt: skip


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
        mean, logvar: (b, latent_dim) of the posterior, for families with the trait "posterior".
        indices: (b, positions) int64 codebook entries, for families with the trait "codebook".
        logits: (b, classes), for families that also classify.
        levels: codes of further levels, coarse to fine, for hierarchical families.
    """

    z: Tensor
    mean: Tensor | None = None
    logvar: Tensor | None = None
    indices: Tensor | None = None
    logits: Tensor | None = None
    levels: tuple[Tensor, ...] = ()


class Objective(NamedTuple):
    """One optimiser step: whose parameters, and what is minimised for them (the sum of the named scalars)."""

    name: str
    parameters: list[nn.Parameter]
    terms: Callable[[Batch], dict[str, Tensor]]
    betas: tuple[float, float] = (0.9, 0.999)
    """Decay rates of Adam's two moments."""


class Autoencoder(nn.Module, ABC):
    """A pair of maps x -> z -> x̂ and what is minimised to find them.

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

    def __init__(self, config: ModelConfig, data: DataSpec) -> None:
        super().__init__()
        if config.loss == "bce" and not data.unit_interval:
            raise ConfigError(f"loss must be mse for {data.name}, whose values are not in [0, 1], got bce")
        self.config: Any = config
        self.data = data
        self.loss = ("bce" if data.unit_interval else "mse") if config.loss == "auto" else config.loss
        self.shape = model_shape(data)

    def build(self, out: int) -> None:
        """Make the encoder with `out` outputs and the decoder that mirrors it."""
        c = self.config
        widths = getattr(c, NETS[c.net].widths)
        self.encoder = make_encoder(c.net, self.data, out, widths, c.dropout)
        self.decoder = make_decoder(c.net, self.data, c.latent_dim, widths, c.dropout)

    def encode(self, x: Tensor) -> Code:
        """x (b, *model shape) to its code; deterministic in eval mode.

        Raises:
            ValueError: for another sample shape, naming both.
        """
        self.check_shape(x)
        return self.code(self.encoder(x))

    def check_shape(self, x: Tensor) -> None:
        """Refuse samples of another shape than (b, *model shape)."""
        if x.shape[1:] != self.shape:
            raise ValueError(f"expected samples of shape (b, {', '.join(map(str, self.shape))}), got {tuple(x.shape)}")

    @abstractmethod
    def code(self, h: Tensor) -> Code:
        """The encoder network's output (b, out) as a code."""

    def decode(self, z: Tensor) -> Tensor:
        """z (b, latent_dim) to data space (b, *model shape): probabilities where the loss is cross-entropy.

        Raises:
            ValueError: for another latent dimension, naming both shapes.
        """
        if z.ndim != 2 or z.shape[1] != self.config.latent_dim:
            raise ValueError(f"expected codes of shape (b, {self.config.latent_dim}), got {tuple(z.shape)}")
        out = self.output(z)
        return torch.sigmoid(out) if self.loss == "bce" else out

    def output(self, z: Tensor) -> Tensor:
        """z (b, latent_dim) to what the loss compares: logits where it is cross-entropy, else values."""
        return self.decoder(z)

    @abstractmethod
    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """The scalars whose sum is minimised, weights already applied; "reconstruction" is among them. Their sum is also
        what is watched on validation data."""

    def reconstruction(self, z: Tensor, x: Tensor) -> Tensor:
        """The reconstruction term of decoding z against x, per sample."""
        return self.reconstruction_term(self.output(z), x)

    def reconstruction_term(self, out: Tensor, x: Tensor) -> Tensor:
        """The reconstruction term of what `output` gave against x, per sample."""
        return losses.reconstruction(self.loss, out, x)

    def objectives(self) -> list[Objective]:
        """Optimiser steps per batch, in order."""
        return [Objective("loss", list(self.parameters()), self.terms)]

    def sample_prior(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """(n, latent_dim) codes from the prior; families with the trait "prior"."""
        raise NotImplementedError(f"{type(self).__name__} has no prior to sample from")

    def lookup(self, indices: Tensor) -> Tensor:
        """(b, positions) codebook entries to z (b, latent_dim); families with the trait "codebook"."""
        raise NotImplementedError(f"{type(self).__name__} has no codebook")
