"""What stands beside the maps: the picked sample with its neighbours, and how far distances can be believed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from aeexplorer.explorer import Explorer
from aeexplorer.metrics import PCALine, kin, pca_line, shepard
from aeexplorer.plots import dimension_curve, scatter_toy, shepard_plot
from aeexplorer.runs.run import Run
from aeexplorer.ui.latent_map import panels
from aeexplorer.ui.latent_map.layouts import Layout
from aeexplorer.ui.latent_map.new_points import ask_placing, projection_of
from aeexplorer.ui.shared.figures import figures_line
from aeexplorer.ui.shared.resources import Size, dataset, map_codes, map_errors, map_samples, openable_runs, theme
from aeexplorer.ui.shared.run_picker import picked_sample
from aeexplorer.ui.shared.samples import background, chart, class_name, is_plane, missing_data, show, test_split
from aeexplorer.ui.shared.text import as_text

KIN = 7  # neighbours of the picked sample
CURVE = 64  # dimensions of the PCA line
PAIRS = 4_000


def look_view(model: Explorer, layouts: list[Layout], areas: panels.Areas) -> str:
    """The picked sample, its neighbours by code and by pixels, and what is placed on the maps.

    Returns:
        lines of Python that reconstruct it.
    """
    size = layouts[0].panel.size
    picked = picked_sample(int(map_codes(model.run, size).index.max()) + 1)
    with areas[0]:
        at = panels.pointed_at(model.run.spec.dataset)
        if at is not None and at[0] < len(layouts):
            _decoded(model, layouts[at[0]], at[1])
        _picked(model, picked, size)
    with areas[1]:
        _kin(model, picked, size)
    with areas[2]:
        ask_placing(model)
        if test_split(model) is None:
            missing_data(model, "The maps work without it; the pictures of their samples need it.")
    if test_split(model) is None:
        return ""
    if picked >= len(model.dataset.test):
        return ""
    return f"x = model.dataset.test.x[[{picked}]]\nreconstruction = model.reconstruct(x)\n"


def _decoded(model: Explorer, layout: Layout, at: tuple[float, ...]) -> None:
    """What the place decodes to at which the pointer was let go."""
    if not layout.done or layout.points.shape[1] != len(at):
        return
    found = projection_of(layout)
    said = ", ".join(f"{value:.2f}" for value in at)
    how = "between its neighbours on the map, approximately" if found.approximate else "exactly"
    st.caption(f"({said}) on {as_text(layout.panel.title)}, decoded {how}")
    picture = model.decode(found.lift(np.array([at])))
    _side_by_side(model, picture, [], ["decoded"])


def _picked(model: Explorer, picked: int, size: Size) -> None:
    split, spec, codes = test_split(model), model.spec, map_codes(model.run, size)
    row = np.flatnonzero(codes.index == picked)
    name = class_name(spec, int(codes.labels[row[0]])) if len(row) else ""
    error = f", squared error {map_errors(model.run, size)[row[0]]:.4f}" if split is not None and len(row) else ""
    st.markdown(f"**Picked: #{picked}{f', {as_text(name)}' if name else ''}**{as_text(error)}")
    if split is not None:
        x = model.dataset.take(np.array([picked])).x
        _side_by_side(model, x, model.reconstruct(x), ["sample", "reconstruction"])
    elif len(row):
        _side_by_side(model, model.decode(codes.z[row[:1]]), [], ["decoded from its code"])
    else:
        st.caption("Its code is not stored, and its samples are not on this computer.")


def _side_by_side(model: Explorer, x: np.ndarray, restored: Sequence[np.ndarray] | np.ndarray, said: list[str]) -> None:
    """A sample, and beside it its reconstruction where there is one."""
    if is_plane(model.spec):
        figure = scatter_toy(background(model), theme=theme())
        found = scatter_toy(x, np.asarray(restored) if len(restored) else None, theme=theme())
        found.update_traces(marker_size=12, selector={"mode": "markers"}).update_traces(
            marker_color=theme().mark, selector={"name": "data"}
        )
        chart(figure.add_traces(found.data).update_layout(showlegend=False), 200)
    else:
        show([("", [x[0], *restored])], model.spec, [said], 2, 112 if model.spec.kind == "image" else 160)


def _kin(model: Explorer, picked: int, size: Size) -> None:
    """The nearest others by code above the nearest by pixels, with how many are in both."""
    split, codes = test_split(model), map_codes(model.run, size)
    row = np.flatnonzero(codes.index == picked)
    if split is None or not len(row) or len(codes.z) < 3:
        return
    x = map_samples(model.run, size).x
    found = kin(codes.z, x, int(row[0]), KIN)
    shared = set(found.shared.tolist())
    st.markdown(f"**Nearest others**, {len(shared)} of {len(found.by_code)} in both")
    if is_plane(model.spec):
        return
    for title, rows in (
        ("by code", found.by_code),
        ("by pixels" if model.spec.kind == "image" else "by values", found.by_pixels),
    ):
        st.caption(title)
        marks = ["both" if place in shared else "" for place in rows.tolist()]
        wide = model.spec.kind == "image"
        shown = slice(None) if wide else slice(2)
        show([("", x[rows[shown]])], model.spec, [marks[shown]], KIN if wide else 2, 48 if wide else 150)


def quality_view(model: Explorer, layouts: list[Layout], areas: panels.Areas) -> str:
    """Distances before and after, and what a code of this dimension is worth against PCA.

    Returns:
        lines of Python that compute the first, for codes `z` and the points of a map.
    """
    drawn = {layout.panel.title: layout for layout in layouts if layout.done and len(layout.points) > 2}
    if not drawn:
        areas[0].caption("The figures appear when a map is finished.")
        return ""
    with areas[0]:
        titles = list(drawn)
        chosen = titles[0]
        if len(titles) > 1:
            chosen = str(
                st.segmented_control("Distances on", titles, default=titles[-1], required=True, key="shepard-of")
            )
        layout = drawn[chosen if chosen in drawn else titles[0]]
        found = shepard(map_codes(layout.panel.run, layout.panel.size).z, layout.points, PAIRS)
        figures_line(
            [
                (
                    "rank correlation of distances",
                    f"{found.rank_correlation:.3f}",
                    "Spearman's; 1 keeps the order of all distances.",
                )
            ]
        )
    with areas[1]:
        chart(shepard_plot(found.codes, found.points, theme()), 205, key="shepard")
    with areas[2]:
        _dimensions(model)
    return f"from aeexplorer.metrics import shepard\n\nprint(shepard(z, {layout.panel.method}).rank_correlation)\n"


def _dimensions(model: Explorer) -> None:
    """The test error of this dataset's models at their dimensions, against as many principal components."""
    if test_split(model) is None:
        st.caption(f"Against PCA it can be compared where {as_text(model.spec.title)} is on this computer.")
        return
    runs = [run for run in openable_runs() if run.spec.dataset == model.run.spec.dataset]
    known = [
        (run.config.latent_dim, float(run.status.result["mse"]), run) for run in runs if "mse" in run.status.result
    ]
    line = _line(model.run.spec.dataset)
    st.caption(
        f"Test error by latent dimension. {model.latent_dim} principal components explain "
        f"{float(np.interp(model.latent_dim, line.dimensions, line.explained_variance)):.0%} of the variance."
    )
    figure = dimension_curve(
        line.dimensions, line.test_error, [k for k, _, _ in known], [e for _, e, _ in known],
        [_short(run) for _, _, run in known], [run.id for _, _, run in known].index(model.run.id)
        if model.run.id in [run.id for _, _, run in known] else None, theme(),
    )  # fmt: skip
    chart(figure, 225, key="dimension-curve")


def _short(run: Run) -> str:
    """A run's title without its dataset, which all of them share."""
    return run.title.removeprefix(f"{run.spec.data.title} · ")


@st.cache_resource(max_entries=6, show_spinner=False)
def _line(name: str) -> PCALine:
    data = dataset(name)
    return pca_line(data.train.x, data.test.x, CURVE)
