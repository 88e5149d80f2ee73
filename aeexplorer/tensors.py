"""The border between NumPy and torch: sample layouts, and a split held in memory for the training loop.

Arrays have the layout in which they are shown: images (n, h, w) or (n, h, w, 3), sequences (n, steps) or
(n, steps, channels), vectors (n, features), tokens (n, steps) as indices or (n, steps, symbols) as probabilities.
Models see images as (n, channels, h, w), sequences as (n, channels, steps), tokens as (n, symbols, steps), vectors as
they are.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from aeexplorer.data.checks import numbers
from aeexplorer.data.spec import DataSpec


def model_shape(spec: DataSpec) -> tuple[int, ...]:
    """Shape of one sample as a model sees it: (channels, h, w), (channels, steps), (symbols, steps) or (features,)."""
    values, sides = spec.value_shape, spec.row.sides
    if not sides:
        return values
    channels = values[sides] if len(values) > sides else 1
    return (channels, *values[:sides])


def to_tensor(x: np.ndarray, spec: DataSpec) -> Tensor:
    """Samples (n, *spec.shape), or values (n, *spec.value_shape), as a contiguous tensor (n, *model_shape(spec)): uint8
    for pictures of bytes and for symbols, of which 255 stands for the one that is there, else float32.

    Raises:
        ValueError: when the shape of a sample is not `spec.shape`; the sentence names both shapes.
        ConfigError: (a ValueError) when the samples are not numbers.
    """
    x = numbers(x, spec)
    as_symbols = spec.row.symbols and x.dtype == np.uint8
    wanted = spec.shape if as_symbols else spec.value_shape
    if x.shape[1:] != wanted:
        raise ValueError(
            f"samples of {spec.name} must have shape (n, {', '.join(map(str, spec.shape))}), got {tuple(x.shape)}"
        )
    if as_symbols:
        one_hot = np.zeros((len(x), *model_shape(spec)), np.uint8)
        np.put_along_axis(one_hot, x[:, None].astype(np.int64), 255, axis=1)
        return torch.from_numpy(one_hot)
    x = np.ascontiguousarray(x) if x.flags.writeable else x.copy()  # torch warns about arrays that are read-only
    tensor = torch.from_numpy(x)
    if not spec.row.sides:
        return tensor
    shape = model_shape(spec)
    return tensor.reshape(-1, *shape) if shape[0] == 1 else tensor.movedim(-1, 1).contiguous()


def to_float(x: Tensor) -> Tensor:
    """uint8 0..255 as float32 0..1; float32 as it is."""
    return x.to(torch.float32).mul_(1 / 255) if x.dtype == torch.uint8 else x


def to_array(x: Tensor, spec: DataSpec) -> np.ndarray:
    """A tensor (n, *model_shape(spec)) as a float32 array (n, *spec.value_shape)."""
    x = x.detach().to("cpu", torch.float32)
    if spec.row.sides and len(x) and x.shape[1] > 1:
        x = x.movedim(1, -1)
    return np.ascontiguousarray(x.reshape(-1, *spec.value_shape).numpy())


class Samples:
    """A split held in memory in its own dtype, uint8 for images and symbols; a batch is one gather and one scaling.

    This makes the loop fast: no worker process, no collation, no tensor per sample. The whole of MNIST is 47 MB as
    uint8.
    """

    def __init__(self, x: np.ndarray, y: np.ndarray, spec: DataSpec, device: torch.device | str = "cpu") -> None:
        tensor = to_tensor(x, spec)
        self.x = tensor.to(device)
        self.y = torch.from_numpy(np.array(y, dtype=np.int64)).to(device)

    def __len__(self) -> int:
        return len(self.x)

    def batch(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """The samples (b, *model shape) float32 and labels (b,) at `index` (b,)."""
        return to_float(self.x.index_select(0, index)), self.y.index_select(0, index)
