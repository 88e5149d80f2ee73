"""The pages under Apply in a real browser: the threshold and the bits follow the finger."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from live_driver import FOLLOWS, PANEL, frames, settle, show, slide
from live_runs import RESTORE

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def test_counts_curves_and_pictures_follow_the_threshold(page: Page, app_address: str) -> None:
    show(page, f"{app_address}/anomalies?run={RESTORE}")
    numbers = page.locator(f"{PANEL} .live-numbers")
    dots = page.locator(f"{PANEL} .live-views .live-dot")
    before = numbers.inner_text(), [dot.get_attribute("cx") for dot in dots.all()]
    count = frames(page)
    slide(page, page.get_by_role("slider", name="Threshold on the score"), 0.9, 0.1)
    assert frames(page) - count > FOLLOWS
    after = numbers.inner_text(), [dot.get_attribute("cx") for dot in dots.all()]
    assert before[0] != after[0] and len(after[1]) == 10  # two histograms, and four methods on two charts
    assert before[1] != after[1]
    page.mouse.up()
    page.wait_for_url(re.compile(r"threshold="))


def test_pictures_follow_the_bits(page: Page, app_address: str) -> None:
    show(page, f"{app_address}/compression?run={RESTORE}")
    settle(page)
    numbers = page.locator(f"{PANEL} .live-numbers")
    before = numbers.inner_text()
    slide(page, page.get_by_role("slider", name="Bits for each number of the code"), 0.5, 0.02)
    assert numbers.inner_text() != before
