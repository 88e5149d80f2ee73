"""Generate: draws, traversals, sliders, the plane and attributes, with the numbers and lines of Python they show."""

from __future__ import annotations

import numpy as np
import pytest
from page_driver import alone, open_page, orphaned, said, trained
from streamlit.testing.v1 import AppTest

from aeexplorer.live.frame import tiles
from aeexplorer.live.open_runs import find_open_run
from aeexplorer.live.scenes import render
from aeexplorer.ui.generate import views
from aeexplorer.ui.shared.dimensions import dimensions_of, symbol

pytestmark = pytest.mark.long

__all__ = ["alone"]  # a fixture of every test here

VIEWS = ("Sample", "Traverse", "Sliders", "Grid", "Attributes")


def generate(view: str = "Sample", **query: str) -> AppTest:
    return open_page("generate", view=view, **query)


def made(app: AppTest) -> dict[str, object]:
    """The names that the lines of Python define."""
    names: dict[str, object] = {}
    exec(str(app.code[0].value), names)
    return names


def bytes_of(x: object) -> np.ndarray:
    return np.asarray(x) * 255


def labelled(kind: object, label: str) -> object:
    return next(widget for widget in kind if widget.label == label)


def test_an_empty_home_leads_to_training() -> None:
    app = generate()
    assert not app.exception
    assert "no trained model" in said(app)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(
    ("family", "dataset", "latent_dim"),
    [("ae", "digits", 20), ("vae", "digits", 2), ("vqvae", "digits", 16), ("aae", "digits", 3), ("vae", "heartbeats", 3),
     ("ae", "wine", 1), ("ae", "two-moons", 1), ("vae", "swiss-roll", 2)],
)  # fmt: skip
def test_every_kind_of_data_and_code(view: str, family: str, dataset: str, latent_dim: int) -> None:
    trained(family, dataset, latent_dim=latent_dim, batch_size=64)
    app = generate(view)
    assert not app.exception and not app.error


@pytest.mark.parametrize(
    ("family", "words"), [("vae", "the prior"), ("ae", "A Gaussian fitted to them"), ("vqvae", "as often as")]
)
def test_draws_say_where_codes_come_from(family: str, words: str) -> None:
    trained(family, latent_dim=16)
    assert words in said(generate())


@pytest.mark.parametrize("family", ["vae", "ae"])
def test_draws_are_those_of_the_lines(family: str) -> None:
    run = trained(family, latent_dim=4)
    app = generate(seed="5", temperature="0.7")
    shown = render("sample", {"run": run.id, "n": 48, "seed": 5, "temperature": 0.7}).arrays["tiles"]
    np.testing.assert_allclose(bytes_of(made(app)["samples"]), shown, atol=0.51)
    assert "T = 0.7, seed 5" in said(app)


def test_a_standard_normal_is_none_of_an_autoencoders_own() -> None:
    run = trained("ae", latent_dim=4)
    params = {"run": run.id, "n": 8, "seed": 1}
    own, normal = (render("sample", params | {"source": source}).arrays["tiles"] for source in ("own", "normal"))
    assert (own != normal).any()
    z = np.random.default_rng(1).standard_normal((8, 4))
    np.testing.assert_allclose(bytes_of(find_open_run(run.id).explorer.decode(z)), normal, atol=0.51)


def test_where_a_draw_lies_is_told_from_what_it_looks_like() -> None:
    # a prior sample differs from every posterior mean in the dimensions that the posterior ignores
    run = trained("vae", latent_dim=16, hidden=(64,), epochs=10)
    found = find_open_run(run.id)
    readouts = render("sample", {"run": run.id, "n": 64}).readouts
    z = found.explorer.encode(found.explorer.decode(found.explorer.sample_codes(64, 0, 1.0)))
    assert readouts["near_data"] == pytest.approx(100 * (found.neighbourhood(z).status == 0).mean())


def test_dimensions_are_sorted_by_what_they_carry() -> None:
    run = trained("vae", latent_dim=8, hidden=(64,), epochs=15)
    found = find_open_run(run.id)
    dimensions = dimensions_of(found)
    explorer = found.explorer
    kl = explorer.rate(explorer.dataset.test.x[explorer.codes.index]).mean(0)
    np.testing.assert_allclose(dimensions.score, kl, rtol=1e-4)
    assert sorted(dimensions.active + dimensions.inactive) == list(range(8))
    assert [*dimensions.active] == sorted(dimensions.active, key=lambda d: -kl[d])
    alive = explorer.codes.z.var(0) > 0.01
    assert set(dimensions.active) == set(np.flatnonzero(alive).tolist())
    assert (
        dimensions.measure == "KL"
        and dimensions_of(find_open_run(trained("ae", latent_dim=3).id)).measure == "variance"
    )
    assert symbol(11) == "z₁₂"


def test_a_collapsed_model_has_nothing_but_inactive_dimensions() -> None:
    trained("beta_vae", latent_dim=3, beta=32.0, epochs=20)
    for view in ("Traverse", "Sliders"):
        app = generate(view)
        assert not app.exception and not app.error
        assert "no information about a sample" in said(app)


def test_traversals_are_those_of_the_lines() -> None:
    run = trained("ae", latent_dim=4)
    app = generate("Traverse", sample="9", reach="2")
    names = made(app)
    dims = names["dimensions"]
    shown = render("traverse", {"run": run.id, "sample": {"index": 9}, "dims": dims, "steps": 13, "reach": 2}).arrays
    for d, row in zip(dims, names["rows"], strict=True):  # type: ignore[call-overload]
        np.testing.assert_allclose(bytes_of(row), shown[f"dim_{d}"], atol=0.51)
    z = find_open_run(run.id).z
    assert names["values"][0] == pytest.approx(z[:, dims[-1]].mean() - 2 * z[:, dims[-1]].std(), rel=1e-4)  # type: ignore[index]


def test_inactive_dimensions_are_folded_away() -> None:
    run = trained("vae", latent_dim=32, hidden=(64,), epochs=10)
    dimensions = dimensions_of(find_open_run(run.id))
    assert dimensions.inactive, "the model used every dimension"
    app = generate("Traverse")
    assert set(made(app)["dimensions"]) <= set(dimensions.active)  # type: ignore[call-overload]
    group = next(b for b in app.segmented_control if b.label == "Dimensions")
    group.set_value(f"{len(dimensions.inactive)} inactive").run()
    assert set(made(app)["dimensions"]) <= set(dimensions.inactive)  # type: ignore[call-overload]


def test_sliders_begin_at_the_picked_sample() -> None:
    run = trained("vae", latent_dim=3)
    found = find_open_run(run.id)
    x = found.explorer.dataset.test.x[[21]]
    picture = made(generate("Sliders", sample="21"))["picture"]
    np.testing.assert_allclose(picture, found.explorer.reconstruct(x)[0], atol=0.01)


@pytest.mark.parametrize("family", ["vae", "ae"])
def test_the_grid_is_that_of_the_lines(family: str) -> None:
    run = trained(family, latent_dim=2)
    shown = render("grid", {"run": run.id, "n": 15, "span": 0.8}).arrays["tiles"]
    np.testing.assert_allclose(bytes_of(made(generate("Grid", span="0.8"))["pictures"]), shown, atol=0.51)


def test_only_a_plane_has_a_grid() -> None:
    trained(latent_dim=3)
    app = generate("Grid")
    assert app.query_params["view"] == "Sample"


def test_an_attribute_is_a_difference_of_means() -> None:
    run = trained("ae", latent_dim=4)
    app = generate("Attributes", sample="3", strength="0.5")
    labelled(app.selectbox, "Subtract the mean of").set_value("class:7").run()
    labelled(app.selectbox, "Add the mean of").set_value("class:1").run()
    assert "s = 0.5: 1 minus 7" in said(app)
    codes = find_open_run(run.id).explorer.codes
    direction = codes.z[codes.labels == 1].mean(0) - codes.z[codes.labels == 7].mean(0)
    z = find_open_run(run.id).explorer.encode(find_open_run(run.id).explorer.dataset.test.x[[3]])[0]
    expected = find_open_run(run.id).explorer.decode(z + 0.5 * direction)[0]
    np.testing.assert_allclose(made(app)["picture"], expected, atol=1e-5)


def test_without_classes_there_are_no_attributes() -> None:
    run = trained("ae", latent_dim=4)
    found = find_open_run(run.id)
    assert "Attributes" in views(found)
    found.explorer.codes.labels[:] = -1
    assert "Attributes" not in views(found)


@pytest.mark.parametrize("view", VIEWS)
def test_without_the_data_stored_codes_still_work(view: str) -> None:
    orphaned(trained(latent_dim=2))
    app = generate(view)
    assert not app.exception and not app.error
    assert "is not on this computer" in said(app)
    assert made(app)


def test_a_damaged_run_is_a_sentence() -> None:
    (trained(latent_dim=4).path / "codes.safetensors").unlink()
    app = generate()
    assert not app.exception
    assert app.error and "codes.safetensors is missing" in said(app)


@pytest.mark.parametrize(
    "query",
    [{"seed": "-1"}, {"seed": "1e99"}, {"seed": "x", "temperature": "nan"}, {"temperature": "50"}, {"run": "nobody"},
     {"view": "Fly"}, {"view": "Traverse", "reach": "inf", "sample": "99999999"}, {"view": "Grid", "span": "2"},
     {"view": "Attributes", "strength": "-9"}],
)  # fmt: skip
def test_unusual_links(query: dict[str, str]) -> None:
    trained(latent_dim=2)
    app = open_page("generate", **query)
    assert not app.exception and not app.error


def test_a_hierarchical_model_redraws_its_finer_levels() -> None:
    run = trained("hvae", latent_dim=6, levels=2)
    app = open_page("generate", run=run.id, view="Levels")
    assert not app.exception
    frame = render("resample", {"run": run.id, "sample": {"code": 0}, "below": 1, "n": 6, "seed": 3})
    found = find_open_run(run.id)
    z = found.explorer.resample(np.repeat(found.z[:1], 6, axis=0), below=1, seed=3)
    np.testing.assert_array_equal(frame.arrays["tiles"], tiles(found.explorer.decode(z), found.spec))
    assert frame.readouts["spread"] > 0
    kept = render("resample", {"run": run.id, "sample": {"code": 0}, "below": 2, "n": 6})
    assert kept.readouts["spread"] == pytest.approx(0, abs=1e-6)
    traversed = open_page("generate", run=run.id, view="Traverse")
    assert not traversed.exception
    box = next(box for box in traversed.button_group if str(box.key).startswith("dimensions."))
    assert list(box.options) == ["Level 1 (coarsest)", "Level 2 (finest)"], box.options


def test_other_models_have_no_view_of_levels() -> None:
    found = find_open_run(trained("vae", latent_dim=3).id)
    assert "Levels" not in views(found)
