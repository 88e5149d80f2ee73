"""The page that trains: choices, costs, refusals, one run a click, and the film of what was trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from aeexplorer import jobs
from aeexplorer.data import DATASETS, Dataset, load_dataset
from aeexplorer.families import FAMILIES
from aeexplorer.models.base import ModelConfig
from aeexplorer.nets import parameter_count
from aeexplorer.runs.listing import list_runs
from aeexplorer.runs.log import Follower
from aeexplorer.runs.recording import train_run
from aeexplorer.runs.request import new_run
from aeexplorer.runs.run import Run
from aeexplorer.training.estimation import Estimate, estimate, suggested
from aeexplorer.training.loop import TrainingConfig
from aeexplorer.training.plan import DialSpec

SHELL = str(Path(__file__).parents[1] / "aeexplorer" / "ui" / "shell.py")


@pytest.fixture(autouse=True)
def no_workers(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """Pages here ask for workers and get none; `test_jobs` and `test_browser` start real ones."""
    asked: list[Run] = []
    monkeypatch.setattr(jobs, "supervise", lambda: None)
    monkeypatch.setattr(jobs, "start", lambda run, *more: asked.append(run))
    return asked


def open_page(**query: str) -> AppTest:
    app = AppTest.from_file(SHELL, default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    app.switch_page("../../pages/train.py")
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def sentences(app: AppTest) -> str:
    return " ".join(e.value for e in [*app.error, *app.warning, *app.info, *app.markdown, *app.caption]).replace(
        "\\", ""
    )


def start_button(app: AppTest) -> object:
    return app.button(key="train.start")


@pytest.fixture
def trained() -> Run:
    return train_run(
        new_run("vae", load_dataset("digits"), epochs=3, hidden=(16,), latent_dim=3), load_dataset("digits"), bar=False
    )


def test_it_offers_every_dataset_and_family_and_says_what_it_costs() -> None:
    app = open_page()
    assert not app.exception
    assert app.selectbox(key="train.dataset").options == [s.spec.title for s in DATASETS.values()]
    assert app.selectbox(key="train.family").options == [f.title for f in FAMILIES.values()]
    assert "parameters" in sentences(app)
    assert not start_button(app).disabled


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_can_be_set_up(family: str) -> None:
    app = open_page(family=family, dataset="wine")
    assert not app.exception
    assert not app.error
    fields = type(FAMILIES[family].config).model_fields
    own = {name for name in set(fields) - set(ModelConfig.model_fields) if not fields[name].json_schema_extra}
    shown = {w.key.rpartition(".")[2] for w in [*app.number_input, *app.selectbox, *app.text_input] if w.key}
    assert own <= shown
    assert app.selectbox(key=f"train.wine.{family}.net").options == ["Mlp"], "a table has no convolutions"


def test_a_click_makes_one_run_that_the_link_names(no_workers: list[Run]) -> None:
    app = open_page()
    start_button(app).click().run()
    assert [r.path for r in no_workers] == [r.path for r in list_runs()]
    assert app.query_params["job"] == list_runs()[0].path.name
    assert not app.exception


def test_of_a_double_click_the_second_does_nothing(no_workers: list[Run]) -> None:
    def clicked_twice() -> None:
        from aeexplorer.ui import train

        for _ in range(2):
            train._start("digits", "ae", "", {}, 1.0)

    app = AppTest.from_function(clicked_twice).run()
    assert not app.exception
    assert len(list_runs()) == len(no_workers) == 1


@pytest.mark.parametrize(("family", "knob"), [("vae", "beta"), ("dae", "level")])
def test_a_dial_costs_all_its_stops_and_is_started_as_it_is_set_up(
    family: str, knob: str, no_workers: list[Run]
) -> None:
    app = open_page(dataset="digits", family=family)
    single = sentences(app)
    app.toggle(key=f"train.digits.{family}.{knob}.dial").set_value(True).run()
    app.text_input(key=f"train.digits.{family}.{knob}.stops").set_value("0.2, 0.5, 1").run()
    app.number_input(key=f"train.digits.{family}.{knob}.epochs").set_value(30).run()
    assert not app.exception and not app.error
    assert sentences(app) != single
    copied = app.code[0].value
    assert f'dial=DialSpec(knob="{knob}", stops=(0.2, 0.5, 1.0), epochs_per_stop=30)' in copied
    compile(copied, "copied", "exec")
    start_button(app).click().run()  # type: ignore[attr-defined]
    assert not app.exception
    (run,) = no_workers
    assert run.spec.dial == DialSpec(knob=knob, stops=(0.2, 0.5, 1.0), epochs_per_stop=30)


@pytest.mark.parametrize(("stops", "words"), [("1, 0.5", "must ascend"), ("0, 1", "must be above 0"), ("a", "numbers")])
def test_stops_that_are_none_are_refused_with_a_sentence(stops: str, words: str) -> None:
    app = open_page(dataset="digits", family="vae")
    app.toggle(key="train.digits.vae.beta.dial").set_value(True).run()
    app.text_input(key="train.digits.vae.beta.stops").set_value(stops).run()
    assert not app.exception
    assert words in sentences(app)


def test_a_family_without_such_a_knob_is_no_dial() -> None:
    app = open_page(dataset="digits", family="ae")
    assert not [t for t in app.toggle if t.label == "Train as a dial"]


def test_what_cannot_be_trained_is_refused_with_a_sentence() -> None:
    app = open_page()
    app.number_input(key="train.digits.ae.batch_size").set_value(60_000).run()
    start_button(app).click().run()
    assert "batch_size must be at most 1257" in sentences(app)
    assert list_runs() == []
    app.text_input(key="train.digits.ae.hidden").set_value("many").run()
    assert "hidden must be whole numbers separated by commas, got 'many'" in sentences(app)
    assert not app.exception


def test_what_costs_too_much_is_refused_with_the_estimate(
    monkeypatch: pytest.MonkeyPatch, no_workers: list[Run]
) -> None:
    monkeypatch.setenv("AEEXPLORER_MEMORY_MB", "450")
    app = open_page()
    assert not start_button(app).disabled
    app.number_input(key="train.digits.ae.latent_dim").set_value(4096).run()
    app.text_input(key="train.digits.ae.hidden").set_value("4096").run()
    assert start_button(app).disabled
    assert "would need 1.2 GB of memory, limit 0.5 GB" in sentences(app)
    app.text_input(key="train.digits.ae.hidden").set_value("64").run()
    assert not start_button(app).disabled
    assert no_workers == list_runs() == []


def test_costs_follow_what_trainings_took_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aeexplorer.ui.train.estimate", lambda *_: Estimate(1, 4, 4, 1, 1, seconds=7200.0))
    assert "about 2.0 hours on this machine" in sentences(open_page())
    monkeypatch.setattr(jobs, "pace", lambda: 3.0)
    assert "about 6.0 hours on this machine" in sentences(open_page())
    monkeypatch.setenv("AEEXPLORER_HOURS", "5")
    app = open_page()
    assert "would take 6 hours, limit 5" in sentences(app)
    assert start_button(app).disabled


def test_missing_data_are_offered_for_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AEEXPLORER_DATA_DIR", str(tmp_path / "nothing"))
    app = open_page(dataset="mnist")
    assert "MNIST is not on this machine. It is fetched once and kept." in sentences(app)
    assert [b.label for b in app.button if b.label == "Download, 12 MB"]
    assert start_button(app).disabled
    assert not app.exception


@pytest.mark.parametrize("job", ["nobody", "../../etc", "%00", "x" * 5_000, "<script>"])
def test_a_link_to_no_run_says_so_and_shows_the_choices(job: str) -> None:
    app = open_page(job=job)
    assert not app.exception
    assert "This training cannot be shown" in sentences(app)
    assert start_button(app) is not None


def test_the_film_of_a_finished_run_can_be_scrubbed(trained: Run) -> None:
    app = open_page(job=trained.id)
    assert not app.exception
    slider = app.select_slider[0]
    assert slider.options == ["1", "2", "3"]
    last = figures(app)
    assert last["Training loss"] == f"{sum(trained.epochs()[2]['train'].values()):.3g}"
    slider.set_value(1).run()
    assert not app.exception
    assert figures(app)["Training loss"] == f"{sum(trained.epochs()[0]['train'].values()):.3g}"
    assert figures(app)["Test MSE"] == last["Test MSE"] != "–"


def figures(app: AppTest) -> dict[str, str]:
    import re

    shown = "".join(e.proto.body for e in app.get("html"))
    return dict(re.findall(r'data-figure="([^"]*)">([^<]*)<', shown))


def test_a_damaged_film_is_a_sentence(trained: Run) -> None:
    (trained.path / "snapshots" / "00003.safetensors").write_bytes(b"no tensors")
    app = open_page(job=trained.id)
    assert not app.exception
    assert "The film of this run cannot be shown" in sentences(app)


def test_an_interrupted_run_says_so_and_can_go_on(no_workers: list[Run]) -> None:
    run = new_run("ae", load_dataset("digits"))
    run.set_status(state="running", pid=2**22 + 1, process_started=1.0)
    app = open_page(job=run.id)
    assert not app.exception
    assert "Interrupted: the process that worked on it ended without a word" in sentences(app)
    app.button(key="train.continue").click().run()
    assert [r.path for r in no_workers] == [run.path]


def test_a_failed_run_says_why() -> None:
    run = new_run("ae", load_dataset("digits"))
    run.set_status(state="failed", reason="reconstruction became nan at step 7; try a learning rate below 1")
    app = open_page(job=run.id)
    assert not app.exception
    assert "Failed: reconstruction became nan at step 7; try a learning rate below 1" in sentences(app)


def test_suggestions_give_some_2000_steps_and_fit_every_dataset() -> None:
    for source in DATASETS.values():
        for row in FAMILIES.values():
            if "label" in row.traits and not source.spec.classes:
                continue
            config, training = suggested(row, source.spec, source.n_train)
            steps = -(-source.n_train // training.batch_size) * training.epochs
            assert training.batch_size <= source.n_train
            assert 2_000 <= steps <= 10_000
            cost = estimate(row.name, config, training, source.spec, source.n_train, source.n_validation)
            assert cost.steps == steps
            assert 0 < cost.seconds < 3_600


def test_an_estimate_counts_what_a_model_has(tiny: Callable[[str], Dataset]) -> None:
    data = tiny("grey")
    config = ModelConfig(hidden=(32,), latent_dim=4)
    cost = estimate("ae", config, TrainingConfig(epochs=3, batch_size=10), data.spec, 24, 12)
    model = FAMILIES["ae"].make(config, data.spec)
    assert cost.parameters == parameter_count(model)
    assert cost.steps == 9
    # products: 2 flops per weight and sample forward, twice that backward, but none for the gradient of the input
    weights = 64 * 32 + 32 * 4 + 4 * 32 + 32 * 64
    assert cost.flops == 10 * (6 * weights - 2 * 64 * 32)
    longer = estimate("ae", config, TrainingConfig(epochs=30, batch_size=10), data.spec, 24, 12)
    assert longer.seconds == pytest.approx(10 * cost.seconds)


def test_an_estimate_is_of_the_training_and_not_of_the_thread_that_asks(
    tiny: Callable[[str], Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    data = tiny("grey")
    one, two, four = (
        estimate("ae", ModelConfig(), TrainingConfig(threads=threads), data.spec, 24, 12).seconds
        for threads in (1, 2, 4)
    )
    assert two < one and four == two


def test_a_follower_reads_each_event_once(trained: Run) -> None:
    follower = Follower(trained).read()
    assert sorted(follower.epochs) == [1, 2, 3]
    trained.append({"type": "epoch", "epoch": 2, "train": {"reconstruction": 0.5}})
    assert follower.read().epochs[2]["train"] == {"reconstruction": 0.5}
    assert [row["epoch"] for row in follower.curve()] == [1, 2, 3]
    trained.append(
        {"type": "progress", "epoch": 3, "epochs": 4, "step": 5, "steps": 8, "train": {"reconstruction": 1.0}}
    )
    assert [row["epoch"] for row in follower.read().curve()] == [1, 2, 2.5]
