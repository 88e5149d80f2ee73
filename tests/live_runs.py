"""Small runs for the tests of live views: trained once, in a home of their own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import aeexplorer as ae
from aeexplorer.live import open_runs
from aeexplorer.runs.recording import train_run
from aeexplorer.runs.request import new_run
from aeexplorer.training.plan import DialSpec

PLANE, RESTORE, SEQUENCE = "plane", "restore", "sequence"
SCORE, NAIVE = "score", "naive"
TURN, TWIN = "turn", "turn-2d"
BLUR, MASK = "blur", "mask"
COARSE = "coarse"
BETAS, LEVELS = (0.1, 1.0, 10.0), (0.0, 0.5, 1.0)
SIGMAS = (0.1, 0.14, 0.2)


def train_into(home: Path) -> Path:
    """A 2-d VAE and a 16-d denoising autoencoder of digits, a VAE of heartbeats, and dials: two over the noise of
    points, and of digits two over β and two over the level."""
    digits, beats = ae.load_dataset("digits"), ae.load_dataset("heartbeats")
    common = {"bar": False, "hidden": (32,), "samples": 800}
    ae.train("vae", digits, path=home / "runs" / PLANE, latent_dim=2, epochs=25, **common)
    ae.train("dae", digits, path=home / "runs" / RESTORE, latent_dim=16, epochs=8, **common)
    ae.train("vae", beats, path=home / "runs" / SEQUENCE, latent_dim=4, epochs=1, **common)
    ae.train("hvae", digits, path=home / "runs" / COARSE, latent_dim=6, levels=2, epochs=1, **common)
    moons, dial = ae.load_dataset("two-moons"), DialSpec(knob="level", stops=SIGMAS, epochs_per_stop=10)
    for family, name, knobs in (("score_dae", SCORE, {}), ("dae", NAIVE, {"latent_dim": 1})):
        knobs |= {"epochs": 40, "batch_size": 512, "level": 0.1, "hidden": (64,)}
        train_run(new_run(family, moons, path=home / "runs" / name, dial=dial, **knobs), moons, bar=False)
    over_beta = DialSpec(knob="beta", stops=BETAS, epochs_per_stop=6)
    over_level = DialSpec(knob="level", stops=LEVELS, epochs_per_stop=4)
    for name, family, dial, knobs in (
        (TURN, "vae", over_beta, {"latent_dim": 6}), (TWIN, "vae", over_beta, {"latent_dim": 2}),
        (BLUR, "dae", over_level, {"latent_dim": 8}), (MASK, "dae", over_level, {"latent_dim": 8, "corruption": "masking"}),
    ):  # fmt: skip
        knobs |= {"epochs": 10, "hidden": (32,), "samples": 800}
        train_run(new_run(family, digits, path=home / "runs" / name, dial=dial, **knobs), digits, bar=False)
    return home


@pytest.fixture
def live_home(trained_home: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The home with those runs in place of the empty one; nothing is held open before or after."""
    monkeypatch.setenv("AEEXPLORER_HOME", str(trained_home))
    open_runs.OPEN_RUNS.close()
    yield trained_home
    open_runs.OPEN_RUNS.close()


def copied(run: Path, target: Path) -> Path:
    """A copy of a run folder under another name, which is its id."""
    shutil.copytree(run, target)
    spec = json.loads((target / "spec.json").read_text("utf-8"))
    (target / "spec.json").write_text(json.dumps({**spec, "id": target.name}), "utf-8")
    return target
