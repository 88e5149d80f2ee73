"""Generators of our own: whatever else draws random numbers, in this thread or another, changes nothing and is not
changed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from test_families import small

from aeexplorer import noise
from aeexplorer.data import Dataset
from aeexplorer.explorer import Explorer
from aeexplorer.families import FAMILIES
from aeexplorer.runs.recording import train_run
from aeexplorer.runs.request import new_run
from aeexplorer.runs.run import Run
from aeexplorer.training.config import TrainingConfig
from aeexplorer.training.evaluation import evaluate, rate_distortion
from aeexplorer.training.plan import make_plan, train_plan

Tiny = Callable[[str], Dataset]
every_family = pytest.mark.parametrize("name", FAMILIES)
State = dict[str, torch.Tensor]


def trained(name: str, data: Dataset, seed: int = 0, **knobs: object) -> tuple[State, dict[str, float]]:
    """Weights and test figures of a short training, all in memory."""
    row, config = FAMILIES[name], small(name, data).replace(dropout=0.1, **knobs)
    training = TrainingConfig(epochs=3, batch_size=8, seed=seed)
    with noise.building(seed):
        model = row.make(config, data.spec)
    for _ in train_plan(model, data, make_plan(row, config, training, data.spec)):
        pass
    return model.state_dict(), evaluate(model, data.test, seed)


def same(a: State, b: State) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


@every_family
def test_initial_weights_are_those_of_the_default_generator_with_this_seed(name: str, tiny: Tiny) -> None:
    data = tiny("grey")
    torch.manual_seed(5)
    expected = FAMILIES[name].make(small(name, data), data.spec).state_dict()
    torch.manual_seed(6)
    with noise.building(5):
        found = FAMILIES[name].make(small(name, data), data.spec).state_dict()
    assert same(found, expected)


@every_family
def test_a_training_neither_reads_nor_changes_the_callers_random_state(name: str, tiny: Tiny) -> None:
    data, results = tiny("grey"), []
    for seed in (1, 2):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - the state of a caller who does
        before, others = torch.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[index]  # noqa: NPY002
        results.append(trained(name, data))
        assert torch.equal(torch.get_rng_state(), before)
        assert (np.random.get_state()[1] == others).all()  # type: ignore[index]  # noqa: NPY002
    assert same(results[0][0], results[1][0]) and results[0][1] == results[1][1]


@pytest.fixture
def unrest() -> Iterator[None]:
    """Another thread that draws from torch's default generator a thousand times a second."""
    over = threading.Event()

    def draw() -> None:
        while not over.wait(0.001):  # without a pause it keeps the interpreter from those that are tested
            torch.rand(3)
            torch.manual_seed(0)

    thread = threading.Thread(target=draw)
    thread.start()
    yield
    over.set()
    thread.join()


@pytest.mark.usefixtures("unrest")
def test_trainings_in_threads_are_the_same_trainings_alone(tiny: Tiny) -> None:
    data, names = tiny("grey"), ["vae", "dae", "vqvae", "aae", "multirate_vae", "cvae"]
    alone = [trained(name, data, seed=i) for i, name in enumerate(names)]
    with ThreadPoolExecutor(len(names)) as pool:
        together = list(pool.map(lambda i: trained(names[i], data, seed=i), range(len(names))))
    for (weights, figures), (found, found_figures) in zip(alone, together, strict=True):
        assert same(weights, found) and figures == found_figures


@pytest.mark.usefixtures("unrest")
@pytest.mark.long
def test_recorded_trainings_in_threads_are_the_same_alone(tiny: Tiny) -> None:
    data = tiny("grey")

    def weights(seed: int) -> bytes:
        run = train_run(
            new_run("vae", data, hidden=(16,), latent_dim=4, epochs=3, batch_size=8, seed=seed), data, False
        )
        return run.weights_path.read_bytes()

    alone = [weights(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(weights, range(4))) == alone


@pytest.fixture
def explorer(tiny: Tiny) -> Explorer:
    data = tiny("grey")
    return Explorer(train_run(new_run("vae", data, latent_dim=4, hidden=(16,), epochs=2), data, bar=False))


@pytest.mark.usefixtures("unrest")
def test_figures_in_threads_have_one_answer(explorer: Explorer, tiny: Tiny) -> None:
    data = tiny("grey")

    def ask(i: int) -> tuple[float, ...]:
        if i % 2:
            return tuple(evaluate(explorer._model, data.test, nll=5).values())
        return tuple(float(v) for v in rate_distortion(explorer._model, data.test)["kl"])

    expected = [ask(0), ask(1)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(80)))
    assert all(answer == expected[i % 2] for i, answer in enumerate(answers))


def test_a_model_is_opened_without_drawing(explorer: Explorer) -> None:
    before = torch.get_rng_state()
    again = Explorer(Run(explorer.run.path))
    assert torch.equal(torch.get_rng_state(), before)
    assert same(again._model.state_dict(), explorer._model.state_dict())


def test_dropout_is_that_of_torch() -> None:
    x = torch.linspace(-1, 1, 4_000).reshape(40, 100)
    torch.manual_seed(3)
    expected = torch.nn.functional.dropout(x, 0.3, training=True)
    own = noise.Dropout(0.3)
    with noise.seeded(3):
        assert torch.equal(own(x), expected)
    assert torch.equal(own.eval()(x), x)


@pytest.fixture
def doubles() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@every_family
def test_a_default_dtype_of_float64_changes_nothing(name: str, tiny: Tiny, request: pytest.FixtureRequest) -> None:
    data = tiny("grey")
    expected = trained(name, data)
    request.getfixturevalue("doubles")
    weights, figures = trained(name, data)
    assert same(weights, expected[0]) and figures == expected[1]


def test_an_explorer_under_a_default_dtype_of_float64_gives_the_same(
    explorer: Explorer, tiny: Tiny, request: pytest.FixtureRequest
) -> None:
    x = tiny("grey").test.x
    expected = explorer.reconstruct(x), explorer.sample(3)
    request.getfixturevalue("doubles")
    again = Explorer(Run(explorer.run.path))
    for found, wanted in zip((again.reconstruct(x), again.sample(3)), expected, strict=True):
        assert found.dtype == np.float32 and (found == wanted).all()
