"""Maps as files to download, and the lines of Python that draw them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial

from aeexplorer.config import ConfigError
from aeexplorer.explorer import Explorer
from aeexplorer.projection import coordinates_csv, projector_zip
from aeexplorer.ui.latent_map.clusters import ClusterSettings, cluster_settings, map_clusters
from aeexplorer.ui.latent_map.layouts import Layout, axis_groups
from aeexplorer.ui.latent_map.request import TITLES
from aeexplorer.ui.shared.groups import named_groups
from aeexplorer.ui.shared.page_footer import Download
from aeexplorer.ui.shared.resources import CodeSet, map_codes, map_errors, map_samples
from aeexplorer.ui.shared.samples import test_split


def map_downloads(model: Explorer, layouts: list[Layout]) -> list[Download]:
    """The coordinates of every finished map, and the codes with their samples for the Embedding Projector."""
    groups, clustering = named_groups(model.run.spec.dataset), cluster_settings(model.run)
    tables = [
        Download(
            f"{TITLES[layout.panel.method]} CSV",
            f"{layout.panel.run.path.name}-{layout.panel.method}.csv",
            partial(_coordinates, layout, groups, clustering, with_errors=test_split(model) is not None),
        )
        for layout in layouts
        if layout.done
    ]
    code_set = layouts[0].panel.code_set
    projector = Download(
        "Embedding Projector files", f"{model.run.path.name}-projector.zip", partial(_projector, model, code_set)
    )
    return [*tables, projector]


def _coordinates(
    layout: Layout, groups: Mapping[str, Sequence[int]], clustering: ClusterSettings, with_errors: bool
) -> bytes:
    """A table with the groups, the cluster and the reconstruction error of each sample beside its coordinates."""
    run, code_set = layout.panel.run, layout.panel.code_set
    columns: dict[str, Sequence[object]] = {}
    if groups:
        members = {name: set(places) for name, places in groups.items()}
        columns["group"] = ["; ".join(name for name in members if i in members[name]) for i in layout.index.tolist()]
    with suppress(ConfigError):  # too few codes for clusters
        labels = map_clusters(run, code_set, clustering).labels
        columns["cluster"] = ["" if label < 0 else label + 1 for label in labels.tolist()]
    if with_errors:
        columns["squared error"] = map_errors(run, code_set).tolist()
    return coordinates_csv(layout.points, layout.index, layout.labels, run.spec.data.classes, columns).encode()


def _projector(model: Explorer, code_set: CodeSet) -> bytes:
    codes = map_codes(model.run, code_set)
    with_pictures = model.spec.row.pixels and test_split(model) is not None
    pictures = map_samples(model.run, code_set).x if with_pictures else None
    return projector_zip(codes.z, codes.index, codes.labels, model.spec.classes, pictures)


def map_python(model: Explorer, layouts: list[Layout]) -> str:
    """Lines of Python that draw the same maps, for an open run `model`."""
    code_set = layouts[0].panel.code_set
    stored, name = len(model.codes.z), "whole" if code_set.level else "z"
    if code_set.split == "test" and code_set.n <= stored:
        some = f"[:{code_set.n}]" if code_set.n < stored else ""
        lines = [f"{name}, labels = model.codes.z{some}, model.codes.labels{some}"]
    else:
        lines = [
            "from aeexplorer.jobs.codes import codes_for_map",
            "",
            f"{name}, labels, _ = codes_for_map(model, {code_set.n}, {code_set.split!r})",
        ]
    if code_set.level:
        lines.append(f"z = whole[:, model.part({code_set.level})]")
    for layout in layouts:
        panel = layout.panel
        parameters = dict(panel.parameters)
        if panel.method == "axis":
            for name, group in zip("ab", axis_groups(panel), strict=True):
                lines.append(f"{name} = tuple(np.arange(len(z))[{group.python}].tolist())")
            parameters = {"components": parameters["components"]}
        arguments = "".join(f", {name}={value!r}" for name, value in parameters.items())
        arguments += ", a=a, b=b" if panel.method == "axis" else ""
        lines.append(f"{panel.method} = ae.project(z, {panel.method!r}{arguments}).points")
    needed = "import numpy as np\n\n" if any(layout.panel.method == "axis" for layout in layouts) else ""
    return needed + "\n".join(lines) + "\n"
