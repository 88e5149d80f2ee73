"""Knobs of the training loop, and which samples and labels they choose."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from aeexplorer.config import Config, ConfigError
from aeexplorer.data.spec import MOST_LABELS, DataSpec, Split
from aeexplorer.data.splits import stratified_subset


class TrainingConfig(Config):
    """Knobs of the training loop, the same for every family."""

    epochs: int = Field(10, ge=1, le=10_000, description="Largest number of passes over the training samples")
    batch_size: int = Field(128, ge=1, le=65_536, description="Samples per step")
    learning_rate: float = Field(2e-3, gt=0, le=1, description="Step size of Adam at the start")
    schedule: Literal["constant", "cosine"] = Field(
        "cosine", description="Learning rate over the training; cosine decays to zero at the last step"
    )
    weight_decay: float = Field(0.0, ge=0, le=10, description="Decoupled weight decay (AdamW)")
    patience: int = Field(
        0,
        ge=0,
        le=10_000,
        description="Stop after this many epochs without a better validation loss; 0 never stops early",
    )
    samples: int = Field(0, ge=0, le=10_000_000, description="Training samples to use; 0 uses all of them")
    labels: int = Field(
        0, ge=0, le=10_000_000, description="Training labels to keep, in each class's proportion; 0 keeps all of them"
    )
    leave_out: tuple[Annotated[int, Field(ge=0, le=MOST_LABELS)], ...] = Field(
        (), max_length=1000, description="Classes left out of training and validation, by their places from 0"
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Seed of initial weights, order of samples and noise")
    threads: int = Field(1, ge=1, le=256, description="CPU threads; the same number gives bitwise the same result")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Device; auto takes a GPU when there is one")


def used_samples(split: Split, config: TrainingConfig) -> Split:
    """The training samples that are used, without the labels that are not kept.

    Raises:
        ConfigError: when more labels are asked for than there are, or no sample is left.
    """
    split = without_classes(split, config)
    used = split.take(np.arange(config.samples)) if 0 < config.samples < len(split) else split
    return replace(used, y=kept_labels(used.y, config))


def without_classes(split: Split, config: TrainingConfig) -> Split:
    """The samples of a split that are of no class left out.

    Raises:
        ConfigError: when no sample is left.
    """
    if not config.leave_out:
        return split
    kept = np.flatnonzero(~np.isin(split.y, config.leave_out))
    if not len(kept):
        raise ConfigError(f"leave_out must leave some samples to train and validate on, got {config.leave_out}")
    return split.take(kept)


def kept_labels(y: np.ndarray, config: TrainingConfig) -> np.ndarray:
    """Labels (n,) of the training samples, with -1 in place of those that are not kept; the seed decides which.

    Raises:
        ConfigError: when more labels are asked for than there are.
    """
    labelled = np.flatnonzero(y >= 0)
    if not config.labels:
        return y
    if config.labels > len(labelled):
        raise ConfigError(f"labels must be at most {len(labelled)}, the labelled training samples, got {config.labels}")
    kept = labelled[stratified_subset(y[labelled], config.labels, config.seed)]
    hidden = np.full_like(y, -1)
    hidden[kept] = y[kept]
    return hidden


def check_batch(config: TrainingConfig, n: int, spec: DataSpec) -> None:
    """Refuse a batch larger than the `n` training samples.

    Raises:
        ConfigError: naming both numbers.
    """
    if config.batch_size > n:
        raise ConfigError(
            f"batch_size must be at most {n}, the training samples of {spec.name}, got {config.batch_size}"
        )
