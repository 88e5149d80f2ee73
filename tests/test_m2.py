"""The semi-supervised VAE: its objective against an enumeration of the classes, and labels that are few."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli, Categorical, Normal, kl_divergence

import aeexplorer as ae
from aeexplorer import noise
from aeexplorer.config import ConfigError
from aeexplorer.data import Dataset, load_dataset
from aeexplorer.families import FAMILIES
from aeexplorer.models.base import Batch
from aeexplorer.models.m2 import SemiSupervisedVAE
from aeexplorer.training.config import TrainingConfig
from aeexplorer.training.evaluation import evaluate
from aeexplorer.training.plan import DialSpec, make_plan, train_plan

Tiny = Callable[[str], Dataset]
ROW = FAMILIES["m2"]


def make(data: Dataset, **knobs: object) -> SemiSupervisedVAE:
    torch.manual_seed(0)
    model = ROW.make(ROW.config.replace(hidden=(16,), latent_dim=3, feature_units=16, **knobs), data.spec)
    assert isinstance(model, SemiSupervisedVAE)
    return model


def objective_by_enumeration(model: SemiSupervisedVAE, x: torch.Tensor, y: torch.Tensor) -> float:
    """Equations 6, 7 and 9 sample by sample and class by class, for posteriors without spread."""
    classes, total = len(model.data.classes), 0.0

    def bound(one: torch.Tensor, label: int) -> torch.Tensor:
        """-L(x, y) of equation 6."""
        given = torch.tensor([label])
        code = model.encode(one, given)
        assert code.mean is not None and code.logvar is not None
        prior = Normal(torch.zeros_like(code.mean), torch.ones_like(code.mean))
        kl = kl_divergence(Normal(code.mean, torch.exp(0.5 * code.logvar)), prior).sum()
        likelihood = Bernoulli(logits=model.output(code.mean, given), validate_args=False).log_prob(one).sum()
        return -likelihood + kl + math.log(classes)

    labelled = int((y >= 0).sum())
    for one, label in zip(x.split(1), y.tolist(), strict=True):
        posterior = Categorical(logits=model.classifier(one)[0])
        if label >= 0:
            total += float(bound(one, label)) / len(x)
            total -= model.config.classification_weight * float(posterior.log_prob(torch.tensor(label))) / labelled
        else:
            expected = sum(posterior.probs[c] * bound(one, c) for c in range(classes))
            total += float(expected - posterior.entropy()) / len(x)
    return total


def without_spread(model: SemiSupervisedVAE) -> None:
    """Posteriors so narrow that every draw is the mean."""
    with torch.no_grad():
        model.posterior.bias[3:] = -30.0
        model.posterior.weight[3:] = 0.0


@pytest.mark.parametrize("y", [[0, 1, 1, 0], [-1, -1, -1, -1], [0, -1, 1, -1]])
def test_the_objective_is_the_sum_over_the_classes(y: list[int], tiny: Tiny) -> None:
    model = make(tiny("grey"), classification_weight=7.0).eval()
    without_spread(model)
    x, labels = (torch.rand(4, *model.shape) > 0.5).float(), torch.tensor(y)
    terms = model.terms(Batch(x, x, labels))
    with torch.no_grad():
        expected = objective_by_enumeration(model, x, labels)
    assert sum(term.item() for term in terms.values()) == pytest.approx(expected, rel=1e-5)


def test_of_an_unlabelled_sample_the_class_costs_its_divergence_from_the_prior(tiny: Tiny) -> None:
    model = make(tiny("grey")).eval()
    x = torch.rand(5, *model.shape)
    term = model.terms(Batch(x, x, torch.full((5,), -1)))["class_kl"]
    uniform = Categorical(logits=torch.zeros(5, 2))
    expected = kl_divergence(Categorical(logits=model.classifier(x)), uniform).mean()
    torch.testing.assert_close(term, expected)


def test_samples_that_are_told_no_class_make_no_difference_to_it(tiny: Tiny) -> None:
    """With nearly all classes hidden, labels change nothing but the classifier's own term."""
    model = make(tiny("grey"), hidden_labels=0.9999, input_noise=0.0).train()
    x, found = torch.rand(6, *model.shape), []
    for y in ([0] * 6, [1] * 6, [-1] * 6):
        with noise.seeded(0):
            terms = model.terms(Batch(x, x, torch.tensor(y)))
        found.append((terms["reconstruction"].item(), terms["kl"].item(), terms["class_kl"].item()))
    assert found[0] == found[1] == pytest.approx(found[2]) and found[0][2] == 0


def test_labelled_samples_are_drawn_beside_a_batch(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    data, seen = tiny("grey"), []
    model = make(data, labelled_batch=5)
    classify = SemiSupervisedVAE.classify

    def watched(self: SemiSupervisedVAE, batch: Batch) -> dict[str, torch.Tensor]:
        if self.training:
            seen.append(batch.labelled)
        return classify(self, batch)

    monkeypatch.setattr(SemiSupervisedVAE, "classify", watched)
    known = {bytes(x) for x, y in zip(data.train.x, data.train.y, strict=True)}
    for labels, expected in ((4, 4), (0, None)):
        seen.clear()
        training = TrainingConfig(epochs=2, batch_size=8, labels=labels, device="cpu")
        list(train_plan(model, data, make_plan(ROW, model.config, training, data.spec)))
        assert len(seen) == 6
        if expected is None:
            assert seen == [None] * 6, "where every sample has a label, none is drawn apart"
            continue
        pictures = torch.cat([x for x, _ in seen]), torch.cat([y for _, y in seen])
        assert pictures[0].shape == (30, *model.shape) and set(pictures[1].tolist()) == {0, 1}
        drawn = {bytes((x * 255).round().to(torch.uint8).numpy()) for x in pictures[0]}
        assert len(drawn) == expected and drawn <= known


def test_the_classifier_is_trained_first(tiny: Tiny) -> None:
    data = tiny("grey")
    model = make(data, warm_start=0.5)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    plan = make_plan(ROW, model.config, TrainingConfig(epochs=4, batch_size=8, labels=6, device="cpu"), data.spec)
    assert [(part.name, part.training.epochs) for part in plan.parts] == [("classifier", 2), ("autoencoder", 2)]
    for progress in train_plan(model, data, plan):
        if progress.settled and progress.stage == 0:
            changed = {
                name.partition(".")[0] for name, value in model.state_dict().items() if (value != before[name]).any()
            }
            assert changed == {"classifier"}
    assert [
        part.name
        for part in make_plan(ROW, model.config.replace(warm_start=0.0), plan.parts[0].training, data.spec).parts
    ] == ["autoencoder"]


def test_a_dial_has_one_stage(tiny: Tiny) -> None:
    data, dial = tiny("grey"), DialSpec(knob="beta", stops=(0.1, 1.0), epochs_per_stop=1)
    with pytest.raises(
        ConfigError, match=r"warm_start must be 0 for a dial, whose stops are trained in one stage, got 0\.1"
    ):
        make_plan(ROW, ROW.config, TrainingConfig(), data.spec, dial)
    assert len(make_plan(ROW, ROW.config.replace(warm_start=0.0), TrainingConfig(), data.spec, dial).parts) == 2


def test_every_stage_has_the_same_labels(tiny: Tiny) -> None:
    data, seen = tiny("grey"), {}
    model = make(data, warm_start=0.5)
    plan = make_plan(ROW, model.config, TrainingConfig(epochs=2, batch_size=24, labels=4, device="cpu"), data.spec)
    for progress in train_plan(model, data, plan):
        loop = progress._loop.inner._loop
        seen[progress.stage_name] = loop.samples.y.tolist()
    assert set(seen) == {"classifier", "autoencoder"} and seen["classifier"] == seen["autoencoder"]
    assert sum(label >= 0 for label in seen["classifier"]) == 4


def test_a_class_is_told_or_predicted(tiny: Tiny) -> None:
    data = tiny("grey")
    run = ae.train("m2", data, epochs=3, batch_size=8, labels=6, hidden=(16,), latent_dim=3, bar=False)
    model = ae.open_run(run.path)
    z = np.zeros((2, 3), np.float32)
    assert not np.allclose(model.given("a").decode(z), model.given("b").decode(z))
    assert 0 <= run.status.result["accuracy"] <= 1 and "classification" in run.epochs()[-1]["validation"]
    assert {"prior", "posterior", "label"} <= model.traits


@pytest.mark.long
def test_digits_are_classified_from_few_labels() -> None:
    """100 labels of 1,257: as good as the classifier that they alone have made, or better."""
    data, accuracies = load_dataset("digits"), []
    config = ROW.config.replace(hidden=(128,), latent_dim=8, warm_start=0.3)
    training = TrainingConfig(epochs=25, batch_size=64, labels=100, device="cpu")
    with noise.building(0):
        model = ROW.make(config, data.spec)
    for progress in train_plan(model, data, make_plan(ROW, config, training, data.spec)):
        if progress.settled:
            accuracies.append(evaluate(model, data.test)["accuracy"])
    assert accuracies[1] >= accuracies[0] > 0.88


def test_one_hot_and_soft_labels_agree(tiny: Tiny) -> None:
    """A classifier that is certain makes an unlabelled sample a labelled one."""
    model = make(tiny("grey"), classification_weight=0.0).eval()
    with torch.no_grad():
        last = [m for m in model.classifier.modules() if isinstance(m, torch.nn.Linear)][-1]
        last.weight.zero_()
        last.bias.copy_(torch.tensor([0.0, 60.0]))
    x, found = torch.rand(5, *model.shape), []
    for y in (torch.ones(5, dtype=torch.int64), torch.full((5,), -1)):
        with noise.seeded(0):
            found.append({name: term.item() for name, term in model.terms(Batch(x, x, y)).items()})
    assert found[0] == pytest.approx(found[1], rel=1e-5)
