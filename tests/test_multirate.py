"""One net for every β: its gates, its loss, and what a page is told of it."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from live_runs import TURN, TWIN, live_home  # noqa: F401

import aeexplorer as ae
from aeexplorer.config import ConfigError
from aeexplorer.families import family
from aeexplorer.live.open_runs import find_open_run
from aeexplorer.live.scenes import render
from aeexplorer.models.base import Batch
from aeexplorer.models.multirate import MultiRateConfig
from aeexplorer.runs.listing import list_runs
from aeexplorer.training.plan import DialSpec

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("live_home")]


@pytest.fixture(autouse=True)
def _leaves_nothing(live_home: object) -> Iterator[None]:  # noqa: F811
    """The home is shared with tests that count its runs."""
    before = {run.path for run in list_runs()}
    yield
    for run in list_runs():
        if run.path not in before:
            shutil.rmtree(run.path)


def trained(**knobs: object) -> ae.Explorer:
    digits = ae.load_dataset("digits")
    asked = {"latent_dim": 4, "hidden": (64,), "epochs": 60, "batch_size": 64, **knobs}
    return ae.open_run(ae.train("multirate_vae", digits, bar=False, **asked))


def test_rate_falls_and_distortion_rises_with_beta_from_one_set_of_weights() -> None:
    model = trained()
    rows = [model.at(beta).rate_distortion() for beta in (0.01, 0.1, 1.0, 10.0)]
    assert (np.diff([float(row["rate"]) for row in rows]) < 0).all()
    assert (np.diff([float(row["distortion"]) for row in rows]) > 0).all()
    assert model.at(99).config.beta == model.config.highest and model.at(0).config.beta == model.config.lowest
    assert model.config.beta == 1.0, "looking at another β leaves the model where it was"
    with pytest.raises(ConfigError, match="NaN"):
        model.at(math.nan)


def test_each_sample_of_a_batch_pays_its_own_beta_and_all_of_them_pay_one_while_validating() -> None:
    spec = ae.load_dataset("digits").spec
    torch.manual_seed(0)
    model = family("multirate_vae").make(MultiRateConfig(hidden=(16,), latent_dim=3, beta=2.0), spec)
    x = torch.rand(5, *model.shape)
    batch = Batch(x, x, torch.zeros(5, dtype=torch.long))
    model.train()
    first, second = (model.terms(batch)["kl"].item() for _ in range(2))
    assert first != second
    model.eval()
    code = model.encode(x)
    assert code.mean is not None and code.logvar is not None
    by_hand = 2.0 * 0.5 * (code.mean**2 + code.logvar.exp() - 1 - code.logvar).sum(1).mean()
    assert model.terms(batch)["kl"].item() == pytest.approx(by_hand.item(), rel=1e-5)


@pytest.mark.parametrize("net", [{"net": "mlp", "hidden": (16, 8)}, {"net": "conv", "channels": (4, 8)}])
def test_every_hidden_layer_has_a_gate_that_follows_beta(net: dict[str, object]) -> None:
    spec = ae.load_dataset("digits").spec
    model = family("multirate_vae").make(MultiRateConfig(latent_dim=3, **net), spec)
    gates = [gate for half in (model.encoder, model.decoder) for gate in half.gates]  # type: ignore[union-attr]
    assert len(gates) == 4
    x = torch.rand(2, *model.shape)
    with torch.no_grad():
        before = model.encode(x).z
        for gate in gates:
            gate.slope += 1.0  # type: ignore[operator]
        model.config = model.config.replace(beta=0.01)
        assert not torch.allclose(before, model.encode(x).z)


def test_an_empty_range_and_a_dial_of_it_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"lowest must be below highest, 1, got 2"):
        trained(lowest=2.0, highest=1.0)
    with pytest.raises(ConfigError, match="needs a family with one β per model, got multirate_vae"):
        trained(dial=DialSpec(knob="beta", stops=(0.1, 1.0)))


def test_it_stands_beside_a_dial() -> None:
    gated = trained().run.id
    frame = render(
        "beta", {"run": TURN, "twin": TWIN, "gated": gated, "samples": [{"index": 0}], "value": 1.0, "seed": 3}
    )
    model = find_open_run(gated).explorer.at(1.0)
    np.testing.assert_allclose(frame.arrays["gated_prior"] / 255, model.sample(1, seed=3), atol=0.003)
    measured = model.rate_distortion()
    assert frame.readouts["gated_rate"] == pytest.approx(float(measured["rate"]), rel=0.1)
    assert frame.readouts["gated_active_units"] == int(measured["active_units"])
    curve = render("beta_curve", {"run": TURN, "gated": gated}).arrays
    assert (np.diff(curve["gated_rate"]) < 0).all()
    with pytest.raises(ConfigError, match="gated must be one net for every β"):
        render("beta", {"run": TURN, "gated": TURN, "samples": [{"index": 0}], "value": 1.0})
