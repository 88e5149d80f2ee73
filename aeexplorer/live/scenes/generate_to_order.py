"""The scene of Generate to order: new samples of a class, near a sample, or moved along an attribute."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field

from aeexplorer.config import Config, ConfigError
from aeexplorer.live.frame import Frame, tiles
from aeexplorer.live.open_run import OpenRun
from aeexplorer.live.open_runs import find_open_run
from aeexplorer.live.scenes.samples import MAX_TILES, Sample, code_of
from aeexplorer.metrics import STATUSES
from aeexplorer.perceptual import CLASSIFIERS, recognised


class OrderParams(Config):
    """An order of samples.

    Attributes:
        order: samples of the class `label`; near `sample`; or stored samples of the class `label`, moved towards the
            class `target` by `strength` of the difference of their means.
        temperature: standard deviations of the codes of the class, or of all codes, by which the new ones lie apart.
    """

    run: str
    order: Literal["class", "near", "attribute"] = "class"
    label: int = Field(0, ge=0, le=32_767)
    target: int = Field(1, ge=0, le=32_767)
    strength: float = Field(1.0, ge=-3, le=3)
    sample: Sample = Sample(code=0)
    n: int = Field(16, ge=1, le=MAX_TILES)
    seed: int = Field(0, ge=0, le=2**32 - 1)
    temperature: float = Field(1.0, ge=0, le=5)


def order(params: OrderParams) -> Frame:
    """New samples, where their codes lie among the stored ones, and what share of them a classifier sees as ordered."""
    opened = find_open_run(params.run.partition("@")[0])
    model = opened.explorer
    random = np.random.default_rng(params.seed)
    if params.order == "class" and "label" in model.traits:
        told = model.given(params.label)
        z = told.sample_codes(params.n, params.seed, params.temperature)
        x = told.decode(z)
    else:
        z = _codes(opened, params, random)
        x = model.decode(z)
    near = opened.neighbourhood(z)
    readouts: dict[str, Any] = {
        "status": [STATUSES[s] for s in near.status],
        "near_data": 100 * float((near.status == 0).mean()),
    }
    if opened.spec.name in CLASSIFIERS:
        seen = recognised(np.clip(x, 0, 1), opened.spec.name)
        wanted = {"class": params.label, "attribute": params.target, "near": int(np.bincount(seen).argmax())}[
            params.order
        ]
        readouts["seen"] = [opened.spec.classes[y] for y in seen]
        readouts["as_ordered"] = 100 * float((seen == wanted).mean())
    return Frame({"tiles": tiles(x, opened.spec)}, readouts, opened.spec)


def _codes(opened: OpenRun, params: OrderParams, random: np.random.Generator) -> np.ndarray:
    """Codes (n, latent_dim) by what the stored ones say."""
    if params.order == "near":
        z = code_of(params.sample, opened)[None]
        noise = random.standard_normal((params.n, opened.latent_dim))
        return np.asarray(z + params.temperature * opened.z.std(0) * noise, np.float32)
    own = _of_class(opened, params.label)
    if params.order == "attribute":
        shift = _of_class(opened, params.target).mean(0) - own.mean(0)
        return np.asarray(own[random.permutation(len(own))[: params.n]] + params.strength * shift, np.float32)
    centred = own - own.mean(0)
    # random combinations of the centred codes have their covariance
    weights = random.standard_normal((params.n, len(own))) / max(len(own) - 1, 1) ** 0.5
    return np.asarray(own.mean(0) + params.temperature * weights @ centred, np.float32)


def _of_class(opened: OpenRun, label: int) -> np.ndarray:
    own = opened.z[opened.labels == label]
    if not len(own):
        raise ConfigError(f"label must be a class of the stored codes, got {label}")
    return own
