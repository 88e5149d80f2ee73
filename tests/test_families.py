"""The contract: what every family promises on every kind of data with every net that takes it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import get_args

import numpy as np
import pytest
import torch

from aeexplorer.config import ConfigError, choices
from aeexplorer.data import Dataset, load_dataset
from aeexplorer.families import FAMILIES, Trait, family
from aeexplorer.models.base import Autoencoder, Batch, ModelConfig
from aeexplorer.models.vae import VAEConfig
from aeexplorer.nets import NETS
from aeexplorer.runs.run import Run
from aeexplorer.tensors import Samples, model_shape
from aeexplorer.training.evaluation import evaluate
from aeexplorer.training.loop import TrainingConfig, make_batch, train

KINDS = {"grey": "image", "colour": "image", "sequence": "sequence", "vector": "vector"}
CASES = [
    (f, m, n)
    for f, row in FAMILIES.items()
    for m, kind in KINDS.items()
    for n, net in NETS.items()
    if kind in net.kinds and n in choices(type(row.config).model_fields["net"])
    if "label" not in row.traits or m == "grey"
    if n in ("mlp", "conv") or (f, m) in (("ae", "sequence"), ("vae", "grey"), ("contractive_ae", "sequence"))
]
"""Every family with every kind and the two oldest nets; of the others, from which a family takes nothing but their output,
three."""

WEIGHTS = [(name, *item) for name, row in FAMILIES.items() for item in row.trial.weighed.items()]

Tiny = Callable[[str], Dataset]
every_case = pytest.mark.parametrize(("name", "modality", "net"), CASES)
every_family = pytest.mark.parametrize("name", FAMILIES)
every_weight = pytest.mark.parametrize(("name", "weight", "term"), WEIGHTS)


def small(name: str, data: Dataset, net: str = "mlp") -> ModelConfig:
    """The family's defaults with narrow layers and a code of 8, or of the least that it can do with."""
    row = FAMILIES[name]
    fields = {"latent_dim": max(8, row.model.min_latent_dim(data.spec)), **row.trial.narrow}
    if row.config.hidden:
        fields["hidden"] = (16,)
    if "channels" in type(row.config).model_fields:
        fields["channels"] = (4, 8)
    nets = choices(type(row.config).model_fields["net"])
    return row.config.replace(net=net if net in nets else nets[0], **fields)


def make(name: str, data: Dataset, net: str = "mlp", **knobs: object) -> Autoencoder:
    torch.manual_seed(0)
    return FAMILIES[name].make(small(name, data, net).replace(**knobs), data.spec)


def batch_of(model: Autoencoder, data: Dataset, n: int = 8) -> Batch:
    x, y = Samples(data.train.x, data.train.y, data.spec).batch(torch.arange(n))
    return make_batch(model, x, y)


def all_terms(model: Autoencoder, batch: Batch) -> dict[str, torch.Tensor]:
    return {k: v for objective in model.objectives() for k, v in objective.terms(batch).items()}


@every_family
def test_defaults_make_a_model_and_survive_json(name: str, tiny: Tiny) -> None:
    row = FAMILIES[name]
    assert row.name == name
    again = type(row.config)(**json.loads(row.config.model_dump_json()))
    assert again == row.config
    assert hash(again) == hash(row.config)
    model = row.make(row.config, tiny("grey" if "label" in row.traits or "vector" not in row.kinds else "vector").spec)
    assert sum(p.numel() for p in model.parameters()) > 0


@every_family
def test_rows_say_what_people_read(name: str) -> None:
    row = FAMILIES[name]
    assert row.title and row.summary.endswith(".") and "L = " in row.equation and "http" in row.paper
    for field, info in type(row.config).model_fields.items():
        assert info.description, f"{field} has no description"


@every_case
def test_shapes_and_types(name: str, modality: str, net: str, tiny: Tiny) -> None:
    data = tiny(modality)
    model = make(name, data, net).eval()
    batch = batch_of(model, data)
    code = model.encode(batch.x)
    assert code.z.shape == (8, model.config.latent_dim) and code.z.dtype == torch.float32
    restored = model.decode(code.z)
    assert restored.shape == batch.x.shape == (8, *model_shape(data.spec)) and restored.dtype == torch.float32
    if data.spec.unit_interval and model.loss == "bce":
        assert restored.min() >= 0 and restored.max() <= 1
    assert model.decode(code.z[:0]).shape == (0, *model_shape(data.spec))
    assert torch.equal(code.z, model.encode(batch.x).z), "encode must be deterministic in eval mode"


@every_case
def test_every_parameter_receives_a_gradient(name: str, modality: str, net: str, tiny: Tiny) -> None:
    data = tiny(modality)
    model = make(name, data, net)
    for objective in model.objectives():
        torch.stack(list(objective.terms(batch_of(model, data)).values())).sum().backward(inputs=objective.parameters)
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert torch.isfinite(parameter.grad).all() and parameter.grad.any(), parameter_name


@every_case
def test_terms_are_finite_scalars(name: str, modality: str, net: str, tiny: Tiny) -> None:
    data = tiny(modality)
    model = make(name, data, net)
    batch = batch_of(model, data)
    assert "reconstruction" in model.terms(batch)
    for term_name, term in (model.terms(batch) | all_terms(model, batch)).items():
        assert term.shape == () and torch.isfinite(term), term_name


@every_case
@pytest.mark.long
def test_one_batch_over_fits(name: str, modality: str, net: str, tiny: Tiny) -> None:
    """With what regularises turned down, because that is what stands between a model and over-fitting."""
    data = tiny(modality)
    trial = FAMILIES[name].trial
    model = make(name, data, net, **{"level": 0.1, **dict.fromkeys(trial.weighed, 0.01), **trial.easy})
    only = Dataset(data.spec, data.train.take(np.arange(8)), data.train.take(np.arange(8)), data.test)
    rate = 3e-3 if net == "transformer" else 2e-2  # large steps upset attention
    config = TrainingConfig(epochs=trial.epochs, batch_size=8, learning_rate=rate, schedule="constant", device="cpu")
    errors = (p.validation["reconstruction"] for p in train(model, only, config) if p.validation)
    first = next(errors)
    assert any(error < 0.6 * first for error in errors)


@every_case
@pytest.mark.long
def test_the_same_seed_gives_the_same_weights(name: str, modality: str, net: str, tiny: Tiny) -> None:
    data = tiny(modality)

    def trained() -> Autoencoder:
        model = make(name, data, net, dropout=0.1)
        list(train(model, data, TrainingConfig(epochs=2, batch_size=10, device="cpu")))
        return model

    first, second = trained().state_dict(), trained().state_dict()
    assert all(torch.equal(first[k], second[k]) for k in first)
    initial = make(name, data, net).state_dict()
    assert any(not torch.equal(first[k], initial[k]) for k in first)


@every_case
def test_what_is_saved_is_what_is_loaded(name: str, modality: str, net: str, tiny: Tiny) -> None:
    data = tiny(modality)
    run = Run.create(name, data.spec, small(name, data, net), TrainingConfig(batch_size=8))
    model = make(name, data, net).eval()
    run.save_model(model)
    loaded = run.load_model()
    assert run.config == model.config and loaded.data == data.spec
    x = batch_of(model, data).x
    tolerance = 1e-6 if net in ("gru", "lstm") else 0.0  # their products round by where the weights lie in memory
    torch.testing.assert_close(loaded.encode(x).z, model.encode(x).z, atol=tolerance, rtol=tolerance)
    z = model.encode(x).z
    torch.testing.assert_close(loaded.decode(z), model.decode(z), atol=tolerance, rtol=tolerance)
    assert not loaded.training and not any(p.requires_grad for p in loaded.parameters())


@every_family
def test_every_trait_is_true_and_no_other(name: str, tiny: Tiny) -> None:
    data, traits = tiny("grey"), FAMILIES[name].traits
    model = make(name, data).eval()
    code = model.encode(batch_of(model, data).x)
    if "prior" in traits:
        drawn = model.sample_prior(5, torch.Generator().manual_seed(3))
        assert drawn.shape == (5, 8) and model.decode(drawn).isfinite().all()
        assert torch.equal(drawn, model.sample_prior(5, torch.Generator().manual_seed(3)))
        many = model.sample_prior(4_000, torch.Generator().manual_seed(4), temperature=0.5)
        normal = bool((many.mean(0).abs().max() < 0.05) and ((many.std(0) - 0.5).abs().max() < 0.05))
        assert normal == ("normal_prior" in traits)
    else:
        with pytest.raises(NotImplementedError, match="no prior"):
            model.sample_prior(5)
    if "posterior" in traits:
        assert code.mean is not None and code.logvar is not None
        assert code.mean.shape == code.logvar.shape == code.z.shape and torch.equal(code.z, code.mean)
        many = model.rate(model.drawn(model.features(batch_of(model, data).x).repeat(1000, 1)))
        assert many.shape == (8_000, 1 if "sampled_rate" in traits else 8)
        assert many.mean() > 0 and ((many >= 0).all() or "sampled_rate" in traits)
    else:
        assert code.mean is None and code.logvar is None
    if "codebook" in traits:
        assert code.indices is not None and code.indices.dtype == torch.int64 and code.indices.shape == (8, 4)
        assert torch.equal(model.lookup(code.indices), code.z)
    else:
        assert code.indices is None
        with pytest.raises(NotImplementedError, match="no codebook"):
            model.lookup(torch.zeros(1, 4, dtype=torch.int64))


def test_every_trait_is_met_somewhere() -> None:
    assert {t for row in FAMILIES.values() for t in row.traits} == set(get_args(Trait))


@every_weight
def test_weight_zero_removes_its_term(name: str, weight: str, term: str, tiny: Tiny) -> None:
    data = tiny("grey")
    model = make(name, data)
    assert term in all_terms(model, batch_of(model, data))
    without = make(name, data, **{weight: 0})
    terms = all_terms(without, batch_of(without, data))
    assert term not in terms and "reconstruction" in terms


@every_weight
def test_terms_are_proportional_to_their_weight(name: str, weight: str, term: str, tiny: Tiny) -> None:
    data, found = tiny("grey"), []
    for value in (0.5, 1.5):
        model = make(name, data, **{weight: value})
        torch.manual_seed(1)
        found.append(all_terms(model, batch_of(model, data))[term].item())
    assert found[1] == pytest.approx(3 * found[0], rel=1e-5)


@every_case
def test_a_wrong_shape_is_refused_with_both_shapes(name: str, modality: str, net: str, tiny: Tiny) -> None:
    data = tiny(modality)
    model = make(name, data, net).eval()
    expected = ", ".join(map(str, model_shape(data.spec)))
    wrong = torch.zeros(3, *model_shape(data.spec)[:-1], 11)
    with pytest.raises(ValueError, match="expected samples") as error:
        model.encode(wrong)
    assert f"(b, {expected})" in str(error.value) and str(tuple(wrong.shape)) in str(error.value)
    size = model.config.latent_dim
    with pytest.raises(ValueError, match=rf"\(b, {size}\).*\(3, {size + 1}\)"):
        model.decode(torch.zeros(3, size + 1))
    with pytest.raises(ValueError, match=rf"\(b, {size}\).*\({size},\)"):
        model.decode(torch.zeros(size))


@every_family
def test_cross_entropy_on_unbounded_values_is_refused(name: str, tiny: Tiny) -> None:
    if "label" in FAMILIES[name].traits or "vector" not in FAMILIES[name].kinds:
        pytest.skip("takes no such tables")
    with pytest.raises(ConfigError, match=r"loss must be .*mse.*got '?bce"):
        FAMILIES[name].make(small(name, tiny("vector")).replace(loss="bce"), tiny("vector").spec)


def test_an_unknown_family_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"unknown family 'vea', did you mean vae\?"):
        family("vea")


# oracles from mathematics


def test_a_beta_of_one_is_the_vae(tiny: Tiny) -> None:
    data, states = tiny("grey"), []
    for name in ("vae", "beta_vae"):
        model = make(name, data, beta=1.0)
        list(train(model, data, TrainingConfig(epochs=3, batch_size=10, device="cpu")))
        states.append(model.state_dict())
    assert all(torch.equal(states[0][k], states[1][k]) for k in states[0])
    other = make("beta_vae", data)
    list(train(other, data, TrainingConfig(epochs=3, batch_size=10, device="cpu")))
    assert any(not torch.equal(states[0][k], v) for k, v in other.state_dict().items())


@pytest.mark.long
def test_a_linear_autoencoder_spans_the_pca_subspace() -> None:
    from scipy.linalg import subspace_angles
    from sklearn.decomposition import PCA

    data = load_dataset("digits")
    torch.manual_seed(0)
    row = FAMILIES["linear_ae"]
    model = row.make(row.config.replace(latent_dim=4), data.spec)
    list(train(model, data, TrainingConfig(epochs=100, batch_size=64, learning_rate=2e-2, device="cpu")))
    decoder = next(p for p in model.decoder.parameters() if p.ndim == 2).detach().numpy()
    pca = PCA(4).fit(data.train.x.reshape(len(data.train), -1) / 255)
    assert np.rad2deg(subspace_angles(decoder, pca.components_.T).max()) <= 1


@pytest.mark.long
def test_the_codebook_is_used() -> None:
    """Without restarts a codebook drawn apart from the encoder keeps a handful of entries alive."""
    data, row, perplexity = load_dataset("digits"), FAMILIES["vqvae"], {}
    for restarts in (True, False):
        torch.manual_seed(0)
        model = row.make(row.config.replace(hidden=(64,), codebook_size=64, restarts=restarts), data.spec)
        list(train(model, data, TrainingConfig(epochs=10, batch_size=64, device="cpu")))
        perplexity[restarts] = evaluate(model, data.test)["perplexity"]
    assert perplexity[True] > 16 > 2 * perplexity[False]


@pytest.mark.long
def test_the_adversary_pulls_codes_towards_the_prior() -> None:
    data, moments = load_dataset("digits"), []
    row = FAMILIES["aae"]
    x = Samples(data.train.x, data.train.y, data.spec).batch(torch.arange(500))[0]
    for weight in (0.0, 3.0):
        torch.manual_seed(0)
        model = row.make(row.config.replace(latent_dim=2, hidden=(128,), adversarial_weight=weight), data.spec)
        list(train(model, data, TrainingConfig(epochs=20, batch_size=32, device="cpu")))
        z = model.eval().encode(x).z
        moments.append((z.mean(0).abs().max() + (z.std(0).log()).abs().max()).item())
    assert moments[1] < 0.5 * moments[0]


@pytest.mark.long
def test_a_denoising_autoencoder_estimates_the_score() -> None:
    """(g(f(x)) - x) / σ² against the exact score of the data smoothed by N(0, σ²) (Vincent 2011)."""
    sigma, data = 0.4, load_dataset("two-moons")
    config = ModelConfig(hidden=(128, 128), latent_dim=64, corruption="gaussian", level=sigma)
    torch.manual_seed(0)
    model = FAMILIES["dae"].make(config, data.spec)
    list(train(model, data, TrainingConfig(epochs=60, batch_size=256, learning_rate=2e-3, device="cpu")))
    centres = torch.tensor(data.train.x)
    x = torch.tensor(data.test.x)
    x = x + sigma * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    weights = torch.softmax(-torch.cdist(x, centres).square() / (2 * sigma**2), dim=1)
    exact = (weights @ centres - x) / sigma**2
    with torch.no_grad():
        estimated = (model.decode(model.encode(x).z) - x) / sigma**2
    cosine = torch.cosine_similarity(estimated, exact, dim=1)
    assert cosine.mean() > 0.94
    assert (estimated - exact).square().sum() < 0.03 * exact.square().sum()


def test_vae_samples_its_posterior_while_training(tiny: Tiny) -> None:
    data = tiny("grey")
    model = FAMILIES["vae"].make(VAEConfig(hidden=(16,), latent_dim=8), data.spec)
    batch = batch_of(model, data)
    assert model.terms(batch)["reconstruction"] != model.terms(batch)["reconstruction"]
    assert torch.equal(model.encode(batch.x).z, model.encode(batch.x).z)
