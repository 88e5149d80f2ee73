"""Anomalies: classes left out of training, scores of a model, the command, the scene and the page."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
from page_driver import alone, open_page, orphaned, said, trained

import aeexplorer as ae
from aeexplorer.__main__ import main
from aeexplorer.applications import anomalies
from aeexplorer.applications.anomalies import class_places, figures, usual_normal, verdict
from aeexplorer.config import ConfigError
from aeexplorer.explorer import Explorer, open_run
from aeexplorer.live.frame import encode
from aeexplorer.live.scenes import render
from aeexplorer.runs.request import new_run
from aeexplorer.runs.run import Run
from aeexplorer.training.config import TrainingConfig, used_samples

__all__ = ["alone"]  # a fixture of every test here

ALL_BUT_1 = (0, 2, 3, 4, 5, 6, 7, 8, 9)


@pytest.fixture(scope="module")
def zeros(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A small VAE that was trained on zeros alone."""
    path = tmp_path_factory.mktemp("runs") / "zeros"
    knobs = {"hidden": (64,), "latent_dim": 4, "epochs": 30, "batch_size": 16, "learning_rate": 5e-3, "bar": False}
    return ae.train("vae", ae.load_dataset("digits"), path=path, leave_out=tuple(range(1, 10)), **knobs)


@pytest.fixture
def model(zeros: Run) -> Explorer:
    return open_run(zeros)


def test_classes_left_out_are_neither_trained_nor_validated_on(zeros: Run) -> None:
    data = ae.load_dataset("digits")
    assert set(used_samples(data.train, TrainingConfig(leave_out=(1, 7))).y) == set(range(10)) - {1, 7}
    assert zeros.spec.training.leave_out == tuple(range(1, 10))
    steps = [event["steps"] for event in zeros.events()[0] if event.get("type") == "epoch"]
    assert steps[0] == 30 * -(-int((data.train.y == 0).sum()) // 16)


def test_all_classes_left_out_are_refused() -> None:
    data = ae.load_dataset("digits")
    with pytest.raises(ConfigError, match="leave_out must leave some samples"):
        new_run("ae", data, leave_out=tuple(range(10)))
    with pytest.raises(ConfigError, match="batch_size must be at most 12"):
        new_run("ae", data, leave_out=tuple(range(1, 10)), batch_size=500)


def test_every_score_is_higher_for_what_the_model_has_never_seen(model: Explorer) -> None:
    found = figures(model, (0,))
    assert set(found["auroc"]) == {*model.scores, "pca", "nearest_neighbour", "isolation_forest"}
    assert all(value > 0.9 for name, value in found["auroc"].items() if name not in ("kl", "isolation_forest"))
    assert found["auroc"]["error"] > 0.97 and found["average_precision"]["error"] > 0.99
    assert "AUROC" in verdict(found["auroc"])


def test_scores_are_what_they_say(model: Explorer) -> None:
    x = model.dataset.test.x[:40]
    np.testing.assert_allclose(model.anomaly_scores(x), model.errors(x), rtol=1e-6)
    np.testing.assert_allclose(model.anomaly_scores(x, "kl"), model.rate(x).sum(1), rtol=1e-6)
    z, normal = model.encode(x), model.encode(model.normal_samples(model.dataset.train).x)
    distances = np.sort(np.linalg.norm(z[:, None].astype(float) - normal, axis=2), axis=1)[:, :5].mean(1)
    np.testing.assert_allclose(model.anomaly_scores(x, "latent"), distances, rtol=1e-5)
    p, x01 = np.clip(model.reconstruct(x), 1e-6, 1 - 1e-6).astype(float), x / 255
    nats = -(x01 * np.log(p) + (1 - x01) * np.log(1 - p)).reshape(40, -1).sum(1)
    np.testing.assert_allclose(model.anomaly_scores(x, "neg_elbo"), nats + model.rate(x).sum(1), rtol=1e-3)


def test_scores_that_a_model_does_not_have_are_refused(model: Explorer) -> None:
    plain = open_run(trained("ae", latent_dim=3))
    with pytest.raises(ConfigError, match="kind must be one of error, latent, both, mahalanobis, got 'kl'"):
        plain.anomaly_scores(plain.dataset.test.x, "kl")
    with pytest.raises(ConfigError, match="normal must name some classes of Digits and not all"):
        figures(model, tuple(range(10)))
    with pytest.raises(ConfigError, match="unknown class 'ten'"):
        class_places(model.spec, ["ten"])


def test_normal_is_what_was_trained_on_or_what_is_called_so(model: Explorer) -> None:
    assert usual_normal(model) == (0,)
    beats = open_run(trained("ae", "heartbeats", latent_dim=2, samples=200, batch_size=100))
    assert [beats.spec.classes[y] for y in usual_normal(beats)] == ["Normal"]
    x = beats.dataset.test.x[:9]
    assert "smooth_error" in beats.scores and "smooth_error" not in model.scores
    assert (beats.anomaly_scores(x, "smooth_error") < beats.anomaly_scores(x)).all(), "noise averages out"


def test_data_without_labels_say_what_they_need() -> None:
    x = np.random.default_rng(0).standard_normal((90, 4)).astype(np.float32)
    model = open_run(ae.train("ae", ae.dataset(x, name="plain"), latent_dim=2, epochs=1, bar=False))
    with pytest.raises(ConfigError, match="labelled test samples of at least 2 classes, got 0"):
        anomalies.trial(model, (0,))


def test_the_command_reports_every_score(zeros: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["anomalies", str(zeros.path), "--normal", "0", "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["normal"] == ["0"] and set(found["auroc"]) == set(found["average_precision"])
    assert found["auroc"]["error"] == figures(open_run(zeros), (0,))["auroc"]["error"]
    assert main(["anomalies", str(zeros.path), "--normal", "frog"]) == 2
    assert "unknown class 'frog'" in capsys.readouterr().err


def test_a_threshold_decides_as_counted_by_hand() -> None:
    run = trained("vae", latent_dim=3)
    model, params = open_run(run), {"run": run.id, "normal": list(ALL_BUT_1), "kind": "both"}
    scores = model.anomaly_scores(model.dataset.test.x, "both", ALL_BUT_1)
    odd, tau = model.dataset.test.y == 1, float(np.quantile(scores, 0.8))
    frame = render("anomalies", params | {"threshold": tau, "weight": 3.0})
    told, alarm = frame.readouts, scores >= tau
    assert (told["found"], told["missed"]) == (int((alarm & odd).sum()), int((~alarm & odd).sum()))
    assert told["false_alarms"] == int((alarm & ~odd).sum())
    assert told["per_thousand"] == pytest.approx(1000 * told["false_alarms"] / (~odd).sum())
    assert told["cost"] == pytest.approx(1000 * (told["false_alarms"] + 3 * told["missed"]) / len(scores))
    nearest = np.argsort(np.abs(scores - tau) + 1e9 * ~alarm)[:8]
    assert sorted(told["places_above"]) == sorted(nearest.tolist())
    assert (frame.arrays["above"] == model.dataset.test.x[told["places_above"]]).all()
    curves = render("anomaly_curves", params).arrays
    assert curves["normal"].sum() == pytest.approx(2, abs=1e-5) and curves["pca_false"][-1] == 1
    for extreme in (-1e9, 1e9):
        assert len(encode(render("anomalies", params | {"threshold": extreme}))) > 100


def test_a_dragged_threshold_is_answered_within_a_frame(zeros: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run = trained("vae", latent_dim=3)
    params = {"run": run.id, "normal": [0], "kind": "error"}
    render("anomalies", params)  # scores are made once
    took = []
    for i in range(60):
        begun = time.process_time()
        encode(render("anomalies", params | {"threshold": i / 600}))
        took.append(time.process_time() - begun)
    assert np.quantile(took, 0.95) < 0.02


def test_the_page_shows_scores_and_says_when_anomalies_were_trained_on() -> None:
    trained("vae", latent_dim=3)
    app = open_page("anomalies")
    assert not app.exception and not app.error
    assert "trained on anomalies too" in said(app) and "ranks anomalies best" in said(app)
    app.selectbox(key="anomalies.score").set_value("both").run()
    assert not app.exception and app.query_params["score"] == "both"
    (classes,) = (group for group in app.button_group if group.label == "Normal classes")
    assert classes.set_value(["0"]).run().query_params["normal"] == "0"
    (classes,) = (group for group in app.button_group if group.label == "Normal classes")
    classes.set_value([]).run()
    (classes,) = (group for group in app.button_group if group.label == "Normal classes")
    assert not app.exception and classes.value == ["0"], "at least one class is normal"


def test_the_page_trains_a_model_without_a_class(monkeypatch: pytest.MonkeyPatch) -> None:
    from aeexplorer import jobs

    started: list[Path] = []
    monkeypatch.setattr(jobs, "start", lambda run, *_, **__: started.append(run.path))
    run = trained("ae", latent_dim=3)
    app = open_page("anomalies", run=run.id)
    next(button for button in app.button if button.label == "Train").click().run()
    assert not app.exception and len(started) == 1
    made = Run(started[0])
    assert made.spec.training.leave_out == (0,) and made.config.latent_dim == 3 and "without 0" in made.title


def test_without_the_data_the_page_says_how_to_get_them() -> None:
    orphaned(trained(latent_dim=3))
    app = open_page("anomalies")
    assert not app.exception and "is not on this computer" in said(app)
