"""Back: it undoes a choice or leaves the page, and never stops at what a slider went through."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from live_driver import PANEL, drawn, settle, show, slide
from live_runs import PLANE

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def go_to(page: Page, name: str, root: str = PANEL) -> None:
    page.get_by_role("link", name=name, exact=True).first.click()
    page.wait_for_url(re.compile(rf"/{name.lower()}\?.*run="))
    drawn(page, root)


def test_the_model_stays_from_page_to_page(page: Page, app_address: str) -> None:
    show(page, f"{app_address}/interpolate?run={PLANE}")
    for name in ("Generate", "Interpolate"):
        go_to(page, name)
        assert f"run={PLANE}" in page.url, name


def entries(page: Page) -> int:
    return int(page.evaluate("history.length"))


def test_a_page_is_one_entry_and_a_slider_none(page: Page, app_address: str) -> None:
    page.goto(f"{app_address}/data?dataset=wine")
    page.get_by_role("combobox").first.wait_for()
    before = entries(page)
    go_to(page, "Interpolate")
    assert entries(page) == before + 1
    slide(page, page.locator(PANEL).get_by_role("slider").first, 0.5, 0.8, moves=20)
    page.mouse.up()
    settle(page)
    page.wait_for_url(re.compile(r"t=0\.[6-9]|t=1"))
    go_to(page, "Generate")
    assert entries(page) == before + 2
    page.go_back()
    page.wait_for_url(re.compile(r"/interpolate\?.*t=(0\.[6-9]|1)"))
    drawn(page)
    page.go_back()
    page.wait_for_url(re.compile(r"/data\?dataset=wine$"))


def test_back_undoes_the_choice_of_a_model(page: Page, app_address: str) -> None:
    page.goto(f"{app_address}/data?dataset=wine")
    page.get_by_role("combobox").first.wait_for()
    show(page, f"{app_address}/interpolate?run={PLANE}")
    chosen = page.locator(".st-key-run").get_by_role("combobox")
    chosen.click()
    page.get_by_role("option").filter(has_not_text="2-D").first.click()
    page.wait_for_url(lambda url: f"run={PLANE}" not in url)
    drawn(page)
    other = page.url
    page.go_back()
    page.wait_for_url(re.compile(rf"run={PLANE}"))
    drawn(page)
    page.go_forward()
    page.wait_for_url(lambda url: f"run={PLANE}" not in url)
    drawn(page)
    assert page.url == other
    page.go_back()
    page.wait_for_url(re.compile(rf"run={PLANE}"))
    page.go_back()
    page.wait_for_url(re.compile(r"/data\?dataset=wine$"))
