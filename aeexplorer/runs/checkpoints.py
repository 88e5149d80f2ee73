"""Checkpoints of a training in its folder: the last few are kept."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from aeexplorer.store import Damaged, load_tensors, new_directory, read_json, save_tensors, write_json
from aeexplorer.training.loop import Checkpoint

KEPT = 2
PASSING = ".passing"  # suffix of a checkpoint that was not synced to the disk


def save_checkpoint(root: Path, checkpoint: Checkpoint, durable: bool = True) -> None:
    """Save a checkpoint and remove older ones.

    Args:
        durable: wait for the disk; the last two such checkpoints are kept. The others cost a fraction; they survive the
            process but perhaps not a power cut, and only the last is kept, until the next durable one.
    """
    target = root / f"{checkpoint.scalars['step']:09d}{'' if durable else PASSING}"
    if target.exists():
        return
    with new_directory(target, durable) as folder:
        save_tensors(folder / "tensors.safetensors", checkpoint.tensors, durable=durable)
        write_json(folder / "scalars.json", checkpoint.scalars, durable=durable)
    found = [path for path in _in_order(root) if path != target]
    passing = [path for path in found if path.name.endswith(PASSING)]
    lasting = [path for path in found if path not in passing][: 1 - KEPT if durable else 0]
    for old in (*passing, *lasting):
        shutil.rmtree(old, ignore_errors=True)


def load_checkpoint(root: Path) -> Checkpoint | None:
    """The last readable checkpoint, or None."""
    for folder in reversed(_in_order(root)):
        with contextlib.suppress(Damaged):
            return Checkpoint(load_tensors(folder / "tensors.safetensors"), read_json(folder / "scalars.json"))
    return None


def _in_order(root: Path) -> list[Path]:
    return sorted(path for path in root.glob("*") if path.name.removesuffix(PASSING).isdigit())
