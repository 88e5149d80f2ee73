"""A frame and how it travels: arrays and readouts as one binary message.

Layout of a message, all little-endian:

    4 bytes          length of the header in bytes, uint32
    header           JSON in UTF-8, padded with spaces so that the first array starts at a multiple of 8
    arrays           raw, C order, in the order of the header, each padded with zeros to a multiple of 8

The header holds `id`, `scene`, `kind` (of the samples: image, sequence, vector, tokens), `tokens` (their vocabulary and
number of voices, null of other kinds), `names`, `shapes` and `dtypes`
("uint8" or "float32") of the arrays, `readouts`, `server_ms`, and `dropped`: the ids that this reply stands in for.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from aeexplorer.data.spec import DataSpec, as_uint8

ALIGN = 8
DTYPES = ("uint8", "float32")


@dataclass(frozen=True)
class Frame:
    """The answer of a scene.

    Attributes:
        arrays: by name, uint8 tiles (n, h, w) or (n, h, w, 3), or float32 of any shape.
        readouts: by name, anything JSON can say; numbers that are not finite travel as null.
        spec: what the samples among the arrays are, if there are any.
    """

    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    readouts: dict[str, Any] = field(default_factory=dict)
    spec: DataSpec | None = None


def tiles(x: np.ndarray, spec: DataSpec) -> np.ndarray:
    """Samples (n, *spec.shape), or values (n, *spec.value_shape), as they travel: pictures as uint8, symbols as pairs
    (n, steps, 2) of the most probable one and its probability, everything else as float32."""
    if spec.row.pixels:
        return x if x.dtype == np.uint8 else as_uint8(x)
    if spec.row.symbols:
        return np.stack(spec.symbols(x), axis=-1).astype(np.float32)
    return x.astype(np.float32, copy=False)


def signed_tiles(x: np.ndarray, spec: DataSpec) -> np.ndarray:
    """Differences (n, *spec.value_shape) as they travel: of pictures -1..1 as uint8 with 128 for none, of symbols pairs
    (n, steps, 2) of the one that gained most and the probability that moved, else float32."""
    if spec.row.pixels:
        return np.rint(np.clip(x, -1, 1) * 127 + 128).astype(np.uint8)
    if spec.row.symbols:
        return np.stack([x.argmax(-1), np.abs(x).sum(-1) / 2], axis=-1).astype(np.float32)
    return x.astype(np.float32, copy=False)


def _tokens(spec: DataSpec) -> dict[str, Any]:
    return {"vocabulary": spec.vocabulary, "voices": spec.voices}


def encode(frame: Frame, **header: Any) -> bytes:
    """A frame as one message; `header` holds what the channel adds."""
    arrays = {name: np.ascontiguousarray(array) for name, array in frame.arrays.items()}
    for name, array in arrays.items():
        if array.dtype.name not in DTYPES:
            raise TypeError(f"array {name} must be {' or '.join(DTYPES)}, got {array.dtype}")
    head = {
        **header,
        "kind": frame.spec.kind if frame.spec else None,
        "tokens": _tokens(frame.spec) if frame.spec and frame.spec.row.symbols else None,
        "range": frame.spec.value_range if frame.spec else None,
        "names": list(arrays),
        "shapes": [array.shape for array in arrays.values()],
        "dtypes": [array.dtype.name for array in arrays.values()],
        "readouts": finite(frame.readouts),
    }
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-(4 + len(text)) % ALIGN)
    parts = [struct.pack("<I", len(text)), text]
    for array in arrays.values():
        raw = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        parts += [raw, b"\0" * (-len(raw) % ALIGN)]
    return b"".join(parts)


def decode(message: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The header and the arrays of a message: what a client in Python does.

    Raises:
        ValueError: when it is cut short.
    """
    (length,) = struct.unpack_from("<I", message)
    header = json.loads(message[4 : 4 + length])
    start, arrays = 4 + length, {}
    for name, shape, dtype in zip(header["names"], header["shapes"], header["dtypes"], strict=True):
        kind = np.dtype(dtype).newbyteorder("<")
        count = math.prod(shape)
        arrays[name] = np.frombuffer(message, kind, count, start).reshape(shape)
        start += -(-count * kind.itemsize // ALIGN) * ALIGN
    return header, arrays


def finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: they travel as null. NumPy's numbers become Python's."""
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return finite(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
