"""Runs on disk: a folder is the truth. Readable JSON beside safetensors; never pickle.

spec.json            what was asked for; written once
status.json          how it stands; replaced whole
events.jsonl         what happened, appended
weights.safetensors  the best weights; of a dial none, but
dial/                one file per stop: its weights in float16 and the curve up to it
marks.json           models trained separately, to check a dial by
codes.safetensors    codes, labels and places of up to 2,000 test samples
checkpoint/          where an unfinished training can go on
snapshots/           the film: per epoch a few reconstructions and 500 codes
label.json           the name people gave it
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from aeexplorer.config import Config, ConfigError
from aeexplorer.data.spec import DataSpec
from aeexplorer.families import Family, family
from aeexplorer.models.base import Autoencoder, ModelConfig
from aeexplorer.program_files import PRETRAINED
from aeexplorer.runs import checkpoints
from aeexplorer.runs.dial import Dial, load_marks, load_snapshots
from aeexplorer.runs.folders import WorkFolder, remove_folder
from aeexplorer.runs.owners import LOCAL, local_owner, require_owner
from aeexplorer.store import (
    Damaged,
    home,
    json_object,
    load_arrays,
    load_tensors,
    new_directory,
    read_bytes,
    read_json,
    save_arrays,
    save_tensors,
    write_json,
)
from aeexplorer.training.loop import Checkpoint, TrainingConfig
from aeexplorer.training.plan import DialSpec, Plan, make_plan

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 1
STORED_CODES = 2_000
TITLE_LIMIT = 120


class RunSpec(Config):
    """What was asked for. `config` holds the knobs of the family, `data` what the samples were."""

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


@dataclass(frozen=True)
class Codes:
    """Stored codes of test samples: z (n, latent_dim) float32, labels (n,), index (n,) into the test split, and for
    families with a codebook indices (n, positions)."""

    z: np.ndarray
    labels: np.ndarray
    index: np.ndarray
    indices: np.ndarray | None = None


@functools.lru_cache(maxsize=2048)
def _parsed_spec(content: bytes, name: str) -> tuple[RunSpec, Family, ModelConfig]:
    """What the spec.json of a run says; kept by its content, because each rerun of a page lists every run."""
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


class Run(WorkFolder):
    """One run folder.

    Raises:
        Damaged: when spec.json is missing, broken or written by a newer version.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        self.spec, self.family, self.config = _parsed_spec(read_bytes(self.path / "spec.json"), self.path.name)

    @classmethod
    def create(
        cls, family_name: str, data: DataSpec, config: ModelConfig, training: TrainingConfig,
        title: str = "", path: str | Path | None = None, owner: str | None = None, dial: DialSpec | None = None,
    ) -> Run:  # fmt: skip
        """Make a run folder, queued; under the home unless a path is given. Config and data are checked together.

        It belongs to `owner`, or to the local user.

        Raises:
            ConfigError: when they do not fit, or the path is taken.
        """
        row = family(family_name)
        make_plan(row, config, training, data, dial)
        if dial:
            config = dial.config_at(config, dial.default)
        row.shapes(config, data)
        now = datetime.now(UTC)
        name = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        target = Path(path) if path else home() / "runs" / name
        if target.exists():
            raise ConfigError(f"path must not exist yet, got {target}")
        named = [data.title, row.title, f"{config.latent_dim}-d", *([dial.title_of(config)] if dial else [])]
        spec = RunSpec(
            id=target.name, title=(title or " · ".join(named))[:TITLE_LIMIT],
            dataset=data.name, family=family_name, config=config.model_dump(mode="json"), training=training, data=data,
            created=now.isoformat(timespec="seconds"), owner=local_owner() if owner is None else owner, dial=dial,
        )  # fmt: skip
        with new_directory(target) as folder:
            write_json(folder / "spec.json", spec.model_dump(mode="json"))
            cls.prepare(folder)
            (folder / "snapshots").mkdir()
        return cls(target)

    @property
    def id(self) -> str:
        return self.spec.id

    @property
    def title(self) -> str:
        """The name people gave it, else the one it was made with."""
        with contextlib.suppress(Damaged):
            return str(read_json(self.path / "label.json").get("title") or self.spec.title)
        return self.spec.title

    @property
    def owner(self) -> str:
        return self.spec.owner

    def rename(self, title: str, by: str | None = None) -> None:
        """Give it another name; a name is only ever shown, never a path.

        Args:
            by: who does it; None is the local user.

        Raises:
            ConfigError: when the name is empty or longer than 120 characters, or the run is gone, not in the home or
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
        """Whether a person wants everything that was computed from it kept."""
        with contextlib.suppress(Damaged):
            return read_json(self.path / "label.json").get("pinned") is True
        return False

    def pin(self, wanted: bool = True, by: str | None = None) -> None:
        """Keep what was computed from it when the store of results is trimmed, and refuse to delete it.

        Raises:
            ConfigError: when it is somebody else's, not in the home, or gone.
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
        """The event of each finished epoch, in order; of an epoch trained twice after a resume, the later."""
        told = [e for e in self.events()[0] if e.get("type") == "epoch" and isinstance(e.get("epoch"), int)]
        return list({e["epoch"]: e for e in told}.values())

    @property
    def plan(self) -> Plan:
        """The stages of its training."""
        return make_plan(self.family, self.config, self.spec.training, self.spec.data, self.spec.dial)

    # what it learned

    def new_model(self) -> Autoencoder:
        """The model with the weights that its seed gives."""
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.spec.training.seed)
            return self.family.make(self.config, self.spec.data)

    def load_model(self) -> Autoencoder:
        """The trained model, in eval mode; of a dial that at its default value.

        Raises:
            Damaged: when the weights are missing, unreadable, or of other names or shapes than the spec says.
        """
        if self.spec.dial:
            dial = self.load_dial()
            return dial.model_at(dial.default)
        tensors = self._fitting(load_tensors(self.weights_path), self.weights_path.name)
        model = self.new_model()
        model.load_state_dict(tensors)
        return model.eval().requires_grad_(False)

    def _fitting(self, tensors: dict[str, Tensor], file: str) -> dict[str, Tensor]:
        """These weights, if they have the names and shapes that the spec asks for."""
        try:
            expected = self.family.shapes(self.config, self.spec.data)
        except ConfigError as error:
            raise Damaged(f"spec.json in {self.path.name} does not fit: {error}") from None
        found = {k: tuple(v.shape) for k, v in tensors.items()}
        if expected != found:
            name = min(k for k in expected | found if expected.get(k) != found.get(k))
            raise Damaged(
                f"{file} in {self.path.name} does not fit its spec: "
                f"{name} must have shape {expected.get(name, 'none')}, got {found.get(name, 'no such tensor')}"
            )
        return tensors

    def save_model(self, model: Autoencoder) -> None:
        """Save the weights."""
        save_tensors(self.path / "weights.safetensors", model.state_dict())

    @property
    def weights_path(self) -> Path:
        """The file of the newest weights, there or not."""
        stops = sorted((self.path / "dial").glob("*.safetensors")) if self.spec.dial else []
        return stops[-1] if stops else self.path / "weights.safetensors"

    @property
    def has_weights(self) -> bool:
        return self.weights_path.exists()

    def load_dial(self, most: int | None = None) -> Dial:
        """The snapshots of a dial run so far, or its first `most` ones.

        Raises:
            ConfigError: when the run is no dial.
            Damaged: when it has no snapshot yet, or one cannot be used.
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
            codes = Codes(arrays["z"].astype(np.float32), arrays["labels"].astype(np.int64), arrays["index"].astype(np.int64),
                          arrays["indices"].astype(np.int64) if "indices" in arrays else None)  # fmt: skip
        except KeyError as error:
            raise Damaged(f"codes.safetensors in {self.path.name} has no array {error}") from None
        if codes.z.shape != (len(codes.labels), self.config.latent_dim) or len(codes.index) != len(codes.labels):
            raise Damaged(f"codes.safetensors in {self.path.name} has codes of shape {codes.z.shape}, "
                          f"expected ({len(codes.labels)}, {self.config.latent_dim})")  # fmt: skip
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

    # where it can go on

    def save_checkpoint(self, checkpoint: Checkpoint, durable: bool = True) -> None:
        """Save a checkpoint and forget older ones; see `checkpoints.save_checkpoint`."""
        checkpoints.save_checkpoint(self.path / "checkpoint", checkpoint, durable)

    def load_checkpoint(self) -> Checkpoint | None:
        """The last readable checkpoint, or None."""
        return checkpoints.load_checkpoint(self.path / "checkpoint")

    def forget_checkpoints(self) -> None:
        """A finished run needs none."""
        shutil.rmtree(self.path / "checkpoint", ignore_errors=True)

    # the film

    @cached_property
    def film_samples(self) -> dict[str, np.ndarray]:
        """What every frame shows: x (k, *shape) samples that are reconstructed, labels (m,) of those encoded."""
        return load_arrays(self.path / "snapshots" / "samples.safetensors")

    def frames(self) -> list[int]:
        """Epochs of which there is a frame."""
        return sorted(int(p.stem) for p in (self.path / "snapshots").glob("*.safetensors") if p.stem.isdigit())

    def frame(self, epoch: int) -> dict[str, np.ndarray]:
        """reconstructions (k, *shape) and codes (m, min(latent_dim, 64)) at the end of an epoch."""
        return load_arrays(self.path / "snapshots" / f"{epoch:05d}.safetensors")

    def save_frame(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        save_arrays(self.path / "snapshots" / f"{name}.safetensors", arrays)

    # as a whole

    @property
    def removable(self) -> bool:
        """Whether people may rename and delete it: it lies in the home."""
        return self.path.parent == (home() / "runs").absolute()

    def delete(self, by: str | None = None) -> None:
        """Remove the folder: renamed first, so that it is gone for everyone at once.

        Args:
            by: who does it; None is the local user.

        Raises:
            ConfigError: while it trains, when it is pinned, not in the home or somebody else's, or already gone.
        """
        require_owner(self.owner, by, f"run {self.id}", "deleted")
        if not self.removable:
            raise ConfigError(f"run {self.path.name} cannot be deleted: it does not lie in {home() / 'runs'}")
        with contextlib.suppress(Damaged):
            if self.status.state == "running":
                raise ConfigError(f"run {self.path.name} cannot be deleted while it trains: stop it first")
        if self.pinned:
            raise ConfigError(f"run {self.path.name} cannot be deleted while it is pinned")
        remove_folder(self.path)


@dataclass(frozen=True)
class DamagedRun:
    """A folder among the runs that cannot be opened, and why."""

    path: Path
    reason: str

    @property
    def owner(self) -> str:
        """What is left of its files says."""
        for name in ("spec.json", "control/job.json"):
            with contextlib.suppress(Damaged, OSError):
                if isinstance(found := read_json(self.path / name).get("owner"), str):
                    return found
        return LOCAL

    def delete(self, by: str | None = None) -> None:
        """Remove the folder.

        Raises:
            ConfigError: when it is somebody else's or already gone.
        """
        require_owner(self.owner, by, f"run {self.path.name}", "deleted")
        remove_folder(self.path)


def list_runs() -> list[Run | DamagedRun]:
    """Every run of the home, newest first; damaged ones are listed with the reason."""
    found: list[Run | DamagedRun] = []
    for path in reversed(_folders(home() / "runs")):
        try:
            run = Run(path)
            _ = run.status
            found.append(run)
        except (Damaged, OSError) as error:
            found.append(DamagedRun(Path(path), str(error)))
    return found


def pretrained() -> list[Run]:
    """The runs that came with the program, by name."""
    runs = []
    for path in _folders(PRETRAINED):
        with contextlib.suppress(Damaged):
            runs.append(Run(path))
    return runs


def _folders(root: Path) -> list[str]:
    """Paths of the folders in a folder, by name, without hidden ones; strings, because each rerun of a page asks."""
    try:
        with os.scandir(root) as entries:
            return sorted(entry.path for entry in entries if entry.is_dir() and not entry.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []


def find_run(name: str | Path) -> Run:
    """A run by path, by id among the runs of the home, or by name among the pretrained ones.

    Raises:
        ConfigError: when there is none.
        Damaged: when there is one that cannot be opened.
    """
    text = str(name)
    candidates = [Path(text)]
    if re.fullmatch(r"(pretrained/)?\w[\w.-]*", text):
        candidates += [home() / "runs" / text, PRETRAINED / text.removeprefix("pretrained/")]
    for path in candidates:
        with contextlib.suppress(OSError):  # a name too long to be a path
            if (path / "spec.json").is_file():
                return Run(path)
    raise ConfigError(f"unknown run {text!r}: it must be a run folder, an id in {home() / 'runs'} or a pretrained name")
