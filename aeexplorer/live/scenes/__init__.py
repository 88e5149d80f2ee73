"""The table of scenes. A scene is a pure function of its params; to add one, write it and add a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aeexplorer.config import Config, ConfigError, unknown
from aeexplorer.live.frame import Frame
from aeexplorer.live.scenes import corruption, dials, maps, paths, plane, score


@dataclass(frozen=True)
class Scene:
    """One row of `SCENES`.

    Attributes:
        params: what a request may say; anything else is refused with a sentence.
        compute: params -> frame.
    """

    name: str
    params: type[Config]
    compute: Callable[[Any], Frame]


SCENES: dict[str, Scene] = {
    scene.name: scene
    for scene in (
        Scene("echo", plane.EchoParams, plane.echo),
        Scene("codes", plane.CodesParams, plane.codes),
        Scene("decode", plane.DecodeParams, plane.decode),
        Scene("plane", plane.PlaneParams, plane.plane),
        Scene("encode", plane.EncodeParams, plane.encode),
        Scene("grid", plane.GridParams, plane.grid),
        Scene("corners", plane.CornersParams, plane.corners),
        Scene("interpolate", paths.InterpolateParams, paths.interpolate),
        Scene("traverse", paths.TraverseParams, paths.traverse),
        Scene("arithmetic", paths.ArithmeticParams, paths.arithmetic),
        Scene("sample", paths.SampleParams, paths.sample),
        Scene("corrupt", corruption.CorruptParams, corruption.corrupt),
        Scene("levels", corruption.LevelsParams, corruption.levels),
        Scene("beta", dials.BetaParams, dials.beta),
        Scene("beta_curve", dials.CurveParams, dials.curve),
        Scene("trained_at", dials.TrainedParams, dials.trained),
        Scene("map_samples", maps.SamplesParams, maps.samples),
        Scene("lift", maps.LiftParams, maps.lift),
        Scene("score_data", score.DataParams, score.data),
        Scene("score_field", score.FieldParams, score.field),
        Scene("score_curve", score.CurveParams, score.curve),
        Scene("score_walk", score.WalkParams, score.way),
    )
}


def render(name: str, params: dict[str, Any]) -> Frame:
    """The frame of a scene.

    Raises:
        ConfigError: for an unknown scene or params outside their bounds.
        Damaged: when a run that it names cannot be opened.
    """
    if name not in SCENES:
        raise ConfigError(unknown("scene", name, SCENES))
    scene = SCENES[name]
    return scene.compute(scene.params(**params))
