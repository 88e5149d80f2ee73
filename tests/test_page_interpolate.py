"""Interpolate: walks between two samples, patches of three and four, runs beside each other, and what is taken
along."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from page_driver import alone, open_page, orphaned, said, trained
from streamlit.testing.v1 import AppTest

from aeexplorer.explorer import open_run
from aeexplorer.live.open_runs import find_open_run
from aeexplorer.live.scenes import render
from aeexplorer.runs.run import Run
from aeexplorer.ui.interpolate import path_python
from aeexplorer.ui.shared.exports import gif, mosaic
from aeexplorer.ui.shared.page_footer import opening
from aeexplorer.ui.shared.sample_picker import PickedSample, Stock, python_of

pytestmark = pytest.mark.long

__all__ = ["alone"]  # a fixture of every test here


def walk(**query: str) -> AppTest:
    return open_page("interpolate", **query)


def code(app: AppTest) -> str:
    return str(app.code[0].value)


def ran(python: str) -> dict[str, object]:
    """The names that the lines define."""
    names: dict[str, object] = {}
    exec(python, names)
    return names


def labelled(kind: object, label: str) -> object:
    return next(widget for widget in kind if widget.label == label)


def test_an_empty_home_leads_to_training() -> None:
    app = walk()
    assert not app.exception
    assert "no trained model" in said(app)


@pytest.mark.parametrize("ends", ["2", "3", "4"])
@pytest.mark.parametrize(
    ("family", "dataset", "latent_dim"),
    [("ae", "digits", 4), ("vae", "digits", 2), ("vqvae", "digits", 16), ("vae", "heartbeats", 3), ("ae", "wine", 1),
     ("ae", "two-moons", 1), ("ae", "swiss-roll", 2)],
)  # fmt: skip
def test_every_kind_of_data_and_code(family: str, dataset: str, latent_dim: int, ends: str) -> None:
    trained(family, dataset, latent_dim=latent_dim, batch_size=64)
    app = walk(ends=ends)
    assert not app.exception and not app.error


def test_the_lines_of_python_make_the_rows_that_are_shown() -> None:
    run, rival = trained(latent_dim=4), trained("ae", latent_dim=3)
    app = walk(run=run.id, compare=rival.id, sample="7", to="31", t="0.25")
    assert not app.exception and not app.error
    made = ran(code(app))
    params = {"run": run.id, "compare_run": rival.id, "a": {"index": 7}, "b": {"index": 31}, "t": 0.25}
    shown = render("interpolate", params).arrays
    rows = {"lerp": "line", "slerp": "circle", "compare_lerp": "theirs", "pixels": "fade"}
    for name, line in rows.items():
        np.testing.assert_allclose(np.asarray(made[line]) * 255, shown[name], atol=1.01)
    np.testing.assert_allclose(np.asarray(made["at_t"]) * 255, shown["lerp_at"][0], atol=0.51)


def test_the_fourth_of_three_corners_makes_a_parallelogram() -> None:
    run = trained(latent_dim=4)
    app = walk(ends="3", sample="7", to="31,50")
    made = ran(code(app))
    a, b, c, d = (np.asarray(made[name]) for name in "abcd")
    np.testing.assert_allclose(d - c, b - a, atol=1e-6)
    corners = [{"index": 7}, {"index": 31}, {"index": 50}, {"z": d.tolist()}]
    shown = render("corners", {"run": run.id, "corners": corners, "rows": 5, "columns": 9}).arrays["tiles"]
    np.testing.assert_allclose(np.asarray(made["pictures"]) * 255, shown, atol=0.51)


def test_the_link_says_what_is_shown_and_others_are_drawn() -> None:
    trained(latent_dim=4)
    app = walk(ends="4", sample="3", to="10,11,12")
    assert (app.query_params["sample"], app.query_params["to"]) == ("3", "10,11,12")
    others = [button for button in app.button if button.help == "Random sample"]
    assert len(others) == 4
    others[2].click().run()
    assert app.query_params["sample"] == "3"
    first, changed, last = app.query_params["to"].split(",")
    assert (first, last) == ("10", "12") and changed != "11"


def test_the_picked_sample_is_shared() -> None:
    trained(latent_dim=4)
    app = open_page("reconstruct", sample="12")
    app.switch_page("../../pages/interpolate.py").run()
    assert "test.x[[12]]" in code(app)


def test_one_picked_class_is_all_that_another_comes_from() -> None:
    run = trained(latent_dim=4)
    app = walk()
    labelled(app.selectbox, "Class").set_value("3").run()
    labelled(app.button, "Random").click().run()
    assert open_run(run).dataset.test.y[int(app.query_params["sample"])] == 3


def test_a_drawing_takes_the_place_of_a_sample() -> None:
    run = trained(latent_dim=4)
    found = find_open_run(run.id)
    picture = found.explorer.dataset.test.x[5]
    app = walk()
    app.session_state["end.digits.1.drawn"] = base64.b64encode(picture.tobytes()).decode()
    app.run()
    assert not app.exception
    assert "End · drawn" in said(app)
    made = ran(code(app))
    np.testing.assert_allclose(made["b"], found.explorer.encode(picture[None])[0], atol=1e-6)
    labelled(app.button, "Use the test sample instead").click().run()
    assert "drawn" not in said(app)


def test_a_comparison_is_a_question() -> None:
    run = trained(latent_dim=4)
    other = trained("ae", latent_dim=4)
    app = walk(run=run.id)
    assert "more evenly" not in said(app)
    labelled(app.selectbox, "Compare with").set_value(other.id).run()
    assert app.query_params["compare"] == other.id
    assert "Which model changes more evenly? Try other pairs too." in said(app)


@pytest.mark.parametrize("ends", ["2", "4"])
def test_without_the_data_stored_codes_still_work(ends: str) -> None:
    run = orphaned(trained(latent_dim=4))
    app = walk(ends=ends)
    assert not app.exception and not app.error
    assert "is not on this computer" in said(app)
    made = ran(code(app))
    np.testing.assert_array_equal(made["a"], Run(run.path).codes.z[0])


def test_a_damaged_run_is_a_sentence() -> None:
    (trained(latent_dim=4).path / "codes.safetensors").unlink()
    app = walk()
    assert not app.exception
    assert app.error and "codes.safetensors is missing" in said(app)


@pytest.mark.parametrize(
    "query",
    [{"sample": "-5"}, {"sample": "99999999", "to": "99999999"}, {"to": "x,,-1"}, {"run": "nobody", "compare": "nobody"},
     {"t": "nan"}, {"t": "9"}, {"t": "fly"}, {"ends": "7"}, {"ends": "4", "u": "inf", "v": "-2", "to": "1,2,3,4,5"}],
)  # fmt: skip
def test_unusual_links(query: dict[str, str]) -> None:
    trained(latent_dim=4)
    app = walk(**query)
    assert not app.exception and not app.error
    assert -0.5 <= float(app.query_params.get("t", "0")) <= 1.5


def test_extrapolation_is_said() -> None:
    trained(latent_dim=4)
    assert "extrapolation" in said(walk(t="1.2"))
    assert "extrapolation" not in said(walk(t="0.8"))


def test_the_foot_counts_what_the_codes_say() -> None:
    run = trained(latent_dim=4)
    z = find_open_run(run.id).explorer.encode(open_run(run).dataset.test.x[[7, 31]])
    app = walk(sample="7", to="31")
    assert f"codes {np.linalg.norm(z[1] - z[0]):.3g} apart" in said(app)


def test_stored_places_are_those_of_the_test_split() -> None:
    run = orphaned(trained(latent_dim=4))
    stock = Stock(open_run(run))
    codes = run.codes
    for place in codes.index[:5].tolist():
        assert codes.index[stock.named(place)["code"]] == place
        assert stock.label(place) == codes.labels[stock.named(place)["code"]]


def test_python_needs_numpy_only_for_drawings() -> None:
    end = PickedSample({"index": 1}, np.zeros(2), np.zeros(2), "{0} = 1\n")
    assert python_of([end]) == "a = 1\n"
    assert python_of([PickedSample({"pixels": "AA=="}, np.zeros(2), np.zeros(2), "{0} = 1\n")]).startswith(
        "import base64"
    )
    assert "at_t" in path_python({"t": 0.1})
    assert opening(trained(latent_dim=2)).startswith("import aeexplorer")


@pytest.mark.parametrize("shape", [(8, 8), (9, 7, 3)])
def test_files_hold_every_picture_once_and_there_and_back(shape: tuple[int, ...]) -> None:
    from PIL import Image

    rows = [np.full((4, *shape), value, np.uint8) for value in (0, 90, 255)]
    sheet = np.asarray(Image.open(io.BytesIO(mosaic(rows, light=True))))
    scale = 96 // max(shape[:2]) + (96 % max(shape[:2]) > 0)
    assert sheet.shape[:2] == (3 * (scale * shape[0] + 6) - 6, 4 * (scale * shape[1] + 6) - 6)
    ink = 255 if len(shape) == 2 else 0
    assert np.all(sheet[0, 0] == ink)
    film = Image.open(io.BytesIO(gif(rows, light=False)))
    assert film.n_frames >= 1 and film.info["loop"] == 0
    moving = [np.random.default_rng(0).integers(0, 255, (5, *shape), dtype=np.uint8)]
    assert Image.open(io.BytesIO(gif(moving, light=False))).n_frames == 8
