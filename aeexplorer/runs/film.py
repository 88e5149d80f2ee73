"""The film of a training: reconstructions and codes of the same few samples at every epoch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

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


@torch.inference_mode()
def save_film(run: Run, model: Autoencoder, progress: Progress) -> int:
    """Write the frame of this epoch if the film has one, and return the number of active units."""
    was_training = model.training
    model.eval()
    device = next(model.parameters()).device
    film = run.film_samples
    y = {name: torch.from_numpy(film[name].astype(np.int64)).to(device) for name in ("y", "labels") if name in film}
    codes = model.encode(to_float(to_tensor(film["followed"], model.data)).to(device), y.get("labels")).z
    units = active_units(codes.cpu().numpy()).sum()
    every = -(-progress.epochs // FILM_FRAMES)
    if progress.epoch == 1 or progress.epoch % every == 0 or progress.finished:
        x = to_float(to_tensor(run.film_samples["x"], model.data)).to(device)
        shown = to_array(model.decode(model.encode(x, y.get("y")).z, y.get("y")), model.data)
        arrays = {
            "reconstructions": as_uint8(shown) if model.data.kind == "image" else shown,
            "codes": _narrow(codes).cpu().numpy().astype(np.float16),
        }
        run.save_frame(f"{progress.epoch:05d}", arrays)
    model.train(was_training)
    return int(units)


def _narrow(codes: Tensor) -> Tensor:
    """Project wide codes at random, which nearly keeps distances (Johnson & Lindenstrauss 1984) and the film small."""
    width = codes.shape[1]
    if width <= FILM_DIMENSIONS:
        return codes
    directions = torch.randn(width, FILM_DIMENSIONS, generator=torch.Generator().manual_seed(0)) / FILM_DIMENSIONS**0.5
    return codes @ directions.to(codes.device)
