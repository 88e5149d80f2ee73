"""What all tests share: a home of their own, one thread, and a tiny dataset of each modality."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from xdist.scheduler import LoadFileScheduling

from aeexplorer.data import Dataset, DataSpec, Split, as_uint8

# tests keep all cores busy, and wait for workers; each that is held ready has imported for seconds
os.environ |= {"AEEXPLORER_WORKER_PRIORITY": "normal", "AEEXPLORER_WORKERS": "1", "AEEXPLORER_SHORT_WORKERS": "0"}

if TYPE_CHECKING:
    from live_driver import NewPage
    from playwright.sync_api import Browser, Page


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What drives the browser comes first, then files with the most tests that take long, so that no worker is left
    with one when the others have ended."""
    with_browser = {item.path for item in items if item.get_closest_marker("browser")}
    # what drives the browser keeps an event loop, beside which no test could have its own
    if mixed := with_browser & {item.path for item in items if not item.get_closest_marker("browser")}:
        names = ", ".join(sorted(path.name for path in mixed))
        raise pytest.UsageError(f"tests that drive the browser need a file of their own: {names}")
    long = Counter(item.path for item in items if item.get_closest_marker("long"))
    items.sort(key=lambda item: (item.path not in with_browser, -long[item.path]))


class BrowserTogether(LoadFileScheduling):
    """A file stays on one worker. So does all that drives the browser where there are few workers, because one app and
    one browser that have seen every page take less time than two of each."""

    def _split_scope(self, nodeid: str) -> str:
        path = super()._split_scope(nodeid)
        return "browser" if self.numnodes < 4 and "test_browser" in path else path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    return BrowserTogether(config, log)


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the small runs of `live_runs`: trained once a session, copied by each worker for itself."""
    from filelock import FileLock
    from live_runs import train_into

    own = tmp_path_factory.getbasetemp()
    trained = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "trained"
    with FileLock(trained.with_suffix(".lock")):
        if not trained.exists():
            train_into(own / "training").rename(trained)
    return shutil.copytree(trained, own / "home")


@pytest.fixture(scope="session")
def app_address(trained_home: Path) -> Iterator[str]:
    """The running app, one for all browser tests; its home is `trained_home`."""
    from browser import served

    with served(trained_home) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from browser import chromium

    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def idle_tabs() -> dict[str, list[Page]]:
    """Those of each kind of device that no test looks at: a tab that has shown the app shows it again in half the
    time."""
    return {}


@pytest.fixture
def new_page(browser: Browser, idle_tabs: dict[str, list[Page]]) -> Iterator[NewPage]:
    """Opens a page on a device, a desk where nothing else is said; cookies and storage are those of the test alone."""
    opened: list[tuple[str, Page]] = []

    def open_page(**device: Any) -> Page:
        idle = idle_tabs.setdefault(str(device), [])
        page = idle.pop() if idle else _new_tab(browser, **device)
        opened.append((str(device), page))
        return page

    yield open_page
    for device, page in opened:
        if page.url.startswith("http"):
            page.evaluate("localStorage.clear(); sessionStorage.clear()")
        page.context.clear_cookies()
        page.goto("about:blank")
        idle_tabs[device].append(page)


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """A page of a desk's size."""
    return new_page()


@pytest.fixture
def own_tab(browser: Browser) -> Iterator[Page]:
    """A page of a desk's size for a test that changes what tabs load or how time goes there."""
    page = _new_tab(browser)
    yield page
    page.context.close()


def _new_tab(browser: Browser, **device: Any) -> Page:
    from live_driver import COUNT_WAITING, DESK
    from waiting import PATIENCE

    context = browser.new_context(**{"viewport": DESK} | device)
    context.add_init_script(COUNT_WAITING)
    context.set_default_timeout(1000 * PATIENCE)
    return context.new_page()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty `AEEXPLORER_HOME`, not yet made, on a disk that is not waited for: no test pulls the plug."""
    path = tmp_path / "home"
    monkeypatch.setenv("AEEXPLORER_HOME", str(path))
    monkeypatch.setattr(os, "fsync", lambda file: None)
    return path


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody works on what is asked for: jobs stay in the queue."""
    for module in ("queue", "supervisor"):
        monkeypatch.setattr(f"aeexplorer.jobs.{module}.supervise", lambda: SimpleNamespace(wake=lambda: None))


@pytest.fixture(autouse=True)
def no_supervisor() -> Iterator[None]:
    """What a test started looks after its home no longer when the home is gone."""
    yield
    if "aeexplorer.jobs.supervisor" in sys.modules:
        sys.modules["aeexplorer.jobs.supervisor"].stop_supervising()


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Torch on one thread, as the loop trains, so that tests side by side do not slow each other down."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


SPECS = {
    "grey": DataSpec(
        name="tiny-grey", title="Tiny pictures", kind="image", shape=(8, 8), value_range=(0.0, 1.0), classes=("a", "b")
    ),
    "colour": DataSpec(
        name="tiny-colour", title="Tiny colour pictures", kind="image", shape=(9, 7, 3), value_range=(0.0, 1.0)
    ),
    "sequence": DataSpec(name="tiny-sequence", title="Tiny sequences", kind="sequence", shape=(20,)),
    "vector": DataSpec(name="tiny-vector", title="Tiny table", kind="vector", shape=(5,)),
}


@functools.cache
def _tiny(modality: str) -> Dataset:
    """24 + 12 + 12 samples of a random low-dimensional pattern, two classes; pictures are nearly black and white."""
    spec = SPECS[modality]
    random = np.random.default_rng(7)
    y = np.arange(48) % 2
    causes = np.concatenate([random.standard_normal((48, 2)), 2 * y[:, None] - 1], axis=1)
    x = (causes @ random.standard_normal((3, spec.size))).reshape(48, *spec.shape)
    x = as_uint8(1 / (1 + np.exp(-6 * x))) if spec.kind == "image" else x.astype(np.float32)
    cut = np.split(np.arange(48), (24, 36))
    return Dataset(spec, *(Split(x[i], y[i]) for i in cut))


@pytest.fixture
def tiny() -> Callable[[str], Dataset]:
    """The tiny dataset of a modality: "grey" (8, 8), "colour" (9, 7, 3), "sequence" (20,) or "vector" (5,)."""
    return _tiny
