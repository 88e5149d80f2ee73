"""Suggested knobs: no family collapses with them, and a linear autoencoder finds the subspace of PCA."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from aeexplorer import noise
from aeexplorer.config import ConfigError, choices
from aeexplorer.data import DATASETS, load_dataset
from aeexplorer.families import FAMILIES
from aeexplorer.metrics import pca_axes, pca_line, principal_angles
from aeexplorer.models.base import Autoencoder
from aeexplorer.nets import NETS
from aeexplorer.training.estimation import suggested
from aeexplorer.training.evaluation import compare_with_pca, encoded, evaluate
from aeexplorer.training.plan import make_plan, train_plan

QUICK = {("wine", "beta_vae", "mlp"), ("two-moons", "vae", "mlp")}
SMALL = ("digits", "heartbeats", "wine", "breast-cancer", "two-moons", "swiss-roll", "pinwheel")
CELLS = [
    pytest.param(dataset, row.name, net, marks=[] if (dataset, row.name, net) in QUICK else pytest.mark.slow)
    for dataset, row in itertools.product(SMALL, FAMILIES.values())
    for net in choices(type(row.config).model_fields["net"])
    if DATASETS[dataset].spec.kind in NETS[net].kinds and (row.name != "linear_ae" or net == "mlp")
    if "label" not in row.traits or DATASETS[dataset].spec.classes
]


def trained(dataset: str, family: str, net: str = "mlp", **knobs: object) -> Autoencoder:
    data, row = load_dataset(dataset), FAMILIES[family]
    config, training = suggested(row, data.spec, len(data.train))
    config = config.replace(net=net, **knobs)
    with noise.building(0):
        model = row.make(config, data.spec)
    for _ in train_plan(model, data, make_plan(row, config, training, data.spec)):
        pass
    return model


@pytest.mark.parametrize(("dataset", "family", "net"), CELLS)
@pytest.mark.long
def test_suggested_knobs_do_not_collapse(dataset: str, family: str, net: str) -> None:
    model, data = trained(dataset, family, net), load_dataset(dataset)
    figures = evaluate(model, data.test)
    variances = torch.cat([model.code(batch.h).z for batch in encoded(model, data.test)]).var(0)
    # without a prior the scale of codes is arbitrary
    least = 0.01 if "prior" in FAMILIES[family].traits else 0.01 * variances.max()
    assert (variances > least).sum() >= min(2, model.config.latent_dim)
    # a linear autoencoder of one dimension can only equal one component
    assert figures["mse"] < 1.005 * pca_line(data.train.x, data.test.x, 1).test_error[1]


def test_nets_that_read_step_by_step_are_held_less_to_the_prior() -> None:
    def of(family: str, net: str, dataset: str = "digits") -> Any:
        return suggested(FAMILIES[family], DATASETS[dataset].spec, 1_257, net)[0]

    assert [of("beta_vae", net).beta for net in ("mlp", "conv", "gru", "transformer")] == [2, 2, 1.2, 1.2]
    assert [of("factor_vae", net).tc_weight for net in ("mlp", "conv", "gru", "transformer")] == [10, 10, 3, 3]
    # in units of the variance
    assert [of("beta_tcvae", net, "heartbeats").tc_weight for net in ("conv", "lstm")] == [0.085, 0.051]
    ways = [("vae", "gru"), ("vae", "transformer"), ("vamp_vae", "mlp"), ("vamp_vae", "lstm")]
    assert [of(*way).free_bits for way in ways] == [0, 1, 0, 1]
    assert of("vae", "transformer", "heartbeats").free_bits == of("vae", "transformer", "mnist").free_bits == 0


@pytest.mark.parametrize(("dataset", "dimensions"), [("digits", 2), ("digits", 8), ("wine", 2)])
@pytest.mark.long
def test_a_linear_autoencoder_finds_the_subspace_of_pca(dataset: str, dimensions: int) -> None:
    model, data = trained(dataset, "linear_ae", latent_dim=dimensions), load_dataset(dataset)
    found = compare_with_pca(model, data.train, data.test)
    assert found["pca_angle"] < 10
    mse = evaluate(model, data.test)["mse"]
    assert mse == pytest.approx(found["pca_mse"], rel=0.02)


def test_a_linear_autoencoder_that_was_not_trained_is_elsewhere() -> None:
    data, row = load_dataset("wine"), FAMILIES["linear_ae"]
    with noise.building(0):
        model = row.make(row.config.replace(latent_dim=2), data.spec)
    found = compare_with_pca(model, data.train, data.test)
    assert found["pca_angle"] > 45
    assert evaluate(model, data.test)["mse"] > 1.02 * found["pca_mse"]


def test_only_linear_models_are_compared_with_pca() -> None:
    data = load_dataset("wine")
    for family in ("ae", "vae", "score_dae"):
        row = FAMILIES[family]
        model = row.make(row.config.replace(latent_dim=max(2, row.model.min_latent_dim(data.spec))), data.spec)
        assert compare_with_pca(model, data.train, data.test) == {}


def test_principal_axes_and_angles() -> None:
    random = np.random.default_rng(0)
    x = random.standard_normal((20_500, 5)) * [3, 2, 1, 0.5, 0.1] @ np.linalg.qr(random.standard_normal((5, 5)))[0] + 7
    axes = pca_axes(x, 3)
    expected = np.linalg.svd(x - x.mean(0), full_matrices=False)[2][:3].T
    assert np.allclose(np.abs((axes * expected).sum(0)), 1)
    assert principal_angles(axes, expected @ random.standard_normal((3, 3))).max() < 1e-4
    turned = np.array([[1.0, 0], [0, 1], [0, 0]]), np.array([[1.0, 0], [0, np.cos(0.3)], [0, np.sin(0.3)]])
    assert principal_angles(*turned) == pytest.approx([0, np.degrees(0.3)], abs=1e-5)
    with pytest.raises(ConfigError, match="dimensions must be between 1 and 5, got 6"):
        pca_axes(x, 6)
    with pytest.raises(ConfigError, match=r"must be \(features, k\) of one shape"):
        principal_angles(np.eye(3), np.eye(4))


def test_the_kl_of_symbols_is_held() -> None:
    names, digits = (DATASETS[name].spec for name in ("names", "digits"))
    capacities = {
        (row.name, spec.name): getattr(suggested(row, spec, 1_000)[0], "capacity", 0.0)
        for row in (FAMILIES[name] for name in ("ae", "vae", "beta_vae", "multirate_vae"))
        for spec in (names, digits)
    }
    held = {("vae", "names"), ("beta_vae", "names")}
    assert capacities == {key: 12.0 if key in held else 0.0 for key in capacities}


def test_weights_follow_the_variance_of_the_data() -> None:
    heartbeats, wine = DATASETS["heartbeats"].spec, DATASETS["wine"].spec
    assert suggested(FAMILIES["vae"], heartbeats, 3500)[0].beta == 0.017
    assert suggested(FAMILIES["vae"], wine, 124)[0].beta == 1
    for name in ("heartbeats", "wine", "two-moons"):
        x = load_dataset(name).train.x
        assert x.var(0).mean() == pytest.approx(DATASETS[name].spec.variance, rel=0.02)
