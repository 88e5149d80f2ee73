"""Drawings as part of the link: the pixels of one that a hand drew, packed into a few hundred characters."""

from __future__ import annotations

import base64
import binascii
import re
import zlib

from aeexplorer.data import DataSpec
from aeexplorer.live.components import DRAWINGS
from aeexplorer.ui.shared.run_picker import remember_drawing, remembered_drawing
from aeexplorer.ui.shared.view_state import linked, write_link

SHARED = "drawn"
_LETTERS = re.compile(r"[A-Za-z0-9_-]+")


def drawable(spec: DataSpec) -> bool:
    """Whether a hand can draw such a sample."""
    return spec.name in DRAWINGS


def packed(pixels: str) -> str:
    """The pixels of a drawing, base64 of bytes, as text for a link: base64url of their zlib stream, without padding."""
    return base64.urlsafe_b64encode(zlib.compress(base64.b64decode(pixels), 9)).decode().rstrip("=")


def unpacked(text: str, spec: DataSpec) -> str | None:
    """The pixels that a link's text holds, or None where it is not a drawing of such samples.

    A link comes from anywhere: the text may be no longer than pixels that cannot be compressed, and what it unfolds to
    no longer than a sample.
    """
    longest = 4 * (spec.size + 64) // 3
    if not drawable(spec) or len(text) > longest or not _LETTERS.fullmatch(text):
        return None
    stream = zlib.decompressobj()
    try:
        values = stream.decompress(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), spec.size + 1)
    except (binascii.Error, ValueError, zlib.error):
        return None
    if len(values) != spec.size or not stream.eof or stream.unused_data:
        return None
    return base64.b64encode(values).decode()


def linked_drawing(spec: DataSpec, name: str = SHARED) -> str | None:
    """The drawing that the link holds under a name."""
    return unpacked(linked(name) or "", spec)


def link(pixels: str | None, name: str = SHARED) -> None:
    """Make the link hold this drawing, or none."""
    write_link(**{name: packed(pixels) if pixels else None})


def shared_drawing(spec: DataSpec) -> str | None:
    """The last drawing of these samples, of the link or of another page; None where there is none."""
    asked = linked_drawing(spec)
    if asked:
        remember_drawing(spec, asked)
    return remembered_drawing(spec) or None
