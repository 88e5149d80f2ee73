"""Drawings in the link: they come back as they were drawn, and what is none is refused."""

from __future__ import annotations

import base64
import zlib

import numpy as np
import pytest
from page_driver import alone, open_page, said, trained

import aeexplorer as ae
from aeexplorer.data import DATASETS
from aeexplorer.ui.shared.drawings import packed, unpacked

__all__ = ["alone"]  # a fixture of every test here

DIGITS = ae.load_dataset("digits").spec
MNIST = DATASETS["mnist"].spec


def drawing(size: int, seed: int = 0) -> str:
    """Noise, which no packing makes shorter, as the pixels of a drawing."""
    return base64.b64encode(np.random.default_rng(seed).integers(0, 256, size, np.uint8).tobytes()).decode()


def text_of(values: bytes) -> str:
    return base64.urlsafe_b64encode(zlib.compress(values)).decode().rstrip("=")


@pytest.mark.parametrize("spec", [DIGITS, MNIST], ids=lambda spec: spec.name)
@pytest.mark.parametrize("seed", range(3))
def test_a_drawing_comes_back_as_it_was(spec: ae.data.DataSpec, seed: int) -> None:
    pixels = drawing(spec.size, seed)
    assert unpacked(packed(pixels), spec) == pixels
    blank = base64.b64encode(bytes(spec.size)).decode()
    assert unpacked(packed(blank), spec) == blank
    assert set(packed(pixels)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_a_stroke_takes_a_few_hundred_characters() -> None:
    picture = np.zeros((28, 28), np.uint8)
    for row in range(4, 24):
        picture[row, 10:14] = (90, 255, 255, 90 + row)
    assert len(packed(base64.b64encode(picture.tobytes()).decode())) < 300


@pytest.mark.parametrize(
    "text",
    ["", "A", "not a drawing", "%00%00", "é" * 40, text_of(bytes(63)), text_of(bytes(65)), text_of(bytes(784)),
     text_of(bytes(10**7)), text_of(bytes(64))[:-4], text_of(bytes(64)) + "AAAA", "A" * 10**6, base64.b64encode(bytes(64)).decode()],
    ids=range(13),
)  # fmt: skip
def test_what_is_no_drawing_is_refused(text: str) -> None:
    assert unpacked(text, DIGITS) is None


def test_samples_that_no_hand_draws_have_no_drawings() -> None:
    assert unpacked(text_of(bytes(DATASETS["fashion-mnist"].spec.size)), DATASETS["fashion-mnist"].spec) is None


def test_home_opens_with_the_drawing_of_the_link_and_keeps_its_point() -> None:
    trained(latent_dim=2)
    text = packed(drawing(64))
    app = open_page("home", drawn=text, z="0.5,-1.25")
    assert not app.exception and not app.error
    assert app.query_params["drawn"] == text and app.query_params["z"] == "0.500,-1.250"
    assert "drawn" not in open_page("home", drawn="broken").query_params


def test_corruption_shows_the_drawing_of_the_link() -> None:
    trained("dae", latent_dim=4)
    pixels = drawing(64)
    app = open_page("corruption", samples="drawn", drawn=packed(pixels))
    assert not app.exception and not app.error
    assert pixels in app.code[0].value
    other = open_page("corruption", samples="any", drawn=packed(pixels))
    assert "drawn" not in other.query_params and pixels not in other.code[0].value


def test_each_end_of_a_walk_may_be_drawn() -> None:
    trained(latent_dim=4)
    first, second = drawing(64, 1), drawing(64, 2)
    app = open_page("interpolate", drawn_a=packed(first), drawn_b=packed(second), drawn_c=packed(first))
    assert not app.exception and not app.error
    assert first in app.code[0].value and second in app.code[0].value
    assert "Start · drawn" in said(app) and "End · drawn" in said(app)
    assert "drawn_c" not in app.query_params, "there are two ends"
    undo = [button for button in app.button if button.label == "Use the test sample instead"]
    undo[1].click().run()
    assert "drawn_b" not in app.query_params and app.query_params["drawn_a"] == packed(first)
    assert second not in app.code[0].value
