"""What people stumbled over on the pages of Explore, as a person meets it in a browser."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from live_driver import PAD, PANEL, PHONE, box_of, drawn, settle, show
from live_runs import PLANE, RESTORE, TURN
from playwright.sync_api import expect

if TYPE_CHECKING:
    from live_driver import NewPage
    from playwright.sync_api import Page, WebSocketRoute

pytestmark = pytest.mark.browser


def test_after_hovering_all_that_is_shown_is_of_the_chosen_point(page: Page, app_address: str) -> None:
    show(page, f"{app_address}/?run={PLANE}", PAD)
    box = box_of(page.locator(".live-plane"))
    page.mouse.click(box["x"] + 0.4 * box["width"], box["y"] + 0.4 * box["height"])
    page.wait_for_url(re.compile(r"z="))
    settle(page, PAD)
    place = page.locator(".live-z")
    chosen = place.inner_text()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.6 * box["height"], steps=5)
    expect(place).not_to_have_text(chosen)
    page.mouse.move(box["x"] + box["width"] + 60, box["y"] - 20, steps=5)
    expect(place).to_have_text(chosen)
    shown = [float(part.replace("−", "-")) for part in re.findall(r"[−\d.]+", chosen)]
    linked = [float(part) for part in parse_qs(urlsplit(page.url).query)["z"][0].split(",")]
    page.get_by_role("button", name="Copy as Python").click()
    code = page.locator("code").filter(has_text="model.decode").inner_text()
    in_code = [float(part) for part in re.findall(r"decode\(\[\[(.+?)\]\]", code)[0].split(",")]
    assert linked == pytest.approx(shown, abs=0.006) and in_code == pytest.approx(shown, abs=0.006)


def test_pictures_that_are_awaited_are_said_to_be(page: Page, app_address: str) -> None:
    kept: list[tuple[WebSocketRoute, str | bytes]] = []

    def hold(route: WebSocketRoute) -> None:
        server = route.connect_to_server()
        server.on_message(lambda message: kept.append((route, message)))

    page.route_web_socket(re.compile(r"/live$"), hold)
    page.goto(f"{app_address}/corruption?run={RESTORE}")
    status = page.locator(f"{PANEL} > .live-said")
    expect(status).to_have_text("Computing …")
    expect(status).to_have_text(re.compile("The server is busy"), timeout=60_000)
    for route, message in kept:
        route.send(message)
    drawn(page)
    expect(status).to_have_text("")


def test_on_a_phone_the_slider_of_beta_has_the_whole_width_and_no_sample_is_cut(
    new_page: NewPage, app_address: str
) -> None:
    page = new_page(**PHONE)
    panel = show(page, f"{app_address}/beta?run={TURN}")
    assert box_of(panel.get_by_role("slider"))["width"] > 320
    ticks = panel.locator(".live-ticks span").evaluate_all(
        "all => all.filter(e => e.offsetParent).map(e => e.getBoundingClientRect()).map(r => [r.left, r.right])"
    )
    assert all(before[1] < after[0] for before, after in pairwise(ticks)), ticks
    rows = box_of(panel.locator(".live-rows"))
    last = box_of(panel.locator(".live-cells").first.locator(".live-cell").last)
    assert last["x"] + last["width"] <= rows["x"] + rows["width"] + 0.5


def test_large_type_enlarges_pictures_and_charts_and_is_kept(page: Page, app_address: str) -> None:
    panel = show(page, f"{app_address}/corruption?run={RESTORE}")
    sizes = [box_of(panel.locator(what).first)["width"] for what in ("canvas.live-tile", ".live-chart")]
    page.get_by_test_id("stSidebar").get_by_text("Large type").click()
    page.wait_for_url(re.compile("large_type=true"))
    settle(page)
    page.reload()
    panel = drawn(page)
    larger = [box_of(panel.locator(what).first)["width"] for what in ("canvas.live-tile", ".live-chart")]
    assert all(after > 1.1 * before for before, after in zip(sizes, larger, strict=True)), (sizes, larger)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1440


def test_a_card_of_home_is_a_link_as_a_whole(page: Page, app_address: str) -> None:
    show(page, f"{app_address}/?run={PLANE}", PAD)
    words = box_of(page.locator('[class*="st-key-home-card-interpolate"]').get_by_text("lerp, slerp"))
    page.mouse.click(words["x"] + words["width"] / 2, words["y"] + words["height"] / 2)
    page.wait_for_url(re.compile("/interpolate"))
