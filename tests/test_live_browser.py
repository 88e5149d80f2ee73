"""The live components in a real browser: every move is answered, by pointer, finger and keys, on desk and phone."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import served
from live_driver import (
    CALM,
    DRAW,
    FOLLOWS,
    PAD,
    PANEL,
    PHONE,
    WATCH,
    box_of,
    drag,
    frames,
    gaps,
    settle,
    show,
    stroke,
)  # fmt: skip
from live_runs import PLANE, RESTORE

if TYPE_CHECKING:
    from live_driver import NewPage
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(trained_home: Path) -> Iterator[str]:
    """The page with each component, behind the app's own channel."""
    with served(trained_home, script="tests/live_app.py") as url:
        yield url


@pytest.fixture
def said() -> list[str]:
    """What the console complained of."""
    return []


@pytest.fixture
def page(new_page: NewPage, said: list[str]) -> Page:
    return watched(new_page(), said)


def watched(page: Page, said: list[str]) -> Page:
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    return page


def mount(page: Page, address: str, what: str, root: str) -> Locator:
    return show(page, f"{address}/?run={PLANE}&restore={RESTORE}&show={what}", root)


def test_the_picture_follows_the_pointer_over_the_plane(page: Page, address: str, said: list[str]) -> None:
    mount(page, address, "plane", PAD)
    box = box_of(page.locator(".live-plane"))
    page.evaluate(WATCH, PAD)
    before = settle(page, PAD)
    drag(page, box, lambda t: (0.5 + 0.4 * t * math.cos(9 * t), 0.5 + 0.4 * t * math.sin(9 * t)))
    drawn = settle(page, PAD) - before
    assert drawn > FOLLOWS
    assert page.evaluate("window.pictures.size") > 0.8 * drawn
    assert not said


def test_the_level_follows_the_finger_with_sixteen_samples_in_five_rows(
    page: Page, address: str, said: list[str]
) -> None:
    mount(page, address, "corruption", PANEL)
    assert page.locator(f"{PANEL} canvas.live-tile").count() == 80
    before = settle(page, PANEL)
    box = box_of(page.get_by_role("slider", name="tested at"))
    page.mouse.move(box["x"] + 12, box["y"] + box["height"] / 2)
    page.mouse.down()
    drag(page, box, lambda t: (t, 0.5))
    page.mouse.up()
    drawn = settle(page, PANEL) - before
    assert drawn > FOLLOWS
    page.get_by_text("committed level: 1", exact=False).wait_for()
    assert page.locator(".live-bubble").inner_text() == "σ = 1.00"
    assert not said


def test_releasing_on_the_plane_tells_python(page: Page, address: str) -> None:
    mount(page, address, "plane", PAD)
    page.get_by_text("committed point: None").wait_for()
    page.locator(".live-plane").click(position={"x": 300, "y": 300})
    page.get_by_text(re.compile(r"committed point: \(-?[0-9.]+, -?[0-9.]+\)")).wait_for()


def test_arrow_keys_move_on_the_plane(page: Page, address: str) -> None:
    mount(page, address, "plane", PAD)
    plane = page.get_by_role("slider", name="Latent plane of the digits")
    plane.focus()
    before, said_before = settle(page, PAD), plane.get_attribute("aria-valuetext")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    assert settle(page, PAD) > before
    assert plane.get_attribute("aria-valuetext") != said_before
    assert re.fullmatch(
        r"z = \(.+, .+\), (near the data|few data nearby|far from the data)",
        plane.get_attribute("aria-valuetext") or "",
    )
    page.get_by_text(re.compile(r"committed point: \(")).wait_for()


def test_controls_answer_keys_and_say_their_values(page: Page, address: str) -> None:
    mount(page, address, "corruption", PANEL)
    page.get_by_role("radio", name="Gaussian").focus()
    page.keyboard.press("ArrowRight")
    chosen = page.get_by_role("radio", name="Salt and pepper")
    assert chosen.get_attribute("aria-checked") == "true"
    slider = page.get_by_role("slider", name="tested at")
    assert slider.get_attribute("aria-valuetext") == "p = 0.45"
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "p = 0.46"
    before = settle(page, PANEL)
    page.get_by_role("button", name="New noise pattern").press("Enter")
    assert settle(page, PANEL) == before + 1
    page.locator(".live-pick").first.press("Enter")
    page.get_by_text("picked: ('residual', 0)").wait_for()
    # a rerun of the page leaves the controls where the hand left them
    assert slider.get_attribute("aria-valuetext") == "p = 0.46"


def test_a_drawing_is_read_and_lands_on_the_plane(page: Page, address: str) -> None:
    mount(page, address, "plane", PAD)
    before = frames(page, PAD)
    stroke(page, [(0.5, 0.15), (0.5, 0.85)])
    page.wait_for_selector(f'{DRAW}:not([data-frames="0"])')
    settle(page, DRAW)
    assert frames(page, PAD) > before
    page.get_by_text(re.compile("committed drawing: [0-9]")).wait_for()
    page.get_by_role("button", name="Clear").click()
    page.get_by_text("committed drawing: None").wait_for()
    assert page.get_by_text("draw here").is_visible()


def test_play_walks_and_reduced_motion_takes_few_steps(new_page: NewPage, address: str, said: list[str]) -> None:
    between = {}
    for motion in ("no-preference", "reduce"):
        page = watched(new_page(reduced_motion=motion), said)
        mount(page, address, "walk", PANEL)
        before = frames(page, PANEL)
        page.get_by_role("button", name="Play").click()
        between[motion] = gaps(page, steps=3 if motion == "reduce" else 20)
        page.get_by_role("button", name="Pause").click()
        assert settle(page, PANEL) > before
    assert min(between["no-preference"]) < CALM < min(between["reduce"])
    assert not said


def test_a_lost_connection_is_said_and_mended(own_tab: Page, address: str) -> None:
    page = own_tab
    page.add_init_script(
        """const Real = WebSocket; window.live = [];
        window.WebSocket = class extends Real { constructor(...a) { super(...a); if (String(a[0]).endsWith('/live')) window.live.push(this); } };"""
    )
    mount(page, address, "plane", PAD)
    assert page.evaluate("window.live.length") == 1  # the components of a page share it
    page.evaluate("window.live[0].close()")
    page.get_by_text("Connection lost; trying again.").first.wait_for()
    page.wait_for_function("window.live.length > 1 && window.live.at(-1).readyState === 1")
    before = frames(page, PAD)
    page.locator(".live-plane").hover(position={"x": 200, "y": 220})
    page.wait_for_function(f"Number(document.querySelector('{PAD}').dataset.frames) > {before}")
    page.wait_for_function("!document.body.innerText.includes('Connection lost')")


@pytest.mark.parametrize("what", ["plane", "corruption", "walk"])
def test_nothing_reaches_beyond_a_phone(new_page: NewPage, address: str, what: str, said: list[str]) -> None:
    page = watched(new_page(**PHONE, color_scheme="dark"), said)
    mount(page, address, what, PAD if what == "plane" else PANEL)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    if what == "plane":
        before = frames(page, PAD)
        page.touchscreen.tap(150, box_of(page.locator(".live-plane"))["y"] + 120)
        page.wait_for_function(f"Number(document.querySelector('{PAD}').dataset.frames) > {before}")
    assert not said
