"""What people stumbled over on the pages of Explore, as a person meets it in a browser."""

from __future__ import annotations

import io
import re
import shutil
import zipfile
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from live_driver import PAD, PANEL, PHONE, RESTS, box_of, drawn, settle, show, walk_on
from live_runs import BLUR, PLANE, RESTORE, TURN
from PIL import Image
from playwright.sync_api import expect

from aeexplorer.runs.bundles import bundle
from aeexplorer.runs.run import Run

if TYPE_CHECKING:
    from pathlib import Path

    from live_driver import NewPage
    from playwright.sync_api import Locator, Page, WebSocketRoute

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


def test_pictures_that_are_awaited_are_said_to_be(own_tab: Page, app_address: str) -> None:
    page = own_tab
    kept: list[tuple[WebSocketRoute, str | bytes]] = []

    def hold(route: WebSocketRoute) -> None:
        server = route.connect_to_server()
        server.on_message(lambda message: kept.append((route, message)))

    page.clock.install()
    page.route_web_socket(re.compile(r"/live$"), hold)
    page.goto(f"{app_address}/corruption?run={RESTORE}")
    status = page.locator(f"{PANEL} > .live-said")
    expect(status).to_have_text("Computing …")
    expect(page.locator("figure[aria-busy=true]")).not_to_have_count(0)
    page.clock.fast_forward("00:10")
    expect(status).to_have_text(re.compile("The server is busy"))
    for route, message in kept:
        route.send(message)
    page.wait_for_selector(f'{PANEL}:not([data-frames="0"])')
    expect(status).to_have_text("")
    expect(page.locator("[aria-busy=true]")).to_have_count(0)


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


WINDOWS: list[Any] = [{}, PHONE]
WORDS = """root => [...root.querySelectorAll(".live-chart text, .live-names b")].filter(e => e.textContent).map(e => {
  const {left, right, top, bottom} = e.getBoundingClientRect();
  return {text: e.textContent, left, right, top, bottom};
})"""
OVERFLOWING = """root => [...root.querySelectorAll(".live-under")].filter(e => e.scrollWidth > e.clientWidth + 1)
  .map(e => e.textContent)"""


def check_names_in_charts(panel: Locator) -> None:
    """Names cover neither lines nor each other."""
    for chart in panel.page.locator("figure:has(.live-line)").all():
        lines = chart.locator(".live-line").count()
        assert lines == 1 or chart.locator(".live-names b").count() == lines
        words, picture = chart.evaluate(WORDS), box_of(chart.locator(".live-chart"))
        for one, other in combinations(words, 2):
            apart = one["right"] <= other["left"] or other["right"] <= one["left"]
            assert apart or one["bottom"] <= other["top"] + 2 or other["bottom"] <= one["top"] + 2, (one, other)
        for name in chart.locator(".live-names b").all():
            assert box_of(name)["y"] + box_of(name)["height"] <= picture["y"], name.inner_text()


def check_ends_of_sliders(panel: Locator) -> None:
    """What is written at a slider stays within its ends."""
    for slider in panel.locator(".live-slider").all():
        rail = box_of(slider.locator(".live-rail"))
        left, right = rail["x"] - 0.5, rail["x"] + rail["width"] + 0.5
        for key in ("Home", "End"):
            slider.get_by_role("slider").press(key)
            for text in slider.locator(".live-bubble, .live-ticks span").all():
                if text.is_visible():
                    box = box_of(text)
                    assert left <= box["x"] and box["x"] + box["width"] <= right, (key, text.inner_text())
    settle(panel.page)


@pytest.mark.parametrize("window", WINDOWS, ids=["desk", "phone"])
def test_words_stay_in_their_place(new_page: NewPage, app_address: str, window: Any, subtests: pytest.Subtests) -> None:
    page = new_page(**window)
    for place, charts in (
        (f"interpolate?run={PLANE}", True), (f"corruption?run={BLUR}", True), (f"interpolate?run={PLANE}&ends=4", False),
        (f"beta?run={TURN}", True), (f"generate?run={PLANE}&temperature=3", False),
    ):  # fmt: skip
        with subtests.test(place):
            walk_on(page, f"{app_address}/{place}")
            panel = drawn(page)
            assert panel.evaluate(OVERFLOWING) == [], "what is written below samples stays below them"
            assert page.locator("figure:has(.live-line)").count() > 0 or not charts
            check_names_in_charts(panel)
            check_ends_of_sliders(panel)


def test_on_a_phone_the_names_of_four_pictures_are_not_broken(new_page: NewPage, app_address: str) -> None:
    page = new_page(**PHONE)
    page.goto(f"{app_address}/reconstruct?run={RESTORE}&corruption=gaussian")
    name = page.locator(".ae-tile span").get_by_text("reconstruction", exact=True)
    expect(name).to_be_visible()
    assert box_of(name)["height"] < 28, "on one line"


def test_a_bundle_is_imported_and_its_upload_let_go(page: Page, app_address: str, trained_home: Path) -> None:
    before, puts = set((trained_home / "runs").iterdir()), []
    page.on("request", lambda request: puts.append(request) if request.method == "PUT" else None)
    page.goto(f"{app_address}/runs")
    try:
        page.get_by_role("button", name="Import").click()
        chooser = page.locator('[role="dialog"] input[type="file"]')
        chooser.set_input_files({"name": "notes.zip", "mimeType": "application/zip", "buffer": b"no archive"})
        page.get_by_text("a bundle must be a zip archive").wait_for()
        content = bundle(Run(trained_home / "runs" / PLANE))
        chooser.set_input_files({"name": "plane.zip", "mimeType": "application/zip", "buffer": content})
        page.get_by_text("is imported.").wait_for()
        added = set((trained_home / "runs").iterdir()) - before
        assert len(added) == 1 and Run(added.pop()).load_model()
        again = page.request.put(puts[-1].url, headers=puts[-1].headers, data=b"x")
        assert (again.status, again.text()) == (404, "This page takes no files.\n")
    finally:
        for path in set((trained_home / "runs").iterdir()) - before:
            shutil.rmtree(path)


def pictures() -> bytes:
    """A zip archive of 40 pictures of 16 x 16 pixels in two folders."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for i in range(40):
            picture = io.BytesIO()
            Image.fromarray(np.random.default_rng(i).integers(0, 255, (16, 16, 3), np.uint8)).save(picture, "PNG")
            archive.writestr(f"{'cups' if i % 2 else 'plates'}/{i}.png", picture.getvalue())
    return out.getvalue()


def test_pictures_are_added_named_and_trained_on(page: Page, app_address: str, trained_home: Path) -> None:
    before = {*(trained_home / "runs").iterdir()}
    page.goto(f"{app_address}/data?add=1")
    try:
        chooser = page.locator('input[type="file"]')
        chooser.set_input_files({"name": "mine.zip", "mimeType": "application/zip", "buffer": pictures()})
        page.get_by_text("40 pictures").wait_for()
        expect(page.locator(".ae-tile img, .ae-tile canvas")).to_have_count(24)
        start = page.get_by_role("button", name="Train on it")
        expect(start).to_be_disabled()
        page.get_by_label("Name").fill("crockery")
        page.get_by_label("Name").press("Enter")
        start.click()
        page.get_by_role("button", name="Stop", exact=True).click()
        page.get_by_role("button", name="Continue").wait_for()
        (added,) = {*(trained_home / "runs").iterdir()} - before
        run = Run(added)
        assert (run.spec.dataset, run.config.net, run.spec.data.shape) == ("own/crockery", "conv", (16, 16, 3))
    finally:
        for path in {*(trained_home / "runs").iterdir()} - before:
            shutil.rmtree(path)
        for part in ("data", "readings"):
            shutil.rmtree(trained_home / part, ignore_errors=True)


PATHS = ("", "interpolate", "corruption", "beta", "generate", "reconstruct", "map", "data", "train", "runs", "score")


def test_no_page_asks_for_what_is_not_there(new_page: NewPage, app_address: str) -> None:
    page, failed, said = new_page(), [], []
    page.on("response", lambda reply: failed.append(reply.url) if reply.status >= 400 else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.goto(f"{app_address}/{PATHS[-1]}")
    for path in PATHS:
        page.wait_for_function(RESTS)
        walk_on(page, f"{app_address}/{path}")
    # Streamlit looks below the page's own path first for where the server's paths begin
    looked_for = [f"{app_address}/{PATHS[-1]}/_stcore/{name}" for name in ("health", "host-config")]
    assert set(failed) <= set(looked_for)
    assert not [line for line in said if "404 (Not Found)" not in line]
