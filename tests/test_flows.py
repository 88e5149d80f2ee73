"""Families with a tighter bound, a bent posterior or a learned prior, against mathematics done another way."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import torch

import aeexplorer as ae
from aeexplorer import noise
from aeexplorer.config import ConfigError
from aeexplorer.data import Dataset, DataSpec
from aeexplorer.families import FAMILIES
from aeexplorer.losses import gaussian_kl, gaussian_log_density
from aeexplorer.models.base import Autoencoder, Batch
from aeexplorer.models.planar import OWN_SHARE, PlanarVAE
from aeexplorer.training.evaluation import evaluate, negative_log_likelihood, rate_distortion
from aeexplorer.training.loop import TrainingConfig, train

Tiny = Callable[[str], Dataset]
FLOWS = [("planar_vae", {"flows": 4}), ("flow_vae", {}), ("flow_vae", {"transform": "affine", "flows": 3})]
every_flow = pytest.mark.parametrize(("name", "knobs"), FLOWS)


def make(name: str, spec: DataSpec, **knobs: object) -> Autoencoder:
    with noise.building(0):
        return FAMILIES[name].make(FAMILIES[name].config.replace(**{"hidden": (16,), **knobs}), spec).eval()


def unlike(model: Autoencoder, b: int, spread: float = 1.0) -> torch.Tensor:
    """Encoder outputs (b, out) that bend a posterior much more than fresh weights do."""
    out = model.features(torch.zeros(1, *model.shape)).shape[1]
    h = spread * torch.randn(b, out, generator=torch.Generator().manual_seed(5))
    if isinstance(model, PlanarVAE):
        h[:, 2 * model.config.latent_dim :] /= OWN_SHARE
    return h


def batch_of(model: Autoencoder, b: int = 6) -> Batch:
    x = torch.rand(b, *model.shape, generator=torch.Generator().manual_seed(2)).round()
    return Batch(x, x, torch.full((b,), -1))


# flows


@every_flow
@pytest.mark.parametrize("size", [1, 2, 5])
def test_the_log_determinant_is_that_of_the_jacobian(
    name: str, knobs: dict[str, object], size: int, tiny: Tiny
) -> None:
    model = make(name, tiny("vector").spec, latent_dim=size, **knobs)
    h, eps = unlike(model, 7).double(), torch.randn(7, size, dtype=torch.float64)
    model = model.double()
    _, log_det = model.transform(eps, h)
    for i in range(7):
        jacobian = torch.autograd.functional.jacobian(
            lambda e, i=i: model.transform(e[None], h[i : i + 1])[0][0], eps[i]
        )
        assert log_det[i].item() == pytest.approx(torch.linalg.slogdet(jacobian)[1].item(), abs=1e-9)
        assert torch.linalg.slogdet(jacobian)[0] != 0


@every_flow
def test_the_density_of_the_posterior_is_one_in_all(name: str, knobs: dict[str, object], tiny: Tiny) -> None:
    """E_q[1 / q(z) within a region] is the area of the region, as far as draws reach it."""
    model = make(name, tiny("vector").spec, latent_dim=2, **knobs)
    h = unlike(model, 1, 0.7)
    with torch.no_grad(), noise.seeded(0):
        code = model.drawn(h.expand(100_000, -1))
    low, high = (torch.quantile(code.z, q, dim=0) for q in (0.3, 0.7))
    inside = ((code.z > low) & (code.z < high)).all(1)
    area = ((-code.log_q).exp() * inside).mean()
    assert area.item() == pytest.approx((high - low).prod().item(), rel=0.06)


def test_planar_flows_cannot_fold_space(tiny: Tiny) -> None:
    """Along ŵ the slope of every flow stays positive, however far u points against w."""
    model = make("planar_vae", tiny("vector").spec, latent_dim=3, flows=1)
    h = unlike(model, 2_000, 8.0).double()
    eps = torch.linspace(-3, 3, 41, dtype=torch.float64)
    w = model.shared[3:6] + OWN_SHARE * h[:, 9:12]  # mean, logvar, u, w, b
    direction = w / w.norm(dim=1, keepdim=True)
    h[:, 3:6] = 0  # σ = 1, so that ε moves along w
    along = torch.stack([(model.transform(e * direction, h)[0] * direction).sum(1) for e in eps])
    assert (along.diff(dim=0) > 0).all()
    assert model.transform(torch.zeros(2_000, 3, dtype=torch.float64), h)[1].isfinite().all()


def test_a_planar_flow_without_u_is_the_identity(tiny: Tiny) -> None:
    model = make("planar_vae", tiny("vector").spec, latent_dim=3, flows=2)
    h = unlike(model, 50)
    h[:, 6:12] = 0  # u of both flows
    eps = torch.randn(50, 3)
    z, log_det = model.transform(eps, h)
    torch.testing.assert_close(z, h[:, :3] + (0.5 * h[:, 3:6]).exp() * eps)
    torch.testing.assert_close(log_det, 0.5 * h[:, 3:6].sum(1))
    h[:, 12:18], model.shared.data[:] = 0, 0  # w as well: nothing is divided by zero
    assert model.transform(eps, h)[0].isfinite().all()


@pytest.mark.parametrize("transform", ["spline", "affine"])
def test_an_autoregressive_flow_is_undone_by_its_inverse(transform: str, tiny: Tiny) -> None:
    model = make("flow_vae", tiny("vector").spec, latent_dim=4, transform=transform, flows=3)
    h = unlike(model, 200)
    mean, logvar, context = h.split([4, 4, model.config.context], dim=1)
    eps = torch.randn(200, 4, generator=torch.Generator().manual_seed(1))
    z, _ = model.transform(eps, h)
    back = (z - mean) * (-0.5 * logvar).exp()
    for layer in reversed(model.flow):
        back = layer(context).inv(back)
    torch.testing.assert_close(back, eps, atol=2e-3, rtol=0)


@every_flow
def test_moments_of_a_posterior_are_near_those_of_its_draws(name: str, knobs: dict[str, object], tiny: Tiny) -> None:
    model = make(name, tiny("vector").spec, latent_dim=4, **knobs)
    x = torch.randn(5, *model.shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad(), noise.seeded(0):
        h = model.features(x)
        code, draws = model.code(h), model.drawn(h.repeat(4_000, 1)).z.unflatten(0, (4_000, 5))
    assert torch.equal(code.mean, code.z) and torch.equal(model.code(h).logvar, code.logvar)
    sd = draws.std(0)
    assert ((draws.mean(0) - code.mean).abs() < 0.3 * sd).all()
    assert (((0.5 * code.logvar).exp() / sd).log().abs() < 0.35).all()
    torch.testing.assert_close(model.code(h[1:2]).logvar, code.logvar[1:2])


@pytest.mark.parametrize("name", ["planar_vae", "flow_vae", "vamp_vae"])
@pytest.mark.parametrize("loss", ["bce", "mse"])
@pytest.mark.long
def test_the_likelihood_is_at_least_the_bound(name: str, loss: str, tiny: Tiny) -> None:
    data = tiny("grey")
    narrow = dict(FAMILIES[name].trial.narrow)
    model = make(name, data.spec, latent_dim=4, loss=loss, **narrow).train()
    list(train(model, data, TrainingConfig(epochs=5, batch_size=8, device="cpu")))
    bounds = np.mean([evaluate(model, data.test, seed)["neg_elbo"] for seed in range(20)])
    estimates = [negative_log_likelihood(model, data.test, k) for k in (10, 300)]
    assert estimates[1] <= bounds + 0.1 and estimates[1] <= estimates[0] + 0.1
    found = rate_distortion(model, data.test)
    assert found["kl"].shape == (1,) and found["mean"].shape == found["variance"].shape == (4,)


@pytest.mark.long
def test_the_library_of_flows_is_loaded_only_where_it_is_needed() -> None:
    code = "import sys, aeexplorer.families; sys.exit('zuko' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# importance weights


def test_one_importance_sample_is_the_elbo(tiny: Tiny) -> None:
    data = tiny("grey")
    model, vae = make("iwae", data.spec, k=1, latent_dim=3), make("vae", data.spec, latent_dim=3)
    vae.load_state_dict(model.state_dict())
    batch, draws = batch_of(model), 3_000
    with torch.no_grad():
        h = vae.features(batch.x_in)
        repeated = Batch(*(part.repeat(draws, *[1] * (part.ndim - 1)) for part in batch[:3]))
        with noise.seeded(1):
            terms = model.terms(repeated)
        closed = gaussian_kl(*h.chunk(2, 1)).sum(1).mean()
        with noise.seeded(1):
            same = vae.terms(repeated)
    assert terms["reconstruction"].item() == pytest.approx(same["reconstruction"].item(), rel=1e-5)
    assert terms["importance"].item() == pytest.approx(closed.item(), rel=0.03)


@pytest.mark.parametrize("beta", [0.5, 1.0, 4.0])
def test_the_bound_falls_with_more_samples_towards_the_likelihood(beta: float, tiny: Tiny) -> None:
    data, found = tiny("grey"), []
    for k in (1, 3, 30, 300):
        model = make("iwae", data.spec, k=k, latent_dim=3, beta=beta)
        with torch.no_grad():
            model.encoder[-1].weight.mul_(3)  # far from the true posterior, so that the bounds differ
        batch = batch_of(model)
        repeated = Batch(*(part.repeat(3_000 // k, *[1] * (part.ndim - 1)) for part in batch[:3]))
        with torch.no_grad(), noise.seeded(0):
            found.append(sum(model.terms(repeated).values()).item())
    assert found[0] > found[1] > found[2] > found[3] - 0.02
    if beta == 1:
        from aeexplorer.data import Split

        x = (255 * batch_of(model).x[:, 0]).byte().numpy()
        exact = negative_log_likelihood(model, Split(x, np.full(6, -1)), 20_000)
        assert found[3] == pytest.approx(exact, abs=0.05)
        assert found[0] > exact + 0.1


# the VampPrior


def test_the_prior_is_the_mixture_of_the_posteriors_of_pseudo_inputs(tiny: Tiny) -> None:
    data = tiny("grey")
    model = make("vamp_vae", data.spec, latent_dim=3, pseudo_inputs=7)
    with torch.no_grad():
        code = model.encode(torch.sigmoid(model.pseudo))
        z = torch.randn(40, 3)
        each = torch.stack([
            gaussian_log_density(z, m.expand(40, -1), v.expand(40, -1)).double()
            for m, v in zip(code.mean, code.logvar, strict=True)
        ])  # fmt: skip
        torch.testing.assert_close(model.log_prior(z).double(), each.exp().mean(0).log(), atol=1e-4, rtol=1e-4)


def test_the_mixture_integrates_to_one_and_is_what_is_sampled(tiny: Tiny) -> None:
    model = make("vamp_vae", tiny("vector").spec, latent_dim=2, pseudo_inputs=3)
    with torch.no_grad():
        model.encoder[-1].weight.mul_(4)
        side = torch.linspace(-12, 12, 481)
        z = torch.cartesian_prod(side, side)
        density = model.log_prior(z).double().exp() * 0.05**2
        assert density.sum().item() == pytest.approx(1, abs=1e-3)
        drawn = model.sample_prior(60_000, torch.Generator().manual_seed(0))
        mean, square = (density[:, None] * z).sum(0), (density[:, None] * z.square()).sum(0)
        torch.testing.assert_close(drawn.double().mean(0), mean, atol=0.05, rtol=0)
        torch.testing.assert_close(drawn.double().square().mean(0), square, atol=0.2, rtol=0.05)
        cold = model.sample_prior(50, torch.Generator().manual_seed(0), temperature=0)
        assert torch.cdist(cold, model.components()[0]).min(1).values.max() == 0


def test_the_learned_prior_follows_the_codes(tiny: Tiny) -> None:
    """It gives codes more density than the normal distribution of their own mean and covariance does."""
    data = tiny("grey")
    model = make("vamp_vae", data.spec, latent_dim=2, pseudo_inputs=24).train()
    list(train(model, data, TrainingConfig(epochs=150, batch_size=24, learning_rate=1e-2, device="cpu")))
    x = torch.from_numpy(data.train.x[:, None] / np.float32(255))
    with torch.no_grad(), noise.seeded(0):
        z = model.drawn(model.features(x.repeat(200, 1, 1, 1))).z
    fitted = torch.distributions.MultivariateNormal(z.mean(0), z.T.cov())
    assert model.log_prior(z).mean() > fitted.log_prob(z).mean() + 0.1


# what pages need


def test_pages_that_list_dimensions_show_variances_where_the_rate_is_one_number(tiny: Tiny) -> None:
    from aeexplorer.live.open_runs import find_open_run
    from aeexplorer.ui.shared.dimensions import dimensions_of

    data = ae.load_dataset("digits")
    for name, measure in (("vae", "KL"), ("vamp_vae", "variance")):
        knobs = dict(FAMILIES[name].trial.narrow)
        run = ae.train(name, data, epochs=1, samples=200, hidden=(16,), latent_dim=3, batch_size=50, bar=False, **knobs)
        found = dimensions_of(find_open_run(run.id))
        assert found.measure == measure and found.score.shape == (3,)
        model = ae.open_run(run.path)
        assert model.rate(data.test.x[:5]).shape == (5, 3 if measure == "KL" else 1)
        assert model.sample(4, seed=1).shape == (4, 8, 8) and model.posterior(data.test.x[:5])[1].shape == (5, 3)


def test_a_dial_over_beta_needs_the_rate_of_each_dimension(tiny: Tiny) -> None:
    from aeexplorer.runs.request import new_run
    from aeexplorer.training.plan import DialSpec

    dial = DialSpec(knob="beta", stops=(0.1, 1.0))
    with pytest.raises(ConfigError, match="a dial over beta needs a rate of each dimension, got vamp_vae"):
        new_run("vamp_vae", tiny("grey"), dial=dial, batch_size=8)
    with pytest.raises(ConfigError, match="capacity must be 0 for a dial over beta, whose rate it would hold, got 3"):
        new_run("vae", tiny("grey"), dial=dial, batch_size=8, capacity=3.0)


# schedules of the KL term


@pytest.mark.parametrize(
    ("knobs", "done", "share"),
    [
        ({}, 0.0, 1.0),
        ({"warmup": 0.5}, 0.25, 0.5),
        ({"warmup": 0.5}, 0.75, 1.0),
        ({"warmup": 0.5, "cycles": 4}, 0.0625, 0.5),
        ({"warmup": 0.5, "cycles": 4}, 0.20, 1.0),
        ({"warmup": 0.5, "cycles": 4}, 0.25, 0.0),
        ({"warmup": 0.5, "cycles": 4}, 0.8125, 0.5),
        ({"warmup": 0.5, "cycles": 4}, 1.0, 1.0),
        ({"warmup": 1.0, "cycles": 2}, 0.4, 0.8),
    ],
)
def test_beta_rises_in_cycles(knobs: dict[str, float], done: float, share: float, tiny: Tiny) -> None:
    model = make("vae", tiny("grey").spec, **knobs)
    terms = []
    for at in (done, 1.0):
        with noise.seeded(0):
            terms.append(model.terms(batch_of(model)._replace(done=at))["kl"].item())
    assert terms[0] == pytest.approx(share * terms[1], abs=1e-6)


def test_a_capacity_holds_the_rate(tiny: Tiny) -> None:
    data, rates = tiny("grey"), {}
    for capacity in (1.0, 4.0):
        model = make("vae", data.spec, latent_dim=3, beta=30.0, capacity=capacity, warmup=0.5).train()
        list(train(model, data, TrainingConfig(epochs=120, batch_size=24, learning_rate=1e-2, device="cpu")))
        rates[capacity] = evaluate(model, data.train)["kl"]
    assert rates[1.0] == pytest.approx(1.0, abs=0.3) and rates[4.0] == pytest.approx(4.0, abs=0.4)
    model = make("vae", data.spec, capacity=5.0, warmup=0.5)
    with noise.seeded(0):
        nats = model.nats(model.rate(model.drawn(model.features(batch_of(model).x)))).item()
    for done, target in ((0.25, 2.5), (0.5, 5.0), (1.0, 5.0)):
        with noise.seeded(0):
            terms = model.terms(batch_of(model)._replace(done=done))
        assert terms["capacity"].item() == pytest.approx(abs(nats - target), rel=1e-5) and "kl" not in terms


@pytest.mark.parametrize("knob", ["free_bits", "capacity"])
def test_a_multi_rate_vae_takes_no_floor_and_no_capacity(knob: str, tiny: Tiny) -> None:
    with pytest.raises(ConfigError, match=f"{knob} must be 0 for a multi-rate VAE, which has no single β, got 2"):
        make("multirate_vae", tiny("grey").spec, **{knob: 2.0})


def test_free_bits_are_a_floor_of_the_whole_rate_where_it_is_one_number(tiny: Tiny) -> None:
    model = make("planar_vae", tiny("grey").spec, latent_dim=4, free_bits=50.0)
    assert model.terms(batch_of(model))["kl"] == 50
    assert model.rate(model.drawn(unlike(model, 3))).isfinite().all()


@pytest.mark.parametrize("name", ["planar_vae", "flow_vae", "vamp_vae"])
def test_the_rate_is_that_of_the_densities(name: str, tiny: Tiny) -> None:
    """On average log q(z|x) - log p(z) at a draw."""
    model = make(name, tiny("grey").spec, latent_dim=4, **dict(FAMILIES[name].trial.narrow))
    with torch.no_grad(), noise.seeded(0):
        h = model.features(batch_of(model, 3).x)
        code = model.drawn((h + 0.5 * unlike(model, 3)).repeat(20_000, 1))
        sampled, rate = model.log_posterior(code) - model.log_prior(code.z), model.rate(code)[:, 0]
    for i in range(3):
        assert rate[i::3].mean().item() == pytest.approx(sampled[i::3].mean().item(), abs=0.05)
