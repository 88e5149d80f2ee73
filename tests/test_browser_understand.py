"""The pages that explain and compare, light on a desk and dark on a phone: nothing grave by axe-core, nothing cut, and
terms that explain themselves by keyboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from live_driver import PHONE, grave_findings, tab_to

if TYPE_CHECKING:
    from live_driver import NewPage
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

PAGES = ("start", "families", "glossary", "compare", "failures", "overfitting")
READY = '[data-test-script-state="notRunning"] h1'


@pytest.mark.parametrize("path", PAGES)
def test_nothing_grave_and_nothing_cut(new_page: NewPage, app_address: str, path: str) -> None:
    for device in ({"color_scheme": "light"}, {**PHONE, "color_scheme": "dark"}):
        page = new_page(**device)
        page.goto(f"{app_address}/{path}")
        page.wait_for_selector(READY)
        page.wait_for_timeout(1500)
        assert page.locator('[data-testid="stException"]').count() == 0
        width = page.viewport_size["width"] if page.viewport_size else 0
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        grave = grave_findings(page)
        assert not grave, "\n".join(grave)


def test_a_term_explains_itself_to_the_keyboard(page: Page, app_address: str) -> None:
    page.goto(f"{app_address}/start")
    page.wait_for_selector(READY)
    tab_to(page, ".ae-term")
    about = page.locator(".ae-term:focus > .ae-about")
    assert about.is_visible() and len(about.inner_text()) > 20
