"""Data: every dataset can be looked at, and one that is missing says so and can be fetched."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from page_driver import alone, open_page, said
from streamlit.testing.v1 import AppTest
from waiting import PATIENCE, wait_until

from aeexplorer.config import ConfigError
from aeexplorer.data import (
    DATASETS,
    DataUnavailable,
    Factor,
    along,
    data_dir,
    factor_groups,
    is_grid,
    load_dataset,
    together,
)

__all__ = ["alone"]  # a fixture of every test here

HERE = ("digits", "shapes", "heartbeats", "breast-cancer", "wine", "two-moons", "swiss-roll", "pinwheel")


def page(dataset: str = "digits") -> AppTest:
    return open_page("data", dataset=dataset)


def view(app: AppTest, name: str) -> AppTest:
    return next(group for group in app.button_group if group.label == "View").set_value(name).run()


def progress(app: AppTest) -> str:
    return " ".join(bar.proto.text for bar in app.get("progress"))


@pytest.mark.parametrize("name", HERE)
@pytest.mark.long
def test_every_view_of_every_dataset(name: str) -> None:
    app = page(name)
    assert not app.exception and not app.error
    assert app.selectbox[0].value == name
    samples = said(app)
    for wanted in ("Factors", "Corruption") if DATASETS[name].spec.factors else ("Corruption",):
        view(app, wanted)
        assert not app.exception and not app.error
        assert said(app) != samples


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_a_missing_dataset_offers_its_download(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(name)
    assert not app.exception and not app.error
    assert "is not on this computer" in said(app)

    def refuse(*_: object) -> None:
        raise DataUnavailable("there is no network")

    monkeypatch.setattr("aeexplorer.data.downloads._fetch", refuse)
    next(b for b in app.button if b.label.startswith("Download")).click().run()
    wait_until(lambda: app.run().error)
    assert not app.exception
    assert "no network" in app.error[0].value
    assert any(b.label.startswith("Download") for b in app.button)


def test_a_running_download_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def slow(name: str, file: object, folder: object, advance: object) -> None:
        advance(1_000_000)  # type: ignore[operator]
        go_on.wait(PATIENCE)
        raise DataUnavailable("stopped")

    monkeypatch.setattr("aeexplorer.data.downloads._fetch", slow)
    app = page("mnist")
    next(b for b in app.button if b.label.startswith("Download")).click().run()
    wait_until(lambda: "1.0 of" in progress(app.run()))
    go_on.set()
    assert "1.0 of 11.6 MB" in progress(app)
    assert not app.exception


def test_a_dataset_that_cannot_be_fetched_says_where_it_belongs() -> None:
    app = page("ecg5000")
    assert not app.exception
    assert "TRAIN" in said(app)
    assert not any(b.label.startswith("Download") for b in app.button)


def test_a_damaged_file_is_a_sentence() -> None:
    folder = data_dir() / "ecg5000"
    folder.mkdir(parents=True)
    for part in ("TRAIN", "TEST"):
        (folder / f"ECG5000_{part}.tsv").write_text("1\t2\t3\n")
    app = page("ecg5000")
    assert not app.exception
    assert "ECG5000" in app.error[0].value


def test_samples_of_one_class_and_pages() -> None:
    app = page("digits")
    pages = next(n for n in app.number_input if n.label.startswith("Page of"))
    everyone = pages.max
    pages.set_value(everyone).run()
    next(b for b in app.selectbox if b.label == "Class").set_value("7").run()
    assert not app.exception
    assert next(n for n in app.number_input if n.label.startswith("Page of")).max < everyone


@pytest.mark.parametrize("asked", ["", "nothing", "../../etc/passwd", "MNIST"])
def test_an_unusual_link_opens_the_first_dataset(asked: str) -> None:
    app = page(asked)
    assert not app.exception
    assert app.selectbox[0].value == next(iter(DATASETS))


def test_along_varies_one_factor_and_no_other() -> None:
    shapes = load_dataset("shapes")
    assert is_grid(shapes) and not is_grid(load_dataset("heartbeats"))
    whole = together(shapes)
    places = along(whole, 1234, 2)
    assert 1234 in places
    values = whole.factors[places]
    assert len(places) == 25 and (np.diff(values[:, 2]) > 0).all()
    assert (np.delete(values, 2, axis=1) == np.delete(values[0], 2)).all()
    with pytest.raises(ConfigError, match="factors"):
        along(load_dataset("digits").test, 0, 0)


def test_groups_of_a_factor() -> None:
    group, names = factor_groups([3.0, 1.0, 3.0], Factor(name="size"))
    assert group.tolist() == [1, 0, 1] and names == ("1", "3")
    group, names = factor_groups(np.arange(100.0), Factor(name="rate"))
    assert len(names) == 5 and np.bincount(group).tolist() == [20] * 5
    with pytest.raises(ConfigError, match="finite"):
        factor_groups([np.nan], Factor(name="rate"))
