"""The β page: which runs it shows, the same numbers in Python, fresh models and their marks, and a dial that still
grows."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from page_driver import alone, open_page, orphaned, said, trained
from streamlit.testing.v1 import AppTest

import aeexplorer as ae
from aeexplorer import jobs
from aeexplorer.live import open_runs
from aeexplorer.live.frame import Frame
from aeexplorer.runs.dial import Mark, save_marks
from aeexplorer.runs.recording import train_run
from aeexplorer.runs.request import new_run
from aeexplorer.runs.run import Run
from aeexplorer.training.plan import DialSpec
from aeexplorer.ui import beta as parts
from aeexplorer.ui.shared.run_progress import growth

pytestmark = pytest.mark.long

__all__ = ["alone"]  # a fixture of every test here


@pytest.fixture(autouse=True)
def nothing_open() -> None:
    open_runs.OPEN_RUNS.close()


def dial(latent_dim: int = 4, stops: tuple[float, ...] = (0.1, 1.0, 10.0), dataset: str = "digits") -> Run:
    data = ae.load_dataset(dataset)
    spec = DialSpec(knob="beta", stops=stops, epochs_per_stop=1)
    return train_run(new_run("vae", data, dial=spec, epochs=1, hidden=(16,), latent_dim=latent_dim), data, bar=False)


def beta(**query: str) -> AppTest:
    return open_page("beta", **query)


def fresh_button(app: AppTest) -> object:
    return next(b for b in app.button if b.key == "beta.fresh")


def test_without_a_dial_it_says_so_and_leads_to_one() -> None:
    trained("vae")
    app = beta()
    assert not app.exception
    assert "no β dial yet" in app.info[0].value
    assert not app.selectbox


def test_the_lines_of_python_give_the_numbers_at_the_foot() -> None:
    run = dial()
    app = beta(run=run.id, beta="2.5", seed="3")
    assert not app.exception and not app.error
    given: dict[str, np.ndarray] = {}
    exec(app.code[0].value, given)
    d, r = float(given["distortion"]), float(given["rate"])
    assert f"{d:.1f} + 2.5 × {r:.1f} = {d + 2.5 * r:.1f} nats (sum over 64 pixels, mean over 270" in said(app)
    assert f"β per pixel {2.5 / 64:.2g}" in said(app)
    frame = parts.frame_of({"run": run.id, "samples": [{"index": 0}] * 10, "value": 2.5, "seed": 3})
    np.testing.assert_allclose(frame.arrays["prior"][0] / 255, given["samples"][0], atol=0.003)


@pytest.mark.parametrize(
    "query",
    [
        {"beta": "nan", "seed": "-3", "samples": "class-99", "sample": "1e9"},
        {"beta": "1e400", "seed": "9" * 60, "run": "../../etc/passwd"},
        {"beta": "", "seed": "", "samples": "drawn"},
        {"beta": "0.0001"},
    ],
)
def test_an_unusual_link_is_ignored_or_kept_in_bounds(query: dict[str, str]) -> None:
    dial()
    app = beta(**query)
    assert not app.exception and not app.error
    assert 0.1 <= float(app.query_params["beta"]) <= 10


def test_the_map_is_that_of_the_two_dimensional_twin() -> None:
    run = dial()
    assert parts.twin_of(run) is None
    twin = dial(latent_dim=2)
    dial(latent_dim=2, dataset="heartbeats")
    found = parts.twin_of(run)
    assert found is not None and found.id == twin.id
    assert parts.twin_of(twin) is None
    for file in (twin.path / "dial").iterdir():
        file.write_bytes(b"not a tensor")
    open_runs.OPEN_RUNS.close()
    assert parts.twin_of(run) is None


def test_a_model_trained_at_one_beta_becomes_a_mark_and_others_do_not() -> None:
    run = dial()
    save_marks(run.path, [Mark(value=0.5, distortion=20, rate=5, active_units=4, seed=1, steps=100)])
    fresh = trained("vae", latent_dim=4, beta=3.0, warmup=0.25)
    trained("vae", latent_dim=5, beta=3.0)
    trained("vae", "wine", latent_dim=4, beta=3.0)
    model = open_runs.explorer(run.id)
    marks = parts.marks_of(model)
    assert [m.value for m in marks] == [0.5, 3.0]
    assert marks[1].distortion == pytest.approx(fresh.status.result["reconstruction"])
    assert "compared with theirs" in said(beta(run=run.id))
    assert parts.about_dial(model, marks).count("at β =") == 2


def test_what_is_said_of_a_multi_rate_vae_is_computed_from_its_figures() -> None:
    figures = {"value": 10.0, "gated_loss": 30.0, "loss": 25.0, "gated_active_units": 0, "active_units": 2, "units": 4}
    text = parts.about_multirate(Frame(readouts=figures | {"gated_samples": 270}))
    assert "has 0 active units, the dial 2 of 4" in text
    assert "5.0 nats (20.0%) higher" in text and "270 test samples" in text
    lower = parts.about_multirate(Frame(readouts=figures | {"gated_loss": 20.0, "gated_samples": 2000}))
    assert "lower" in lower and "2,000" in lower
    run, other = dial(), trained("multirate_vae", latent_dim=4)
    assert parts.same_data(run)[0].id == other.id
    app = beta(run=run.id, gated="true")
    assert not app.exception and "270 test samples" in said(app)


def test_the_button_starts_a_training_like_the_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Run] = []
    monkeypatch.setattr(jobs, "start", lambda run, *_, **__: started.append(run))
    run = dial()
    app = beta(run=run.id, beta="3")
    fresh_button(app).click().run()  # type: ignore[attr-defined]
    assert not app.exception and not app.error
    (made,) = started
    assert made.spec.dial is None and dict(made.config)["beta"] == 3
    assert made.config.model_dump(exclude={"beta", "warmup"}) == run.config.model_dump(exclude={"beta", "warmup"})
    assert made.spec.training.epochs == run.spec.training.epochs
    assert [other.id for other in parts.fresh_runs(run)] == [made.id]


def test_a_dial_with_one_snapshot_says_so_and_turns_as_soon_as_it_has_two() -> None:
    run = dial()
    kept = sorted((run.path / "dial").iterdir())
    away = [(file, file.read_bytes()) for file in kept[1:]]
    for file, _ in away:
        file.unlink()
    app = beta(run=run.id)
    assert not app.exception and not app.error
    assert "one snapshot so far, at β = 0.1" in app.info[0].value
    away[0][0].write_bytes(away[0][1])
    assert growth(run).stops == 2
    app = beta(run=run.id, beta="7")
    assert not app.exception and not app.info
    assert app.query_params["beta"] == "1"


def test_a_dial_without_a_snapshot_is_waited_for_while_it_is_trained(
    idle: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    dial()
    spec = DialSpec(knob="beta", stops=(0.1, 1.0), epochs_per_stop=1)
    coming = new_run("vae", ae.load_dataset("digits"), dial=spec, epochs=1, hidden=(16,))
    monkeypatch.setattr(jobs, "under_way", lambda run: run.id == coming.id)
    app = beta(run=coming.id)
    assert not app.exception and not app.selectbox
    assert "first snapshot" in app.info[0].value
    assert app.query_params["run"] == coming.id
    monkeypatch.setattr(jobs, "under_way", lambda run: False)
    assert beta(run=coming.id).selectbox


def test_without_the_dataset_it_says_what_is_missing() -> None:
    run = dial()
    orphaned(run)
    app = beta(run=run.id)
    assert not app.exception and not app.error
    assert "is not on this computer" in said(app)
    assert fresh_button(app).disabled  # type: ignore[attr-defined]


def test_damaged_runs_are_sentences() -> None:
    run = dial()
    for file in (run.path / "dial").iterdir():
        file.write_bytes(b"not a tensor")
    app = beta(run=run.id)
    assert not app.exception
    assert "cannot be opened" in app.error[0].value.replace("\\", "")
    shutil.rmtree(run.path / "dial")
    assert "no β dial yet" in beta().info[0].value


@pytest.mark.parametrize(("stops", "bent"), [((0.01, 1, 30), True), ((1, 10), False), ((0.1, 1), False)])
def test_most_of_the_travel_goes_to_what_can_be_seen(stops: tuple[float, ...], bent: bool) -> None:
    found = parts.bend(stops)
    assert bool(found) == bent
    assert not bent or found[1] == (0.5, 0.25)
