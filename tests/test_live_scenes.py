"""Scenes as pure functions: what they answer, what they refuse, and what a noise pattern keeps."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from live_runs import BLUR, COARSE, MASK, NAIVE, PLANE, RESTORE, SCORE, SEQUENCE, TURN, TWIN, copied, live_home  # noqa: F401

from aeexplorer.config import ConfigError
from aeexplorer.interpolation import lerp, slerp
from aeexplorer.live import frame
from aeexplorer.live.frame import Frame
from aeexplorer.live.map_cache import cache_map
from aeexplorer.live.open_runs import OpenRuns, find_open_run
from aeexplorer.live.scenes import SCENES, render
from aeexplorer.metrics import STATUSES
from aeexplorer.projection import project

pytestmark = pytest.mark.usefixtures("live_home")

SIXTEEN = [{"index": i} for i in range(16)]
EXAMPLES: dict[str, dict[str, Any]] = {
    "echo": {"x": 1},
    "codes": {"run": PLANE},
    "decode": {"run": PLANE, "z": [[0, 0], [1, -1]]},
    "plane": {"run": PLANE, "z": [0.5, 0.5]},
    "encode": {"run": PLANE, "sample": {"index": 3}},
    "grid": {"run": PLANE, "n": 5},
    "corners": {"run": RESTORE, "corners": [{"code": i} for i in range(4)], "rows": 3, "columns": 5, "kind": "slerp"},
    "interpolate": {"run": RESTORE, "a": {"code": 1}, "b": {"index": 2}, "kinds": ["lerp", "slerp", "pixels", "pca"]},
    "traverse": {"run": RESTORE, "sample": {"code": 1}, "dims": [3, 0]},
    "arithmetic": {"run": PLANE, "sample": {"code": 1}, "plus": [1, 2], "minus": [3], "steps": 4},
    "sample": {"run": PLANE, "n": 7, "seed": 3},
    "resample": {"run": COARSE, "sample": {"code": 1}, "below": 1, "n": 4},
    "corrupt": {"run": RESTORE, "compare_run": PLANE, "samples": SIXTEEN, "level": 0.4},
    "levels": {"run": RESTORE, "compare_run": PLANE, "samples": SIXTEEN, "points": 5},
    "beta": {"run": TURN, "twin": TWIN, "samples": SIXTEEN, "value": 2.5},
    "beta_curve": {"run": TURN},
    "trained_at": {"run": BLUR, "chains": {"masking": MASK}, "kind": "masking"},
    "anomalies": {"run": PLANE, "normal": [0, 1], "threshold": 0.05},
    "anomaly_curves": {"run": PLANE, "normal": [0, 1]},
    "lossy": {"run": RESTORE, "samples": SIXTEEN, "bits": 3},
    "lossy_curve": {"run": RESTORE},
    "restore": {"run": RESTORE, "samples": SIXTEEN[:4], "level": 0.3},
    "order": {"run": PLANE, "order": "attribute", "label": 1, "target": 2, "n": 5},
    "overfitting": {"samples": 300.0},
    "map_samples": {"run": PLANE, "index": [3, 0]},
    "lift": {"run": PLANE, "map_id": "example", "at": [0.2, -0.1]},
    "score_data": {"run": SCORE},
    "score_field": {"run": SCORE, "compare_run": NAIVE, "sigma": 0.12},
    "score_curve": {"run": SCORE, "points": 3},
    "score_particles": {"run": SCORE, "n": 20},
    "score_walk": {"run": SCORE, "compare_run": NAIVE, "sigma": 0.12, "start": [0.0, 0.3]},
}


@pytest.fixture(autouse=True)
def example_map(live_home: Path) -> None:  # noqa: F811
    """A map that a page shows."""
    cache_map("example", project(find_open_run(PLANE).z, "raw"))


def test_every_scene_has_an_example() -> None:
    assert set(EXAMPLES) == set(SCENES)


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.long
def test_frames_survive_the_wire(name: str) -> None:
    made = render(name, EXAMPLES[name])
    header, arrays = frame.decode(frame.encode(made, id="7", scene=name))
    assert header["id"] == "7" and header["names"] == list(made.arrays)
    for key, array in made.arrays.items():
        assert array.dtype.name == arrays[key].dtype.name and array.size
        np.testing.assert_array_equal(arrays[key], array)


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.long
def test_frames_depend_on_their_params_alone(name: str) -> None:
    first, second = render(name, EXAMPLES[name]), render(name, EXAMPLES[name])
    assert frame.encode(first) == frame.encode(second)


def test_echo_returns_its_params() -> None:
    assert render("echo", {"x": 1, "deep": {"y": [2]}}).readouts == {"x": 1, "deep": {"y": [2]}}


def test_decode_is_the_explorers_decode() -> None:
    z = np.array([[0.3, -0.2], [1, 1]], np.float32)
    expected = find_open_run(PLANE).explorer.decode(z)
    np.testing.assert_array_equal(
        render("decode", {"run": PLANE, "z": z.tolist()}).arrays["tiles"], np.rint(expected * 255)
    )


def test_a_code_lies_on_the_data_at_a_sample_and_off_the_map_far_away() -> None:
    found = find_open_run(PLANE)
    at = render("plane", {"run": PLANE, "z": np.median(found.z, axis=0).tolist()})
    far = render("plane", {"run": PLANE, "z": [40, -40]})
    assert at.readouts["status"] == "near the data" and far.readouts["status"] == "far from the data"
    here = render("plane", {"run": PLANE, "z": found.z[5].tolist()})
    assert here.readouts["nearest"][0] == 5 and here.readouts["distance"] < 1e-6
    by_hand = np.linalg.norm(found.z - np.array([40, -40]), axis=1)
    assert far.readouts["distance"] == pytest.approx(by_hand.min(), rel=1e-6)
    assert far.readouts["nearest"].tolist() == np.argsort(by_hand)[:6].tolist()


def test_statuses_split_the_stored_codes_as_they_say() -> None:
    found = find_open_run(PLANE)
    status = found.neighbourhood(found.z).status
    # each code counts itself among its neighbours here, so it seems a little less lonely than it is
    assert (status == STATUSES.index("near the data")).mean() >= 0.95


def test_the_map_is_the_two_principal_components_of_the_stored_codes() -> None:
    from sklearn.decomposition import PCA

    found = find_open_run(RESTORE)
    exact = PCA(2, svd_solver="full").fit(found.z.astype(np.float64))
    np.testing.assert_allclose(np.abs(found.plane.directions @ exact.components_.T), np.eye(2), atol=1e-4)
    assert found.plane.share == pytest.approx(exact.explained_variance_ratio_.sum(), rel=1e-5)
    np.testing.assert_allclose(np.abs(found.plane.place(found.z)), np.abs(exact.transform(found.z)), atol=1e-4)
    points = render("codes", {"run": RESTORE}).arrays["points"]
    np.testing.assert_array_equal(points, found.plane.place(found.z[: len(points)]))
    flat = find_open_run(PLANE)
    np.testing.assert_array_equal(flat.plane.place(flat.z), flat.z)


def test_ways_begin_and_end_where_their_samples_stand_on_the_map() -> None:
    found = find_open_run(RESTORE)
    made = render(
        "interpolate", {"run": RESTORE, "a": {"code": 1}, "b": {"code": 2}, "t": 0.25, "kinds": ["lerp", "pixels"]}
    )
    ends = found.plane.place(found.z[[1, 2]])
    np.testing.assert_allclose(made.arrays["lerp_path"][[0, -1]], ends, atol=1e-5)
    np.testing.assert_allclose(made.arrays["lerp_point"][0], ends[0] + (ends[1] - ends[0]) / 4, atol=1e-5)
    assert made.arrays["pixels_path"].shape == (9, 2) and made.arrays["pixels_point"].shape == (1, 2)


def test_only_decoded_codes_have_a_status_and_every_picture_its_distance_to_real_ones() -> None:
    params = {"run": RESTORE, "a": {"index": 1}, "b": {"index": 2}, "t": 0.5}
    found = find_open_run(RESTORE)
    made = render("interpolate", params | {"kinds": ["lerp", "slerp", "pixels", "pca"]})
    for kind in ("lerp", "slerp"):
        assert made.readouts[f"{kind}_at_status"] in STATUSES and len(made.readouts[f"{kind}_status"]) == 9
    for kind in ("pixels", "pca"):
        assert not {f"{kind}_status", f"{kind}_at_status", f"{kind}_at_distance"} & made.readouts.keys()
        assert not any(text in STATUSES for under in made.readouts[f"{kind}_steps"] for text in under)
    fade = lerp(*(found.test.x[i].ravel() / 255 for i in (1, 2)), [0.5])[0]
    real = found.test.x[found.explorer.codes.index].reshape(-1, 64) / 255
    differences = np.sqrt(np.square(real - fade).mean(1))
    assert made.readouts["pixels_at_difference"] == pytest.approx(differences.min(), rel=1e-4)
    np.testing.assert_array_equal(made.arrays["pixels_nearest"][0].ravel(), 255 * real[differences.argmin()])
    assert made.readouts["at_status"][2:] == [None, None]
    assert made.readouts["pairs"][4:6] == [["fade"], made.readouts["pixels_at_difference"]]


def test_a_mushy_corner_of_a_patch_tells_how_far_it_is_from_real_samples() -> None:
    found = find_open_run(PLANE)
    made = render("corners", {"run": PLANE, "corners": [{"index": i} for i in range(4)], "u": 0.5, "v": 0.5})
    x = made.arrays["at"][0].ravel() / 255
    real = found.test.x[found.explorer.codes.index].reshape(-1, 64) / 255
    assert made.readouts["at_difference"][0] == pytest.approx(np.sqrt(np.square(real - x).mean(1)).min(), abs=0.002)


def test_a_code_moved_on_the_map_keeps_what_the_map_does_not_show() -> None:
    found = find_open_run(RESTORE)
    z = found.z[3]
    moved = render("plane", {"run": RESTORE, "z": z.tolist(), "at": [0.5, -1.0]}).readouts
    np.testing.assert_allclose(moved["at"], [0.5, -1.0], atol=1e-5)
    way = np.asarray(moved["z"]) - z
    np.testing.assert_allclose(way - way @ found.plane.directions.T @ found.plane.directions, 0, atol=1e-5)
    stays = render("plane", {"run": RESTORE, "z": z.tolist()}).readouts
    np.testing.assert_allclose(stays["at"], found.plane.place(z[None])[0], atol=1e-6)
    with pytest.raises(ConfigError, match="at"):
        render("plane", {"run": RESTORE, "z": z.tolist(), "at": [0.5]})


def test_nearest_tiles_are_the_real_samples() -> None:
    made = render("plane", {"run": PLANE, "z": [0, 0], "neighbours": 3})
    explorer = find_open_run(PLANE).explorer
    places = explorer.codes.index[made.readouts["nearest"]]
    np.testing.assert_array_equal(made.arrays["nearest"], explorer.dataset.test.x[places])


def test_the_ellipse_is_the_posterior_of_the_nearest_sample() -> None:
    made = render("plane", {"run": PLANE, "z": [0.1, 0.1]})
    explorer = find_open_run(PLANE).explorer
    sample = explorer.dataset.test.x[explorer.codes.index[made.readouts["nearest"][:1]]]
    mean, logvar = explorer.posterior(sample)
    np.testing.assert_allclose(made.arrays["ellipse"], np.concatenate([mean[0], np.exp(logvar[0] / 2)]), rtol=1e-5)
    assert "ellipse" not in render("plane", {"run": RESTORE, "z": [0.0] * 16}).arrays


def test_without_the_data_codes_still_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = tmp_path / "runs" / "elsewhere"
    monkeypatch.setenv("AEEXPLORER_DATA_DIR", str(tmp_path / "none"))
    copied(find_open_run(PLANE).explorer.run.path, run)
    (run / "spec.json").write_text((run / "spec.json").read_text().replace('"dataset": "digits"', '"dataset": "mnist"'))
    monkeypatch.setenv("AEEXPLORER_HOME", str(tmp_path))
    made = render("plane", {"run": "elsewhere", "z": [0, 0]})
    assert made.readouts["nearest_are"] == "reconstructions" and made.arrays["nearest"].shape == (6, 8, 8)
    with pytest.raises(ConfigError, match="not on this computer"):
        render("encode", {"run": "elsewhere", "sample": {"index": 0}})


def test_a_drawing_is_read_like_the_sample_it_copies() -> None:
    picture = find_open_run(PLANE).explorer.dataset.test.x[7]
    text = base64.b64encode(picture.tobytes()).decode()
    drawn = render("encode", {"run": PLANE, "sample": {"pixels": text}})
    numbers = render("encode", {"run": PLANE, "sample": {"pixels": picture.ravel().tolist()}})
    named = render("encode", {"run": PLANE, "sample": {"index": 7}})
    for made in (drawn, numbers):
        np.testing.assert_allclose(made.readouts["z"], named.readouts["z"], atol=1e-6)
        np.testing.assert_array_equal(made.arrays["sample"][0], picture)
    assert 0 < named.readouts["share"] <= 1 and named.readouts["label"] in find_open_run(PLANE).spec.classes


def test_interpolation_begins_and_ends_at_its_samples() -> None:
    found = find_open_run(RESTORE)
    made = render("interpolate", {"run": RESTORE, "a": {"code": 1}, "b": {"code": 2}, "t": 0.25, "steps": 5})
    ends = frame.tiles(found.explorer.decode(found.z[[1, 2]]), found.spec)
    for kind in ("lerp", "slerp"):
        np.testing.assert_array_equal(made.arrays[kind][[0, -1]], ends)
    np.testing.assert_array_equal(made.arrays["pixels"][0], found.samples_at(np.array([1]))[0])
    at = frame.tiles(found.explorer.decode(slerp(found.z[1], found.z[2], np.array([0.25]))), found.spec)
    np.testing.assert_array_equal(made.arrays["slerp_at"], at)
    assert len(made.readouts["lerp_change"]) == 4 and not made.readouts["extrapolation"]
    assert render("interpolate", {"run": RESTORE, "a": {"code": 1}, "b": {"code": 2}, "t": 1.2}).readouts[
        "extrapolation"
    ]


def test_interpolation_of_two_runs_is_of_the_same_samples() -> None:
    made = render("interpolate", {"run": RESTORE, "compare_run": PLANE, "a": {"code": 1}, "b": {"code": 2}, "steps": 3})
    np.testing.assert_array_equal(made.arrays["pixels"], made.arrays["compare_pixels"])
    assert made.arrays["compare_lerp_path"].shape == made.arrays["lerp_path"].shape == (41, 2)


def test_traversals_pass_through_the_code() -> None:
    found = find_open_run(RESTORE)
    z = found.z[4]
    made = render(
        "traverse", {"run": RESTORE, "sample": {"code": 4}, "dims": [6], "low": float(z[6]), "high": 9.0, "steps": 3}
    )
    np.testing.assert_array_equal(made.arrays["dim_6"][0], made.arrays["picture"][0])
    assert (made.arrays["dim_6"][0] != made.arrays["dim_6"][2]).any()


def test_arithmetic_moves_along_the_difference_of_means() -> None:
    found = find_open_run(PLANE)
    made = render("arithmetic", {"run": PLANE, "sample": {"code": 0}, "plus": [1, 2], "minus": [3], "strength": 2})
    expected = found.z[0] + 2 * (found.z[[1, 2]].mean(0) - found.z[3])
    np.testing.assert_allclose(made.readouts["z"], expected, rtol=1e-5)
    np.testing.assert_array_equal(
        made.arrays["before"][0], frame.tiles(found.explorer.decode(found.z[0]), found.spec)[0]
    )


def test_samples_depend_on_seed_and_temperature() -> None:
    made = {
        (seed, t): render("sample", {"run": PLANE, "n": 4, "seed": seed, "temperature": t}).arrays["tiles"]
        for seed in (0, 1)
        for t in (0.0, 1.0)
    }
    assert (made[0, 1.0] != made[1, 1.0]).any()
    np.testing.assert_array_equal(made[0, 0.0], made[1, 0.0])


@pytest.mark.parametrize("kind", ["salt_and_pepper", "masking", "masking_blocks"])
def test_a_higher_level_corrupts_all_that_a_lower_one_does(kind: str) -> None:
    at = [render("corrupt", {"run": RESTORE, "samples": SIXTEEN, "kind": kind, "level": level}) for level in (0.2, 0.6)]
    changed = [made.arrays["corrupted"] != made.arrays["clean"] for made in at]
    assert changed[0].any() and (changed[1] & ~changed[0]).any()
    assert not (changed[0] & ~changed[1]).any()


def test_gaussian_noise_keeps_its_direction() -> None:
    at = [render("corrupt", {"run": RESTORE, "samples": SIXTEEN, "level": level}).arrays for level in (0.05, 0.1)]
    moved = [made["corrupted"].astype(int) - made["clean"] for made in at]
    inside = (at[1]["corrupted"] > 0) & (at[1]["corrupted"] < 255)
    assert inside.any() and (np.abs(moved[1][inside] - 2 * moved[0][inside]) <= 2).mean() > 0.95


def test_a_new_pattern_is_another_one() -> None:
    a, b = (
        render("corrupt", {"run": RESTORE, "samples": SIXTEEN, "noise_seed": s}).arrays["corrupted"] for s in (0, 1)
    )
    assert (a != b).any()


def test_corrupt_names_the_error_of_each_run() -> None:
    made = render("corrupt", EXAMPLES["corrupt"])
    alone = render("corrupt", {**EXAMPLES["corrupt"], "run": PLANE, "compare_run": None})
    assert {"mse", "psnr", "ssim", "compare_mse", "compare_psnr", "compare_ssim"} <= set(made.readouts)
    for name in ("mse", "psnr", "ssim"):
        assert made.readouts[f"compare_{name}"] == pytest.approx(alone.readouts[name], rel=1e-6)
    np.testing.assert_array_equal(made.arrays["compare_residual"], alone.arrays["residual"])


def test_levels_agree_with_corrupt() -> None:
    curve = render("levels", EXAMPLES["levels"]).arrays
    at = render("corrupt", {**EXAMPLES["corrupt"], "level": float(curve["level"][2])}).readouts
    assert curve["mse"][2] == pytest.approx(at["mse"], rel=1e-4)
    assert curve["compare_mse"][2] == pytest.approx(at["compare_mse"], rel=1e-4)


def test_sequences_travel_as_numbers() -> None:
    made = render("corrupt", {"run": SEQUENCE, "samples": [{"index": 0}, {"index": 1}], "level": 0.1})
    spec = find_open_run(SEQUENCE).spec
    assert made.arrays["reconstruction"].dtype == np.float32 and made.arrays["reconstruction"].shape == (2, *spec.shape)
    assert "ssim" not in made.readouts and made.readouts["mse"] > 0


@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        ("dance", {}, "unknown scene"),
        ("decode", {"run": PLANE, "z": [[0, 0]] * 401}, "z must have|z.*400"),
        ("decode", {"run": PLANE, "z": [[0, 0, 0]]}, "z must have 2 values, got 3"),
        ("decode", {"run": PLANE, "z": [[float("nan"), 0]]}, "finite"),
        ("decode", {"run": PLANE, "z": [["a", 0]]}, "number"),
        ("decode", {"run": PLANE}, "z: field required|z must"),
        ("plane", {"run": "../../etc", "z": [0, 0]}, "run must be an id"),
        ("plane", {"run": "/etc", "z": [0, 0]}, "run must be an id"),
        ("plane", {"run": "nothing-here", "z": [0, 0]}, "unknown run"),
        ("plane", {"run": PLANE, "z": [0, 0], "extra": 1}, "unknown"),
        ("grid", {"run": RESTORE}, "code of 2 values"),
        ("grid", {"run": PLANE, "n": 1000}, "n must be"),
        ("encode", {"run": PLANE, "sample": {}}, "sample must name one"),
        ("encode", {"run": PLANE, "sample": {"index": 1, "code": 1}}, "sample must name one"),
        ("encode", {"run": PLANE, "sample": {"index": 10**6}}, "index must be less than"),
        ("encode", {"run": PLANE, "sample": {"code": 10**6}}, "code must be less than"),
        ("encode", {"run": PLANE, "sample": {"pixels": [0.0] * 63}}, "pixels must hold 64 values"),
        ("encode", {"run": PLANE, "sample": {"pixels": "not base64"}}, "base64"),
        ("interpolate", {"run": PLANE, "a": {"code": 0}, "b": {"code": 1}, "t": 9}, "t must be"),
        (
            "interpolate",
            {"run": PLANE, "compare_run": SEQUENCE, "a": {"code": 0}, "b": {"code": 1}},
            "compare_run must",
        ),
        ("traverse", {"run": PLANE, "sample": {"code": 0}, "dims": [2]}, "dims must be less than 2"),
        ("traverse", {"run": RESTORE, "sample": {"code": 0}, "steps": 33}, "steps must be at most"),
        ("arithmetic", {"run": PLANE, "sample": {"code": 0}, "plus": [], "minus": [1]}, "plus"),
        ("sample", {"run": PLANE, "n": 10**6}, "n must be"),
        ("corrupt", {"run": RESTORE, "samples": SIXTEEN * 3}, "samples"),
        ("corrupt", {"run": RESTORE, "samples": SIXTEEN, "level": 1.01}, "level must be"),
        ("corrupt", {"run": RESTORE, "samples": SIXTEEN, "kind": "smoke"}, "kind must be"),
        ("score_data", {"run": PLANE}, "run must be of samples of 2 values, got image data"),
        ("score_field", {"run": SCORE, "sigma": 0.05}, "sigma must be between 0.1 and 0.2, at which run was trained"),
        ("score_field", {"run": SCORE, "sigma": 0}, "sigma must be greater than 0"),
        ("score_field", {"run": SCORE, "compare_run": RESTORE}, "compare_run must be of two-moons, got one of digits"),
        ("score_walk", {"run": SCORE, "start": [0.0]}, "start"),
        ("score_walk", {"run": SCORE, "start": [0.0, float("inf")]}, "start.*finite"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(name: str, params: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        render(name, params)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 400


def test_frames_refuse_what_a_browser_cannot_read() -> None:
    with pytest.raises(TypeError, match="array x must be uint8 or float32, got float64"):
        frame.encode(Frame({"x": np.zeros(3)}))


def test_readouts_travel_without_nan() -> None:
    header, _ = frame.decode(frame.encode(Frame(readouts={"a": float("nan"), "b": [np.float32(np.inf), 1]})))
    assert header["readouts"] == {"a": None, "b": [None, 1]}


def test_the_shelf_opens_a_run_again_when_its_weights_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = find_open_run(PLANE).explorer.run.path
    monkeypatch.setenv("AEEXPLORER_HOME", str(tmp_path))
    for name in ("one", "two", "three"):
        copied(original, tmp_path / "runs" / name)
    shelf = OpenRuns(capacity=2)
    one = shelf.find("one")
    assert shelf.find("one") is one
    weights = tmp_path / "runs" / "one" / "weights.safetensors"
    weights.write_bytes((original / "weights.safetensors").read_bytes())
    again = shelf.find("one")
    assert again is not one
    shelf.find("two"), shelf.find("three")
    assert shelf.find("one") is not again
    shutil.rmtree(tmp_path / "runs" / "one")
    with pytest.raises(ConfigError, match="unknown run"):
        shelf.find("one")
