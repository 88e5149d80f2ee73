"""A folder of pictures as arrays: a folder per class, or loose pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from aeexplorer.config import ConfigError
from aeexplorer.data.spec import MAX_SIDE

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
MOST_PIXELS = 50_000_000
MOST_PICTURES = 200_000


def read_pictures(folder: Path, size: int | None = None, grey: bool = False) -> tuple[np.ndarray, np.ndarray | None]:
    """Pictures (n, h, w) or (n, h, w, 3) uint8 and their classes (n,), the names of their folders; None for loose ones.

    They are turned as their EXIF data say and lie on white where they are transparent; hidden files are passed over.

    Args:
        size: side that they are fitted into, with white around; needed where they differ in size.
        grey: without colours; pictures that all have none are read so in any case.

    Raises:
        ConfigError: for a folder without pictures, one that cannot be read, or sizes that differ.
    """
    if size is not None and not 8 <= size <= MAX_SIDE:
        raise ConfigError(f"size must be between 8 and {MAX_SIDE} pixels, got {size}")
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and _visible(path, folder))
    if not files:
        raise ConfigError(f"x must be a folder with pictures ({', '.join(ENDINGS)}), got none in {folder.name}")
    if len(files) > MOST_PICTURES:
        raise ConfigError(f"x must hold at most {MOST_PICTURES} pictures, got {len(files)}")
    pictures = [_picture(path, size) for path in files]
    shapes = {picture.shape for picture in pictures}
    if len(shapes) > 1:
        (h, w, _), (other_h, other_w, _) = sorted(shapes)[0], sorted(shapes)[-1]
        raise ConfigError(
            f"size must be given, because the pictures differ: {h} x {w} and {other_h} x {other_w} pixels are among "
            "them"
        )
    x = np.stack(pictures)
    if grey or ((x[..., 0] == x[..., 1]).all() and (x[..., 1] == x[..., 2]).all()):
        x = np.rint(x @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)  # luma of ITU-R BT.601
    classes = [path.relative_to(folder).parts[:-1] for path in files]
    return x, np.array([parts[-1] for parts in classes]) if all(classes) else None


def _visible(path: Path, folder: Path) -> bool:
    return not any(part.startswith((".", "__MACOSX")) for part in path.relative_to(folder).parts)


def _picture(path: Path, size: int | None) -> np.ndarray:
    """One picture (h, w, 3) uint8."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(path) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise ConfigError(
                    f"{path.name} must have at most {MOST_PIXELS:,} pixels, got {opened.width} x {opened.height}"
                )
            turned = ImageOps.exif_transpose(opened).convert("RGBA")
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{path.name} cannot be read as a picture: {str(error).splitlines()[0]}") from None
    ground = Image.new("RGBA", turned.size, "white")
    flat = Image.alpha_composite(ground, turned).convert("RGB")
    return np.asarray(ImageOps.pad(flat, (size, size), color="white") if size else flat)
