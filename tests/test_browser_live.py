"""The live workbenches as people meet them: pretrained models in a real browser, by pointer, keys, finger and pen."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from live_driver import (
    DRAW,
    FOLLOWS,
    PAD,
    PANEL,
    SEVEN,
    WATCH,
    box_of,
    drag,
    drawn,
    frames,
    settle,
    show,
    stroke,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

HOME, CORRUPTION = "/?run=mnist-vae-2d", "/corruption?run=digits-dae"
SIXTEEN = f"{CORRUPTION}&samples=any"


def point_of(url: str) -> list[float]:
    return [float(part) for part in parse_qs(urlsplit(url).query).get("z", ["0,0"])[0].split(",")]


def test_home_is_alive_and_follows_the_pointer(page: Page, app_address: str) -> None:
    show(page, app_address + HOME, PAD)
    box = box_of(page.locator(".live-plane"))
    page.evaluate(WATCH, PAD)
    before = settle(page, PAD)
    drag(page, box, lambda t: (0.5 + 0.4 * t * math.cos(9 * t), 0.5 + 0.4 * t * math.sin(9 * t)))
    answered = settle(page, PAD) - before
    assert answered > FOLLOWS
    assert page.evaluate("window.pictures.size") > 0.8 * answered


def test_the_level_follows_the_finger_with_sixteen_samples(page: Page, app_address: str) -> None:
    show(page, app_address + SIXTEEN, PANEL)
    assert page.locator(f"{PANEL} canvas.live-tile").count() == 16 * 5
    slider = page.get_by_role("slider", name="Test noise")
    box = box_of(slider)
    page.mouse.move(box["x"] + 14, box["y"] + box["height"] / 2)
    page.mouse.down()
    before = settle(page, PANEL)
    drag(page, box, lambda t: (0.02 + 0.96 * t, 0.5))
    answered = settle(page, PANEL) - before
    page.mouse.up()
    assert answered > FOLLOWS
    page.wait_for_url(re.compile(rf"level={slider.input_value()}"))


def test_a_drawn_seven_lands_among_the_sevens_and_can_be_corrupted(page: Page, app_address: str) -> None:
    show(page, app_address + HOME, PAD)
    before = frames(page, PAD)
    stroke(page, SEVEN)
    page.wait_for_selector(f'{DRAW}:not([data-frames="0"])')
    page.get_by_text("among the 7s").wait_for()
    assert settle(page, PAD) > before, "the plane did not go where the drawing lies"
    read = page.locator(f"{DRAW} .live-read").inner_text()
    assert re.search(r"reconstructed worse than \d+ % of the test samples", read) and "the data" not in read
    names = page.locator(".live-near canvas").evaluate_all("all => all.map(c => c.getAttribute('aria-label'))")
    assert len(names) == 6 and sum(name.endswith(", 7") for name in names) >= 4
    shown = [float(part) for part in re.findall(r"-?\d+\.\d+", page.locator(".live-z").inner_text().replace("−", "-"))]
    page.wait_for_url(lambda url: point_of(url) == pytest.approx(shown, abs=0.006))

    # the link holds the drawing, and the point where the hand went since
    page.locator(".live-plane").click(position={"x": 220, "y": 180})
    page.wait_for_url(lambda url: point_of(url) != pytest.approx(shown, abs=0.006))
    settle(page, PAD)
    link, there = page.url, page.locator(".live-z").inner_text()
    page.goto("about:blank")
    show(page, link, PAD)
    page.get_by_text("among the 7s").wait_for()
    settle(page, PAD)
    assert page.locator(".live-z").inner_text() == there and page.url == link

    page.get_by_test_id("stMainBlockContainer").get_by_role("link", name="Corruption").click()
    drawn(page)
    page.get_by_text("your drawing").wait_for()
    assert page.locator(f'{PANEL} canvas[aria-label^="your drawing"]').count() == 8
    page.get_by_role("button", name="Clear").click()
    page.wait_for_url(lambda url: "drawn=" not in url)
    page.get_by_text("your drawing").wait_for(state="detached")


def test_the_level_changes_and_the_pattern_does_not(page: Page, app_address: str) -> None:
    """Whatever masking hides at a level it hides at every higher one: what is left is a subset of what was."""
    show(page, f"{app_address}{CORRUPTION}&kind=masking&level=0.2", PANEL)
    left = []
    for _ in range(2):
        left.append(
            page.locator(f'{PANEL} canvas[aria-label^="corrupted"]').first.evaluate(
                "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data].filter((_, i) => i % 4 === 0)"
            )
        )
        slider = page.get_by_role("slider", name="Test noise")
        slider.focus()
        for _ in range(30):
            slider.press("ArrowRight")
        settle(page, PANEL)
    before, after = ([value < 255 for value in pixels] for pixels in left)
    assert 0 < sum(after) < sum(before)
    assert all(was for was, still in zip(before, after, strict=True) if still)
