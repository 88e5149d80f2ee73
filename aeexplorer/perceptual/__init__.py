"""Perceptual loss (Hou et al. 2017, "Deep feature consistent variational autoencoder",
https://arxiv.org/abs/1610.00291): pictures are compared by the features of a classifier.

The classifier of each dataset lies beside this file; `benchmarks/classifiers.py` trains them.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
import torch.nn.functional as F
from torch import Tensor

from aeexplorer.data.spec import DataSpec

CLASSIFIERS = {
    "digits": "digits",
    "mnist": "mnist",
    "mnist-binary": "mnist",
    "fashion-mnist": "fashion-mnist",
    "fashion-mnist-binary": "fashion-mnist",
}
"""The classifier of each dataset: the name of its file, without the ending."""

CPU = torch.device("cpu")

LAYERS = 3
"""Convolutions of a classifier."""


def activations(x: Tensor, weights: Mapping[str, Tensor]) -> list[Tensor]:
    """The activations of each convolution of a classifier for pictures x (b, 1, h, w): (b, channels, h', w'), with
    half the height and width of those before."""
    found = []
    for i in range(LAYERS):
        # Strides in place of averages would make features that depend on where the grid lies, and pictures with dots.
        x = F.avg_pool2d(x, 2, ceil_mode=True) if i else x
        x = F.relu(F.conv2d(x, weights[f"weight{i}"], weights[f"bias{i}"], padding=1))
        found.append(x)
    return found


def no_classifier(data: DataSpec) -> str:
    """The reason why data have no perceptual loss, as the end of a sentence; "" where a classifier is shipped."""
    return "" if data.name in CLASSIFIERS else "for which no classifier is shipped"


@functools.cache
def load_classifier(dataset: str, device: torch.device = CPU) -> dict[str, Tensor]:
    """The weights of the classifier of a dataset, float32: `weight<i>` and `bias<i>` of each convolution, `head_weight`
    and `head_bias` of the linear layer behind them, and `power` (layers,), the mean squares of the activations."""
    path = Path(__file__).with_name(f"{CLASSIFIERS[dataset]}.safetensors")
    with torch.inference_mode(False):  # constants of trainings too, wherever they are first asked for
        return {name: tensor.to(device, torch.float32) for name, tensor in safetensors.torch.load_file(path).items()}


def classify(x: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
    """Unnormalised log-probabilities (b, classes) of pictures x (b, 1, h, w) in [0, 1]."""
    return F.linear(activations(x, weights)[-1].flatten(1), weights["head_weight"], weights["head_bias"])


@torch.inference_mode()
def recognised(x: np.ndarray, dataset: str) -> np.ndarray:
    """Classes (n,) that the classifier of a dataset sees in pictures x (n, h, w), floats in [0, 1]."""
    pictures = torch.from_numpy(np.ascontiguousarray(x, np.float32))[:, None]
    return classify(pictures, load_classifier(dataset)).argmax(1).numpy()


class Perceptual:
    """||x - σ(l)||² + n / L Σ_l ||φ_l(x) - φ_l(σ(l))||² / E||φ_l||², (b,), for pictures of n values and the L layers of
    a classifier; logits and target (b, 1, h, w).

    The sum is equation 3 of Hou et al. 2017, each layer in units of its own mean square. The squared error of pixels
    holds down patterns that the features hardly see; Dosovitskiy & Brox 2016, "Generating images with perceptual
    similarity metrics based on deep networks", https://arxiv.org/abs/1602.02644, add the same term.

    The weights of the classifier are constants, and no part of the model's own weights.
    """

    def __init__(self, data: DataSpec) -> None:
        self.dataset = data.name

    def __call__(self, logits: Tensor, target: Tensor) -> Tensor:
        weights = load_classifier(self.dataset, logits.device)
        found = torch.sigmoid(logits)
        pairs = zip(activations(found, weights), activations(target, weights), strict=True)
        errors = torch.stack([F.mse_loss(a, b, reduction="none").flatten(1).mean(1) for a, b in pairs])  # (layers, b)
        pixels = F.mse_loss(found, target, reduction="none").flatten(1).sum(1)
        return pixels + target[0].numel() * (errors / weights["power"][:, None]).mean(0)
