"""Bits-back coding: bit-exact round trips, the length that the ELBO promises, and files that are damaged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import aeexplorer as ae
from aeexplorer.__main__ import main
from aeexplorer.applications import lossless
from aeexplorer.config import ConfigError
from aeexplorer.data import Dataset, Split
from aeexplorer.explorer import Explorer, open_run
from aeexplorer.store import Damaged

PICTURES = arrays(np.uint8, st.tuples(st.integers(1, 6), st.just(8), st.just(8)), elements=st.sampled_from([0, 255]))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Explorer:
    """A small VAE of digits in black and white."""
    digits = ae.load_dataset("digits")

    def sharp(split: Split) -> Split:
        return Split((split.x > 127) * np.uint8(255), split.y)

    data = Dataset(digits.spec, *(sharp(split) for split in digits.splits.values()))
    knobs = {"latent_dim": 6, "hidden": (64,), "epochs": 25, "batch_size": 64, "bar": False}
    return open_run(ae.train("vae", data, path=tmp_path_factory.mktemp("runs") / "sharp", **knobs))


@settings(max_examples=25, deadline=None)
@given(x=PICTURES)
@pytest.mark.long
def test_whatever_is_written_is_read_back_bit_for_bit(model: Explorer, x: np.ndarray) -> None:
    np.testing.assert_array_equal(lossless.decompress(lossless.compress(model, x).content, model), x)


def test_the_elbo_is_the_length_of_the_file(model: Explorer) -> None:
    x = lossless.black_and_white(model.dataset.test, 270)
    written = lossless.compress(model, x)
    found = lossless.figures(model, x, written)
    assert found["bytes"] == len(written.content) and found["bits_per_pixel"] == 8 * found["bytes"] / x.size
    assert found["net_bits_per_pixel"] == pytest.approx(found["elbo_bits_per_pixel"], rel=0.03)
    assert found["net_bits_per_pixel"] < min(found["bits_per_pixel_of"].values())
    independent = found["bits_per_pixel_of"]["independent_pixels"]
    p = (model.dataset.train.x.mean(0) / 255 * 1257 + 1) / 1259
    white = x > 0
    ideal = -(white * np.log2(p) + ~white * np.log2(1 - p)).mean()
    assert independent == pytest.approx(ideal, rel=0.01)


def test_a_damaged_file_is_refused(model: Explorer) -> None:
    content = lossless.compress(model, lossless.black_and_white(model.dataset.test, 5)).content
    random = np.random.default_rng(0)
    for place in [*range(40), *random.integers(40, len(content), 40)]:
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(random.integers(8))
        with pytest.raises((Damaged, ConfigError)):
            found = lossless.decompress(bytes(damaged), model)
            pytest.fail(f"byte {place} was changed and {found.shape} read")
    for cut in (b"", content[:20], content[:-4], content + b"1234", b"PK" + content):
        with pytest.raises(Damaged, match=r"damaged|not written by compress"):
            lossless.decompress(cut, model)


def test_other_weights_are_refused(model: Explorer) -> None:
    content = lossless.compress(model, lossless.black_and_white(model.dataset.test, 2)).content
    other = open_run(ae.train("vae", ae.load_dataset("digits"), latent_dim=6, hidden=(64,), epochs=1, bar=False))
    with pytest.raises(ConfigError, match="has other weights"):
        lossless.decompress(content, other)


@pytest.mark.parametrize(
    ("family", "dataset", "said"),
    [("ae", "digits", "needs a VAE"), ("vae", "wine", "needs black and white data"), ("cvae", "digits", "needs a VAE")],
)
def test_runs_that_cannot_code_are_refused(family: str, dataset: str, said: str) -> None:
    run = ae.train(family, ae.load_dataset(dataset), latent_dim=2, hidden=(8,), epochs=1, batch_size=32, bar=False)
    with pytest.raises(ConfigError, match=said):
        lossless.compress(open_run(run), np.zeros((1, 8, 8), np.uint8))


def test_grey_samples_are_drawn_with_their_level(model: Explorer) -> None:
    grey = Split(np.full((4_000, 2, 2), 51, np.uint8), np.zeros(4_000, np.int64))
    drawn = lossless.black_and_white(grey, 4_000)
    assert set(np.unique(drawn)) == {0, 255} and drawn.mean() == pytest.approx(51, rel=0.05)
    with pytest.raises(ConfigError, match="x must be 1 to 100000 samples of bytes"):
        lossless.compress(model, grey.x)
    with pytest.raises(ConfigError, match="n must be between 1 and 270, got 271"):
        lossless.black_and_white(model.dataset.test, 271)


def test_commands_write_and_read(model: Explorer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out, run = str(tmp_path / "x.aebb"), str(tmp_path / "x.npy"), str(model.run.path)
    assert main(["compress", run, file, "--n", "30", "--json"]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["bytes"] == Path(file).stat().st_size and said["n"] == 30
    assert main(["decompress", file, "--out", out, "--run", run, "--json"]) == 0
    np.testing.assert_array_equal(np.load(out), lossless.black_and_white(model.dataset.test, 30))
    Path(file).write_bytes(b"nothing")
    assert main(["decompress", file, "--out", out]) == 2
    assert "not written by compress" in capsys.readouterr().err
