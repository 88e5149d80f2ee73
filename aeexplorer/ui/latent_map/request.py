"""A request for maps: which codes, by which methods, and how they are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aeexplorer.runs.run import Run
from aeexplorer.ui.shared.resources import CodeSet

MOST_MAPS = 3  # side by side
TITLES = {"raw": "Codes", "pca": "PCA", "tsne": "t-SNE", "umap": "UMAP", "axis": "Axis"}
KNOBS = {"tsne": ("perplexity",), "umap": ("n_neighbors", "min_dist")}
"""The knobs of each method that a worker computes, beside its seed."""


@dataclass(frozen=True)
class MapPanel:
    """One of the maps side by side.

    Attributes:
        code_set: the codes that it is drawn from.
        parameters: fields of the method's configuration; of "axis" the keys of its two groups as `ends`.
        ghost: parameters of a second layout, drawn faintly behind the map; None for no second layout.
        title: above the map.
    """

    run: Run
    method: str
    code_set: CodeSet
    parameters: Mapping[str, Any] = field(hash=False)
    ghost: Mapping[str, Any] | None = field(default=None, hash=False)
    title: str = ""

    @property
    def by_job(self) -> bool:
        """Whether a worker computes the map."""
        return self.method in KNOBS


@dataclass(frozen=True)
class MapRequest:
    """The state of the controls above the maps.

    Attributes:
        panels: one to `MOST_MAPS` maps.
        colour: a key of `colours.colour_options`.
        density: whether lines of equal density are drawn.
        pictures: whether samples stand in place of their points.
        decode: whether the pointer decodes places instead of selecting points.
        large: whether the maps take the whole width of the page.
    """

    panels: tuple[MapPanel, ...]
    colour: str
    density: bool = False
    pictures: bool = False
    decode: bool = False
    large: bool = False

    @property
    def wide(self) -> bool:
        """Whether the view stands below the maps instead of beside them."""
        return self.large or len(self.panels) > 2
