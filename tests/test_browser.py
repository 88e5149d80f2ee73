"""The app as people meet it: train, watch, reload, scrub and open, in a real browser."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from live_runs import PLANE

from aeexplorer.runs.run import Run

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

LOSS = '[data-figure="Training loss"]'
A_NUMBER = f"() => /[0-9]/.test(document.querySelector('{LOSS}')?.textContent ?? '')"


@pytest.fixture(scope="module")
def app(app_address: str, trained_home: Path) -> Iterator[tuple[str, Path]]:
    """Address and home of the running app; workers that are left over are ended, and what they made is removed."""
    yield app_address, trained_home
    for path in (trained_home / "runs").glob("[0-9]*"):
        Run(path).request_cancel()
        shutil.rmtree(path, ignore_errors=True)


def loss(page: Page) -> float:
    page.wait_for_function(A_NUMBER)
    return float(page.locator(LOSS).inner_text())


def run_of(page: Page, home: Path) -> Run:
    return Run(home / "runs" / page.url.partition("job=")[2])


def begin(page: Page, app: tuple[str, Path], epochs: int) -> Run:
    """Start a training of an autoencoder on digits by a double click, and wait for its first loss."""
    address, home = app
    page.goto(f"{address}/train?dataset=digits&family=ae")
    field = page.get_by_role("textbox", name="Epochs")
    field.fill(str(epochs))
    field.press("Enter")
    page.get_by_text(f"{20 * epochs:,} steps").wait_for()
    page.get_by_role("button", name="Start training").dblclick()
    page.wait_for_url(re.compile(r"job="))
    page.wait_for_function(A_NUMBER)
    return Run(home / "runs" / page.url.partition("job=")[2])


def test_train_watch_reload_scrub_and_open(page: Page, app: tuple[str, Path]) -> None:
    run = begin(page, app, epochs=30)
    first = loss(page)
    assert [path.name for path in (app[1] / "runs").glob("[0-9]*")] == [run.path.name], "a double click made two runs"

    worker = run.status.pid
    page.reload()
    page.wait_for_function(A_NUMBER)
    assert run.status.pid == worker
    assert run_of(page, app[1]).path == run.path

    slider = page.get_by_role("slider", name="Epoch")
    slider.wait_for()
    # the slider is drawn before the numbers of the last epoch
    last = float(f"{sum(run.epochs()[-1]['train'].values()):.3g}")
    page.wait_for_function(f"last => Number(document.querySelector('{LOSS}')?.textContent) === last", arg=last)
    assert last <= first
    assert last < 0.8 * sum(run.epochs()[0]["train"].values())
    assert run.status.state == "done"
    assert len([e for e in run.events()[0] if e.get("type") == "start"]) == 1
    assert page.get_by_text("reconstruction", exact=True).is_visible()
    page.locator(".js-plotly-plot").nth(1).wait_for()

    slider.press("Home")
    page.wait_for_function(f"before => document.querySelector('{LOSS}').textContent !== before", arg=f"{last:.3g}")
    assert loss(page) == pytest.approx(sum(run.epochs()[0]["train"].values()), rel=0.01)

    page.get_by_role("link", name="Open its latent map").click()
    page.wait_for_url(re.compile(r"/map\?.*run="))
    page.get_by_text("PCA").locator("visible=true").first.wait_for()  # terms are explained in folded text too
    page.get_by_test_id("latent-map").locator("canvas").first.wait_for()
    assert page.get_by_test_id("stException").count() == 0


def test_stop_is_acknowledged_and_keeps_what_was_learned(page: Page, app: tuple[str, Path]) -> None:
    run = begin(page, app, epochs=2_000)
    page.get_by_text(re.compile(r"Epoch [2-9]")).first.wait_for()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("button", name="Continue").wait_for()
    assert run.status.state == "cancelled"
    assert run.load_model() is not None

    page.goto(f"{app[0]}/runs?run={run.path.name}")
    page.get_by_text(re.compile(r"Stopped · \d+ epochs?")).wait_for()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("The run is deleted.").wait_for()
    assert not run.path.exists()


def test_a_new_training_can_be_set_up_beside_a_finished_one(page: Page, app: tuple[str, Path]) -> None:
    page.goto(f"{app[0]}/train?job={PLANE}&epoch=2")
    page.get_by_role("link", name="Explore this model").wait_for()
    assert page.locator('[data-figure="Shown"]').inner_text() == "epoch 2"
    page.get_by_role("button", name="New training").click()
    page.get_by_role("button", name="Start training").wait_for()
    assert "job=" not in page.url


def test_the_epoch_of_the_replay_is_in_the_link(page: Page, app: tuple[str, Path]) -> None:
    page.goto(f"{app[0]}/train?job={PLANE}")
    page.get_by_role("slider", name="Epoch").press("Home")
    page.wait_for_url(re.compile(r"epoch=1\b"))
    assert f"job={PLANE}" in page.url


@pytest.mark.parametrize(
    ("label", "text", "sentence"),
    [
        ("Epochs", "0", "Epochs must be at least 1, got 0"),
        ("Epochs", "1e9", "Epochs must be at most 10000, got 1000000000"),
        ("Dropout", "2", "Dropout must be at most 0.9, got 2"),
        ("Learning rate", "2,5", "Learning rate must be at most 1, got 2.5"),
    ],
)
def test_a_browser_keeps_back_nothing_that_was_typed(
    page: Page, app: tuple[str, Path], label: str, text: str, sentence: str
) -> None:
    page.goto(f"{app[0]}/train?dataset=wine&family=ae")
    field = page.get_by_role("textbox", name=label, exact=True)
    page.locator("button:not([disabled])", has_text="Start training").wait_for()  # the fields have their values
    before = field.input_value()
    field.fill(text)
    field.press("Enter")
    page.get_by_text(sentence).wait_for()
    assert field.input_value() == text
    page.locator("button[disabled]", has_text="Start training").wait_for()
    field.fill(before)
    field.press("Enter")
    page.get_by_text(sentence).wait_for(state="detached")
    page.locator("button:not([disabled])", has_text="Start training").wait_for()


@pytest.mark.parametrize(
    ("address", "title"), [("", "Home"), ("train", "Train"), ("runs", "Runs"), ("map", "Latent map")]
)
def test_the_tab_bears_the_name_of_its_page(page: Page, app: tuple[str, Path], address: str, title: str) -> None:
    page.goto(f"{app[0]}/{address}")
    page.wait_for_function("title => document.title === title", arg=f"{title} · aeexplorer")
