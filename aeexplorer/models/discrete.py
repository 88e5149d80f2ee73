"""Autoencoders whose codes are entries of a codebook, and an autoregressive prior over them as a second stage (van den
Oord et al. 2017, https://arxiv.org/abs/1711.00937, section 3.2)."""

from __future__ import annotations

from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from aeexplorer.config import Config
from aeexplorer.data.spec import DataSpec
from aeexplorer.models.base import Autoencoder, Batch, Code, Objective, Stage
from aeexplorer.models.token_prior import TokenPrior


class PriorConfig(Config):
    """Knobs of the prior over codebook entries."""

    prior: Literal["none", "transformer"] = Field(
        "none", description="Prior over the entries, learned on frozen codes in a second stage, to generate new samples"
    )
    prior_units: int = Field(
        128,
        ge=4,
        le=1024,
        multiple_of=4,
        description="Width of the prior",
        json_schema_extra={"unless": {"prior": "none"}},
    )
    prior_layers: int = Field(
        2, ge=1, le=12, description="Layers of the prior", json_schema_extra={"unless": {"prior": "none"}}
    )
    prior_share: float = Field(
        0.4,
        gt=0,
        lt=1,
        description="Fraction of the epochs in which the prior is learned",
        json_schema_extra={"unless": {"prior": "none"}},
    )


class DiscreteAutoencoder(Autoencoder):
    """Codes of `positions` entries, each one of `codebook_size`; both are fields or properties of the configuration.

    The prior p(j) = Π_p p(j_p | j_<p) is learned on fixed codes, after the autoencoder (van den Oord et al. 2017,
    section 3.2).
    """

    def __init__(self, config: Any, data: DataSpec) -> None:
        super().__init__(config, data)
        self.build(config.latent_dim)
        if config.prior == "transformer":
            self.prior = TokenPrior(config.positions, config.codebook_size, config.prior_units, config.prior_layers)

    @classmethod
    def traits_of(cls, config: Any) -> frozenset[str]:
        return frozenset({"prior"} if config.prior != "none" else ())

    def stages(self) -> list[Stage]:
        first = [Objective("loss", self.autoencoder_parameters(), self.terms)]
        if self.config.prior == "none":
            return [Stage("autoencoder", first, self.terms)]
        second = [Objective("prior", list(self.prior.parameters()), self.prior_terms)]
        share = self.config.prior_share
        return [Stage("autoencoder", first, self.terms, 1 - share), Stage("prior", second, self.prior_terms, share)]

    def objectives(self) -> list[Objective]:
        return [objective for stage in self.stages() for objective in stage.objectives]

    def prior_terms(self, batch: Batch) -> dict[str, Tensor]:
        """-Σ_p log p(j_p | j_<p) of the fixed codes, in nats per sample (section 3.2)."""
        training = self.encoder.training
        with torch.no_grad():
            self.encoder.eval()  # without dropout, so that a sample has one code
            indices = self.encode(batch.x).indices
            self.encoder.train(training)
        assert indices is not None
        return {"prior": self.prior.nats(indices).sum() / len(indices)}

    def rate(self, code: Code) -> Tensor:
        """-log p(j_p | j_<p) of each position, (b, positions): KL(q || p) for a posterior with one possible code."""
        if self.config.prior == "none" or code.indices is None:
            return super().rate(code)
        return self.prior.nats(code.indices)

    def sample_prior(
        self, n: int, generator: torch.Generator | None = None, temperature: float = 1.0, y: Tensor | None = None
    ) -> Tensor:
        if self.config.prior == "none":
            return super().sample_prior(n, generator, temperature, y)
        return self.lookup(self.prior.sample(n, generator, temperature))
