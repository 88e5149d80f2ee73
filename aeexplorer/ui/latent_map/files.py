"""Maps as files to take along; the picture of a map is its own button's."""

from __future__ import annotations

from functools import partial

from aeexplorer.explorer import Explorer
from aeexplorer.projection import coordinates_csv, projector_zip
from aeexplorer.ui.latent_map.controls import TITLES
from aeexplorer.ui.latent_map.layouts import Layout
from aeexplorer.ui.shared.page_footer import Download
from aeexplorer.ui.shared.resources import Size, map_codes, map_samples
from aeexplorer.ui.shared.samples import test_split


def files_of(model: Explorer, layouts: list[Layout]) -> list[Download]:
    """Coordinates of the finished maps, and the codes with their samples as the Embedding Projector reads them."""
    found = [
        Download(
            f"{TITLES[layout.panel.method]} CSV", f"{layout.panel.run.path.name}-{layout.panel.method}.csv",
            partial(_coordinates, model, layout),
        )
        for layout in layouts
        if layout.done
    ]  # fmt: skip
    size = layouts[0].panel.size
    return [
        *found,
        Download("Projector", f"{model.run.path.name}-projector.zip", partial(_projector, model, size)),
    ]


def _coordinates(model: Explorer, layout: Layout) -> bytes:
    return coordinates_csv(layout.points, layout.index, layout.labels, model.spec.classes).encode()


def _projector(model: Explorer, size: Size) -> bytes:
    codes = map_codes(model.run, size)
    with_pictures = model.spec.kind == "image" and test_split(model) is not None
    pictures = map_samples(model.run, size).x if with_pictures else None
    return projector_zip(codes.z, codes.index, codes.labels, model.spec.classes, pictures)
