"""Maps of one level of a hierarchical model: the codes, the jobs, the page, the places decoded, the command line."""

from __future__ import annotations

import json

import numpy as np
import pytest
from page_driver import alone, open_page, said, trained
from streamlit.testing.v1 import AppTest

import aeexplorer as ae
from aeexplorer.__main__ import main
from aeexplorer.config import ConfigError
from aeexplorer.jobs import find_map, submit_map
from aeexplorer.jobs.codes import codes_for_map
from aeexplorer.jobs.maps import MapJob, compute_map
from aeexplorer.live.map_cache import cached_map
from aeexplorer.live.scenes import render
from aeexplorer.runs.run import Run
from aeexplorer.ui.latent_map import panels

__all__ = ["alone"]

LEVELS = (1, 2, 4)


@pytest.fixture
def deep(idle: None) -> Run:
    """A model of three levels; nobody works on the jobs that are asked for."""
    run = trained("hvae", latent_dim=7, levels=3)
    assert ae.open_run(run).levels == LEVELS
    return run


def level_box(app: AppTest):
    return next((group for group in app.button_group if group.label == "Level"), None)


def test_codes_of_a_level_are_a_slice_of_the_whole(deep: Run) -> None:
    model = ae.open_run(deep)
    z, ends = deep.codes.z, np.cumsum((0, *LEVELS))
    for level in (1, 2, 3):
        found = codes_for_map(model, 100, level=level)
        np.testing.assert_array_equal(found.z, z[:100, ends[level - 1] : ends[level]])
        more = codes_for_map(model, 500, "train", level)
        np.testing.assert_array_equal(more.z, codes_for_map(model, 500, "train").z[:, ends[level - 1] : ends[level]])
    with pytest.raises(ConfigError, match=r"level must be between 0 \(all\) and 3, got 4"):
        codes_for_map(model, 100, level=4)


def test_a_part_is_completed_by_coarser_levels_of_another_code_and_means_of_the_finer_ones(deep: Run) -> None:
    model, z = ae.open_run(deep), deep.codes.z[:5]
    for level in (1, 2, 3):
        part = model.part(level)
        whole = model.complete(z[:, part] + 1, level, z)
        np.testing.assert_array_equal(whole[:, : part.start], z[:, : part.start])
        np.testing.assert_allclose(whole[:, part], z[:, part] + 1, atol=1e-6)
        np.testing.assert_allclose(whole, model.resample(whole, level, temperature=0), atol=1e-6)
    np.testing.assert_array_equal(model.complete(z, 0, z), z)


def test_each_level_has_a_job_of_its_own(deep: Run) -> None:
    keys = {find_map(deep, "tsne", 270, "test", level)[0] for level in range(4)}
    assert len(keys) == 4 and find_map(deep, "tsne", 270)[0] in keys
    job = submit_map(deep, "tsne", 270, level=2, iterations=250, early_iterations=50)
    drawn = compute_map(job, lambda: True)
    assert MapJob(job.path).spec.level == 2
    np.testing.assert_array_equal(drawn.codes, deep.codes.z[:, 1:3])


@pytest.mark.long
def test_the_page_has_a_level_where_the_model_has_several(deep: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, dict] = {}

    def remember(run: str, *, key: str, **more: object) -> panels.MapTouch:
        given[key] = more
        return panels.MapTouch(None, (), None)

    monkeypatch.setattr(panels, "latent_map", remember)
    app = open_page("latent_map", run=deep.id, maps="pca", level="3")
    box = level_box(app)
    assert not app.exception and box is not None
    assert box.options == ["All", "1 (coarse)", "2", "3 (fine)"] and box.value == 3
    assert "codes of 4 numbers" in said(app)
    shown = cached_map(given["map-0"]["map_id"])
    np.testing.assert_array_equal(shown.projection.codes, deep.codes.z[:, 3:])
    frame = render("lift", {"run": deep.id, "map_id": given["map-0"]["map_id"], "at": [0.5, -0.5]})
    part = shown.projection.lift(np.array([[0.5, -0.5]]))
    nearest = deep.codes.z[np.square(deep.codes.z[:, 3:] - part).sum(axis=1).argmin()]
    np.testing.assert_allclose(frame.readouts["z"], [*nearest[:3], *part[0]], atol=1e-5)
    box.set_value(2).run()
    assert not app.exception and app.query_params["level"] in ("2", ["2"]) and "codes of 2 numbers" in said(app)
    for view in ("Selection", "Clusters", "Quality"):
        other = open_page("latent_map", run=deep.id, maps="raw,pca", level="2", view=view, place="way")
        assert not other.exception, (view, other.exception)
    python = "\n".join(block.value for block in app.code)
    assert "z = whole[:, model.part(2)]" in python
    plain = open_page("latent_map", run=trained("vae", latent_dim=7).id, level="2")
    assert not plain.exception and level_box(plain) is None and "codes of 7 numbers" in said(plain)


def test_the_command_line_draws_a_level(deep: Run, capsys: pytest.CaptureFixture[str]) -> None:
    found = []
    for level in ("0", "3"):
        assert main(["project", deep.id, "--method", "pca", "--n", "200", "--level", level, "--json"]) == 0
        found.append(json.loads(capsys.readouterr().out.splitlines()[-1])["path"])
    assert found[0] != found[1]
    drawn = ae.project(deep.codes.z[:200, 3:], "pca").points
    np.testing.assert_allclose(np.load(found[1])["points"], drawn, atol=1e-5)
    assert main(["project", deep.id, "--method", "pca", "--level", "4"]) == 2
    assert "level must be between 0 (all) and 3, got 4" in capsys.readouterr().err
