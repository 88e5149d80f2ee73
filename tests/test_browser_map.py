"""Maps under a pointer, keys and fingers, in a real browser."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from live_driver import INK, PHONE, box_of, refreshed, settle, show
from live_runs import RESTORE

if TYPE_CHECKING:
    from live_driver import NewPage
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser

MAP = '[data-testid="latent-map"]'
MARKUP = "<img src=x onerror='window.ran = 1'><b>horse</b>"
FLAT = f"/map?run={RESTORE}&maps=pca,axis"


def stages(page: Page) -> list[Locator]:
    return page.locator(".live-map-stage").all()


def over_a_point(page: Page, number: int = 0) -> tuple[float, float]:
    """Move over one map until a picture appears; the place where it did."""
    box, tip = box_of(stages(page)[number]), page.locator(".live-map-tip").nth(number)
    for x, y in itertools.product((0.5, 0.4, 0.6, 0.3, 0.7), (0.5, 0.45, 0.55, 0.35, 0.65)):
        at = box["x"] + box["width"] * x, box["y"] + box["height"] * y
        page.mouse.move(*at)
        settle(page, MAP)
        if tip.is_visible():
            return at
    raise AssertionError("no point under the pointer anywhere")


def lasso(page: Page, number: int = 0, release: bool = True) -> None:
    box = box_of(stages(page)[number])
    corners = [(0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7)]
    places = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=6)
    if release:
        page.mouse.up()


def test_hover_shows_the_sample_and_its_reconstruction(page: Page, app_address: str) -> None:
    show(page, app_address + FLAT, MAP)
    over_a_point(page)
    tip, box, seen = page.locator(".live-map-tip").first, box_of(stages(page)[0]), {}
    for i in range(15):
        page.mouse.move(box["x"] + box["width"] * (0.3 + 0.026 * i), box["y"] + box["height"] * 0.5)
        settle(page, MAP)
        if tip.is_visible():
            seen[tip.get_attribute("data-index")] = [
                int(canvas.evaluate(INK)) for canvas in tip.locator("canvas").all()
            ]
    assert len(seen) > 2
    assert len({samples for samples, _ in seen.values()}) == len(seen)
    assert all(sample != restored for sample, restored in seen.values())


def test_a_lasso_marks_the_same_samples_in_the_other_map_and_in_the_table(page: Page, app_address: str) -> None:
    show(page, app_address + FLAT, MAP)
    before = [int(stage.locator("canvas").first.evaluate(INK)) for stage in stages(page)]
    lasso(page, release=False)
    refreshed(page, 3)
    marks = [other.get_attribute("data-marked") for other in page.locator(MAP).all()]
    assert marks[0] and marks[0] == marks[1], "the other map waits for the release"
    page.mouse.up()
    page.get_by_text("class purity").wait_for()
    settle(page, MAP)
    said = page.locator(f"{MAP} [role=status]").first.inner_text()
    assert said.endswith("samples selected")
    assert page.locator(".ae-figures b").filter(has_text=said.split()[0]).count()
    after = [int(stage.locator("canvas").first.evaluate(INK)) for stage in stages(page)]
    assert before[0] != after[0] and before[1] != after[1]
    page.get_by_role("button", name="Clear", exact=True).click()
    page.get_by_text("Nothing is selected").first.wait_for()
    settle(page, MAP)
    assert [int(stage.locator("canvas").first.evaluate(INK)) for stage in stages(page)] == before


def test_settings_begin_with_the_values_in_force(page: Page, app_address: str) -> None:
    show(page, f"{app_address}/map?run={RESTORE}&maps=pca,tsne&perplexity=12&density=1", MAP)
    for pointer in ("Decode", "Select"):
        page.get_by_role("radio", name=pointer, exact=True).click()
        settle(page, MAP)
    page.get_by_role("button", name="Settings").click()
    assert page.get_by_role("spinbutton", name="Perplexity").input_value() == "12"
    page.get_by_role("spinbutton", name="Seed").fill("3")
    page.get_by_role("spinbutton", name="Seed").press("Enter")
    page.wait_for_url("**seed=3**")
    assert "perplexity=12" in page.url and "density=1" in page.url


def test_a_map_in_space_says_how_to_turn_it(page: Page, app_address: str) -> None:
    show(page, f"{app_address}{FLAT}&d=3", MAP)
    assert page.locator(".live-map-hint").first.inner_text() == "Drag to turn, scroll to zoom"
    name = stages(page)[0].get_attribute("aria-label") or ""
    assert name.startswith("PCA map of ") and "in 3 dimensions, coloured by class" in name


@pytest.mark.parametrize("d", [2, 3])
def test_a_click_picks_in_two_and_three_dimensions(page: Page, app_address: str, d: int) -> None:
    show(page, f"{app_address}{FLAT}&d={d}&sample=269", MAP)
    page.mouse.click(*over_a_point(page, 1))
    place = page.locator(".live-map-tip").nth(1).get_attribute("data-index")
    page.get_by_text(f"Picked: #{place}").wait_for()
    assert f"sample={place}" in page.url


def test_arrow_keys_walk_from_point_to_point_and_say_where(page: Page, app_address: str) -> None:
    show(page, app_address + FLAT, MAP)
    stages(page)[0].focus()
    said = page.locator(f"{MAP} [role=status]").first
    heard = set()
    for key in ("ArrowRight", "ArrowUp", "ArrowLeft", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
        heard.add(said.inner_text())
    assert len(heard) > 2 and all(text.startswith("sample ") for text in heard)
    page.keyboard.press("Enter")
    place = said.inner_text().split()[2].rstrip(",")
    page.get_by_text(f"Picked: #{place}").wait_for()


def test_a_place_is_decoded_under_the_pointer(page: Page, app_address: str) -> None:
    show(page, app_address + FLAT + "&pointer=decode", MAP)
    box = box_of(stages(page)[0])
    tip, seen = page.locator(".live-map-tip").first, set()
    for i in range(6):
        page.mouse.move(box["x"] + box["width"] * (0.2 + 0.1 * i), box["y"] + box["height"] * 0.5)
        settle(page, MAP)
        seen.add(int(tip.locator("canvas").first.evaluate(INK)))
    assert len(seen) > 3
    assert "distance to nearest code: " in tip.inner_text()
    page.mouse.down()
    page.mouse.up()
    page.get_by_text("on PCA, decoded exactly").wait_for()


def test_what_was_decoded_leaves_the_map_when_the_pointer_selects_again(page: Page, app_address: str) -> None:
    show(page, app_address + FLAT + "&pointer=decode", MAP)
    box, tip = box_of(stages(page)[0]), page.locator(".live-map-tip").first
    overlay = stages(page)[0].locator("canvas").nth(1)
    before = int(overlay.evaluate(INK))
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.5)
    tip.locator("canvas").first.wait_for()
    assert int(overlay.evaluate(INK)) != before
    page.get_by_role("radio", name="Select").or_(page.get_by_role("button", name="Select")).first.click()
    tip.wait_for(state="hidden")
    settle(page, MAP)
    assert int(overlay.evaluate(INK)) == before


# A map of its own, with data as the page sends it: it goes from two to three dimensions while its points still travel.
TURNED_WHILE_TRAVELLING = """async () => {
  const address = performance.getEntriesByType('resource').map(({name}) => name).find((name) => /latent_map\\.js$/.test(name));
  const render = (await import(address)).default;
  const text = (values) => btoa(String.fromCharCode(...new Uint8Array(values.buffer)));
  const place = document.createElement('div');
  document.body.append(place);
  const show = (components, ...points) => render({
    parentElement: place, setStateValue() {}, setTriggerValue() {},
    data: {
      run: 'none', points: text(Float32Array.from(points)), components, index: text(Int32Array.from([0, 1])), values: null,
      categories: [], colours: [], muted: '#cccccc', colour_label: '', title: '', axes: ['x', 'y', 'z'], group: 'alone', map_id: null, ghost: null,
      placed: [], selected: [], picked: null, mode: 'select', density: false, pictures: false, height: 200, label: '', heard: 0,
    },
  });
  const rest = (frames) => new Promise((done) => {
    const step = (left) => (left ? requestAnimationFrame(() => step(left - 1)) : done());
    step(frames);
  });
  show(2, 0, 0, 1, 1);
  await rest(4);
  show(2, 5, 5, 1, 1);
  await rest(2);
  const destroy = show(3, 0, 0, 0, 1, 1, 1);
  await rest(4);
  destroy();
  place.remove();
}"""


def test_a_map_whose_points_travel_can_change_its_dimensions(page: Page, app_address: str) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    show(page, app_address + FLAT, MAP)
    page.evaluate(TURNED_WHILE_TRAVELLING)
    assert not errors


@pytest.fixture
def rude(trained_home: Path) -> str:
    """A run like `RESTORE` whose classes are all named by markup."""
    folder = trained_home / "runs" / "rude"
    if not folder.exists():
        shutil.copytree(trained_home / "runs" / RESTORE, folder)
        spec = json.loads((folder / "spec.json").read_text("utf-8"))
        spec["id"] = "rude"
        spec["data"]["classes"] = [f"{MARKUP}{i}" for i in range(10)]
        (folder / "spec.json").write_text(json.dumps(spec), "utf-8")
    return "rude"


def test_a_class_named_by_markup_is_text(page: Page, app_address: str, rude: str) -> None:
    show(page, f"{app_address}/map?run={rude}&maps=pca", MAP)
    named = page.locator(".live-map-legend button").first
    assert named.inner_text().startswith(MARKUP)
    over_a_point(page)
    assert MARKUP in page.locator(".live-map-tip").inner_text()
    assert page.locator(".live-map img, .live-map b").count() == 0
    assert page.evaluate("window.ran === undefined")
    box, legend = box_of(page.locator(MAP).first), box_of(named)
    assert legend["x"] + legend["width"] <= box["x"] + box["width"]


@pytest.fixture
def phone(new_page: NewPage) -> Page:
    return new_page(**PHONE)


def test_a_tap_picks_on_a_phone(phone: Page, app_address: str) -> None:
    show(phone, app_address + FLAT + "&sample=269", MAP)
    stage = stages(phone)[0]
    stage.scroll_into_view_if_needed()
    box = box_of(stage)
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    said = phone.locator(f"{MAP} [role=status]").first
    for x, y in itertools.product((0.5, 0.4, 0.6), (0.5, 0.4, 0.6)):
        phone.touchscreen.tap(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
        settle(phone, MAP)
        if said.inner_text().startswith("picked"):
            break
    place = said.inner_text().split()[2].rstrip(",")
    phone.get_by_text(f"Picked: #{place}").wait_for()


def test_fingers_scroll_past_a_map_until_two_of_them_have_magnified_it(phone: Page, app_address: str) -> None:
    show(phone, app_address + FLAT, MAP)
    stage, said = stages(phone)[0], phone.locator(f"{MAP} [role=status]").first
    stage.scroll_into_view_if_needed()
    hands = phone.context.new_cdp_session(phone)

    def touch(*moments: list[tuple[float, float]]) -> None:
        """Fingers that come down at the first places, move to the others, and leave."""
        kinds = ["touchStart", *["touchMove"] * (len(moments) - 1), "touchEnd"]
        for kind, places in zip(kinds, [*moments, []], strict=True):
            fingers = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(places)]
            hands.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})
            refreshed(phone, 2)
        settle(phone, MAP)

    def swipe() -> float:
        """How far the map itself moves on the page under one finger that goes up."""
        before = box_of(stage)
        x, y = before["x"] + before["width"] / 2, before["y"] + before["height"] / 2
        touch(*([(x, y - 12 * i)] for i in range(12)))
        return before["y"] - box_of(stage)["y"]

    assert swipe() > 60
    assert not said.inner_text()
    before = int(stage.locator("canvas").first.evaluate(INK))
    box = box_of(stage)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch(*([(x - 20 - 10 * i, y), (x + 20 + 10 * i, y)] for i in range(7)))
    magnified = int(stage.locator("canvas").first.evaluate(INK))
    assert magnified != before
    assert abs(swipe()) < 5
    assert int(stage.locator("canvas").first.evaluate(INK)) not in (before, magnified)
