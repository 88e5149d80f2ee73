"""Scenes of lossy compression: codes of a few bits beside JPEG and WebP at the same size."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from aeexplorer.applications import lossy
from aeexplorer.config import Config, ConfigError
from aeexplorer.data import as_uint8
from aeexplorer.live.frame import Frame, tiles
from aeexplorer.live.open_run import OpenRun
from aeexplorer.live.open_runs import find_open_run
from aeexplorer.live.scenes.samples import Samples, values_of
from aeexplorer.metrics import psnr

MAX_SAMPLES = 16


class CurveParams(Config):
    run: str


class LossyParams(CurveParams):
    """`bare` compares with files without their headers."""

    samples: Samples = Field(min_length=1, max_length=MAX_SAMPLES)
    bits: int = Field(4, ge=1, le=lossy.MOST_BITS)
    bare: bool = True


def lossy_frame(params: LossyParams) -> Frame:
    """Samples as the model and as both formats restore them at about as many bytes, and where the dots stand."""
    opened = _opened(params.run)
    model = opened.explorer
    x = np.stack([values_of(sample, opened) for sample in params.samples])
    pictures = as_uint8(x)
    z = model.encode(x)
    if model.codes.indices is None:
        rule = lossy.quantiser(model, params.bits)
        z = rule.codes(rule.numbers(z))
    ours = lossy.own(model)
    size, quality = float(ours.bytes[params.bits - 1]), float(ours.psnr[params.bits - 1])
    decoded = model.decode(z)
    arrays = {"original": tiles(pictures, opened.spec), "model": tiles(decoded, opened.spec)}
    readouts: dict[str, Any] = {"bytes": size, "psnr": quality, "decoder": model.decoder_bytes / 1000}
    for kind in lossy.FORMATS:
        curve = lossy.rival(model, kind)
        found = [lossy.packed(one, kind, lossy.quality_at(curve, size, params.bare)) for one in pictures]
        arrays[kind] = np.stack([one.pixels for one in found])
        readouts[f"captions_{kind}"] = [f"{one.bytes - one.header} + {one.header}" for one in found]
        readouts[f"{kind}_psnr"] = psnr(pictures / 255, arrays[kind] / 255)
        theirs = lossy.at_quality(curve, quality, params.bare)
        readouts[f"{kind}_even"] = lossy.break_even(model.decoder_bytes, size, theirs)
        for name, sizes in (("", curve.bytes), ("_bare", curve.bare)):
            readouts[f"{kind}{name}_x"] = max(size, float(sizes[0]))
    readouts["shown_psnr"] = psnr(pictures / 255, decoded)
    return Frame(arrays, readouts, opened.spec)


def curve(params: CurveParams) -> Frame:
    """PSNR against bytes per picture: of the model `bytes`, `psnr`; of each format `<format>_bytes`, `<format>_bare`,
    `<format>_psnr`."""
    model = _opened(params.run).explorer
    ours = lossy.own(model)
    arrays = {"bytes": ours.bytes, "psnr": ours.psnr}
    for kind in lossy.FORMATS:
        found = lossy.rival(model, kind)
        arrays |= {f"{kind}_{name}": getattr(found, name) for name in found._fields}
    return Frame({name: np.asarray(array, np.float32) for name, array in arrays.items()})


def _opened(run: str) -> OpenRun:
    opened = find_open_run(run)
    if lack := lossy.refusal(opened.spec):
        raise ConfigError(lack)
    if opened.test is None:
        raise ConfigError(f"run needs {opened.spec.title}, which is not on this computer")
    return opened
