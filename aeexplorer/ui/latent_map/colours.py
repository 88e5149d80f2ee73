"""Colours of the points: by class, factor, column, reconstruction error, neighbours kept, cluster or displacement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from aeexplorer.data import factor_groups
from aeexplorer.explorer import Explorer
from aeexplorer.live.components import Colouring
from aeexplorer.metrics import displacement
from aeexplorer.projection import align
from aeexplorer.ui.latent_map.clusters import cluster_settings, map_clusters
from aeexplorer.ui.latent_map.layouts import Layout
from aeexplorer.ui.shared.groups import named_groups
from aeexplorer.ui.shared.resources import explorer, map_errors, map_samples
from aeexplorer.ui.shared.samples import sentence_case, test_split

NONE, CLASS, ERROR, KEPT, CLUSTER, MOVED, GROUP = "none", "class", "error", "kept", "cluster", "moved", "group"
FACTOR, COLUMN = "factor:", "column:"
MOST_COLUMNS = 40  # of a table that are offered


def colour_options(model: Explorer, several: bool) -> dict[str, str]:
    """Titles of the colours by their name in the link; the first is the default.

    Args:
        several: whether there are two maps, between which a point can be displaced.
    """
    split = test_split(model)
    options = {CLASS: "Class"} if (model.codes.labels >= 0).any() else {}
    if split is not None and split.factors is not None:
        factors = [factor.name for factor in model.spec.factors if factor.name != "shape"]  # the shape is the class
        options |= {f"{FACTOR}{name}": sentence_case(name) for name in factors}
    if split is not None:
        options |= {f"{COLUMN}{name}": sentence_case(name) for name in model.spec.features[:MOST_COLUMNS]}
        options[ERROR] = "Reconstruction error"
    options |= {KEPT: "Neighbours kept", CLUSTER: "Cluster"}
    if named_groups(model.run.spec.dataset):
        options[GROUP] = "Group"
    if several:
        options[MOVED] = "Displacement"
    return options | {NONE: "One colour"}


def colourings(by: str, layouts: Sequence[Layout]) -> list[Colouring]:
    """The colours of each map; a quantity that is measured on a finished map is one colour until then."""
    return [_colouring(by, layout, layouts) for layout in layouts]


def _colouring(by: str, layout: Layout, layouts: Sequence[Layout]) -> Colouring:
    panel = layout.panel
    model = explorer(panel.run)
    spec, split = model.spec, test_split(model)
    if by == CLASS:
        return Colouring(layout.labels, class_names(spec.classes, layout.labels), "class")
    if by.startswith((FACTOR, COLUMN, ERROR)) and split is None:
        return Colouring()
    if by.startswith(FACTOR):
        column = [factor.name for factor in spec.factors].index(by.removeprefix(FACTOR))
        factor, factors = spec.factors[column], map_samples(panel.run, panel.code_set).factors
        if factors is None:
            return Colouring()
        values = factors[:, column]
        label = f"{factor.name}, {factor.unit}" if factor.unit else factor.name
        if factor.names or (factor.values is not None and factor.values <= 10):
            places, names = factor_groups(values, factor)
            return Colouring(places, names, label)
        return Colouring(values, (), label)
    if by.startswith(COLUMN):
        column = spec.features.index(by.removeprefix(COLUMN))
        return Colouring(map_samples(panel.run, panel.code_set).x[:, column], (), spec.features[column])
    if by == ERROR:
        return Colouring(map_errors(panel.run, panel.code_set), (), "squared error per value")
    if by == CLUSTER:
        result = map_clusters(panel.run, panel.code_set, cluster_settings(panel.run))
        return Colouring(result.labels, tuple(str(i + 1) for i in range(len(result))), "cluster")
    if by == GROUP:
        groups = named_groups(panel.run.spec.dataset)
        return Colouring(group_members(groups, layout.index), tuple(groups), "group")
    if by == KEPT:
        figures, kept = layout.quality()
        if figures and kept is not None:
            return Colouring(kept, (), f"share of {figures['k']:.0f} neighbours kept")
    if by == MOVED:
        moved = _displacement(layout, layouts)
        if moved is not None:
            return Colouring(moved, (), "displacement, relative to the spread of the map")
    return Colouring()


def group_members(groups: Mapping[str, Sequence[int]], index: np.ndarray) -> np.ndarray:
    """The number (n,) of the last group that holds each sample, -1 for samples in none."""
    members = np.full(len(index), -1)
    for number, places in enumerate(groups.values()):
        members[np.isin(index, places)] = number
    return members


def class_names(classes: tuple[str, ...], labels: np.ndarray) -> tuple[str, ...]:
    """The names of all classes; a class without a name is named by its number."""
    return (*classes, *(str(y) for y in range(len(classes), int(labels.max(initial=-1)) + 1)))


def _displacement(layout: Layout, layouts: Sequence[Layout]) -> np.ndarray | None:
    """The displacement (n,) of each point on the ghost, or else on the other map, both scaled to the same spread."""
    if layout.ghost is not None:
        return displacement(layout.points, layout.ghost)
    others = [other for other in layouts if other is not layout and other.points.shape[1] == layout.points.shape[1]]
    if not others or not layout.done or not others[0].done:
        return None
    other = others[0]
    common, mine, its = np.intersect1d(layout.index, other.index, return_indices=True)
    if len(common) < 2:
        return None
    here, there = _at_unit_spread(layout.points[mine]), _at_unit_spread(other.points[its])
    moved = np.full(len(layout.index), np.nan, dtype=np.float32)
    moved[mine] = displacement(here, align(there, here))
    return moved


def _at_unit_spread(points: np.ndarray) -> np.ndarray:
    centred = points - points.mean(axis=0)
    spread = np.sqrt(np.square(centred).sum(axis=1).mean())
    unit: np.ndarray = centred / (spread or 1.0)
    return unit
