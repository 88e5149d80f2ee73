"""The page that trains: choices, costs, refusals, one run a click, and the film of what was trained."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button, TextInput
from waiting import PATIENCE

from aeexplorer import jobs
from aeexplorer.data import DATASETS, Dataset, load_dataset
from aeexplorer.data.spec import DataSpec
from aeexplorer.families import FAMILIES
from aeexplorer.flags import add_knobs, knobs_of
from aeexplorer.models.base import ModelConfig
from aeexplorer.nets import NETS, parameter_count
from aeexplorer.owners import local_owner
from aeexplorer.runs.listing import list_runs
from aeexplorer.runs.log import Follower
from aeexplorer.runs.recording import train_run
from aeexplorer.runs.request import new_run
from aeexplorer.runs.run import Run
from aeexplorer.training.config import TrainingConfig
from aeexplorer.training.estimation import MOST_EPOCHS, Estimate, estimate, suggested
from aeexplorer.training.plan import DialSpec
from aeexplorer.ui import train
from aeexplorer.ui.shared.knob_form import labelled
from aeexplorer.ui.shared.run_names import run_name

pytestmark = pytest.mark.long

SHELL = str(Path(__file__).parents[1] / "aeexplorer" / "ui" / "shell.py")


@pytest.fixture(autouse=True)
def no_workers(idle: None, monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """Pages here ask for workers and get none; `test_jobs` and `test_browser` start real ones."""
    asked: list[Run] = []
    monkeypatch.setattr(jobs, "start", lambda run, *more, **options: asked.append(run))
    return asked


def open_page(**query: str) -> AppTest:
    app = AppTest.from_file(SHELL, default_timeout=PATIENCE)
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


def field(app: AppTest, name: str, family: str = "ae", dataset: str = "digits") -> TextInput:
    """A field of the form by the name of its knob; those that a net reads have a key for each net."""
    net = next((f"{row.name}." for row in NETS.values() if name in row.knobs.model_fields), "")
    return app.text_input(key=f"train.{dataset}.{family}.{net}{name}")


def at_field(app: AppTest) -> list[str]:
    """The sentences at fields."""
    return [e.value.replace("\\", "")[5:-1] for e in app.caption if e.value.startswith(":red[")]


def start_button(app: AppTest) -> Button:
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
    dataset = "wine" if "vector" in FAMILIES[family].kinds else "digits"
    app = open_page(family=family, dataset=dataset)
    assert not app.exception
    assert not app.error
    fields = type(FAMILIES[family].config).model_fields
    own = {name for name in set(fields) - set(ModelConfig.model_fields) if not fields[name].json_schema_extra}
    shown = {w.key.rpartition(".")[2] for w in [*app.selectbox, *app.text_input, *app.toggle] if w.key}
    assert own <= shown
    if dataset == "wine":
        assert app.selectbox(key=f"train.wine.{family}.net").options == ["Fully connected (MLP)"], (
            "a table has no convolutions"
        )


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
    app.text_input(key=f"train.digits.{family}.{knob}.epochs_per_stop").set_value("30").run()
    assert not app.exception and not app.error
    assert sentences(app) != single
    copied = app.code[0].value
    assert f"dial=DialSpec(knob='{knob}', stops=(0.2, 0.5, 1.0), epochs_per_stop=30)" in copied
    compile(copied, "copied", "exec")
    start_button(app).click().run()
    assert not app.exception
    (run,) = no_workers
    assert run.spec.dial == DialSpec(knob=knob, stops=(0.2, 0.5, 1.0), epochs_per_stop=30)


@pytest.mark.parametrize(
    ("stops", "words"),
    [("1, 0.5", "Stops must ascend"), ("0, 1", "Stops must be above 0"), ("a", "Stops must be numbers")],
)
def test_stops_that_are_none_are_refused_with_a_sentence(stops: str, words: str) -> None:
    app = open_page(dataset="digits", family="vae")
    app.toggle(key="train.digits.vae.beta.dial").set_value(True).run()
    app.text_input(key="train.digits.vae.beta.stops").set_value(stops).run()
    assert not app.exception
    assert [words in sentence for sentence in at_field(app)] == [True]
    assert start_button(app).disabled


def test_a_family_without_such_a_knob_is_no_dial() -> None:
    app = open_page(dataset="digits", family="ae")
    assert not [t for t in app.toggle if t.label == "Train as a dial"]


WRONG = [
    ("epochs", "0", "Epochs must be at least 1, got 0"),
    ("epochs", "1e9", "Epochs must be at most 10000, got 1000000000"),
    ("epochs", "2,5", "Epochs must be a whole number, got '2,5'"),
    ("epochs", "", "Epochs must be a whole number, got ''"),
    ("batch_size", "0", "Batch size must be at least 1, got 0"),
    ("batch_size", "60000", "Batch size must be at most 1257, the training samples of digits, got 60000"),
    ("latent_dim", "100000", "Latent dimension must be at most 4096, got 100000"),
    ("dropout", "2", "Dropout must be at most 0.9, got 2"),
    ("dropout", "nan", "Dropout must be a number, got 'nan'"),
    ("seed", "-1", "Seed must be at least 0, got -1"),
    ("learning_rate", "0", "Learning rate must be above 0, got 0"),
    ("learning_rate", "1.000,5", "Learning rate must be a number, got '1.000,5'"),
    ("hidden", "abc", "Hidden layer sizes must be whole numbers, got 'abc'"),
    ("hidden", "0", "Hidden layer sizes must be at least 1, got 0"),
    ("hidden", "1 2 3 4 5 6 7 8 9", "Hidden layer sizes must be at most 8 numbers, got 9"),
]


@pytest.mark.parametrize(("name", "text", "sentence"), WRONG)
def test_what_is_typed_is_what_is_checked_at_its_field(name: str, text: str, sentence: str) -> None:
    app = open_page(dataset="digits", family="ae")
    field(app, name).set_value(text).run()
    assert not app.exception
    assert at_field(app) == [sentence]
    assert field(app, name).value == text
    assert start_button(app).disabled
    assert list_runs() == []


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("learning_rate", "0,05", 0.05),
        ("dropout", " .5 ", 0.5),
        ("epochs", "1e3", 1000),
        ("hidden", "64", (64,)),
        ("hidden", "64; 32", (64, 32)),
        ("hidden", "", ()),
    ],
)
def test_numbers_are_read_as_people_write_them(name: str, text: str, value: object, no_workers: list[Run]) -> None:
    app = open_page(dataset="digits", family="ae")
    field(app, name).set_value(text).run()
    assert not app.exception and at_field(app) == []
    start_button(app).click().run()
    (run,) = no_workers
    assert {**dict(run.config), **dict(run.spec.training)}[name] == value


def test_one_wrong_field_leaves_the_others_as_they_were_typed(no_workers: list[Run]) -> None:
    app = open_page(dataset="wine", family="ae")
    field(app, "epochs", dataset="wine").set_value("77").run()
    field(app, "hidden", dataset="wine").set_value("abc").run()
    assert field(app, "epochs", dataset="wine").value == "77"
    field(app, "hidden", dataset="wine").set_value("12").run()
    start_button(app).click().run()
    (run,) = no_workers
    assert run.spec.training.epochs == 77 and run.config.hidden == (12,)


def test_what_was_typed_is_there_after_another_page_and_another_net() -> None:
    app = open_page(dataset="digits", family="ae")
    field(app, "hidden").set_value("99").run()
    app.selectbox(key="train.digits.ae.net").set_value("conv").run()
    app.switch_page("../../pages/runs.py").run()
    app.switch_page("../../pages/train.py").run()
    app.selectbox(key="train.digits.ae.net").set_value("mlp").run()
    assert field(app, "hidden").value == "99"


class InventedConfig(ModelConfig):
    """A configuration with a knob of each kind that the form has a widget for."""

    tied: bool = Field(False, description="Whether the decoder shares the encoder's weights")
    bottleneck: int | None = Field(None, ge=1, le=9, description="Units between them")
    decay: float | None = Field(0.5, gt=0, description="Decay")
    tag: str = Field("first", max_length=6, description="A word")
    mode: Literal["soft", "hard"] | None = Field(None, description="A choice, or none")


@pytest.fixture
def invented(monkeypatch: pytest.MonkeyPatch) -> None:
    row = replace(FAMILIES["ae"], name="invented", title="Invented", config=InventedConfig())
    monkeypatch.setitem(FAMILIES, "invented", row)


def test_switches_optional_numbers_texts_and_choices_have_their_widgets(invented: None, no_workers: list[Run]) -> None:
    app = open_page(dataset="digits", family="invented")
    key = "train.digits.invented"
    assert not app.exception
    assert (app.toggle(key=f"{key}.tied").value, app.selectbox(key=f"{key}.mode").options) == (
        False,
        ["Soft", "Hard", "None"],
    )
    texts = {name: field(app, name, "invented") for name in ("bottleneck", "decay", "tag")}
    assert [box.value for box in texts.values()] == ["", "0.5", "first"]
    texts["bottleneck"].set_value("10").run()
    texts["tag"].set_value("too long").run()
    assert at_field(app) == ["Bottleneck must be at most 9, got 10", "Tag must be at most 6 characters, got too long"]
    assert start_button(app).disabled
    for name, text in (("bottleneck", "7"), ("decay", ""), ("tag", "12")):
        field(app, name, "invented").set_value(text)
    app.toggle(key=f"{key}.tied").set_value(True)
    app.selectbox(key=f"{key}.mode").set_value("hard").run()
    start_button(app).click().run()
    (run,) = no_workers
    wanted = {"tied": True, "bottleneck": 7, "decay": None, "tag": "12", "mode": "hard"}
    assert {name: dict(run.config)[name] for name in wanted} == wanted
    again = open_page(job=run.id)
    again.button(key="train.reuse").click().run()
    assert not again.exception and again.toggle(key=f"{key}.tied").value is True
    assert [field(again, name, "invented").value for name in texts] == ["7", "", "12"]
    again.selectbox(key=f"{key}.mode").set_value("").run()
    start_button(again).click().run()
    assert dict(no_workers[-1].config) == dict(run.config) | {"mode": None}


def test_the_command_line_takes_the_same_kinds_of_knobs(invented: None) -> None:
    parser = argparse.ArgumentParser()
    add_knobs(parser, InventedConfig(), "invented")
    given = ["--tied", "true", "--bottleneck", "none", "--decay", "0.25", "--tag", "12", "--mode", "none"]
    config = InventedConfig(**knobs_of(parser.parse_args(given), InventedConfig))
    assert (config.tied, config.bottleneck, config.decay, config.tag, config.mode) == (True, None, 0.25, "12", None)


def test_another_net_shows_what_is_suggested_for_it(monkeypatch: pytest.MonkeyPatch, no_workers: list[Run]) -> None:
    suggestion = {"channels": (3, 5), "learning_rate": 0.02}
    monkeypatch.setitem(NETS, "conv", replace(NETS["conv"], suggest=lambda spec: suggestion))
    app, key = open_page(dataset="digits", family="ae"), "train.digits.ae"
    assert field(app, "hidden").value == "128, 64" and field(app, "learning_rate").value == "0.002"
    field(app, "learning_rate").set_value("0.003").run()
    app.selectbox(key=f"{key}.net").set_value("conv").run()
    assert app.text_input(key=f"{key}.conv.learning_rate").value == "0.02" and field(app, "channels").value == "3, 5"
    start_button(app).click().run()
    assert (no_workers[0].config.channels, no_workers[0].spec.training.learning_rate) == ((3, 5), 0.02)
    again = open_page(job=no_workers[0].id)
    again.button(key="train.reuse").click().run()
    assert again.text_input(key=f"{key}.conv.learning_rate").value == "0.02"
    again.selectbox(key=f"{key}.net").set_value("mlp").run()
    assert field(again, "learning_rate").value == "0.002" and field(again, "hidden").value == "128, 64"


def test_few_convolutions_are_suggested_for_small_pictures() -> None:
    spec = DataSpec(name="x", title="x", kind="image", shape=(2, 2), value_range=(0.0, 1.0))
    config, training = suggested(FAMILIES["ae"], spec, 100, "conv")
    assert (config.net, config.channels) == ("conv", (32,)) and training.batch_size == 16
    assert FAMILIES["ae"].shapes(config, spec)


def test_a_click_starts_what_was_typed_last(no_workers: list[Run]) -> None:
    app = open_page(dataset="digits", family="ae")
    field(app, "epochs").set_value("7")  # the field loses the cursor to the button: both arrive together
    start_button(app).click().run()
    assert [run.spec.training.epochs for run in no_workers] == [7]
    wrong = open_page(dataset="digits", family="ae")
    wrong.session_state["train.job"] = None
    field(wrong, "epochs").set_value("0")
    start_button(wrong).click().run()
    assert len(no_workers) == 1 and at_field(wrong) == ["Epochs must be at least 1, got 0"]


def test_a_loss_that_does_not_fit_the_data_is_not_offered() -> None:
    assert "Cross-entropy" in open_page(dataset="digits").selectbox(key="train.digits.ae.loss").options
    assert open_page(dataset="wine").selectbox(key="train.wine.ae.loss").options == [
        "Automatic",
        "Squared error",
        "Absolute error",
        "Squared error, learned variance",
    ]


def test_refusals_name_fields_by_their_labels() -> None:
    assert (
        labelled("hidden.0 must be greater than or equal to 1, got 0") == "Hidden layer sizes must be at least 1, got 0"
    )
    assert labelled("beta must be less than or equal to 32, got 40.0") == "β must be at most 32, got 40.0"
    said = labelled("the model would have 300 million parameters: use narrower layers or a smaller latent_dim")
    assert said.endswith("a smaller latent dimension")


def test_what_costs_too_much_is_refused_with_the_estimate(
    monkeypatch: pytest.MonkeyPatch, no_workers: list[Run]
) -> None:
    monkeypatch.setenv("AEEXPLORER_MEMORY_MB", "450")
    app = open_page()
    assert not start_button(app).disabled
    field(app, "latent_dim").set_value("4096").run()
    field(app, "hidden").set_value("4096").run()
    assert start_button(app).disabled
    assert re.search(r"would need 1,\d{3} MB of memory, limit 450 MB", sentences(app))
    field(app, "hidden").set_value("64").run()
    assert not start_button(app).disabled
    assert no_workers == list_runs() == []


def test_costs_follow_what_trainings_took_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aeexplorer.ui.train.estimate", lambda *_: Estimate(1, 4, 4, 1, 1, seconds=7200.0))
    assert "about 2.0 hours on this computer" in sentences(open_page())
    monkeypatch.setattr(jobs, "pace", lambda: 3.0)
    assert "about 6.0 hours on this computer" in sentences(open_page())
    monkeypatch.setenv("AEEXPLORER_HOURS", "5")
    app = open_page()
    assert "would take 6 hours, limit 5" in sentences(app)
    assert start_button(app).disabled


def test_missing_data_are_offered_for_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AEEXPLORER_DATA_DIR", str(tmp_path / "nothing"))
    app = open_page(dataset="mnist")
    assert "MNIST is not on this computer. It is downloaded once and kept." in sentences(app)
    assert [b.label for b in app.button if b.label == "Download, 12 MB"]
    assert start_button(app).disabled
    assert not app.exception


@pytest.mark.parametrize("job", ["nobody", "../../etc", "%00", "x" * 5_000, "<script>"])
def test_a_link_to_no_run_says_so_and_shows_the_choices(job: str) -> None:
    app = open_page(job=job)
    assert not app.exception
    assert "This training cannot be shown" in sentences(app)
    assert start_button(app) is not None


def test_the_replay_of_a_finished_run_can_be_scrubbed(trained: Run) -> None:
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


def test_the_epoch_of_the_replay_is_in_the_link(trained: Run) -> None:
    app = open_page(job=trained.id, epoch="2")
    assert not app.exception
    assert app.select_slider[0].value == 2
    assert figures(app)["Shown"] == "epoch 2"
    assert figures(app)["Weights kept and tested"] == f"epoch {trained.status.best_epoch}", (
        "the test figures are of that epoch"
    )


def test_a_new_training_can_be_set_up_from_every_state_of_a_run(trained: Run) -> None:
    waiting = new_run("ae", load_dataset("digits"))
    failed = new_run("ae", load_dataset("digits"))
    failed.set_status(state="failed", reason="of something")
    for run in (trained, waiting, failed):
        app = open_page(job=run.id)
        app.button(key="train.new").click().run()
        assert not app.exception
        assert start_button(app) is not None and "job" not in app.query_params


def test_the_settings_of_a_run_can_be_taken_into_the_form(no_workers: list[Run]) -> None:
    dial = DialSpec(knob="beta", stops=(0.2, 1.5), epochs_per_stop=3)
    run = new_run(
        "vae", load_dataset("wine"), dial=dial, epochs=31, hidden=(7, 5), latent_dim=3, loss="mse", learning_rate=0.0123
    )
    app = open_page(job=run.id)
    app.button(key="train.reuse").click().run()
    assert not app.exception and not app.warning
    start_button(app).click().run()
    (again,) = no_workers
    assert (again.config, again.spec.training, again.spec.dial) == (run.config, run.spec.training, dial)
    assert again.id != run.id


def test_a_finished_run_can_be_trained_further(trained: Run, no_workers: list[Run]) -> None:
    app = open_page(job=trained.id)
    app.button(key="train.further").click().run()
    assert not app.exception and not app.warning
    assert f"Starts from the weights of **{run_name(trained)}**" in sentences(app)
    field(app, "hidden", "vae").set_value("20").run()
    assert "fit only a model with the same layers" in sentences(app) and start_button(app).disabled
    field(app, "hidden", "vae").set_value("16").run()
    field(app, "epochs", "vae").set_value("9").run()
    assert f"start_from='{trained.id}'" in app.code[0].value
    start_button(app).click().run()
    (run,) = no_workers
    assert run.spec.parent == trained.id and run.spec.training.epochs == 9
    run.set_status(state="failed", reason="of something")
    assert f"from the weights of {run_name(trained)}" in "".join(
        e.proto.body for e in open_page(job=run.id).get("html")
    )
    weights = (model.state_dict() for model in (run.new_model(), trained.load_model()))
    assert all((a == b).all() for a, b in zip(*(w.values() for w in weights), strict=True))


def test_starting_from_weights_can_be_taken_back(trained: Run, no_workers: list[Run]) -> None:
    app = open_page(job=trained.id)
    app.button(key="train.further").click().run()
    app.button(key="train.scratch").click().run()
    start_button(app).click().run()
    (run,) = no_workers
    assert run.spec.parent == "" and run.config == trained.config


def test_other_trainings_of_the_same_person_are_a_click_away(
    trained: Run, monkeypatch: pytest.MonkeyPatch, no_workers: list[Run]
) -> None:
    monkeypatch.setattr(train, "current_owner", local_owner)
    other = new_run("ae", load_dataset("digits"), "The other one")
    for app in (open_page(), open_page(job=trained.id)):
        assert not app.exception
        app.button(key=f"train.watch.{other.id}").click().run()
        assert not app.exception
        assert app.title[0].value == "The other one" and app.query_params["job"] in (other.id, [other.id])


def test_early_stopping_is_said_and_the_best_epoch_is_marked() -> None:
    data = load_dataset("digits")
    knobs = {"epochs": 60, "patience": 2, "hidden": (8,), "learning_rate": 0.3, "schedule": "constant"}
    run = train_run(new_run("ae", data, **knobs), data, bar=False)
    assert run.status.epochs < 60, "the learning rate must be too large for this test to mean anything"
    app = open_page(job=run.id)
    assert f"Stopped early, after {run.status.epochs} of 60 epochs" in sentences(app)
    assert "the validation loss had not fallen for 2 epochs" in sentences(app)
    chart = next(e for e in app.get("plotly_chart") if "best: " in e.proto.spec)
    assert f"best: {run.status.best_epoch}" in chart.proto.spec


def test_a_denoiser_of_points_shows_the_corrupted_ones() -> None:
    data = load_dataset("two-moons")
    run = train_run(new_run("dae", data, epochs=2, hidden=(8,)), data, bar=False)
    charts = [json.loads(chart.proto.spec) for chart in open_page(job=run.id).get("plotly_chart")]
    points = {trace["name"]: trace for chart in charts for trace in chart["data"] if trace.get("name")}
    assert {"data", "corrupted", "reconstruction"} <= points.keys()
    assert points["corrupted"]["x"] != points["data"]["x"]


def test_a_denoiser_shows_the_corrupted_row() -> None:
    data = load_dataset("digits")
    run = train_run(new_run("dae", data, epochs=2, hidden=(8,)), data, bar=False)
    shown = "".join(e.proto.body for e in open_page(job=run.id).get("html"))
    assert [name for name in ("original", "corrupted", "reconstruction") if f">{name}<" in shown] == [
        "original",
        "corrupted",
        "reconstruction",
    ]


def test_a_collapse_is_said_with_its_numbers(trained: Run) -> None:
    trained.set_status(result={**trained.status.result, "active_units": 3.0, "kl": 5.0})
    assert "collapse" not in sentences(open_page(job=trained.id)).lower()
    trained.set_status(result={**trained.status.result, "active_units": 1.0, "kl": 0.4})
    said = sentences(open_page(job=trained.id))
    assert "Posterior collapse: 1 of 3 units active, R = 0.4 nats over the test split" in said


def test_grey_cross_entropy_is_no_likelihood(trained: Run) -> None:
    assert "The cross-entropy is measured on grey levels: even a perfect reconstruction has 13.7 nats" in sentences(
        open_page(job=trained.id)
    )


def test_nothing_needs_webgl(trained: Run) -> None:
    charts = open_page(job=trained.id).get("plotly_chart")
    assert len(charts) == 2
    assert not [chart for chart in charts if "scattergl" in chart.proto.spec]


def figures(app: AppTest) -> dict[str, str]:
    import re

    shown = "".join(e.proto.body for e in app.get("html"))
    return dict(re.findall(r'data-figure="([^"]*)">([^<]*)<', shown))


def test_a_model_without_a_replay_shows_its_figures(trained: Run) -> None:
    for file in (*(trained.path / "snapshots").glob("*"), trained.path / "events.jsonl"):
        file.unlink()
    app = open_page(job=trained.id)
    assert not app.exception and not app.error
    assert "The training replay of this model was not kept." in sentences(app)
    assert figures(app)["Test MSE"] == f"{trained.status.result['mse']:.3g}"
    assert not app.get("plotly_chart")


def test_a_damaged_replay_is_a_sentence(trained: Run) -> None:
    (trained.path / "snapshots" / "00003.safetensors").write_bytes(b"no tensors")
    app = open_page(job=trained.id)
    assert not app.exception
    assert "The training replay cannot be shown" in sentences(app)


def test_an_interrupted_run_says_so_and_can_go_on(no_workers: list[Run]) -> None:
    run = new_run("ae", load_dataset("digits"))
    run.set_status(state="running", pid=2**22 + 1, process_started=1.0)
    app = open_page(job=run.id)
    assert not app.exception
    assert "Interrupted: its worker vanished" in sentences(app)
    app.button(key="train.continue").click().run()
    assert [r.path for r in no_workers] == [run.path]


def test_a_failed_run_says_why() -> None:
    run = new_run("ae", load_dataset("digits"))
    run.set_status(state="failed", reason="reconstruction became nan at step 7; try a learning rate below 1")
    app = open_page(job=run.id)
    assert not app.exception
    assert "Failed: reconstruction became nan at step 7; try a learning rate below 1" in sentences(app)


def test_suggestions_give_some_2000_steps_and_fit_every_dataset() -> None:
    seen: set[str] = set()
    for source in DATASETS.values():
        for row in FAMILIES.values():
            if ("label" in row.traits and not source.spec.classes) or source.spec.kind not in row.kinds:
                continue
            config, training = suggested(row, source.spec, source.n_train)
            steps = -(-source.n_train // training.batch_size) * training.epochs
            assert training.batch_size <= source.n_train
            assert 2_000 <= steps <= 10_000 or (training.epochs == MOST_EPOCHS and steps < 2_000)
            if {source.name, row.name} <= seen:  # every dataset and every family is priced once
                continue
            seen |= {source.name, row.name}
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
    counts = {"epochs": 3, "step": 4, "steps": 6}
    trained.append({"type": "epoch", "epoch": 2, **counts, "train": {"reconstruction": 0.5}})
    assert follower.read().epochs[2]["train"] == {"reconstruction": 0.5}
    assert [row["epoch"] for row in follower.curve()] == [1, 2, 3]
    trained.append(
        {"type": "progress", "epoch": 3, "epochs": 4, "step": 5, "steps": 8, "train": {"reconstruction": 1.0}}
    )
    assert [row["epoch"] for row in follower.read().curve()] == [1, 2, 2.5]
