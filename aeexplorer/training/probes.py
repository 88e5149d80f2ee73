"""Probes: figures of a trained model that only tell whether its training went wrong."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from aeexplorer import noise
from aeexplorer.data.spec import Split
from aeexplorer.metrics.diagnosis import effective_number, sharpness, shuffled
from aeexplorer.models.base import Autoencoder
from aeexplorer.tensors import Samples

PROBED = 500
"""Samples of a split that are looked at, and prior samples that are drawn."""


@torch.inference_mode()
def probe(model: Autoencoder, split: Split, traits: Collection[str], seed: int = 0) -> dict[str, float]:
    """Figures from the first 500 samples of a split.

    Args:
        traits: of the model, see `families.Family.traits_of`.

    Returns:
        code_square: mean squared value of a code; 1 for draws from N(0, I).
        silent_units, hidden_units: ReLU units, of a convolution channels, that are zero for every sample, and all.
        sharpness (of pictures): that of reconstructions as a share of that of the samples.
        shuffled_mse, variance (without a prior, where the code is no smaller than a sample and the training corrupts
            none): squared error per feature on samples without any structure, see `metrics.diagnosis.shuffled`, and
            their variance.
        sampled_classes, classes (with a prior, of data with classes): effective number of classes of the samples most
            like draws from the prior, and of the data.
    """
    split = split.take(np.arange(min(PROBED, len(split))))
    device = next(model.parameters()).device
    samples = Samples(split.x, split.y, model.data, device)
    x, y = samples.batch(torch.arange(len(samples), device=device))
    told = y if "label" in traits else None
    model.eval()
    with noise.seeded(seed, device), _peaks(model) as peaks:
        z = model.code(model.features(x, told)).z
        restored = model.decode(z, told)
        figures = {"code_square": float(z.square().mean())}
        if peaks:
            peak = torch.cat(list(peaks.values()))
            figures |= {"silent_units": float((peak == 0).sum()), "hidden_units": float(len(peak))}
        if model.data.row.pixels and (whole := sharpness(_pictures(x))):
            figures["sharpness"] = sharpness(_pictures(restored)) / whole
        if "prior" in traits and len(model.data.classes) > 1:
            figures |= _variety(model, x, y, told)
        bottleneck = model.config.latent_dim < model.data.size or "prior" in traits
        if not bottleneck and model.config.corruption == "none" and not model.data.row.symbols:
            noisy = torch.from_numpy(shuffled(x.cpu().numpy(), seed)).to(device)
            error = (model.decode(model.encode(noisy, told).z, told) - noisy).square().mean()
            figures |= {"shuffled_mse": float(error), "variance": float(x.var(0, correction=0).mean())}
    return figures


@contextlib.contextmanager
def _peaks(model: Autoencoder) -> Iterator[dict[str, Tensor]]:
    """The largest activation of each ReLU unit within the block, (units,) by the name of its module."""
    peaks: dict[str, Tensor] = {}

    def note(name: str, out: Tensor) -> None:
        peak = out.transpose(0, 1).flatten(1).amax(1)
        peaks[name] = torch.maximum(peaks[name], peak) if name in peaks else peak

    handles = [
        module.register_forward_hook(lambda _, __, out, name=name: note(name, out))
        for name, module in model.named_modules()
        if isinstance(module, nn.ReLU)
    ]
    try:
        yield peaks
    finally:
        for handle in handles:
            handle.remove()


def _pictures(x: Tensor) -> np.ndarray:
    """Pictures (n, channels, h, w) as (n, h, w, channels)."""
    return x.movedim(1, -1).cpu().numpy()


def _variety(model: Autoencoder, x: Tensor, y: Tensor, told: Tensor | None) -> dict[str, float]:
    """Effective numbers of classes among draws from the prior, each of the class of the sample most like it, and among
    the samples x (n, ...) with labels y (n,)."""
    drawn = model.decode(model.sample_prior(len(x), noise.current(), y=told), told).flatten(1)
    nearest = torch.cdist(drawn, x.flatten(1)).argmin(1)
    counts = [np.bincount(labels[labels >= 0]) for labels in (y[nearest].cpu().numpy(), y.cpu().numpy())]
    if not all(count.sum() for count in counts):
        return {}
    sampled, there = map(effective_number, counts)
    return {"sampled_classes": sampled, "classes": there}
