"""The score: exact against mathematics by hand, learned against exact, and a point that walks along it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from aeexplorer.config import ConfigError
from aeexplorer.data import load_dataset
from aeexplorer.families import FAMILIES
from aeexplorer.metrics import SmoothedData, score_agreement, walk
from aeexplorer.models.score import ScoreAutoencoder, ScoreConfig
from aeexplorer.training.loop import TrainingConfig, train

pytestmark = pytest.mark.long

POINTS = np.random.default_rng(3).normal(size=(40, 2))
PLACES = np.random.default_rng(4).normal(size=(200, 2))


def log_density(x: np.ndarray, points: np.ndarray, sigma: float) -> np.ndarray:
    squared = np.square(x[:, None] - points).sum(2)
    return np.log(np.exp(-squared / (2 * sigma**2)).mean(1)) - points.shape[1] / 2 * np.log(2 * np.pi * sigma**2)


@pytest.mark.parametrize("sigma", [0.3, 1.0])
def test_the_exact_score_is_the_gradient_of_the_log_density(sigma: float) -> None:
    step = 1e-5
    by_hand = np.stack(
        [(log_density(PLACES + d, POINTS, sigma) - log_density(PLACES - d, POINTS, sigma)) / (2 * step)
         for d in step * np.eye(2)], axis=1,
    )  # fmt: skip
    np.testing.assert_allclose(SmoothedData(POINTS).score(PLACES, sigma), by_hand, rtol=1e-5, atol=1e-6)


def test_the_score_of_one_sample_is_a_straight_line_to_it() -> None:
    found = SmoothedData([[1.0, -2.0]]).score([[3.0, 0.0], [1.0, -2.0]], 0.5)
    np.testing.assert_allclose(found, [[-8, -8], [0, 0]])


def test_in_any_number_of_dimensions_and_far_from_data() -> None:
    points = np.random.default_rng(0).normal(size=(7, 5))
    far = 50 * np.ones((1, 5))
    mean = SmoothedData(points).mean(far, 0.1)
    np.testing.assert_allclose(mean, points[np.square(points - far).sum(1).argmin()][None], atol=1e-9)
    assert SmoothedData(points).mean(np.empty((0, 5)), 0.1).shape == (0, 5)


def test_the_density_on_a_grid_is_that_of_its_places() -> None:
    columns, rows = np.linspace(-1, 1, 4), np.linspace(-2, 0, 3)
    places = np.array([[x, y] for y in rows for x in columns])
    expected = np.exp(log_density(places, POINTS, 0.4)).reshape(3, 4)
    data = SmoothedData(POINTS)
    np.testing.assert_allclose(data.field(columns, rows, 0.4)[0], expected, rtol=1e-9)
    found = data.field(columns, rows, 0.4)[1]
    np.testing.assert_allclose(found, data.score(places, 0.4).reshape(3, 4, 2), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(data.field(columns, rows, 0.4, every=3)[1], found[1::3, 1::3])


def test_distances_are_those_to_the_nearest_sample() -> None:
    by_hand = np.linalg.norm(PLACES[:, None] - POINTS, axis=2).min(1)
    data = SmoothedData(POINTS)
    np.testing.assert_allclose(data.distance(PLACES), by_hand, rtol=1e-9)
    own = np.linalg.norm(POINTS[:, None] - POINTS, axis=2) + 1e9 * np.eye(len(POINTS))
    assert data.spacing == pytest.approx(np.quantile(own.min(1), 0.99))
    assert SmoothedData([[0.0, 0.0]]).spacing == 0


def test_agreement() -> None:
    exact = np.array([[1.0, 0.0], [0.0, 2.0]])
    assert score_agreement(exact, exact) == pytest.approx((1, 0))
    assert score_agreement(3 * exact, exact) == pytest.approx((1, 2))
    assert score_agreement(-exact, exact) == pytest.approx((-1, 2))
    assert score_agreement([[0.0, 1.0], [0.0, 2.0]], exact).cosine == pytest.approx(0.5)


def test_a_walk_ends_where_it_hardly_moves() -> None:
    def halfway(x: np.ndarray) -> np.ndarray:
        return x / 2

    way = walk((8.0, 0.0), halfway, shortest=0.9)
    np.testing.assert_allclose(way[:, 0], [8, 4, 2, 1, 0.5])
    assert len(walk((8.0, 0.0), halfway, shortest=0, most=6)) == 7


def test_a_walk_along_the_exact_score_climbs_to_the_data() -> None:
    data = SmoothedData(load_dataset("two-moons").train.x)
    start = np.array([0.0, -0.1])
    way = walk(start, lambda x: data.mean(x, 0.1), shortest=0.005)
    climbed = log_density(way, data.points, 0.1)
    assert (np.diff(climbed) > 0).all()
    assert data.distance(way[:1])[0] > 3 * data.spacing > data.spacing > data.distance(way[-1:])[0]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: SmoothedData([1.0, 2.0]), "points must be finite"),
        (lambda: SmoothedData([[np.nan, 1.0]]), "points must be finite"),
        (lambda: SmoothedData(POINTS).score(PLACES, 0), "sigma must be above 0, got 0"),
        (lambda: SmoothedData(POINTS).score(PLACES[:, :1], 0.1), r"x must be \(n, 2\)"),
        (lambda: SmoothedData(np.eye(3)).field([0.0], [0.0], 1.0), r"points must be \(m, 2\)"),
        (lambda: score_agreement(PLACES, PLACES[:3]), "learned and exact must be"),
    ],
)
def test_what_cannot_be_is_refused(call: object, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        call()  # type: ignore[operator]


# what a net learns


def test_it_adds_the_level_times_what_it_found_to_what_it_was_given() -> None:
    torch.manual_seed(0)
    spec = load_dataset("two-moons").spec
    small, large = (ScoreAutoencoder(ScoreConfig(hidden=(8,), level=level), spec) for level in (0.1, 0.2))
    large.load_state_dict(small.state_dict())
    x = torch.randn(5, 2)
    moved = [model.decode(model.encode(x).z) - x for model in (small, large)]
    assert moved[0].abs().max() > 0
    torch.testing.assert_close(moved[1], 2 * moved[0])
    torch.testing.assert_close(small.encode(x).z[:, :2], x)


def test_its_features_survive_half_precision() -> None:
    model = ScoreAutoencoder(ScoreConfig(), load_dataset("two-moons").spec)
    frequencies = next(b for name, b in model.named_buffers() if name.endswith("B"))
    assert torch.equal(frequencies, frequencies.half().float())


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"latent_dim": 2}, "latent_dim must be greater than 2, the number of values in a sample of two-moons"),
        ({"level": 0}, "level must be greater than 0"),
        ({"corruption": "masking"}, "corruption must be 'gaussian'"),
        ({"net": "conv"}, "net must be 'mlp'"),
        ({"loss": "bce"}, "loss must be 'auto' or 'mse'"),
    ],
)
def test_what_is_no_score_is_refused(knobs: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        ScoreAutoencoder(ScoreConfig(**knobs), load_dataset("two-moons").spec)


@pytest.mark.parametrize("name", ["two-moons", "swiss-roll", "pinwheel"])
def test_a_second_of_training_learns_the_score(name: str) -> None:
    """A third of the steps that a good one takes: benchmarks/score.py measures those."""
    data, sigma = load_dataset(name), 0.1
    torch.manual_seed(0)
    model = FAMILIES["score_dae"].make(ScoreConfig(hidden=(64,), level=sigma), data.spec)
    list(train(model, data, TrainingConfig(epochs=80, batch_size=512, device="cpu")))
    noisy = data.test.x + sigma * np.random.default_rng(0).standard_normal(data.test.x.shape).astype(np.float32)
    with torch.no_grad():
        restored = model.decode(model.encode(torch.from_numpy(noisy)).z).numpy()
    exact = SmoothedData(data.train.x).score(noisy, sigma)
    cosine, error = score_agreement((restored - noisy) / sigma**2, exact)
    assert cosine > 0.94 and error < 0.25


def test_the_last_weights_are_kept() -> None:
    """Noise on a few hundred validation samples decides which epoch seems best: it must not."""
    data = load_dataset("two-moons")
    torch.manual_seed(0)
    model = FAMILIES["score_dae"].make(ScoreConfig(hidden=(8,)), data.spec)
    *_, last = train(model, data, TrainingConfig(epochs=6, batch_size=512, learning_rate=0.02, device="cpu"))
    assert last.best_epoch == 6
