"""A run as a folder of readable JSON and safetensors, never pickle. The folder is the only record of a run.

spec.json            the request; written once
status.json          the state; replaced whole
events.jsonl         the events; appended
weights.safetensors  the best weights; a dial has instead
dial/                one file per stop: its weights in float16 and the curve up to it
marks.json           separately trained models to compare a dial with
start.safetensors    the parent's weights, of a run that starts from another
teacher.json, teacher.safetensors   the parent, of a student
codes.safetensors    codes, labels and indices of up to 2,000 test samples
checkpoint/          the state from which an unfinished training continues
snapshots/           the film: per epoch a few reconstructions and 500 codes
label.json           the title people gave it
"""

from __future__ import annotations

import contextlib
import functools
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from aeexplorer import noise
from aeexplorer.config import ConfigError
from aeexplorer.data.spec import DataSpec
from aeexplorer.families import family
from aeexplorer.models.base import Autoencoder, ModelConfig
from aeexplorer.owners import local_owner, require_owner
from aeexplorer.program_files import PRETRAINED
from aeexplorer.runs import checkpoints
from aeexplorer.runs.dial import Dial, load_marks, load_snapshots, widened
from aeexplorer.runs.folders import WorkFolder
from aeexplorer.runs.log import is_report
from aeexplorer.runs.spec import RunSpec, parsed_spec
from aeexplorer.runs.teacher import keep_teacher, load_teacher
from aeexplorer.store import (
    Damaged,
    home,
    load_arrays,
    load_tensors,
    new_directory,
    read_bytes,
    read_json,
    remove_folder,
    save_arrays,
    save_tensors,
    signature,
    write_json,
)
from aeexplorer.training.loop import Checkpoint, TrainingConfig
from aeexplorer.training.plan import DialSpec, Plan, make_plan

if TYPE_CHECKING:
    from torch import Tensor

STORED_CODES = 2_000  # test samples, at most
START = "start.safetensors"
TITLE_LIMIT = 120  # characters


@dataclass(frozen=True)
class Codes:
    """Codes of test samples.

    Attributes:
        z: (n, latent_dim) float32. labels: (n,) int64. index: (n,) int64 into the test split.
        indices: (n, positions) int64, for families with a codebook.
    """

    z: np.ndarray
    labels: np.ndarray
    index: np.ndarray
    indices: np.ndarray | None = None


class Run(WorkFolder):
    """One run folder.

    Raises:
        Damaged: when spec.json is missing, broken or written by a newer version, or, in the home, has the id of another
            folder.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        self.spec, self.family, self.config = parsed_spec(read_bytes(self.path / "spec.json"), self.path.name)
        if self.spec.id != self.path.name and self.removable:
            raise Damaged(
                f"the id in spec.json of {self.path.name} must be the name of the folder, got {self.spec.id!r}"
            )

    @classmethod
    def create(
        cls,
        family_name: str,
        data: DataSpec,
        config: ModelConfig,
        training: TrainingConfig,
        title: str = "",
        path: str | Path | None = None,
        owner: str | None = None,
        dial: DialSpec | None = None,
        source: str = "",
        parent: Run | None = None,
    ) -> Run:
        """Make a run folder, queued, under the home unless a path is given; without an owner the local user's.

        Args:
            source: digest of the content of data that people brought.
            parent: the run whose weights it starts from, or the teacher of a student; it is copied, so that it is no
                longer needed there.

        Raises:
            ConfigError: when configuration and data do not fit together, the parent's weights do not fit, or the path
                exists.
            Damaged: when the parent's weights cannot be used.
        """
        row = family(family_name)
        make_plan(row, config, training, data, dial)
        if dial:
            config = dial.config_at(config, dial.default)
        shapes = row.shapes(config, data)
        teaches = parent is not None and "teacher" in row.traits
        model = parent.load_model() if parent else None
        if model is not None and teaches:
            row.make(config, data).learn_from(model)
        start = model.state_dict() if model is not None and not teaches else {}
        if parent and not teaches and (misfit := _misfit(shapes, start)):
            raise ConfigError(f"start_from must be a run whose weights fit: of {parent.title} {misfit}")
        now = datetime.now(UTC)
        name = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        target = Path(path) if path else home() / "runs" / name
        if target.exists():
            raise ConfigError(f"path must not exist yet, got {target}")
        named = [data.title, row.title, f"{config.latent_dim}-d", *([dial.title_of(config)] if dial else [])]
        spec = RunSpec(
            id=target.name,
            title=(title or " · ".join(named))[:TITLE_LIMIT].encode("utf-8", "replace").decode(),
            dataset=data.name,
            family=family_name,
            config=config.model_dump(mode="json"),
            training=training,
            data=data,
            created=now.isoformat(timespec="seconds"),
            owner=local_owner() if owner is None else owner,
            dial=dial,
            source=source,
            parent=parent.reference if parent else "",
        )
        with new_directory(target) as folder:
            write_json(folder / "spec.json", spec.model_dump(mode="json"))
            if start:
                save_tensors(folder / START, start)
            if parent and model is not None and teaches:
                keep_teacher(folder, parent.family.name, model)
            cls.prepare(folder)
            (folder / "snapshots").mkdir()
        return cls(target)

    @property
    def id(self) -> str:
        return self.spec.id

    @property
    def reference(self) -> str:
        """The name that finds it from anywhere in this home: its id, or pretrained/NAME."""
        return f"pretrained/{self.path.name}" if self.path.parent == PRETRAINED else self.id

    def children(self) -> list[Run]:
        """Runs of the home that started from its weights."""
        found = []
        for file in sorted((home() / "runs").glob("*/spec.json")):
            with contextlib.suppress(Damaged, OSError):
                if (run := Run(file.parent)).spec.parent == self.reference:
                    found.append(run)
        return found

    @property
    def title(self) -> str:
        """The title people gave it, else the one it was made with."""
        with contextlib.suppress(Damaged):
            return str(read_json(self.path / "label.json").get("title") or self.spec.title)
        return self.spec.title

    @property
    def owner(self) -> str:
        return self.spec.owner

    def rename(self, title: str, by: str | None = None) -> None:
        """Give the run another title; a title is only shown and never becomes a path.

        Args:
            by: the user who asks; None is the local user.

        Raises:
            ConfigError: when the title is empty or longer than 120 characters, or the run is gone, outside the home or
                somebody else's.
        """
        require_owner(self.owner, by, f"run {self.id}", "renamed")
        if not self.removable:
            raise ConfigError(f"run {self.path.name} cannot be renamed: it does not lie in {home() / 'runs'}")
        title = title.strip()
        if not 1 <= len(title) <= TITLE_LIMIT:
            raise ConfigError(f"title must have 1 to {TITLE_LIMIT} characters, got {len(title)}")
        self._label(title=title)

    @property
    def pinned(self) -> bool:
        """Whether somebody asked to keep the run and everything computed from it."""
        with contextlib.suppress(Damaged):
            return read_json(self.path / "label.json").get("pinned") is True
        return False

    def pin(self, wanted: bool = True, by: str | None = None) -> None:
        """Protect the run from deletion, and everything computed from it from trimming.

        Raises:
            ConfigError: when the run is somebody else's, outside the home, or gone.
        """
        require_owner(self.owner, by, f"run {self.id}", "pinned")
        if not self.removable:
            raise ConfigError(f"run {self.path.name} cannot be pinned: it does not lie in {home() / 'runs'}")
        self._label(pinned=wanted)

    def _label(self, **changes: Any) -> None:
        label: dict[str, Any] = {}
        with contextlib.suppress(Damaged):
            label = read_json(self.path / "label.json")
        try:
            write_json(self.path / "label.json", {**label, **changes})
        except FileNotFoundError:
            raise ConfigError(f"{self.path.name} is already gone") from None

    def epochs(self) -> list[dict[str, Any]]:
        """The event of each finished epoch, in order; the later one of an epoch trained again after a resume."""
        told = [event for event in self.events()[0] if event.get("type") == "epoch" and is_report(event)]
        return list({e["epoch"]: e for e in told}.values())

    @property
    def plan(self) -> Plan:
        """The stages of its training."""
        return make_plan(self.family, self.config, self.spec.training, self.spec.data, self.spec.dial)

    # weights and codes

    def new_model(self) -> Autoencoder:
        """The model with its initial weights: those of its parent, else those of its seed."""
        with noise.building(self.spec.training.seed):
            model = self.family.make(self.config, self.spec.data)
        if (self.path / START).exists():
            model.load_state_dict(self._fitting(load_tensors(self.path / START), START))
        if "teacher" in self.family.traits and (teacher := load_teacher(self.path, self.spec.data)):
            model.learn_from(teacher)
        return model

    def load_model(self) -> Autoencoder:
        """The trained model in eval mode; of a dial the model at its default value.

        Raises:
            Damaged: when the weights are missing or unreadable, or their names or shapes do not fit the spec.
        """
        if self.spec.dial:
            dial = self.load_dial()
            return dial.model_at(dial.default)
        tensors = widened(self._fitting(load_tensors(self.weights_path), self.weights_path.name))
        with torch.device("meta"):  # no initial weights, which would be thrown away
            model = self.family.make(self.config, self.spec.data)
        model.load_state_dict(tensors, assign=True)
        return model.eval().requires_grad_(False)

    def _fitting(self, tensors: dict[str, Tensor], file: str) -> dict[str, Tensor]:
        """The given weights, after checking their names and shapes against the spec.

        Raises:
            Damaged: when they do not fit.
        """
        try:
            expected = self.family.shapes(self.config, self.spec.data)
        except ConfigError as error:
            raise Damaged(f"spec.json in {self.path.name} does not fit: {error}") from None
        if misfit := _misfit(expected, tensors):
            raise Damaged(f"{file} in {self.path.name} does not fit its spec: {misfit}")
        return tensors

    def save_model(self, model: Autoencoder) -> None:
        """Save the weights."""
        save_tensors(self.path / "weights.safetensors", model.state_dict())

    @property
    def weights_path(self) -> Path:
        """The file of the newest weights, whether or not it exists."""
        stops = sorted((self.path / "dial").glob("*.safetensors")) if self.spec.dial else []
        return stops[-1] if stops else self.path / "weights.safetensors"

    @property
    def has_weights(self) -> bool:
        return bool(signature(str(self.weights_path) if self.spec.dial else f"{self.path}/weights.safetensors"))

    def load_dial(self, most: int | None = None) -> Dial:
        """The dial with its snapshots so far, or the first `most` of them.

        Raises:
            ConfigError: when the run is not a dial.
            Damaged: when there is no snapshot yet, or one cannot be used.
        """
        if self.spec.dial is None:
            raise ConfigError(f"run {self.path.name} must be a dial, got a run of one model")
        snapshots = load_snapshots(self.path, self.spec.dial, self._fitting, most)
        make = functools.partial(self.family.make, data=self.spec.data)
        return Dial(self.spec.dial, snapshots, self.config, make, load_marks(self.path))

    @property
    def codes(self) -> Codes:
        """Stored codes of test samples.

        Raises:
            Damaged: when the file is missing or does not fit.
        """
        arrays = load_arrays(self.path / "codes.safetensors")
        try:
            codes = Codes(
                arrays["z"].astype(np.float32),
                arrays["labels"].astype(np.int64),
                arrays["index"].astype(np.int64),
                arrays["indices"].astype(np.int64) if "indices" in arrays else None,
            )
        except KeyError as error:
            raise Damaged(f"codes.safetensors in {self.path.name} has no array {error}") from None
        if codes.z.shape != (len(codes.labels), self.config.latent_dim) or len(codes.index) != len(codes.labels):
            raise Damaged(
                f"codes.safetensors in {self.path.name} has codes of shape {codes.z.shape}, "
                f"expected ({len(codes.labels)}, {self.config.latent_dim})"
            )
        return codes

    def save_codes(self, codes: Codes) -> None:
        """Store codes of test samples."""
        arrays: dict[str, np.ndarray] = {
            "z": codes.z.astype(np.float32),
            "labels": codes.labels.astype(np.int16),
            "index": codes.index.astype(np.int32),
        }
        if codes.indices is not None:
            arrays["indices"] = codes.indices.astype(np.int16)
        save_arrays(self.path / "codes.safetensors", arrays)

    # checkpoints

    def save_checkpoint(self, checkpoint: Checkpoint, durable: bool = True) -> None:
        """Save a checkpoint and remove older ones; see `checkpoints.save_checkpoint`."""
        checkpoints.save_checkpoint(self.path / "checkpoint", checkpoint, durable)

    def load_checkpoint(self) -> Checkpoint | None:
        """The last readable checkpoint, or None."""
        return checkpoints.load_checkpoint(self.path / "checkpoint")

    def forget_checkpoints(self) -> None:
        """Remove all checkpoints: a finished run needs none."""
        shutil.rmtree(self.path / "checkpoint", ignore_errors=True)

    # film

    @cached_property
    def film_samples(self) -> dict[str, np.ndarray]:
        """The samples of every frame: x (k, *shape) are reconstructed; labels (m,) belong to those encoded."""
        return load_arrays(self.path / "snapshots" / "samples.safetensors")

    def frames(self) -> list[int]:
        """The epochs with a frame."""
        return sorted(int(p.stem) for p in (self.path / "snapshots").glob("*.safetensors") if p.stem.isdigit())

    def frame(self, epoch: int) -> dict[str, np.ndarray]:
        """The frame of an epoch: reconstructions (k, *shape) and codes (m, min(latent_dim, 64))."""
        return load_arrays(self.path / "snapshots" / f"{epoch:05d}.safetensors")

    def save_frame(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        save_arrays(self.path / "snapshots" / f"{name}.safetensors", arrays)

    # the folder as a whole

    @property
    def removable(self) -> bool:
        """Whether people may rename and delete it, because it lies in the home."""
        runs = home() / "runs"
        return self.path.parent == runs.absolute() or self.path.parent.resolve() == runs.resolve()

    def delete(self, by: str | None = None, although_parent: bool = False) -> None:
        """Remove the folder. It is renamed first, so that it disappears for everyone at once.

        Args:
            by: the user who asks; None is the local user.
            although_parent: delete it even when other runs name it as their parent; they keep their weights.

        Raises:
            ConfigError: when the run is training, pinned, the parent of another, outside the home, somebody else's, or
                already gone.
        """
        require_owner(self.owner, by, f"run {self.id}", "deleted")
        if not self.removable:
            raise ConfigError(f"run {self.path.name} cannot be deleted: it does not lie in {home() / 'runs'}")
        with contextlib.suppress(Damaged):
            if self.status.state == "running":
                raise ConfigError(f"run {self.path.name} cannot be deleted while it trains: stop it first")
        if self.pinned:
            raise ConfigError(f"run {self.path.name} cannot be deleted while it is pinned")
        if not although_parent and (children := self.children()):
            named = ", ".join(child.title for child in children[:3]) + (" and others" if len(children) > 3 else "")
            raise ConfigError(f"run {self.path.name} is the parent of {named}: delete it with although_parent")
        remove_folder(self.path)


def _misfit(expected: Mapping[str, tuple[int, ...]], tensors: Mapping[str, Tensor]) -> str:
    """Describe the first tensor that does not have the shape it must have; "" where all fit."""
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    for name in sorted({*expected, *found}):
        if expected.get(name) != found.get(name):
            return f"{name} must have shape {expected.get(name, 'none')}, got {found.get(name, 'no such tensor')}"
    return ""
