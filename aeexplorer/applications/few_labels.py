"""Few labels: what a classifier learns from codes when only a few samples of each class are labelled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import Field

from aeexplorer.applications.anomalies import classes_of, flat
from aeexplorer.config import Config
from aeexplorer.data import Split
from aeexplorer.explorer import Explorer
from aeexplorer.runs.run import Run

POOL = 5_000
"""Training samples from which the labelled ones are drawn, and on which PCA is fitted, at most."""
JUDGED = 2_000
"""Test samples on which accuracy is judged, at most."""
ALL = 0
"""As a budget: all labels of the pool."""

WAYS = {
    "codes_linear": "Codes, linear probe",
    "codes_rbf": "Codes, RBF",
    "pca_linear": "PCA of as many dimensions, linear probe",
    "pixels_linear": "Raw values, linear probe",
    "pixels_rbf": "Raw values, RBF",
    "tuned": "Encoder fine-tuned",
    "scratch": "The same net from scratch",
}
TUNED = ("tuned", "scratch")


class Knobs(Config):
    """Labels per class, draws of them, and whether encoders are trained too, which takes longest."""

    budgets: tuple[Annotated[int, Field(ge=0, le=1_000)], ...] = Field((1, 2, 5, 10, 50), min_length=1, max_length=8)
    draws: int = Field(10, ge=1, le=20)
    tuned: bool = True


def seconds(knobs: Knobs) -> float:
    """Expected seconds on one core."""
    return 5 + len(knobs.budgets) * knobs.draws * (1.5 if knobs.tuned else 0.3)


class _Features(NamedTuple):
    """Features (n, d) of the pool, and of the test samples."""

    train: np.ndarray
    test: np.ndarray


def study(model: Explorer, knobs: Knobs) -> Iterator[tuple[float, dict[str, Any]]]:
    """Accuracy of each way at each budget, over draws of the labels: `accuracy` is way -> budget -> list of draws."""
    classes_of(model.dataset)
    train, test = (labelled(split, most) for split, most in ((model.dataset.train, POOL), (model.dataset.test, JUDGED)))
    ways = [way for way in WAYS if knobs.tuned or way not in TUNED]
    found: dict[str, Any] = {"budgets": list(knobs.budgets), "accuracy": {way: {} for way in ways}, "judged": len(test)}
    yield 0.001, found
    features = _features(model, train, test)
    steps, done = len(knobs.budgets) * knobs.draws, 0
    for budget in knobs.budgets:
        for seed in range(1 if budget == ALL else knobs.draws):
            chosen = draw(train.y, budget, seed)
            for way in ways:
                accuracy = _judge(way, model, features, train, test, chosen, seed)
                found["accuracy"][way].setdefault(str(budget), []).append(accuracy)
            done += 1
            yield done / steps, found
    yield 1.0, found


def draw(y: np.ndarray, budget: int, seed: int) -> np.ndarray:
    """Places of so many samples of each class, or all of them."""
    if budget == ALL:
        return np.arange(len(y))
    order = np.random.default_rng(seed).permutation(len(y))
    return np.concatenate([order[y[order] == label][:budget] for label in np.unique(y)])


def labelled(split: Split, most: int) -> Split:
    """The first labelled samples of a split, at most so many."""
    return split.take(np.flatnonzero(split.y >= 0)[:most])


def _features(model: Explorer, train: Split, test: Split) -> dict[str, _Features]:
    from sklearn.decomposition import PCA

    raw = _Features(flat(train.x, model.spec), flat(test.x, model.spec))
    pca = PCA(min(model.latent_dim, *raw.train.shape), svd_solver="randomized", random_state=0).fit(raw.train)
    return {
        "codes": _Features(model.encode(train.x), model.encode(test.x)),
        "pixels": raw,
        "pca": _Features(pca.transform(raw.train), pca.transform(raw.test)),
    }


def _judge(
    way: str,
    model: Explorer,
    features: dict[str, _Features],
    train: Split,
    test: Split,
    chosen: np.ndarray,
    seed: int,
) -> float:
    if way in TUNED:
        predicted = model.fine_tuned(train.take(chosen), test.x, seed, fresh=way == "scratch")
        return float((predicted == test.y).mean())
    name, _, kind = way.partition("_")
    x, y = features[name], train.y[chosen]
    mean, scale = x.train.mean(0), np.maximum(x.train.std(0), 1e-6 if name == "codes" else 0.05)
    learn: Callable[..., float] = _linear if kind == "linear" else rbf_accuracy
    return learn((x.train[chosen] - mean) / scale, y, (x.test - mean) / scale, test.y)


def _linear(x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray) -> float:
    from sklearn.linear_model import LogisticRegression

    return float(LogisticRegression(max_iter=300).fit(x, y).score(x_test, y_test))


def rbf_accuracy(x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray) -> float:
    """Test accuracy of a support-vector machine with an RBF kernel, for features (n, d) and classes (n,)."""
    from sklearn.svm import SVC

    return float(SVC(C=10).fit(x, y).score(x_test, y_test))


def with_classifiers(found: dict[str, Any], run: Run, others: Iterable[Run]) -> dict[str, Any]:
    """The result of a study with the runs on the same data that learned to classify while they were trained, such as
    M2: under the short name of their family, at the labels per class that they were given."""
    table: dict[str, dict[str, list[float]]] = {way: dict(of) for way, of in found["accuracy"].items()}
    for other in others:
        right = other.status.result.get("accuracy")
        if right is not None and other.spec.dataset == run.spec.dataset:
            budget = round(other.spec.training.labels / len(run.spec.data.classes))
            table.setdefault(other.family.short, {}).setdefault(str(budget), []).append(right)
    budgets = {*found["budgets"], *(int(budget) for of in table.values() for budget in of)}
    return found | {"accuracy": table, "budgets": sorted(budgets, key=lambda budget: (budget == ALL, budget))}


def title_of(way: str) -> str:
    """The title of a way; one that is not in the table is a family, see `with_classifiers`."""
    return WAYS.get(way, f"{way}, trained with its labels")


def amount(budget: int | str) -> str:
    """A number of labels per class in words."""
    return "all" if int(budget) == ALL else str(budget)


def winners(found: dict[str, Any]) -> dict[str, str]:
    """The way of the highest mean accuracy at each budget, by the budget's amount in words."""
    table = found["accuracy"]
    known = [str(b) for b in found["budgets"] if any(of.get(str(b)) for of in table.values())]
    return {
        amount(b): max((w for w in table if table[w].get(b)), key=lambda w: float(np.mean(table[w][b]))) for b in known
    }


def as_markdown(found: dict[str, Any]) -> list[str]:
    """The accuracies as lines of a table in Markdown, and the winner at each budget."""
    budgets = [str(budget) for budget in found["budgets"]]
    lines = ["| way | " + " | ".join(map(amount, budgets)) + " |", "|---" * (len(budgets) + 1) + "|"]
    for way, of in found["accuracy"].items():
        lines.append(f"| {title_of(way)} | " + " | ".join(_cell(of.get(b, [])) for b in budgets) + " |")
    told = ", ".join(f"{budget}: {title_of(way)}" for budget, way in winners(found).items())
    return [*lines, "", f"Best at each number of labels: {told}."]


def _cell(accuracies: list[float]) -> str:
    if not accuracies:
        return "–"
    spread = f" ± {np.std(accuracies):.3f}" if len(accuracies) > 1 else ""
    return f"{np.mean(accuracies):.3f}{spread}"
