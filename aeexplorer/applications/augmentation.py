"""Augmentation: a classifier learns from a few real samples and from generated ones; whether that helps is counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from aeexplorer.applications.anomalies import classes_of, flat
from aeexplorer.applications.few_labels import JUDGED, POOL, draw, labelled, rbf_accuracy
from aeexplorer.config import Config
from aeexplorer.data import Split
from aeexplorer.explorer import Explorer

PIXEL_NOISE = 0.1

WAYS = {
    "real": "Real samples alone",
    "copies": "With noisy copies of them",
    "near": "With samples generated near them",
    "ordered": "With samples generated of their class",
}


class Knobs(Config):
    """Real samples per class, generated ones for each of them, how far from it in standard deviations of the codes, and
    draws of the real ones."""

    budgets: tuple[Annotated[int, Field(ge=1, le=500)], ...] = Field((1, 2, 5, 10, 50), min_length=1, max_length=8)
    generated: int = Field(5, ge=1, le=50)
    reach: float = Field(0.3, gt=0, le=3)
    draws: int = Field(10, ge=1, le=20)


def seconds(knobs: Knobs) -> float:
    """Expected seconds on one core."""
    return 2 + 0.05 * sum(knobs.budgets) * knobs.draws


def study(model: Explorer, knobs: Knobs) -> Iterator[tuple[float, dict[str, Any]]]:
    """Test accuracy of an RBF classifier on raw values: `accuracy` is way -> budget -> list of draws."""
    classes_of(model.dataset)
    train, test = (labelled(split, most) for split, most in ((model.dataset.train, POOL), (model.dataset.test, JUDGED)))
    ways = [way for way in WAYS if way != "ordered" or "label" in model.traits]
    found: dict[str, Any] = {"budgets": list(knobs.budgets), "accuracy": {way: {} for way in ways}}
    yield 0.001, found
    x_test, steps, done = flat(test.x, model.spec), len(knobs.budgets) * knobs.draws, 0
    for budget in knobs.budgets:
        for seed in range(knobs.draws):
            real = train.take(draw(train.y, budget, seed))
            for way in ways:
                more = _more(way, model, real, knobs, seed)
                x, y = np.concatenate([flat(real.x, model.spec), more[0]]), np.concatenate([real.y, more[1]])
                accuracy = rbf_accuracy(x, y, x_test, test.y)
                found["accuracy"][way].setdefault(str(budget), []).append(accuracy)
            done += 1
            yield done / steps, found


def _more(way: str, model: Explorer, real: Split, knobs: Knobs, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Further samples (m, features) and their classes (m,), none for real samples alone."""
    x = flat(real.x, model.spec)
    if way == "real":
        return x[:0], real.y[:0]
    random, y = np.random.default_rng(seed), np.repeat(real.y, knobs.generated)
    if way == "copies":
        copies = np.repeat(x, knobs.generated, axis=0)
        return copies + np.float32(PIXEL_NOISE) * random.standard_normal(copies.shape, np.float32), y
    if way == "near":
        z = np.repeat(model.encode(real.x, real.y), knobs.generated, axis=0)
        z = z + knobs.reach * model.codes.z.std(0) * random.standard_normal(z.shape).astype(np.float32)
        return model.decode(z).reshape(len(y), -1), y
    made = [(model.given(int(label)).sample(int((y == label).sum()), seed), label) for label in np.unique(y)]
    pictures = np.concatenate([part.reshape(len(part), -1) for part, _ in made])
    return pictures, np.concatenate([np.full(len(part), label) for part, label in made])


def verdict(found: dict[str, Any]) -> str:
    """Whether generated samples help, in a sentence, by the mean over draws at each budget."""
    table = found["accuracy"]
    budgets = [str(b) for b in found["budgets"] if table["real"].get(str(b))]
    gains = {b: float(np.mean(table["near"][b]) - np.mean(table["real"][b])) for b in budgets}
    spread = {b: float(np.std(table["real"][b])) for b in budgets}
    helped = [b for b in budgets if gains[b] > spread[b] / 2]
    told = ", ".join(f"{gains[b]:+.3f} at {b}" for b in budgets)
    where = f"a clear gain at {', '.join(helped)} per class" if helped else "no clear gain"
    return f"Samples generated near the real ones change the accuracy by {told}: {where}." if budgets else ""
