"""Live panels of text, music and sequences in a real browser: symbols follow the finger, and chorales are played."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest
from live_driver import PANEL, box_of, drag, settle, show

import aeexplorer as ae
from aeexplorer.data import Dataset, Split, chorales

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

NOTES = """() => {
  window.played = [];
  const create = AudioContext.prototype.createOscillator;
  AudioContext.prototype.createOscillator = function () {
    const oscillator = create.call(this);
    const start = oscillator.start;
    oscillator.start = at => { window.played.push(oscillator.frequency.value); return start.call(oscillator, at); };
    return oscillator;
  };
}"""


@pytest.fixture(scope="module")
def address(app_address: str, trained_home: Path) -> Iterator[str]:
    """The app with one small run of each of these kinds of samples as well."""
    random, common = np.random.default_rng(0), {"bar": False, "epochs": 1, "hidden": (16,), "latent_dim": 2}
    x = random.integers(0, 47, (60, 64)).astype(np.uint8)
    music = Dataset(chorales.SPEC, *(Split(x[i], np.full(20, -1)) for i in np.split(np.arange(60), 3)))
    paths = {name: trained_home / "runs" / name for name in ("music", "text", "beats")}
    ae.train("vae", music, path=paths["music"], batch_size=20, **common)
    names = {"corruption": "masking", "level": 0.3, "samples": 400}
    ae.train("dae", ae.load_dataset("names"), path=paths["text"], **common, **names)
    ae.train("vae", ae.load_dataset("heartbeats"), path=paths["beats"], samples=400, **common)
    yield app_address
    for path in paths.values():
        shutil.rmtree(path)


def raise_noise(page: Page) -> None:
    """Drag the level from none to nearly all."""
    box = box_of(page.get_by_role("slider", name="Test noise"))
    page.mouse.move(box["x"] + 14, box["y"] + box["height"] / 2)
    page.mouse.down()
    drag(page, box, lambda t: (0.02 + 0.9 * t, 0.5))
    page.mouse.up()
    settle(page, PANEL)


def test_text_is_masked_under_the_finger(page: Page, address: str) -> None:
    show(page, f"{address}/corruption?run=text&level=0", PANEL)
    corrupted = page.locator(f"{PANEL} .live-cells").nth(1).locator("canvas")
    before = corrupted.evaluate_all("all => all.map(canvas => canvas.dataset.text)")
    assert all(text.isalpha() and text.islower() for text in before)
    raise_noise(page)
    after = corrupted.evaluate_all("all => all.map(canvas => canvas.dataset.text)")
    assert sum(text.count("▯") for text in after) > 10 > sum(text.count("▯") for text in before)


def test_music_is_drawn_and_played(own_tab: Page, address: str) -> None:
    page = own_tab
    page.add_init_script(f"({NOTES})()")
    show(page, f"{address}/generate?run=music", PANEL)
    player = page.get_by_role("button", name="Play sample 1", exact=True)
    player.click()
    assert player.get_attribute("aria-pressed") == "true"
    played = page.evaluate("window.played")
    assert len(played) >= 4 and all(60 < frequency < 900 for frequency in played)
    player.click()
    assert player.get_attribute("aria-pressed") == "false"


def test_a_sequence_follows_the_finger(page: Page, address: str) -> None:
    show(page, f"{address}/corruption?run=beats&level=0", PANEL)
    picture = page.locator(f"{PANEL} .live-cells").nth(1).locator("canvas").first
    before = picture.evaluate("canvas => canvas.toDataURL()")
    raise_noise(page)
    assert picture.evaluate("canvas => canvas.toDataURL()") != before
