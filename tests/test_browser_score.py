"""The score page in a real browser: σ under the finger, a point that walks, and keys."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from live_driver import FOLLOWS, box_of, drag, frames, settle, show, slide, tab_to
from live_runs import NAIVE, SCORE

if TYPE_CHECKING:
    from live_driver import NewPage
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

SCORE_PLANE = '.live-plane[aria-label^="Score"]'
"""The plane of arrows; the sheet on which people draw is one too."""

FIELD = '[data-testid="vector-field"]'
PAGE = f"/score?run={SCORE}&beside={NAIVE}&sigma=0.1"
# how many pictures the upper canvas shows of a walk while the screen shows its next sixty
WALKS = """selector => new Promise(done => {
  const canvas = [...document.querySelectorAll(selector + ' .live-plane canvas')].at(-1), seen = new Set();
  let left = 60;
  const look = () => {
    const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    seen.add(data.reduce((sum, value, i) => sum + value * (i % 97 + 1), 0));
    left-- ? requestAnimationFrame(look) : done(seen.size);
  };
  document.querySelector(selector + ' .live-walk button').click();
  requestAnimationFrame(look);
})"""


def figure(page: Page, name: str) -> float:
    return float(page.locator(f'{FIELD} [data-figure="{name}"]').inner_text())


def test_sigma_moves_arrows_and_numbers_while_it_is_dragged(page: Page, app_address: str) -> None:
    field = show(page, app_address + PAGE, FIELD)
    at = figure(page, "compare_relative_error")
    assert figure(page, "cosine") > figure(page, "compare_cosine")
    slider = page.get_by_role("slider", name="training noise")
    before = frames(page, FIELD)
    slide(page, slider, 0.02, 0.9)
    assert frames(page, FIELD) - before > FOLLOWS
    assert figure(page, "compare_relative_error") != at
    assert "Interpolated between" in field.inner_text()
    page.mouse.up()
    said = slider.get_attribute("aria-valuetext")
    assert said
    page.wait_for_url(re.compile(rf"sigma={said.split()[-1]}"))


def test_the_point_is_put_somewhere_and_walks_to_the_data(page: Page, app_address: str) -> None:
    field = show(page, app_address + PAGE, FIELD)
    plane = page.locator(SCORE_PLANE)
    box = box_of(plane)
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    before = frames(page, FIELD)
    drag(page, box, lambda t: (0.5 - 0.2 * t, 0.5))
    assert frames(page, FIELD) - before > FOLLOWS
    page.mouse.up()
    settle(page, FIELD)
    assert re.search(r"exact score:\s*●?\s*near the data", field.inner_text())
    said = plane.get_attribute("aria-valuetext")
    assert said and "from the nearest sample" in said
    page.wait_for_url(re.compile(r"at=-"))
    assert page.evaluate(WALKS, FIELD) > 2


def test_the_other_model_shows_its_own_arrows(page: Page, app_address: str) -> None:
    show(page, app_address + PAGE, FIELD)
    ends = page.locator(".live-ends").inner_text()
    page.get_by_role("radio", name="DAE", exact=True).click()
    assert page.get_by_role("radio", name="DAE", exact=True).get_attribute("aria-checked") == "true"
    assert page.locator(".live-ends").inner_text() != ends
    assert page.locator(".live-ends").inner_text().count("DAE:") == 1


def test_keys_alone_move_sigma_and_the_point(page: Page, app_address: str) -> None:
    show(page, app_address + PAGE, FIELD)
    tab_to(page, f"{FIELD} input")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile(r"sigma=0\.10[12]"))
    tab_to(page, f"{FIELD} .live-plane")
    plane = page.locator(SCORE_PLANE)
    before = plane.get_attribute("aria-valuetext")
    for key in ("Shift+ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    settle(page, FIELD)
    assert plane.get_attribute("aria-valuetext") != before
    page.keyboard.press("Enter")


def test_with_less_motion_the_way_is_there_at_once(new_page: NewPage, app_address: str) -> None:
    page = new_page(reduced_motion="reduce")
    show(page, app_address + PAGE, FIELD)
    assert page.evaluate(WALKS, FIELD) == 1
