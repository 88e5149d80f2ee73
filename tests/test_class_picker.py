"""A class is chosen once and bound for every page and scene of a conditional model."""

from __future__ import annotations

import numpy as np
import pytest
from page_driver import alone, open_page, said, trained

from aeexplorer.config import ConfigError
from aeexplorer.live.frame import tiles
from aeexplorer.live.open_runs import OPEN_RUNS, find_open_run
from aeexplorer.live.scenes import render

__all__ = ["alone"]

PAGES = ("home", "interpolate", "corruption", "generate", "reconstruct", "latent_map")


def test_a_scene_decodes_for_the_class_in_the_name() -> None:
    run = trained("cvae", latent_dim=2)
    z = [[0.0, 0.0]]
    shown = {label: render("decode", {"run": f"{run.id}@{label}", "z": z}).arrays["tiles"] for label in (3, 8)}
    for label, picture in shown.items():
        opened = find_open_run(f"{run.id}@{label}")
        np.testing.assert_array_equal(picture, tiles(opened.explorer.decode(np.zeros((1, 2))), opened.spec))
        assert opened.explorer.label == label and opened is find_open_run(f"{run.id}@{label}")
    assert (shown[3] != shown[8]).any()
    assert OPEN_RUNS.is_open(f"{run.id}@3", find_open_run(f"{run.id}@3"))
    for name, reason in (
        (f"{run.id}@10", "label must be one of"),
        (f"{run.id}@x", "the class of a run must be a number"),
        (f"{run.id}@-1", "the class of a run must be a number"),
    ):
        with pytest.raises(ConfigError, match=reason):
            find_open_run(name)
    plain = trained("vae", latent_dim=2)
    with pytest.raises(ConfigError, match="family must take a label"):
        find_open_run(f"{plain.id}@1")


@pytest.mark.parametrize("page", PAGES)
def test_every_page_that_decodes_has_one_box_of_classes(page: str) -> None:
    run = trained("cvae", latent_dim=2, corruption="gaussian")
    app = open_page(page, run=run.id, **{"class": "4"})
    assert not app.exception, app.exception
    boxes = [box for box in app.selectbox if box.key == "class"]
    assert [box.value for box in boxes] == [4]
    boxes[0].set_value(7).run()
    assert not app.exception and app.query_params["class"] in ("7", ["7"])
    assert "cannot" not in said(app)


def test_other_models_have_no_such_box() -> None:
    run = trained("vae", latent_dim=2)
    assert not [box for box in open_page("generate", run=run.id).selectbox if box.key == "class"]
