"""The explorer: a trained model with numpy in and numpy out, used by pages, notebooks, command line and live scenes."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import threadpoolctl
import torch
from torch import Tensor

from aeexplorer import noise
from aeexplorer.config import ConfigError, checked_seed
from aeexplorer.data import load_dataset
from aeexplorer.data.checks import CORRUPTED, check_values, numbers
from aeexplorer.data.spec import Dataset, Split
from aeexplorer.interpolation import traversal
from aeexplorer.metrics import SCORES, NormalCodes, NormalReference, smoothed_errors
from aeexplorer.runs.dial import Dial
from aeexplorer.runs.listing import find_run
from aeexplorer.runs.run import Codes, Run
from aeexplorer.tensors import to_array, to_float, to_tensor
from aeexplorer.training.evaluation import compare_with_pca, evaluate, rate_distortion
from aeexplorer.training.fine_tuning import fine_tune

CHUNK = 256
"""Samples or codes that pass through the network at once."""

REFERENCE = 5_000
"""Normal training samples whose codes a latent distance is measured to, and validation samples, at most."""


class Explorer:
    """A trained model with fixed weights, in eval mode.

    Samples are (n, *spec.shape), or as they are decoded (n, *spec.value_shape), which differs for tokens alone. uint8
    pictures are read as 0..1, other numbers must lie in the value range of the data (corrupted ones may exceed it).
    Codes are (n, latent_dim). Results are float32 unless a docstring says otherwise.

    Raises:
        Damaged: when the run's weights cannot be used.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.spec = run.spec.data
        self.family = run.family
        self._model = run.load_model()
        self.config = self._model.config
        self.label: int | None = None
        self._moved = False
        self._normal: dict[tuple[int, ...] | None, NormalReference] = {}

    @property
    def traits(self) -> frozenset[str]:
        """Abilities beyond encode and decode; see `families.Family`."""
        return self.family.traits_of(self.config)

    @property
    def levels(self) -> tuple[int, ...]:
        """Sizes of the levels of a code: consecutive slices of z, coarse first; one for most families."""
        return self._model.levels_of(self.config)

    @property
    def latent_dim(self) -> int:
        return self.config.latent_dim

    @cached_property
    def dataset(self) -> Dataset:
        """The dataset of the training.

        Raises:
            ConfigError: when it is not on this computer and cannot be fetched; the sentence says how to get it.
        """
        data = load_dataset(self.run.spec.dataset)
        if data.source != self.run.spec.source:
            raise ConfigError(f"{self.run.spec.dataset} differs from the data that run {self.run.id} was trained on")
        return data

    @cached_property
    def codes(self) -> Codes:
        """Codes of up to 2,000 test samples.

        These are the stored ones, which need no data; after `at` they are computed from the test samples.

        Raises:
            ConfigError: when the dataset is needed and neither on this computer nor to be fetched.
        """
        codes = self.run.codes
        if not self._moved:
            return codes
        return replace(codes, z=self.encode(self.dataset.test.x[codes.index], codes.labels))

    @cached_property
    def dial(self) -> Dial | None:
        """The dial with the snapshots that existed at the first access; None for a run of one model.

        Raises:
            Damaged: when a snapshot cannot be used.
        """
        return self.run.load_dial() if self.run.spec.dial else None

    def at(self, value: float) -> Explorer:
        """A copy bound to one value of the knob, clipped to the trained range; cheap, and safe in threads.

        Of a dial with weights interpolated between two snapshots; of a family with the trait "rates" at any β.

        Raises:
            ConfigError: for a run of one model, or NaN.
        """
        if self.dial is None and "rates" not in self.traits:
            raise ConfigError(f"run {self.run.id} must be a dial, got a run of one model")
        if math.isnan(value):
            raise ConfigError(f"value of run {self.run.id} must be a number, got NaN")
        other = copy.copy(self)
        if self.dial is not None:
            other._model = self.dial.model_at(value)
        else:
            other._model = copy.copy(self._model)
            held = max(self.config.lowest, min(value, self.config.highest))
            other._model.config = self.config.replace(beta=held)
        other.config = other._model.config
        other._moved = True
        other._normal = {}
        other.__dict__.pop("codes", None)
        return other

    @property
    def name(self) -> str:
        """The name by which the live channel opens it: the run's folder, and the class that it is told
        ("digits-cvae@3")."""
        return self.run.path.name if self.label is None else f"{self.run.path.name}@{self.label}"

    def given(self, label: int | str | None) -> Explorer:
        """A copy bound to a class, given by index or name, with which it encodes and decodes; None removes the class.
        Cheap, and safe in threads.

        Raises:
            ConfigError: for a family without the trait "label", or an unknown class.
        """
        if "label" not in self.traits:
            raise ConfigError(f"family must take a label, got {self.family.name}")
        classes = self.spec.classes
        place = classes.index(label) if isinstance(label, str) and label in classes else label
        if place is not None and (isinstance(place, str) or not 0 <= place < len(classes)):
            raise ConfigError(
                f"label must be one of {', '.join(classes)} or a number below {len(classes)}, got {label!r}"
            )
        other = copy.copy(self)
        other.label = None if place is None else int(place)
        other._normal = {}
        return other

    def _labels(self, n: int, given: np.ndarray | None = None) -> Tensor | None:
        """Classes (n,) as the model takes them: those given, else the class that it is told."""
        if given is not None:
            return torch.from_numpy(np.array(given, dtype=np.int64))
        return None if self.label is None else torch.full((n,), self.label)

    def _samples(self, x: np.ndarray) -> Tensor:
        values = numbers(x, self.spec)
        samples = to_tensor(values, self.spec)
        check_values(values, self.spec, beyond=CORRUPTED)
        return to_float(samples).to(self._dtype)

    def _codes(self, z: np.ndarray) -> Tensor:
        z = np.atleast_2d(numbers(z, name="codes").astype(np.float32))
        if z.ndim != 2 or z.shape[1] != self.latent_dim:
            raise ValueError(f"codes must have shape (n, {self.latent_dim}), got {z.shape}")
        if not np.isfinite(z).all():
            raise ConfigError("codes must be finite numbers, got NaN or infinity")
        return torch.from_numpy(np.ascontiguousarray(z)).to(self._dtype)

    @property
    def _dtype(self) -> torch.dtype:
        return next(self._model.parameters()).dtype

    def exact(self) -> Explorer:
        """A copy that computes in float64, and rounds what it returns to float32: other computers and thread counts
        give the same numbers but for one in many millions."""
        other = copy.copy(self)
        other._model = copy.deepcopy(self._model).double()
        return other

    @property
    def decoder_bytes(self) -> int:
        """Size of the decoder's weights in float32."""
        return 4 * sum(tensor.numel() for tensor in self._model.decoder.state_dict().values())

    @torch.inference_mode()
    def encode(self, x: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
        """Codes (n, latent_dim) of samples; of a posterior the mean.

        Args:
            labels: (n,) classes of the samples, for families with the trait "label"; the class that it is told if None.
        """
        samples = self._samples(x)
        y = self._labels(len(samples), labels)
        known = [None] * len(samples.split(CHUNK)) if y is None else y.split(CHUNK)
        parts = zip(samples.split(CHUNK), known, strict=True)
        return torch.cat([self._model.encode(c, part).z for c, part in parts]).numpy()

    @torch.inference_mode()
    def posterior(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and log-variance of q(z|x), (n, latent_dim) each, for families with the trait "posterior".

        Raises:
            ConfigError: for a family without a posterior.
        """
        if "posterior" not in self.traits:
            raise ConfigError(f"family must have a posterior, got {self.family.name}")
        parts = [self._model.encode(c, self._labels(len(c))) for c in self._samples(x).split(CHUNK)]
        means, logvars = (
            [p.mean for p in parts if p.mean is not None],
            [p.logvar for p in parts if p.logvar is not None],
        )
        return torch.cat(means).numpy(), torch.cat(logvars).numpy()

    @torch.inference_mode()
    def rate(self, x: np.ndarray, labels: np.ndarray | None = None, seed: int = 0) -> np.ndarray:
        """Nats that the code of each sample costs, (n, groups): KL(q(z|x) || p(z)) of each dimension where it has a
        closed form, else one estimate for all; see `Autoencoder.rate`. For families with the trait "posterior", or a
        learned prior over entries.

        Args:
            labels: (n,) classes of the samples; the class that the model is told if None.
            seed: of the posterior samples that the rate of lower levels depends on.
        """
        samples = self._samples(x)
        y = self._labels(len(samples), labels)
        with noise.seeded(checked_seed(seed)):
            return self._model.rate(self._model.drawn(self._model.features(samples, y))).numpy()

    @torch.inference_mode()
    def decode(self, z: np.ndarray) -> np.ndarray:
        """Decode codes (n, latent_dim), or one code (latent_dim,), to samples (n, *spec.value_shape)."""
        codes = self._codes(z)
        if not len(codes):
            return np.empty((0, *self.spec.value_shape), np.float32)
        parts = [self._model.decode(c, self._labels(len(c))) for c in codes.split(CHUNK)]
        return to_array(torch.cat(parts), self.spec)

    def reconstruct(self, x: np.ndarray) -> np.ndarray:
        """Encode and decode samples: (n, *spec.value_shape)."""
        return self.decode(self.encode(x))

    def errors(self, x: np.ndarray, target: np.ndarray | None = None) -> np.ndarray:
        """The error (n,) of each reconstruction of x against `target`, by default x itself: mean squared error per
        feature, of tokens nats per symbol; see `DataSpec.errors`."""
        clean = to_array(self._samples(x if target is None else target), self.spec)
        return self.spec.errors(self.reconstruct(x), clean)

    def text(self, x: np.ndarray) -> list[str]:
        """Samples (n, *spec.shape), or decoded ones (n, *spec.value_shape), of tokens as text.

        Raises:
            ConfigError: for other data.
        """
        return self.spec.text(x)

    @property
    def scores(self) -> tuple[str, ...]:
        """The kinds of `anomaly_scores` that the family has."""
        likelihood = self._model.loss.constant is not None and "posterior" in self.traits
        series = self.spec.row.sides == 1 and not self.spec.row.symbols
        fits = {"kl": "posterior" in self.traits, "neg_elbo": likelihood, "smooth_error": series}
        return tuple(kind for kind in SCORES if fits.get(kind, True))

    def anomaly_scores(self, x: np.ndarray, kind: str = "error", normal: Sequence[int] | None = None) -> np.ndarray:
        """Raw scores (n,) of oddness, float64: the higher, the less a sample is like the normal ones. A score is no
        probability, and scores of two kinds or runs cannot be compared.

        Args:
            kind: "error", the squared error per feature of the reconstruction; "smooth_error", of series, that of the
                difference averaged over 7 steps; "latent", the mean distance of the code to the five nearest of normal
                training samples; "both", the logarithms of error and latent distance, each standardised on normal
                validation samples, added; "mahalanobis", the distance of the code to a Gaussian of those; "kl", its
                rate; "neg_elbo", -ELBO at the posterior mean, in nats.
            normal: places of the classes that are normal; those that the run was trained on if None.

        Raises:
            ConfigError: for a kind that the family does not have, or where the training data are needed and not here.
        """
        if kind not in self.scores:
            raise ConfigError(f"kind must be one of {', '.join(self.scores)}, got {kind!r}")
        if kind == "error":
            return self.errors(x).astype(np.float64)
        if kind == "smooth_error":
            return smoothed_errors(self.reconstruct(x) - x)
        if kind in ("kl", "neg_elbo"):
            rate = self.rate(x).sum(1, dtype=np.float64)
            return rate if kind == "kl" else rate + self._distortion(x)
        known = self._normal_of(normal)
        z = self.encode(x)
        if kind == "mahalanobis":
            return known.codes.mahalanobis(z)
        return known.codes.neighbours(z) if kind == "latent" else known.combined(self.errors(x), z)

    @torch.inference_mode()
    def _distortion(self, x: np.ndarray) -> np.ndarray:
        """-log p(x|z) (n,) in nats at the posterior mean."""
        parts = []
        for c in self._samples(x).split(CHUNK):
            y = self._labels(len(c))
            parts.append(-self._model.log_likelihood(self._model.encode(c, y).z, c, y))
        return torch.cat(parts).double().numpy()

    def _normal_of(self, normal: Sequence[int] | None) -> NormalReference:
        key = None if normal is None else tuple(sorted(normal))
        if key not in self._normal:
            train, held = (self.normal_samples(split, key) for split in (self.dataset.train, self.dataset.validation))
            codes = NormalCodes(self.encode(train.x[:REFERENCE]))
            x = held.x[:REFERENCE]
            self._normal[key] = NormalReference(codes, self.errors(x), codes.neighbours(self.encode(x)))
        return self._normal[key]

    def normal_samples(self, split: Split, normal: Sequence[int] | None = None) -> Split:
        """The samples of a split that are of normal classes; of those that the run was trained on if None.

        Raises:
            ConfigError: when there are fewer than two.
        """
        kept = ~np.isin(split.y, self.run.spec.training.leave_out) if normal is None else np.isin(split.y, normal)
        if kept.sum() < 2:
            raise ConfigError(f"normal must name classes with at least 2 samples in each split, got {normal}")
        return split.take(np.flatnonzero(kept))

    def sample(self, n: int, seed: int = 0, temperature: float = 1.0) -> np.ndarray:
        """Generate samples (n, *spec.value_shape): decoded codes of `sample_codes`."""
        return self.decode(self.sample_codes(n, seed, temperature))

    @torch.inference_mode()
    def sample_codes(self, n: int, seed: int = 0, temperature: float = 1.0) -> np.ndarray:
        """Draw codes (n, latent_dim) to generate samples from.

        They come from the prior where the model has one, at this temperature. With a codebook and no prior each
        position is drawn with the frequency of its entries among the stored codes. Else they come from a Gaussian
        fitted to the stored codes, its deviations scaled by the temperature.

        Raises:
            ConfigError: when n is not in 1..10,000 or the temperature not in 0..10.
        """
        if not 1 <= n <= 10_000:
            raise ConfigError(f"n must be between 1 and 10000, got {n}")
        if not 0 <= temperature <= 10:
            raise ConfigError(f"temperature must be between 0 and 10, got {temperature}")
        random = np.random.default_rng(checked_seed(seed))
        if "prior" in self.traits:
            generator = torch.Generator().manual_seed(checked_seed(seed))
            return self._model.sample_prior(n, generator, temperature, self._labels(n)).numpy()
        if "codebook" in self.traits and self.codes.indices is not None:
            stored = self.codes.indices
            drawn = np.stack([random.choice(column, n) for column in stored.T], axis=1)
            return self._model.lookup(torch.from_numpy(drawn)).numpy()
        z = self.codes.z.astype(np.float64)
        centred = z - z.mean(0)
        # Random combinations of the centred codes have their covariance without a matrix of latent_dim² values.
        weights = random.standard_normal((n, len(z))) / max(len(z) - 1, 1) ** 0.5
        return (z.mean(0) + temperature * weights @ centred).astype(np.float32)

    @torch.inference_mode()
    def resample(self, z: np.ndarray, below: int, seed: int = 0, temperature: float = 1.0) -> np.ndarray:
        """Keep the first `below` levels of codes z (n, latent_dim) and redraw the finer ones from their priors.

        Raises:
            ConfigError: for a family of one level, or below outside 0 to the number of levels.
        """
        if len(self.levels) < 2:
            raise ConfigError(f"family must have several levels, got {self.family.name} with one")
        if not 0 <= below <= len(self.levels):
            raise ConfigError(f"below must be between 0 and {len(self.levels)}, the number of levels, got {below}")
        generator = torch.Generator().manual_seed(checked_seed(seed))
        return self._model.resample(self._codes(z), below, generator, temperature).numpy()

    def part(self, level: int) -> slice:
        """The columns of codes that belong to a level, counted from 1 for the coarsest; all of them for 0.

        Raises:
            ConfigError: for a level that the model does not have.
        """
        if not 0 <= level <= len(self.levels):
            raise ConfigError(f"level must be between 0 (all) and {len(self.levels)}, got {level}")
        return slice(sum(self.levels[: level - 1]), sum(self.levels[:level])) if level else slice(0, self.latent_dim)

    def complete(self, part: np.ndarray, level: int, like: np.ndarray) -> np.ndarray:
        """Whole codes (n, latent_dim) for one level of them, part (n, size of the level): the coarser levels are those
        of the codes `like` (n, latent_dim), the finer ones the means of their priors."""
        z = np.array(like, np.float32)
        z[:, self.part(level)] = part
        return self.resample(z, level, temperature=0.0) if 0 < level < len(self.levels) else z

    def traverse(self, z: np.ndarray, dimension: int, values: np.ndarray) -> np.ndarray:
        """Decode one code (latent_dim,) with one coordinate set to each of the values: (len(values),
        *spec.value_shape)."""
        if not 0 <= dimension < self.latent_dim:
            raise ConfigError(f"dimension must be between 0 and {self.latent_dim - 1}, got {dimension}")
        return self.decode(traversal(np.asarray(z), dimension, np.asarray(values)))

    def fine_tuned(self, labelled: Split, x: np.ndarray, seed: int = 0, fresh: bool = False) -> np.ndarray:
        """Classes (n,) of samples by a copy of the encoder that is trained on labelled ones; see `fine_tune`.

        Args:
            fresh: begin with the initial weights in place of the trained ones.
        """
        return fine_tune(self.run.new_model() if fresh else self._model, labelled, x, seed)

    def rate_distortion(self, split: Split | None = None) -> dict[str, np.ndarray]:
        """Rate and distortion on a split, by default the test split; see `evaluation.rate_distortion`.

        Raises:
            ConfigError: for a family without a posterior.
        """
        if "posterior" not in self.traits:
            raise ConfigError(f"family must have a posterior, got {self.family.name}")
        return rate_distortion(self._model, split or self.dataset.test, self.run.spec.training.seed)

    def evaluate(self, split: Split | None = None, nll: int = 0) -> dict[str, float]:
        """Figures on a split, the test split unless another is given; see `evaluation.evaluate`.

        Args:
            nll: importance samples for "nll", the negative log-likelihood; 0 leaves it out.
        """
        figures = evaluate(self._model, split or self.dataset.test, self.run.spec.training.seed, nll)
        return figures if split else figures | compare_with_pca(self._model, self.dataset.train, self.dataset.test)


def open_run(path: str | Path | Run) -> Explorer:
    """Open a run by path, id or pretrained name ("pretrained/mnist-vae").

    Raises:
        ConfigError: when there is no such run.
        Damaged: when it cannot be used; the sentence names the file and the reason.
    """
    return Explorer(path if isinstance(path, Run) else find_run(path))


def compute_on_one_thread() -> None:
    """Make torch compute on one thread, in this Python thread and in those that start after it, and NumPy in all.

    A server answers many small requests at once; a second thread within one of them would only make the others wait.
    """
    torch.set_num_threads(1)
    threadpoolctl.threadpool_limits(1, user_api="blas")
