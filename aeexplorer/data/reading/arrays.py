"""Arrays of NumPy: .npy and .npz files, whose headers are read before anything else. Nothing is ever unpickled."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np

from aeexplorer.config import ConfigError, unknown
from aeexplorer.data.reading.pictures import GROUNDS
from aeexplorer.data.reading.proposal import (
    MOST_BYTES,
    Choices,
    Notes,
    Proposal,
    Samples,
    class_counts,
    counted,
    too_few,
)
from aeexplorer.data.spec import MAX_SIDE, Kind

LABELS = ("y", "labels", "label", "target", "targets", "y_train")
NAMES = ("classes", "class_names", "names")
MOST_RATIO = 1_000
"""Ratio of unpacked to packed bytes: pictures that are mostly black compress well."""


def read_arrays(content: bytes, name: str, choices: Choices, notes: Notes) -> tuple[Proposal, Samples | None]:
    """The samples x and labels y of a file.

    Raises:
        ConfigError: when it holds objects, no array, or too much.
    """
    arrays = {"x": _array(content, name)} if content[:6] == b"\x93NUMPY" else _archive(content, name)
    parts = tuple(key for key, value in arrays.items() if value.ndim >= 2 and value.dtype.kind in "biuf")
    if choices.part and choices.part not in parts:
        raise ConfigError(unknown("array", choices.part, parts))
    if not parts:
        raise ConfigError(
            f"{name} must hold an array of numbers with at least two axes, got {', '.join(arrays) or 'none'}"
        )
    key = choices.part or ("x" if "x" in parts else max(parts, key=lambda part: arrays[part].size))
    if len(parts) > 1:
        notes.add(key, f"of the arrays {', '.join(parts)} this one is read", choice="part")
    x = arrays[key]
    labels = _labels(arrays, len(x), notes) if choices.label != "none" else None
    x, kind = _laid_out(x, choices, notes)
    lost = 0 if kind == "image" else int((~np.isfinite(x)).sum()) if x.dtype.kind == "f" else 0
    if lost:
        x = np.where(np.isfinite(x), x, np.nan)
        notes.add("", f"{counted(lost, 'value')} missing or infinite, filled with the mean", lost, choice="fill")
    proposal = Proposal(
        kind=kind,
        samples=len(x),
        shape=x.shape[1:],
        classes=class_counts(labels),
        findings=tuple(notes.found),
        refusal=too_few(len(x)),
        parts=parts if len(parts) > 1 else (),
        chosen=choices.replace(part=key if len(parts) > 1 else ""),
    )
    return proposal, None if proposal.refusal else Samples(x, labels)


def _archive(content: bytes, name: str) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            items = [item for item in archive.infolist() if item.filename.endswith(".npy")]
            declared = sum(item.file_size for item in items)
            if declared > MOST_BYTES or declared > max(MOST_RATIO * len(content), 10_000_000):
                most = f"{MOST_BYTES:,} bytes, {MOST_RATIO:,} for each packed one"
                raise ConfigError(f"{name} must unpack to at most {most}, got {declared:,}")
            arrays = {}
            for item in items:
                with archive.open(item) as file:
                    arrays[item.filename.removesuffix(".npy")] = _array(
                        file.read(item.file_size + 1), item.filename, name
                    )
            return arrays
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise ConfigError(f"{name} cannot be read as arrays of numbers: {str(error).splitlines()[0]}") from None


def _array(content: bytes, name: str, within: str = "") -> np.ndarray:
    """One array; its header is checked before its values are read."""
    file = io.BytesIO(content)
    named = f"{name} in {within}" if within else name
    try:
        version = np.lib.format.read_magic(file)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, _, dtype = read[version](file) if version in read else ((), False, np.dtype(object))
    except (ValueError, KeyError, EOFError) as error:
        raise ConfigError(f"{named} cannot be read as an array of numbers: {str(error).splitlines()[0]}") from None
    if dtype.hasobject:
        raise ConfigError(
            f"{named} must hold numbers or texts, got an object array, which is a pickle and never loaded"
        )
    size = int(np.prod(shape, dtype=object)) * dtype.itemsize
    if size > MOST_BYTES or size > len(content):
        raise ConfigError(
            f"{named} must hold the {size:,} bytes that it declares, at most {MOST_BYTES:,}, got {len(content):,}"
        )
    file.seek(0)
    try:
        array: np.ndarray = np.load(file, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ConfigError(f"{named} cannot be read as an array of numbers: {str(error).splitlines()[0]}") from None
    return array


def _labels(arrays: dict[str, np.ndarray], n: int, notes: Notes) -> list[str | None] | None:
    key = next((name for name in LABELS if name in arrays and arrays[name].shape in ((n,), (n, 1))), "")
    if not key:
        return None
    values = arrays[key].reshape(n)
    if values.dtype.kind == "f" and not _whole(values):
        notes.add(key, "labels must be whole numbers or names", left_out=True)
        return None
    names: list[str] = next(
        (arrays[name].astype(str).tolist() for name in NAMES if name in arrays and arrays[name].ndim == 1), []
    )
    notes.add(key, "taken as the labels", choice="label")
    return [_label(value, names) for value in values.tolist()]


def _whole(values: np.ndarray) -> bool:
    there = values[~np.isnan(values)]
    return bool((there == np.rint(there)).all())


def _label(value: Any, names: list[str]) -> str | None:
    if isinstance(value, str | bytes):
        text = value if isinstance(value, str) else value.decode("utf-8", "replace")
        return text or None
    if value != value or value < 0:
        return None
    return names[int(value)] if value < len(names) else f"{int(value)}"


def _laid_out(x: np.ndarray, choices: Choices, notes: Notes) -> tuple[np.ndarray, Kind]:
    """Samples as the kind of data that they seem to be, channels last."""
    kind: Kind = choices.kind or _kind(x)
    if kind == "vector" and x.ndim > 2:
        return x.reshape(len(x), -1).astype(np.float64), kind
    if kind == "sequence" and x.ndim == 4:
        raise ConfigError(f"x must have two or three axes to be sequences, got shape {x.shape}")
    if kind != "image":
        return x.astype(np.float64), kind
    if x.ndim not in (3, 4):
        raise ConfigError(f"x must have three or four axes to be pictures, got shape {x.shape}")
    if x.ndim == 4 and x.shape[1] in (1, 3, 4) and x.shape[3] not in (1, 3, 4):
        x = np.moveaxis(x, 1, 3)
        notes.add("", "the second axis is taken as the colours of pictures")
    if x.ndim == 4 and x.shape[3] == 1:
        x = x[..., 0]
    if x.ndim == 4 and x.shape[3] not in (3, 4):
        raise ConfigError(f"pictures must have 1, 3 or 4 channels, got {x.shape[3]}")
    pictures = _bytes(x, notes)
    if pictures.ndim == 4 and pictures.shape[3] == 4:
        alpha = pictures[..., 3:].astype(np.float32) / 255
        pictures = np.rint(pictures[..., :3] * alpha + GROUNDS[choices.ground] * (1 - alpha)).astype(np.uint8)
        notes.add("", f"put on a {choices.ground} background where they are transparent", len(x), choice="ground")
    if choices.size or max(pictures.shape[1:3]) > MAX_SIDE:
        pictures = _resized(pictures, choices.size or 64, notes)
    if pictures.ndim == 4 and choices.grey:
        pictures = np.rint(pictures @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
    return pictures, kind


def _kind(x: np.ndarray) -> Kind:
    if x.ndim == 2:
        return "vector"
    if x.ndim == 3 and x.dtype != np.uint8 and (min(x.shape[1:]) < 8 or x.min(initial=0) < 0 or x.max(initial=0) > 255):
        return "sequence"
    return "image"


def _bytes(x: np.ndarray, notes: Notes) -> np.ndarray:
    """Pictures as 0..255.

    Raises:
        ConfigError: for values below 0, or that are no numbers.
    """
    if x.dtype == np.uint8:
        return x
    low, high = (float(x.min(initial=0)), float(x.max(initial=0))) if x.dtype.kind != "b" else (0.0, 1.0)
    if not (np.isfinite(low) and np.isfinite(high)) or low < 0 or high > 65_535:
        raise ConfigError(f"pictures must be 0..255, or floats 0..1, got values from {low:g} to {high:g}")
    top = 1.0 if high <= 1 else 255.0 if high <= 255 else 65_535.0
    if high > 1:
        notes.add("", f"pictures of {x.dtype} with values up to {high:g} are read as 0..{top:g}")
    return np.rint(x / (top / 255)).astype(np.uint8)


def _resized(x: np.ndarray, side: int, notes: Notes) -> np.ndarray:
    from PIL import Image

    notes.add(
        "", f"pictures of {x.shape[2]} × {x.shape[1]} pixels are scaled to {side} × {side}", len(x), choice="size"
    )
    return np.stack(
        [np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC)) for picture in x]
    )
