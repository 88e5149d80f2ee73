"""Names of a sample in a request: by its place, by a stored code, by its own values, or by a code."""

from __future__ import annotations

import base64
import binascii
from typing import Self

import numpy as np
from pydantic import Field, model_validator

from aeexplorer.config import Config, ConfigError
from aeexplorer.live.open_run import OpenRun

MAX_VALUES = 128 * 128 * 3
MAX_TILES = 400


class Sample(Config):
    """One sample, named in exactly one way.

    Attributes:
        index: place in the test split; needs the data on the server.
        code: place among the stored codes of the run.
        pixels: its own values: a picture row by row as base64 of bytes 0..255 or as numbers 0..255, other samples as
            numbers in the units of the data.
        z: a code of the run.
    """

    index: int | None = Field(None, ge=0)
    code: int | None = Field(None, ge=0)
    pixels: str | tuple[float, ...] | None = Field(None, max_length=4 * MAX_VALUES)
    z: tuple[float, ...] | None = Field(None, max_length=4096)

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        given = [name for name in ("index", "code", "pixels", "z") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"sample must name one of index, code, pixels or z, got {' and '.join(given) or 'none'}")
        return self


Samples = tuple[Sample, ...]


def code_of(sample: Sample, opened: OpenRun) -> np.ndarray:
    """The code (latent_dim,) of a sample."""
    if sample.z is not None:
        return vector(sample.z, opened)
    if sample.code is not None:
        return opened.z[stored(sample.code, opened)]
    own = opened.test.y[[sample.index]] if sample.index is not None and opened.test is not None else None
    return opened.explorer.encode(values_of(sample, opened)[None], own)[0]


def values_of(sample: Sample, opened: OpenRun) -> np.ndarray:
    """The values of the sample itself (*value_shape), as a model sees it; of a code what it decodes to."""
    if sample.pixels is not None:
        return pixels(sample.pixels, opened)
    if sample.z is not None:
        return opened.explorer.decode(code_of(sample, opened))[0]
    if sample.code is not None:
        return opened.spec.values(opened.pictures_at(np.array([stored(sample.code, opened)]))[0])
    assert sample.index is not None
    if opened.test is None:
        raise ConfigError(f"index needs {opened.spec.title}, which is not on this computer; name a stored code instead")
    if sample.index >= len(opened.test):
        raise ConfigError(f"index must be less than {len(opened.test)}, got {sample.index}")
    return opened.spec.values(opened.test.x[sample.index])


def pixels(given: str | tuple[float, ...], opened: OpenRun) -> np.ndarray:
    """The values of a sample (*value_shape) that came with the request."""
    spec = opened.spec
    if isinstance(given, str):
        try:
            values = np.frombuffer(base64.b64decode(given, validate=True), np.uint8)
        except (binascii.Error, ValueError):
            raise ConfigError("pixels must be base64 of bytes, got text that is none") from None
        if not spec.row.pixels:
            raise ConfigError(f"pixels of {spec.kind} data must be numbers, got base64")
    else:
        values = np.asarray(given, np.float32)
    if values.size != spec.size:
        raise ConfigError(f"pixels must hold {spec.size} values for {spec.title}, got {values.size}")
    shaped = values.reshape(spec.value_shape).astype(np.float32)
    return np.clip(shaped / 255, 0, 1) if spec.row.pixels else shaped


def stored(place: int, opened: OpenRun) -> int:
    """A place among the stored codes, checked."""
    if place >= len(opened.z):
        raise ConfigError(f"code must be less than {len(opened.z)}, got {place}")
    return place


def vector(z: tuple[float, ...], opened: OpenRun) -> np.ndarray:
    """A code (latent_dim,), checked."""
    if len(z) != opened.latent_dim:
        raise ConfigError(f"z must have {opened.latent_dim} values, got {len(z)}")
    return np.asarray(z, np.float32)
