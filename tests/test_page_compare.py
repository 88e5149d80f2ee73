"""Compare: runs and PCA on the same samples, and what is measured of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from waiting import PATIENCE

import aeexplorer as ae
from aeexplorer import jobs
from aeexplorer.config import ConfigError
from aeexplorer.data import load_dataset
from aeexplorer.metrics import paired, pca_code, pca_line
from aeexplorer.runs.listing import find_run, list_runs
from aeexplorer.runs.run import Run
from aeexplorer.ui import compare, compare_table

SHELL = str(Path(__file__).parents[1] / "aeexplorer" / "ui" / "shell.py")
RUNS = "digits-ae,digits-vae,digits-vae-2d"


def open_page(**query: str) -> AppTest:
    app = AppTest.from_file(SHELL, default_timeout=PATIENCE).run()
    app.switch_page("../../pages/compare.py")
    for name, value in {"runs": RUNS, **query}.items():
        app.query_params[name] = value
    return app.run()


def shown(app: AppTest) -> str:
    texts = [e.value for e in [*app.caption, *app.markdown, *app.warning, *app.info]]
    return (" ".join(e.proto.body for e in app.get("html")) + " ".join(texts)).replace("\\", "")


@pytest.mark.long
def test_rows_are_those_of_every_run_and_of_pca_at_each_size() -> None:
    app = open_page()
    assert not app.exception
    text = shown(app)
    names = ("original", "AE · 16-D", "VAE · 16-D", "VAE · 2-D", "PCA · 2-D", "PCA · 16-D")
    assert [name for name in names if f">{name}<" in text] == list(names)
    for rows in ("Residuals", "Prior samples", "Interpolations"):
        app = open_page(rows=rows)
        assert not app.exception and ">AE · 16-D" in shown(app), rows
    assert ">AE · 16-D (fitted)<" in shown(open_page(rows="Prior samples")), "it has no prior"


def test_errors_are_paired_and_figures_are_beside_their_cost() -> None:
    app = open_page(view="Errors")
    assert not app.exception
    table = app.dataframe[0].value
    assert list(table["Model"]) == ["AE · 16-D", "VAE · 16-D", "VAE · 2-D", "PCA · 2-D", "PCA · 16-D"]
    assert table["Mean error"].iloc[0] == table["Mean error"].min()
    assert app.dataframe[0].value["Better on"].iloc[2] < 20
    app = open_page(view="Table")
    figures, knobs = (frame.value for frame in app.dataframe)
    run = find_run("digits-vae-2d")
    assert figures["Code (bytes)"].tolist() == [64.0, 64.0, 8.0]
    assert figures["MSE"].iloc[2] == run.status.result["mse"]
    model = ae.open_run("digits-vae-2d")._model
    assert figures["Parameters"].iloc[2] == sum(p.numel() for p in model.parameters())
    assert dict(zip(knobs["Knob"], knobs["VAE · 2-D"], strict=True))["Latent dimension"] == "2"


@pytest.mark.long
def test_maps_share_a_brush_and_a_link_of_other_data_begins_with_its_first_run(monkeypatch: pytest.MonkeyPatch) -> None:
    groups: list[str] = []
    monkeypatch.setattr(compare, "latent_map", lambda run, **more: groups.append((run, more["group"])))
    assert not open_page(view="Maps").exception
    assert groups == [(run, "compare") for run in RUNS.split(",")]
    app = open_page(runs="digits-ae,two-moons-dae")
    assert not app.exception and "Choose at least one more model" in app.info[0].value


def test_a_sweep_trains_the_missing_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Run] = []
    monkeypatch.setattr(jobs, "start", lambda run, *more, **options: started.append(run))
    app = open_page(view="Latent size")
    assert not app.exception
    app.button(key="compare.sweep.start").click().run()
    assert [run.config.latent_dim for run in started] == [1, 2, 4, 8, 32]
    parent = find_run("digits-ae")
    for run in started:
        assert run.config == parent.config.replace(latent_dim=run.config.latent_dim)
        assert run.spec.training == parent.spec.training
    assert len(list_runs()) == 5


def test_seeds_are_error_bars() -> None:
    data = load_dataset("digits")
    runs = [ae.train("ae", data, epochs=1, hidden=(8,), latent_dim=2, seed=seed, bar=False) for seed in (0, 1)]
    assert {run.id for run in compare_table.siblings(runs[0])} == {run.id for run in runs}
    app = open_page(runs=",".join(run.id for run in runs), view="Table")
    assert not app.exception
    mean = np.mean([run.status.result["mse"] for run in runs])
    assert app.dataframe[0].value["MSE over seeds"].iloc[0].startswith(f"{mean:.3g} ± ")
    assert "None: these runs have the same settings." in shown(app)


def test_pca_is_the_best_linear_code() -> None:
    data = load_dataset("digits")
    pca = pca_code(data.train.x, 4)
    error = pca.errors(data.test.x)
    assert error.mean() == pytest.approx(pca_line(data.train.x, data.test.x, 4).test_error[-1], rel=1e-3)
    assert pca.encode(data.test.x).shape == (len(data.test), 4)
    np.testing.assert_allclose(pca.axes.T @ pca.axes, np.eye(4), atol=1e-9)


def test_paired_errors() -> None:
    random = np.random.default_rng(1)
    base = random.random(400)
    found = paired(base - 0.1 + 0.01 * random.standard_normal(400), base)
    assert found.better > 0.99 and found.low < found.difference < found.high < 0
    assert found.difference == pytest.approx(-0.1, abs=0.01)
    noise = paired(base + random.standard_normal(400), base)
    assert noise.low < 0 < noise.high
    with pytest.raises(ConfigError, match="one per sample of both"):
        paired([1.0, 2.0], [1.0])
