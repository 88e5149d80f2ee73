"""Data that people bring, on every page, by a link, and in a second home: a table, pictures, sequences, points."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_driver import alone, open_page, said
from sklearn.datasets import load_iris

import aeexplorer as ae
from aeexplorer.live.scenes import render
from aeexplorer.program_files import PAGES
from aeexplorer.runs.bundles import bundle, import_bundle
from aeexplorer.runs.listing import find_run
from aeexplorer.runs.recording import train_run
from aeexplorer.runs.request import new_run
from aeexplorer.runs.run import Run
from aeexplorer.training.plan import DialSpec

__all__ = ["alone"]

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("idle")]

RANDOM = np.random.default_rng(0)
TINY = {"hidden": (16,), "latent_dim": 2, "epochs": 2, "batch_size": 16}


def iris() -> ae.Dataset:
    x, y = load_iris(return_X_y=True)
    return ae.dataset(x, y, name="iris")


def tiles() -> ae.Dataset:
    """Grey pictures (40, 12, 10) without labels."""
    rows, columns = np.mgrid[:12, :10]
    x = [127 + 127 * np.sin(rows / (1 + i % 3) + columns * i / 20) for i in range(40)]
    return ae.dataset(np.array(x).astype(np.uint8), name="tiles")


def flags() -> ae.Dataset:
    """Pictures (45, 9, 9, 3) of three colours, a few without a label."""
    y = np.arange(45) % 3
    x = RANDOM.integers(0, 120, (45, 9, 9, 3), dtype=np.uint8)
    x[np.arange(45), :, :, y] += 100
    return ae.dataset(x, np.where(np.arange(45) < 4, -1, y), name="flags", classes=("red", "green", "blue"))


def waves() -> ae.Dataset:
    """Sequences (48, 30, 2) of two classes."""
    y = np.arange(48) % 2
    time = np.linspace(0, 6, 30)
    x = np.sin(time * (1 + y[:, None]) + RANDOM.random((48, 1)))
    return ae.dataset(np.stack([x, 40 + 9 * x**2], axis=2), y, name="waves", kind="sequence", classes=("slow", "fast"))


def points() -> ae.Dataset:
    """Points (60, 2) of a plane."""
    return ae.dataset(RANDOM.standard_normal((60, 2)) * [1, 30] + [5, 0], np.arange(60) % 2, name="points")


BRING: dict[str, Callable[[], ae.Dataset]] = {f.__name__: f for f in (iris, tiles, flags, waves, points)}
WITHOUT_A_RUN = ("runs", "compare", "compression", "failures", "families", "glossary", "overfitting")
NEEDY = ("anomalies", "columns", "disentanglement", "few_labels", "generate_to_order", "restore")
"""Pages that need labels, a table, exact factors or a denoising model, and say so or show another run without."""
SHOWN = [
    (kind, page.stem)
    for kind in BRING
    for page in sorted(PAGES.glob("*.py"))
    if page.stem != "start"  # it shows a model that comes along
    if kind in ("iris", "flags") or page.stem not in WITHOUT_A_RUN + NEEDY
]


HOMES: dict[tuple[str, str], tuple[Path, str]] = {}


@pytest.fixture
def brought(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    """Puts data of a kind and a VAE of them, which the page can show, into the home: over a dial of β, or trained on
    noise. They are made once."""

    def bring(kind: str, page: str = "") -> Run:
        noise = {"corruption": "gaussian", "level": 0.2} if page in ("score", "corruption") else {}
        dial = DialSpec(knob="beta", stops=(0.1, 1.0), epochs_per_stop=1) if page == "beta" else None
        key = kind, "noise" if noise else "dial" if dial else ""
        if key not in HOMES:
            data = BRING[kind]()
            run = train_run(new_run("vae", data, dial=dial, **TINY, **noise), data, bar=False)
            HOMES[key] = shutil.copytree(home, tmp_path_factory.mktemp("homes") / "home"), run.id
            return run
        shutil.copytree(HOMES[key][0], home)
        return find_run(HOMES[key][1])

    return bring


def link_to(page: str, run: Run) -> dict[str, str]:
    """What the address of a page says that shows a run, or its data."""
    if page in ("data", "train"):
        return {"dataset": run.spec.dataset}
    return {"run": run.id, "sample": "3"} if page not in ("runs", "score") else {"run": run.id}


@pytest.mark.parametrize(("kind", "page"), SHOWN)
def test_every_page_shows_own_data(brought: Callable[..., Run], kind: str, page: str) -> None:
    if page == "score" and kind != "points":
        pytest.skip("the score is drawn of points of a plane")
    run = brought(kind, page)
    assert ae.open_run(run).evaluate().keys() >= {"neg_elbo", "mse"}
    app = open_page(page, **link_to(page, run))
    assert not app.exception, app.exception
    assert "None" not in said(app)
    assert not app.error or page in NEEDY, app.error[0].value
    chosen = {box.key: box.value for box in app.selectbox}
    if page in ("data", "train"):
        assert run.spec.dataset in chosen.values(), chosen
    elif page not in WITHOUT_A_RUN + NEEDY:
        assert chosen["run"] == run.id


@pytest.mark.parametrize("kind", ["iris", "flags", "waves"])
def test_the_pictures_of_samples_are_those_of_their_buttons(brought: Callable[..., Run], kind: str) -> None:
    """A button is drawn by a rule for its class, which Streamlit makes of letters, digits, _ and -."""
    app = open_page("reconstruct", run=brought(kind).id)
    style = " ".join(block.proto.body for block in app.get("html"))
    keys = [button.key for button in app.button if button.label.startswith("#")]
    assert keys and all(re.fullmatch(r"[\w-]+", key) and f".st-key-{key} button {{" in style for key in keys)


def test_the_page_data_says_what_was_noticed_and_shows_names_as_text() -> None:
    x = np.random.default_rng(0).standard_normal((40, 3))
    x[:, 1] = 7
    with pytest.warns(UserWarning, match="Constant"):
        ae.dataset(x, name="odd", features=("*a*", "[b](http://c)", "$d$"))
    app = open_page("data", dataset="own/odd")
    text = said(app)
    assert not app.exception and "Licence" not in text
    assert "Your own data, private." in text and "- Constant in the training split" in text
    assert "1. \\*a\\*\n1. \\[b\\]" in " ".join(str(block.value) for block in app.markdown)


@pytest.mark.parametrize("view", ["Sample", "Traverse", "Sliders", "Grid", "Attributes"])
@pytest.mark.parametrize("kind", BRING)
def test_every_view_of_generate_shows_own_data(brought: Callable[..., Run], kind: str, view: str) -> None:
    run = brought(kind)
    app = open_page("generate", run=run.id, view=view)
    assert not app.exception, app.exception
    assert not app.error


@pytest.mark.parametrize("view", ["Sample", "Selection", "Clusters", "Quality"])
@pytest.mark.parametrize("kind", BRING)
def test_every_view_of_the_map_shows_own_data(brought: Callable[..., Run], kind: str, view: str) -> None:
    app = open_page("latent_map", run=brought(kind).id, maps="raw,pca", view=view)
    assert not app.exception, app.exception
    assert not app.error


@pytest.mark.parametrize("kind", BRING)
def test_a_bundle_is_opened_in_a_second_home(
    brought: Callable[..., Run], kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = brought(kind)
    figures, codes, content = ae.open_run(run).evaluate(), run.codes.z, bundle(run)
    monkeypatch.setenv("AEEXPLORER_HOME", str(tmp_path / "second"))
    found = ae.open_run(import_bundle(content))
    assert found.evaluate() == figures and found.spec == run.spec.data
    np.testing.assert_allclose(found.encode(found.dataset.test.x), codes, atol=1e-5)
    shown: dict[str, Any] = {"run": found.run.id, "n": 3}
    assert len(render("grid", shown).arrays["tiles"]) == 9
    for page in ("reconstruct", "data", "runs", "latent_map"):
        app = open_page(page, **link_to(page, found.run))
        assert not app.exception and not app.error, (page, app.exception)
