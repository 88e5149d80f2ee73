"""Restoration of pictures: a denoising autoencoder beside the methods of a textbook, on test samples and on pictures of
any size, which it restores by overlapping patches."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import Field

from aeexplorer.config import Config, ConfigError
from aeexplorer.corruption import corrupt
from aeexplorer.data.spec import DataSpec
from aeexplorer.explorer import Explorer
from aeexplorer.metrics import mse, psnr, ssim
from aeexplorer.perceptual import CLASSIFIERS, recognised
from aeexplorer.runs.run import Run

FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
MOST_PIXELS = 4_000_000
CHUNK = 4_096
"""Patches that are restored at once."""


@dataclass(frozen=True)
class Method:
    """A way to restore without a model: title, and (pictures (n, h, w) float32 in [0, 1], level) -> restored."""

    title: str
    restore: Callable[[np.ndarray, float], np.ndarray]


def _each(restore: Callable[..., np.ndarray], **more: Any) -> Callable[[np.ndarray, float], np.ndarray]:
    return lambda x, level: np.stack([restore(one, **more) for one in x]).astype(np.float32)


def _median(x: np.ndarray, level: float) -> np.ndarray:
    from skimage.filters import median

    return np.stack([median(one, np.ones((3, 3))) for one in x])


def _bilateral(x: np.ndarray, level: float) -> np.ndarray:
    from skimage.restoration import denoise_bilateral

    x = np.clip(x, 0, 1)
    return _each(denoise_bilateral, sigma_color=max(2 * level, 0.05), sigma_spatial=1.5, bins=256)(x, level)


def _non_local(x: np.ndarray, level: float) -> np.ndarray:
    from skimage.restoration import denoise_nl_means

    more = {"h": 0.8 * level + 0.01, "sigma": level, "patch_size": 5, "patch_distance": 6, "fast_mode": True}
    return _each(denoise_nl_means, **more)(x, level)


def _wavelet(x: np.ndarray, level: float) -> np.ndarray:
    from skimage.restoration import denoise_wavelet

    return _each(denoise_wavelet, sigma=level or None, mode="soft", rescale_sigma=True)(x, level)


def _biharmonic(x: np.ndarray, level: float) -> np.ndarray:
    """Smooth filling of what is exactly black; of a picture that is dark by itself also that."""
    from skimage.restoration import inpaint_biharmonic

    return np.stack([inpaint_biharmonic(one, one == 0) if (one == 0).any() else one for one in x]).astype(np.float32)


def bicubic(x: np.ndarray, level: float) -> np.ndarray:
    """Clean pictures at the resolution that is left, made large again by bicubic interpolation."""
    from skimage.transform import resize, resize_local_mean

    sides = x.shape[1:3]
    small = [max(1, round(side * (1 - level))) for side in sides]
    return np.stack([resize(resize_local_mean(one, small), sides, order=3, mode="edge") for one in x])


def _brightened(x: np.ndarray, level: float) -> np.ndarray:
    return x / max(1 - level, 0.05)


def _equalised(x: np.ndarray, level: float) -> np.ndarray:
    from skimage.exposure import rescale_intensity

    return _each(rescale_intensity, in_range="image", out_range=(0.0, 1.0))(x, level)


FILTERS: dict[str, Method] = {
    "median": Method("Median", _median),
    "bilateral": Method("Bilateral", _bilateral),
    "non_local": Method("Non-local means", _non_local),
    "wavelet": Method("Wavelet", _wavelet),
}
METHODS: Mapping[str, dict[str, Method]] = {
    "gaussian": FILTERS,
    "salt_and_pepper": FILTERS,
    "masking": {"biharmonic": Method("Biharmonic filling", _biharmonic), "median": FILTERS["median"]},
    "masking_blocks": {"biharmonic": Method("Biharmonic filling", _biharmonic)},
    "low_resolution": {"bicubic": Method("Bicubic", bicubic)},
    "low_light": {
        "brightened": Method("Brightened", _brightened),
        "stretched": Method("Contrast stretched", _equalised),
    },
}
"""Methods without a model, by the corruption that they are for."""


def refusal(run: Run) -> str:
    """The reason why a run cannot restore pictures, as a sentence; "" where it can."""
    if run.spec.data.kind != "image":
        return f"restore needs a run on pictures, got {run.spec.data.kind} data"
    if run.config.corruption not in METHODS:
        return f"restore needs a run that was trained on corrupted pictures, got {run.family.name} on clean ones"
    return ""


class Knobs(Config):
    """The number of test pictures to compare, and the level; 0 is that of the training."""

    n: int = Field(300, ge=1, le=10_000)
    level: float = Field(0.0, ge=0, le=1)


def study(model: Explorer, knobs: Knobs) -> Iterator[tuple[float, dict[str, Any]]]:
    """The figures of `compare` over many test pictures."""
    test = model.dataset.test
    yield 0.01, {}
    yield 1.0, compare(model, test.x[: knobs.n], test.y[: knobs.n], knobs.level or None)


def verdict(found: Mapping[str, Mapping[str, float]], titles: Mapping[str, str]) -> str:
    """Name the methods with the best PSNR, SSIM and recognition, in a sentence."""
    ways = [name for name in found if name not in ("clean", "corrupted")]

    def best(figure: str) -> str:
        name = max(ways, key=lambda way: found[way][figure])
        return titles[name]

    text = f"{best('psnr')} has the highest PSNR, {best('ssim')} the highest SSIM"
    if "recognised" not in found["corrupted"]:
        return text + "."
    share = found["corrupted"]["recognised"]
    return f"{text}; most are recognised after {best('recognised')} ({share:.0%} of the corrupted pictures)."


def read_picture(content: bytes) -> np.ndarray:
    """An image file as (h, w) or (h, w, 3) uint8, upright.

    Raises:
        ConfigError: for what is no picture, or too large a one.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        picture = Image.open(io.BytesIO(content), formats=FORMATS)
        if picture.width * picture.height > MOST_PIXELS:
            size = f"{picture.width} x {picture.height}"
            raise ConfigError(f"picture must have at most {MOST_PIXELS:,} pixels, got {size}")
        upright = ImageOps.exif_transpose(picture)
        return np.asarray(upright.convert("L" if upright.mode in ("1", "L", "I", "I;16") else "RGB"), np.uint8)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError("picture must be a PNG, JPEG, WebP or BMP file, got something else") from None


def picture_spec(picture: np.ndarray) -> DataSpec:
    """A description of pictures of the kind of this one, whatever its size: (h, w) or (h, w, 3)."""
    shape = (8, 8, *picture.shape[2:])
    return DataSpec(name="picture", title="Picture", kind="image", shape=shape, value_range=(0.0, 1.0))


def restored(x: np.ndarray, kind: str, level: float, name: str) -> np.ndarray:
    """Pictures restored by a method from corrupted ones (n, h, w) or (n, h, w, 3), in [0, 1]; colours one by one."""
    if x.ndim == 4:
        planes = [restored(x[..., channel], kind, level, name) for channel in range(x.shape[3])]
        return np.stack(planes, axis=3)
    return np.clip(METHODS[kind][name].restore(x, level), 0, 1).astype(np.float32)


def compare(
    model: Explorer, clean: np.ndarray, y: np.ndarray, level: float | None = None, seed: int = 0
) -> dict[str, Any]:
    """PSNR, SSIM and recognition of clean pictures (n, *shape), corrupted ones, and those restored by the model and
    each method.

    Args:
        y: (n,) classes, by which recognition by the shipped classifier is judged.
        level: of the corruption; that of the training if None.
    """
    kind, at = str(model.config.corruption), model.config.level if level is None else level
    given = corrupt(clean, kind, at, seed, model.spec)
    x = clean.astype(np.float32) / 255 if clean.dtype == np.uint8 else clean
    made = {"clean": x, "corrupted": given, "model": model.reconstruct(given)}
    made |= {name: restored(seen_by_methods(x, given, kind), kind, at, name) for name in METHODS[kind]}
    return {name: figures(x, pictures, y, model.spec) for name, pictures in made.items()}


def seen_by_methods(clean: np.ndarray, given: np.ndarray, kind: str) -> np.ndarray:
    """Input of the methods without a model: the corrupted pictures, but those that enlarge take the few pixels that
    are left, which they make of the clean ones; the model gets them enlarged linearly."""
    return clean if kind == "low_resolution" else given


def figures(clean: np.ndarray, made: np.ndarray, y: np.ndarray, spec: DataSpec) -> dict[str, float]:
    """PSNR in dB, SSIM, and the share of pictures whose class the shipped classifier recognises, where there is one."""
    shown = np.clip(made, 0, 1)
    first, second = (a if a.ndim == 3 else np.moveaxis(a, -1, 1) for a in (clean, shown))
    found = {"mse": mse(clean, shown), "psnr": psnr(clean, shown), "ssim": float(ssim(first, second).mean())}
    if spec.name in CLASSIFIERS and (y >= 0).any():
        known = y >= 0
        found["recognised"] = float((recognised(shown[known], spec.name) == y[known]).mean())
    return found


def restore_picture(model: Explorer, picture: np.ndarray, scale: int = 1) -> np.ndarray:
    """Restore a picture of any size by overlapping patches of the model's size, which fade into each other.

    Args:
        picture: (h, w) or (h, w, 3) uint8, or floats in [0, 1]; a model of grey pictures restores each colour.
        scale: times that the picture is made larger first, for a model of lost resolution.

    Returns:
        (h, w) or (h, w, 3) uint8.

    Raises:
        ConfigError: for a run that cannot restore, or a picture of another shape, smaller than a patch or too large.
    """
    if lack := refusal(model.run):
        raise ConfigError(lack)
    x = np.asarray(picture, np.float32) / (255 if np.asarray(picture).dtype == np.uint8 else 1)
    if x.ndim not in (2, 3) or (x.ndim == 3 and x.shape[2] != 3):
        raise ConfigError(f"picture must be (h, w) or (h, w, 3), got {x.shape}")
    if scale > 1:
        from skimage.transform import resize

        x = resize(x, (x.shape[0] * scale, x.shape[1] * scale, *x.shape[2:]), order=1, mode="edge").astype(np.float32)
    height, width = model.spec.shape[:2]
    if x.shape[0] < height or x.shape[1] < width or x.shape[0] * x.shape[1] > MOST_PIXELS:
        size = f"{x.shape[0]} x {x.shape[1]}"
        raise ConfigError(f"picture must be {height} x {width} to {MOST_PIXELS:,} pixels in all, got {size}")
    colour = len(model.spec.shape) == 3
    if colour:
        x = x if x.ndim == 3 else np.repeat(x[..., None], 3, axis=2)
        found = _by_patches(model, x)
    elif x.ndim == 3:
        found = np.stack([_by_patches(model, x[..., channel]) for channel in range(3)], axis=2)
    else:
        found = _by_patches(model, x)
    return np.asarray(np.rint(np.clip(found, 0, 1) * 255), np.uint8)


def _by_patches(model: Explorer, x: np.ndarray) -> np.ndarray:
    """A picture of the model's channels, restored; patches lie half over each other, and their edges count least."""
    height, width = model.spec.shape[:2]
    tops, lefts = (_starts(side, patch) for side, patch in zip(x.shape[:2], (height, width), strict=True))
    corners = [(top, left) for top in tops for left in lefts]
    weight = np.outer(*(np.minimum(np.arange(1, n + 1), np.arange(n, 0, -1)) for n in (height, width))).astype(
        np.float32
    )
    weight = weight.reshape(*weight.shape, *[1] * (x.ndim - 2))
    total, weights = np.zeros_like(x), np.zeros((*x.shape[:2], *[1] * (x.ndim - 2)), np.float32)
    for begin in range(0, len(corners), CHUNK):
        some = corners[begin : begin + CHUNK]
        patches = np.stack([x[top : top + height, left : left + width] for top, left in some])
        for (top, left), patch in zip(some, model.reconstruct(patches), strict=True):
            total[top : top + height, left : left + width] += weight * patch
            weights[top : top + height, left : left + width] += weight
    return total / weights


def _starts(side: int, patch: int) -> list[int]:
    return sorted({*range(0, side - patch, max(patch // 2, 1)), side - patch})
