"""Requests: from knobs by name to a new run folder, after every check that needs no training."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path
from typing import Any

from aeexplorer.config import ConfigError, unknown
from aeexplorer.data.checks import check_dataset
from aeexplorer.data.spec import Dataset
from aeexplorer.families import family
from aeexplorer.models.base import LATENT_LIMIT, ModelConfig
from aeexplorer.runs.limits import check_cost
from aeexplorer.runs.listing import find_run
from aeexplorer.runs.run import Run
from aeexplorer.training.config import TrainingConfig, check_batch, kept_labels, without_classes
from aeexplorer.training.estimation import estimate
from aeexplorer.training.plan import DialSpec


def configure(family_name: str, base: ModelConfig | None = None, **knobs: Any) -> tuple[ModelConfig, TrainingConfig]:
    """Sort knobs by name into the family's configuration and the loop's.

    Args:
        base: the configuration that they change; the family's defaults if None.

    Raises:
        ConfigError: for an unknown family or knob, or a value outside its bounds.
    """
    row = family(family_name)
    model_fields, training_fields = type(row.config).model_fields, TrainingConfig.model_fields
    for name in knobs:
        if name not in model_fields and name not in training_fields:
            raise ConfigError(unknown("knob", name, [*model_fields, *training_fields]))
    model = (base or row.config).replace(**{k: v for k, v in knobs.items() if k in model_fields})
    return model, TrainingConfig(**{k: v for k, v in knobs.items() if k in training_fields})


def new_run(
    family_name: str,
    data: Dataset,
    title: str = "",
    path: Any = None,
    *,
    owner: str | None = None,
    dial: DialSpec | None = None,
    pace: float = 1.0,
    start_from: Run | str | Path | None = None,
    **knobs: Any,
) -> Run:
    """Make a run folder for these knobs, queued; everything that can be refused is refused before it is made.

    Args:
        dial: train at each of its stops, and keep a snapshot of each.
        pace: seconds that trainings took on this machine per estimated second.
        start_from: a run, its path, id or pretrained name, whose weights it starts from (fine-tuning). Of the same
            family its knobs are the defaults; whatever the data, the shapes of all weights must fit. Of a student it is
            the teacher, whose size of the code is the default.

    Raises:
        ConfigError: for a knob out of bounds or unknown, data that cannot be trained and tested on, or a training that
            needs more than `limits` allow.
    """
    try:
        parent = start_from if isinstance(start_from, Run) or start_from is None else find_run(start_from)
        teaches = parent is not None and "teacher" in family(family_name).traits
        base = parent.config if parent and not teaches and parent.family.name == family_name else None
        if parent and teaches:
            knobs.setdefault("latent_dim", parent.config.latent_dim)
        config, training = configure(family_name, base, **knobs)
    except ConfigError as error:
        raise ConfigError(f"{error}{_cost_beyond(family_name, data, **knobs)}") from None
    check_dataset(data)
    kept = without_classes(data.train, training)
    without_classes(data.validation, training)
    n = min(training.samples or len(kept), len(kept))
    if "batch_size" not in knobs:  # nobody asked for the default
        training = training.replace(batch_size=min(training.batch_size, n))
    check_batch(training, n, data.spec)
    kept_labels(kept.y[:n], training)
    check_cost(estimate(family_name, config, training, data.spec, n, len(data.validation), dial), pace)
    return Run.create(family_name, data.spec, config, training, title, path, owner, dial, data.source, parent)


def _cost_beyond(family_name: str, data: Dataset, latent_dim: Any = 0, **knobs: Any) -> str:
    """The cost of a latent dimension beyond its limit, as a clause for its refusal."""
    if not isinstance(latent_dim, int | float) or not LATENT_LIMIT < latent_dim < math.inf:
        return ""
    with contextlib.suppress(ConfigError, RuntimeError, OverflowError):  # other knobs, sizes that no tensor can have
        config, training = configure(family_name, **knobs)
        config = config.model_copy(update={"latent_dim": int(latent_dim)})
        cost = estimate(family_name, config, training, data.spec, len(data.train), len(data.validation))
        try:
            check_cost(cost)
        except ConfigError as error:
            return f"; {error}"
    return ""
