"""One choice of colour for all maps: the class, an exact factor or a column, the error, what a map kept, clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aeexplorer.data import factor_groups
from aeexplorer.explorer import Explorer
from aeexplorer.metrics import displacement
from aeexplorer.projection import align
from aeexplorer.ui.latent_map.clusters import found_clusters, grouping
from aeexplorer.ui.shared.resources import explorer, map_errors, map_samples
from aeexplorer.ui.shared.samples import sentence_case, test_split

if TYPE_CHECKING:
    from aeexplorer.ui.latent_map.layouts import Layout

NONE, CLASS, ERROR, KEPT, CLUSTER, MOVED = "none", "class", "error", "kept", "cluster", "moved"
FACTOR, COLUMN = "factor:", "column:"
COLUMNS = 40  # of a table that are offered


@dataclass(frozen=True, eq=False)
class Colouring:
    """Colours of the points of one map.

    Attributes:
        values: (n,): places among the categories, -1 for none; of a continuous colour the values. None: one colour.
        categories: names; empty for a continuous colour.
        label: what it is.
    """

    values: np.ndarray | None = None
    categories: tuple[str, ...] = ()
    label: str = ""


def colour_options(model: Explorer, several: bool) -> dict[str, str]:
    """What points can be coloured by, by name for the link; the first is what the page begins with.

    Args:
        several: whether there are two maps, so that a point can have moved between them.
    """
    split = test_split(model)
    options = {CLASS: "Class"} if (model.codes.labels >= 0).any() else {}
    if split is not None and split.factors is not None:
        options |= {
            f"{FACTOR}{factor.name}": sentence_case(factor.name) for factor in model.spec.factors if factor.name != "shape"
        }  # fmt: skip
    if split is not None:
        options |= {f"{COLUMN}{name}": sentence_case(name) for name in model.spec.features[:COLUMNS]}
        options[ERROR] = "Reconstruction error"
    options |= {KEPT: "Neighbours kept", CLUSTER: "Cluster"}
    if several:
        options[MOVED] = "Displacement"
    return options | {NONE: "One colour"}


def colourings(by: str, layouts: Sequence[Layout]) -> list[Colouring]:
    """The colours of each map. What is measured of a finished map is one colour until it is finished."""
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
        factor, factors = spec.factors[column], map_samples(panel.run, panel.size).factors
        if factors is None:
            return Colouring()
        values = factors[:, column]
        label = f"{factor.name}, {factor.unit}" if factor.unit else factor.name
        if factor.values is not None and factor.values <= 10:
            places, names = factor_groups(values, factor)
            return Colouring(places, names, label)
        return Colouring(values, (), label)
    if by.startswith(COLUMN):
        column = spec.features.index(by.removeprefix(COLUMN))
        return Colouring(map_samples(panel.run, panel.size).x[:, column], (), spec.features[column])
    if by == ERROR:
        return Colouring(map_errors(panel.run, panel.size), (), "squared error per value")
    if by == CLUSTER:
        found = found_clusters(panel.run, panel.size, grouping(panel.run))
        return Colouring(found.labels, tuple(str(i + 1) for i in range(len(found))), "cluster")
    if by == KEPT:
        figures, kept = layout.judged()
        if figures and kept is not None:
            return Colouring(kept, (), f"share of {figures['k']:.0f} neighbours kept")
    if by == MOVED:
        moved = _moved(layout, layouts)
        if moved is not None:
            return Colouring(moved, (), "displacement, in spreads")
    return Colouring()


def class_names(classes: tuple[str, ...], labels: np.ndarray) -> tuple[str, ...]:
    """Names of all classes there are; of one without a name its number."""
    return (*classes, *(str(y) for y in range(len(classes), int(labels.max(initial=-1)) + 1)))


def _moved(layout: Layout, layouts: Sequence[Layout]) -> np.ndarray | None:
    """How far each point lies from itself on the ghost, or else on the other map, both at the same spread."""
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
