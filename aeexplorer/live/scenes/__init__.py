"""The table of scenes. A scene is a pure function of its params; to add one, write it and add a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aeexplorer.config import Config, ConfigError, unknown
from aeexplorer.live.frame import Frame
from aeexplorer.live.scenes import (
    anomalies,
    beta,
    compression,
    corruption,
    generate,
    generate_to_order,
    interpolate,
    latent_map,
    latent_plane,
    overfitting,
    restore,
    score,
)


@dataclass(frozen=True)
class Scene:
    """One row of `SCENES`.

    Attributes:
        params: what a request may say; anything else is refused with a sentence.
        compute: params -> frame.
        moves: numbers among the params on which the time it takes does not depend, because they only say where
            something is.
        longest: characters of a request; None leaves it to the channel.
    """

    name: str
    params: type[Config]
    compute: Callable[[Any], Frame]
    moves: tuple[str, ...] = ()
    longest: int | None = None


SCENES: dict[str, Scene] = {
    scene.name: scene
    for scene in (
        Scene("echo", latent_plane.EchoParams, latent_plane.echo, longest=20_000),
        Scene("codes", latent_plane.CodesParams, latent_plane.codes),
        Scene("decode", latent_plane.DecodeParams, latent_plane.decode),
        Scene("plane", latent_plane.PlaneParams, latent_plane.plane),
        Scene("encode", latent_plane.EncodeParams, latent_plane.encode),
        Scene("grid", generate.GridParams, generate.grid),
        Scene("corners", interpolate.CornersParams, interpolate.corners, ("u", "v")),
        Scene("interpolate", interpolate.InterpolateParams, interpolate.interpolate, ("t",)),
        Scene("traverse", generate.TraverseParams, generate.traverse),
        Scene("arithmetic", generate.ArithmeticParams, generate.arithmetic, ("strength",)),
        Scene("sample", generate.SampleParams, generate.sample, ("seed", "temperature")),
        Scene("resample", generate.ResampleParams, generate.resample, ("seed", "temperature")),
        Scene("corrupt", corruption.CorruptParams, corruption.corrupt, ("level", "noise_seed")),
        Scene("levels", corruption.LevelsParams, corruption.levels),
        Scene("beta", beta.BetaParams, beta.beta),
        Scene("beta_curve", beta.CurveParams, beta.curve),
        Scene("trained_at", beta.TrainedParams, beta.trained),
        Scene("anomalies", anomalies.ThresholdParams, anomalies.threshold, ("threshold", "weight")),
        Scene("anomaly_curves", anomalies.CurvesParams, anomalies.curves),
        Scene("lossy", compression.LossyParams, compression.lossy_frame, ("bits",)),
        Scene("lossy_curve", compression.CurveParams, compression.curve),
        Scene("restore", restore.RestoreParams, restore.restore, ("level", "noise_seed", "left", "top", "size")),
        Scene(
            "order",
            generate_to_order.OrderParams,
            generate_to_order.order,
            ("seed", "temperature", "strength"),
        ),
        Scene("map_samples", latent_map.SamplesParams, latent_map.samples),
        Scene("lift", latent_map.LiftParams, latent_map.lift),
        Scene("overfitting", overfitting.OverfittingParams, overfitting.overfitting, ("samples",)),
        Scene("score_data", score.DataParams, score.data),
        Scene("score_field", score.FieldParams, score.field),
        Scene("score_curve", score.CurveParams, score.curve),
        Scene("score_particles", score.ParticlesParams, score.particles),
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
