"""Pictures as arrays: upright, on a ground, at one size; damaged ones are named and left out."""

from __future__ import annotations

import contextlib
import io
import struct
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aeexplorer.config import ConfigError
from aeexplorer.data.reading.archives import Member
from aeexplorer.data.reading.duplicates import Fingerprint, fingerprint, near_duplicates
from aeexplorer.data.reading.proposal import (
    MOST_BYTES,
    Choices,
    Notes,
    Progress,
    Proposal,
    Samples,
    class_counts,
    counted,
    listed,
    too_few,
)
from aeexplorer.data.spec import MAX_SIDE

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

ENDINGS = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".gif", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".heic", ".heif"),
)
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
MOST_PIXELS = 50_000_000
SIDES = (8, 16, 28, 32, 48, 64, 96, 128)
SUGGESTED_SIDE = 64
SUGGESTED_VALUES = 250_000_000
"""Bytes of all pictures up to which a side is suggested."""
GROUNDS = {"white": 255, "black": 0, "grey": 128}
LUMA = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue: ITU-R BT.601."""
SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
TURNED = (5, 6, 7, 8)
"""EXIF orientations that swap width and height."""


@dataclass(frozen=True)
class Seen:
    """One picture whose header was read."""

    member: Member
    width: int
    height: int
    channels: int


def read_pictures(
    members: Sequence[Member], choices: Choices, notes: Notes, progress: Progress, most: int | None = None
) -> tuple[Proposal, Samples | None]:
    """Pictures (n, h, w) or (n, h, w, 3) uint8, with the names of their folders as labels.

    Args:
        most: read no more than so many, at equal distances, for a preview.
    """
    if most is not None and len(members) > most:
        members = [members[i] for i in np.linspace(0, len(members) - 1, most).astype(int)]
    damaged: dict[str, list[str]] = {}
    counts: Counter[str] = Counter()
    seen = []
    for i, member in enumerate(members):
        progress(0.1 * i / len(members))
        try:
            seen.append(_header(member))
        except ConfigError as error:
            damaged.setdefault(str(error), []).append(member.name)
    shape, wanted = _shape(seen, choices)
    x = np.empty((len(seen), *shape, 3), np.uint8)
    prints: list[Fingerprint] = []
    kept: list[Member] = []
    coloured = False
    for i, picture in enumerate(seen):
        progress(0.1 + 0.9 * i / len(seen))
        try:
            array, marks = _array(picture.member, shape, wanted)
        except ConfigError as error:
            damaged.setdefault(str(error), []).append(picture.member.name)
            continue
        counts.update(marks)
        coloured = coloured or _coloured(array)
        prints.append(fingerprint(array))
        x[len(kept)] = array
        kept.append(picture.member)
    for why, names in damaged.items():
        notes.add_all(names, why, left_out=True)
    _note(counts, seen, shape, wanted, notes)
    x = x[: len(kept)]
    grey = wanted.grey if wanted.grey is not None else not coloured
    wanted = wanted.replace(grey=grey)
    if grey:
        if choices.grey is None and len(kept):
            notes.add("", "no picture has colours, so they are read as grey", len(kept), choice="grey")
        x = _as_grey(x)
    labels, split = _classes(kept, notes)
    samples = Samples(x, labels, groups=_groups(prints, kept, notes), split=split)
    proposal = Proposal(
        kind="image",
        samples=len(kept),
        shape=x.shape[1:],
        classes=class_counts(labels),
        findings=tuple(notes.found),
        refusal=too_few(len(kept)) if most is None else "",
        chosen=wanted,
    )
    return proposal, samples if len(kept) else None


def _open(member: Member, content: bytes) -> Picture:
    """A picture of which the header was read.

    Raises:
        ConfigError: when it is none, or too large.
    """
    from PIL import Image, UnidentifiedImageError

    heif = member.ending in (".heic", ".heif")
    if heif and not _with_heif():
        raise ConfigError("HEIC pictures need the package pillow-heif, which is not installed here")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # sizes are checked below
            picture = Image.open(io.BytesIO(content), formats=("HEIF",) if heif else FORMATS)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise ConfigError("it cannot be read as a picture" if content else "it is empty") from None
    if picture.width * picture.height > MOST_PIXELS:
        raise ConfigError(f"it must have at most {MOST_PIXELS:,} pixels, got {picture.width} × {picture.height}")
    return picture


def _with_heif() -> bool:
    with contextlib.suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()
        return True
    return False


def _header(member: Member) -> Seen:
    picture = _open(member, member.content())
    width, height = picture.size
    with contextlib.suppress(Exception):  # damaged EXIF data say nothing
        if picture.getexif().get(0x0112) in TURNED:
            width, height = height, width
    return Seen(member, width, height, len(picture.getbands()))


def _shape(seen: Sequence[Seen], choices: Choices) -> tuple[tuple[int, int], Choices]:
    """Height and width of all pictures, and the choices with the side in them.

    Pictures of one size that models take are left as they are; others become squares.
    """
    sizes = {(picture.height, picture.width) for picture in seen}
    if choices.size is None and len(sizes) == 1:
        ((height, width),) = sizes
        if max(height, width) <= MAX_SIDE and height * width * 3 * len(seen) <= MOST_BYTES:
            return (height, width), choices
    side = choices.size or suggested_side(seen)
    if side * side * 3 * len(seen) > MOST_BYTES:
        most = int((MOST_BYTES / 3 / len(seen)) ** 0.5)
        raise ConfigError(f"size must be at most {most} pixels for {len(seen):,} pictures, got {side}")
    return (side, side), choices.replace(size=side)


def suggested_side(seen: Sequence[Seen]) -> int:
    """The largest side that most pictures have, up to 64 pixels, and less for very many."""
    if not seen:
        return SUGGESTED_SIDE
    typical = float(np.median([min(picture.width, picture.height) for picture in seen]))
    fitting = [
        side
        for side in SIDES
        if side <= min(typical, SUGGESTED_SIDE) and side * side * 3 * len(seen) <= SUGGESTED_VALUES
    ]
    return max(fitting, default=SIDES[0])


def _array(member: Member, shape: tuple[int, int], choices: Choices) -> tuple[np.ndarray, list[str]]:
    """One picture (h, w, 3) uint8, and what was noticed about it."""
    from PIL import Image, ImageOps

    picture = _open(member, member.content())
    marks = [mark for mark, there in (("animated", _animated(picture)), ("CMYK", picture.mode == "CMYK")) if there]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged EXIF data, and palettes with odd transparency
            orientation = picture.getexif().get(0x0112)
            picture.draft("RGB" if picture.mode != "L" else "L", (2 * shape[1], 2 * shape[0]))
            picture.load()
            upright = ImageOps.exif_transpose(picture)
            flat, ground = _flat(upright, choices)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, struct.error) as error:
        raise ConfigError(_damage(error)) from None
    if ground:
        marks.append("transparent")
    if picture.mode.startswith(("I", "F")):
        marks.append("16-bit")
    if orientation not in (None, 0, 1):
        marks.append("turned")
    return np.asarray(_fitted(flat, shape, choices).convert("RGB")), marks


def _animated(picture: Picture) -> bool:
    return picture.format != "MPO" and getattr(picture, "n_frames", 1) > 1


def _damage(error: BaseException) -> str:
    text = str(error)
    return "it is cut off" if "truncated" in text or "Truncated" in text else "it is damaged"


def _flat(picture: Picture, choices: Choices) -> tuple[Picture, bool]:
    """A picture in grey or RGB, its transparent parts on the chosen ground, and whether it had any."""
    from PIL import Image

    if picture.mode.startswith("I") or picture.mode == "F":
        return Image.fromarray(_eight_bits(np.asarray(picture).astype(np.float64), picture.mode)), False
    if picture.mode in ("1", "L", "RGB"):
        if "transparency" not in picture.info:
            return picture.convert("L") if picture.mode == "1" else picture, False
    elif picture.mode not in ("P", "PA", "LA", "La", "RGBA", "RGBa"):
        return picture.convert("RGB"), False
    with_alpha = picture.convert("RGBA")
    if with_alpha.getchannel("A").getextrema()[0] == 255:
        return with_alpha.convert("RGB"), False
    level = GROUNDS[choices.ground]
    ground = Image.new("RGBA", with_alpha.size, (level, level, level, 255))
    return Image.alpha_composite(ground, with_alpha).convert("RGB"), True


def _eight_bits(values: np.ndarray, mode: str) -> np.ndarray:
    """Grey values of 16 or 32 bits, or floats, as 0..255."""
    high = float(values.max(initial=0.0))
    if mode == "F":
        top = 1.0 if high <= 1 else 255.0 if high <= 255 else 65_535.0 if high <= 65_535 else high
    else:
        top = 65_535.0 if high <= 65_535 else 2.0**32 - 1
    scaled = np.clip(np.nan_to_num(values) / top, 0, 1)
    return np.rint(255 * scaled).astype(np.uint8)


def _fitted(picture: Picture, shape: tuple[int, int], choices: Choices) -> Picture:
    """A picture of the wanted height and width."""
    from PIL import Image, ImageOps

    size = shape[1], shape[0]
    if picture.size == size:
        return picture
    if choices.fit == "stretch":
        return picture.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)
    if choices.fit == "fill":
        return ImageOps.fit(picture, size, Image.Resampling.BICUBIC)
    level = GROUNDS[choices.ground]
    return ImageOps.pad(picture, size, Image.Resampling.BICUBIC, color=level if picture.mode == "L" else (level,) * 3)


def _coloured(array: np.ndarray) -> bool:
    """Whether red, green and blue differ by more than compression makes them."""
    channels = array.astype(np.int16)
    return bool((channels.max(axis=2) - channels.min(axis=2)).max(initial=0) > 24)


def _as_grey(x: np.ndarray) -> np.ndarray:
    grey = np.empty(x.shape[:-1], np.uint8)
    for i, picture in enumerate(x):  # one after the other, as floats of all would take eight times the memory
        grey[i] = np.rint(picture @ LUMA)
    return grey


def _note(counts: Counter[str], seen: Sequence[Seen], shape: tuple[int, int], choices: Choices, notes: Notes) -> None:
    """Say what was done to pictures of each kind."""
    for mark, why, choice in (
        ("turned", "turned upright, as their EXIF data say", ""),
        ("transparent", f"put on a {choices.ground} background where they are transparent", "ground"),
        ("animated", "of moving or many-paged pictures the first frame is read", ""),
        ("CMYK", "converted from CMYK", ""),
        ("16-bit", "converted from more than 8 bits", ""),
    ):
        if counts[mark]:
            notes.add(counted(counts[mark], "picture"), why, counts[mark], choice=choice)
    sizes = sorted({(picture.width, picture.height) for picture in seen})
    if sizes and sizes != [(shape[1], shape[0])]:
        (w, h), (most_w, most_h) = sizes[0], sizes[-1]
        before = f"{w} × {h}" if len(sizes) == 1 else f"{w} × {h} to {most_w} × {most_h}"
        how = {"fit": "fitted into", "fill": "cut to fill", "stretch": "stretched to"}[choices.fit]
        notes.add("", f"pictures of {before} pixels are {how} {shape[1]} × {shape[0]}", len(seen), choice="size")


def _classes(members: Sequence[Member], notes: Notes) -> tuple[list[str | None] | None, list[str] | None]:
    """Labels by folder, None where there are not two folders; and splits where the outermost folders name all three."""
    folders = [member.folders for member in members]
    while folders and all(folders) and len({path[0] for path in folders}) == 1:
        folders = [path[1:] for path in folders]
    split = None
    words = {path[0].lower() for path in folders if path}
    if (
        all(folders)
        and words <= SPLIT_WORDS.keys()
        and {SPLIT_WORDS[word] for word in words} == {"train", "validation", "test"}
    ):
        split = [SPLIT_WORDS[path[0].lower()] for path in folders]
        folders = [path[1:] for path in folders]
        notes.add("", f"the folders {', '.join(sorted(words))} are taken as the splits", len(folders))
    names = {path[-1] for path in folders if path}
    if len(names) < 2:
        return None, split
    loose = [member.name for member, path in zip(members, folders, strict=True) if not path]
    if loose:
        notes.add(listed(loose), "they lie beside the folders, so they have no class", len(loose))
    return [path[-1] if path else None for path in folders], split


def _groups(prints: Sequence[Fingerprint], members: Sequence[Member], notes: Notes) -> np.ndarray | None:
    groups = near_duplicates(prints)
    sizes = np.bincount(groups) if len(groups) else np.zeros(0, int)
    alike = int(sizes[sizes > 1].sum())
    if not alike:
        return None
    first = int(np.flatnonzero(sizes[groups] > 1)[0])
    example = [members[i].name.rsplit("/", 1)[-1] for i in np.flatnonzero(groups == groups[first]).tolist()]
    notes.add(
        "",
        f"{alike:,} pictures look nearly the same as another ({listed(example)}); each such group stays in one split",
        alike,
    )
    return groups
