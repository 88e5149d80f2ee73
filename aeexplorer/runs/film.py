"""The film of a training: reconstructions and codes of the same few samples at every epoch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from aeexplorer.corruption import corrupt
from aeexplorer.data.spec import Dataset, as_uint8
from aeexplorer.metrics import active_units
from aeexplorer.models.base import Autoencoder
from aeexplorer.runs.run import Run
from aeexplorer.tensors import to_array, to_float, to_tensor
from aeexplorer.training.loop import Progress

FILM_CODES = 500  # samples whose codes are stored
FILM_SAMPLES = 10  # samples whose reconstructions are stored
FILM_DIMENSIONS = 64  # of a stored code at most
FILM_FRAMES = 100  # at most, spread over the epochs


def film_samples(data: Dataset) -> dict[str, np.ndarray]:
    """The samples of the film, from the validation split: the first of each class, then the first others.

    Returns:
        x, y: samples to reconstruct and their labels. followed, labels: samples to encode and their labels.
    """
    y = data.validation.y
    first = [int(np.argmax(y == c)) for c in range(len(data.spec.classes)) if (y == c).any()]
    rest = [i for i in range(len(y)) if i not in set(first)]
    shown = (first + rest)[:FILM_SAMPLES]
    followed = data.validation.take(np.arange(min(FILM_CODES, len(y))))
    return {"x": data.validation.x[shown], "y": y[shown], "followed": followed.x, "labels": followed.y}


class Film:
    """The frames of a run: a hundred at most, evenly spaced over its epochs, and that of the last epoch, wherever the
    training ends."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._skipped: tuple[int, dict[str, np.ndarray]] | None = None

    @torch.inference_mode()
    def add(self, model: Autoencoder, progress: Progress) -> int:
        """Make the frame of this epoch, write it where it is one of the hundred, and return the active units."""
        was_training = model.training
        model.eval()
        film, frame = self.run.film_samples, {}
        device = next(model.parameters()).device
        y = {name: torch.from_numpy(film[name].astype(np.int64)).to(device) for name in ("y", "labels") if name in film}
        codes = model.encode(to_float(to_tensor(film["followed"], model.data)).to(device), y.get("labels")).z
        x = film["x"]
        if model.config.corruption != "none":
            seed = self.run.spec.training.seed
            x = corrupt(x, model.config.corruption, model.config.level, seed, model.data)
            frame["inputs"] = _stored(x, model)
        z = model.encode(to_float(to_tensor(x, model.data)).to(device), y.get("y")).z
        frame["reconstructions"] = _stored(to_array(model.decode(z, y.get("y")), model.data), model)
        frame["codes"] = _narrow(codes).cpu().numpy().astype(np.float16)
        every = -(-progress.epochs // FILM_FRAMES)
        self._skipped = (progress.epoch, frame)
        if progress.epoch == 1 or progress.epoch % every == 0 or progress.finished:
            self.close()
        model.train(was_training)
        return int(active_units(codes.cpu().numpy()).sum())

    def close(self) -> None:
        """Write the frame of the last epoch, if it is not written yet."""
        if self._skipped is not None:
            epoch, frame = self._skipped
            self.run.save_frame(f"{epoch:05d}", frame)
            self._skipped = None


def _stored(x: np.ndarray, model: Autoencoder) -> np.ndarray:
    """Samples as a frame holds them: pictures as uint8."""
    return as_uint8(x) if model.data.row.pixels else x


def _narrow(codes: Tensor) -> Tensor:
    """Project wide codes at random, which nearly keeps distances (Johnson & Lindenstrauss 1984) and the film small."""
    width = codes.shape[1]
    if width <= FILM_DIMENSIONS:
        return codes
    directions = torch.randn(width, FILM_DIMENSIONS, generator=torch.Generator().manual_seed(0)) / FILM_DIMENSIONS**0.5
    return codes @ directions.to(codes.device)
