"""Each live workbench with keys alone, with a finger on a phone, with little motion, and as axe-core judges it: a visit
that goes from one to the next."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from live_driver import (
    CALM,
    PAD,
    PANEL,
    PHONE,
    box_of,
    drawn,
    frames,
    gaps,
    grave_findings,
    pictures,
    refreshed,
    settle,
    show,
    slide,
    tab_to,
    walk_on,
)  # fmt: skip
from live_runs import BLUR, NAIVE, PLANE, RESTORE, SCORE, TURN

if TYPE_CHECKING:
    from live_driver import NewPage
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

WORKBENCHES = {
    "home": (f"/?run={PLANE}", PAD),
    "interpolate": (f"/interpolate?run={RESTORE}", PANEL),
    "corruption": (f"/corruption?run={RESTORE}", PANEL),
    "generate": (f"/generate?run={PLANE}", PANEL),
}
FIELD = '[data-testid="vector-field"]'
MORE = {
    "interpolate-flat": (f"/interpolate?run={PLANE}", PANEL),
    "generate-traverse": (f"/generate?run={RESTORE}&view=Traverse", PANEL),
    "beta": (f"/beta?run={TURN}&beta=0.5&samples=any", PANEL),
    "generate-sliders": (f"/generate?run={RESTORE}&view=Sliders", PANEL),
    "interpolate-patch": (f"/interpolate?run={RESTORE}&ends=4", PANEL),
    "generate-grid": (f"/generate?run={PLANE}&view=Grid", PANEL),
    "corruption-dial": (f"/corruption?run={BLUR}&beside=nothing&level=0.5&trained=0.2", PANEL),
    "generate-attributes": (f"/generate?run={RESTORE}&view=Attributes", PANEL),
    "score": (f"/score?run={SCORE}&beside={NAIVE}&sigma=0.1", FIELD),
}
CONTROL = {PAD: ".live-plane", PANEL: ".live-range", FIELD: '.live-plane[aria-label^="Score"]'}

# Streamlit's own pieces fade; what is ours must not move by itself.
MOVING = "document.getAnimations().filter(a => a.effect?.target?.closest('.live-root')).length"


# keys alone


def test_home_by_keys_alone(page: Page, app_address: str) -> None:
    show(page, app_address + WORKBENCHES["home"][0], PAD)
    link = page.url
    tab_to(page, ".live-plane")
    before = frames(page, PAD)
    for key in ("ArrowRight", "ArrowUp", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    assert settle(page, PAD) > before
    page.wait_for_url(lambda url: url != link and "sample=" in url)
    tab_to(page, "a[href*='corruption']")
    page.keyboard.press("Enter")
    drawn(page)


def test_interpolate_by_keys_alone(page: Page, app_address: str) -> None:
    show(page, app_address + WORKBENCHES["interpolate"][0] + "&sample=3&to=8")
    tab_to(page, ".live-play")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Pause").wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Play").wait_for()
    tab_to(page, ".live-range")
    page.keyboard.press("End")
    page.wait_for_url(re.compile(r"t=1\.5"))
    settle(page)
    tab_to(page, ".live-plane")
    for _ in range(4):
        page.keyboard.press("Shift+ArrowRight")
    page.wait_for_url(lambda url: "to=" in url and not re.search(r"to=8\b", url))
    settle(page)
    assert "sample=3" in page.url and "t=1.5" in page.url


def test_corruption_by_keys_alone(page: Page, app_address: str) -> None:
    show(page, app_address + "/corruption?run=digits-dae")
    tab_to(page, "[role=radio]")
    page.keyboard.press("ArrowRight")
    page.get_by_text("has never seen salt and pepper").wait_for()
    assert page.evaluate("document.activeElement.dataset.value") == "salt_and_pepper", (
        "the page's answer took the focus"
    )
    tab_to(page, ".live-button")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("pattern=1"))
    tab_to(page, ".live-range")
    page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile(r"level=0\.505"))
    tab_to(page, ".live-pick")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("sample="))
    assert page.locator(".live-bubble").inner_text() == "p = 0.505", "picking a sample moved the level"


def test_generate_by_keys_alone(page: Page, app_address: str) -> None:
    show(page, app_address + WORKBENCHES["generate"][0])
    before = pictures(page)
    tab_to(page, ".live-button")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("seed=1"))
    settle(page)
    assert pictures(page) != before
    tab_to(page, ".live-range")
    page.keyboard.press("Home")
    page.wait_for_url(re.compile("temperature=0"))
    page.get_by_role("radio", name="Sliders").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("view=Sliders"))
    drawn(page)
    before = pictures(page)
    tab_to(page, ".live-range")
    page.keyboard.press("End")
    settle(page)
    assert pictures(page)[0] != before[0]


# a finger on a phone


def test_by_finger_on_a_dark_phone(new_page: NewPage, app_address: str, subtests: pytest.Subtests) -> None:
    page = new_page(**PHONE, color_scheme="dark")
    for name, (where, root) in (WORKBENCHES | MORE).items():
        with subtests.test(name):
            walk_on(page, app_address + where)
            component = drawn(page, root)
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            boxes = [box for part in component.locator("> *").all() if (box := part.bounding_box())]
            assert max(box["x"] + box["width"] for box in boxes) <= 390
            before = frames(page, root)
            target = page.locator(CONTROL[root]).first
            box = box_of(target)
            target.tap(position={"x": 0.8 * box["width"], "y": 0.4 * box["height"]})  # once it stands still
            page.wait_for_function(f"Number(document.querySelector('{root}').dataset.frames) > {before}")
            small = page.locator(".live-button, .live-segments button, .live-pick, .live-range, .live-plane")
            sizes = small.evaluate_all(
                "all => all.map(e => [e.className, e.getBoundingClientRect()]).map(([n, r]) => [n, r.width, r.height])"
            )
            assert not [name for name, *size in sizes if size[0] and min(size) < 24], "a finger needs 24 pixels"
            assert not (grave := grave_findings(page)), "\n".join(grave)


def test_on_a_phone_the_slider_stays_in_reach(new_page: NewPage, app_address: str) -> None:
    page = new_page(**PHONE)
    panel = show(page, app_address + WORKBENCHES["interpolate"][0])
    page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, 1000)")
    settle(page)
    assert page.get_by_test_id("stMain").evaluate("main => main.scrollTop") > 300
    assert 0 < box_of(panel.get_by_role("slider"))["y"] < 300


# little motion


def test_with_little_motion_nothing_moves_but_what_the_hand_moves(
    new_page: NewPage, app_address: str, subtests: pytest.Subtests
) -> None:
    page = new_page(reduced_motion="reduce")
    for name, (where, root) in WORKBENCHES.items():
        with subtests.test(name):
            walk_on(page, app_address + where)
            component = drawn(page, root)
            assert page.evaluate(MOVING) == 0
            before = frames(page, root)
            refreshed(page, 30)
            assert frames(page, root) == before
            if root == PAD:
                page.locator(".live-plane").hover(position={"x": 200, "y": 220})
            else:
                slide(page, component.get_by_role("slider").first, 0.5, 0.7, moves=8)
                page.mouse.up()
            page.wait_for_function(f"Number(document.querySelector('{root}').dataset.frames) > {before}")
            assert page.evaluate(MOVING) == 0
            settle(page, root)
            play = page.get_by_role("button", name="Play")
            if play.count():
                play.first.press("Enter")
                assert min(gaps(page, steps=2)) > CALM, "play takes a step now and then"
                page.get_by_role("button", name="Pause").first.press("Enter")


# axe-core


def test_axe_finds_nothing_grave(page: Page, app_address: str, subtests: pytest.Subtests) -> None:
    for name, (where, root) in (WORKBENCHES | MORE).items():
        with subtests.test(name):
            walk_on(page, app_address + where)
            drawn(page, root)
            assert not (grave := grave_findings(page)), "\n".join(grave)


def test_axe_finds_what_is_grave(page: Page) -> None:
    page.set_content('<main><button></button><p style="color: #ccc; background: #fff">pale</p></main>')
    assert {line.partition(":")[0] for line in grave_findings(page)} >= {"button-name", "color-contrast"}
