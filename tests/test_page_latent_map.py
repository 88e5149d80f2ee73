"""The maps: at once by PCA, of codes and along an axis, by a job for t-SNE and UMAP; what is selected, and what is
said."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
from page_driver import alone, open_page, orphaned, said, trained
from streamlit.testing.v1 import AppTest
from waiting import wait_until

from aeexplorer.jobs import MapJob, find_map, submit_map, under_way
from aeexplorer.jobs.maps import compute_map
from aeexplorer.jobs.queue import registry
from aeexplorer.live.components import Colouring, MapTouch
from aeexplorer.live.map_cache import cached_map
from aeexplorer.live.open_runs import find_open_run
from aeexplorer.runs.run import Run
from aeexplorer.store import save_arrays
from aeexplorer.ui.latent_map import files, layouts, panels
from aeexplorer.ui.latent_map.files import map_downloads
from aeexplorer.ui.latent_map.layouts import layout_of
from aeexplorer.ui.latent_map.request import MapPanel
from aeexplorer.ui.shared.resources import CodeSet, map_errors

pytestmark = pytest.mark.long

__all__ = ["alone"]  # a fixture of every test here

FIRST = {"tsne": {"perplexity": 30.0, "seed": 0}, "umap": {"n_neighbors": 15, "min_dist": 0.1, "seed": 0}}
UNTOUCHED = MapTouch(None, (), None)


class Hand:
    """Stands in for the component: remembers what it was given, and does what it is told."""

    def __init__(self) -> None:
        self.given: dict[str, dict] = {}
        self.does: dict[str, MapTouch] = {}

    def __call__(self, run: str, *, key: str, colouring: Colouring, **given: object) -> MapTouch:
        self.given[key] = {"run": run, "colouring": colouring, **given}
        return self.does.get(key, UNTOUCHED)


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Hand:
    found = Hand()
    monkeypatch.setattr(panels, "latent_map", found)
    return found


def page(**query: str) -> AppTest:
    app = open_page("latent_map", **query)
    assert not app.exception, app.exception
    return app


def control(app: AppTest, label: str):
    kinds = (app.button_group, app.selectbox, app.number_input, app.toggle, app.text_input)
    return next(widget for kind in kinds for widget in kind if widget.label == label)


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click()
    app.run()
    assert not app.exception, app.exception
    return app


def drawn(run: Run, method: str = "tsne", **parameters: object) -> MapJob:
    """A finished map with the parameters the page begins with, computed here instead of in a worker."""
    job = submit_map(run, method, len(run.codes.z), **FIRST[method] | {"components": 2} | parameters)
    compute_map(job, lambda: True)
    return job


def same_map(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether all distances are the same: maps may be turned."""
    pairs = np.random.default_rng(0).integers(len(one), size=(200, 2))
    first, second = (np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1) for points in (one, other))
    return np.allclose(first, second, atol=1e-3 * first.max())


def figures(app: AppTest) -> str:
    return " ".join(str(block.proto.body) for block in app.get("html"))


def test_an_empty_home_leads_to_training() -> None:
    assert "no trained model" in said(page())


@pytest.mark.parametrize(("latent_dim", "first"), [(1, "raw"), (2, "raw"), (3, "raw"), (5, "pca")])
def test_the_first_map_is_there_at_once_and_the_second_begins_from_pca(
    latent_dim: int, first: str, hand: Hand, idle: None
) -> None:
    run = trained("ae", latent_dim=latent_dim)
    app = page()
    assert not app.error
    here, there = hand.given["map-0"], hand.given["map-1"]
    assert len(here["points"]) == len(here["index"]) == len(there["points"]) == 270
    if first == "raw" and latent_dim > 1:
        assert np.array_equal(here["points"], run.codes.z)
    assert cached_map(here["map_id"]).projection.method == first and there["map_id"] is None
    text = figures(app)
    assert all(name in text for name in ("kNN recall@15", "trustworthiness", "continuity", "label accuracy"))
    _, job = find_map(run, "tsne", 270, **FIRST["tsne"], components=2)
    assert job is not None and under_way(job)


def test_a_map_that_was_drawn_before_is_shown_at_once(hand: Hand, idle: None) -> None:
    run = trained(latent_dim=5)
    job = drawn(run)
    app = page()
    assert not app.error
    assert np.array_equal(hand.given["map-1"]["points"], job.finished().points)
    assert cached_map(hand.given["map-1"]["map_id"]).projection.parameters["perplexity"] == 30
    assert f"{job.finished().quality['knn_recall']:.3f}" in figures(app)
    assert "Distances between clusters and sizes of clusters mean nothing in t-SNE" in said(app)


def test_a_map_is_watched_stopped_and_asked_for_again(hand: Hand, idle: None) -> None:
    run = trained(latent_dim=5)
    app = page()
    _, job = find_map(run, "tsne", 270, **FIRST["tsne"], components=2)
    assert job is not None
    press(app, "Stop")
    assert job.status.state == "cancelled"
    assert "stopped" in app.error[0].value
    press(app, "Draw the map again")
    assert under_way(MapJob(job.path))


def test_the_moving_layout_is_shown_while_a_map_is_drawn(hand: Hand, idle: None) -> None:
    run = trained(latent_dim=5)
    app = page()
    _, job = find_map(run, "tsne", 270, **FIRST["tsne"], components=2)
    assert job is not None
    points = np.random.default_rng(0).normal(size=(270, 2)).astype(np.float32)
    save_arrays(job.path / "intermediate.safetensors", {"points": points})
    app.run()
    assert same_map(hand.given["map-1"]["points"], points)


def test_a_map_that_is_no_longer_shown_is_no_longer_drawn(hand: Hand, idle: None) -> None:
    run = trained(latent_dim=5)
    app = page()
    _, job = find_map(run, "tsne", 270, **FIRST["tsne"], components=2)
    assert job is not None and under_way(job)
    control(app, "Perplexity").set_value(12.0).run()
    assert not under_way(job)
    _, other = find_map(run, "tsne", 270, perplexity=12.0, seed=0, components=2)
    assert other is not None and under_way(other)


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_map_that_was_let_go_begins_anew_for_the_next_visitor(hand: Hand, idle: None, state: str) -> None:
    run = trained(latent_dim=5)
    app = page()
    _, job = find_map(run, "tsne", 270, **FIRST["tsne"], components=2)
    assert job is not None
    if state == "running":
        registry().move(job.path, ("queued",), "running")
        job.set_status(state="running")
    control(app, "Dimensions").set_value(3).run()
    assert job.cancel_requested
    if state == "running":  # the worker has not heard of it yet: nobody joins a map that ends
        assert not page().error
        registry().move(job.path, ("running",), "cancelled")
        job.set_status(state="cancelled")
    assert job.status.state == "cancelled"
    control(app, "Dimensions").set_value(2).run()
    assert not app.error and under_way(MapJob(job.path))
    other = page()
    assert not other.error and "stopped" not in said(other)


def test_who_watches_the_map_of_another_keeps_it(hand: Hand, idle: None, monkeypatch: pytest.MonkeyPatch) -> None:
    run = trained(latent_dim=5)
    first = page()
    with monkeypatch.context() as other:
        other.setattr(layouts, "current_owner", lambda: "b" * 32)
        page()
    _, job = find_map(run, "tsne", 270, **FIRST["tsne"], components=2)
    control(first, "Dimensions").set_value(3).run()
    assert job is not None and under_way(job)


def test_only_a_map_that_was_just_computed_says_how_long_it_took(hand: Hand, idle: None) -> None:
    run = trained(latent_dim=5)
    app = page()
    drawn(run)
    app.run()
    assert "t-SNE took" in said(app)
    assert "took" not in said(page())


def test_the_estimate_of_a_large_map_leaves_the_pace_of_small_ones_out(
    hand: Hand, idle: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained(latent_dim=5)
    asked: list[float] = []
    monkeypatch.setattr(
        layouts, "pace", lambda kind, at_least: asked.append(at_least) or (4.0 if at_least < 5 else 1.0)
    )
    monkeypatch.setattr(layouts, "UNASKED", 100)
    monkeypatch.setattr(layouts, "estimated_seconds", lambda *_: 75.0)
    page()
    assert asked and "about 75 s" in said(page())
    assert run


def test_a_map_is_drawn_by_a_worker(hand: Hand) -> None:
    run = trained(latent_dim=5)
    app = page()
    wait_until(lambda: app.run() and hand.given["map-1"]["map_id"] is not None)
    job = submit_map(run, "tsne", 270, **FIRST["tsne"], components=2)
    assert job.status.state == "done"
    assert same_map(hand.given["map-1"]["points"], job.finished().points)


def test_a_failed_map_says_why_and_can_be_tried_again(hand: Hand, idle: None) -> None:
    run = trained(latent_dim=5)
    job = submit_map(run, "tsne", 270, **FIRST["tsne"], components=2)
    job.set_status(state="failed", reason="the disk is full")
    app = page()
    assert "the disk is full" in app.error[0].value
    press(app, "Draw the map again")
    assert under_way(job)


def test_a_damaged_map_is_a_sentence(hand: Hand, idle: None) -> None:
    job = drawn(trained(latent_dim=5))
    (job.path / "map.safetensors").write_bytes(b"nothing")
    app = page()
    assert "map" in app.error[0].value
    press(app, "Draw the map again")
    assert MapJob(job.path).status.state == "queued"


def test_the_link_holds_the_view(hand: Hand, idle: None) -> None:
    run = trained("ae", latent_dim=4)
    query = {"maps": "pca,umap,axis", "d": "3", "colour": "kept", "seed": "7", "n_neighbors": "9", "min_dist": "0.3",
             "view": "Quality", "from": "class:1", "to": "class:4", "pointer": "decode", "density": "1"}  # fmt: skip
    app = page(**query)
    assert [given["title"] for given in hand.given.values()] == ["PCA", "UMAP", "Axis"]
    assert hand.given["map-0"]["points"].shape == (270, 3)
    assert hand.given["map-0"]["mode"] == "decode" and hand.given["map-0"]["density"]
    assert hand.given["map-0"]["colouring"].label == "share of 15 neighbours kept"
    _, job = find_map(run, "umap", 270, n_neighbors=9, min_dist=0.3, seed=7, components=3)
    assert job is not None and under_way(job)
    for name, value in query.items():
        assert app.query_params[name] == [value] or app.query_params[name] == value
    control(app, "View").set_value("Sample").run()
    assert "view" not in app.query_params


@pytest.mark.parametrize(
    "query",
    [
        {"maps": "nothing,pca"},
        {"maps": "raw"},
        {"maps": ""},
        {"d": "4", "n": "-1", "view": "x", "colour": "<b>", "place": "?", "pointer": "poke"},
        {"seed": "nan", "perplexity": "1e9", "n_neighbors": "2.5", "min_dist": "inf", "k": "1000"},
        {"maps": "axis", "from": "class:99", "to": "group:nothing"},
        {"ghost": "boo", "beside": "../../etc", "sample": "-5", "density": "7"},
    ],
)
def test_an_unusual_link_is_read_as_far_as_it_makes_sense(query: dict[str, str], hand: Hand, idle: None) -> None:
    trained("ae", latent_dim=5)
    assert not page(**query).exception
    assert hand.given


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("Perplexity", 12.0),
        ("Neighbours", 9),
        ("Minimum distance", 0.3),
        ("Seed", 7),
        ("Overlay a second layout", "seed"),
        ("Density contours", True),
    ],
)
def test_a_widget_that_a_browser_first_draws_later_has_the_value_in_force(
    label: str, value: object, hand: Hand, idle: None
) -> None:
    trained("ae", latent_dim=5)
    query = {"perplexity": "12", "n_neighbors": "9", "min_dist": "0.3", "seed": "7", "ghost": "seed", "density": "1"}
    app = page(maps="tsne,umap", **query)
    control(app, "Pointer").set_value("decode").run()
    control(app, "Pointer").set_value("select").run()
    proto = control(app, label).proto
    default = proto.options[proto.default] if label == "Overlay a second layout" else proto.default
    assert default == (
        pytest.approx(value) if isinstance(value, float) else "Another seed" if value == "seed" else value
    )
    assert all(app.query_params[name] in (text, [text]) for name, text in query.items())


def test_a_lasso_opens_the_selection(hand: Hand, idle: None) -> None:
    trained(latent_dim=2)
    app = page(view="Quality")
    assert control(app, "View").value == "Quality"
    hand.does["map-0"] = MapTouch(None, (3, 5), None)
    app.run()
    assert control(app, "View").value == "Selection" and len(app.dataframe[0].value) == 2
    control(app, "View").set_value("Clusters").run()
    assert control(app, "View").value == "Clusters", "the same selection does not open it again"


def test_three_maps_and_large_maps_are_high(hand: Hand, idle: None) -> None:
    trained("ae", latent_dim=2)
    for query, height in (
        ({"maps": "raw,pca"}, 400),
        ({"maps": "raw,pca,axis"}, 360),
        ({"maps": "pca", "large": "1"}, 600),
    ):
        page(**query)
        assert hand.given["map-0"]["height"] == height


def test_a_map_is_named_for_those_who_cannot_see_it(hand: Hand, idle: None) -> None:
    trained("ae", latent_dim=2)
    page(maps="pca")
    name = hand.given["map-0"]["label"]
    assert name.startswith("PCA map of 270 codes of Digits · AE · 2-D in 2 dimensions, coloured by class.")
    assert "Arrow keys" in name


def test_what_is_selected_on_one_map_is_selected_on_all_and_in_the_table(hand: Hand, idle: None) -> None:
    run = trained(latent_dim=5)
    hand.does["map-1"] = MapTouch(7, (3, 5, 11), None)
    app = page(view="Selection")
    table = app.dataframe[0].value
    assert table["sample"].tolist() == [3, 5, 11]
    assert table["label"].tolist() == [run.spec.data.classes[y] for y in run.codes.labels[[3, 5, 11]]]
    assert (table["squared error"] > 0).all()
    app.run()
    assert hand.given["map-0"]["selected"] == (3, 5, 11)
    assert hand.given["map-0"]["picked"] == 7
    assert app.query_params["sample"] in ("7", ["7"])
    assert "class purity" in figures(app)


def test_labels_are_searched_by_their_text(hand: Hand, idle: None) -> None:
    run = trained(latent_dim=5)
    app = page(view="Selection")
    control(app, "Select by label").input("4").run()
    assert set(hand.given["map-0"]["selected"]) == set(run.codes.index[run.codes.labels == 4].tolist())
    control(app, "Select by label").input("<b>horse</b>").run()
    assert "No label contains <b>horse</b>" in said(app).replace("&lt;", "<").replace("&gt;", ">")
    control(app, "Select by label").input("#9").run()
    assert hand.given["map-0"]["selected"] == (9,)
    press(app, "Clear")
    assert hand.given["map-0"]["selected"] == ()


def test_a_group_named_by_hand_serves_the_axis_and_attribute_arithmetic(hand: Hand, idle: None) -> None:
    trained("ae", latent_dim=4, hidden=(32,), epochs=2)
    hand.does["map-0"] = MapTouch(None, tuple(range(12)), None)
    app = page(view="Selection", maps="pca,axis")
    assert "Group" not in control(app, "Colour by").options
    control(app, "Save as group").input("  round   ones ")
    press(app, "Save")
    assert "round ones" in control(app, "Axis to").options
    control(app, "Colour by").set_value("group").run()
    assert hand.given["map-0"]["colouring"].categories == ("round ones",)
    assert hand.given["map-0"]["colouring"].values.tolist() == [0] * 12 + [-1] * 258
    control(app, "Axis to").set_value("group:round ones").run()
    assert not app.exception and not app.error
    app.switch_page("../../pages/generate.py").run()
    control(app, "View").set_value("Attributes").run()
    assert not app.exception
    assert "round ones" in control(app, "Add the mean of").options


def test_a_group_needs_a_name(hand: Hand, idle: None) -> None:
    trained(latent_dim=4)
    hand.does["map-0"] = MapTouch(None, (1, 2), None)
    app = press(page(view="Selection"), "Save")
    assert "name of a group must have 1 to 40 characters, got 0" in said(app)


def test_clusters_are_compared_with_the_classes_and_colour_the_maps(hand: Hand, idle: None) -> None:
    trained(latent_dim=5)
    app = page(view="Clusters")
    assert all(name in figures(app) for name in ("ARI", "NMI"))
    control(app, "k").set_value(3).run()
    press(app, "Colour the maps by cluster")
    assert hand.given["map-0"]["colouring"].categories == ("1", "2", "3")
    control(app, "Clustering method").set_value("hdbscan").run()
    assert not app.exception


@pytest.mark.parametrize("colour", ["class", "error", "kept", "cluster", "moved", "none"])
def test_there_is_one_colour_for_all_maps(colour: str, hand: Hand, idle: None) -> None:
    drawn(trained(latent_dim=5))
    page(colour=colour)
    for given in hand.given.values():
        values = given["colouring"].values
        assert (values is None) == (colour == "none")
        assert values is None or (len(values) == 270 and np.isfinite(values).all())
        assert bool(given["colouring"].categories) == (colour in ("class", "cluster"))


def test_factors_and_columns_are_colours(hand: Hand, idle: None) -> None:
    trained("ae", "shapes", latent_dim=2, samples=500)
    app = page()
    assert "Orientation" in control(app, "Colour by").options
    control(app, "Colour by").set_value("factor:orientation").run()
    assert not hand.given["map-0"]["colouring"].categories and np.ptp(hand.given["map-0"]["colouring"].values) > 0


def test_a_table_is_coloured_by_its_columns(hand: Hand, idle: None) -> None:
    run = trained("ae", "wine", latent_dim=2)
    app = page(colour=f"column:{run.spec.data.features[3]}")
    assert not app.error
    assert hand.given["map-0"]["colouring"].label == run.spec.data.features[3]
    assert np.ptp(hand.given["map-0"]["colouring"].values) > 0


def test_another_seed_is_a_ghost_turned_onto_the_map(hand: Hand, idle: None) -> None:
    run = trained(latent_dim=5)
    shown, other = drawn(run).finished().points, drawn(run, seed=1).finished().points
    page(ghost="seed", colour="moved")
    ghost = hand.given["map-1"]["ghost"]
    assert hand.given["map-0"]["ghost"] is None
    assert np.allclose(np.linalg.norm(ghost[3] - ghost[9]), np.linalg.norm(other[3] - other[9]), rtol=1e-4)
    assert np.square(ghost - shown).sum() <= np.square(other - shown).sum()
    assert hand.given["map-1"]["colouring"].values.mean() > 0


def test_a_map_with_other_settings_is_turned_onto_the_one_before(hand: Hand, idle: None) -> None:
    run = trained(latent_dim=5)
    drawn(run)
    job = drawn(run, seed=1)
    points = job.finished().points
    quarter = np.array([[0, 1], [-1, 0]], np.float32)
    arrays = job.arrays()
    save_arrays(job.path / "map.safetensors", arrays | {"points": np.ascontiguousarray(points @ quarter)})
    app = page()
    before = hand.given["map-1"]["points"]
    control(app, "Seed").set_value(1).run()
    turned = hand.given["map-1"]["points"]
    assert same_map(turned, points)
    assert np.square(turned - before).sum() < np.square(points @ quarter - before).sum()
    app.run()
    assert np.array_equal(hand.given["map-1"]["points"], turned)
    control(app, "Pointer").set_value("decode").run()
    assert np.array_equal(hand.given["map-1"]["points"], points @ quarter)


def test_a_link_to_a_companion_that_is_not_here_says_so(hand: Hand, idle: None) -> None:
    run = trained("ae", latent_dim=5)
    trained("vae", latent_dim=6)
    app = page(run=run.id, maps="pca", beside="nobody")
    assert "nobody, is not among the models of Digits" in app.toast[0].value
    assert len(hand.given) == 1 and "beside" not in app.query_params


def test_two_models_of_the_same_samples_stand_side_by_side(hand: Hand, idle: None) -> None:
    one, two = trained("ae", latent_dim=5), trained("vae", latent_dim=6)
    app = page(run=one.id, maps="pca", beside=two.id)
    assert not app.error
    assert [given["run"] for given in hand.given.values()] == [one.id, two.id]
    assert np.array_equal(hand.given["map-0"]["index"], hand.given["map-1"]["index"])


def test_a_way_is_placed_on_every_map_and_marked_where_it_is_approximate(hand: Hand, idle: None) -> None:
    run = trained(latent_dim=5)
    drawn(run)
    page(place="way", way="3")
    exact, near = hand.given["map-0"]["placed"], hand.given["map-1"]["placed"]
    assert len(exact) == len(near) == 9
    assert [place.approximate for place in exact + near] == [False] * 9 + [True] * 9
    assert np.allclose(exact[0].point, hand.given["map-0"]["points"][0], atol=1e-4)
    assert np.allclose(exact[-1].point, hand.given["map-0"]["points"][3], atol=1e-4)


def test_a_place_where_the_pointer_was_let_go_is_decoded(hand: Hand, idle: None) -> None:
    drawn(trained(latent_dim=5))
    hand.does["map-1"] = MapTouch(None, (), (1.5, -2.0))
    app = page(pointer="decode")
    assert "(1.50, -2.00) on t-SNE, decoded approximately, between its neighbours on the map" in said(app)


def test_distances_and_dimensions_are_drawn(hand: Hand, idle: None) -> None:
    run = trained("ae", latent_dim=5)
    drawn(run)
    app = page(view="Quality")
    assert "rank correlation of distances" in figures(app)
    assert "principal components explain" in said(app)
    assert len(app.get("plotly_chart")) == 2


def test_maps_and_codes_are_taken_along(hand: Hand, idle: None, monkeypatch: pytest.MonkeyPatch) -> None:
    run = trained(latent_dim=5)
    job = drawn(run)
    page(maps="pca,tsne")
    monkeypatch.setattr(files, "named_groups", lambda dataset: {"round": (0, 3), "all": tuple(range(270))})
    model = find_open_run(run.id).explorer
    shown = [
        layout_of(MapPanel(run, "pca", CodeSet(270), {"components": 2})),
        layout_of(MapPanel(run, "tsne", CodeSet(270), FIRST["tsne"] | {"components": 2})),
    ]
    made = {file.label: file for file in map_downloads(model, shown)}
    table = made["t-SNE CSV"].content().decode().splitlines()
    assert table[0] == "sample,class,x,y,group,cluster,squared error" and len(table) == 271
    first = table[1].split(",")
    assert np.allclose([float(v) for v in first[2:4]], job.finished().points[0], rtol=1e-5)
    assert first[4] == "round; all" and table[2].split(",")[4] == "all"
    assert 1 <= int(first[5]) <= 10 and float(first[6]) == pytest.approx(map_errors(run, CodeSet(270))[0], rel=1e-5)
    with zipfile.ZipFile(io.BytesIO(made["Embedding Projector files"].content())) as archive:
        assert {"vectors.tsv", "metadata.tsv", "sprite.png"} <= set(archive.namelist())


@pytest.mark.parametrize("view", ["Sample", "Selection", "Clusters", "Quality"])
@pytest.mark.parametrize("n", ["", "500", "all-1797"])
def test_the_lines_of_python_do_the_same(view: str, n: str, hand: Hand, idle: None) -> None:
    run = trained("ae", latent_dim=4)
    hand.does["map-0"] = MapTouch(3, (1, 2, 3) if view == "Selection" else (), None)
    app = page(view=view, n=n, maps="pca,axis", to="class:7")
    code = next(block.value for block in app.code if "ae.project" in block.value)
    made: dict[str, object] = {}
    exec(code.replace(f'"{run.id}"', f'r"{run.path}"'), made)
    for name, given in (("pca", hand.given["map-0"]), ("axis", hand.given["map-1"])):
        assert np.allclose(made[name], given["points"], atol=1e-5)
    if view == "Selection":
        assert np.asarray(made["picture"]).shape == (8, 8)


@pytest.mark.parametrize("n", [1, 2])
def test_few_codes_are_refused_with_a_sentence(n: int, hand: Hand, idle: None) -> None:
    run = orphaned(trained("ae", latent_dim=5))
    codes = run.codes
    some = {"z": codes.z[:n], "labels": codes.labels[:n], "index": codes.index[:n]}
    save_arrays(run.path / "codes.safetensors", some)
    for view in ("Sample", "Selection", "Quality"):
        app = page(view=view)
        assert f"t-SNE needs at least 4 codes, got {n}" in said(app)
        assert len(hand.given["map-0"]["points"]) == n
    app = page(view="Clusters")
    assert f"clusters need at least 4 codes, got {n}" in said(app)


def test_broken_codes_are_refused_with_a_sentence(hand: Hand, idle: None) -> None:
    run = orphaned(trained("ae", latent_dim=5))
    codes = run.codes
    z = codes.z.copy()
    z[3, 1] = np.nan
    save_arrays(run.path / "codes.safetensors", {"z": z, "labels": codes.labels, "index": codes.index})
    app = page()
    assert "finite" in app.error[0].value


def test_without_the_data_the_maps_work(hand: Hand, idle: None) -> None:
    orphaned(trained(latent_dim=2))
    for view in ("Sample", "Selection", "Clusters", "Quality"):
        app = page(view=view)
        assert not app.error
        assert len(hand.given["map-0"]["points"]) == 270
    assert "is not on this computer" in said(page())


def test_labels_of_any_kind_are_shown_as_text(hand: Hand, idle: None) -> None:
    run = trained("ae", latent_dim=4)
    spec = json.loads((run.path / "spec.json").read_text())
    nasty = ['<img src=x onerror="alert(1)">', "x" * 10_000, "**bold**", "‮abc", *"456789"]
    spec["data"]["classes"] = nasty
    (run.path / "spec.json").write_text(json.dumps(spec))
    hand.does["map-0"] = MapTouch(0, tuple(range(60)), None)
    for view in ("Sample", "Selection", "Clusters"):
        app = page(view=view, maps="pca,axis")
        assert not app.error
        assert "<img src=x" not in figures(app)
        assert "<img src=x" not in " ".join(str(block.value) for block in app.markdown)
    assert hand.given["map-0"]["colouring"].categories[:3] == tuple(nasty[:3])


def test_a_damaged_run_is_a_sentence() -> None:
    run = trained(latent_dim=2)
    (run.path / "codes.safetensors").write_bytes(b"")
    assert page().error


def test_the_component_itself_is_mounted(idle: None) -> None:
    trained("ae", latent_dim=2)
    assert not page(maps="raw,pca,tsne").exception
