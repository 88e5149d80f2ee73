"""The request of a training as spec.json keeps it."""

from __future__ import annotations

import functools
from typing import Any, Literal

from aeexplorer.config import Config, ConfigError
from aeexplorer.data.spec import DataSpec
from aeexplorer.families import Family, family
from aeexplorer.models.base import ModelConfig
from aeexplorer.owners import LOCAL
from aeexplorer.store import Damaged, json_object
from aeexplorer.training.config import TrainingConfig
from aeexplorer.training.plan import DialSpec

FORMAT = 1


class RunSpec(Config):
    """The request of a training: `config` holds the knobs of the family, `data` the description of the samples."""

    format: int = FORMAT
    kind: Literal["train"] = "train"
    id: str
    title: str
    dataset: str
    family: str
    config: dict[str, Any]
    training: TrainingConfig
    data: DataSpec
    created: str
    owner: str = LOCAL
    dial: DialSpec | None = None
    source: str = ""
    """Digest of the content of data that people brought; empty elsewhere."""
    parent: str = ""
    """The run whose weights it starts from, by id or as pretrained/NAME; empty for one from scratch."""


@functools.lru_cache(maxsize=2048)
def parsed_spec(content: bytes, name: str) -> tuple[RunSpec, Family, ModelConfig]:
    """Parse the content of a spec.json; cached by content, because each rerun of a page lists every run."""
    raw = json_object(content, f"spec.json in {name}")
    written = raw.get("format")
    if isinstance(written, int) and written > FORMAT:
        raise Damaged(f"{name} was written by a newer version: format {written}, this one reads up to {FORMAT}")
    try:
        spec = RunSpec(**raw)
        row = family(spec.family)
        return spec, row, type(row.config)(**spec.config)
    except (ConfigError, TypeError) as error:
        raise Damaged(f"spec.json in {name} does not fit: {error}") from None
