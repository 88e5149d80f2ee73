"""Lossy compression, studies as jobs, and the page Compression."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import pytest
from page_driver import alone, open_page, said, trained
from PIL import Image

from aeexplorer.applications import lossy
from aeexplorer.config import ConfigError
from aeexplorer.explorer import open_run
from aeexplorer.jobs.studies import StudyJob, compute_study, known_study, request_study
from aeexplorer.live.scenes import render

__all__ = ["alone"]  # a fixture of every test here

pytestmark = pytest.mark.usefixtures("idle")


def test_coded_numbers_take_what_their_entropy_says() -> None:
    random = np.random.default_rng(0)
    numbers = random.choice(4, (4_000, 3), p=[0.7, 0.2, 0.05, 0.05]).astype(np.int32)
    shares = lossy.frequencies(numbers, 4)
    np.testing.assert_allclose(shares.sum(1), 1)
    ideal = -sum(np.log2(shares[k][numbers[:, k]]).sum() for k in range(3)) / 8
    assert lossy.coded_bytes(numbers, shares) == pytest.approx(ideal, rel=0.005)


def test_more_bits_are_finer() -> None:
    z = np.random.default_rng(0).standard_normal((3_000, 2))
    errors = []
    for bits in (1, 3, 6):
        rule = lossy.Quantiser(z, bits)
        numbers = rule.numbers(z)
        assert numbers.min() >= 0 and numbers.max() < 2**bits
        inside = (numbers > 0) & (numbers < 2**bits - 1)
        assert (
            np.abs(rule.codes(numbers) - z)[inside] <= np.broadcast_to(rule.width, z.shape)[inside] / 2 + 1e-6
        ).all()
        errors.append(np.square(rule.codes(numbers) - z).mean())
    assert errors[0] > 4 * errors[1] > 16 * errors[2]
    with pytest.raises(ConfigError, match="bits must be between 1 and 8, got 9"):
        lossy.Quantiser(z, 9)


@pytest.mark.parametrize("shape", [(28, 28), (32, 24, 3)])
def test_headers_are_what_does_not_grow_with_the_picture(shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(0)
    noise, flat = random.integers(0, 256, shape).astype(np.uint8), np.full(shape, 90, np.uint8)
    for kind in lossy.FORMATS:
        busy, empty = (lossy.packed(picture, kind, 60) for picture in (noise, flat))
        assert busy.bytes - busy.header > 10 * (empty.bytes - empty.header)
        assert 0 < empty.bytes - empty.header < 80
        assert busy.pixels.shape == shape and np.abs(empty.pixels.astype(int) - 90).max() <= 3


def test_the_header_of_jpeg_is_counted_by_the_markers() -> None:
    file = io.BytesIO()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(file, "jpeg")
    content = file.getvalue()
    scan = content.index(b"\xff\xda")
    begins = scan + 2 + int.from_bytes(content[scan + 2 : scan + 4], "big")
    assert lossy.header_bytes(content, "jpeg") == len(content) - (len(content) - 2 - begins)


@pytest.mark.long
def test_curves_rise_and_the_decoder_pays_after_so_many_pictures() -> None:
    run = trained("ae", latent_dim=6, epochs=8, batch_size=64)
    model = open_run(run)
    ours, jpeg = lossy.own(model), lossy.rival(model, "jpeg")
    assert (np.diff(ours.bytes) > 0).all() and ours.psnr[-1] > ours.psnr[0]
    assert (jpeg.bytes - jpeg.bare).min() > 100  # more than a whole code
    size, z = lossy.coded(model, 8)
    np.testing.assert_allclose(model.codes.z[135:], z, atol=0.2 * np.abs(model.codes.z).max())
    assert size <= 6.3
    assert lossy.break_even(1_000, 4, 8) == 250 and lossy.break_even(1_000, 8, 8) == math.inf
    frame = render("lossy", {"run": run.id, "samples": [{"index": 3}], "bits": 4, "bare": False})
    assert frame.readouts["bytes"] == ours.bytes[3]
    assert frame.readouts["captions_jpeg"][0].count(" + ") == 1


def test_entries_of_a_codebook_are_coded_as_they_are() -> None:
    model = open_run(trained("vqvae", latent_dim=16, positions=4, codebook_size=16))
    size, z = lossy.coded(model, 1)
    np.testing.assert_array_equal(z, model.codes.z[135:])
    assert size < 4 * 4 / 8 + 1


def test_a_study_is_a_job_that_everybody_shares(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from aeexplorer.jobs import studies

    started: list[StudyJob] = []
    monkeypatch.setattr(studies, "start", lambda job, *_, **__: started.append(job))
    run = trained("vae", latent_dim=3)
    assert known_study(run, "lossless", n=20) is None
    job = request_study(run, "lossless", n=20)
    assert started == [job] and job.path.parent == home / "studies"
    assert not compute_study(job, lambda: False) and job.recorded_state == "queued"
    assert compute_study(job, lambda: True) and job.recorded_state == "done"
    known = known_study(run, "lossless", n=20)
    assert known is not None and known.found["identical"] and known.found["n"] == 20
    request_study(run, "lossless", n=20)
    assert len(started) == 1
    with pytest.raises(ConfigError, match="unknown study 'loss'"):
        request_study(run, "loss")
    with pytest.raises(ConfigError, match="n must be greater than or equal to 1, got 0"):
        request_study(run, "lossless", n=0)


@pytest.mark.long
def test_the_page_shows_both_ways() -> None:
    run = trained("vae", latent_dim=3)
    app = open_page("compression")
    assert not app.exception and not app.error and "entropy-coded" in said(app)
    app = open_page("compression", mode="lossless", n="100")
    assert not app.exception and not app.error
    request = [button for button in app.button if button.label == "Write the file and read it back"]
    assert len(request) == 1
    job = request_study(run, "lossless", n=100)
    assert compute_study(job, lambda: True)
    app = open_page("compression", mode="lossless", n="100")
    assert not app.exception and "the smallest file" in said(app)


def test_the_page_needs_pictures() -> None:
    trained("ae", "wine", latent_dim=2, batch_size=32)
    app = open_page("compression")
    assert not app.exception and "no model of pictures" in said(app)
