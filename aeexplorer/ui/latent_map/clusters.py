"""Clusters of the codes of a map as the page is asked for them: the same for the colours, the figures and the centres."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from aeexplorer.explorer import Explorer
from aeexplorer.metrics import Clusters, clusters
from aeexplorer.runs.run import Run
from aeexplorer.ui.shared.figures import figures_line
from aeexplorer.ui.shared.resources import Size, map_codes, written
from aeexplorer.ui.shared.samples import is_plane, show
from aeexplorer.ui.shared.view_state import Setting, whole

BY = {"kmeans": "k-means", "hdbscan": "HDBSCAN"}
CENTRES = 12  # decoded at most
MOST = 30  # clusters to ask for; more cannot be told apart by colour
DEFAULT_K, DEFAULT_SMALLEST = 10, 15


class Grouping(NamedTuple):
    """How codes are grouped: by a name in `BY`, into k, or into groups of at least so many."""

    by: str
    k: int
    smallest: int


def grouping(run: Run) -> Grouping:
    """What was chosen last, here, on this page or in the link; before the widgets of `ask_grouping`."""
    by, k, smallest = _settings(run)
    return Grouping(
        st.session_state[by.begin("kmeans", list(BY))],
        st.session_state[k.begin(_classes(run))],
        st.session_state[smallest.begin(DEFAULT_SMALLEST)],
    )


def ask_grouping(run: Run) -> Grouping:
    """The widgets."""
    by, k, smallest = _settings(run)
    before = grouping(run)
    left, right = st.columns([1.6, 1], vertical_alignment="bottom")
    with left:
        st.segmented_control("Clusters by", list(BY), format_func=BY.__getitem__, required=True, key=by.key)
        by.end("kmeans")
    with right:
        if before.by == "kmeans":
            st.number_input("k", 2, MOST, step=1, key=k.key, help="Number of clusters.")
            k.end(_classes(run))
        else:
            st.number_input(
                "Smallest",
                2,
                500,
                step=1,
                key=smallest.key,
                help="Fewest codes of a cluster; what is in none is noise.",
            )
            smallest.end(DEFAULT_SMALLEST)
    return before


def found_clusters(run: Run, size: Size, how: Grouping) -> Clusters:
    """The clusters of the codes of a map.

    Raises:
        ConfigError: for fewer codes than clusters mean anything of.
    """
    return _clusters(str(run.path), written(run, "codes.safetensors"), size, how, run)


@st.cache_resource(max_entries=12, show_spinner=False)
def _clusters(path: str, changed: int, size: Size, how: Grouping, _run: Run) -> Clusters:
    codes = map_codes(_run, size)
    method: Literal["kmeans", "hdbscan"] = "kmeans" if how.by == "kmeans" else "hdbscan"
    return clusters(codes.z, method, k=how.k, min_cluster_size=how.smallest, classes=codes.labels)


def _classes(run: Run) -> int:
    """As many clusters as classes, to begin with."""
    return min(max(len(run.spec.data.classes), 2), MOST) if run.spec.data.classes else DEFAULT_K


def _settings(run: Run) -> tuple[Setting, Setting, Setting]:
    return (
        Setting("map", "by", lambda text: text if text in BY else "kmeans"),
        Setting(f"map.{run.spec.dataset}", "k", whole(2, MOST)),
        Setting("map", "smallest", whole(2, 500)),
    )


def clusters_view(model: Explorer, size: Size, areas: Sequence[DeltaGenerator]) -> str:
    """Clusters of the codes, how they agree with the classes, and what their centres decode to.

    Args:
        areas: three places beside each other, or the same one three times.

    Returns:
        lines of Python that find them, for codes `z` and `labels`.
    """
    with areas[0]:
        how = ask_grouping(model.run)
        found = found_clusters(model.run, size, how)
        figures = [("clusters", f"{len(found)}", "")]
        if found.ari is not None and found.nmi is not None:
            figures += [
                ("ARI", f"{found.ari:.3f}", "Adjusted Rand index: 1 if the clusters are the classes, 0 by chance."),
                ("NMI", f"{found.nmi:.3f}", "Normalised mutual information of clusters and classes; 1 if the same."),
            ]
        if noise := int((found.labels < 0).sum()):
            figures.append(("noise", f"{noise / len(found.labels):.0%}", "Codes in no cluster."))
        figures_line(figures)
        for notice in found.notices:
            st.caption(f"Note: {notice}.")
    if len(found):
        with areas[1]:
            _centres(model, found)
    with areas[2]:
        st.button(
            "Colour the maps by cluster", icon=":material/palette:", on_click=_colour_by_cluster,
            disabled=st.query_params.get("colour") == "cluster",
        )  # fmt: skip
        st.caption("Found among the codes themselves, so the same on every map, whatever the map shows as a cluster.")
    more = f"k={how.k}" if how.by == "kmeans" else f"min_cluster_size={how.smallest}"
    return f'from aeexplorer.metrics import clusters\n\nfound = clusters(z, "{how.by}", {more}, classes=labels)\n'


def _centres(model: Explorer, found: Clusters) -> None:
    shown = found.centres[:CENTRES]
    st.caption(
        "What their centres decode to, the largest first"
        + (f", {CENTRES} of {len(found)}" if len(found) > CENTRES else "")
    )
    pictures = model.decode(shown)
    captions = [f"{size:,}" for size in found.sizes[:CENTRES].tolist()]
    if is_plane(model.spec):
        show([("centres", pictures)], model.spec)
    else:
        wide = model.spec.kind == "image"
        show([("", pictures)], model.spec, [captions], 6 if wide else 2, 64 if wide else 160)


def _colour_by_cluster() -> None:
    st.query_params["colour"] = "cluster"
