"""aeexplorer: train autoencoders and explore their latent spaces.

    import aeexplorer as ae
    data = ae.load_dataset("mnist")
    run = ae.train("vae", data, latent_dim=2, epochs=5, seed=0)
    model = ae.open_run(run.path)

Names are loaded when first used, so that importing the package does not wait for torch.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aeexplorer.config import ConfigError
    from aeexplorer.corruption import CORRUPTIONS, corrupt
    from aeexplorer.data import DATASETS, Dataset, DataSpec, Split, load_dataset
    from aeexplorer.data.bringing import dataset
    from aeexplorer.explorer import Explorer, open_run
    from aeexplorer.families import FAMILIES
    from aeexplorer.interpolation import interpolate
    from aeexplorer.projection import Projection, project
    from aeexplorer.runs.bundles import import_bundle
    from aeexplorer.runs.diagnosis import diagnose_run
    from aeexplorer.runs.listing import list_runs
    from aeexplorer.runs.run import Run
    from aeexplorer.store import Damaged

__version__ = "0.1.0"

_HOMES = {
    "ConfigError": "config", "Damaged": "store",
    "CORRUPTIONS": "corruption", "corrupt": "corruption",
    "dataset": "data.bringing",
    "DATASETS": "data", "Dataset": "data", "DataSpec": "data", "Split": "data", "load_dataset": "data",
    "Explorer": "explorer", "open_run": "explorer",
    "FAMILIES": "families",
    "diagnose_run": "runs.diagnosis",
    "import_bundle": "runs.bundles", "interpolate": "interpolation",
    "Projection": "projection", "project": "projection",
    "Run": "runs.run", "list_runs": "runs.listing",
}  # fmt: skip

__all__ = [
    "CORRUPTIONS", "DATASETS", "FAMILIES",
    "ConfigError", "Damaged", "DataSpec", "Dataset", "Explorer", "Projection", "Run", "Split",
    "corrupt", "dataset", "diagnose_run", "import_bundle", "interpolate", "list_runs", "load_dataset", "open_run",
    "project", "train",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'aeexplorer' has no attribute {name!r}")
    return getattr(importlib.import_module(f"aeexplorer.{_HOMES[name]}"), name)


def train(
    family: str,
    data: Dataset,
    *,
    title: str = "",
    path: str | Path | None = None,
    bar: bool = True,
    start_from: Run | str | Path | None = None,
    **knobs: Any,
) -> Run:
    """Train a family on a dataset and return the finished run.

    Args:
        family: a name in `FAMILIES`.
        title: what people see; made from data and family if empty.
        path: folder to make; under `AEEXPLORER_HOME` if None.
        bar: show a progress bar on a terminal.
        start_from: a run whose weights it starts from, by itself, path, id or pretrained name (fine-tuning).
        knobs: fields of the family's configuration and of `TrainingConfig`, by name.

    Raises:
        ConfigError: for an unknown family or knob, or a value outside its bounds; nothing is made then.
        TrainingError: when the loss is no longer finite.
    """
    from aeexplorer.runs.recording import train_run
    from aeexplorer.runs.request import new_run

    return train_run(new_run(family, data, title, path, start_from=start_from, **knobs), data, bar)
