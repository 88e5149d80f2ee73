"""Diagnosis: ways in which a training goes wrong, each named with the numbers that say so and one change to try.

Every threshold was set between runs that fail on purpose and ordinary ones; docs/diagnosis.md has both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

COLLAPSED_RATE = 0.1  # nats per sample: a code with less says nothing of a sample
SPREAD = (0.4, 2.5)  # mean squared code of a model whose prior is N(0, I); a match has 1
RISE, GAP, APART = 0.05, 0.15, 0.05  # of the fall of the validation loss, and of its value
USED_CODEBOOK = 0.25  # perplexity as a share of the entries
SILENT = 0.75  # share of the hidden units
COPIED = 0.4  # error on shuffled samples as a share of their variance
SHARPNESS = 0.66  # of reconstructions as a share of that of the samples
SAMPLED_CLASSES = 0.5  # effective number of classes among prior samples as a share of that of the data
LARGE_RATE = 0.005  # a learning rate that is worth lowering first
PATIENCE = 10
WEIGHTED = {"adversarial_weight": "adversarial term", "mmd_weight": "MMD term"}


@dataclass(frozen=True)
class Evidence:
    """The knowledge about a run from which it is diagnosed.

    Attributes:
        knobs: of its model and its training, by name.
        usual: the values that are suggested for these data and this family.
        traits: of its family.
        train, validation: (epochs,) the loss of each finished epoch of its last stage.
        figures: on the test split, see `training.evaluation.evaluate` and `training.probes.probe`.
        reason: the sentence with which it failed; "" for one that did not.
    """

    knobs: Mapping[str, Any]
    usual: Mapping[str, Any] = field(default_factory=dict)
    traits: frozenset[str] = frozenset()
    train: np.ndarray = field(default_factory=lambda: np.zeros(0))
    validation: np.ndarray = field(default_factory=lambda: np.zeros(0))
    figures: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""


class Finding(NamedTuple):
    """A failure that a run shows.

    Attributes:
        name: of the row of `CHECKS`.
        title: a noun phrase.
        numbers: a sentence with the numbers that say so.
        advice: a sentence with the change to try.
        change: that change, as values of knobs.
    """

    name: str
    title: str
    numbers: str
    advice: str
    change: dict[str, Any]


class Check(NamedTuple):
    """One row of `CHECKS`.

    Attributes:
        find: gives the finding where the evidence shows the failure.
        explains: other failures that follow from this one and are not reported beside it.
    """

    name: str
    title: str
    find: Callable[[Evidence], tuple[str, str, dict[str, Any]] | None]
    explains: tuple[str, ...] = ()


def diagnose(evidence: Evidence) -> list[Finding]:
    """The failures that a run shows, the cause before its symptoms; [] for a run without any."""
    found = {
        check.name: Finding(check.name, check.title, *result)
        for check in CHECKS.values()
        if (result := check.find(evidence)) is not None
    }
    explained = {name for finding in found for name in CHECKS[finding].explains}
    return [finding for name, finding in found.items() if name not in explained]


def sharpness(x: np.ndarray) -> float:
    """Mean absolute difference of each pixel from the mean of its four neighbours, of pictures (n, h, w) or
    (n, h, w, channels)."""
    inner = x[:, 1:-1, 1:-1]
    around = x[:, :-2, 1:-1] + x[:, 2:, 1:-1] + x[:, 1:-1, :-2] + x[:, 1:-1, 2:]
    return float(np.abs(inner - around / 4).mean())


def effective_number(counts: np.ndarray) -> float:
    """exp of the entropy of frequencies (k,): k where all are equal, 1 where only one occurs (Hill 1973,
    https://doi.org/10.2307/1934352, order 1)."""
    share = counts[counts > 0] / counts.sum()
    return float(np.exp(-(share * np.log(share)).sum()))


def shuffled(x: np.ndarray, seed: int = 0) -> np.ndarray:
    """Samples (n, ...) with each feature permuted among them: every feature keeps its values and none depends on
    another, so that nothing is left to be learned."""
    random = np.random.default_rng(seed)
    columns = [random.permutation(column) for column in x.reshape(len(x), -1).T]
    return np.stack(columns, axis=1).reshape(x.shape)


def smoothed(curve: np.ndarray) -> np.ndarray:
    """The running mean of a loss curve (epochs,) over five epochs, of short trainings over fewer: the lowest of many
    noisy losses lies below the loss that it estimates."""
    window = min(5, len(curve) // 10) | 1
    ends = np.pad(curve, window // 2, mode="edge")
    return np.convolve(ends, np.full(window, 1 / window), mode="valid")


# the checks; each gives its numbers, its advice and the change


def _slower(evidence: Evidence) -> tuple[str, dict[str, Any]]:
    """A smaller learning rate: the suggested one, or a tenth where it is the suggested one already."""
    rate, usual = evidence.knobs["learning_rate"], evidence.usual.get("learning_rate", 0.002)
    wanted = float(f"{usual if rate > usual else rate / 10:.2g}")
    return f"Try a learning rate of {wanted:g} in place of {rate:g}.", {"learning_rate": wanted}


def _diverged(evidence: Evidence) -> tuple[str, str, dict[str, Any]] | None:
    found = re.search(
        r"(\w+) became (\S+) (at step [\d,]+|on the validation samples after step [\d,]+)", evidence.reason
    )
    if found is None:
        return None
    term, value, where = found.groups()
    return f"The term {term} became {value} {where}.", *_slower(evidence)


def _silent(evidence: Evidence) -> tuple[str, str, dict[str, Any]] | None:
    silent, hidden = evidence.figures.get("silent_units", 0.0), evidence.figures.get("hidden_units", 0.0)
    if not hidden or silent < SILENT * hidden:
        return None
    numbers = f"{silent:.0f} of {hidden:.0f} hidden units are zero for every test sample."
    return numbers, *_slower(evidence)


def _constant(evidence: Evidence) -> tuple[str, str, dict[str, Any]] | None:
    """A code without a posterior that hardly varies."""
    active, units = evidence.figures.get("active_units"), evidence.knobs["latent_dim"]
    if active is None or "posterior" in evidence.traits or "codebook" in evidence.traits or active >= min(2, units):
        return None
    return _active(active, units) + " over the test split.", *_slower(evidence)


def _active(active: float, units: int) -> str:
    return f"{active:.0f} of {units:,} unit{'' if units == 1 else 's'} active"


def _collapsed(evidence: Evidence) -> tuple[str, str, dict[str, Any]] | None:
    figures, units = evidence.figures, evidence.knobs["latent_dim"]
    active, rate = figures.get("active_units"), figures.get("kl")
    if active is None or "posterior" not in evidence.traits:
        return None
    if active >= min(2, units) and (rate is None or rate >= COLLAPSED_RATE):
        return None
    nats = "" if rate is None else f", R = {rate:.3g} nats"
    numbers = f"{_active(active, units)}{nats} over the test split."
    beta, usual = evidence.knobs.get("beta"), evidence.usual.get("beta", 1.0)
    if beta is not None and beta > usual:
        return numbers, f"Try β = {usual:g} in place of {beta:g}.", {"beta": usual}
    if beta is not None and not evidence.knobs.get("warmup", 1.0):
        return numbers, "Try a β warm-up over half of the training.", {"warmup": 0.5}
    if beta:
        return numbers, f"Try β = {beta / 10:.2g} in place of {beta:g}.", {"beta": float(f"{beta / 10:.2g}")}
    return numbers, *_slower(evidence)


def _unmatched(evidence: Evidence) -> tuple[float, str] | None:
    """The mean squared code of a model whose codes should be like draws from N(0, I) and are not, and the numbers."""
    square = evidence.figures.get("code_square")
    if square is None or "normal_prior" not in evidence.traits:
        return None
    return square, f"The mean squared value of a code is {square:.3g} over the test split; of the prior it is 1."


def _small_beta(evidence: Evidence) -> tuple[str, str, dict[str, Any]] | None:
    found = _unmatched(evidence)
    if found is None or "posterior" not in evidence.traits or found[0] <= SPREAD[1]:
        return None
    beta, usual = evidence.knobs.get("beta", 1.0), evidence.usual.get("beta", 1.0)
    wanted = usual if beta < usual else float(f"{4 * beta:.2g}")
    return found[1], f"Try β = {wanted:g} in place of {beta:g}.", {"beta": wanted} if "beta" in evidence.knobs else {}


def _ignored(evidence: Evidence) -> tuple[str, str, dict[str, Any]] | None:
    found = _unmatched(evidence)
    if found is None or "posterior" in evidence.traits or SPREAD[0] <= found[0] <= SPREAD[1]:
        return None
    name = next((name for name in WEIGHTED if name in evidence.knobs), "")
    if not name:
        return None
    weight, usual = evidence.knobs[name], evidence.usual.get(name, 1.0)
    wanted = usual if weight < usual else float(f"{4 * weight:.2g}")
    what = WEIGHTED[name]
    return found[1], f"Try a weight of {wanted:g} for the {what} in place of {weight:g}.", {name: wanted}


def _dead_codebook(evidence: Evidence) -> tuple[str, str, dict[str, Any]] | None:
    figures, size = evidence.figures, evidence.knobs.get("codebook_size")
    perplexity, used = figures.get("perplexity"), figures.get("codes_used")
    if size is None or perplexity is None or used is None or perplexity >= USED_CODEBOOK * size:
        return None
    numbers = f"{used:.0f} of {size:,} entries are used over the test split, perplexity {perplexity:.3g}."
    if evidence.knobs.get("restarts") is False:
        return numbers, "Try restarts of unused entries.", {"restarts": True}
    if evidence.knobs["learning_rate"] >= LARGE_RATE:
        return numbers, *_slower(evidence)
    wanted = max(2, 2 ** int(np.ceil(np.log2(max(2 * perplexity, 2)))))
    return numbers, f"Try {wanted} entries in place of {size:,}.", {"codebook_size": wanted}


def _overfit(evidence: Evidence) -> tuple[str, str, dict[str, Any]] | None:
    train, validation = evidence.train, evidence.validation
    if len(validation) < 5:
        return None
    smooth, smooth_train = smoothed(validation), smoothed(train)
    lowest = int(smooth.argmin())
    fall = float(validation[0] - smooth[lowest])
    rise, gap = float(smooth[-1] - smooth[lowest]), float(smooth[-1] - smooth_train[-1])
    parted = rise >= RISE * fall and gap >= max(GAP * fall, APART * abs(float(smooth[-1])))
    if fall <= 0 or not parted or lowest > 0.9 * len(validation):
        return None
    best = int(validation.argmin())
    numbers = (
        f"The validation loss is lowest after epoch {best + 1} ({validation[best]:.3g}) and {validation[-1]:.3g} after "
        f"epoch {len(validation)}; the training loss goes on falling, to {train[-1]:.3g}."
    )
    if not evidence.knobs.get("patience"):
        return numbers, f"Try early stopping after {PATIENCE} epochs without improvement.", {"patience": PATIENCE}
    samples = evidence.knobs.get("samples", 0)
    if samples:
        return numbers, f"Try all training samples in place of {samples:,}.", {"samples": 0}
    return numbers, "Try a dropout of 0.2.", {"dropout": 0.2}


def _copies(evidence: Evidence) -> tuple[str, str, dict[str, Any]] | None:
    error, variance = evidence.figures.get("shuffled_mse"), evidence.figures.get("variance")
    if error is None or not variance or error >= COPIED * variance:
        return None
    units, usual = evidence.knobs["latent_dim"], evidence.usual.get("latent_dim", 8)
    numbers = (
        f"Samples whose features were shuffled are restored with an error of {error:.2g}, {error / variance:.0%} of "
        f"their variance: {units:,} units copy whatever they are given."
    )
    return numbers, f"Try a code of {usual} units.", {"latent_dim": usual}


def _blurred(evidence: Evidence) -> tuple[str, str, dict[str, Any]] | None:
    found, loss = evidence.figures.get("sharpness"), evidence.knobs.get("loss")
    if found is None or loss not in ("mse", "mae") or found >= SHARPNESS:
        return None
    if evidence.knobs.get("corruption", "none") != "none":
        return None  # a sample of which noise has hidden the edges cannot be restored as sharp
    name = "squared" if loss == "mse" else "absolute"
    numbers = (
        f"Reconstructions have {found:.0%} of the sharpness of the samples: where an edge is uncertain, a soft edge "
        f"has the smallest {name} error."
    )
    return numbers, "Try structural similarity as the loss.", {"loss": "ssim"}


def _few_modes(evidence: Evidence) -> tuple[str, str, dict[str, Any]] | None:
    sampled, there = evidence.figures.get("sampled_classes"), evidence.figures.get("classes")
    if sampled is None or not there or "posterior" in evidence.traits or sampled >= SAMPLED_CLASSES * there:
        return None
    numbers = f"Prior samples cover {sampled:.1f} classes, the data {there:.1f} (exp of the entropy of classes)."
    name = next((name for name in WEIGHTED if name in evidence.knobs), "")
    weight, usual = evidence.knobs.get(name, 0.0), evidence.usual.get(name, 1.0)
    if not name:
        return numbers, *_slower(evidence)
    what = WEIGHTED[name]
    wanted = usual if weight > usual else float(f"{weight / 4:.2g}")
    return numbers, f"Try a weight of {wanted:g} for the {what} in place of {weight:g}.", {name: wanted}


CHECKS: dict[str, Check] = {
    check.name: check
    for check in (
        Check("diverged", "Divergence", _diverged),
        Check(
            "silent_units",
            "Units that never fire",
            _silent,
            ("collapsed", "constant", "dead_codebook", "ignored_adversary", "blurred", "few_modes"),
        ),
        Check("collapsed", "Posterior collapse", _collapsed, ("blurred", "few_modes", "ignored_adversary")),
        Check("constant", "Collapsed code", _constant, ("blurred", "few_modes", "ignored_adversary")),
        Check("small_beta", "β too small", _small_beta),
        Check("ignored_adversary", "Ignored prior", _ignored, ("few_modes",)),
        Check("dead_codebook", "Dead codebook", _dead_codebook),
        Check("overfit", "Overfitting", _overfit),
        Check("copies", "Identity", _copies),
        Check("blurred", "Blur", _blurred),
        Check("few_modes", "Mode collapse", _few_modes),
    )
}
"""The failures that are looked for, causes before their symptoms."""
