"""Corruptions for denoising autoencoders (Vincent et al. 2008, "Extracting and Composing Robust Features").

Every corruption is a function of (x, level, noise). The noise is drawn separately from the level, so that a page can
keep the pattern while the level moves: salt-and-pepper and masking change at a lower level a subset of the positions
that they change at a higher one, and Gaussian noise keeps its direction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from aeexplorer import noise
from aeexplorer.config import ConfigError, checked_seed, unknown
from aeexplorer.data.checks import CORRUPTED, check_values, numbers
from aeexplorer.data.kinds import KINDS
from aeexplorer.data.spec import DataSpec
from aeexplorer.tensors import to_array, to_float, to_tensor

BLOCKS = 7
"""Blocks along the longest side for masking in blocks: 4 x 4 pixels on a 28 x 28 picture."""


@dataclass(frozen=True)
class Corruption:
    """One row of `CORRUPTIONS`.

    Attributes:
        unit: the meaning of the level, in natural units.
        draw: (shape (b, *model shape), generator, device) -> noise, independent of the level; None takes the thread's
            generator.
        apply: (x, level, noise, (low, high)) -> corrupted x of the same shape; low is the value of pepper, high of
            salt.
        kinds: kinds of data that it fits.
    """

    name: str
    title: str
    unit: str
    draw: Callable[[torch.Size, torch.Generator | None, torch.device], Tensor]
    apply: Callable[[Tensor, float, Tensor, tuple[float, float]], Tensor]
    kinds: tuple[str, ...] = ("image", "sequence", "vector")


def _positions(shape: torch.Size) -> tuple[int, ...]:
    """The shape of one decision per position: all channels of a pixel or time step are corrupted together."""
    return (shape[0], 1, *shape[2:]) if len(shape) > 2 else tuple(shape)


def _draw_uniform(shape: torch.Size, generator: torch.Generator | None, device: torch.device) -> Tensor:
    return noise.uniform(_positions(shape), generator, device)


def _draw_nothing(shape: torch.Size, generator: torch.Generator | None, device: torch.device) -> Tensor:
    """For a corruption without chance."""
    return torch.zeros((shape[0], *[1] * (len(shape) - 1)), device=device)


def _draw_signed(shape: torch.Size, generator: torch.Generator | None, device: torch.device) -> Tensor:
    return _draw_uniform(shape, generator, device).mul_(2).sub_(1)


def _draw_symbols(shape: torch.Size, generator: torch.Generator | None, device: torch.device) -> Tensor:
    """Two decisions per position: whether it changes, and which symbol it becomes; (b, 2, steps)."""
    return noise.uniform((shape[0], 2, *shape[2:]), generator, device)


def _draw_blocks(shape: torch.Size, generator: torch.Generator | None, device: torch.device) -> Tensor:
    if len(shape) == 2:
        return _draw_uniform(shape, generator, device)
    side = -(-max(shape[2:]) // BLOCKS)
    blocks = noise.uniform((shape[0], 1, *(-(-n // side) for n in shape[2:])), generator, device)
    for axis in range(2, len(shape)):
        blocks = blocks.repeat_interleave(side, axis).narrow(axis, 0, shape[axis])
    return blocks


def gaussian(x: Tensor, level: float, pattern: Tensor, extremes: tuple[float, float] = (0.0, 1.0)) -> Tensor:
    """x + level · pattern; the level is the standard deviation in units of the data.

    Not clipped: only for purely additive noise is the optimal denoiser's residual the score (Vincent 2011; Alain &
    Bengio 2014).
    """
    return x + level * pattern


def salt_and_pepper(x: Tensor, level: float, pattern: Tensor, extremes: tuple[float, float] = (0.0, 1.0)) -> Tensor:
    """Set a fraction `level` of the positions to the low or the high extreme, half each.

    The pattern is uniform in [-1, 1]: its absolute value decides whether a position changes, its sign to which extreme.
    """
    low, high = extremes
    replaced = torch.where(pattern < 0, torch.full_like(pattern, low), torch.full_like(pattern, high))
    return torch.where(pattern.abs() < level, replaced, x)


def masking(x: Tensor, level: float, pattern: Tensor, extremes: tuple[float, float] = (0.0, 1.0)) -> Tensor:
    """Set a fraction `level` of the positions to 0: black in a picture, the mean in a standardised table."""
    return x * (pattern >= level)


def low_resolution(x: Tensor, level: float, pattern: Tensor, extremes: tuple[float, float] = (0.0, 1.0)) -> Tensor:
    """Pictures x (b, channels, h, w) that have lost a fraction `level` of the pixels of each side: means of areas, made
    large again linearly. 1/2 is for super-resolution by 2, 3/4 by 4."""
    sides = tuple(max(1, round(side * (1 - level))) for side in x.shape[2:])
    if sides == tuple(x.shape[2:]):
        return x
    small = F.interpolate(x, sides, mode="area")
    return F.interpolate(small, x.shape[2:], mode="bilinear", align_corners=False)


def low_light(x: Tensor, level: float, pattern: Tensor, extremes: tuple[float, float] = (0.0, 1.0)) -> Tensor:
    """x that has lost a fraction `level` of its light, with the noise of the sensor, of deviation 0.05 · level."""
    return x * (1 - level) + 0.05 * level * pattern


def replacement(x: Tensor, level: float, pattern: Tensor, extremes: tuple[float, float] = (0.0, 1.0)) -> Tensor:
    """Draw a fraction `level` of the symbols of x (b, symbols, steps) anew, evenly from the vocabulary."""
    changes, which = pattern[:, :1], pattern[:, 1]
    drawn = F.one_hot((which * x.shape[1]).long(), x.shape[1]).movedim(-1, 1).to(x.dtype)
    return torch.where(changes < level, drawn, x)


CORRUPTIONS: dict[str, Corruption] = {
    c.name: c
    for c in (
        Corruption("gaussian", "Gaussian", "standard deviation σ of the added noise", noise.normal, gaussian),
        Corruption(
            "salt_and_pepper",
            "Salt and pepper",
            "fraction of pixels set to black or white",
            _draw_signed,
            salt_and_pepper,
        ),
        Corruption("masking", "Masking", "fraction of pixels set to zero", _draw_uniform, masking, tuple(KINDS)),
        Corruption(
            "masking_blocks",
            "Masking in blocks",
            "fraction of blocks set to zero",
            _draw_blocks,
            masking,
            tuple(KINDS),
        ),
        Corruption(
            "low_resolution",
            "Low resolution",
            "fraction of the pixels of each side that are lost: 1/2 for super-resolution by 2, 3/4 by 4",
            _draw_nothing,
            low_resolution,
            ("image",),
        ),
        Corruption(
            "low_light",
            "Low light",
            "fraction of the light that is lost, with a little noise",
            noise.normal,
            low_light,
            ("image",),
        ),
        Corruption(
            "replacement",
            "Replacement",
            "fraction of pixels drawn anew from the vocabulary",
            _draw_symbols,
            replacement,
            ("tokens",),
        ),
    )
}


def fitting(spec: DataSpec) -> list[str]:
    """The names of the corruptions that fit a dataset and differ there; the blocks of a table are its values."""
    blocks = {"masking_blocks"} if not spec.row.sides else set()
    return [name for name, row in CORRUPTIONS.items() if spec.kind in row.kinds and name not in blocks]


def check_corruption(name: str, spec: DataSpec) -> None:
    """Refuse a corruption that does not fit a dataset; "none" always does.

    Raises:
        ConfigError: with those that fit.
    """
    if name != "none" and spec.kind not in lookup(name).kinds:
        known = ", ".join(["none", *fitting(spec)])
        raise ConfigError(f"corruption must be one of {known} for the {spec.kind} data of {spec.name}, got {name}")


def extremes(spec: DataSpec) -> tuple[float, float]:
    """Values of pepper and salt: the ends of the value range, or three standard deviations where there is none."""
    return spec.value_range or (-3.0, 3.0)


def lookup(kind: str) -> Corruption:
    """The row of `CORRUPTIONS` named `kind`.

    Raises:
        ConfigError: for an unknown name; the sentence lists the known ones.
    """
    if kind not in CORRUPTIONS:
        raise ConfigError(unknown("corruption", kind, CORRUPTIONS))
    return CORRUPTIONS[kind]


def corrupt(
    x: np.ndarray, kind: str = "gaussian", level: float = 0.5, seed: int = 0, spec: DataSpec | None = None
) -> np.ndarray:
    """Corrupt samples; the pattern depends on the shape and the seed alone.

    Args:
        x: (n, *sample shape); uint8 pictures are read as 0..1, other numbers must lie in the value range. Symbols are
            indices, or probabilities (n, steps, symbols).
        kind: a name in `CORRUPTIONS`.
        level: in [0, 1]: a standard deviation for "gaussian", a fraction for the others.
        spec: describes the samples; without it uint8 arrays are read as pictures, (n, d) floats as vectors and
            everything else as pictures with values in [0, 1].

    Returns:
        float32 array of the shape of x, of symbols (n, steps, symbols): zeros where one is masked.

    Raises:
        ConfigError: for an unknown kind, one that does not fit the data, a level outside [0, 1], or samples that are
            not finite or far out of range.
    """
    row = lookup(kind)
    if not isinstance(level, (int, float, np.number)) or not 0 <= level <= 1:
        raise ConfigError(f"level must be between 0 and 1, got {level!r}")
    x = np.asarray(x)
    if spec is None:
        kind_of_data = "vector" if x.ndim == 2 and x.dtype != np.uint8 else "image"
        unit = None if kind_of_data == "vector" else (0.0, 1.0)
        spec = DataSpec(name="samples", title="Samples", kind=kind_of_data, shape=x.shape[1:], value_range=unit)
    check_corruption(kind, spec)
    x = numbers(x, spec)
    clean = to_float(to_tensor(x, spec))
    check_values(x, spec, beyond=CORRUPTED)
    pattern = row.draw(clean.shape, torch.Generator().manual_seed(checked_seed(seed)), clean.device)
    return to_array(row.apply(clean, level, pattern, extremes(spec)), spec)
