"""Restoration: methods beside the model, pictures of any size by patches, few labels, and the page Restore."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from page_driver import alone, open_page, said, trained
from PIL import Image

import aeexplorer as ae
from aeexplorer.__main__ import main
from aeexplorer.applications import few_labels, restoration
from aeexplorer.config import ConfigError
from aeexplorer.corruption import corrupt
from aeexplorer.data import photos
from aeexplorer.explorer import Explorer, open_run
from aeexplorer.perceptual import recognised

__all__ = ["alone"]  # a fixture of every test here


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Explorer:
    """A small denoising autoencoder of digits."""
    knobs = {"latent_dim": 24, "hidden": (96,), "epochs": 30, "batch_size": 32, "level": 0.3, "bar": False}
    return open_run(ae.train("dae", ae.load_dataset("digits"), path=tmp_path_factory.mktemp("runs") / "dae", **knobs))


@pytest.mark.long
def test_every_way_is_judged_by_the_same_figures(model: Explorer) -> None:
    test = model.dataset.test
    found = restoration.compare(model, test.x[:120], test.y[:120])
    assert set(found) == {"clean", "corrupted", "model", *restoration.FILTERS}
    assert found["clean"]["mse"] == 0 and found["clean"]["ssim"] == 1
    assert found["model"]["psnr"] > found["corrupted"]["psnr"] + 2
    assert found["model"]["recognised"] > found["median"]["recognised"]
    seen = recognised(test.x[:120] / 255, "digits") == test.y[:120]
    assert found["clean"]["recognised"] == pytest.approx(seen.mean()) and seen.mean() > 0.9
    text = restoration.verdict(found, {name: name for name in found})
    assert "highest PSNR" in text and "recognised" in text


@pytest.mark.parametrize("kind", restoration.METHODS)
def test_methods_take_every_degradation_and_both_kinds_of_pictures(kind: str) -> None:
    random = np.random.default_rng(0)
    for shape in ((3, 16, 20), (2, 16, 16, 3)):
        clean = random.random(shape).astype(np.float32)
        given = corrupt(clean, kind, 0.5)
        for name in restoration.METHODS[kind]:
            made = restoration.restored(given, kind, 0.5, name)
            assert made.shape == shape and made.dtype == np.float32 and 0 <= made.min() <= made.max() <= 1


def test_bicubic_is_better_than_what_it_gets_on_a_smooth_picture() -> None:
    u, v = np.meshgrid(np.linspace(0, 3, 32), np.linspace(0, 3, 32))
    clean = (0.5 + 0.5 * np.sin(2 * u) * np.cos(3 * v)).astype(np.float32)[None]
    given = corrupt(clean, "low_resolution", 0.5)
    assert np.square(restoration.bicubic(clean, 0.5) - clean).mean() < 0.8 * np.square(given - clean).mean()
    assert restoration.seen_by_methods(clean, given, "low_resolution") is clean
    assert restoration.seen_by_methods(clean, given, "gaussian") is given


class _Copies:
    """Stands for a model that returns what it gets."""

    def __init__(self, model: Explorer) -> None:
        self.run, self.spec, self.reconstruct = model.run, model.spec, lambda x: x


@pytest.mark.parametrize("shape", [(8, 8), (37, 21), (64, 50, 3)])
def test_patches_put_a_picture_together_again(model: Explorer, shape: tuple[int, ...]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    copies: Explorer = _Copies(model)  # type: ignore[assignment]
    np.testing.assert_array_equal(restoration.restore_picture(copies, picture), picture)
    twice = restoration.restore_picture(copies, picture, scale=2)
    assert twice.shape == (2 * shape[0], 2 * shape[1], *shape[2:])


def test_pictures_that_do_not_fit_are_refused(model: Explorer) -> None:
    for picture in (np.zeros((7, 30), np.uint8), np.zeros((3000, 3000), np.uint8)):
        with pytest.raises(ConfigError, match="picture must be 8 x 8 to 4,000,000 pixels in all"):
            restoration.restore_picture(model, picture)
    with pytest.raises(ConfigError, match="must be a PNG, JPEG, WebP or BMP file"):
        restoration.read_picture(b"GIF89a")
    plain = open_run(trained("ae", latent_dim=3))
    with pytest.raises(ConfigError, match="trained on corrupted pictures, got ae on clean ones"):
        restoration.restore_picture(plain, np.zeros((20, 20), np.uint8))


def test_the_command_writes_a_picture(model: Explorer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 30, 3)).astype(np.uint8)).save(file, "webp")
    (tmp_path / "in.webp").write_bytes(file.getvalue())
    line = ["restore", str(model.run.path), str(tmp_path / "in.webp"), "--out", str(tmp_path / "out.png"), "--json"]
    assert main(line) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["shape"] == [40, 30, 3]
    with Image.open(tmp_path / "out.png") as made:
        assert made.size == (30, 40)


def test_photo_patches_of_one_place_stay_in_one_split() -> None:
    data = photos.load()
    assert tuple(len(split) for split in data.splits.values()) == photos.COUNTS
    seen = {split.x[: len(split) // 8].tobytes() for split in data.splits.values()}
    assert len(seen) == 3
    train = {patch.tobytes() for patch in data.train.x}
    assert not any(patch.tobytes() in train for patch in data.test.x if patch.std() > 10)


@pytest.mark.long
def test_few_labels_grow_budget_by_budget(model: Explorer) -> None:
    knobs = few_labels.Knobs(budgets=(1, 20), draws=2, tuned=True)
    steps = list(few_labels.study(model, knobs))
    assert [share for share, _ in steps][1:5] == [0.25, 0.5, 0.75, 1.0]
    table = steps[-1][1]["accuracy"]
    assert set(table) == set(few_labels.WAYS) and all(len(table[way]["20"]) == 2 for way in table)
    for way in table:
        assert np.mean(table[way]["20"]) > np.mean(table[way]["1"]), way
    assert np.mean(table["pixels_rbf"]["20"]) > 0.85
    best = few_labels.winners(steps[-1][1])
    assert table[best["20"]]["20"] == max(table.values(), key=lambda of: np.mean(of["20"]))["20"]
    assert len(few_labels.as_markdown(steps[-1][1])) == 2 + len(table) + 2
    y = np.repeat(np.arange(3), 10)
    assert np.bincount(y[few_labels.draw(y, 4, 0)]).tolist() == [4, 4, 4] and len(few_labels.draw(y, 0, 0)) == 30


def test_the_page_shows_samples_figures_and_a_place_for_pictures() -> None:
    trained("dae", latent_dim=8, level=0.3)
    app = open_page("restore")
    assert not app.exception and not app.error and "A picture of your own" in said(app)
    app.toggle(key="restore.own").set_value(True).run()
    assert not app.exception and "restored one at a time" in said(app)
    trained("dae", latent_dim=8, corruption="masking_blocks")
    assert not open_page("restore", run=next(iter(ae.list_runs())).id).exception


def test_the_page_needs_a_model_of_corrupted_pictures() -> None:
    trained("ae", latent_dim=3)
    assert "trained on corrupted pictures" in said(open_page("restore"))
