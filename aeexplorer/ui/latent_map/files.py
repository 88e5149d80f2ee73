"""Maps as files to download, and the lines of Python that draw them."""

from __future__ import annotations

from functools import partial

from aeexplorer.explorer import Explorer
from aeexplorer.projection import coordinates_csv, projector_zip
from aeexplorer.ui.latent_map.layouts import Layout, axis_groups
from aeexplorer.ui.latent_map.request import TITLES
from aeexplorer.ui.shared.page_footer import Download
from aeexplorer.ui.shared.resources import Size, map_codes, map_samples
from aeexplorer.ui.shared.samples import test_split


def map_downloads(model: Explorer, layouts: list[Layout]) -> list[Download]:
    """The coordinates of every finished map, and the codes with their samples for the Embedding Projector."""
    tables = [
        Download(
            f"{TITLES[layout.panel.method]} CSV",
            f"{layout.panel.run.path.name}-{layout.panel.method}.csv",
            partial(_coordinates, model, layout),
        )
        for layout in layouts
        if layout.done
    ]
    size = layouts[0].panel.size
    projector = Download(
        "Embedding Projector files", f"{model.run.path.name}-projector.zip", partial(_projector, model, size)
    )
    return [*tables, projector]


def _coordinates(model: Explorer, layout: Layout) -> bytes:
    return coordinates_csv(layout.points, layout.index, layout.labels, model.spec.classes).encode()


def _projector(model: Explorer, size: Size) -> bytes:
    codes = map_codes(model.run, size)
    with_pictures = model.spec.kind == "image" and test_split(model) is not None
    pictures = map_samples(model.run, size).x if with_pictures else None
    return projector_zip(codes.z, codes.index, codes.labels, model.spec.classes, pictures)


def map_python(model: Explorer, layouts: list[Layout]) -> str:
    """Lines of Python that draw the same maps, for an open run `model`."""
    size = layouts[0].panel.size
    stored = len(model.codes.z)
    if size.split == "test" and size.n <= stored:
        some = f"[:{size.n}]" if size.n < stored else ""
        lines = [f"z, labels = model.codes.z{some}, model.codes.labels{some}"]
    else:
        lines = [
            "from aeexplorer.jobs.codes import codes_for_map",
            "",
            f'z, labels, _ = codes_for_map(model, {size.n}, "{size.split}")',
        ]
    for layout in layouts:
        panel = layout.panel
        parameters = dict(panel.parameters)
        if panel.method == "axis":
            for name, group in zip("ab", axis_groups(panel), strict=True):
                lines.append(f"{name} = tuple(np.arange(len(z))[{group.python}].tolist())")
            parameters = {"components": parameters["components"], "a": "a", "b": "b"}
        arguments = "".join(f", {name}={value}" for name, value in parameters.items())
        lines.append(f'{panel.method} = ae.project(z, "{panel.method}"{arguments}).points')
    needed = "import numpy as np\n\n" if any(layout.panel.method == "axis" for layout in layouts) else ""
    return needed + "\n".join(lines) + "\n"
