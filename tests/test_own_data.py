"""Data that people bring: what is kept, what is refused, and that every part of the program knows them afterwards."""

from __future__ import annotations

import io
import pickle
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import aeexplorer as ae
from aeexplorer.config import ConfigError
from aeexplorer.data import find_source, is_available, load_dataset, sources
from aeexplorer.data.own import folder_of, load_own, own_data
from aeexplorer.runs.bundles import bundle, import_bundle
from aeexplorer.runs.run import Run
from aeexplorer.store import Damaged


def table(n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Rows (n, 4) of two classes."""
    random = np.random.default_rng(0)
    y = np.arange(n) % 2
    return random.standard_normal((n, 4)) * [1, 10, 0.1, 5] + 100 * y[:, None], y


def small(data: ae.Dataset, **knobs: object) -> Run:
    return ae.train(
        "vae", data, **{"hidden": (8,), "latent_dim": 2, "epochs": 2, "batch_size": 8, "bar": False} | knobs
    )


# what is kept


def test_a_table_is_standardised_by_its_training_split_and_restored() -> None:
    x, y = table()
    data = ae.dataset(x, y, name="plants", classes=("wild", "tame"), features=("a", "b", "c", "d"))
    assert data.spec.name == "own/plants" and data.spec.kind == "vector" and data.spec.classes == ("wild", "tame")
    np.testing.assert_allclose(data.train.x.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(data.train.x.std(0), 1, atol=1e-5)
    assert [len(split) for split in data.splits.values()] == [42, 9, 9]
    whole = np.concatenate([data.spec.restore(split.x) for split in data.splits.values()])
    np.testing.assert_allclose(np.sort(whole, axis=0), np.sort(x, axis=0), rtol=1e-5, atol=1e-4)
    assert data.train.x.dtype == np.float32 and not data.train.x.flags.writeable


def test_the_same_data_are_kept_once_and_others_get_a_number() -> None:
    x, y = table()
    first = ae.dataset(x, y, name="plants")
    assert ae.dataset(x, y, name="plants").spec.name == "own/plants" and len(own_data()) == 1
    other = ae.dataset(x + np.eye(60, 4), y, name="plants")
    assert other.spec.name == "own/plants-2" and other.source != first.source
    assert ae.dataset(x + np.eye(60, 4), y, name="plants").spec.name == "own/plants-2"
    assert list(sources())[-2:] == ["own/plants", "own/plants-2"]
    shutil.rmtree(folder_of("own/plants"))
    assert not is_available("own/plants") and is_available("own/plants-2")


@pytest.mark.parametrize("dtype", ["float64", "int64", "uint16", ">f4", ">i2", "float16"])
def test_every_dtype_of_numbers_gives_the_same_table(dtype: str) -> None:
    x = np.rint(table()[0]).astype(dtype)
    np.testing.assert_allclose(
        ae.dataset(x, name=f"n {dtype.strip('>')}").train.x,
        ae.dataset(x.astype(np.float64), name="exact").train.x,
        atol=2e-3,
    )


def test_names_as_labels_are_sorted_and_missing_ones_are_no_class() -> None:
    x, _ = table()
    y = np.array(["b", "a", None, "c"] * 15, dtype=object)
    data = ae.dataset(x, y, name="letters")
    assert data.spec.classes == ("a", "b", "c")
    counted = np.concatenate([split.y for split in data.splits.values()])
    assert sorted(counted.tolist()) == [-1] * 15 + [0] * 15 + [1] * 15 + [2] * 15


def test_a_data_frame_brings_the_names_of_its_columns() -> None:
    pandas = pytest.importorskip("pandas")
    x, y = table()
    frame = pandas.DataFrame(x, columns=["w", "x", "y", "z"]).assign(kind=np.where(y, "up", "down"))
    data = ae.dataset(frame, "kind", name="frame")
    assert data.spec.features == ("w", "x", "y", "z") and data.spec.classes == ("down", "up")
    with pytest.raises(ConfigError, match="column 'kind' must hold numbers"):
        ae.dataset(frame, name="frame")
    with pytest.raises(ConfigError, match="unknown column 'knd', did you mean kind"):
        ae.dataset(frame, "knd", name="frame")


def test_constant_columns_are_said_and_carry_nothing() -> None:
    x, _ = table()
    x[:, 2] = 7
    with pytest.warns(UserWarning, match="Constant in the training split, so they carry nothing: column c"):
        data = ae.dataset(x, name="flat", features=("a", "b", "c", "d"))
    assert not data.train.x[:, 2].any()
    assert own_data()["own/flat"].notices[0].startswith("Constant")


def test_sequences_are_standardised_by_channel() -> None:
    x = np.random.default_rng(0).standard_normal((40, 30, 2)) * [1, 50] + [0, 7]
    data = ae.dataset(x, name="waves", kind="sequence")
    np.testing.assert_allclose(data.train.x.std(axis=(0, 1)), 1, atol=1e-5)
    np.testing.assert_allclose(data.spec.centre, x[:28].mean((0, 1)), atol=5)


@pytest.mark.parametrize("as_what", ["uint8", "unit", "int64"])
def test_pictures_are_kept_as_bytes(as_what: str) -> None:
    x = np.random.default_rng(0).integers(0, 256, (30, 9, 8, 3), dtype=np.uint8)
    given = {"uint8": x, "unit": x / 255, "int64": x.astype(np.int64)}[as_what]
    if as_what == "int64":
        with pytest.warns(UserWarning, match="Pictures of int64 with values up to 255 are read as 0..255"):
            data = ae.dataset(given, name="pictures")
    else:
        data = ae.dataset(given, name="pictures")
    assert data.spec.kind == "image" and data.train.x.dtype == np.uint8
    assert sorted(np.concatenate([s.x for s in data.splits.values()]).sum((1, 2, 3)).tolist()) == sorted(
        x.sum((1, 2, 3)).tolist()
    )


def test_a_folder_of_pictures_has_a_class_for_each_folder(tmp_path: Path) -> None:
    for kind, colour in (("red", (255, 0, 0)), ("blue", (0, 0, 255))):
        (tmp_path / "set" / kind).mkdir(parents=True)
        for i in range(10):
            Image.new("RGBA", (12 + i % 2, 12), (*colour, 255)).save(tmp_path / "set" / kind / f"{i}.png")
    (tmp_path / "set" / "__MACOSX").mkdir()
    (tmp_path / "set" / "__MACOSX" / "x.png").write_bytes(b"junk")
    with pytest.warns(UserWarning) as noticed:
        assert ae.dataset(tmp_path / "set", name="small").spec.shape == (8, 8, 3)
        data = ae.dataset(tmp_path / "set", name="colours", size=16)
    assert "Pictures of 12 × 12 to 13 × 12 pixels are fitted into 16 × 16." in {str(w.message) for w in noticed}
    assert data.spec.shape == (16, 16, 3) and data.spec.classes == ("blue", "red")
    (tmp_path / "set" / "red" / "broken.png").write_bytes(b"\x89PNG junk")
    with pytest.warns(UserWarning) as noticed:
        assert ae.dataset(tmp_path / "set", name="greys", size=16, grey=True).spec.shape == (16, 16)
    assert "red/broken.png: it cannot be read as a picture." in {str(w.message) for w in noticed}


def test_splits_may_be_given() -> None:
    x, y = table()
    named = np.array(["train"] * 40 + ["validation"] * 8 + ["test"] * 12)
    assert [len(s) for s in ae.dataset(x, y, name="named", split=named).splits.values()] == [40, 8, 12]
    assert [len(s) for s in ae.dataset(x, y, name="shares", split=(0.5, 0.2, 0.3)).splits.values()] == [30, 12, 18]
    with pytest.raises(ConfigError, match="split must give validation at least 2 samples, got 1"):
        ae.dataset(x, y, name="thin", split=(0.68, 0.02, 0.3))
    with pytest.raises(ConfigError, match="split must be three shares above 0 that add up to 1"):
        ae.dataset(x, y, name="wrong", split=(0.5, 0.5, 0.5))


# what is refused

X, Y = table()
REFUSED = {
    "NaN": (np.where(np.eye(60, 4), np.nan, X), None, {}, r"x must be finite numbers, got nan at \[0, 0\]"),
    "infinity": (np.where(np.eye(60, 4), np.inf, X), None, {}, "x must be finite numbers, got inf"),
    "objects": (np.array([[1], [2, 3]], dtype=object), None, {}, "x must be an array of numbers of one shape, got objects"),
    "text": (np.array([["a", "b"]] * 20), None, {}, "x must be numbers, got <U1"),
    "one sample": (X[:1], None, {}, "x must have at least 14 samples, got 1"),
    "columns": (np.zeros((20, 10**6), np.float32), None, {}, "x must have 1 to 20000 values in a sample, got 1000000"),
    "labels": (X, Y[:-1], {}, r"y must have shape \(60,\), one label for each sample, got \(59,\)"),
    "label 40000": (X, np.where(np.arange(60) == 5, 40_000, Y), {}, "y must be class numbers from 0 to 999, or -1 for none, got 40000"),
    "label beyond": (X, Y, {"classes": ("one",)}, "y must be class numbers from 0 to 0, or -1 for none, got 1"),
    "halves": (X, Y + 0.5, {}, "y must be class numbers or names, got 0.5"),
    "unknown name": (X, np.where(Y, "a", "b"), {"classes": ("a", "c")}, "unknown class 'b'"),
    "the same": (np.ones((20, 3)), None, {}, "x must vary, got the same value in every training sample"),
    "pictures": (np.full((20, 8, 8), 300), None, {}, "pictures must be 0..255, or floats 0..1, got values from 300 to 300"),
    "sides": (np.zeros((20, 200, 200), np.uint8), None, {}, "must be at most 128 x 128 pixels"),
    "kind": (X, None, {"kind": "vectr"}, "unknown kind 'vectr', did you mean vector"),
    "axes": (X[:, 0], None, {}, r"x must have shape \(n, ...\) with at least two axes, got \(60,\)"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_trained_is_refused_and_nothing_is_kept(case: str, home: Path) -> None:
    x, y, options, said = REFUSED[case]
    with pytest.raises(ConfigError, match=said):
        ae.dataset(x, y, name="odd", **options)  # type: ignore[arg-type]
    assert not own_data() and not list(home.glob("data/*"))


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "x" * 61, "a\nb"])
def test_a_name_is_a_name(name: str) -> None:
    with pytest.raises(ConfigError, match="name must be 1 to 60 letters"):
        ae.dataset(X, name=name)


def test_a_pickled_npz_is_never_loaded(tmp_path: Path) -> None:
    marker = tmp_path / "ran"

    class Payload:
        def __reduce__(self) -> tuple[object, ...]:
            return (marker.write_text, ("ran",))

    np.savez(tmp_path / "bad.npz", x=np.array([Payload()] * 20, dtype=object), allow_pickle=True)
    with pytest.raises(ConfigError, match=r"x.npy in bad.npz must hold numbers or texts, got an object array"):
        ae.dataset(tmp_path / "bad.npz", name="bad")
    (tmp_path / "renamed.npz").write_bytes(pickle.dumps(Payload()))
    with pytest.raises(ConfigError, match=r"renamed.npz cannot be read as arrays of numbers"):
        ae.dataset(tmp_path / "renamed.npz", name="bad")
    assert not marker.exists()
    np.savez(tmp_path / "good.npz", x=X, y=Y)
    with pytest.warns(UserWarning, match="y: taken as the labels"):
        assert ae.dataset(tmp_path / "good.npz", name="good").spec.classes == ("0", "1")
    np.savez(tmp_path / "other.npz", z=X[0])
    with pytest.raises(ConfigError, match=r"other\.npz must hold an array of numbers with at least two axes, got z"):
        ae.dataset(tmp_path / "other.npz", name="other")


# what knows them


def test_a_run_of_own_data_is_evaluated_and_encoded_like_any_other() -> None:
    run = small(ae.dataset(X, Y, name="plants"))
    model = ae.open_run(run.path)
    assert run.spec.dataset == "own/plants" and run.spec.source == load_own("own/plants").source
    assert model.evaluate().keys() >= {"neg_elbo", "mse"} and len(model.codes.z) == 9
    assert find_source("own/plants").counts == (42, 9, 9)


def test_a_run_refuses_data_that_are_no_longer_its_own() -> None:
    run = small(ae.dataset(X, Y, name="plants"))
    shutil.rmtree(folder_of("own/plants"))
    with pytest.raises(ConfigError, match="unknown dataset 'own/plants'"):
        ae.open_run(run.path).evaluate()
    ae.dataset(X * [1, 2, 3, 4] + Y[:, None], Y, name="plants")
    with pytest.raises(ConfigError, match="own/plants differs from the data that run"):
        ae.open_run(run.path).evaluate()


def test_data_drawn_with_options_come_back_as_they_were() -> None:
    data = load_dataset("two-moons", n=200, seed=3, noise=0.2)
    assert data.spec.name == "two-moons?seed=3&n=200&noise=0.2"
    run = small(data)
    again = ae.open_run(Run(run.path)).dataset
    np.testing.assert_array_equal(again.test.x, data.test.x)
    assert find_source(data.spec.name).counts == tuple(len(s) for s in data.splits.values())
    assert load_dataset("two-moons", seed=0).spec.name == "two-moons"
    for name in ("two-moons?m=3", "two-moons?n=1", "wine?n=3", "moons?n=300"):
        with pytest.raises(ConfigError):
            find_source(name)
        with pytest.raises(ConfigError):
            load_dataset(name)


# bundles


def test_a_bundle_brings_run_and_data_into_another_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = small(ae.dataset(X, Y, name="plants"), title="Plants & <b>more</b>")
    before, packed = ae.open_run(run.path).evaluate(), bundle(run)
    monkeypatch.setenv("AEEXPLORER_HOME", str(tmp_path / "second"))
    ae.dataset(X[::-1] + 1, Y, name="plants")  # the name is taken there
    found = import_bundle(packed, owner="anna")
    assert find_source("own/plants").own and not is_available("own/plants-2"), "the data of Anna are hers"
    monkeypatch.setattr("aeexplorer.owners.local_owner", lambda: "anna")
    monkeypatch.setattr("aeexplorer.owners._find_viewer", lambda: "anna")
    assert (found.id, found.title, found.owner, found.spec.dataset) == (run.id, run.title, "anna", "own/plants-2")
    model = ae.open_run(found.id)
    assert model.evaluate() == before and model.spec.name == "own/plants-2"
    assert import_bundle(packed).id != found.id, "a second one is a run of its own"
    assert sorted(own_data()) == ["own/plants-2"]


def rewritten(packed: bytes, change: dict[str, bytes | None]) -> bytes:
    """The archive with files replaced, added, or left out."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as old, zipfile.ZipFile(out, "w") as new:
        names = dict.fromkeys([*old.namelist(), *change])
        for name in names:
            content = change[name] if name in change else old.read(name)
            if content is not None:
                new.writestr(name, content)
    return out.getvalue()


def test_what_is_no_bundle_is_refused_and_leaves_nothing(home: Path) -> None:
    run = small(load_dataset("two-moons", n=200))
    packed = bundle(run)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        spec = archive.read(f"{run.id}/spec.json")
    cases: dict[str, tuple[bytes, str]] = {
        "not a zip": (b"junk", "a bundle must be a zip archive"),
        "outside": (rewritten(packed, {"../evil.json": b"{}"}), "a bundle must hold one run folder"),
        "absolute": (rewritten(packed, {"/etc/x.json": b"{}"}), "a bundle must hold one run folder"),
        "a pickle": (rewritten(packed, {f"{run.id}/model.pt": b"x"}), "nothing but a run's JSON and safetensors, got .*model.pt"),
        "two runs": (rewritten(packed, {"other/spec.json": spec}), "a bundle must hold one run folder, got"),
        "no spec": (rewritten(packed, {f"{run.id}/spec.json": None}), "must hold the spec.json"),
        "no weights": (rewritten(packed, {f"{run.id}/weights.safetensors": None}), "weights.safetensors is missing"),
        "torn": (packed[: len(packed) // 2], "a bundle must be a zip archive"),
        "wrong weights": (rewritten(packed, {f"{run.id}/weights.safetensors": b"x" * 99}), "is not a readable safetensors file"),
        "newer": (rewritten(packed, {f"{run.id}/spec.json": spec.replace(b'"format": 1', b'"format": 9')}), "newer version"),
        "queued": (rewritten(packed, {f"{run.id}/status.json": b'{"state": "queued"}'}), "must have ended, got one that is queued"),
    }  # fmt: skip
    before = sorted(path.name for path in (home / "runs").iterdir())
    for case, (content, said) in cases.items():
        with pytest.raises((ConfigError, Damaged), match=said):
            import_bundle(content)
        assert sorted(path.name for path in (home / "runs").iterdir()) == before, case
        assert not list(home.glob(".import.*")), case


def test_a_refused_bundle_leaves_no_data(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = small(ae.dataset(X, Y, name="plants"))
    packed, (folder,) = bundle(run), (home / "data").iterdir()
    other = small(ae.dataset(X + np.eye(60, 4), Y, name="others"))
    (theirs,) = set((home / "data").iterdir()) - {folder}
    own = {name: (theirs / name).read_bytes() for name in ("spec.json", "data.safetensors")}
    spec = (run.path / "spec.json").read_bytes()
    inside = f"own-data/{folder.name}"
    monkeypatch.setenv("AEEXPLORER_HOME", str(tmp_path / "second"))
    cases: dict[str, tuple[dict[str, bytes | None], str]] = {
        "of another run": ({f"{inside}/{name}": content for name, content in own.items()}, "must have the digest"),
        "of two runs": ({f"own-data/{theirs.name}/spec.json": own["spec.json"]}, "the data of one run, got more"),
        "of none": ({f"{inside}/data.safetensors": None}, "data.safetensors is missing"),
        "described otherwise": ({f"{run.id}/spec.json": spec.replace(b'"title": "plants"', b'"title": "weeds"')},
                                "are not described as"),
    }  # fmt: skip
    for case, (change, said) in cases.items():
        with pytest.raises((ConfigError, Damaged), match=said):
            import_bundle(rewritten(packed, change))
        assert not own_data() and not list((tmp_path / "second").glob("*/*")), case
    assert other.spec.source != run.spec.source


def test_a_link_or_a_bomb_in_a_bundle_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    run = small(load_dataset("two-moons", n=200))
    packed = bundle(run)
    link = zipfile.ZipInfo(f"{run.id}/label.json")
    link.external_attr = 0o120777 << 16
    out = io.BytesIO(packed)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(ConfigError, match="nothing but a run's JSON and safetensors"):
        import_bundle(out.getvalue())
    monkeypatch.setattr("aeexplorer.runs.bundles.MOST_BYTES", 1000)
    with pytest.raises(ConfigError, match="a bundle must unpack to at most 1,000 bytes"):
        import_bundle(packed)
    monkeypatch.setattr("aeexplorer.runs.bundles.MOST_FILES", 2)
    with pytest.raises(ConfigError, match="a bundle must have at most 2 files"):
        import_bundle(packed)


# parents


def test_fine_tuning_starts_from_the_parents_weights() -> None:
    data = load_dataset("two-moons", n=300)
    parent = small(data, epochs=5)
    child = ae.train(
        "vae", load_dataset("pinwheel", n=300), start_from=parent, epochs=1, learning_rate=1e-9, batch_size=8, bar=False
    )
    assert child.spec.parent == parent.id and child.config.hidden == parent.config.hidden
    ours, theirs = ae.open_run(child.id), ae.open_run(parent.id)
    np.testing.assert_allclose(ours.encode(data.test.x), theirs.encode(data.test.x), atol=1e-4)
    with pytest.raises(ConfigError, match=r"is the parent of"):
        parent.delete()
    assert [run.id for run in parent.children()] == [child.id]
    parent.delete(although_parent=True)
    np.testing.assert_allclose(ae.open_run(child.id).encode(data.test.x), ours.encode(data.test.x))


def test_a_parent_that_does_not_fit_is_refused_by_name() -> None:
    parent = small(load_dataset("two-moons", n=300))
    with pytest.raises(
        ConfigError, match=r"start_from must be a run whose weights fit: of .* must have shape \(13,\), got \(2,\)"
    ):
        ae.train("vae", load_dataset("wine"), start_from=parent.id, batch_size=8, bar=False)
    with pytest.raises(ConfigError, match="unknown run 'nobody'"):
        ae.train("vae", load_dataset("wine"), start_from="nobody", bar=False)
