"""Fine-tuning: an encoder with a linear layer behind it, trained on labelled samples."""

from __future__ import annotations

import copy

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from aeexplorer.data.spec import Split
from aeexplorer.models.base import Autoencoder
from aeexplorer.tensors import to_float, to_tensor
from aeexplorer.training.optimizer import AdamW

STEPS = 120
BATCH = 64
RATE = 1e-3
CHUNK = 512


def fine_tune(model: Autoencoder, labelled: Split, x: np.ndarray, seed: int = 0) -> np.ndarray:
    """Train the encoder and a linear layer to classify, and classify samples x (n, *shape); the model stays as it is.

    Args:
        labelled: samples with labels, all of them.

    Returns:
        (n,) classes.
    """
    tuned = copy.deepcopy(model).requires_grad_(True).train()
    samples = to_float(to_tensor(labelled.x, model.data))
    y = torch.from_numpy(np.array(labelled.y, np.int64))
    with torch.no_grad():
        width = tuned.features(samples[:2]).shape[1]
    head = nn.Linear(width, int(y.max()) + 1)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    optimizer = AdamW([*tuned.encoder.parameters(), *head.parameters()], lr=RATE, weight_decay=1e-2)
    random = np.random.default_rng(seed)
    for _ in range(STEPS):
        few = torch.from_numpy(random.integers(len(y), size=min(BATCH, len(y))))
        loss = F.cross_entropy(head(tuned.features(samples[few])), y[few])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    tuned.eval()
    with torch.inference_mode():
        new = to_float(to_tensor(x, model.data))
        found: np.ndarray = torch.cat([head(tuned.features(part)).argmax(1) for part in new.split(CHUNK)]).numpy()
    return found
