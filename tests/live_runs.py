"""Small runs for the tests of live views: trained once, in a home of their own."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

import aeexplorer as ae
from aeexplorer.live import resources

PLANE, RESTORE, SEQUENCE = "plane", "restore", "sequence"


@functools.cache
def train_into(home: Path) -> Path:
    """Three runs: a 2-d VAE and a 16-d denoising autoencoder of digits, and a VAE of heartbeats."""
    digits, beats = ae.load_dataset("digits"), ae.load_dataset("heartbeats")
    common = {"bar": False, "hidden": (32,), "samples": 800}
    ae.train("vae", digits, path=home / "runs" / PLANE, latent_dim=2, epochs=25, **common)
    ae.train("dae", digits, path=home / "runs" / RESTORE, latent_dim=16, epochs=8, **common)
    ae.train("vae", beats, path=home / "runs" / SEQUENCE, latent_dim=4, epochs=1, **common)
    return home


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_into(tmp_path_factory.getbasetemp() / "live-home")


@pytest.fixture
def live_home(trained_home: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The home with those runs in place of the empty one; nothing is held open before or after."""
    monkeypatch.setenv("AEEXPLORER_HOME", str(trained_home))
    resources.SHELF.close()
    yield trained_home
    resources.SHELF.close()
