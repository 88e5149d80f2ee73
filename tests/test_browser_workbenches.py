"""Interpolate and Generate as people use them: dragged, drawn, pressed, typed and taken along, on desk and phone."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from live_driver import FOLLOWS, INK, SEVEN, box_of, drawn, frames, pictures, settle, show, slide, stroke
from live_runs import PLANE, RESTORE

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def test_the_walk_follows_the_finger_and_the_link_follows_its_release(page: Page, app_address: str) -> None:
    panel = show(page, f"{app_address}/interpolate?run={PLANE}&sample=3&to=8")
    before, seen = settle(page), pictures(page)
    slide(page, panel.get_by_role("slider"), 0.5, 0.97)
    assert frames(page) - before > FOLLOWS, "the pictures waited for the release"
    assert "t=0.5" in page.url
    page.mouse.up()
    page.wait_for_url(re.compile(r"t=1\.[34]"))
    page.get_by_text("extrapolation, codes").wait_for()
    now = pictures(page)
    assert now[:27] == seen[:27], "the rows moved with t"
    assert now[27:] != seen[27:]


@pytest.mark.parametrize("run", [PLANE, RESTORE])
def test_a_press_on_the_map_takes_the_nearest_sample_as_the_end(page: Page, app_address: str, run: str) -> None:
    show(page, f"{app_address}/interpolate?run={run}&sample=3&to=8")
    plane = page.get_by_test_id("latent-pad").get_by_role("slider")
    box = box_of(plane)
    page.mouse.click(box["x"] + 0.4 * box["width"], box["y"] + 0.6 * box["height"])
    page.wait_for_url(lambda url: "to=" in url and "to=8" not in url)
    assert "sample=3" in page.url
    kept = page.url
    page.reload()
    drawn(page)
    assert page.url == kept


@pytest.mark.parametrize("run", [PLANE, RESTORE])
def test_the_way_on_the_map_moves_with_t(page: Page, app_address: str, run: str) -> None:
    panel = show(page, f"{app_address}/interpolate?run={run}&sample=3&to=8&t=0")
    over = page.locator('[data-testid="latent-pad"] .live-plane canvas').last
    seen = [over.evaluate(INK)]
    for t in (0.4, 0.6):
        slide(page, panel.get_by_role("slider"), t - 0.1, t, moves=10)
        settle(page)
        seen.append(over.evaluate(INK))
        page.mouse.up()
    assert len(set(seen)) == 3
    assert page.locator('[data-testid="latent-pad"] .live-chart circle').count() >= 3, "the chart stands beside the map"


def test_a_drawing_becomes_an_end(page: Page, app_address: str) -> None:
    show(page, f"{app_address}/interpolate?run={PLANE}")
    before = pictures(page)
    page.get_by_role("button", name="Choose").last.click()
    sheet = page.locator(".live-sheet").last
    sheet.scroll_into_view_if_needed()
    stroke(page, SEVEN, sheet)
    page.get_by_text("End · drawn").wait_for()
    settle(page)
    shown = pictures(page)
    assert shown[8] != before[8]
    link = page.url
    assert "drawn_b=" in link
    page.goto("about:blank")
    show(page, link)
    assert pictures(page) == shown


def test_what_is_taken_along_is_what_is_shown(page: Page, app_address: str) -> None:
    from PIL import Image

    show(page, f"{app_address}/interpolate?run={RESTORE}&ends=2")
    for name, kind in (("PNG", "PNG"), ("GIF", "GIF")):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        file = Image.open(io.BytesIO(Path(download.value.path()).read_bytes()))
        assert file.format == kind
        assert kind == "PNG" or file.n_frames > 30


def test_four_corners_make_a_patch(page: Page, app_address: str) -> None:
    panel = show(page, f"{app_address}/interpolate?run={RESTORE}&ends=4")
    before = pictures(page)
    assert len(before) == 9 * 5 + 2
    panel.get_by_role("radio", name="slerp").click()
    settle(page)
    assert pictures(page) != before
    page.get_by_role("button", name="shuffle").nth(3).click()
    page.wait_for_function("() => new URLSearchParams(location.search).get('to') !== '1,2,3'")
    assert page.get_by_test_id("stException").count() == 0


def test_draws_follow_seed_and_temperature(page: Page, app_address: str) -> None:
    panel = show(page, f"{app_address}/generate?run={PLANE}")
    before = pictures(page)
    panel.get_by_role("button", name="New samples").click()
    page.wait_for_url(re.compile("seed=1"))
    assert pictures(page) != before
    slide(page, panel.get_by_role("slider"), 0.5, 0.03)
    cold = pictures(page)
    page.mouse.up()
    page.wait_for_url(re.compile(r"temperature=0"))
    assert len(set(cold)) < len(set(before)), "cold draws are no more alike"


def test_one_number_moves_the_picture_and_another_sample_brings_its_own(page: Page, app_address: str) -> None:
    panel = show(page, f"{app_address}/generate?run={PLANE}&view=Sliders&sample=4")
    before = pictures(page)
    slider = panel.get_by_role("slider").first
    at = slider.input_value()
    slider.focus()
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    settle(page)
    assert slider.input_value() != at and pictures(page)[0] != before[0]
    page.get_by_role("button", name="shuffle").click()
    page.wait_for_function("() => new URLSearchParams(location.search).get('sample') !== '4'")
    settle(page)
    other = pictures(page)[0]
    page.reload()
    drawn(page)
    assert pictures(page)[0] == other, "the sample was shown with the numbers of the one before"
