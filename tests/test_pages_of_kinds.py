"""Every page with every kind of samples: text, music whose samples are not here, sequences and tables."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from page_driver import alone, open_page, said, trained

import aeexplorer as ae
from aeexplorer.data import Dataset, Split, chorales
from aeexplorer.metrics.columns import most_moved, moved_columns
from aeexplorer.runs.run import Run

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("idle")]

__all__ = ["alone"]  # a fixture of every test here


def music() -> Run:
    """A run on chorales, which are not on this computer."""
    random = np.random.default_rng(0)
    x = random.integers(0, 47, (60, 64)).astype(np.uint8)
    data = Dataset(chorales.SPEC, *(Split(x[i], np.full(20, -1)) for i in np.split(np.arange(60), 3)))
    return ae.train("vae", data, epochs=1, batch_size=20, hidden=(8,), latent_dim=2, bar=False)


RUNS: dict[str, Callable[[], Run]] = {
    "text": lambda: trained("vae", "names", latent_dim=2, samples=400, batch_size=64),
    "music": music,
    "sequence": lambda: trained("vae", "heartbeats", latent_dim=2, samples=400, batch_size=64),
    "table": lambda: trained("vae", "wine", latent_dim=2, batch_size=32),
}
PAGES = ("home", "interpolate", "corruption", "generate", "reconstruct", "latent_map", "runs", "compare", "anomalies")


@pytest.mark.parametrize("kind", RUNS)
def test_every_page(kind: str) -> None:
    run = RUNS[kind]()
    for name in PAGES:
        app = open_page(name, run=run.id)
        assert not app.exception, (name, app.exception[0].value if app.exception else "")
        assert not app.error, (name, app.error[0].value if app.error else "")


@pytest.mark.parametrize("dataset", ["names", "molecules", "genes"])
@pytest.mark.parametrize("view", ["Samples", "Corruption", "Factors"])
def test_data_shows_symbols_and_wide_tables(dataset: str, view: str) -> None:
    views = [
        name for name in ("Samples", "Factors", "Corruption") if name != "Factors" or ae.DATASETS[dataset].spec.factors
    ]
    app = open_page("data", dataset=dataset)
    if view in views:
        app.session_state[f"view.{len(views)}"] = view
        app.run()
    assert not app.exception and not app.error
    assert ae.DATASETS[dataset].spec.licence in said(app)


def test_columns_of_a_table_stand_beside_pca() -> None:
    assert "no model of a table" in said(open_page("columns"))
    run = trained("ae", "wine", latent_dim=3, batch_size=32)
    app = open_page("columns", run=run.id)
    assert not app.exception and not app.error
    names: dict[str, object] = {}
    exec(str(app.code[0].value), names)
    assert len(set(names["columns"])) == 13  # type: ignore[call-overload]
    assert "Principal component 1" in said(app) and "Up: " in said(app)


def test_generated_texts_are_judged() -> None:
    run = trained("vae", "molecules", latent_dim=2, samples=300, batch_size=50)
    app = open_page("generate", run=run.id)
    app.button(key=f"texts.judged.{run.id}.button").click().run()
    assert not app.exception and not app.error
    shown = "".join(element.proto.body for element in app.get("html"))
    assert all(f'data-figure="{name}"' in shown for name in ("valid", "unique", "novel"))


def test_columns_that_move_are_found() -> None:
    weights = np.array([[0.0, 2.0, -5.0, 1.0], [9.0, 0.0, 0.0, 0.0]])
    z = np.random.default_rng(0).standard_normal((4_000, 2)) * [1.0, 3.0]
    moved = moved_columns(lambda codes: codes @ weights, z, 0)
    np.testing.assert_allclose(moved, 2 * weights[0], rtol=0.05)
    assert most_moved(moved, 2).tolist() == [2, 1]


@pytest.mark.parametrize("net", ["gru", "transformer"])
def test_a_training_is_watched_with_its_text(net: str) -> None:
    run = trained("dae", "names", net=net, corruption="masking", level=0.3, latent_dim=4, samples=200, batch_size=50)
    app = open_page("train", job=run.id)
    assert not app.exception and not app.error
    shown = "".join(element.proto.body for element in app.get("html"))
    assert "data:image/svg+xml" in shown and "corrupted" in shown


def test_networks_are_compared_before_a_start() -> None:
    app = open_page("train", dataset="digits", family="ae")
    app.toggle(key="train.digits.ae.nets").set_value(True).run()
    assert not app.exception
    table = app.table[0].value
    assert "Multiply-adds per sample" in table and any("separable" in name for name in table["Network"])


def test_a_student_asks_for_its_teacher() -> None:
    teacher = trained("ae", "digits", latent_dim=3)
    app = open_page("train", dataset="digits", family="student")
    app.selectbox(key="train.digits.teacher").set_value(teacher.reference).run()
    assert not app.exception and not app.error
    assert app.text_input(key="train.digits.student.latent_dim").value == "3"
    assert "start_from" in str(app.code[-1].value)
