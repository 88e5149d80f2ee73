"""Train the classifiers of `aeexplorer/perceptual`, one for each dataset, and say how many test samples they recognise.

python benchmarks/classifiers.py [NAME ...]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import safetensors.torch
import torch
import torch.nn.functional as F

import aeexplorer as ae
from aeexplorer import perceptual
from aeexplorer.tensors import Samples

CHANNELS = (16, 32, 64)
STEPS = 3_000


def initial(channels: int, sides: tuple[int, int], classes: int) -> dict[str, torch.Tensor]:
    """Fresh weights: of convolutions of width 3, and of a linear layer behind them."""
    weights, sizes = {}, (channels, *CHANNELS)
    for i in range(len(CHANNELS)):
        layer = torch.nn.Conv2d(sizes[i], sizes[i + 1], 3)
        weights |= {f"weight{i}": layer.weight, f"bias{i}": layer.bias}
    height, width = (-(-side // 4) for side in sides)
    head = torch.nn.Linear(CHANNELS[-1] * height * width, classes)
    return {**weights, "head_weight": head.weight, "head_bias": head.bias}


@torch.inference_mode()
def accuracy(weights: dict[str, torch.Tensor], samples: Samples) -> float:
    right = 0
    for index in torch.arange(len(samples)).split(500):
        x, y = samples.batch(index)
        right += int((perceptual.classify(x, weights).argmax(1) == y).sum())
    return right / len(samples)


def train(name: str) -> None:
    data = ae.load_dataset(name)
    torch.manual_seed(0)
    weights = initial(1, data.spec.shape[:2], len(data.spec.classes))
    samples = Samples(data.train.x, data.train.y, data.spec)
    optimizer = torch.optim.AdamW(weights.values(), lr=2e-3, weight_decay=1e-2, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    for _ in range(STEPS):
        x, y = samples.batch(torch.randint(len(samples), (128,)))
        loss = F.cross_entropy(perceptual.classify(x, weights), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    stored = {k: v.detach().half() for k, v in weights.items()}
    with torch.inference_mode():
        layers = perceptual.activations(samples.batch(torch.arange(min(len(samples), 2_000)))[0], weights)
        stored["power"] = torch.stack([layer.square().mean() for layer in layers])
    path = Path(perceptual.__file__).with_name(f"{name}.safetensors")
    safetensors.torch.save_file(stored, path)
    found = accuracy(perceptual.load_classifier(name), Samples(data.test.x, data.test.y, data.spec))
    print(f"{name}: {found:.4f} of the test samples recognised, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=sorted(set(perceptual.CLASSIFIERS.values())))
    for each in parser.parse_args().names:
        train(each)
