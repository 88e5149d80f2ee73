"""The pages that explain, compare and apply, light on a desk and then dark and narrow: nothing grave by axe-core, nothing
cut, and terms that explain themselves by keyboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from live_driver import PHONE, RESTS, grave_findings, tab_to, walk_on

if TYPE_CHECKING:
    from live_driver import NewPage
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

PAGES = (
    "start", "families", "glossary", "compare", "compare?view=Maps", "compare?view=Table", "failures", "overfitting",
    "runs", "anomalies", "restore", "few-labels", "compression", "disentanglement", "generate-to-order", "units",
)  # fmt: skip
# Over a few pictures of the screen, nothing was waited for and nothing faded: colours half-way are of no theme.
RESTED = f"""() => {{
  const {{waiting}} = window, rests = {RESTS} && !waiting.replies && !waiting.acts.size
    && !document.querySelector('[data-stale="true"]')
    && !document.getAnimations().some(a => a instanceof CSSTransition && a.playState === 'running');
  waiting.rested = rests ? (waiting.rested ?? 0) + 1 : 0;
  return waiting.rested > 8 && !(waiting.rested = 0);
}}"""


def lasting_findings(page: Page) -> list[str]:
    """What axe-core finds grave, and still finds when what ran meanwhile has ended."""
    page.wait_for_function(RESTED)
    if not grave_findings(page):
        return []
    page.wait_for_function(RESTED)
    return grave_findings(page)


@pytest.mark.parametrize("look", [{"color_scheme": "light"}, {**PHONE, "color_scheme": "dark"}], ids=["desk", "phone"])
def test_nothing_grave_and_nothing_cut(
    new_page: NewPage, app_address: str, look: dict[str, Any], subtests: pytest.Subtests
) -> None:
    page = new_page(**look)
    for path in PAGES:
        with subtests.test(path):
            walk_on(page, f"{app_address}/{path}")
            assert not (grave := lasting_findings(page)), "\n".join(grave)
            assert page.locator('[data-testid="stException"]').count() == 0
            assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def test_a_term_explains_itself_to_the_keyboard(page: Page, app_address: str) -> None:
    walk_on(page, f"{app_address}/start")
    tab_to(page, ".ae-term")
    about = page.locator(".ae-term:focus > .ae-about")
    assert about.is_visible() and len(about.inner_text()) > 20
