"""Both dials in a real browser: everything follows the finger, and keys do the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from live_driver import FOLLOWS, INK, PANEL, frames, settle, show, slide, tab_to
from live_runs import BLUR, MASK, TURN

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser

BETA = f"/beta?run={TURN}&beta=0.5&samples=any"
LEVEL = f"/corruption?run={BLUR}&beside=nothing&level=0.5&trained=0.2"
DOT = ".live-dot"


def looks(page: Page) -> dict[str, object]:
    """What each view of the β page shows."""

    def first(name: str) -> Locator:
        return page.locator(f'{PANEL} canvas[aria-label^="{name}"]').first

    return {
        "dot": page.locator(f"{PANEL} {DOT}").first.get_attribute("cx"),
        "map": first("Latent map").evaluate(INK),
        "kl": page.locator(f"{PANEL} .live-dimensions svg").first.get_attribute("aria-label"),
        "posterior": page.locator(f"{PANEL} .live-dimensions svg").last.get_attribute("aria-label"),
        "reconstruction": first("reconstruction, 1").evaluate(INK),
        "prior": first("prior samples, 1").evaluate(INK),
        "numbers": page.locator(f"{PANEL} .live-numbers").inner_text(),
        "snapshots": page.locator(f"{PANEL} .live-stand").inner_text(),
    }


def test_all_that_beta_moves_moves_while_it_is_dragged(page: Page, app_address: str) -> None:
    show(page, app_address + BETA)
    before, count = looks(page), frames(page)
    still = page.locator(f'{PANEL} canvas[aria-label^="original, 1"]').first.evaluate(INK)
    slide(page, page.get_by_role("slider", name="β"), 0.1, 0.95)
    assert frames(page) - count > FOLLOWS
    after = looks(page)
    assert [name for name in before if before[name] == after[name]] == []
    assert page.locator(f'{PANEL} canvas[aria-label^="original, 1"]').first.evaluate(INK) == still
    assert str(after["snapshots"]).endswith("Interpolated between β = 1 and β = 10, warm-started.")
    page.mouse.up()
    page.wait_for_url(re.compile(r"beta=[789]\."))


def test_a_link_shows_beta_as_it_says_and_a_mark_is_exact(page: Page, app_address: str) -> None:
    show(page, f"{app_address}/beta?run={TURN}&beta=2.345")
    slider = page.get_by_role("slider", name="β")
    assert slider.get_attribute("aria-valuetext") == "β = 2.345"
    slide(page, slider, 0.9, 1.0, moves=5)
    page.mouse.up()
    settle(page)
    assert slider.get_attribute("aria-valuetext") == "β = 10"
    said = page.locator(".live-stand").inner_text()
    assert "Trained at exactly β = 10" in said
    assert re.search(r"Posterior collapse: \d of 6 units active, R = 0.0\d nats", said)


def test_keys_alone_turn_beta(page: Page, app_address: str) -> None:
    show(page, app_address + BETA)
    tab_to(page, f"{PANEL} input")
    before = page.locator(".live-stand").inner_text()
    page.keyboard.press("End")
    page.wait_for_url(re.compile(r"beta=10(&|$)"))
    settle(page)
    assert page.locator(".live-stand").inner_text() != before


def test_other_prior_samples_leave_the_reconstructions(page: Page, app_address: str) -> None:
    show(page, app_address + BETA)
    before = looks(page)
    page.get_by_role("button", name="New prior samples").click()
    page.wait_for_url(re.compile(r"seed=1"))
    settle(page)
    after = looks(page)
    assert [name for name in before if before[name] != after[name]] == ["prior"]


def test_both_levels_move_the_ring_and_the_pictures(page: Page, app_address: str) -> None:
    show(page, app_address + LEVEL)
    heat = page.locator(f"{PANEL} .live-heat")
    for name, word in (("Training noise", "training noise 0.20"), ("Test noise", "test noise 0.50")):
        said = heat.get_attribute("aria-label") or ""
        assert word in said
        picture = page.locator(f'{PANEL} canvas[aria-label^="reconstruction, DAE, 1"]').first
        shown, count = picture.evaluate(INK), frames(page)
        slide(page, page.get_by_role("slider", name=name), 0.3, 0.9)
        assert frames(page) - count > FOLLOWS
        page.mouse.up()
        settle(page)
        assert heat.get_attribute("aria-label") != said
        assert picture.evaluate(INK) != shown
    page.wait_for_url(re.compile(r"trained=0\.(8|9)"))


def test_another_kind_is_another_chain_and_a_picked_chain_brings_its_kind(page: Page, app_address: str) -> None:
    show(page, app_address + LEVEL)
    page.get_by_role("radio", name="Masking", exact=True).click()
    page.wait_for_url(re.compile(rf"run={MASK}.*kind=masking"))
    settle(page)
    page.get_by_role("combobox", name=re.compile("Model")).first.click()
    page.get_by_role("option", name=re.compile("Digits.*σ dial")).first.click()
    page.wait_for_url(re.compile(r"run=(?!" + MASK + ").*kind=gaussian"))
    settle(page)
    assert page.get_by_role("radio", name="Gaussian", exact=True).get_attribute("aria-checked") == "true"
