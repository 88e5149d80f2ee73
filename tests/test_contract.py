"""The widened contract: labels, levels, rates, likelihoods, priors and stages, each where a family shows it."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from resuming import trained_in_two_parts

import aeexplorer as ae
from aeexplorer.config import ConfigError
from aeexplorer.data import Dataset, DataSpec, Split
from aeexplorer.families import FAMILIES
from aeexplorer.models.base import Autoencoder, Batch, one_hot
from aeexplorer.models.vae import VAE, VAEConfig
from aeexplorer.runs.recording import train_run
from aeexplorer.runs.request import new_run
from aeexplorer.runs.run import Run
from aeexplorer.training.config import TrainingConfig, kept_labels
from aeexplorer.training.evaluation import evaluate, negative_log_likelihood
from aeexplorer.training.loop import train
from aeexplorer.training.plan import make_plan, train_plan

Tiny = Callable[[str], Dataset]
WITH_PRIOR = {"prior": "transformer", "positions": 4, "codebook_size": 8, "latent_dim": 8, "prior_units": 16}


def make(name: str, data: Dataset, **knobs: object) -> Autoencoder:
    torch.manual_seed(0)
    return FAMILIES[name].make(FAMILIES[name].config.replace(hidden=(16,), **knobs), data.spec)


# labels


def test_one_hot_of_no_label_is_zero() -> None:
    like = torch.zeros(3, 5)
    assert one_hot(torch.tensor([1, -1, 0]), 2, like).tolist() == [[0, 1], [0, 0], [1, 0]]
    assert not one_hot(None, 2, like).any()


def test_a_class_changes_what_is_decoded_and_is_bound_once(tiny: Tiny) -> None:
    data = tiny("grey")
    run = ae.train("cvae", data, epochs=2, batch_size=8, hidden=(16,), latent_dim=3, bar=False)
    model = ae.open_run(run.path)
    z = np.zeros((2, 3), np.float32)
    a, b = model.given("a"), model.given(1)
    assert (a.label, b.label, model.label, a.given(None).label) == (0, 1, None, None)
    assert not np.allclose(a.decode(z), b.decode(z))
    assert not np.allclose(a.encode(data.test.x), b.encode(data.test.x))
    np.testing.assert_array_equal(a.given(1).sample(3, seed=2), b.decode(b.sample_codes(3, seed=2)))
    np.testing.assert_allclose(
        model.codes.z[data.test.y[model.codes.index] == 1], b.encode(data.test.x[data.test.y == 1]), atol=1e-6
    )


@pytest.mark.parametrize("label", ["c", 2, -1])
def test_a_class_that_the_data_does_not_have_is_refused(label: object, tiny: Tiny) -> None:
    run = ae.train("cvae", tiny("grey"), epochs=1, batch_size=8, hidden=(16,), latent_dim=3, bar=False)
    with pytest.raises(ConfigError, match=rf"label must be one of a, b or a number below 2, got {label!r}"):
        ae.open_run(run.path).given(label)  # type: ignore[arg-type]


def test_a_family_without_labels_takes_none(tiny: Tiny) -> None:
    run = ae.train("vae", tiny("grey"), epochs=1, batch_size=8, hidden=(16,), latent_dim=3, bar=False)
    with pytest.raises(ConfigError, match="family must take a label, got vae"):
        ae.open_run(run.path).given(0)
    with pytest.raises(ConfigError, match="must have at least 1 class, got tiny-vector with none"):
        new_run("cvae", tiny("vector"), batch_size=8)


def test_hidden_labels_are_hidden_in_training_alone(tiny: Tiny) -> None:
    data = tiny("grey")
    model = make("cvae", data, hidden_labels=0.999)
    x, y = torch.rand(8, *model.shape), torch.zeros(8, dtype=torch.int64)
    for training in (True, False):
        model.train(training)
        terms = []
        for labels in (y, torch.full_like(y, -1)):
            torch.manual_seed(3)
            terms.append(model.terms(Batch(x, x, labels))["kl"].item())
        assert (terms[0] == terms[1]) == training


def test_of_many_labels_each_class_keeps_its_share() -> None:
    y = np.repeat([0, 1, 2, -1], [600, 300, 100, 50])
    for seed in range(3):
        kept = kept_labels(y, TrainingConfig(labels=20, seed=seed))
        assert [int((kept == c).sum()) for c in range(3)] == [12, 6, 2]
        assert (kept[kept >= 0] == y[kept >= 0]).all()
    assert (
        kept_labels(y, TrainingConfig(labels=20, seed=0)) != kept_labels(y, TrainingConfig(labels=20, seed=1))
    ).any()
    np.testing.assert_array_equal(kept_labels(y, TrainingConfig()), y)
    with pytest.raises(ConfigError, match="labels must be at most 1000, the labelled training samples, got 1001"):
        kept_labels(y, TrainingConfig(labels=1001))


def test_labels_beyond_the_classes_are_refused(tiny: Tiny) -> None:
    data = tiny("grey")
    wrong = Split(data.test.x, np.where(np.arange(12) == 3, 40_000, data.test.y))
    with pytest.raises(
        ConfigError, match=r"labels of the test split of tiny-grey must be between -1 \(none\) and 1, got 40000"
    ):
        Dataset(data.spec, data.train, data.validation, wrong)


# levels


def test_levels_are_slices_that_add_up() -> None:
    row = FAMILIES["hvae"]
    for config in (
        row.config,
        row.config.replace(levels=3),
        row.config.replace(latent_dim=3, levels=3),
        row.config.replace(latent_dim=7),
    ):
        sizes = row.model.levels_of(config)
        assert sum(sizes) == config.latent_dim and len(sizes) == config.levels and list(sizes) == sorted(sizes)
    assert FAMILIES["vae"].model.levels_of(VAEConfig(latent_dim=5)) == (5,)


def test_more_levels_than_values_are_refused(tiny: Tiny) -> None:
    with pytest.raises(ConfigError, match="latent_dim must be at least the number of levels, 3, got 2"):
        make("hvae", tiny("grey"), levels=3, latent_dim=2)


def test_resampling_keeps_the_coarse_levels(tiny: Tiny) -> None:
    run = ae.train("hvae", tiny("grey"), epochs=2, batch_size=8, hidden=(16,), latent_dim=7, levels=3, bar=False)
    model = ae.open_run(run.path)
    assert model.levels == (1, 2, 4)
    z = model.sample_codes(5, seed=1)
    for below, kept in ((0, 0), (1, 1), (2, 3), (3, 7)):
        again = model.resample(z, below=below, seed=2)
        np.testing.assert_array_equal(again[:, :kept], z[:, :kept])
        assert kept == 7 or (again[:, kept:] != z[:, kept:]).all()
    np.testing.assert_array_equal(model.resample(z, below=1, seed=2), model.resample(z, below=1, seed=2))
    with pytest.raises(ConfigError, match="below must be between 0 and 3"):
        model.resample(z, below=4)
    flat = ae.open_run(ae.train("vae", tiny("grey"), epochs=1, batch_size=8, hidden=(16,), bar=False).path)
    with pytest.raises(ConfigError, match="family must have several levels, got vae"):
        flat.resample(z, below=1)


def test_the_rate_of_levels_is_what_densities_say(tiny: Tiny) -> None:
    """E_q[log q(z|x) - log p(z)] by many draws is the rate averaged over the same draws."""
    model = make("hvae", tiny("grey"), latent_dim=6).eval()
    x = torch.rand(3, *model.shape)
    torch.manual_seed(0)
    with torch.no_grad():
        code = model.drawn(model.features(x).repeat(40_000, 1))
        sampled = model.log_posterior(code) - model.log_prior(code.z)
        closed = model.rate(code).sum(1)
    for i in range(3):
        assert sampled[i::3].mean().item() == pytest.approx(closed[i::3].mean().item(), abs=0.03)


def test_free_bits_are_a_floor_of_each_level(tiny: Tiny) -> None:
    data = tiny("grey")
    x = torch.rand(8, *make("vae", data).shape)
    for name, groups in (("vae", 4), ("hvae", 2)):
        model = make(name, data, latent_dim=4, free_bits=50.0, warmup=0.0)
        assert model.terms(Batch(x, x, torch.zeros(8, dtype=torch.int64)))["kl"] == groups * 50


# rate and likelihood


def linear_gaussian() -> tuple[VAE, np.ndarray]:
    """A VAE whose decoder is Wz + b with noise of variance 1/2 and whose posterior is exact: probabilistic PCA."""
    spec = DataSpec(name="plane", title="Plane", kind="vector", shape=(5,))
    model = VAE(VAEConfig(hidden=(), latent_dim=2, loss="mse"), spec).eval()
    random = np.random.default_rng(3)
    w, b = random.standard_normal((5, 2)), random.standard_normal(5)
    precision = np.eye(2) + 2 * w.T @ w  # of p(z|x): Tipping & Bishop 1999, equation 7, with variance 1/2
    # a rotation makes the posterior's covariance diagonal, as the VAE's is
    values, vectors = np.linalg.eigh(precision)
    w = w @ vectors
    gain = (2 / values)[:, None] * w.T
    encoder, decoder = (
        next(m for m in net if isinstance(m, torch.nn.Linear)) for net in (model.encoder, model.decoder)
    )  # type: ignore[union-attr]
    with torch.no_grad():
        decoder.weight.copy_(torch.from_numpy(w))
        decoder.bias.copy_(torch.from_numpy(b))
        encoder.weight.copy_(torch.from_numpy(np.vstack([gain, np.zeros((2, 5))])))
        encoder.bias.copy_(torch.from_numpy(np.concatenate([-gain @ b, -np.log(values)])))
    return model, w @ w.T + 0.5 * np.eye(5)


@pytest.mark.parametrize("widened", [1.0, 1.5])
def test_the_likelihood_of_a_linear_model_is_the_analytic_one(widened: float) -> None:
    """With the exact posterior the weights are all equal; with a wider one importance sampling must mend it."""
    model, covariance = linear_gaussian()
    bias = next(m for m in model.encoder if isinstance(m, torch.nn.Linear)).bias  # type: ignore[union-attr]
    with torch.no_grad():
        bias[2:] += math.log(widened)
    mean = next(m for m in model.decoder if isinstance(m, torch.nn.Linear)).bias.detach().numpy()  # type: ignore[union-attr]
    x = np.random.default_rng(0).multivariate_normal(mean, covariance, 200).astype(np.float32)
    split = Split(x, np.full(200, -1))
    centred = x - mean
    exact = 0.5 * (
        np.einsum("ni,ij,nj->n", centred, np.linalg.inv(covariance), centred)
        + np.linalg.slogdet(2 * np.pi * covariance)[1]
    )
    figures = evaluate(model, split, nll=500)
    assert figures["nll"] == pytest.approx(exact.mean(), abs=0.05 if widened > 1 else 1e-3)
    assert figures["neg_elbo"] >= figures["nll"] - 0.05


@pytest.mark.parametrize("name", ["vae", "hvae", "cvae", "multirate_vae"])
@pytest.mark.parametrize("loss", ["bce", "mse", "mae"])
@pytest.mark.long
def test_the_likelihood_is_at_least_the_bound(name: str, loss: str, tiny: Tiny) -> None:
    data = tiny("grey")
    model = make(name, data, latent_dim=4, loss=loss)
    list(train(model, data, TrainingConfig(epochs=5, batch_size=8, device="cpu")))
    bounds = np.mean([evaluate(model, data.test, seed)["neg_elbo"] for seed in range(30)])
    estimates = [negative_log_likelihood(model, data.test, k) for k in (1, 10, 300)]
    assert estimates[2] <= bounds and estimates[2] <= estimates[1] + 0.1


def test_chunks_do_not_change_the_estimate(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a posterior that has no spread every draw is the same, so only the bookkeeping of chunks could differ."""
    data = tiny("grey")
    model = make("vae", data, latent_dim=2)
    with torch.no_grad():
        last = [m for m in model.encoder.modules() if isinstance(m, torch.nn.Linear)][-1]
        last.bias[2:] = -30.0
        last.weight[2:] = 0.0
    whole = negative_log_likelihood(model, data.test, 7)
    monkeypatch.setattr("aeexplorer.training.evaluation.NLL_BYTES", 4 * 64 * 5)
    assert negative_log_likelihood(model, data.test, 7) == pytest.approx(whole, abs=0.5)


@pytest.mark.parametrize(
    ("name", "k", "said"),
    [
        ("vae", 0, "nll must be between 1 and 100000"),
        ("vae", 10**6, "nll must be between"),
        ("ae", 5, "nll needs a family with a posterior"),
    ],
)
def test_what_has_no_likelihood_is_refused(name: str, k: int, said: str, tiny: Tiny) -> None:
    with pytest.raises(ConfigError, match=said):
        negative_log_likelihood(make(name, tiny("grey")), tiny("grey").test, k)


# priors and stages


@pytest.mark.long
def test_a_prior_learns_what_follows_what() -> None:
    """On entries that repeat the one before, a causal prior pays for the first one alone."""
    from aeexplorer.models.token_prior import TokenPrior

    torch.manual_seed(0)
    prior = TokenPrior(6, 8, units=32, layers=1, heads=2)
    optimizer = torch.optim.Adam(prior.parameters(), 3e-3)
    for _ in range(300):
        indices = torch.randint(8, (64, 1)).repeat(1, 6)
        loss = prior.nats(indices).sum() / 64
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    nats = prior.nats(torch.randint(8, (500, 1)).repeat(1, 6)).mean(0).detach()
    assert nats[0].item() == pytest.approx(math.log(8), abs=0.1) and nats[1:].max() < 0.1
    drawn = prior.sample(200, torch.Generator().manual_seed(0))
    assert (drawn == drawn[:, :1]).float().mean() > 0.95
    assert len(prior.sample(50, torch.Generator().manual_seed(0), temperature=0).unique(dim=0)) == 1


def test_a_prior_sees_only_what_came_before() -> None:
    from aeexplorer.models.token_prior import TokenPrior

    torch.manual_seed(0)
    prior = TokenPrior(5, 8, units=16).eval()
    a = torch.randint(8, (1, 5))
    for place in range(5):
        b = a.clone()
        b[0, place] = (b[0, place] + 1) % 8
        changed = (prior(a) != prior(b)).any(2)[0]
        assert not changed[: place + 1].any() and (place == 4 or changed[place + 1 :].all())


def test_a_second_stage_leaves_the_first_as_it_was(tiny: Tiny) -> None:
    data, training = tiny("grey"), TrainingConfig(epochs=6, batch_size=8, device="cpu")
    model = make("vqvae", data, **WITH_PRIOR, prior_share=0.5)
    plan = make_plan(FAMILIES["vqvae"], model.config, training, data.spec)
    assert [(part.name, part.training.epochs, part.training.seed) for part in plan.parts] == [
        ("autoencoder", 3, 0),
        ("prior", 3, 1),
    ]
    settled, epochs = {}, []
    for progress in train_plan(model, data, plan):
        if progress.validation:
            epochs.append((progress.stage_name, progress.epoch, set(progress.validation)))
        if progress.settled:
            settled[progress.stage_name] = {k: v.clone() for k, v in model.state_dict().items()}
    assert epochs == [("autoencoder", i, {"reconstruction", "commitment"}) for i in (1, 2, 3)] + [
        ("prior", i, {"prior"}) for i in (4, 5, 6)
    ]
    first, second = settled["autoencoder"], settled["prior"]
    assert all(
        torch.equal(first[k], second[k]) == (not k.startswith("prior."))
        for k in first
        if first[k].is_floating_point() and "position" not in k
    )


def test_every_code_of_a_prior_lies_on_the_codebook(tiny: Tiny) -> None:
    data = tiny("grey")
    run = ae.train("vqvae", data, epochs=6, batch_size=8, hidden=(16,), bar=False, **WITH_PRIOR)
    model = ae.open_run(run.path)
    assert {"prior", "codebook"} <= model.traits and "normal_prior" not in model.traits
    codebook = model._model.codebook.numpy()
    for temperature in (0.0, 0.5, 3.0):
        entries = model.sample_codes(20, seed=1, temperature=temperature).reshape(-1, codebook.shape[1])
        assert (np.abs(entries[:, None] - codebook).sum(2).min(1) == 0).all()
    figures = model.evaluate(data.test)
    assert 0 < figures["prior_nats"] < 4 * math.log(8) * 1.5
    assert figures["neg_elbo"] == pytest.approx(figures["reconstruction"] + figures["prior_nats"])
    assert "prior_nats" in run.status.result


def test_a_codebook_without_a_prior_has_no_such_trait() -> None:
    row = FAMILIES["vqvae"]
    assert row.traits_of(row.config) == {"codebook"} and row.traits_of(row.config.replace(prior="transformer")) == {
        "codebook",
        "prior",
    }


def test_fewer_epochs_than_stages_are_refused(tiny: Tiny) -> None:
    with pytest.raises(ConfigError, match="epochs must be at least 2, one for each stage, got 1"):
        new_run("vqvae", tiny("grey"), epochs=1, batch_size=8, **WITH_PRIOR)


@pytest.mark.parametrize("at", [1, 3, 4, 5, 7])
@pytest.mark.long
def test_a_run_of_two_stages_resumes_bit_for_bit(at: int, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aeexplorer.training.loop.REPORT_SECONDS", 0)
    data = tiny("grey")

    def fresh() -> Run:
        return new_run("vqvae", data, epochs=4, batch_size=12, hidden=(16,), dropout=0.1, device="cpu", **WITH_PRIOR)

    whole, broken = train_run(fresh(), data, bar=False), trained_in_two_parts(fresh(), data, reports=at)
    assert (broken.path / "weights.safetensors").read_bytes() == (whole.path / "weights.safetensors").read_bytes()
    names = [event["stage_name"] for event in broken.events()[0] if event["type"] == "epoch"]
    assert names == sorted(names, key=["autoencoder", "prior"].index)
