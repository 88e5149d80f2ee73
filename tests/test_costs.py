"""What costs less: students, progressive training, separable convolutions, and networks beside each other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import aeexplorer as ae
from aeexplorer.__main__ import main
from aeexplorer.config import ConfigError
from aeexplorer.data import Dataset, DataSpec
from aeexplorer.families import FAMILIES
from aeexplorer.metrics.smiles import shares, valid_smiles
from aeexplorer.models.base import Batch, ModelConfig
from aeexplorer.nets import NetConfig, make_decoder, make_encoder, parameter_count
from aeexplorer.runs.bundles import bundle, import_bundle
from aeexplorer.runs.recording import train_run
from aeexplorer.runs.request import new_run
from aeexplorer.tensors import model_shape
from aeexplorer.training.loop import TrainingConfig
from aeexplorer.training.net_costs import candidates, net_cost, net_costs
from aeexplorer.training.plan import make_plan

Tiny = Callable[[str], Dataset]
PICTURES = DataSpec(name="p", title="P", kind="image", shape=(28, 28), value_range=(0.0, 1.0))


# students


@pytest.fixture
def teacher(tiny: Tiny) -> ae.Run:
    return ae.train("ae", tiny("grey"), epochs=30, batch_size=8, hidden=(32,), latent_dim=4, bar=False)


@pytest.mark.long
def test_a_student_learns_the_codes_of_its_teacher(tiny: Tiny, teacher: ae.Run) -> None:
    data = tiny("grey")
    knobs = {"epochs": 30, "batch_size": 8, "hidden": (8,), "learning_rate": 5e-3, "bar": False}
    run = ae.train("student", data, start_from=teacher, **knobs)
    alone = ae.train("student", data, latent_dim=4, **knobs)
    assert (
        run.config.latent_dim == 4
        and run.spec.parent == teacher.reference
        and not (run.path / "start.safetensors").exists()
    )
    codes = [ae.open_run(r).encode(data.test.x) for r in (teacher, run, alone)]
    spread = np.square(codes[0] - codes[0].mean(0)).sum()
    apart = [np.square(codes[0] - other).sum() / spread for other in codes[1:]]
    assert apart[0] < 0.3 < apart[1]
    assert set(run.epochs()[0]["train"]) == {"reconstruction", "codes", "imitation"}
    assert set(alone.epochs()[0]["train"]) == {"reconstruction"}
    guided = ae.train("student", data, start_from=teacher, guidance=0.5, **knobs).epochs()
    falling = [epoch["train"]["codes"] for epoch in guided]
    assert falling[0] > 0 and not any(falling[15:]), "the teacher leaves after half of the training"
    assert all(not epoch["validation"]["codes"] for epoch in guided), "a model is chosen by its own error"
    assert parameter_count(run.new_model()) < parameter_count(teacher.new_model()) / 2
    assert not any(key.startswith("_teacher") for key in run.new_model().state_dict())


def test_a_student_carries_its_teacher(tiny: Tiny, teacher: ae.Run, tmp_path: Path) -> None:
    run = new_run("student", tiny("grey"), start_from=teacher, epochs=2, batch_size=8, hidden=(8,))
    assert run in teacher.children() or [child.id for child in teacher.children()] == [run.id]
    packed = teacher.path.rename(tmp_path / "gone")  # it trains without the teacher's run
    train_run(run, tiny("grey"), bar=False)
    assert packed.exists() and run.status.state == "done"
    again = import_bundle(bundle(run))
    x = torch.rand(3, *model_shape(tiny("grey").spec))
    batch = Batch(x, x, torch.full((3,), -1))
    terms = [{k: v.item() for k, v in r.new_model().eval().terms(batch).items()} for r in (run, again)]
    assert terms[0] == terms[1] and "codes" in terms[0]


def test_what_does_not_fit_a_teacher_is_refused(tiny: Tiny, teacher: ae.Run) -> None:
    with pytest.raises(ConfigError, match="latent_dim must be that of the teacher, 4, got 3"):
        new_run("student", tiny("grey"), start_from=teacher, batch_size=8, latent_dim=3)
    with pytest.raises(
        ConfigError, match=r"start_from must be of samples of shape \(5,\), as the student, got \(1, 8, 8\)"
    ):
        new_run("student", tiny("vector"), start_from=teacher, batch_size=8)


# progressive training


def test_stages_double_the_resolution() -> None:
    row = FAMILIES["progressive_ae"]
    config = row.config.replace(channels=(4, 8, 16))
    plan = make_plan(row, config, TrainingConfig(epochs=8), PICTURES)
    assert [part.name for part in plan.parts] == ["7 × 7", "14 × 14", "28 × 28"]
    assert [part.training.epochs for part in plan.parts] == [2, 2, 4]


def test_new_layers_are_faded_in() -> None:
    """At the beginning of a stage the model is that of the stage before, on halved samples."""
    row = FAMILIES["progressive_ae"]
    torch.manual_seed(0)
    model = row.make(row.config.replace(channels=(4, 8), latent_dim=3), PICTURES).eval()
    x, z = torch.rand(2, 1, 28, 28), torch.randn(2, 3)
    model.level, model.alpha = 1, 1.0
    before = model.encode(x).z, model.output(z)
    model.level, model.alpha = 0, 0.0
    torch.testing.assert_close(model.encode(x).z, before[0])
    torch.testing.assert_close(model.output(z), before[1])
    model.alpha = 1.0
    assert not torch.allclose(model.encode(x).z, before[0]) and before[1].shape == (2, 1, 28, 28)
    batch = Batch(x, x, torch.full((2,), -1), done=0.1)
    model.grown_terms(0, batch)
    assert model.alpha == pytest.approx(0.2)
    assert "reconstruction" in model.terms(batch) and (model.level, model.alpha) == (0, 1.0)


def test_a_progressive_run_is_as_any_other(tiny: Tiny) -> None:
    data = tiny("colour")
    run = ae.train("progressive_ae", data, epochs=9, batch_size=8, channels=(4, 8), latent_dim=4, bar=False)
    names = [event["stage_name"] for event in run.epochs()]
    assert names == ["5 × 4"] * 3 + ["9 × 7"] * 6
    assert ae.open_run(run.path).reconstruct(data.test.x).shape == data.test.x.shape


# networks


@pytest.mark.parametrize("block", ["separable", "bottleneck"])
def test_blocks_need_fewer_multiply_adds(block: str) -> None:
    plain, narrow = (net_cost(f"conv:{b}", PICTURES, ModelConfig(net="conv", block=b)) for b in ("plain", block))
    assert narrow.multiply_adds <= 0.4 * plain.multiply_adds and narrow.parameters < plain.parameters


def test_multiply_adds_are_counted_by_hand() -> None:
    cost = net_cost("mlp", PICTURES, ModelConfig(hidden=(32,), latent_dim=4))
    assert (
        cost.multiply_adds == 2 * (784 * 32 + 32 * 4) and cost.parameters == 2 * (784 * 32 + 32 * 4) + 32 + 4 + 32 + 784
    )
    separable = net_cost("conv:separable", PICTURES, ModelConfig(net="conv", block="separable", latent_dim=4))
    encoder = 14 * 14 * 32 * 9 + 7 * 7 * (32 * 9 + 32 * 64) + 64 * 49 * 4
    decoder = 4 * 64 * 49 + 14 * 14 * 64 * 16 // 4 + 14 * 14 * 64 * 32 + 28 * 28 * 32 * 16 // 4
    assert separable.multiply_adds == encoder + decoder and separable.seconds > 0


def test_a_depthwise_layer_is_one_kernel_per_channel() -> None:
    config = NetConfig(net="conv", channels=(4, 8), block="separable")
    layers = [m for net in (make_encoder(PICTURES, 3, config), make_decoder(PICTURES, 3, config)) for m in net]
    grouped = [m for m in layers if isinstance(m, nn.Conv2d | nn.ConvTranspose2d) and m.groups > 1]
    assert [m.groups for m in grouped] == [4, 8]


def test_networks_stand_beside_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    spec = ae.DATASETS["ecg5000"].spec
    found = candidates(spec, ModelConfig(net="gru", recurrent_units=9, latent_dim=3))
    assert found["gru"].recurrent_units == 9 and all(config.latent_dim == 3 for config in found.values())
    assert [name for name in found if name.startswith("conv")] == ["conv:plain", "conv:separable", "conv:bottleneck"]
    costs = net_costs(ae.DATASETS["wine"].spec, ModelConfig())
    assert [cost.name for cost in costs] == ["mlp"]
    assert main(["nets", "--dataset", "digits", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {"mlp", "conv:separable", "gru", "lstm", "transformer"} <= printed.keys()
    assert all(
        cost["parameters"] > 0 and cost["multiply_adds"] > 0 and cost["microseconds"] > 0 for cost in printed.values()
    )


# molecules

VALID = ("C", "CC(C)C", "c1ccccc1", "C1CC1C", "[NH4+]", "C[N+](C)(C)C", "O=[N+]([O-])C", "N#N", "C.C", "O=c1cc[nH]cc1", "C%10CC%10",
         "FC(Cl)Br", "C/C=C\\C", "c1cc2c(cc1)cccc2")  # fmt: skip
BROKEN = ("", "C(", "CC)", "C()C", "C1CC", "C11", "C1C1", "C(C)(C)(C)(C)C", "C#C#C", "O=O=O", "F=C", "cc", "=C", "C=", "CX",
          "[NH4", "C(.C)", "C=1CC#1", "n1ccccc1(C)(C)")  # fmt: skip


def test_molecules_are_checked_by_their_bonds() -> None:
    assert [text for text in VALID if not valid_smiles(text)] == []
    assert [text for text in BROKEN if valid_smiles(text)] == []


def test_real_molecules_are_valid() -> None:
    data = ae.load_dataset("molecules")
    texts = data.spec.text(data.test.x)
    assert np.mean([valid_smiles(text) for text in texts]) > 0.999
    rng = np.random.default_rng(0)
    shuffled = ["".join(rng.permutation(list(text))) for text in texts[:500]]
    assert np.mean([valid_smiles(text) for text in shuffled]) < 0.5
    found = shares(["CC", "CC", "C(", "CN"], known={"CC"})
    assert found == {"valid": 0.75, "unique": pytest.approx(2 / 3), "novel": 0.5}
