"""Interpolate and Generate as people use them: dragged, drawn, pressed, typed and taken along, on desk and phone."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import chromium, served
from live_runs import PLANE, RESTORE, trained_home  # noqa: F401
from test_browser_live import AXE, axe

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.browser

PANEL = '[data-testid="live-panel"]'
MOVES = 60
INK = """canvas => {
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.reduce((sum, value, i) => sum + value * (i % 97 + 1), 0);
}"""


@pytest.fixture(scope="module")
def address(trained_home: Path) -> Iterator[str]:  # noqa: F811
    with served(trained_home) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    found = browser.new_page(viewport={"width": 1440, "height": 900})
    found.set_default_timeout(30_000)
    yield found
    found.close()


def show(page: Page, url: str) -> Locator:
    """The panel of a page, once it has drawn."""
    page.goto(url)
    page.wait_for_selector(f'{PANEL}:not([data-frames="0"])')
    quiet(page)
    return page.locator(PANEL).first


def frames(page: Page) -> int:
    return int(page.locator(PANEL).first.get_attribute("data-frames") or 0)


def quiet(page: Page) -> int:
    """Frames drawn, once no more come and the script rests."""
    while True:
        count = frames(page)
        page.wait_for_timeout(600)
        resting = page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').count()
        if resting and frames(page) == count:
            return count


def pictures(page: Page) -> list[int]:
    return [int(canvas.evaluate(INK)) for canvas in page.locator(f"{PANEL} canvas.live-tile").all()]


def drag(page: Page, slider: Locator, start: float, end: float) -> None:
    """Press on a slider and move to another place, without letting go."""
    box = slider.bounding_box()
    assert box
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + start * box["width"], y)
    page.mouse.down()
    for i in range(1, MOVES + 1):
        page.mouse.move(box["x"] + (start + (end - start) * i / MOVES) * box["width"], y)
        page.wait_for_timeout(16)


def test_the_walk_follows_the_finger_and_the_link_follows_its_release(page: Page, address: str) -> None:
    panel = show(page, f"{address}/interpolate?run={PLANE}&sample=3&to=8")
    before, seen = quiet(page), pictures(page)
    drag(page, panel.get_by_role("slider"), 0.5, 0.97)
    assert frames(page) - before > MOVES / 2, "the pictures waited for the release"
    assert "t=0.5" in page.url
    page.mouse.up()
    page.wait_for_url(re.compile(r"t=1\.[34]"))
    page.get_by_text("extrapolation, codes").wait_for()
    now = pictures(page)
    assert now[:27] == seen[:27], "the rows moved with t"
    assert now[27:] != seen[27:]


def test_a_press_on_the_map_takes_the_nearest_sample_as_the_end(page: Page, address: str) -> None:
    show(page, f"{address}/interpolate?run={PLANE}&sample=3&to=8")
    plane = page.get_by_test_id("latent-pad").get_by_role("slider")
    box = plane.bounding_box()
    assert box
    page.mouse.click(box["x"] + 0.4 * box["width"], box["y"] + 0.6 * box["height"])
    page.wait_for_url(lambda url: "to=" in url and "to=8" not in url)
    assert "sample=3" in page.url
    kept = page.url
    page.reload()
    page.wait_for_selector(f'{PANEL}:not([data-frames="0"])')
    assert page.url == kept


def test_a_drawing_becomes_an_end(page: Page, address: str) -> None:
    show(page, f"{address}/interpolate?run={PLANE}")
    before = pictures(page)
    page.get_by_role("button", name="Choose").last.click()
    sheet = page.locator(".live-sheet").last
    sheet.scroll_into_view_if_needed()
    box = sheet.bounding_box()
    assert box
    corners = [(0.3, 0.2), (0.7, 0.2), (0.45, 0.85)]
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=10)
    page.mouse.up()
    page.get_by_text("To · drawn").wait_for()
    quiet(page)
    assert pictures(page)[8] != before[8]


def test_what_is_taken_along_is_what_is_shown(page: Page, address: str) -> None:
    from PIL import Image

    show(page, f"{address}/interpolate?run={RESTORE}&ends=2")
    for name, kind in (("PNG", "PNG"), ("GIF", "GIF")):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        file = Image.open(io.BytesIO(Path(download.value.path()).read_bytes()))
        assert file.format == kind
        assert kind == "PNG" or file.n_frames > 30


def test_the_rows_are_walked_by_keys_and_play_is_calm_when_asked(browser: Browser, address: str) -> None:
    page = browser.new_page(reduced_motion="reduce")
    panel = show(page, f"{address}/interpolate?run={RESTORE}")
    slider = panel.get_by_role("slider")
    slider.focus()
    page.keyboard.press("End")
    page.wait_for_url(re.compile(r"t=1\.5"))
    before = quiet(page)
    page.keyboard.press("Home")
    page.wait_for_url(re.compile(r"t=-0\.5"))
    assert quiet(page) > before
    play = panel.get_by_role("button", name="Play")
    play.focus()
    before = frames(page)
    page.keyboard.press("Enter")
    page.wait_for_timeout(3_000)
    page.keyboard.press("Enter")
    assert 1 <= frames(page) - before <= 8
    page.close()


def test_four_corners_make_a_patch(page: Page, address: str) -> None:
    panel = show(page, f"{address}/interpolate?run={RESTORE}&ends=4")
    before = pictures(page)
    assert len(before) == 9 * 5 + 2
    panel.get_by_role("radio", name="slerp").click()
    quiet(page)
    assert pictures(page) != before
    page.get_by_role("button", name="shuffle").nth(3).click()
    page.wait_for_function("() => new URLSearchParams(location.search).get('to') !== '1,2,3'")
    assert page.get_by_test_id("stException").count() == 0


def test_draws_follow_seed_and_temperature(page: Page, address: str) -> None:
    panel = show(page, f"{address}/generate?run={PLANE}")
    before = pictures(page)
    panel.get_by_role("button", name="Draw again").click()
    page.wait_for_url(re.compile("seed=1"))
    assert pictures(page) != before
    drag(page, panel.get_by_role("slider"), 0.5, 0.03)
    cold = pictures(page)
    page.mouse.up()
    page.wait_for_url(re.compile(r"temperature=0"))
    assert len(set(cold)) < len(set(before)), "cold draws are no more alike"


def test_one_number_moves_the_picture_and_another_sample_brings_its_own(page: Page, address: str) -> None:
    panel = show(page, f"{address}/generate?run={PLANE}&view=Sliders&sample=4")
    before = pictures(page)
    slider = panel.get_by_role("slider").first
    at = slider.input_value()
    slider.focus()
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    quiet(page)
    assert slider.input_value() != at and pictures(page)[0] != before[0]
    page.get_by_role("button", name="shuffle").click()
    page.wait_for_function("() => new URLSearchParams(location.search).get('sample') !== '4'")
    quiet(page)
    other = pictures(page)[0]
    page.reload()
    page.wait_for_selector(f'{PANEL}:not([data-frames="0"])')
    quiet(page)
    assert pictures(page)[0] == other, "the sample was shown with the numbers of the one before"


@pytest.mark.parametrize(
    "path",
    [f"interpolate?run={PLANE}", f"interpolate?run={RESTORE}&ends=4", f"generate?run={RESTORE}",
     f"generate?run={RESTORE}&view=Traverse", f"generate?run={RESTORE}&view=Sliders", f"generate?run={PLANE}&view=Grid",
     f"generate?run={RESTORE}&view=Attributes"],
)  # fmt: skip
def test_a_phone_shows_everything_without_scrolling_sideways(browser: Browser, address: str, path: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    panel = show(page, f"{address}/{path}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    right = max(box["x"] + box["width"] for box in (e.bounding_box() for e in panel.locator("> *").all()) if box)
    assert right <= 390
    page.close()


def test_on_a_phone_the_slider_stays_in_reach(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    panel = show(page, f"{address}/interpolate?run={RESTORE}")
    slider = panel.get_by_role("slider")
    page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, 1000)")
    page.wait_for_timeout(300)
    box = slider.bounding_box()
    assert box and 0 < box["y"] < 300
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "path", [f"interpolate?run={PLANE}", f"interpolate?run={RESTORE}&ends=4", f"generate?run={RESTORE}&view=Sliders"]
)
def test_axe_finds_nothing_serious(browser: Browser, address: str, path: str, scheme: str) -> None:
    source = axe()
    page = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    show(page, f"{address}/{path}")
    page.evaluate(source)
    rules = page.evaluate(AXE)["violations"]
    grave = [
        f"{rule['id']}: {node['failureSummary']}"
        for rule in rules if rule["impact"] in ("serious", "critical") for node in rule["nodes"]
    ]  # fmt: skip
    page.close()
    assert not grave, "\n".join(grave)
