"""Clusters of the codes, the same for the colours of the maps and for the Clusters view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from aeexplorer.explorer import Explorer
from aeexplorer.metrics import Clusters, clusters
from aeexplorer.runs.run import Run
from aeexplorer.ui.shared.figures import figures_line
from aeexplorer.ui.shared.resources import CodeSet, map_codes, written
from aeexplorer.ui.shared.samples import is_plane, show
from aeexplorer.ui.shared.setting_widgets import buttons, number_box
from aeexplorer.ui.shared.view_state import Setting, whole

METHODS = {"kmeans": "k-means", "hdbscan": "HDBSCAN"}
MOST_CENTRES = 12  # decoded at most
MOST_CLUSTERS = 30  # more cannot be told apart by colour
DEFAULT_K, DEFAULT_MIN_SIZE = 10, 15


class ClusterSettings(NamedTuple):
    """A clustering: a key of `METHODS`, the k of k-means, and the smallest cluster of HDBSCAN."""

    method: str
    k: int
    min_size: int


def cluster_settings(run: Run) -> ClusterSettings:
    """The settings of this session or of the link, before the widgets of `cluster_controls`."""
    method, k, min_size = _settings(run)
    return ClusterSettings(
        st.session_state[method.begin("kmeans", list(METHODS))],
        st.session_state[k.begin(_default_k(run))],
        st.session_state[min_size.begin(DEFAULT_MIN_SIZE)],
    )


def cluster_controls(run: Run) -> ClusterSettings:
    """Draw the widgets and return their settings."""
    method, k, min_size = _settings(run)
    chosen = cluster_settings(run)
    left, right = st.columns([1.6, 1], vertical_alignment="bottom")
    with left:
        buttons(method, "Clustering method", METHODS, "kmeans")
    with right:
        if chosen.method == "kmeans":
            explanation = "Number of clusters."
            number_box(k, "k", int, (2, MOST_CLUSTERS), _default_k(run), step=1, help=explanation)
        else:
            explanation = "Fewest codes of a cluster; codes in no cluster are noise."
            number_box(min_size, "Minimum size", int, (2, 500), DEFAULT_MIN_SIZE, step=1, help=explanation)
    return chosen


def map_clusters(run: Run, code_set: CodeSet, settings: ClusterSettings) -> Clusters:
    """The clusters of the codes of a map.

    Raises:
        ConfigError: for fewer than 4 codes.
    """
    return _clusters(str(run.path), written(run, "codes.safetensors"), code_set, settings, run)


@st.cache_resource(max_entries=12, show_spinner=False)
def _clusters(path: str, changed: int, code_set: CodeSet, settings: ClusterSettings, _run: Run) -> Clusters:
    codes = map_codes(_run, code_set)
    method: Literal["kmeans", "hdbscan"] = "kmeans" if settings.method == "kmeans" else "hdbscan"
    return clusters(codes.z, method, k=settings.k, min_cluster_size=settings.min_size, classes=codes.labels)


def _default_k(run: Run) -> int:
    """The number of classes, within the bounds of k."""
    return min(max(len(run.spec.data.classes), 2), MOST_CLUSTERS) if run.spec.data.classes else DEFAULT_K


def _settings(run: Run) -> tuple[Setting, Setting, Setting]:
    return (
        Setting("map", "by", lambda text: text if text in METHODS else "kmeans"),
        Setting(f"map.{run.spec.dataset}", "k", whole(2, MOST_CLUSTERS)),
        Setting("map", "smallest", whole(2, 500)),
    )


def clusters_view(model: Explorer, code_set: CodeSet, areas: Sequence[DeltaGenerator]) -> str:
    """Draw the clusters' settings, their agreement with the classes, and their decoded centres.

    Args:
        areas: three places side by side, or the same place three times.

    Returns:
        Lines of Python that compute the clusters of codes `z` with `labels`.
    """
    with areas[0]:
        settings = cluster_controls(model.run)
        result = map_clusters(model.run, code_set, settings)
        figures = [("clusters", f"{len(result)}", "")]
        if result.ari is not None and result.nmi is not None:
            figures += [
                ("ARI", f"{result.ari:.3f}", "Adjusted Rand index: 1 if the clusters are the classes, 0 by chance."),
                ("NMI", f"{result.nmi:.3f}", "Normalised mutual information of clusters and classes; 1 if the same."),
            ]
        if noise := int((result.labels < 0).sum()):
            figures.append(("noise", f"{noise / len(result.labels):.0%}", "Codes in no cluster."))
        figures_line(figures)
        for notice in result.notices:
            st.caption(f"Note: {notice}.")
    if len(result):
        with areas[1]:
            _centres(model, result, code_set)
    with areas[2]:
        st.button(
            "Colour the maps by cluster",
            icon=":material/palette:",
            on_click=_colour_by_cluster,
            disabled=st.query_params.get("colour") == "cluster",
        )
        st.caption("Computed from the codes, not from the points of a map, so the same on every map.")
    knob = f"k={settings.k}" if settings.method == "kmeans" else f"min_cluster_size={settings.min_size}"
    call = f'clusters(z, "{settings.method}", {knob}, classes=labels)'
    return f"from aeexplorer.metrics import clusters\n\nresult = {call}\n"


def _centres(model: Explorer, result: Clusters, code_set: CodeSet) -> None:
    centres = result.centres[:MOST_CENTRES]
    if code_set.level:  # of the whole codes, which the decoder needs
        z = map_codes(model.run, code_set.whole).z
        centres = np.stack([z[result.labels == number].mean(axis=0) for number in range(len(centres))])
    some = f" ({MOST_CENTRES} of {len(result)})" if len(result) > MOST_CENTRES else ""
    st.caption(f"Decoded cluster centres, largest first{some}")
    pictures = model.decode(centres)
    captions = [f"{size:,}" for size in result.sizes[:MOST_CENTRES].tolist()]
    if is_plane(model.spec):
        show([("centres", pictures)], model.spec)
    else:
        wide = model.spec.row.pixels
        show([("", pictures)], model.spec, [captions], 6 if wide else 2, 64 if wide else 160)


def _colour_by_cluster() -> None:
    st.query_params["colour"] = "cluster"
