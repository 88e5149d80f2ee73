"""The live workbenches as people meet them: pretrained models in a real browser, by pointer, keys, finger and pen."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from browser import ROOT, chromium, served
from test_live_browser import DRAW, PAD, PANEL, WATCH, drag, frames, report, settle

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
HOME, CORRUPTION = "/?run=mnist-vae-2d", "/corruption?run=digits-dae"
SIXTEEN = f"{CORRUPTION}&samples=any"

# A seven as a hand drew it, in shares of the sheet.
SEVEN = [
    (0.24, 0.23), (0.31, 0.22), (0.40, 0.22), (0.50, 0.21), (0.60, 0.21), (0.69, 0.21), (0.76, 0.23), (0.74, 0.30),
    (0.70, 0.38), (0.65, 0.47), (0.60, 0.57), (0.56, 0.66), (0.52, 0.75), (0.49, 0.82), (0.47, 0.87),
]  # fmt: skip

# The list of pages at the left is Streamlit's own markup: groups between a list and its items.
AXE = "axe.run({exclude: [['[data-testid=stSidebarNav]']]}, {resultTypes: ['violations']})"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("live") / "home") as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    found = browser.new_page(viewport=DESK)  # type: ignore[arg-type]
    found.set_default_timeout(30_000)
    yield found
    found.close()


def show(page: Page, url: str, root: str) -> None:
    page.goto(url)
    page.wait_for_selector(f'{root}:not([data-frames="0"])')
    # the page's foot comes last
    page.get_by_role("button", name="Copy as Python").wait_for()
    settle(page, root)


def stroke(page: Page, points: list[tuple[float, float]]) -> None:
    sheet = page.locator(".live-sheet").bounding_box()
    assert sheet
    places = [(sheet["x"] + sheet["width"] * x, sheet["y"] + sheet["height"] * y) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=2)
    page.mouse.up()


def point_of(url: str) -> list[float]:
    return [float(part) for part in parse_qs(urlsplit(url).query).get("z", ["0,0"])[0].split(",")]


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is there."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"no Tab reaches {selector}")


def test_home_is_alive_and_every_move_draws_another_frame(page: Page, address: str) -> None:
    show(page, address + HOME, PAD)
    box = page.locator(".live-plane").bounding_box()
    assert box
    for _ in range(3):  # a machine that does something else at the moment may be late once
        page.evaluate(WATCH, PAD)
        before = settle(page, PAD)
        drag(page, box, lambda t: (0.5 + 0.4 * t * math.cos(9 * t), 0.5 + 0.4 * t * math.sin(9 * t)))
        drawn = settle(page, PAD) - before
        report("home", page.evaluate("window.seen"), drawn)
        if drawn >= 145:
            break
    assert drawn >= 145
    assert page.evaluate("window.pictures.size") > 100


def test_the_level_follows_the_finger_with_sixteen_samples(page: Page, address: str) -> None:
    show(page, address + SIXTEEN, PANEL)
    assert page.locator(f"{PANEL} canvas.live-tile").count() == 16 * 5
    slider = page.get_by_role("slider", name="tested at")
    box = slider.bounding_box()
    assert box
    for _ in range(3):
        page.mouse.move(box["x"] + 14, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.evaluate(WATCH, PANEL)
        before = settle(page, PANEL)
        drag(page, box, lambda t: (0.02 + 0.96 * t, 0.5))
        drawn = settle(page, PANEL) - before
        page.mouse.up()
        report("corruption", page.evaluate("window.seen"), drawn)
        if drawn >= 143:
            break
    assert drawn >= 143
    page.wait_for_url(re.compile(rf"level={slider.input_value()}"))


def test_a_drawn_seven_lands_among_the_sevens_and_can_be_corrupted(page: Page, address: str) -> None:
    show(page, address + HOME, PAD)
    before = frames(page, PAD)
    stroke(page, SEVEN)
    page.wait_for_selector(f'{DRAW}:not([data-frames="0"])')
    page.get_by_text("among the 7s").wait_for()
    assert settle(page, PAD) > before, "the plane did not go where the drawing lies"
    assert page.locator(f"{DRAW} .live-status").inner_text().strip().endswith("on the data")
    names = page.locator(".live-near canvas").evaluate_all("all => all.map(c => c.getAttribute('aria-label'))")
    assert len(names) == 6 and sum(name.endswith(", 7") for name in names) >= 4
    shown = [float(part) for part in re.findall(r"-?\d+\.\d+", page.locator(".live-z").inner_text().replace("−", "-"))]
    page.wait_for_url(lambda url: point_of(url) == pytest.approx(shown, abs=0.006))

    page.get_by_role("link", name="Corrupt and restore").click()
    page.wait_for_selector(f'{PANEL}:not([data-frames="0"])')
    page.get_by_text("your drawing").wait_for()
    assert page.locator(f'{PANEL} canvas[aria-label^="your drawing"]').count() == 8


def test_home_by_keys_alone(page: Page, address: str) -> None:
    show(page, address + HOME, PAD)
    link = page.url
    tab_to(page, ".live-plane")
    before = frames(page, PAD)
    for key in ("ArrowRight", "ArrowUp", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    assert settle(page, PAD) > before
    page.wait_for_url(lambda url: url != link and "sample=" in url)
    tab_to(page, "a[href*='corruption']")
    page.keyboard.press("Enter")
    page.wait_for_selector(f'{PANEL}:not([data-frames="0"])')


def test_corruption_by_keys_alone(page: Page, address: str) -> None:
    show(page, address + CORRUPTION, PANEL)
    tab_to(page, "[role=radio]")
    page.keyboard.press("ArrowRight")
    page.get_by_text("it has never seen salt and pepper").wait_for()
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


def test_the_level_changes_and_the_pattern_does_not(page: Page, address: str) -> None:
    """Whatever masking hides at a level it hides at every higher one: what is left is a subset of what was."""
    show(page, f"{address}{CORRUPTION}&kind=masking&level=0.2", PANEL)
    left = []
    for _ in range(2):
        left.append(
            page.locator(f'{PANEL} canvas[aria-label^="corrupted"]').first.evaluate(
                "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data].filter((_, i) => i % 4 === 0)"
            )
        )
        slider = page.get_by_role("slider", name="tested at")
        slider.focus()
        for _ in range(30):
            slider.press("ArrowRight")
        settle(page, PANEL)
    before, after = ([value < 255 for value in pixels] for pixels in left)
    assert 0 < sum(after) < sum(before)
    assert all(was for was, still in zip(before, after, strict=True) if still)


@pytest.mark.parametrize(("where", "root"), [(HOME, PAD), (CORRUPTION, PANEL)], ids=["home", "corruption"])
def test_by_finger_on_a_phone(browser: Browser, address: str, where: str, root: str) -> None:
    context = browser.new_context(
        viewport=PHONE,  # type: ignore[arg-type]
        has_touch=True, is_mobile=True, color_scheme="dark", reduced_motion="reduce",
    )  # fmt: skip
    page = context.new_page()
    page.set_default_timeout(30_000)
    show(page, address + where, root)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    before = frames(page, root)
    target = page.locator(".live-plane" if root == PAD else ".live-range")
    target.scroll_into_view_if_needed()
    box = target.bounding_box()
    assert box
    page.touchscreen.tap(box["x"] + 0.8 * box["width"], box["y"] + 0.5 * box["height"])
    page.wait_for_function(f"Number(document.querySelector('{root}').dataset.frames) > {before}")
    context.close()


def axe() -> str:
    """The source of axe-core, from a node_modules of this project or of NODE_PATH; the test is skipped without."""
    places = [ROOT / "node_modules", *map(Path, filter(None, os.environ.get("NODE_PATH", "").split(os.pathsep)))]
    found = next((path for place in places if (path := place / "axe-core" / "axe.min.js").is_file()), None)
    if found is None:
        pytest.skip("axe-core is not installed (npm install --no-save axe-core)")
    return found.read_text("utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("where", "root"), [(HOME, PAD), (CORRUPTION, PANEL)], ids=["home", "corruption"])
def test_axe_finds_nothing_serious(browser: Browser, address: str, where: str, root: str, scheme: str) -> None:
    source = axe()
    page = browser.new_page(viewport=DESK, color_scheme=scheme)  # type: ignore[arg-type]
    page.set_default_timeout(30_000)
    show(page, address + where, root)
    page.evaluate(source)
    found = page.evaluate(AXE)["violations"]
    grave = [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found if rule["impact"] in ("serious", "critical") for node in rule["nodes"]
    ]  # fmt: skip
    page.close()
    assert not grave, "\n".join(grave)
