from __future__ import annotations

import json

import numpy as np
import pytest

from aeexplorer.config import ConfigError
from aeexplorer.plots import (
    DARK,
    LIGHT,
    bars,
    dimension_curve,
    loss_curves,
    scatter_map,
    scatter_toy,
    shepard_plot,
    tile,
    to_png,
)

RNG = np.random.default_rng(0)
POINTS, LABELS = RNG.normal(size=(60, 2)).astype(np.float32), np.arange(60) % 3
EPOCHS = [
    {"epoch": 1, "train": {"reconstruction": 90.0, "kl": 10.0}, "validation": {"reconstruction": 95.0, "kl": 12.0}},
    {"epoch": 2, "train": {"reconstruction": 70.0, "kl": 15.0}, "validation": None},
    {"epoch": 3, "train": {"reconstruction": 60.0, "kl": 18.0}, "validation": {"reconstruction": 66.0, "kl": 19.0}},
]
NASTY = '<img src=x onerror="alert(1)"><b>bold</b>'

FIGURES = {
    "map": lambda theme: scatter_map(POINTS, LABELS, ["a", "b", "c"], theme),
    "losses": lambda theme: loss_curves(EPOCHS, theme),
    "bars": lambda theme: bars([3, 1, 0], theme=theme, unit="nats"),
    "toy": lambda theme: scatter_toy(POINTS, POINTS + 0.1, LABELS, theme),
    "shepard": lambda theme: shepard_plot(RNG.random(200), RNG.random(200), theme),
    "dimensions": lambda theme: dimension_curve([0, 1, 2], [3.0, 2.0, 1.0], [2, 2], [0.9, 1.5], "ab", 1, theme),
}


def sizes(node: object) -> list[float]:
    """Every font size in a figure."""
    if isinstance(node, list):
        return [size for item in node for size in sizes(item)]
    if not isinstance(node, dict):
        return []
    own = [v["size"] for k, v in node.items() if k.lower().endswith("font") and isinstance(v, dict) and "size" in v]
    return own + [size for item in node.values() for size in sizes(item)]


@pytest.mark.parametrize("name", FIGURES)
def test_no_figure_needs_webgl(name):
    assert not any(trace.type.endswith("gl") or trace.type.endswith("3d") for trace in FIGURES[name](LIGHT).data)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_json_on_a_transparent_ground_with_readable_type_and_alt(name, theme):
    figure = json.loads(FIGURES[name](theme).to_json())
    layout = figure["layout"]
    assert layout["paper_bgcolor"] == layout["plot_bgcolor"] == "rgba(0,0,0,0)"
    assert layout["font"]["color"] == theme.ink
    assert min(sizes(figure)) >= 12
    assert max(layout["margin"].values()) <= 40
    assert any(character.isdigit() for character in layout["meta"]["alt"])
    assert figure["data"]


def test_a_map_has_one_trace_per_class_with_its_own_colour_shape_and_rows():
    figure = scatter_map(POINTS, LABELS, ["zero", "one"])
    points = [trace for trace in figure.data if trace.mode == "markers"]
    assert [trace.type for trace in points] == ["scatter"] * 3
    assert [trace.name for trace in points] == ["zero", "one", "2"]
    assert len({trace.marker.color for trace in points}) == len({trace.marker.symbol for trace in points}) == 3
    for index, trace in enumerate(points):
        rows = np.array(trace.customdata)
        assert np.array_equal(rows, np.flatnonzero(index == LABELS))
        assert np.array_equal(np.column_stack([trace.x, trace.y]), POINTS[rows])
    assert figure.layout.yaxis.scaleanchor == "x" and not figure.layout.xaxis.visible


def test_class_names_stand_at_the_medians_and_hide_with_their_class():
    figure = scatter_map(POINTS, LABELS, ["zero", "one", "two"])
    names = [trace for trace in figure.data if trace.mode == "markers+text"]
    assert [trace.text[0] for trace in names] == ["zero", "one", "two"]
    for index, trace in enumerate(names):
        assert np.allclose([trace.x[0], trace.y[0]], np.median(POINTS[index == LABELS], axis=0))
        assert trace.legendgroup == figure.data[index].legendgroup


def test_what_people_typed_is_shown_as_text():
    figure = scatter_map(POINTS, LABELS, [NASTY, "%{x}", "c" * 500])
    text = figure.to_json()
    assert "<img" not in text and "<b>" not in text and "\\u003cimg" not in text
    assert "&lt;img" in text
    assert figure.data[2].name == "c" * 59 + "…"
    assert all("%{x}" not in trace.hovertemplate for trace in figure.data if trace.mode == "markers")
    others = [
        loss_curves([{"epoch": 1, "train": {NASTY: 1.0, "b": 2.0}}]),
        bars([1], [NASTY], unit=NASTY),
    ]
    for other in others:
        other.layout.meta = None  # the alternative text is plain text: who puts it into a page escapes it there
        assert "<img" not in other.to_json() and "\\u003cimg" not in other.to_json()


def test_a_class_name_is_no_template():
    figure = scatter_map(POINTS, LABELS, ["%{x}", "b", "c"])
    assert "%{x}" not in figure.data[0].hovertemplate


def test_unlabelled_points_and_the_rest_of_many_classes_are_grey_and_unnamed():
    figure = scatter_map(POINTS, np.where(LABELS == 1, -1, LABELS))
    assert figure.data[2].name == "unlabelled" and figure.data[2].marker.color == LIGHT.muted
    assert sum(trace.mode == "markers+text" for trace in figure.data) == 2
    many = scatter_map(RNG.normal(size=(5000, 2)), np.arange(5000))
    points = [trace for trace in many.data if trace.mode == "markers"]
    assert len(points) == 41 and points[-1].name == "4960 other classes" and len(points[-1].x) == 4960


def test_a_class_looks_the_same_whoever_else_is_on_the_map():
    names = ["same", "same", "other"]
    everyone, some = scatter_map(POINTS, LABELS, names), scatter_map(POINTS[LABELS > 0], LABELS[LABELS > 0], names)
    for before, after in zip(everyone.data[1:3], some.data[:2], strict=True):
        assert (before.name, before.marker.color) == (after.name, after.marker.color)
        assert before.marker.symbol == after.marker.symbol
    assert len({trace.legendgroup for trace in everyone.data}) == 3


def test_a_map_without_labels_has_one_colour_and_no_legend():
    (trace,) = scatter_map(POINTS).data
    assert trace.marker.color == LIGHT.accent and trace.showlegend is False


@pytest.mark.parametrize("classes", [8, 10])
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_classes_have_colours_of_their_own_that_stand_out_from_the_panel(theme, classes):
    colours = [theme.colour(index, classes) for index in range(classes)]
    assert len({*colours, theme.panel, theme.muted}) == classes + 2


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_text_has_the_contrast_of_wcag_aa(theme):
    def luminance(colour: str) -> float:
        channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    pairs = [
        (text, ground) for text in (theme.ink, theme.secondary, theme.accent) for ground in (theme.ground, theme.panel)
    ]
    for text, ground in pairs:
        light, dark = sorted((luminance(text), luminance(ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_losses_are_the_sums_of_their_terms_and_the_terms_stand_beside():
    figure = loss_curves(EPOCHS)
    by_name = {trace.name: trace for trace in figure.data}
    assert by_name["train"].y == (100, 85, 78)
    assert by_name["validation"].x == (1, 3) and by_name["validation"].y == (107, 85)
    train, validation = [trace for trace in figure.data if trace.name == "kl"]
    assert train.y == (10, 15, 18) and validation.y == (12, 19)
    assert (train.line.dash, validation.line.dash) == ("solid", "dot")
    assert train.xaxis == "x2" and by_name["train"].xaxis == "x"
    assert train.line.color == validation.line.color != by_name["reconstruction"].line.color


def test_one_term_is_not_drawn_twice_and_no_epoch_is_an_empty_figure():
    single = loss_curves([{"epoch": 1, "train": {"reconstruction": 2.0}}])
    assert [trace.name for trace in single.data] == ["train"] and single.data[0].mode == "markers"
    assert not loss_curves([]).data


def test_bars_of_the_same_name_stay_apart():
    (trace,) = bars([3, 2, 0], ["a", "a", "b"]).data
    assert list(trace.x) == [0, 1, 2] and list(trace.y) == [3, 2, 0]


def test_each_point_of_a_plane_is_joined_to_its_own_reconstruction():
    figure = scatter_toy([[0, 0], [1, 2]], [[5, 5], [6, 7]])
    lines = figure.data[0]
    assert np.array_equal(lines.x, [0, 5, np.nan, 1, 6, np.nan], equal_nan=True)
    assert np.array_equal(lines.y, [0, 5, np.nan, 2, 7, np.nan], equal_nan=True)


def test_tile_lays_pictures_out_in_reading_order():
    images = np.array([[[1, 2]], [[3, 4]], [[5, 6]]], dtype=np.uint8)
    assert np.array_equal(tile(images, columns=2, pad=1), [[1, 2, 255, 3, 4], [255] * 5, [5, 6, 255, 255, 255]])
    assert np.array_equal(tile(images, pad=0), [[1, 2, 3, 4, 5, 6]])
    assert np.array_equal(tile(images[:1], scale=2), [[1, 1, 2, 2], [1, 1, 2, 2]])
    colour = tile(np.zeros((2, 3, 4, 3), dtype=np.uint8), pad=2, ground=(9, 8, 7))
    assert colour.shape == (3, 10, 3) and colour[0, 4].tolist() == [9, 8, 7] and not colour[:, :4].any()


def test_a_png_gives_the_picture_back():
    import io

    from PIL import Image

    for image in (RNG.integers(0, 256, (5, 7), dtype=np.uint8), RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)):
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(to_png(image)))), image)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: scatter_map(np.zeros((3, 4))), r"points must be \(n, 2\), got shape \(3, 4\)"),
        (lambda: scatter_map(POINTS, [0, 1]), "labels must be one per point: 60"),
        (lambda: loss_curves([{"epoch": 1}]), "row 0"),
        (lambda: bars([1, 2], ["a"]), "one per value: 2, got 1"),
        (lambda: scatter_toy(POINTS, POINTS[:3]), "the same 60 points, got 3"),
        (lambda: scatter_toy(POINTS, labels=[1]), "labels must be one per point"),
        (lambda: tile(np.zeros((2, 3, 3))), "uint8"),
        (lambda: tile(np.zeros((0, 3, 3), dtype=np.uint8)), "uint8"),
        (lambda: tile(np.zeros((2, 3, 3), dtype=np.uint8), columns=0), "columns must be at least 1, got 0"),
        (lambda: tile(np.zeros((2, 3, 3), dtype=np.uint8), pad=-1), "pad must be at least 0"),
        (lambda: tile(np.zeros((2, 3, 3), dtype=np.uint8), scale=10_000), "at most 64000000 bytes"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(call, words):
    with pytest.raises(ConfigError, match=words):
        call()


def test_a_shepard_plot_joins_the_medians_of_equally_many_pairs():
    before = np.arange(100, dtype=float)
    figure = shepard_plot(before, before**2)
    dots, line = figure.data
    assert np.array_equal(dots.x, before) and np.array_equal(dots.y, before**2)
    assert len(line.x) == 20
    assert line.x[0] == np.median(before[:5]) and line.y[-1] == np.median(before[95:] ** 2)
    assert len(shepard_plot([1.0], [2.0]).data) == 1
    with pytest.raises(ConfigError, match="one length"):
        shepard_plot([1.0, 2.0], [1.0])


def test_the_line_of_pca_is_always_drawn_and_the_shown_model_is_filled():
    alone = dimension_curve([0, 1], [2.0, 1.0], [], [], [])
    assert [trace.name for trace in alone.data] == ["PCA"]
    figure = dimension_curve([0, 1, 2], [2.0, 1.0, 0.5], [1, 2], [0.8, 0.4], [NASTY, "b"], marked=1)
    assert figure.data[1].marker.symbol == ("circle-open", "circle")
    assert "<img" not in figure.data[1].text[0]
    with pytest.raises(ConfigError, match="a dimension, an error and a name each"):
        dimension_curve([0], [1.0], [1], [], [])
    with pytest.raises(ConfigError, match="vectors of one length"):
        dimension_curve([0, 1], [1.0], [], [], [])
