"""The teacher of a student, kept in the student's folder: it trains on, and is exported, without the teacher's run."""

from __future__ import annotations

from pathlib import Path

import torch

from aeexplorer.config import ConfigError
from aeexplorer.data.spec import DataSpec
from aeexplorer.families import family
from aeexplorer.models.base import Autoencoder
from aeexplorer.store import Damaged, load_tensors, read_json, save_tensors, write_json

DESCRIPTION, WEIGHTS = "teacher.json", "teacher.safetensors"


def keep_teacher(folder: Path, family_name: str, teacher: Autoencoder) -> None:
    """Write a trained model into the folder of a student."""
    config = teacher.config.model_dump(mode="json")
    write_json(folder / DESCRIPTION, {"family": family_name, "config": config})
    save_tensors(folder / WEIGHTS, teacher.state_dict())


def load_teacher(folder: Path, data: DataSpec) -> Autoencoder | None:
    """The teacher in a student's folder, in eval mode; None where it learns alone.

    Raises:
        Damaged: when its files do not fit each other.
    """
    if not (folder / DESCRIPTION).exists():
        return None
    found = read_json(folder / DESCRIPTION)
    try:
        row = family(str(found["family"]))
        config = type(row.config)(**found["config"])
        with torch.device("meta"):
            model = row.make(config, data)
        model.load_state_dict(load_tensors(folder / WEIGHTS), assign=True)
    except (KeyError, TypeError, RuntimeError, ConfigError) as error:
        raise Damaged(f"{DESCRIPTION} in {folder.name} does not fit: {str(error).splitlines()[0]}") from None
    return model.eval().requires_grad_(False)
